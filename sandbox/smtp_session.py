"""One SMTP session: what both services do alike, and where faults strike.

The two services differ in words and rules; those are in :mod:`.smtp_exchange` and
:mod:`.smtp_gmail`, each a :class:`SubmissionService`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import ssl
from abc import ABC, abstractmethod
from collections import defaultdict
from typing import ClassVar, NamedTuple
from weakref import WeakSet

from aiosmtpd.smtp import SMTP

from .directory import Account
from .faults import Fault
from .pace import Pace
from .state import World

#: RFC 4954 wants room for 12288 octets in an AUTH exchange
AUTH_LINE_BYTES = 12_288
#: RFC 5321, section 4.5.3.1.6: 1000 octets with CRLF
LONG_LINE = re.compile(rb"[^\n]{999}")
FOREVER = 3600.0


class Login(NamedTuple):
    """Who is authenticated: the account of the token, the mailbox it acts for."""

    mailbox: Account
    account: Account | None

    @property
    def name(self) -> str:
        """Return the address limits count by."""
        return (self.account or self.mailbox).address


class SubmissionService(ABC):
    """A provider's SMTP service: its words and its rules. An aiosmtpd handler."""

    #: place of its faults and counters
    place = ""
    host_name = ""
    size_limit = 0

    def __init__(self, world: World):
        self.world = world
        #: what aiosmtpd says -> what this service says
        self.wording: dict[str, str] = {}

    @abstractmethod
    def banner(self) -> str:
        """Return the greeting after the host name."""

    @abstractmethod
    def capabilities(self, client_name: str, encrypted: bool) -> list[str]:
        """Return the lines of the EHLO reply without codes, the first one being the greeting."""

    @abstractmethod
    def log_in(self, session: SubmissionSession, user: str, token: str) -> Login | str:
        """Check an XOAUTH2 response: who it is, or the reply that refuses for another reason.

        An empty string refuses with :meth:`refuse_log_in`.
        """

    @abstractmethod
    async def refuse_log_in(self, session: SubmissionSession) -> None:
        """Speak the service's refusal."""

    @abstractmethod
    def words(self, name: str) -> str:
        """Return a reply by name: ``authenticated``, ``password``, ``no_tls``, …"""

    async def handle_EHLO(self, server, session, envelope, hostname, _responses) -> list[str]:
        """Answer EHLO."""
        session.host_name = hostname
        lines = self.capabilities(hostname, server.encrypted)
        return [f"250-{line}" for line in lines[:-1]] + [f"250 {lines[-1]}"]

    @abstractmethod
    def log_out(self, session: SubmissionSession) -> None:
        """Forget a session that ended."""


class SubmissionSession(SMTP):
    """One connection to a :class:`SubmissionService`."""

    line_length_limit = 65_536
    open_sessions: ClassVar[WeakSet[SubmissionSession]] = WeakSet()

    def __init__(self, service: SubmissionService, tls_context: ssl.SSLContext | None, loop):
        super().__init__(
            service,
            hostname=service.host_name,
            ident=service.banner(),
            data_size_limit=service.size_limit,
            enable_SMTPUTF8=True,
            tls_context=tls_context,
            auth_required=True,
            loop=loop,
        )
        self.service = service
        self.world = service.world
        self.login: Login | None = None
        self.port = 0
        #: where this session is counted, and under which name
        self.slot: tuple[Pace, str] | None = None
        self._command = "CONNECT"
        # aiosmtpd shares one table among all sessions and empties it in each constructor.
        self.command_size_limits = defaultdict(lambda: 1024, AUTH=AUTH_LINE_BYTES)

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on, by STARTTLS or from the first byte."""
        return self.transport.get_extra_info("ssl_object") is not None

    # ------------------------------------------------------------------ plumbing

    async def push(self, status) -> None:
        """Say something in the service's words, and count it."""
        if status is None or self.transport is None or self.transport.is_closing():
            return
        text = status.decode() if isinstance(status, bytes) else status
        text = self.service.wording.get(text, text)
        last_line = text.rpartition("\r\n")[2]
        if last_line[3:4] == " ":
            self.world.logs.count(self.service.place, self._command, int(last_line[:3]))
        await super().push(text)

    @classmethod
    def cut(cls, port: int) -> None:
        """End every session at a port."""
        for session in list(cls.open_sessions):
            if session.port == port and session.transport:
                session.transport.abort()

    def connection_made(self, transport) -> None:
        """Begin the session; STARTTLS comes here a second time."""
        self.open_sessions.add(self)
        self.port = self.port or transport.get_extra_info("sockname")[1]
        super().connection_made(transport)

    def connection_lost(self, error) -> None:
        """End the session."""
        self.open_sessions.discard(self)
        self.service.log_out(self)
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        try:
            if not await self._suffers("connect"):
                await super()._handle_client()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.transport.abort()

    def _take(self, stage: str, **circumstances) -> Fault | None:
        if self.login:
            circumstances |= {"account": self.login.name, "mailbox": self.login.mailbox.address}
        return self.world.faults.take(f"{self.service.place}.{stage}", **circumstances)

    async def _suffers(self, stage: str, **circumstances) -> bool:
        """Let a fault strike; return whether the command is over."""
        fault = self._take(stage, **circumstances)
        return fault is not None and await self.strike(fault)

    async def strike(self, fault: Fault) -> bool:
        """Do what a fault says; return whether the command is over."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return False
        if fault.kind == "hang":
            await asyncio.sleep(fault.seconds or FOREVER)
        if fault.kind == "reply":
            await self._reply(fault)
        else:
            self.world.logs.count(self.service.place, self._command, 0)
            self.transport.abort()
        return True

    async def _reply(self, fault: Fault) -> None:
        status = fault.status or 451
        text = fault.message or "4.7.0 Temporary server error. Please try again later."
        await self.push(f"{status} {text}")
        if status == 421 or self._command == "CONNECT":
            self.transport.close()

    # ------------------------------------------------------------------ commands

    async def smtp_EHLO(self, hostname) -> None:
        self._command = "EHLO"
        if not await self._suffers("ehlo"):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg) -> None:
        self._command = "STARTTLS"
        if self.encrypted:
            await self.push("503 5.5.2 TLS already started")
        elif not await self._suffers("starttls"):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg) -> None:
        self._command = "AUTH"
        if await self.check_helo_needed("EHLO") or await self._suffers("auth"):
            return
        mechanism, _, initial = (arg or "").partition(" ")
        if not self.encrypted:
            await self.push(self.service.words("no_tls"))
        elif self.session.authenticated:
            await self.push("503 5.5.1 Already authenticated")
        elif mechanism.upper() in ("LOGIN", "PLAIN"):
            await self._refuse_password(mechanism.upper(), initial)
        elif mechanism.upper() != "XOAUTH2":
            await self.push(self.service.words("unknown_mechanism"))
        else:
            await self._log_in(initial or await self.ask(b""))

    async def smtp_MAIL(self, arg) -> None:
        self._command = "MAIL"
        if not self.encrypted:
            await self.push(self.service.words("mail_without_tls"))
        elif not await self._suffers("mail"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg) -> None:
        self._command = "RCPT"
        recipient = (arg or "").partition(":")[2].strip().strip("<>")
        if not await self._suffers("rcpt", recipient=recipient):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg) -> None:
        self._command = "DATA"
        if await self._suffers("data"):
            return
        fault = self._take("body") if self.envelope.rcpt_tos else None
        if fault:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._reader.read(1)
            if await self.strike(fault):
                self.transport.close()
                return
        await super().smtp_DATA(arg)

    async def smtp_RSET(self, arg) -> None:
        self._command = "RSET"
        await super().smtp_RSET(arg)

    async def smtp_NOOP(self, arg) -> None:
        self._command = "NOOP"
        await super().smtp_NOOP(arg)

    async def smtp_QUIT(self, arg) -> None:
        self._command = "QUIT"
        await super().smtp_QUIT(arg)

    async def finish(self, take) -> str | None:
        """Handle the end of the content: ``take()`` accepts it and returns the reply.

        A fault may come before it (nothing is delivered) or after it (``processed``).
        """
        fault = self._take("accepted")
        if fault is None:
            return take()
        reply = take() if fault.processed or fault.kind == "slow" else ""
        if await self.strike(fault):
            return None
        return reply

    # ------------------------------------------------------------------ AUTH

    async def ask(self, challenge: bytes) -> str:
        """Send a 334 challenge and return the client's line, still in base64."""
        await self.push("334 " + base64.b64encode(challenge).decode())
        return (await self._reader.readline()).strip().decode("ascii", "replace")

    async def _log_in(self, response: str) -> None:
        if response == "*":
            await self.push("501 5.7.0 Authentication canceled")
            return
        credentials = parse_xoauth2(response)
        answer = self.service.log_in(self, *credentials) if credentials else ""
        if isinstance(answer, Login):
            self.login = answer
            self.session.authenticated = True
            await self.push(self.service.words("authenticated"))
        elif answer:
            await self.push(answer)
        else:
            await self.service.refuse_log_in(self)

    async def _refuse_password(self, mechanism: str, initial: str) -> None:
        if mechanism == "LOGIN":
            if not initial:
                await self.ask(b"Username:")
            await self.ask(b"Password:")
        elif not initial:
            await self.ask(b"")
        await self.push(self.service.words("password"))


def parse_xoauth2(response: str) -> tuple[str, str] | None:
    """Return user and token of an XOAUTH2 response in base64, ``None`` if it is malformed.

    https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
    """
    try:
        decoded = base64.b64decode(response, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    match = re.fullmatch(r"user=([^\x01]+)\x01auth=Bearer ([^\x01]+)\x01\x01", decoded)
    return (match[1], match[2]) if match else None


def content_problem(content: bytes) -> str:
    """Return what both services refuse in the content itself, or the empty string."""
    if LONG_LINE.search(content):
        return "500 5.5.2 Line too long"
    return ""
