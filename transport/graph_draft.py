"""A mail above Graph's limit for one request: a draft, its files one by one, and then *send*.

The draft is made of MIME without the large files, because a draft made of JSON loses
In-Reply-To, References and every header that does not begin with ``X-``.
https://learn.microsoft.com/graph/api/user-post-messages
https://learn.microsoft.com/graph/outlook-large-attachments
"""

from __future__ import annotations

import base64
import contextlib
import json
from urllib.parse import quote

from ..exceptions import DeliveryUnknownError, MailOAuth2Error, UnreachableError
from ..providers.network_errors import NOTHING_SENT_KEYS
from .attachments import Attachment
from .graph_http import Base64Body, Body
from .graph_replies import classify, classify_unsent
from .graph_upload import Upload

#: Graph takes requests up to 4 MB.
REQUEST_LIMIT = 4 * 1024 * 1024

#: Files from this size on, and those that fit no request, go up in pieces; smaller ones must not.
SESSION_SIZE = 3 * 1024 * 1024

#: Seconds that Graph may take to answer *send*: it works on the whole mail, and giving up means
#: not to know.
_SEND_TIMEOUT = 110.0

#: The id stays when the mail moves to Sent Items, so that it can be found there.
#: https://learn.microsoft.com/graph/outlook-immutable-id#immutable-id-with-sending-mail
_IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}


class Draft:
    """A draft in a mailbox. Until :meth:`send` nobody gets anything.

    :param http: :class:`.graph_http.GraphHttp`
    :param get_token: called for every request, because large files take their time
    :param mailbox_url: ``…/v1.0/me`` or ``…/v1.0/users/{mailbox}``
    """

    def __init__(self, http, get_token, mailbox_url: str, draft_id: str = ""):
        self._http = http
        self._get_token = get_token
        self._mailbox_url = mailbox_url
        self.id = draft_id

    def create(self, mime: bytes) -> None:
        """Put the mail without its large files into Drafts.

        :raises MailOAuth2Error: see :func:`.graph_replies.classify_unsent`, as all others here
        """
        headers = {"Content-Type": "text/plain"}
        answer = self._request("POST", f"{self._mailbox_url}/messages", Base64Body(mime), headers)
        if answer.status != 201 or not answer.text("id"):
            raise classify_unsent(answer)
        self.id = answer.text("id")

    def attach(self, file: Attachment) -> None:
        """Add a file."""
        content = file.content()
        description = {
            "name": file.name,
            "contentType": file.content_type,
            "isInline": file.is_inline,
            **({"contentId": file.content_id} if file.content_id else {}),
        }
        if not self._attach_at_once(description, content):
            self._attach_in_pieces(description, content)

    def send(self) -> str:
        """Send it; return the request's id.

        :raises DeliveryUnknownError: with ``draft_id`` among its details
        """
        try:
            answer = self._post("send", b"", timeout=_SEND_TIMEOUT)
            if answer.status != 202:
                raise classify(answer)
        except UnreachableError as error:
            if error.key in NOTHING_SENT_KEYS | {"redirect_refused"}:
                raise
            raise DeliveryUnknownError(
                provider_text=str(error), details={"draft_id": self.id}
            ) from error
        except DeliveryUnknownError as error:
            error.details["draft_id"] = self.id
            raise
        return answer.request_id

    def discard(self) -> None:
        """Delete it, if that can be done: a draft that stays harms nobody."""
        with contextlib.suppress(MailOAuth2Error):
            self.delete()

    def delete(self) -> None:
        """Delete it."""
        answer = self._request("DELETE", self._url())
        if answer.status != 204:
            raise classify_unsent(answer)

    def is_draft(self) -> bool | None:
        """Whether it lies there still, or was sent (its id stays); ``None``: neither is found."""
        answer = self._request("GET", self._url(), params={"$select": "isDraft"})
        found = answer.content.get("isDraft")
        if answer.status == 200 and isinstance(found, bool):
            return found
        error = classify_unsent(answer)
        if error.key == "graph_item_not_found":
            return None
        raise error

    def _attach_at_once(self, description, content) -> bool:
        """Add a small file; return whether it is one."""
        if len(content) >= SESSION_SIZE:
            return False
        kind = {"@odata.type": "#microsoft.graph.fileAttachment"}
        encoded = {"contentBytes": base64.b64encode(content).decode("ascii")}
        body = json.dumps({**kind, **description, **encoded}).encode()
        if len(body) > REQUEST_LIMIT:
            return False
        answer = self._post("attachments", body)
        if answer.status != 201:
            raise classify_unsent(answer)
        return True

    def _attach_in_pieces(self, description, content):
        item = {"attachmentType": "file", "size": len(content), **description}

        def open_session():
            path = "attachments/createUploadSession"
            return self._post(path, json.dumps({"AttachmentItem": item}).encode())

        Upload(self._http, open_session, self._mailbox_url).run(content)

    def _post(self, path, content, **options):
        headers = {"Content-Type": "application/json"}
        return self._request("POST", self._url(path), Body(content), headers, **options)

    def _url(self, path=""):
        url = f"{self._mailbox_url}/messages/{quote(self.id, safe='=')}"
        return f"{url}/{path}" if path else url

    def _request(self, method, url, body=None, headers=None, **options):
        return self._http.request(
            method,
            url,
            token=self._get_token(),
            body=body,
            headers={**_IMMUTABLE, **(headers or {})},
            **options,
        )
