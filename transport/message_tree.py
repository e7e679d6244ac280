"""The parts of a message, and messages with other parts in their places.

Nothing is copied but the multiparts on the way: the content of a large mail stays where it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from email.message import Message
from email.mime.text import MIMEText

#: Multiparts whose parts must stay as they are, byte by byte (RFC 1847).
_SEALED = frozenset({"signed", "encrypted"})


_EMPTY_TEXT = MIMEText("")


def leaves(message: Message, *, sealed: bool = True) -> Iterator[tuple[Message, Message | None]]:
    """Yield each part that is no multipart, in order, and the multipart that it is in.

    A message that is attached counts as one part.

    :param sealed: also those of signed and encrypted multiparts
    """
    if not _is_multipart(message):
        yield message, None
        return
    if message.get_content_subtype() in _SEALED and not sealed:
        return
    for part in message.get_payload():
        if _is_multipart(part):
            yield from leaves(part, sealed=sealed)
        else:
            yield part, message


def with_substitutes(message: Message, substitutes: Mapping[int, Message | None]) -> Message:
    """Return the message with other parts, the original left as it is.

    Multiparts that nothing is left in go too; a message without any part gets an empty text.

    :param substitutes: by :func:`id` of a part what takes its place, ``None`` for nothing
    """
    substituted = _substituted(message, substitutes)
    return _with_payload(message, [_EMPTY_TEXT]) if substituted is None else substituted


def _substituted(part, substitutes):
    if id(part) in substitutes:
        return substitutes[id(part)]
    if not _is_multipart(part):
        return part
    old = part.get_payload()
    new = [_substituted(child, substitutes) for child in old]
    if all(a is b for a, b in zip(old, new, strict=True)):
        return part
    kept = [child for child in new if child is not None]
    return _with_payload(part, kept) if kept else None


def _with_payload(part, payload):
    clone = copy.copy(part)
    clone.set_payload(payload)
    return clone


def rough_size(message: Message) -> int:
    """Return a lower bound of the bytes the message takes, without writing it."""
    return sum(encoded_size(part) for part, _parent in leaves(message))


def encoded_size(part: Message) -> int:
    """Return about how many bytes the content of a part takes in the message."""
    payload = part.get_payload()
    if isinstance(payload, str):
        return len(payload)
    return sum(encoded_size(child) for child in payload or ())


def _is_multipart(part):
    return part.get_content_maintype() == "multipart" and part.is_multipart()
