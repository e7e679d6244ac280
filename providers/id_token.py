"""Checks of the id_token that the OAuth libraries leave to the application.

The signature is not checked, on purpose: the token came from the token endpoint over a TLS
connection whose certificate was verified, which OpenID Connect Core 3.1.3.7 item 6 accepts in
its place. https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation

Every failure is a :class:`SignInRejectedError`.
"""

from __future__ import annotations

import hmac

import jwt

from ..exceptions import SignInRejectedError
from .hosts import CONSUMER_TENANT, is_guid

#: Seconds by which the clocks of this host and of the provider may differ.
CLOCK_SKEW = 120

KEYS = frozenset(
    {
        "id_token_audience",
        "id_token_expired",
        "id_token_issuer",
        "id_token_malformed",
        "id_token_missing",
        "id_token_nonce",
        "id_token_not_yet_valid",
        "id_token_tenant",
    }
)


def decode_claims(token) -> dict:
    """Return the claims of a JSON Web Token, unchecked.

    :raises SignInRejectedError: ``id_token_missing``, ``id_token_malformed``
    """
    if not token:
        raise SignInRejectedError("id_token_missing")
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError):
        # Not ``from``: the text of the cause may quote the token.
        raise SignInRejectedError("id_token_malformed") from None


def check_claims(claims: dict, *, audience: str, nonce: str | None, now: float):
    """Check what every provider's id_token must hold.

    :param audience: client id of the app registration
    :param nonce: value expected in the token, compared in constant time; ``None`` in a flow that
        brings none, where the token is fetched with a secret that only we have
    :param now: seconds since the epoch
    """
    _check_audience(claims, audience)
    _check_times(claims, now)
    found = claims.get("nonce")
    if nonce is not None and not (isinstance(found, str) and same(found, nonce)):
        raise SignInRejectedError("id_token_nonce")


def check_issuer(claims: dict, accepted) -> None:
    """Check that the token was issued by one of the ``accepted`` issuers."""
    if claims.get("iss") not in accepted:
        raise _rejected("id_token_issuer", claims.get("iss"))


def check_microsoft_issuer(claims: dict, *, issuer: str, tenant: str):
    """Check issuer and tenant of a Microsoft id_token.

    :param issuer: ``issuer`` of the authority's metadata; where several tenants may sign in it
        holds the placeholder ``{tenantid}``, which stands for the token's ``tid``
        (https://learn.microsoft.com/entra/identity-platform/access-tokens)
    :param tenant: tenant segment of the authority, checked by :func:`.hosts.check_tenant`
    """
    tid = claims.get("tid")
    if not is_guid(tid):
        raise SignInRejectedError("id_token_malformed")
    check_issuer(claims, (issuer.replace("{tenantid}", tid),))
    if not _tenant_fits(tid, issuer, tenant):
        raise _rejected("id_token_tenant", tid)


def same(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(errors="replace"), right.encode(errors="replace"))


def _tenant_fits(tid, issuer, tenant):
    if tenant == "common":
        return True
    if tenant == "organizations":
        return tid != CONSUMER_TENANT
    if tenant == "consumers":
        return tid == CONSUMER_TENANT
    # The issuer of a domain name's metadata names the tenant by its GUID.
    return tid == tenant if is_guid(tenant) else f"/{tid}/" in issuer


def _check_audience(claims, audience):
    found = claims.get("aud")
    if isinstance(found, list) and len(found) > 1 and claims.get("azp") != audience:
        raise SignInRejectedError("id_token_audience")
    if audience not in (found if isinstance(found, list) else [found]):
        raise SignInRejectedError("id_token_audience")


def _check_times(claims, now):
    expires = _time(claims, "exp", required=True)
    if expires <= now - CLOCK_SKEW:
        raise SignInRejectedError("id_token_expired")
    for name in ("nbf", "iat"):
        if _time(claims, name, required=name == "iat") > now + CLOCK_SKEW:
            raise SignInRejectedError("id_token_not_yet_valid")


def _time(claims, name, *, required):
    value = claims.get(name)
    if value is None and not required:
        return 0
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SignInRejectedError("id_token_malformed")
    return value


def _rejected(key, found):
    return SignInRejectedError(key, details={"found": str(found)[:255]})
