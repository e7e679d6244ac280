"""Microsoft Graph's sendMail with MIME content, over one keep-alive HTTP session.

https://learn.microsoft.com/graph/api/user-sendmail
"""

from __future__ import annotations

import base64
import time
from urllib.parse import quote

from ..exceptions import DeliveryUnknownError, RefusedError, UnreachableError
from ..providers.http_session import open_session
from .delivery import SubmissionResult
from .envelope import to_graph_mime
from .graph_replies import TOKEN_REFUSED_KEYS, Answer, classify
from .session import MailSession

#: Graph takes requests up to 4 MB, and the body is the MIME in base64.
#: https://learn.microsoft.com/graph/api/user-post-messages
REQUEST_LIMIT = 4 * 1024 * 1024
MIME_LIMIT = REQUEST_LIMIT // 4 * 3

#: Seconds after which a connection is not used again. Front ends close idle ones after some
#: minutes, and a request written into a closing connection ends in an unknown delivery.
IDLE_LIMIT = 45.0

_NOT_BASE64 = b"*"


class GraphSession(MailSession):
    """One mailbox at Microsoft Graph.

    :param api_url: e.g. ``https://graph.microsoft.com``, without a trailing slash
    :param account: address that signed in; if it is not ``mailbox``, the mail goes out through
        ``/users/{mailbox}``, which needs Send As and Full Access
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
        open_http=open_session,
        now=time.time,
        monotonic=time.monotonic,
        **session,
    ):
        super().__init__(**session)
        self._url = _send_mail_url(api_url, self.mailbox, account)
        self._open_http = open_http
        self._now = now
        self._monotonic = monotonic
        self._http = None
        self._used_at = 0.0
        self.max_size = MIME_LIMIT

    def close(self) -> None:
        """Drop the connections; the next mail opens another."""
        if self._http:
            self._http.close()
        self._http = None

    def _open(self, force_token: bool) -> None:
        """Only fetch a token: Graph has nothing to log in to, the connection comes with a mail."""
        self._get_token(force_token)

    def _submit(self, message, from_addr, delivery, force_token) -> None:
        token = self._get_token(force_token)
        while delivery.part:
            delivery.served(self._send(to_graph_mime(message, delivery.part), token))

    def _send(self, mime: bytes, token) -> SubmissionResult:
        if len(mime) > MIME_LIMIT:
            raise RefusedError(
                "message_too_large", details={"size": len(mime), "limit": MIME_LIMIT}
            )
        answer = self._post(Base64Body(mime), token)
        if answer.status != 202:
            raise classify(answer)
        return SubmissionResult("202 Accepted", answer.request_id)

    def _verify(self, sender, force_token):
        """Post what is no base64: the documented complaint comes after token and permission."""
        answer = self._post(_NOT_BASE64, self._get_token(force_token))
        if answer.code == "ErrorMimeContentInvalidBase64String":
            return
        error = classify(answer)
        if isinstance(error, DeliveryUnknownError):  # there was nothing to deliver
            raise UnreachableError("graph_unexpected_answer", provider_text=str(answer))
        raise error

    def _post(self, body: Base64Body | bytes, token) -> Answer:
        headers = {"Authorization": f"Bearer {token.value}", "Content-Type": "text/plain"}
        if self.transcript:
            self.transcript.sent(f"POST {self._url} ({len(body)} bytes)")
        try:
            response = self._session().post(self._url, data=body, headers=headers)
        except UnreachableError as error:
            self.close()
            if error.key == "redirect_refused":
                raise
            if getattr(body, "sent", False):
                raise DeliveryUnknownError(provider_text=str(error)) from error
            # Lost within the mail: the next one finds out whether the way to Graph is.
            error.stops_mailbox = not getattr(body, "begun", False)
            raise
        self._used_at = self._monotonic()
        answer = Answer.parse(
            response.status_code, response.headers, _json(response), now=self._now
        )
        if self.transcript:
            self.transcript.received(f"{answer} (request {answer.request_id})")
        return answer

    def _session(self):
        """Return the HTTP session, a new one where the old one idled too long."""
        if self._http and self._monotonic() - self._used_at > IDLE_LIMIT:
            self.close()
        if not self._http:
            self._http = self._open_http()
        return self._http


class Base64Body:
    """A request body that encodes while it is read, and knows whether it was sent.

    ``http.client`` reads the next block only after the last one was written to the socket. The
    read that finds nothing more is therefore the proof that everything was written, and a
    request that broke before it was incomplete: its ``Content-Length`` was never reached.
    """

    def __init__(self, content: bytes):
        self._content = memoryview(content)
        self._position = 0
        #: everything was written to the socket
        self.sent = False

    def __len__(self):
        return (len(self._content) + 2) // 3 * 4

    @property
    def begun(self) -> bool:
        """Whether the headers were written and the body is on its way."""
        return self._position > 0

    def read(self, size: int = -1) -> bytes:
        """Return about ``size`` bytes of base64, never more unless ``size`` is below four."""
        step = len(self._content) if size < 0 else max(size // 4, 1) * 3
        block = self._content[self._position : self._position + step]
        self._position += len(block)
        self.sent = not block
        return base64.b64encode(block)


def _send_mail_url(api_url: str, mailbox: str, account: str) -> str:
    own = mailbox.casefold() == account.casefold()
    user = "me" if own else f"users/{quote(mailbox, safe='@')}"
    return f"{api_url}/v1.0/{user}/sendMail"


def _json(response):
    try:
        return response.json()
    except ValueError:
        return None
