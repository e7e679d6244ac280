"""Pure classification of Microsoft Graph's answers to sendMail.

https://learn.microsoft.com/graph/errors
https://learn.microsoft.com/graph/throttling
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..exceptions import (
    ConfigurationError,
    DeliveryUnknownError,
    MailOAuth2Error,
    RefusedError,
    SignInNeededError,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from ..providers.redaction import clean_text
from ..providers.retry_after import requested_pause

#: see :data:`.smtp_replies.DAILY_LIMIT_PAUSE`, :data:`.smtp_replies.FULL_MAILBOX_PAUSE`
DAILY_LIMIT_PAUSE = FULL_MAILBOX_PAUSE = 3600.0


@dataclass(frozen=True)
class Answer:
    """One answer of Graph. ``code`` is empty where the body is not Graph's error object.

    :param content: the JSON object of the body, empty where it was none
    """

    status: int
    code: str = ""
    message: str = ""
    request_id: str = ""
    challenge: str = ""
    retry_after: float | None = None
    content: dict = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, status: int, headers: Mapping[str, str], body, *, now=time.time) -> Answer:
        """Read an answer.

        :param headers: case-insensitive mapping
        :param body: the decoded JSON, or ``None`` where there was none
        :param now: clock in seconds since the epoch, for a date to wait for
        """
        content = body if isinstance(body, dict) else {}
        error = content.get("error")
        error = error if isinstance(error, dict) else {}
        inner = error.get("innerError")
        inner = inner if isinstance(inner, dict) else {}
        request_id = headers.get("request-id") or inner.get("request-id")
        message = clean_text(error.get("message"))
        return cls(
            status=status,
            code=clean_text(error.get("code")),
            message=message,
            request_id=clean_text(request_id),
            challenge=headers.get("WWW-Authenticate") or "",
            retry_after=requested_pause(headers.get("Retry-After"), message, now=now),
            content=content,
        )

    def text(self, name: str) -> str:
        """Return a string of the body, empty for everything else."""
        value = self.content.get(name)
        return value if isinstance(value, str) else ""

    @property
    def next_position(self) -> int | None:
        """Where an upload goes on: the start of the first range of ``nextExpectedRanges``."""
        ranges = self.content.get("nextExpectedRanges")
        first = ranges[0] if isinstance(ranges, list) and ranges else ""
        start = first.partition("-")[0] if isinstance(first, str) else ""
        return int(start) if start.isascii() and start.isdecimal() else None

    def __str__(self):
        return " ".join(filter(None, (str(self.status), self.code, self.message)))


@dataclass(frozen=True)
class _Rule:
    """One line of the table; empty fields match everything, ``words`` without case.

    ``alone``: the words mean the same where a text holds nothing else of the answer.
    """

    error: type[MailOAuth2Error]
    key: str
    statuses: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    words: str = ""
    challenge: str = ""
    retry_after: float | None = None
    #: see :class:`.exceptions.TransientError`
    stops_mailbox: bool = True
    alone: bool = False

    def matches(self, answer: Answer) -> bool:
        return (
            (not self.statuses or answer.status in self.statuses)
            and (not self.codes or answer.code.casefold() in map(str.casefold, self.codes))
            and self.words.casefold() in answer.message.casefold()
            and self.challenge in answer.challenge
        )


#: First match wins.
_RULES = (
    # Token and permissions
    _Rule(SignInNeededError, "graph_claims_challenge", (401,), challenge="insufficient_claims"),
    _Rule(ConfigurationError, "graph_wrong_audience", (401,), words="Invalid audience", alone=True),
    _Rule(SignInNeededError, "graph_token_refused", (401,)),
    _Rule(RefusedError, "send_as_denied", codes=("ErrorSendAsDenied",)),
    _Rule(ConfigurationError, "graph_access_policy", (403,), words="AccessPolicy"),
    _Rule(
        ConfigurationError,
        "graph_odata_disabled",
        (403,),
        words="Access to OData is disabled",
        alone=True,
    ),
    _Rule(
        ConfigurationError,
        "graph_access_denied",
        codes=("ErrorAccessDenied", "AccessDenied", "Authorization_RequestDenied", "Forbidden"),
    ),
    _Rule(
        ConfigurationError,
        "graph_mailbox_not_enabled",
        codes=("MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"),
    ),
    _Rule(
        ConfigurationError,
        "graph_mailbox_not_found",
        (404,),
        ("ErrorInvalidUser", "ResourceNotFound", "Request_ResourceNotFound"),
    ),
    _Rule(
        TransientError,
        "graph_item_not_found",
        (404,),
        ("ErrorItemNotFound",),
        stops_mailbox=False,
    ),
    # Limits
    _Rule(ThrottledError, "graph_concurrency", (429,), words="MailboxConcurrency"),
    _Rule(
        ThrottledError,
        "graph_daily_limit",
        codes=("ErrorExceededMessageLimit", "ErrorExceededMaxRecipientLimit"),
        retry_after=DAILY_LIMIT_PAUSE,
    ),
    _Rule(
        TransientError,
        "mailbox_full",
        codes=("ErrorQuotaExceeded", "QuotaExceededException"),
        retry_after=FULL_MAILBOX_PAUSE,
    ),
    _Rule(
        ConfigurationError,
        "mailbox_restricted",
        codes=("ErrorAccountSuspend", "ErrorMessageSubmissionBlocked"),
    ),
    _Rule(ThrottledError, "graph_throttled", (429,)),
    _Rule(ThrottledError, "graph_throttled", codes=("TooManyRequests", "ApplicationThrottled")),
    # This mail
    _Rule(RefusedError, "content_blocked", codes=("ErrorMessageBlocked",)),
    _Rule(RefusedError, "recipient_invalid", codes=("ErrorInvalidRecipients",)),
    _Rule(
        RefusedError,
        "message_malformed",
        codes=("ErrorMimeContentInvalidBase64String", "ErrorMimeContentInvalid"),
    ),
    _Rule(
        RefusedError,
        "graph_header_refused",
        codes=("InvalidInternetMessageHeader", "InvalidInternetMessageHeaderCollection"),
    ),
    _Rule(RefusedError, "message_too_large", (413,)),
    _Rule(
        RefusedError,
        "message_too_large",
        codes=(
            "ErrorMessageSizeExceeded",
            "RequestEntityTooLarge",
            "ErrorAttachmentSizeLimitExceeded",
        ),
    ),
    _Rule(RefusedError, "message_too_large", (400,), words="maximum request length", alone=True),
    # The service: only what Graph itself turned away is known not to be sent
    _Rule(TransientError, "graph_unavailable", codes=("ServiceUnavailable", "ErrorApiQuarantined")),
    # The request came too slowly, which a smaller one may not.
    _Rule(TransientError, "graph_unavailable", (408,), stops_mailbox=False),
    _Rule(DeliveryUnknownError, "graph_unanswered", (500, 502, 503, 504)),
)

#: Keys of the answers the table does not know.
GENERIC_KEYS = frozenset(
    {"graph_unavailable", "graph_unanswered", "graph_refused", "graph_unexpected_answer"}
)

#: Keys of :func:`classify_unsent`.
_UNSENT_KEYS = frozenset({"graph_read_write_denied"})

#: every key this module can give an error
KEYS = GENERIC_KEYS | _UNSENT_KEYS | {rule.key for rule in _RULES}

#: every code the table knows
CODES = frozenset(code for rule in _RULES for code in rule.codes)

#: ``(words, status)`` of phrases that need no answer around them
PHRASES = tuple((rule.words, rule.statuses[0]) for rule in _RULES if rule.alone)

#: refusals that a fresh token may cure
TOKEN_REFUSED_KEYS = frozenset(
    {"graph_token_refused", "graph_wrong_audience", "graph_claims_challenge"}
)


def classify(answer: Answer) -> MailOAuth2Error:
    """Return the error an answer other than 202 means.

    ``retry_after`` of the provider goes before our own.
    """
    rule = _rule(answer)
    context = {"provider_text": str(answer), "request_id": answer.request_id}
    if issubclass(rule.error, TransientError):
        named = answer.retry_after
        context["retry_after"] = rule.retry_after if named is None else named
        context["stops_mailbox"] = rule.stops_mailbox
    return rule.error(rule.key, **context)


def classify_unsent(answer: Answer) -> MailOAuth2Error:
    """Return the error an answer means before anything was sent: drafts and what is looked up.

    No delivery is unknown then. Reading and writing takes permissions that small mail needs
    not, so their lack is no reason to hold the mailbox.
    """
    error = classify(answer)
    context = {"provider_text": error.provider_text, "request_id": error.request_id}
    if error.key == "graph_access_denied":
        return RefusedError("graph_read_write_denied", **context)
    if isinstance(error, DeliveryUnknownError) and answer.status >= 500:
        return TransientError("graph_unavailable", retry_after=answer.retry_after, **context)
    if isinstance(error, DeliveryUnknownError):
        return UnreachableError("graph_unexpected_answer", **context)
    return error


def _rule(answer: Answer) -> _Rule:
    if answer.status == 503 and (answer.code or answer.retry_after is not None):
        # Graph says itself that it did not take the request. A bare 503 may come from a
        # gateway that lost its connection to Graph after passing the request on.
        return _Rule(TransientError, "graph_unavailable")
    for rule in _RULES:
        if rule.matches(answer):
            return rule
    return _unknown(answer)


def _unknown(answer: Answer) -> _Rule:
    if 200 <= answer.status <= 299:
        # Only 202 is documented. An over-long MIME was once answered 200 and never sent.
        return _Rule(DeliveryUnknownError, "graph_unexpected_answer")
    if 500 <= answer.status <= 599:
        return _Rule(DeliveryUnknownError, "graph_unanswered")
    if 400 <= answer.status <= 499 and answer.code:
        return _Rule(RefusedError, "graph_refused")
    # Not Graph's error object: a proxy, a portal, or the wrong host answered
    return _Rule(UnreachableError, "graph_unexpected_answer")
