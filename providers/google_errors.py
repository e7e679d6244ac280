"""What an error of Google's OAuth endpoints means.

https://developers.google.com/identity/protocols/oauth2/web-server#exchange-errors
"""

from __future__ import annotations

from ..exceptions import (
    AdminConsentError,
    ConfigurationError,
    MailOAuth2Error,
    SignInNeededError,
    SignInRejectedError,
    TransientError,
)
from .oauth_errors import KEYS as OAUTH_KEYS
from .oauth_errors import Answer, text_of, transient_error, unknown_error
from .redaction import clean_text

#: The grant is refused for good, or a person has to be asked.
SIGN_IN_ERRORS = frozenset(
    {
        "access_denied",
        "consent_required",
        "interaction_required",
        "invalid_grant",
        "invalid_token",
        "login_required",
    }
)

#: An administrator of the Workspace must trust the app.
ADMIN_ERRORS = frozenset({"access_not_configured", "admin_policy_enforced", "org_internal"})

#: The OAuth client is wrong; a new sign-in would end the same way.
CONFIGURATION_ERRORS = frozenset(
    {
        "deleted_client",
        "disabled_client",
        "invalid_client",
        "invalid_request",
        "invalid_scope",
        "redirect_uri_mismatch",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
    }
)

#: Trouble on Google's side, whatever the HTTP status.
TRANSIENT_ERRORS = frozenset({"internal_failure", "rate_limit_exceeded", "slow_down"})

#: ``error_subtype`` of ``invalid_grant``: session length policy of the Workspace.
SUBTYPES = frozenset({"invalid_rapt", "rapt_required"})

#: Every key of this module that means something of its own.
KEYS = OAUTH_KEYS | {
    f"google_{name}"
    for name in SIGN_IN_ERRORS
    | ADMIN_ERRORS
    | CONFIGURATION_ERRORS
    | TRANSIENT_ERRORS
    | {f"invalid_grant_{subtype}" for subtype in SUBTYPES}
}


def error_from_answer(answer: Answer, *, signing_in: bool = False) -> MailOAuth2Error:
    """Return the exception for a refusal of token, tokeninfo or revoke.

    :param signing_in: the answer came while somebody was signing in, not on a refresh
    """
    transient = transient_error(answer)
    if transient:
        return transient
    context = _context(answer)
    if answer.error in TRANSIENT_ERRORS:
        return TransientError(_key(answer), retry_after=answer.retry_after, **context)
    kind = _class_of(answer.error, signing_in)
    return kind(_key(answer), **context) if kind else unknown_error(answer)


def error_from_callback(params) -> MailOAuth2Error:
    """Return the exception for an error that the browser brought back to the redirect URI."""
    content = {name: text_of(params, name) for name in ("error", "error_description")}
    if content["error"] == "access_denied":
        text = clean_text(content["error_description"])
        return SignInRejectedError("sign_in_cancelled", provider_text=text)
    return error_from_answer(Answer(400, content), signing_in=True)


def _class_of(error, signing_in):
    if error in ADMIN_ERRORS:
        return AdminConsentError
    if error in SIGN_IN_ERRORS:
        return SignInRejectedError if signing_in else SignInNeededError
    return ConfigurationError if error in CONFIGURATION_ERRORS else None


def _key(answer):
    subtype = text_of(answer.content or {}, "error_subtype")
    known = answer.error == "invalid_grant" and subtype in SUBTYPES
    return f"google_{answer.error}_{subtype}" if known else f"google_{answer.error}"


def _context(answer):
    return {
        "provider_text": answer.text() or clean_text(answer.error),
        "request_id": answer.request_id,
        "details": {"error": clean_text(answer.error)},
    }
