"""Texts that no code of this addon meets, but people do: the only table of this package.

They stand on a provider's page that never comes back, in an API that the addon does not use, in
a bounce, or in the log of Odoo's own modules.
"""

from __future__ import annotations

import base64
import binascii
import re

from .finding import Finding, Rank, excerpt

_TABLE = (
    # Google's pages: https://support.google.com/accounts/answer/16668185
    ("google_app_not_verified", r"has not completed the Google verification process"),
    ("google_disallowed_useragent", r"\bdisallowed_useragent\b"),
    # Google's token endpoint
    ("google_invalid_grant", r"Token has been expired or revoked|Malformed auth code"),
    # Service accounts: https://developers.google.com/identity/protocols/oauth2/service-account
    ("google_invalid_grant_clock", r"Invalid JWT: Token must be a short-lived token"),
    ("google_invalid_grant_signature", r"Invalid JWT Signature"),
    ("google_invalid_grant_unknown_user", r"\bNot a valid email\b|Invalid email or User ID"),
    # https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
    ("entra_permission_denied", r"(?-i:\bpermission_denied\b)"),
    # Gmail API: https://developers.google.com/workspace/gmail/api/guides/handle-errors
    ("gmail_api_bad_request", r"\bbadRequest\b|\binvalidArgument\b|Invalid To header"),
    ("gmail_api_concurrency", r"Too many concurrent requests for user"),
    (
        "gmail_api_disabled",
        r"\baccessNotConfigured\b|\bSERVICE_DISABLED\b|Gmail API has not been used in project",
    ),
    ("gmail_api_domain_policy", r"\bdomainPolicy\b|domain administrators have disabled Gmail"),
    ("gmail_api_mail_service_off", r"Mail service not enabled|\bfailedPrecondition\b"),
    ("gmail_api_project_limit", r"\bdailyLimitExceeded\b"),
    (
        "gmail_api_scope_missing",
        r"\binsufficientPermissions\b|insufficient authentication scopes"
        r"|\bACCESS_TOKEN_SCOPE_INSUFFICIENT\b",
    ),
    ("gmail_api_sending_limit", r"User-rate limit exceeded\s+\(Mail sending\)"),
    ("gmail_api_token_refused", r"\bauthError\b|(?-i:\bInvalid Credentials\b)"),
    ("gmail_api_unavailable", r"\bbackendError\b"),
    (
        "gmail_api_user_rate_limit",
        r"\b(?:userR|r)ateLimitExceeded\b|User-rate limit exceeded(?!\s+\(Mail)",
    ),
    # Reading mail: https://developers.google.com/workspace/gmail/imap/imap-smtp
    (
        "imap_auth_refused",
        r"AUTHENTICATE failed|\[AUTHENTICATIONFAILED\]|SASL authentication failed",
    ),
    (
        "imap_disabled",
        r"IMAP access is disabled for your domain|not enabled for IMAP use",
    ),
    ("imap_no_access", r"User is authenticated but not connected"),
    ("imap_session_ended", r"Session invalidated - AccessTokenExpired|BYE Session expired"),
    (
        "imap_throttled",
        r"Request is throttled\. Suggested Backoff|Too many simultaneous connections"
        r"|\[OVERQUOTA\]",
    ),
    ("imap_unavailable", r"\[UNAVAILABLE\] Temporary System Problem"),
    # Odoo's queue, after it was interrupted
    ("odoo_interrupted", r"Error without exception\. Probably due to concurrent access"),
)
_PATTERNS = tuple((key, re.compile(words, re.IGNORECASE)) for key, words in _TABLE)

#: What Gmail answers to a refused token before it says 535; base64 of a JSON object.
_CHALLENGE = re.compile(r"\beyJzdGF0dXMiOi[\w+/]+=*")
_CHALLENGE_CONTENT = re.compile(r'"schemes"\s*:\s*"bearer', re.IGNORECASE)

KEYS = frozenset(key for key, _words in _TABLE)


def find(text: str) -> list[Finding]:
    """Return the findings of a reading."""
    found = [
        Finding(key, Rank.PROVIDER, excerpt(text, *match.span()))
        for key, pattern in _PATTERNS
        if (match := pattern.search(text))
    ]
    return found + _challenges(text)


def _challenges(text):
    coded = any(
        _CHALLENGE_CONTENT.search(_decoded(match[0])) for match in _CHALLENGE.finditer(text)
    )
    if coded or ("mail.google.com" in text and _CHALLENGE_CONTENT.search(text)):
        return [Finding("gmail_auth_refused", Rank.PROVIDER)]
    return []


def _decoded(word):
    try:
        return base64.b64decode(word).decode("utf-8", "replace")
    except binascii.Error:  # cut off
        return ""
