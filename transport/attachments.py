"""The files of a message that can travel apart from it."""

from __future__ import annotations

import binascii
import contextlib
import mimetypes
from dataclasses import dataclass, field
from email.message import Message

from .message_tree import encoded_size, leaves, rough_size, with_substitutes
from .serialisation import to_bytes


@dataclass(frozen=True)
class Attachment:
    """A file of a message.

    :param content_id: what the HTML calls an image by, without angle brackets
    :param is_inline: shown within the text
    """

    name: str
    content_type: str
    content_id: str
    is_inline: bool
    _part: Message = field(repr=False)

    def content(self) -> bytes:
        """Return the file, decoded now: nobody else holds it."""
        if self._part.get_content_maintype() == "message":
            return to_bytes(self._part.get_payload(0))
        payload = self._part.get_payload()
        encoding = str(self._part.get("Content-Transfer-Encoding", "")).strip().lower()
        if encoding == "base64" and isinstance(payload, str):
            # email would hold six copies of a large file. It knows how to mend a broken one.
            with contextlib.suppress(ValueError):
                return binascii.a2b_base64(payload)
        return self._part.get_payload(decode=True)


def detached(message: Message, room: int) -> tuple[Message, list[Attachment]]:
    """Return the message without its largest files, and those.

    Text, signed and encrypted parts stay, so the rest may still be larger than ``room``.

    :param room: bytes that the rest may take, roughly
    """
    files = sorted(_files(message), key=lambda found: encoded_size(found[0]), reverse=True)
    size, taken = rough_size(message), []
    for part, parent in files:
        if size <= room:
            break
        size -= encoded_size(part)
        taken.append((part, parent))
    rest = with_substitutes(message, {id(part): None for part, _parent in taken})
    return rest, [_attachment(part, parent) for part, parent in taken]


def _files(message):
    for part, parent in leaves(message, sealed=False):
        if parent is not None and parent.get_content_subtype() in ("mixed", "related"):
            is_root = parent.get_content_subtype() == "related" and parent.get_payload(0) is part
            if not is_root and _is_file(part):
                yield part, parent


def _is_file(part):
    if part.get_content_maintype() == "message":
        return part.get_content_type() == "message/rfc822"
    named = part.get_content_disposition() == "attachment" or part.get_filename()
    return bool(named or part.get_content_maintype() != "text")


def _attachment(part, parent) -> Attachment:
    content_id = str(part.get("Content-ID", "")).strip().removeprefix("<").removesuffix(">")
    related = parent.get_content_subtype() == "related" and content_id
    return Attachment(
        name=_name(part),
        content_type=part.get_content_type(),
        content_id=content_id,
        is_inline=bool(related) or part.get_content_disposition() == "inline",
        _part=part,
    )


def _name(part):
    """Return a name for the file: Graph insists on one."""
    kind = part.get_content_type()
    usual = {"message/rfc822": ".eml"}.get(kind) or mimetypes.guess_extension(kind) or ""
    return part.get_filename() or f"attachment{usual}"
