"""Turning a prepared message into the bytes that leave, without damaging its headers."""

from __future__ import annotations

import io
import textwrap
from email.generator import BytesGenerator
from email.headerregistry import AddressHeader
from email.message import Message
from email.policy import EmailPolicy

from ..exceptions import RefusedError
from .addresses import header_lines, is_address, parsed

#: Headers made of ids and paths; wrapped into encoded words they lose threads and images
_IDENTIFIERS = frozenset(
    {"message-id", "in-reply-to", "references", "resent-message-id", "content-id", "return-path"}
)

#: RFC 5322 2.1.1: a line MUST NOT be longer (without CRLF), and SHOULD NOT than the second
_LINE_LIMIT, _LINE_ADVICE = 998, 78


class SubmissionPolicy(EmailPolicy):
    """Writes headers that machines read so that they can.

    :mod:`email` wraps every word longer than a line into ``=?utf-8?q?…?=``, which readers of
    Message-ID (bpo-35805), List-Unsubscribe (RFC 2369) or X- headers do not decode, and it
    loses the quotes of long display names. Messages attached keep the lines they came with.
    """

    refold_source = "none"

    def fold_binary(self, name, value):
        """Return the header as bytes with line ends."""
        lines = ""
        if isinstance(value, AddressHeader):
            lines = self._address_lines(name, value)
        elif hasattr(value, "name"):  # set in this process, not the source of a parsed message
            lines = self._plain_lines(name, " ".join(value.split()))
        return lines.encode("ascii") if lines else super().fold_binary(name, value)

    def _address_lines(self, name: str, value: AddressHeader) -> str:
        """Return the lines of an address header that has to be folded."""
        if len(name) + 2 + len(value) <= _LINE_ADVICE:
            return ""
        header = parsed(name, value)
        mailboxes = [(address.display_name, address.addr_spec) for address in header.addresses]
        plain = all(address.isascii() and is_address(address) for _name, address in mailboxes)
        grouped = any(group.display_name for group in header.groups)
        return header_lines(name, mailboxes) if plain and not grouped else ""

    def _plain_lines(self, name: str, text: str) -> str:
        """Return the lines of a header for machines, folded at blanks only."""
        width = _plain_width(name.lower(), text)
        if not width or not text.isascii():
            return ""
        lines = textwrap.wrap(
            text,
            width,
            initial_indent=f"{name}: ",
            subsequent_indent=" ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        return self.linesep.join(lines) + self.linesep if lines else ""


def _plain_width(name: str, text: str) -> int:
    """Return the width to fold at plainly, 0 where the library does no damage."""
    if name in _IDENTIFIERS:
        return _LINE_LIMIT
    longest = max(map(len, text.split()), default=0)
    if name.startswith(("list-", "x-")) and longest + len(name) + 2 > _LINE_ADVICE:
        return _LINE_ADVICE if longest < _LINE_LIMIT else 0
    return 0


def to_bytes(message: Message, *, utf8=False, seven_bit=False, prefix=b"") -> bytes:
    """Serialise with CRLF line ends; the message is left as it is.

    :param utf8: write headers as UTF-8 (RFC 6532), for addresses that need it
    :param seven_bit: re-encode 8-bit bodies, for servers without 8BITMIME
    :param prefix: header lines to put in front
    :raises RefusedError: ``message_malformed``
    """
    policy = _policy(message, utf8=utf8, seven_bit=seven_bit)
    buffer = io.BytesIO()
    buffer.write(prefix)
    try:
        BytesGenerator(buffer, policy=policy).flatten(message, linesep="\r\n")
    except MemoryError:
        raise
    except Exception as error:
        # The email package raises whatever its parser trips over (LookupError, IndexError, …).
        # Such a mail will never go, and it must not take the rest of the queue with it.
        raise RefusedError("message_malformed", provider_text=repr(error)) from error
    return buffer.getvalue()


def _policy(message, *, utf8, seven_bit):
    cte_type = "7bit" if seven_bit else message.policy.cte_type
    if not isinstance(message.policy, EmailPolicy):  # Message objects of the old API
        return message.policy.clone(cte_type=cte_type, mangle_from_=False)
    return SubmissionPolicy(
        linesep="\r\n",
        utf8=utf8,
        cte_type=cte_type,
        max_line_length=message.policy.max_line_length,
        header_factory=message.policy.header_factory,
        content_manager=message.policy.content_manager,
    )
