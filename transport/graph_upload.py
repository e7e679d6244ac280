"""An attachment that goes up in pieces, and goes on after a lost connection.

https://learn.microsoft.com/graph/outlook-large-attachments
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from ..exceptions import ConfigurationError, TransientError, UnreachableError
from .graph_http import Body
from .graph_replies import Answer, classify_unsent

#: Bytes of one piece: below the 4 MB that Microsoft advises, and a multiple of 320 KiB.
PIECE = 12 * 320 * 1024

#: Times that a piece may get lost before the whole mail is tried again later.
_LOSSES = 3

#: Where Exchange Online takes files, beside the host of Graph itself. The address comes from
#: Graph and holds a permission; it must not lead what belongs to a mail anywhere else.
#: https://learn.microsoft.com/microsoft-365/enterprise/urls-and-ip-address-ranges
_UPLOAD_DOMAINS = (
    "outlook.com",
    "outlook.office.com",
    "outlook.office365.com",
    "outlook.office365.us",
    "outlook-dod.office365.us",
    "partner.outlook.cn",
)


#: Answers after which a piece may be sent again at once.
_PASSING = (500, 502, 503, 504)

#: An upload session that is no more, or disagrees about where it stands.
_GONE = (401, 404, 409, 410, 416)


class Upload:
    """One file on its way up.

    :param http: :class:`.graph_http.GraphHttp`
    :param open_session: asks Graph for an upload session and returns the answer
    :param api_url: any address of Graph; files may go to its host too
    """

    def __init__(self, http, open_session: Callable[[], Answer], api_url: str):
        self._http = http
        self._open_session = open_session
        self._api = urlsplit(api_url)
        self._url = ""
        self._losses = 0
        self._sessions = 0

    def run(self, content: bytes) -> None:
        """Bring the file up.

        :raises MailOAuth2Error: see :func:`.graph_replies.classify_unsent`
        """
        self._begin()
        position = 0
        while True:
            answer = self._put(content, position)
            if answer is None:
                position = self._position_after_loss(position, len(content))
            elif answer.status == 201:
                return
            elif answer.status in _GONE:
                self._begin_again(answer)
                position = 0
            else:
                position = _next_position(answer, position, len(content))

    def _begin(self):
        answer = self._open_session()
        url = answer.text("uploadUrl")
        if answer.status != 201 or not url:
            raise classify_unsent(answer)
        self._url = self._checked(url)
        self._sessions += 1

    def _begin_again(self, answer):
        """Open another session, as the first one has run out.

        Not after a loss: perhaps the piece that got lost was the last one, the session has come
        to its end, and the mail would carry the file twice.
        """
        if self._losses or self._sessions > 1:
            raise _lost(answer)
        self._begin()

    def _checked(self, url):
        parts = urlsplit(url)
        host = parts.hostname or ""
        known = any(host == name or host.endswith(f".{name}") for name in _UPLOAD_DOMAINS)
        usual = known and parts.port in (None, 443)
        if parts.scheme != "https" or not (usual or parts.netloc == self._api.netloc):
            raise ConfigurationError("graph_upload_host", details={"host": host})
        return url

    def _put(self, content, position) -> Answer | None:
        """Send a piece and return the answer; ``None`` where the piece got lost."""
        piece = content[position : position + PIECE]
        end = position + len(piece) - 1
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Range": f"bytes {position}-{end}/{len(content)}",
        }
        try:
            answer = self._http.request(
                "PUT", self._url, token=None, body=Body(piece), headers=headers
            )
            if answer.status not in _PASSING:
                return answer
            raise classify_unsent(answer)
        except TransientError as error:
            self._losses += 1
            if self._losses > _LOSSES or error.retry_after is not None:
                raise
            return None

    def _position_after_loss(self, position, size) -> int:
        """Return where to go on; where that is not told, from the lost piece."""
        try:
            answer = self._http.request("GET", self._url, token=None)
        except UnreachableError:
            return position
        if answer.status in _GONE:
            raise _lost(answer)
        told = answer.next_position if answer.status == 200 else None
        return position if told is None or not 0 <= told < size else told


def _next_position(answer, position, size) -> int:
    """Return what the answer to a piece asks for."""
    told = answer.next_position
    if answer.status not in (200, 202) or told is None or not position < told < size:
        raise classify_unsent(answer)
    return told


def _lost(answer) -> TransientError:
    return TransientError("graph_upload_lost", provider_text=str(answer), stops_mailbox=False)
