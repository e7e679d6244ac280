"""Pure mapping of a mail and its envelope to the MIME that Microsoft Graph sends.

Graph has no envelope: it delivers to whatever To, Cc and Bcc say. Odoo core decides by the
envelope and shows more (or less) in the headers, so the headers are written anew.
https://learn.microsoft.com/graph/api/user-sendmail
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterable, Iterator
from email.errors import MessageError
from email.headerregistry import Address
from email.message import Message

import idna

from .addresses import header_lines, parsed
from .content import to_content

#: Bytes that are put together at a time.
_BLOCK = 64 * 1024


def to_graph_mime(message: Message, recipients: Iterable[str]) -> bytes:
    """Return the MIME of ``message`` that is delivered to ``recipients``, to each once.

    To and Cc keep those of their addresses that are recipients, with their display names; the
    other recipients become Bcc (Exchange removes that header). All other headers stay.

    :param message: as prepared by Odoo core; left as it is
    :param recipients: envelope addresses that pass :func:`.addresses.is_address`; of several
        spellings of one the first counts
    :raises RefusedError: ``message_malformed``
    """
    envelope: dict[str, str] = {}
    for address in recipients:
        envelope.setdefault(normalised(address), address)
    international = not "".join(envelope.values()).isascii()
    headers = "".join(_recipient_headers(message, envelope))
    rest = copy.copy(message)
    for name in ("To", "Cc", "Bcc", "Resent-Bcc"):
        del rest[name]
    content = to_content(rest, utf8=international, prefix=headers.encode())
    return b"".join(content.blocks(_BLOCK))


def _recipient_headers(message: Message, envelope: dict[str, str]) -> Iterator[str]:
    """Yield the To, Cc and Bcc lines; every address of ``envelope`` is in exactly one.

    The address is written as the envelope spells it, so that nothing but the envelope, not
    even a misread header, can name a recipient.
    """
    waiting = dict(envelope)
    for name in ("To", "Cc"):
        mailboxes = [
            (shown.display_name, waiting.pop(address))
            for shown in _header_addresses(message, name)
            if (address := normalised(shown.addr_spec)) in waiting
        ]
        yield header_lines(name, mailboxes)
    yield header_lines("Bcc", [("", address) for address in waiting.values()])


def _header_addresses(message: Message, name: str) -> list[Address]:
    """Return every mailbox of the headers of a name, those in groups too.

    None where a header cannot be parsed at all. Whoever it names is still in the envelope.
    """
    try:
        headers = [parsed(name, value) for value in message.get_all(name, ())]
    except (AttributeError, LookupError, MessageError, TypeError, ValueError):
        return []
    return [address for header in headers for address in header.addresses]


def normalised(address: str) -> str:
    """Return what all spellings of one address have in common.

    Providers ignore case, and Odoo core writes the domains of the envelope in ASCII (IDNA).
    """
    local, _at, domain = address.strip().rpartition("@")
    with contextlib.suppress(UnicodeError):  # idna.IDNAError is one
        domain = idna.encode(domain, uts46=True).decode("ascii")
    return f"{local}@{domain}".casefold()
