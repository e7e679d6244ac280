"""Pure classification of SMTP replies: code and enhanced code first, words only where those
are ambiguous.

Sources: RFC 5321 and 3463 for the codes;
https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online
and https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission
for Exchange; https://knowledge.workspace.google.com/admin/support/troubleshooting/gmail-smtp-errors-and-codes
for Gmail.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from ..exceptions import (
    ConfigurationError,
    MailOAuth2Error,
    RefusedError,
    SignInNeededError,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from ..providers.redaction import clean_text
from ..providers.retry_after import pause_in_words
from .delivery import most_urgent

#: Stages of a session, in order. ``CONTENT`` is the answer to the final dot.
CONNECT, AUTH, MAIL, RCPT, DATA, CONTENT = "connect", "auth", "mail", "rcpt", "data", "content"

#: Stages at which a recipient or the content may be what the server stumbles over.
WITHIN_A_MAIL = (RCPT, DATA, CONTENT)

MICROSOFT, GOOGLE = "microsoft", "google"

#: Daily limits look permanent and are not. They count a rolling 24 hours, so room comes back
#: bit by bit: one probe per hour finds it, and twenty-four of them annoy nobody.
DAILY_LIMIT_PAUSE = 3600.0

#: A full Sent Items folder is emptied by a person who tells nobody: look again each hour.
FULL_MAILBOX_PAUSE = 3600.0

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")


@dataclass(frozen=True)
class Reply:
    """One SMTP reply: ``code``, ``enhanced`` status code (or empty) and one line of text."""

    code: int
    enhanced: str
    text: str

    @classmethod
    def parse(cls, code: int, message: bytes | str) -> Reply:
        """Read what :meth:`smtplib.SMTP.getreply` returns; the lines are joined by blanks.

        Both providers repeat the enhanced code on every line of a reply.
        """
        if isinstance(message, bytes):
            message = message.decode("utf-8", "replace")
        enhanced, lines = "", []
        for line in message.splitlines():
            found = _ENHANCED.match(line.strip())
            if found and found[1] == (enhanced or found[1]):
                enhanced, line = found[1], line.strip()[found.end() :]
            lines.append(line)
        return cls(code, enhanced, " ".join(" ".join(lines).split()))

    def __str__(self):
        return " ".join(filter(None, (str(self.code), self.enhanced, self.text)))

    @property
    def positive(self) -> bool:
        """RFC 5321 4.2.1: the first digit decides."""
        return 200 <= self.code <= 299

    @property
    def negative(self) -> bool:
        return 400 <= self.code <= 599

    @property
    def temporary(self) -> bool:
        return 400 <= self.code <= 499


@dataclass(frozen=True)
class _Rule:
    """One line of the table; empty fields match everything.

    ``code`` and ``enhanced`` are regular expressions for the whole code, ``words`` is a
    vendor's documented identifier or phrase, compared without case. ``alone``: the words mean
    the same where a text holds nothing else of the reply.
    """

    error: type[MailOAuth2Error]
    key: str
    code: str = ".*"
    enhanced: str = ""
    words: str = ""
    stages: tuple[str, ...] = ()
    provider: str = ""
    retry_after: float | None = None
    #: see :class:`.exceptions.TransientError`
    stops_mailbox: bool = True
    alone: bool = False

    def matches(self, reply: Reply, stage: str, provider: str) -> bool:
        return bool(
            re.fullmatch(self.code, str(reply.code))
            and (not self.enhanced or re.fullmatch(self.enhanced, reply.enhanced))
            and (not self.stages or stage in self.stages)
            and (not self.provider or provider in ("", self.provider))
            and self.words.casefold() in reply.text.casefold()
        )


# fmt: off
#: First match wins. A rule with ``provider`` also serves sessions whose provider is unknown.
_RULES = (
    # What Exchange says about the SMTP AUTH switch and policies; 5.7.139 alone says too little
    _Rule(ConfigurationError, "smtp_auth_disabled_tenant", "535", r"5\.7\.139",
          "SmtpClientAuthentication is disabled for the Tenant", alone=True),
    _Rule(ConfigurationError, "smtp_auth_disabled_mailbox", "535", r"5\.7\.139",
          "SmtpClientAuthentication is disabled for the Mailbox", alone=True),
    _Rule(ConfigurationError, "smtp_basic_auth_disabled", "535", r"5\.7\.139",
          "basic authentication is disabled", alone=True),
    _Rule(ConfigurationError, "smtp_basic_auth_disabled", "550", r"5\.7\.30"),
    _Rule(ConfigurationError, "smtp_conditional_access", "535", r"5\.7\.139",
          "did not meet the criteria"),
    _Rule(ConfigurationError, "smtp_security_defaults", "535", r"5\.7\.139", "security defaults"),
    _Rule(ConfigurationError, "exchange_auth_refused", "535", r"5\.7\.139",
          "user credentials were incorrect"),
    _Rule(ConfigurationError, "smtp_auth_policy", "535", r"5\.7\.139"),

    # The token was read and refused
    _Rule(ConfigurationError, "exchange_auth_refused", "535", r"5\.7\.3"),
    _Rule(ConfigurationError, "smtp_auth_data_invalid", "501", r"5\.5\.124"),
    _Rule(SignInNeededError, "gmail_auth_refused", "535", r"5\.7\.[18]", provider=GOOGLE),
    _Rule(ConfigurationError, "gmail_password_login", "534", r"5\.7\.(9|14)"),
    _Rule(SignInNeededError, "smtp_auth_refused", "535"),

    # The session is not what it should be
    _Rule(ConfigurationError, "smtp_tls_required", "530", words="STARTTLS"),
    _Rule(ConfigurationError, "smtp_not_authenticated", "530"),
    _Rule(ConfigurationError, "smtp_xoauth2_missing", "504", stages=(AUTH,)),
    _Rule(ThrottledError, "smtp_login_throttled", "454", r"4\.7\.0", stages=(AUTH,)),
    _Rule(ConfigurationError, "smtp_tls_too_old", enhanced=r"[45]\.7\.6[67]"),

    # Sender rights. The exception's name also came with 5.2.0 and with temporary codes.
    _Rule(RefusedError, "send_as_denied", enhanced=r"5\.2\.252|5\.7\.60"),
    _Rule(RefusedError, "send_as_denied", words="SendAsDenied", alone=True),

    # Limits of the sender
    _Rule(ThrottledError, "exchange_recipient_quota", words="SubmissionQuotaExceeded",
          retry_after=DAILY_LIMIT_PAUSE, alone=True),
    _Rule(ThrottledError, "exchange_recipient_quota", enhanced=r"5\.1\.90",
          retry_after=DAILY_LIMIT_PAUSE),
    _Rule(ThrottledError, "tenant_recipient_limit", enhanced=r"5\.7\.23[23]",
          retry_after=DAILY_LIMIT_PAUSE),
    _Rule(ThrottledError, "gmail_daily_limit", "550", r"5\.4\.5",
          provider=GOOGLE, retry_after=DAILY_LIMIT_PAUSE),
    _Rule(ThrottledError, "gmail_daily_limit", "550", r"5\.7\.1", "relay limit exceeded",
          provider=GOOGLE, retry_after=DAILY_LIMIT_PAUSE),
    _Rule(TransientError, "mailbox_full", words="QuotaExceededException", stages=(DATA, CONTENT),
          retry_after=FULL_MAILBOX_PAUSE),
    _Rule(TransientError, "mailbox_full", "55.", r"5\.2\.2", stages=(CONTENT,),
          provider=MICROSOFT, retry_after=FULL_MAILBOX_PAUSE),
    _Rule(ThrottledError, "smtp_concurrent_connections", "432", r"4\.3\.2"),
    _Rule(ThrottledError, "smtp_server_busy", "4..", r"4\.7\.[56]\d\d"),
    _Rule(ThrottledError, "gmail_rate_limited", "4..", r"4\.7\.28"),
    _Rule(ThrottledError, "gmail_rate_limited", "450", r"4\.2\.1", "relay limit exceeded",
          provider=GOOGLE),

    # The sender or the tenant is in disgrace: more mail makes it worse
    _Rule(RefusedError, "outbound_spam", words="OutboundSpamException", alone=True),
    _Rule(ConfigurationError, "mailbox_restricted",
          enhanced=r"5\.1\.8|5\.7\.50[1-9]|5\.7\.51[0-3]|5\.7\.703"),
    _Rule(ConfigurationError, "tenant_restricted", enhanced=r"5\.7\.705"),
    _Rule(ConfigurationError, "tenant_ip_refused", enhanced=r"5\.7\.708"),
    _Rule(ConfigurationError, "domain_unregistered", enhanced=r"5\.7\.750"),

    # Exchange takes no mail without a sign-in from this server, or only for its own mailboxes
    _Rule(ConfigurationError, "smtp_direct_send_refused", enhanced=r"5\.7\.68"),
    _Rule(ConfigurationError, "smtp_relay_denied", enhanced=r"5\.7\.64"),
    _Rule(ConfigurationError, "smtp_ip_banned", enhanced=r"5\.7\.6(0[6-9]|[1-4]\d)"),
    _Rule(RefusedError, "smtp_recipient_access_denied", "550", r"5\.4\.1", "Access denied"),
    _Rule(RefusedError, "smtp_internal_recipients_only", "550", r"5\.5\.105"),

    # This mail
    _Rule(RefusedError, "message_too_large", "55.", r"5\.3\.4|5\.2\.3"),
    _Rule(RefusedError, "content_blocked", "552", r"5\.7\.0"),
    _Rule(RefusedError, "message_too_large", "552", stages=(MAIL,)),
    _Rule(RefusedError, "message_malformed", "554", r"5\.6\.0"),
    _Rule(RefusedError, "bare_line_feed", enhanced=r"5\.6\.11"),
    _Rule(RefusedError, "sender_authentication_level", enhanced=r"5\.7\.515"),
    _Rule(TransientError, "too_many_recipients", "452", r"4\.5\.3", stops_mailbox=False),

    # One recipient
    _Rule(TransientError, "recipient_mailbox_full", "4..", r"4\.2\.2", stops_mailbox=False),
    _Rule(TransientError, "recipient_rate_limited", "450", r"4\.2\.1", stops_mailbox=False),
    _Rule(RefusedError, "recipient_unknown", "55.", r"5\.1\.1", stages=WITHIN_A_MAIL),
    _Rule(RefusedError, "recipient_domain_unknown", "55.", r"5\.1\.2"),
    _Rule(RefusedError, "recipient_invalid", "55.", r"5\.1\.3"),
    _Rule(RefusedError, "recipient_mailbox_full", "55.", r"5\.2\.2", stages=(RCPT,)),
    _Rule(RefusedError, "policy_refused", "550", r"5\.7\.[01]",
          stages=(MAIL, RCPT, DATA, CONTENT)),

    # Not the mail's fault: server and client disagree about where the session stands
    _Rule(TransientError, "smtp_bad_sequence", "50[23]", stages=(MAIL,)),
    _Rule(TransientError, "smtp_bad_sequence", "50[23]", stages=(RCPT, DATA),
          stops_mailbox=False),

    # What the code alone says. The server itself is full, closed, or out of time (RFC 3463).
    _Rule(TransientError, "smtp_temporary", "4..", r"4\.3\.[12]|4\.4\.[25]"),
    _Rule(TransientError, "smtp_temporary", "4..", stages=WITHIN_A_MAIL,
          stops_mailbox=False),
    _Rule(TransientError, "smtp_temporary", "4.."),
    _Rule(UnreachableError, "smtp_connect_refused", "5..", stages=(CONNECT,)),
    _Rule(ConfigurationError, "smtp_auth_failed", "5..", stages=(AUTH,)),
    _Rule(RefusedError, "smtp_refused", "5.."),
    _Rule(UnreachableError, "smtp_unexpected_answer", stages=WITHIN_A_MAIL, stops_mailbox=False),
    _Rule(UnreachableError, "smtp_unexpected_answer"),
)
# fmt: on

#: every key this module can give an error
KEYS = frozenset(rule.key for rule in _RULES)

#: ``(key, words)`` of phrases that need no reply around them
PHRASES = tuple((rule.key, rule.words) for rule in _RULES if rule.alone)

#: keys that say no more than the code: its first digit and the stage
CODE_KEYS = frozenset(
    {
        "smtp_temporary",
        "smtp_connect_refused",
        "smtp_auth_failed",
        "smtp_refused",
        "smtp_unexpected_answer",
    }
)

#: refusals that a fresh token may cure
TOKEN_REFUSED_KEYS = frozenset(
    {
        "exchange_auth_refused",
        "gmail_auth_refused",
        "smtp_auth_refused",
        "smtp_auth_data_invalid",
        "smtp_not_authenticated",
    }
)


def classify(reply: Reply, stage: str, provider: str = "", *, now=time.time) -> MailOAuth2Error:
    """Return the error a reply means. A pause that it names goes before our own.

    :param reply: a reply that is not the one hoped for
    :param stage: ``connect`` (greeting, EHLO, STARTTLS), ``auth``, ``mail``, ``rcpt``,
        ``data`` (the command) or ``content`` (after the final dot)
    :param provider: ``microsoft``, ``google``, or empty where unknown
    :param now: clock in seconds since the epoch, for a date to wait for
    """
    rule = next(rule for rule in _RULES if rule.matches(reply, stage, provider))
    context = {"provider_text": clean_text(str(reply))}
    if issubclass(rule.error, TransientError):
        named = pause_in_words(reply.text, now=now)
        context["retry_after"] = rule.retry_after if named is None else named
        # 421 ends the session, whatever else it says (RFC 5321 3.8).
        context["stops_mailbox"] = rule.stops_mailbox or reply.code == 421
    return rule.error(rule.key, **context)


def classify_recipients(replies: dict[str, Reply], provider: str = "") -> MailOAuth2Error:
    """Return the error of a mail whose every recipient was refused.

    What concerns the sender goes before what concerns one recipient, and a temporary refusal
    before a permanent one: the mail waits, and the next attempt reports the permanent one.

    :param replies: ``{address: reply to RCPT}``, not empty
    """
    errors = [classify(reply, RCPT, provider) for reply in replies.values()]
    error = most_urgent(errors)
    if isinstance(error, RefusedError):
        error.refused = {address: str(reply) for address, reply in replies.items()}
    return error
