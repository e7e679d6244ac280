"""Exchange Online's SMTP AUTH client submission.

https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime

from . import exchange
from .directory import Account
from .entra_scopes import OUTLOOK
from .grants import AccessToken
from .mail import MessageSource
from .smtp_session import Login, SubmissionService, SubmissionSession, content_problem

HOST = "SANDBOXP001.outlook.office365.com"
DISABLED = (
    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the"
    " {scope}. Visit https://aka.ms/smtp_auth_disabled for more information."
)
TOO_MANY_CONNECTIONS = (
    "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending"
    f" for more information. [Hostname={HOST}]"
)
SEND_AS_DENIED = (
    "554 5.2.252 SendAsDenied; {account} not allowed to send as {sender};"
    " STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to"
    " process message due to a permanent exception with message [BeginDiagnosticData]Cannot"
    " submit message. 0.35250:0A00A280 [EndDiagnosticData] [Hostname=" + HOST + "]"
)
QUOTA = (
    "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process"
    f" message due to a permanent exception. [Hostname={HOST}]"
)
BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")

#: what aiosmtpd says -> what Exchange says
WORDING = {
    "220 Ready to start TLS": "220 2.0.0 SMTP server ready",
    "221 Bye": "221 2.0.0 Service closing transmission channel",
    "250 OK": "250 2.0.0 OK",
    "354 End data with <CR><LF>.<CR><LF>": "354 Start mail input; end with <CRLF>.<CRLF>",
    "503 Error: send HELO first": "503 5.5.2 Send hello first",
    "503 Error: send EHLO first": "503 5.5.2 Send hello first",
    "503 Error: nested MAIL command": "503 5.5.2 Sender already specified",
    "503 Error: need MAIL command": "503 5.5.2 Need mail command",
    "503 Error: need RCPT command": "503 5.5.2 Need rcpt command",
    "530 5.7.0 Authentication required": "530 5.7.57 SMTP; Client was not authenticated to"
    " send anonymous mail during MAIL FROM",
    "552 Error: message size exceeds fixed maximum message size": "552 5.3.4 Message size"
    " exceeds fixed maximum message size",
    "552 Error: Too much mail data": "552 5.3.4 Message size exceeds fixed maximum message size",
}
_WORDS = {
    "authenticated": "235 2.7.0 Authentication successful",
    "password": "550 5.7.30 Basic authentication is not supported for Client Submission.",
    "no_tls": "504 5.7.4 Unrecognized authentication type",
    "unknown_mechanism": "504 5.7.4 Unrecognized authentication type",
    "mail_without_tls": "451 5.7.3 STARTTLS is required to send mail",
}


class ExchangeService(SubmissionService):
    """Words and rules of smtp.office365.com."""

    place = "microsoft_smtp"
    host_name = HOST
    size_limit = 157_286_400

    def __init__(self, world):
        super().__init__(world)
        self.wording = WORDING

    def words(self, name: str) -> str:
        return f"{_WORDS[name]} [{HOST}]" if name == "no_tls" else _WORDS[name]

    def banner(self) -> str:
        moment = format_datetime(datetime.fromtimestamp(self.world.now(), UTC))
        session = secrets.token_hex(8).upper()
        return f"Microsoft ESMTP MAIL Service ready at {moment} [{session}]"

    def capabilities(self, client_name: str, encrypted: bool) -> list[str]:
        return [
            f"{HOST} Hello [127.0.0.1]",
            f"SIZE {self.size_limit}",
            "PIPELINING",
            "DSN",
            "ENHANCEDSTATUSCODES",
            "AUTH LOGIN XOAUTH2" if encrypted else "STARTTLS",
            "8BITMIME",
            "BINARYMIME",
            "CHUNKING",
            "SMTPUTF8",
        ]

    # ------------------------------------------------------------------ AUTH

    def log_in(self, session: SubmissionSession, user: str, token: str) -> Login | str:
        settings, pace = self.world.settings, self.world.pace
        if settings.smtp_auth_disabled:
            return DISABLED.format(scope=settings.smtp_auth_disabled.capitalize())
        login = self._identify(user, self.world.grants.access_tokens.get(token))
        if login is None:
            return ""
        key = f"{self.place}/{login.mailbox.address}"
        if settings.limits and pace.under_way[key] >= settings.exchange_connections:
            return TOO_MANY_CONNECTIONS
        pace.under_way[key] += 1
        session.slot = pace, key
        return login

    def log_out(self, session: SubmissionSession) -> None:
        if session.slot:
            # The pace of then: a reset has put another in its place.
            pace, key = session.slot
            session.slot = None
            pace.under_way[key] -= 1

    def _identify(self, user: str, token: AccessToken | None) -> Login | None:
        if token is None or token.provider != "microsoft" or token.resource != OUTLOOK:
            return None
        mailbox = self.world.directory.find("microsoft", user)
        if token.expires_at <= self.world.now() or mailbox is None or not mailbox.mailbox:
            return None
        if token.account is None:
            allowed = mailbox.address in token.client.mailboxes
            return Login(mailbox, None) if allowed else None
        if "SMTP.Send" not in token.scopes or not token.account.enabled:
            return None
        own = mailbox is token.account or mailbox.address in token.account.full_access
        return Login(mailbox, token.account) if own else None

    async def refuse_log_in(self, session: SubmissionSession) -> None:
        if self.world.settings.exchange_challenge:
            await session.ask(b'{"status":"400","schemes":"Bearer","scope":""}')
        moment = datetime.fromtimestamp(self.world.now(), UTC)
        await session.push(
            f"535 5.7.3 Authentication unsuccessful [{HOST}"
            f" {moment:%Y-%m-%dT%H:%M:%S.000Z} {secrets.token_hex(8).upper()}]"
        )

    # ------------------------------------------------------------------ mail

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:
        """Answer MAIL FROM."""
        envelope.mail_from = address
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        """Answer RCPT TO."""
        if reply := self.world.mail.refused_recipients.get(address.lower()):
            return reply
        if len(envelope.rcpt_tos) >= self.world.settings.exchange_recipients_per_message:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server, session, envelope) -> str | None:
        """Answer the end of the content."""
        message = MessageSource(envelope.content)
        problem = self._problem(server.login, envelope, message)
        if problem:
            return problem
        return await server.finish(lambda: self._accept(server.login, envelope, message))

    def _problem(self, login: Login, envelope, message: MessageSource) -> str:
        if BARE_LINE_FEED.search(envelope.content):
            return "550 5.6.11 SMTPSEND.BareLinefeedsAreIllegal; message contains bare linefeeds"
        if problem := content_problem(envelope.content):
            return problem
        if len(envelope.content) > self.world.settings.mailbox_message_bytes:
            return "552 5.3.4 Message size exceeds fixed maximum message size"
        return self._send_as_problem(login, envelope, message) or self._limit(login)

    def _send_as_problem(self, login: Login, envelope, message: MessageSource) -> str:
        allowed = exchange.sender_addresses(self.world, login.account, login.mailbox)
        for sender in [*message.addresses("From"), envelope.mail_from]:
            if sender.lower() not in allowed:
                return SEND_AS_DENIED.format(account=login.name, sender=sender)
        return ""

    def _limit(self, login: Login) -> str:
        settings, now = self.world.settings, self.world.now()
        if not settings.limits:
            return ""
        _, recipients = self.world.mail.sent_since(login.name, now - 86400)
        if recipients >= settings.exchange_recipients_per_day:
            return QUOTA
        mails, _ = self.world.mail.sent_since(login.name, now - 60)
        if mails >= settings.exchange_messages_per_minute:
            return "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"
        return ""

    def _accept(self, login: Login, envelope, message: MessageSource) -> str:
        mailbox: Account = login.mailbox
        exchange.complete_headers(self.world, message, mailbox)
        exchange.deliver(
            self.world,
            message,
            envelope.rcpt_tos,
            via=self.place,
            mailbox=mailbox,
            account=login.name,
            envelope_from=envelope.mail_from,
            sent_items=mailbox.address,
        )
        queue_id = f"{secrets.token_hex(12).upper()}@{HOST}"
        return f"250 2.0.0 OK <{queue_id}> [Hostname={HOST}]"
