"""What both providers' OAuth error answers have in common.

https://www.rfc-editor.org/rfc/rfc6749#section-5.2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..exceptions import (
    SignInRejectedError,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from .id_token import same
from .redaction import clean_text
from .retry_after import requested_pause

#: Keys of answers that no provider words differently.
KEYS = frozenset(
    {
        "answer_incomplete",
        "callback_incomplete",
        "grant_missing",
        "not_json",
        "oauth_error_unknown",
        "provider_unavailable",
        "scope_missing",
        "sign_in_cancelled",
        "state_mismatch",
        "throttled",
    }
)


@dataclass(frozen=True)
class Answer:
    """An answer of a token endpoint.

    :param status: HTTP status
    :param content: the JSON object of the body, ``None`` where the body was none
    :param retry_after: seconds the provider asked to wait
    :param secrets: what was sent along and must not come back in a text
    """

    status: int
    content: dict | None = field(default=None, repr=False)
    retry_after: float | None = None
    request_id: str = ""
    host: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_good(self) -> bool:
        """Whether this is a JSON object that reports no error."""
        return self.status == 200 and self.content is not None and not self.error

    @property
    def error(self) -> str:
        """The ``error`` of an OAuth error answer, ``""`` where there is none."""
        return text_of(self.content or {}, "error")

    def text(self) -> str:
        """The provider's own words, fit to be shown."""
        return clean_text(text_of(self.content or {}, "error_description"), secrets=self.secrets)


def answer_of(response, *, secrets=(), now) -> Answer:
    """Read a ``requests.Response``; never fails."""
    try:
        content = response.json()
    except ValueError:
        content = None
    content = content if isinstance(content, dict) else None
    words = text_of(content or {}, "error_description")
    return Answer(
        status=response.status_code,
        content=content,
        retry_after=requested_pause(response.headers.get("Retry-After"), words, now=now),
        request_id=clean_text(response.headers.get("x-ms-request-id", "")),
        host=urlsplit(response.url).hostname or "",
        secrets=tuple(secrets),
    )


def transient_error(answer: Answer):
    """Return the error of an answer that says nothing about the grant, else ``None``.

    That is throttling, trouble at the provider, and every body that is no OAuth answer: the
    grant stays good.
    """
    context = {"provider_text": answer.text(), "request_id": answer.request_id}
    if answer.status == 429:
        return ThrottledError("throttled", retry_after=answer.retry_after, **context)
    if answer.status >= 500 or answer.error in ("temporarily_unavailable", "server_error"):
        details = {"host": answer.host, "status": answer.status}
        return TransientError(
            "provider_unavailable", retry_after=answer.retry_after, details=details, **context
        )
    if not answer.error:
        details = {"host": answer.host, "status": answer.status}
        return UnreachableError("not_json", details=details, **context)
    return None


def unknown_error(answer: Answer):
    """Return the error for a refusal nobody has described: only a definite one ends a grant."""
    return TransientError(
        "oauth_error_unknown",
        retry_after=answer.retry_after,
        provider_text=answer.text() or clean_text(answer.error),
        request_id=answer.request_id,
        details={"error": clean_text(answer.error)},
    )


def check_token_answer(content: dict, *, host: str):
    """Check that a successful token answer holds what it must.

    :raises UnreachableError: ``answer_incomplete``; the grant stays good
    """
    token, scope = content.get("access_token"), content.get("scope", "")
    is_good = isinstance(token, str) and token and isinstance(scope, str)
    if is_good and _is_lifetime(content.get("expires_in")):
        return
    raise UnreachableError("answer_incomplete", details={"host": host, "status": 200})


def check_callback(params: Mapping, *, state: str, meaning):
    """Check the query that the browser brought to the redirect URI.

    :param state: the ``state`` that was sent
    :param meaning: function that turns an error query into an exception
    :raises SignInRejectedError: ``state_mismatch``, ``callback_incomplete``
    """
    if not same(text_of(params, "state"), state):
        raise SignInRejectedError("state_mismatch")
    if text_of(params, "error"):
        raise meaning(params)
    if not text_of(params, "code"):
        raise SignInRejectedError("callback_incomplete")


def text_of(mapping: Mapping, name: str) -> str:
    """Return a string of a mapping from outside, ``""`` for everything else."""
    value = mapping.get(name)
    return value if isinstance(value, str) else ""


def _is_lifetime(value):
    if isinstance(value, str):  # AAD v1 endpoints send a string
        return value.isdecimal() and len(value) < 10
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
