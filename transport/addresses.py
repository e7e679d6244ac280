"""Addresses and address headers, read by the library and written so that every reader agrees."""

from __future__ import annotations

import re
from email.header import Header
from email.headerregistry import AddressHeader
from email.policy import default as default_policy
from email.utils import quote

#: A longer name goes out in encoded words, which fold; a quoted string does not
_QUOTED_NAME_LIMIT = 60

#: One address and nothing else (RFC 5321 4.1.2, with letters of RFC 6531; without backslashes
#: and without domain literals, which `email.utils` of Python 3.11.2 does not read)
_ADDRESS = re.compile(
    r"""(?: [^\s"(),:;<>@\[\]\\\x00-\x20\x7f-\x9f]+ | "[^"\\\x00-\x1f\x7f-\x9f]*" )
        @ [^\s"(),:;<>@\[\]\\\x00-\x20\x7f-\x9f]+""",
    re.VERBOSE,
)


def is_address(text: str) -> bool:
    """Whether ``text`` can stand in a header without naming anybody else."""
    return bool(_ADDRESS.fullmatch(text))


def parsed(name: str, value) -> AddressHeader:
    """Return the value of an address header as a header object that holds addresses.

    One set from a list of strings, as Odoo core sets To and Cc, holds strings.

    :raises Exception: the library's parser trips over some malformed headers
    """
    if isinstance(value, AddressHeader) and not any(isinstance(a, str) for a in value.addresses):
        return value
    return default_policy.header_factory(name, str(value))


def header_lines(name: str, mailboxes: list[tuple[str, str]]) -> str:
    """Return a header with one mailbox a line, ending in CRLF; empty without mailboxes.

    :mod:`email` drops the quotes of a long display name when it folds it, and a comma or an
    address in the name then names somebody else (`"Sales, eve@evil.example" <…>`).

    :param mailboxes: display name and address (see :func:`is_address`) of each
    """
    written = [_mailbox(*mailbox) for mailbox in mailboxes]
    return f"{name}: " + ",\r\n ".join(written) + "\r\n" if written else ""


def _mailbox(display_name: str, address: str) -> str:
    name = " ".join(display_name.split())
    if not name:
        return address
    if name.isascii() and name.isprintable() and len(name) <= _QUOTED_NAME_LIMIT:
        return f'"{quote(name)}" <{address}>'
    letters = name.encode("utf-8", "replace").decode()
    return f"{Header(letters, 'utf-8').encode(linesep=chr(13) + chr(10))} <{address}>"
