"""What an error of Microsoft Entra ID means.

The class follows from ``error``, as Microsoft asks for; the AADSTS number picks the words
(``aadsts_<number>``). It decides in three places only, each one named below.
https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

import re

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
        "account_selection_required",
        "consent_required",
        "interaction_required",
        "invalid_grant",
        "login_required",
    }
)

#: The app registration is wrong; a new sign-in would end the same way.
CONFIGURATION_ERRORS = frozenset(
    {
        "invalid_client",
        "invalid_request",
        "invalid_resource",
        "invalid_scope",
        "invalid_tenant",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_response_type",
    }
)

#: A sign-in with a device code has ended without one.
#: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code#expected-errors
DEVICE_CODE_ERRORS = frozenset({"authorization_declined", "bad_verification_code", "expired_token"})

#: An administrator must approve (90094), or was asked to by the user (90095).
ADMIN_CONSENT_CODES = frozenset({90094, 90095})
#: Nobody consented yet. Somebody who just saw the consent screen cannot; anybody else may try.
CONSENT_MISSING_CODES = frozenset({65001})
#: Overloaded, throttled, or taken for a client that calls in a loop: not a word on the grant.
TRANSIENT_CODES = frozenset({50196, 90033, 90055})
#: The person pressed "Cancel" on the consent screen.
CANCELLED_CODES = frozenset({65004})

#: Numbers with a cause and a remedy of their own in the catalogue.
# fmt: off
AADSTS_CODES = frozenset({
    16000, 28002, 28003, 50011, 50013, 50020, 50034, 50053, 50055, 50056, 50057, 50058, 50059,
    50072, 50074, 50076, 50078, 50079, 50085, 50089, 50105, 50126, 50128, 50131, 50132, 50133,
    50140, 50144, 50148, 50158, 50173, 50194, 50196, 50199, 53000, 53001, 53002, 53003, 53004,
    54005, 65001, 65004, 70000, 70001, 70002, 70008, 70011, 70016, 70018, 70019, 70020, 70043,
    90002, 90008, 90009, 90013, 90014, 90019, 90023, 90033, 90038, 90055, 90072, 90094, 90095,
    90124, 90130, 500011, 500133, 500137, 500208, 500212, 500213, 501481, 530003, 530032, 530034,
    530035, 650052, 650056, 650057, 700016, 700020, 700022, 700025, 700027, 700030, 700082, 700084,
    900023, 900144, 900382, 900432, 900561, 901002, 7000112, 7000215, 7000218, 7000222, 9001023,
    9002313, 9002332,
})
# fmt: on

#: Every key of this module that means something of its own.
KEYS = (
    OAUTH_KEYS
    | {f"aadsts_{code}" for code in AADSTS_CODES}
    | {f"entra_{error}" for error in SIGN_IN_ERRORS | CONFIGURATION_ERRORS | DEVICE_CODE_ERRORS}
)

_NUMBER = re.compile(r"\bAADSTS(\d{4,10})\b")


def error_from_answer(answer: Answer, *, signing_in: bool = False) -> MailOAuth2Error:
    """Return the exception for a refusal of the token endpoint or of the metadata.

    :param signing_in: the answer came while somebody was signing in, not on a refresh
    """
    transient = transient_error(answer)
    if transient:
        return transient
    content = answer.content or {}
    code = _code(content)
    context = _context(answer, content)
    if code in TRANSIENT_CODES:
        return TransientError(f"aadsts_{code}", retry_after=answer.retry_after, **context)
    kind = _class_of(answer.error, code, signing_in)
    return kind(_key(answer.error, code), **context) if kind else unknown_error(answer)


def error_from_callback(params) -> MailOAuth2Error:
    """Return the exception for an error that the browser brought back to the redirect URI.

    https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#error-response
    """
    content = {name: text_of(params, name) for name in ("error", "error_description")}
    if _code(content) in CANCELLED_CODES or _is_plain_denial(content):
        text = clean_text(content["error_description"])
        return SignInRejectedError("sign_in_cancelled", provider_text=text)
    return error_from_answer(Answer(400, content), signing_in=True)


def _is_plain_denial(content):
    return content["error"] == "access_denied" and not _code(content)


def _class_of(error, code, signing_in):
    if code in ADMIN_CONSENT_CODES or (signing_in and code in CONSENT_MISSING_CODES):
        return AdminConsentError
    if error in DEVICE_CODE_ERRORS:
        return SignInRejectedError
    if error in SIGN_IN_ERRORS:
        return SignInRejectedError if signing_in else SignInNeededError
    return ConfigurationError if error in CONFIGURATION_ERRORS else None


def _key(error, code):
    has_number = code and error not in DEVICE_CODE_ERRORS  # their documentation gives none
    return f"aadsts_{code}" if has_number else f"entra_{error}"


def _code(content) -> int:
    """Return the AADSTS number, 0 without one. Only callbacks carry it in the text alone."""
    codes = content.get("error_codes")
    if isinstance(codes, list) and codes and isinstance(codes[0], int):
        return codes[0]
    match = _NUMBER.search(text_of(content, "error_description")[:200])
    return int(match[1]) if match else 0


def _context(answer, content):
    request_id = text_of(content, "trace_id") or text_of(content, "correlation_id")
    suberror = clean_text(text_of(content, "suberror"))
    return {
        "provider_text": answer.text() or clean_text(answer.error),
        "request_id": clean_text(request_id) or answer.request_id,
        "details": {"error": clean_text(answer.error), "suberror": suberror},
    }
