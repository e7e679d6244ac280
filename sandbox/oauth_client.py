"""What both token endpoints check of a client: HTTP Basic credentials and PKCE."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from urllib.parse import unquote_plus

from .grants import AuthorizationCode


def basic_credentials(header: str) -> tuple[str, str]:
    """Return client id and secret of an ``Authorization: Basic`` header, or two blanks.

    Both are form-encoded inside (RFC 6749, section 2.3.1).
    """
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    client_id, _, secret = decoded.partition(":")
    return unquote_plus(client_id), unquote_plus(secret)


def same_secret(given: str, expected: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())


def verifier_fits(code: AuthorizationCode, verifier: str) -> bool:
    """Whether a PKCE verifier belongs to the challenge of ``code`` (RFC 7636)."""
    derived = verifier
    if code.code_challenge_method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        derived = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return same_secret(derived, code.code_challenge)
