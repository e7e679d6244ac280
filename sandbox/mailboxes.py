"""Folders of Exchange mailboxes, as far as sending mail fills them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from .mail import MessageSource
from .state import World

FOLDERS = ("inbox", "drafts", "sentitems")


@dataclass(frozen=True)
class File:
    """An attachment of a message."""

    name: str
    content: bytes | bytearray = field(repr=False)
    content_type: str = "application/octet-stream"
    is_inline: bool = False
    content_id: str = ""

    @classmethod
    def described(cls, description: dict, content: bytes | bytearray) -> File:
        """Return the file of a ``fileAttachment`` or an ``attachmentItem``."""
        return cls(
            str(description["name"]),
            content,
            description.get("contentType") or "application/octet-stream",
            bool(description.get("isInline")),
            description.get("contentId") or "",
        )


@dataclass
class StoredMessage:
    """A message in a folder. ``source`` still has its Bcc header.

    :param immutable: ``id`` stays when the message moves
    :param files: what was added to a draft and is not in ``source`` yet
    """

    source: bytes = field(repr=False)
    folder: str
    at: float
    immutable: bool = False
    files: list[File] = field(default_factory=list)
    id: str = field(default_factory=lambda: "AAMk" + secrets.token_urlsafe(48))
    _read_from: bytes | None = field(default=None, repr=False)
    _message_id: str = field(default="", repr=False)

    @property
    def is_draft(self) -> bool:
        """Whether it was not sent yet."""
        return self.folder == "drafts"

    @property
    def internet_message_id(self) -> str:
        """Return its Message-ID."""
        if self._read_from is not self.source:
            self._read_from = self.source
            self._message_id = MessageSource(self.source).header("Message-ID")
        return self._message_id


def messages_of(world: World, address: str) -> dict[str, StoredMessage]:
    """Return the messages of a mailbox by id, oldest first."""
    return world.mailboxes.setdefault(address, {})


def store(world: World, address: str, source: bytes, folder: str, **more) -> StoredMessage:
    """Put a message into a folder of a mailbox."""
    message = StoredMessage(source, folder, world.now(), **more)
    messages_of(world, address)[message.id] = message
    return message


def new_message_id() -> str:
    """Return a Message-ID as Exchange makes them."""
    return f"<{secrets.token_hex(16).upper()}@SANDBOX.eurprd01.prod.outlook.com>"
