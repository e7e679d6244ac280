"""Pure mapping of a mail and its envelope to the MIME that Microsoft Graph sends.

Graph has no envelope: it delivers to whatever To, Cc and Bcc say. Odoo core decides by the
envelope and shows more (or less) in the headers, so the headers are written anew.
https://learn.microsoft.com/graph/api/user-sendmail
"""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Iterable, Iterator
from email.errors import MessageError
from email.header import Header
from email.headerregistry import AddressHeader
from email.message import Message
from email.policy import default as default_policy
from email.utils import quote

import idna

from .serialisation import to_bytes

#: A longer name goes out in encoded words, which fold; a quoted string does not
_QUOTED_NAME_LIMIT = 60

#: One address and nothing else (RFC 5321 4.1.2, with letters of RFC 6531, without backslashes)
_ADDRESS = re.compile(
    r"""(?: [^\s"(),:;<>@\[\]\\\x00-\x20\x7f-\x9f]+ | "[^"\\\x00-\x1f\x7f-\x9f]*" )
        @ (?: [^\s"(),:;<>@\[\]\\\x00-\x20\x7f-\x9f]+ | \[[0-9A-Za-z:.]+\] )""",
    re.VERBOSE,
)


def is_address(text: str) -> bool:
    """Whether ``text`` can stand in a header without naming anybody else."""
    return bool(_ADDRESS.fullmatch(text))


def to_graph_mime(message: Message, recipients: Iterable[str]) -> bytes:
    """Return the MIME of ``message`` that is delivered to ``recipients``, to each once.

    To and Cc keep those of their addresses that are recipients, with their display names; the
    other recipients become Bcc (Exchange removes that header). All other headers stay.

    :param message: as prepared by Odoo core; left as it is
    :param recipients: envelope addresses that pass :func:`is_address`; of several spellings of
        one the first counts
    :raises RefusedError: ``message_malformed``
    """
    envelope: dict[str, str] = {}
    for address in recipients:
        envelope.setdefault(_normalised(address), address)
    international = not "".join(envelope.values()).isascii()
    headers = "".join(_recipient_headers(message, envelope))
    rest = copy.copy(message)
    for name in ("To", "Cc", "Bcc", "Resent-Bcc"):
        del rest[name]
    return to_bytes(rest, utf8=international, prefix=headers.encode())


def _recipient_headers(message: Message, envelope: dict[str, str]) -> Iterator[str]:
    """Yield the To, Cc and Bcc lines; every address of ``envelope`` is in exactly one.

    The address is written as the envelope spells it, so that nothing but the envelope, not
    even a misread header, can name a recipient.
    """
    waiting = dict(envelope)
    for name in ("To", "Cc"):
        mailboxes = [
            _mailbox(display_name, waiting.pop(address))
            for display_name, address in _header_addresses(message, name)
            if address in waiting
        ]
        yield _header_lines(name, mailboxes)
    yield _header_lines("Bcc", [waiting[address] for address in envelope if address in waiting])


def _header_addresses(message: Message, name: str) -> Iterator[tuple[str, str]]:
    """Yield display name and normalised address of every mailbox, those in groups too."""
    for header in _headers(message, name):
        for address in header.addresses:
            yield address.display_name, _normalised(address.addr_spec)


def _headers(message: Message, name: str) -> list[AddressHeader]:
    """Return the headers of a name, parsed; none where one cannot be parsed at all.

    The parser trips over some malformed headers. Whoever they name is still in the envelope.
    """
    try:
        return [
            value if _is_parsed(value) else default_policy.header_factory(name, str(value))
            for value in message.get_all(name, ())
        ]
    except (AttributeError, LookupError, MessageError, TypeError, ValueError):
        return []


def _is_parsed(value) -> bool:
    """Tell whether a header holds addresses; one set from a list of strings holds strings.

    Odoo core sets To and Cc from such lists.
    """
    return isinstance(value, AddressHeader) and not any(
        isinstance(address, str) for address in value.addresses
    )


def _header_lines(name: str, mailboxes: list[str]) -> str:
    return f"{name}: " + ",\r\n ".join(mailboxes) + "\r\n" if mailboxes else ""


def _mailbox(display_name: str, address: str) -> str:
    name = " ".join(display_name.split())
    if not name:
        return address
    if name.isascii() and name.isprintable() and len(name) <= _QUOTED_NAME_LIMIT:
        return f'"{quote(name)}" <{address}>'
    letters = name.encode("utf-8", "replace").decode()
    return f"{Header(letters, 'utf-8').encode(linesep=chr(13) + chr(10))} <{address}>"


def _normalised(address: str) -> str:
    """Return what two spellings of one mailbox have in common.

    Providers ignore case, and Odoo core writes the domains of the envelope in ASCII (IDNA).
    """
    local, _at, domain = address.strip().rpartition("@")
    with contextlib.suppress(UnicodeError):  # idna.IDNAError is one
        domain = idna.encode(domain, uts46=True).decode("ascii")
    return f"{local}@{domain}".casefold()
