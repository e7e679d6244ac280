"""One mailbox at Microsoft Graph: mail goes out as MIME, and is found again in Sent Items.

https://learn.microsoft.com/graph/api/user-sendmail
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime
from enum import Enum
from urllib.parse import quote

from ..exceptions import (
    DeliveryUnknownError,
    MailOAuth2Error,
    RefusedError,
    UnreachableError,
)
from ..providers.http_session import open_session
from .attachments import detached
from .delivery import SubmissionResult
from .envelope import normalised, to_graph_mime
from .graph_draft import REQUEST_LIMIT, Draft
from .graph_http import Base64Body, Body, GraphHttp
from .graph_replies import TOKEN_REFUSED_KEYS, Answer, classify
from .graph_sent_items import recipients_of
from .message_tree import rough_size
from .session import MailSession

#: The body of a request is the MIME in base64.
MIME_LIMIT = REQUEST_LIMIT // 4 * 3

#: Largest mail of the largest mailbox; 35 MB are usual, and Graph refuses what is above.
#: https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailbox (MaxSendSize)
MAIL_LIMIT = 150 * 1024 * 1024

#: Bytes left for headers and line ends where a mail is cut down to fit one request.
_HEADROOM = 256 * 1024

_NOT_BASE64 = b"*"


class DraftFate(Enum):
    """What became of a draft: it was not sent and is deleted now, it was sent, or who knows."""

    RECALLED = "recalled"
    SENT = "sent"
    GONE = "gone"


class GraphSession(MailSession):
    """One mailbox at Microsoft Graph.

    :param api_url: e.g. ``https://graph.microsoft.com``, without a trailing slash
    :param account: address that signed in; if it is not ``mailbox``, the mail goes out through
        ``/users/{mailbox}``, which needs Send As and Full Access
    :param read_write: the tokens carry Mail.ReadWrite (of a shared mailbox
        Mail.ReadWrite.Shared): mail above :data:`MIME_LIMIT` goes out by way of a draft, and
        :meth:`find_sent` works
    :param open_http: makes the HTTP session
    :param now: clock in seconds since the epoch
    :param monotonic: clock in seconds that never goes back
    """

    token_refused_keys = TOKEN_REFUSED_KEYS

    def __init__(
        self,
        *,
        api_url: str,
        account: str,
        read_write: bool = False,
        open_http=open_session,
        now=time.time,
        monotonic=time.monotonic,
        **session,
    ):
        self._http = GraphHttp(open_http=open_http, now=now, monotonic=monotonic)
        super().__init__(**session)
        self._url = _mailbox_url(api_url, self.mailbox, account)
        self.can_look_up = read_write
        own = self._url.endswith("/me")
        # Files above 3 MB cannot be put into somebody else's mailbox, says a known issue.
        self.max_size = MAIL_LIMIT if read_write and own else MIME_LIMIT

    @property
    def transcript(self):
        """See :class:`MailSession`."""
        return self._http.transcript

    @transcript.setter
    def transcript(self, transcript):
        self._http.transcript = transcript

    def close(self) -> None:
        """Drop the connections; the next mail opens another."""
        self._http.close()

    def find_sent(self, message_id: str, recipients: Collection[str], since: datetime) -> bool:
        """See :meth:`MailSession.find_sent`.

        Exchange may give a mail another Message-ID, and a copy takes a while to appear. So
        "not found" counts only if a mail that is known to be accepted, at about the same time
        and from the same mailbox, *is* found.
        """
        found = self._repeat_with_fresh_token(
            lambda force: recipients_of(
                self._http, self._get_token(force), self._url, message_id, since
            )
        )
        return bool(recipients) and found.issuperset(map(normalised, recipients))

    def recall_draft(self, draft_id: str) -> DraftFate:
        """Find out what became of the draft of an unknown delivery; delete it if it lies there.

        :param draft_id: among the details of :class:`DeliveryUnknownError`
        :raises MailOAuth2Error: it could not be looked up
        """
        return self._repeat_with_fresh_token(lambda force: self._recall(draft_id, force))

    def _recall(self, draft_id, force_token) -> DraftFate:
        self._get_token(force_token)
        draft = self._draft(draft_id)
        is_draft = draft.is_draft()
        if is_draft:
            draft.delete()
            return DraftFate.RECALLED
        return DraftFate.GONE if is_draft is None else DraftFate.SENT

    def _open(self, force_token: bool) -> None:
        """Only fetch a token: Graph has nothing to log in to, the connection comes with a mail."""
        self._get_token(force_token)

    def _submit(self, message, from_addr, delivery, force_token) -> None:
        token = self._get_token(force_token)
        while delivery.part:
            request_id = self._send(message, delivery.part, token)
            delivery.served(SubmissionResult("202 Accepted", request_id))

    def _send(self, message, recipients, token) -> str:
        """Send the mail in the way its size asks for; return the request's id."""
        size = rough_size(message)
        if size <= MIME_LIMIT:
            mime = to_graph_mime(message, recipients)
            size = len(mime)
            if size <= MIME_LIMIT:
                return self._send_at_once(mime, token)
        if self.can_look_up and size <= MAIL_LIMIT:
            return self._send_by_draft(message, recipients, size)
        raise _too_large(size, MAIL_LIMIT if self.can_look_up else MIME_LIMIT)

    def _send_at_once(self, mime: bytes, token) -> str:
        body = Base64Body(mime)
        try:
            answer = self._post(body, token)
        except UnreachableError as error:
            if body.sent and error.key != "redirect_refused":
                raise DeliveryUnknownError(provider_text=str(error)) from error
            raise
        if answer.status != 202:
            raise classify(answer)
        return answer.request_id

    def _send_by_draft(self, message, recipients, size) -> str:
        rest, files = detached(message, MIME_LIMIT - _HEADROOM)
        mime = to_graph_mime(rest, recipients)
        if len(mime) > MIME_LIMIT:
            raise _too_large(size, MIME_LIMIT)
        draft = self._draft()
        draft.create(mime)
        try:
            for file in files:
                draft.attach(file)
            return draft.send()
        except MailOAuth2Error as error:
            if not isinstance(error, DeliveryUnknownError):
                draft.discard()
            raise

    def _draft(self, draft_id="") -> Draft:
        return Draft(self._http, lambda: self._get_token(False), self._url, draft_id)

    def _verify(self, sender, force_token):
        """Post what is no base64: the documented complaint comes after token and permission."""
        answer = self._post(Body(_NOT_BASE64), self._get_token(force_token))
        if answer.code == "ErrorMimeContentInvalidBase64String":
            return
        error = classify(answer)
        if isinstance(error, DeliveryUnknownError):  # there was nothing to deliver
            raise UnreachableError("graph_unexpected_answer", provider_text=str(answer))
        raise error

    def _post(self, body: Body, token) -> Answer:
        url, headers = f"{self._url}/sendMail", {"Content-Type": "text/plain"}
        return self._http.request("POST", url, token=token, body=body, headers=headers)


def _mailbox_url(api_url: str, mailbox: str, account: str) -> str:
    own = mailbox.casefold() == account.casefold()
    user = "me" if own else f"users/{quote(mailbox, safe='@')}"
    return f"{api_url}/v1.0/{user}"


def _too_large(size: int, limit: int) -> RefusedError:
    return RefusedError("message_too_large", details={"size": size, "limit": limit})
