"""One SMTP mail transaction, step by step, so that a failure's stage is known exactly."""

from __future__ import annotations

import re
import smtplib
from dataclasses import dataclass, field

from ..exceptions import DeliveryUnknownError, RefusedError
from ..providers.redaction import clean_text
from .addresses import is_address
from .connection_errors import CONNECTION_ERRORS, typed_error
from .content import Content
from .delivery import NOT_HANDED_OVER
from .smtp_replies import CONTENT, DATA, MAIL, RCPT, Reply, classify, classify_recipients

#: Bytes per write. The time-out of the connection holds for one write, and must not limit how
#: long a large mail may take on a slow line.
_BLOCK = 64 * 1024

_LEADING_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True)
class Mail:
    """What goes out: the message's content and its envelope."""

    content: Content = field(repr=False)
    sender: str
    recipients: tuple[str, ...]
    #: the envelope needs SMTPUTF8 (RFC 6531)
    international: bool = False


@dataclass(frozen=True)
class Outcome:
    """How an accepted transaction ended.

    :param refused: ``{address: reply}`` of recipients the server would not take
    :param postponed: recipients to offer again in a transaction of their own, because the
        server takes no more in this one (RFC 5321 4.5.3.1.10)
    """

    reply: Reply
    refused: dict[str, str]
    postponed: tuple[str, ...] = ()


def size_limit(connection: smtplib.SMTP) -> int:
    """Return the largest message in bytes the server offers to take (RFC 1870), 0 for any."""
    limit = connection.esmtp_features.get("size", "")
    return int(limit) if limit.isdecimal() else 0


class Transaction:
    """MAIL, RCPT, DATA and content (RFC 5321 3.3) over an authenticated connection.

    ``stage`` tells how far it came. Up to and including a failed write of the final dot the
    server cannot have accepted anything; from then on only its answer tells.
    """

    def __init__(self, connection: smtplib.SMTP, provider: str = ""):
        self._connection = connection
        self._provider = provider
        self.stage = MAIL

    def run(self, mail: Mail) -> Outcome:
        """Hand the mail over to every recipient the server takes.

        :raises RefusedError, TransientError, PersonNeededError: provably not accepted
        :raises DeliveryUnknownError: the content was complete and no answer came
        """
        self._check_size(mail)
        self.begin(mail.sender, self._mail_options(mail))
        refused, postponed = self._offer(mail.recipients)
        self._expect(354, DATA, self._connection.docmd, "DATA")
        replies = {address: str(reply) for address, reply in refused.items()}
        try:
            return Outcome(self._send_content(mail.content), replies, postponed)
        except DeliveryUnknownError as error:
            error.refused = dict.fromkeys(postponed, NOT_HANDED_OVER) | replies
            raise

    def begin(self, sender: str, options=()) -> Reply:
        """Announce the sender; a session's ``verify`` stops here."""
        if sender and not is_address(sender):
            raise RefusedError("address_invalid", provider_text=sender)
        return self._expect_positive(MAIL, self._connection.mail, sender, options)

    def _check_size(self, mail):
        limit = size_limit(self._connection)
        if 0 < limit < len(mail.content):
            raise RefusedError(
                "message_too_large", details={"size": len(mail.content), "limit": limit}
            )

    def _mail_options(self, mail):
        options = []
        if self._connection.has_extn("size"):
            options.append(f"SIZE={len(mail.content)}")
        if mail.international:
            if not self._connection.has_extn("smtputf8"):
                raise RefusedError("smtp_utf8_missing")
            options.append("SMTPUTF8")
        if self._connection.has_extn("8bitmime") and not mail.content.isascii():
            options.append("BODY=8BITMIME")
        return options

    def _offer(self, recipients) -> tuple[dict[str, Reply], tuple[str, ...]]:
        refused = {}
        for position, address in enumerate(recipients):
            reply = self._ask(RCPT, self._connection.rcpt, address)
            if reply.positive:
                continue
            if reply.code == 421 or not reply.negative:  # the session is over, not this recipient
                raise classify(reply, RCPT, self._provider)
            if _is_full(reply) and position > len(refused):
                return refused, tuple(recipients[position:])
            refused[address] = reply
        if len(refused) == len(recipients):
            raise classify_recipients(refused, self._provider)
        return refused, ()

    def _send_content(self, content: Content) -> Reply:
        """Write the content, then the final dot in a write of its own, then wait."""
        self.stage = CONTENT
        block = b""
        try:
            for block in content.blocks(_BLOCK):
                # A block begins with a line, so a dot at its start is one of a line's start.
                self._connection.send(_LEADING_DOT.sub(b"..", block))
            if not block.endswith(b"\r\n"):
                self._connection.send(b"\r\n")
            # A write that fails has not handed over all three bytes, so the server has no
            # complete mail.
            self._connection.send(b".\r\n")
        except CONNECTION_ERRORS as error:
            raise typed_error(error, stage=CONTENT, provider=self._provider) from error
        return self._content_answer()

    def _content_answer(self) -> Reply:
        try:
            reply = Reply.parse(*self._connection.getreply())
        except CONNECTION_ERRORS as error:
            cause = typed_error(error, stage=CONTENT, provider=self._provider)
            raise DeliveryUnknownError(provider_text=str(cause)) from error
        if reply.negative:
            raise classify(reply, CONTENT, self._provider)
        if not reply.positive:
            self._connection.close()
            raise DeliveryUnknownError(provider_text=clean_text(str(reply)))
        return reply

    def _expect_positive(self, stage, command, *args) -> Reply:
        reply = self._ask(stage, command, *args)
        if not reply.positive:
            raise classify(reply, stage, self._provider)
        return reply

    def _expect(self, code, stage, command, *args) -> Reply:
        reply = self._ask(stage, command, *args)
        if reply.code != code:
            raise classify(reply, stage, self._provider)
        return reply

    def _ask(self, stage, command, *args) -> Reply:
        """Send one command and return its reply; close a session that talks nonsense."""
        self.stage = stage
        try:
            reply = Reply.parse(*command(*args))
        except CONNECTION_ERRORS as error:
            raise typed_error(error, stage=stage, provider=self._provider) from error
        if reply.code == 421 or not 200 <= reply.code <= 599:
            self._connection.close()
        return reply


def _is_full(reply: Reply) -> bool:
    return reply.code == 452 and reply.enhanced in ("", "4.5.3")
