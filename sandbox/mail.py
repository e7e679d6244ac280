"""Delivered mail: one row per recipient, the source kept as it arrived there."""

from __future__ import annotations

import asyncio
import email.policy
from collections import defaultdict
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from functools import cached_property

_KEEP_HEADERS = email.policy.compat32.clone(linesep="\r\n", max_line_length=None)


class MessageSource:
    """A message whose headers can be read and changed while its body stays untouched bytes."""

    def __init__(self, raw: bytes):
        for separator in (b"\r\n\r\n", b"\n\n"):
            head, found, self.body = raw.partition(separator)
            if found:
                break
        self.headers: Message = BytesHeaderParser(policy=_KEEP_HEADERS).parsebytes(head)

    def addresses(self, *names: str) -> list[str]:
        """Return the addresses of all header fields called ``names``, in order."""
        values = [str(value) for name in names for value in self.headers.get_all(name, [])]
        return [address for _, address in getaddresses(values) if address]

    def header(self, name: str) -> str:
        """Return a header on one line, empty where there is none."""
        return " ".join(str(self.headers.get(name, "")).split())

    def replace(self, name: str, value: str) -> None:
        """Set a header, whether it was there or not."""
        del self.headers[name]
        self.headers[name] = value

    def __bytes__(self) -> bytes:
        return self.headers.as_bytes(policy=_KEEP_HEADERS).rstrip(b"\r\n") + (
            b"\r\n\r\n" + self.body
        )


@dataclass(frozen=True)
class Submission:
    """A mail a service accepted.

    :param via: ``microsoft_smtp``, ``graph`` or ``google_smtp``
    :param mailbox: address of the mailbox it was submitted through
    :param source: the message as recipients get it
    """

    id: int
    via: str
    mailbox: str
    account: str
    envelope_from: str
    recipients: tuple[str, ...]
    source: bytes = field(repr=False)
    received_at: float = 0.0

    @cached_property
    def _fields(self) -> list[tuple[str, str]]:
        head = self.source.partition(b"\r\n\r\n")[0]
        parsed = BytesHeaderParser(policy=_KEEP_HEADERS).parsebytes(head)
        return [(name, _decoded(name, value)) for name, value in parsed.raw_items()]

    @cached_property
    def _first_fields(self) -> dict[str, str]:
        return {name.lower(): value for name, value in reversed(self._fields)}

    def readable(self, name: str) -> str:
        """Return a header decoded for people."""
        return self._first_fields.get(name.lower(), "")

    def headers(self) -> list[tuple[str, str]]:
        """Return all headers, decoded, in order."""
        return self._fields


def _decoded(name: str, raw: str) -> str:
    """Return a header's value on one line; only encoded words need the slow parser."""
    text = raw.encode("ascii", "surrogateescape").decode("utf-8", "replace")
    if "=?" in text:
        text = str(email.policy.default.header_fetch_parse(name, text))
    return " ".join(text.split())


@dataclass(frozen=True)
class Delivery:
    """One recipient's copy of a submission."""

    id: int
    recipient: str
    submission: Submission


#: what ``GET /api/messages`` can return of a delivery
COLUMNS = {
    "id": lambda d: d.id,
    "recipient": lambda d: d.recipient,
    "submission": lambda d: d.submission.id,
    "envelope_from": lambda d: d.submission.envelope_from,
    "header_from": lambda d: d.submission.readable("From"),
    "to": lambda d: d.submission.readable("To"),
    "cc": lambda d: d.submission.readable("Cc"),
    "subject": lambda d: d.submission.readable("Subject"),
    "message_id": lambda d: d.submission.readable("Message-ID"),
    "via": lambda d: d.submission.via,
    "mailbox": lambda d: d.submission.mailbox,
    "account": lambda d: d.submission.account,
    "received_at": lambda d: d.submission.received_at,
    "size": lambda d: len(d.submission.source),
    "source": lambda d: f"/api/messages/{d.id}/source",
}


class MailStore:
    """Every delivery in order of arrival; ids count from 1."""

    def __init__(self):
        self.deliveries: list[Delivery] = []
        self.submissions: list[Submission] = []
        #: addresses no service delivers to: address -> SMTP reply
        self.refused_recipients: dict[str, str] = {}
        #: seconds since the epoch at which each account's mails were accepted
        self.history: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self._arrived = asyncio.Event()

    def deliver(self, **fields) -> Submission:
        """Record an accepted mail and hand a copy to each recipient.

        :param fields: those of :class:`Submission`, without ``id``
        """
        submission = Submission(id=len(self.submissions) + 1, **fields)
        self.submissions.append(submission)
        for recipient in submission.recipients:
            self.deliveries.append(Delivery(len(self.deliveries) + 1, recipient, submission))
        history = self.history[submission.account]
        history.append((submission.received_at, len(submission.recipients)))
        self._arrived.set()
        self._arrived = asyncio.Event()
        return submission

    def get(self, delivery_id: int) -> Delivery | None:
        """Return one delivery."""
        if 0 < delivery_id <= len(self.deliveries):
            return self.deliveries[delivery_id - 1]
        return None

    def sent_since(self, account: str, moment: float) -> tuple[int, int]:
        """Return how many mails, and to how many recipients, an account sent since then."""
        recent = [count for at, count in self.history[account] if at > moment]
        return len(recent), sum(recent)

    async def wait_for(self, count: int, timeout: float) -> None:
        """Return once ``count`` deliveries are there, or ``timeout`` seconds have passed."""

        async def enough():
            while len(self.deliveries) < count:
                await self._arrived.wait()

        try:
            await asyncio.wait_for(enough(), timeout)
        except TimeoutError:
            return
