"""Requests to Microsoft Graph over one keep-alive HTTP session."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from ..exceptions import UnreachableError
from ..providers.base import AccessToken
from ..providers.http_session import open_session
from .graph_replies import Answer

#: Seconds after which a connection is not used again. Front ends close idle ones after some
#: minutes, and a request written into a closing connection ends in an unknown delivery.
IDLE_LIMIT = 45.0


class Body:
    """A request body that knows how far it was sent.

    ``http.client`` reads the next block only after the last one was written to the socket. The
    read that finds nothing more is therefore the proof that everything was written, and a
    request that broke before it was incomplete: its ``Content-Length`` was never reached.
    Reading in blocks also lets the connection's time-out hold for a block.
    """

    def __init__(self, content: bytes):
        self._file = io.BytesIO(content)
        self._size = len(content)
        #: the headers were written and the body is on its way
        self.begun = False
        #: everything was written to the socket
        self.sent = False

    def __len__(self):
        return self._size

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes."""
        block = self._file.read(size)
        self.begun, self.sent = True, not block
        return block


class Base64Body(Body):
    """A body that is encoded while it is read."""

    def __len__(self):
        return (self._size + 2) // 3 * 4

    def read(self, size: int = -1) -> bytes:
        """Return about ``size`` bytes of base64, never more unless ``size`` is below four."""
        return base64.b64encode(super().read(size if size < 0 else max(size // 4, 1) * 3))


class GraphHttp:
    """Sends requests and reads answers; a lost or idle connection is made anew.

    :param open_http: makes the HTTP session
    :param now: clock in seconds since the epoch
    :param monotonic: clock in seconds that never goes back
    """

    def __init__(self, *, open_http=open_session, now=time.time, monotonic=time.monotonic):
        self._open_http = open_http
        self._now = now
        self._monotonic = monotonic
        self._session = None
        self._used_at = 0.0
        #: see :attr:`.session.MailSession.transcript`
        self.transcript = None

    def close(self) -> None:
        """Drop the connections; the next request opens another."""
        if self._session:
            self._session.close()
        self._session = None

    def request(
        self,
        method: str,
        url: str,
        *,
        token: AccessToken | None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        **options,
    ) -> Answer:
        """Send a request and return its answer, whatever its status.

        :param token: ``None`` where the URL itself is the permission, and therefore a secret
        :param options: ``params`` and ``timeout`` of :mod:`requests`
        :raises UnreachableError: no answer; ``body`` tells how far the request came
        """
        authorization = {"Authorization": f"Bearer {token.value}"} if token else {}
        self._note_request(method, url if token else _host(url), body)
        try:
            response = self._open().request(
                method, url, data=body, headers={**authorization, **(headers or {})}, **options
            )
        except UnreachableError as error:
            self.close()
            # Lost within the request: the next mail finds out whether the way to Graph is.
            error.stops_mailbox = error.key == "redirect_refused" or not (body and body.begun)
            raise
        self._used_at = self._monotonic()
        answer = Answer.parse(
            response.status_code, response.headers, _json(response), now=self._now
        )
        if self.transcript:
            self.transcript.received(f"{answer} (request {answer.request_id})")
        return answer

    def _note_request(self, method, url, body):
        if self.transcript:
            size = f" ({len(body)} bytes)" if body else ""
            self.transcript.sent(f"{method} {url}{size}")

    def _open(self):
        """Return the HTTP session, a new one where the old one idled too long."""
        if self._session and self._monotonic() - self._used_at > IDLE_LIMIT:
            self.close()
        if not self._session:
            self._session = self._open_http()
        return self._session


def _host(url):
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/…"


def _json(response):
    try:
        return response.json()
    except ValueError:
        return None
