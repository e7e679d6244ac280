"""Gmail's SMTP submission.

https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
"""

from __future__ import annotations

import json
import re
import secrets
from email.utils import formataddr, formatdate, getaddresses

from .directory import Account
from .google_info import live_token
from .google_scopes import MAIL
from .mail import MessageSource
from .smtp_session import Login, SubmissionService, SubmissionSession, content_problem

#: what Gmail keeps; anything else gets a new one
VALID_MESSAGE_ID = re.compile(r"<[^<>@\s]*[^<>@\s.]@[^<>@\s]*[^<>@\s.]>")
DAILY_LIMIT = (
    "550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\r\n"
    "550-5.4.5 sending limits go to\r\n"
    "550 5.4.5  https://support.google.com/a/answer/166852"
)
TOO_MANY_LOGINS = "454 4.7.0 Too many login attempts, please try again later."


class GmailService(SubmissionService):
    """Words and rules of smtp.gmail.com."""

    place = "google_smtp"
    host_name = "smtp.gmail.com"
    size_limit = 35_882_577

    def __init__(self, world):
        super().__init__(world)
        self._id = f"{secrets.token_hex(12)}.{secrets.randbelow(90) + 10}"
        self.wording = {
            "220 Ready to start TLS": "220 2.0.0 Ready to start TLS",
            "221 Bye": self._signed(f"221 2.0.0 closing connection {self._id}"),
            "250 OK": self._signed(f"250 2.1.5 Flushed {self._id}"),
            "354 End data with <CR><LF>.<CR><LF>": self._signed(f"354 Go ahead {self._id}"),
            "503 Error: send HELO first": self._signed("503 5.5.1 EHLO/HELO first."),
            "503 Error: send EHLO first": self._signed("503 5.5.1 EHLO/HELO first."),
            "503 Error: nested MAIL command": self._signed("503 5.5.1 MAIL first."),
            "503 Error: need MAIL command": self._signed("503 5.5.1 MAIL first."),
            "503 Error: need RCPT command": self._signed("503 5.5.1 RCPT first."),
            "530 5.7.0 Authentication required": (
                "530-5.7.0 Authentication Required. For more information, go to\r\n"
                + self._signed("530 5.7.0  https://support.google.com/mail/?p=WantAuthError")
            ),
            "552 Error: message size exceeds fixed maximum message size": self._too_big(),
            "552 Error: Too much mail data": self._too_big(),
        }
        self._words = {
            "authenticated": "235 2.7.0 Accepted",
            "password": self._bad_credentials(),
            "no_tls": self._signed("530 5.7.0 Must issue a STARTTLS command first."),
            "mail_without_tls": self._signed("530 5.7.0 Must issue a STARTTLS command first."),
            "unknown_mechanism": self._signed("504 5.7.4 Unrecognized Authentication Type"),
        }

    def words(self, name: str) -> str:
        return self._words[name]

    def banner(self) -> str:
        return f"ESMTP {self._id} - gsmtp"

    def capabilities(self, client_name: str, encrypted: bool) -> list[str]:
        return [
            "smtp.gmail.com at your service, [127.0.0.1]",
            f"SIZE {self.size_limit}",
            "8BITMIME",
            "AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH"
            if encrypted
            else "STARTTLS",
            "ENHANCEDSTATUSCODES",
            "PIPELINING",
            "CHUNKING",
            "SMTPUTF8",
        ]

    def _signed(self, text: str) -> str:
        return f"{text} - gsmtp"

    def _too_big(self) -> str:
        return (
            "552-5.2.3 Your message exceeded Google's message size limits. For more\r\n"
            + self._signed(
                "552 5.2.3 information, visit https://support.google.com/mail/answer/6584"
            )
        )

    def _bad_credentials(self) -> str:
        return (
            "535-5.7.8 Username and Password not accepted. For more information, go to\r\n"
            + self._signed(
                f"535 5.7.8  https://support.google.com/mail/?p=BadCredentials {self._id}"
            )
        )

    # ------------------------------------------------------------------ AUTH

    def log_in(self, session: SubmissionSession, user: str, token: str) -> Login | str:
        settings, now = self.world.settings, self.world.now()
        attempts = self.world.pace.since(self.place, now - 60)
        self.world.pace.note(self.place, now)
        if settings.limits and 0 < settings.gmail_logins_per_minute <= len(attempts):
            return self._signed(TOO_MANY_LOGINS)
        found = live_token(self.world, token)
        if found is None or MAIL not in found.scopes or not found.account.enabled:
            return ""
        if user.lower() != found.account.address.lower() or not found.account.mailbox:
            return ""
        return Login(found.account, found.account)

    def log_out(self, session: SubmissionSession) -> None:
        """Do nothing: Gmail limits logins, not connections."""

    async def refuse_log_in(self, session: SubmissionSession) -> None:
        status = self.world.settings.gmail_challenge_status
        schemes = "Bearer" if status == "400" else "bearer mac"
        challenge = {"status": status, "schemes": schemes, "scope": MAIL}
        await session.ask(json.dumps(challenge, separators=(",", ":")).encode())
        await session.push(self._bad_credentials())

    # ------------------------------------------------------------------ mail

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:
        """Answer MAIL FROM; the return path becomes the account whatever it says."""
        envelope.mail_from = address
        return self._signed(f"250 2.1.0 OK {self._id}")

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        """Answer RCPT TO."""
        if reply := self.world.mail.refused_recipients.get(address.lower()):
            return self._signed(reply)
        if "@" not in address:
            return self._signed("553 5.1.3 The recipient address is not a valid RFC 5321 address.")
        if len(envelope.rcpt_tos) >= self.world.settings.gmail_recipients_per_message:
            return self._signed("452 4.5.3 Your message has too many recipients.")
        envelope.rcpt_tos.append(address)
        return self._signed(f"250 2.1.5 OK {self._id}")

    async def handle_DATA(self, server, session, envelope) -> str | None:
        """Answer the end of the content."""
        problem = content_problem(envelope.content) or self._limit(server.login)
        if problem:
            return self._signed(problem)
        return await server.finish(lambda: self._accept(server.login, envelope))

    def _limit(self, login: Login) -> str:
        settings = self.world.settings
        if not settings.limits:
            return ""
        mails, recipients = self.world.mail.sent_since(login.name, self.world.now() - 86400)
        allowed = settings.gmail_messages_per_day
        if not login.mailbox.tenant:
            allowed = settings.gmail_consumer_messages_per_day
        over = mails >= allowed or recipients >= settings.gmail_recipients_per_day
        return DAILY_LIMIT if over else ""

    def _accept(self, login: Login, envelope) -> str:
        account, message = login.mailbox, MessageSource(envelope.content)
        rewrite_from(message, account)
        rewrite_message_id(message)
        if "Date" not in message.headers:
            message.replace("Date", formatdate(self.world.now()))
        del message.headers["Bcc"]
        self.world.mail.deliver(
            via=self.place,
            mailbox=account.address,
            account=account.address,
            envelope_from=account.address,
            recipients=tuple(envelope.rcpt_tos),
            source=bytes(message),
            received_at=self.world.now(),
        )
        return self._signed(f"250 2.0.0 OK  {int(self.world.now())} {self._id}")


def rewrite_from(message: MessageSource, account: Account) -> None:
    """Replace a From that is not exactly the account or one of its verified aliases."""
    original = str(message.headers.get("From", ""))
    people = getaddresses([original])
    if len(people) == 1 and people[0][1] in (account.address, *account.aliases):
        return
    name = people[0][0] if people else ""
    message.replace("From", formataddr((name, account.address)) if name else account.address)
    if original:
        message.headers["X-Google-Original-From"] = original


def rewrite_message_id(message: MessageSource) -> None:
    """Replace a Message-ID that is malformed or missing."""
    original = message.header("Message-ID")
    if VALID_MESSAGE_ID.fullmatch(original):
        return
    message.replace("Message-ID", f"<{secrets.token_hex(16)}@mx.google.com>")
    if original:
        message.headers["X-Google-Original-Message-ID"] = original
