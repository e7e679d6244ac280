"""What leaves over SMTP, made while it is sent: a large file is never held twice."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Iterator
from email.message import Message

from .message_tree import leaves, with_substitutes
from .serialisation import to_bytes

#: Characters of base64 from which on a part is not written into memory once more.
LARGE = 64 * 1024


class Content:
    """The bytes of a message with CRLF line ends.

    :param pieces: ``bytes`` as they leave, or ``str``: the base64 of a file as :mod:`email`
        keeps it, in lines that end in LF. Each piece begins with a line, or with what ends one
    """

    def __init__(self, *pieces: bytes | str):
        self._pieces = pieces

    def __len__(self):
        return sum(len(piece) + _missing_returns(piece) for piece in self._pieces)

    def isascii(self) -> bool:
        """Whether a server without 8BITMIME takes it."""
        return all(piece.isascii() for piece in self._pieces)

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yield the content in blocks of whole lines, each of about ``size`` bytes."""
        for piece in self._pieces:
            newline = "\n" if isinstance(piece, str) else b"\n"
            start = 0
            while start < len(piece):
                end = piece.find(newline, start + size - 1) + 1 or len(piece)
                block = piece[start:end]
                yield block.replace("\n", "\r\n").encode() if isinstance(block, str) else block
                start = end


def _missing_returns(piece):
    return piece.count("\n") if isinstance(piece, str) else 0


def to_content(message: Message, **options) -> Content:
    """Serialise with CRLF line ends; the message is left as it is.

    :mod:`email` holds several copies of a large file while it writes it, and takes its time
    over every line. So large ones are written as a mark, and put where it stands.

    :param options: of :func:`.serialisation.to_bytes`
    :raises RefusedError: ``message_malformed``
    """
    files = list(_large_files(message))
    marks = [secrets.token_hex(24) for _file in files]  # nobody can have guessed them
    substitutes = {
        id(part): _with_payload(part, mark)
        for (part, _base64), mark in zip(files, marks, strict=True)
    }
    rest = to_bytes(with_substitutes(message, substitutes), **options)
    pieces: list[bytes | str] = []
    for (_part, base64), mark in zip(files, marks, strict=True):
        before, _mark, rest = rest.partition(mark.encode())
        pieces += [before, base64]
    return Content(*pieces, rest)


def _large_files(message) -> Iterator[tuple[Message, str]]:
    """Yield the parts that are written as a mark, each with its base64."""
    for part, _parent in leaves(message):
        payload = part.get_payload()
        if (
            isinstance(payload, str)
            and len(payload) >= LARGE
            and str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64"
            and payload.isascii()
            and "\r" not in payload
        ):
            yield part, payload


def _with_payload(part, payload) -> Message:
    clone = copy.copy(part)
    clone.set_payload(payload)
    return clone
