"""What Entra ID puts into tokens.

https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import uuid

from .directory import Account, Client
from .entra_metadata import issuer
from .entra_scopes import Scope
from .grants import AccessToken, Grant
from .state import World


def access_token(world: World, client: Client, scopes: list[Scope], grant: Grant) -> AccessToken:
    """Issue an access token for a person; personal accounts get an opaque one."""
    account = grant.account
    names = tuple(scope.permission for scope in scopes)
    claims = _common_claims(world, client, scopes[0].prefix, account.tenant) | {
        "scp": " ".join(names),
        "oid": account.id,
        "sub": _pairwise(account.id, scopes[0].prefix),
        "name": account.name,
        "upn": account.user_name,
        "unique_name": account.user_name,
        "idtyp": "user",
    }
    value = _opaque() if account.personal else world.signing_key.sign(claims)
    return _keep(world, value, claims, scopes[0].resource, client, names, grant)


def app_token(world: World, client: Client, prefix: str, resource: str, tenant: str):
    """Issue an app-only access token. It has no ``roles`` where nothing was granted."""
    service_principal = str(uuid.uuid5(uuid.NAMESPACE_URL, client.client_id))
    claims = _common_claims(world, client, prefix, tenant) | {
        "oid": service_principal,
        "sub": service_principal,
        "idtyp": "app",
    }
    if client.roles:
        claims["roles"] = client.roles
    value = world.signing_key.sign(claims)
    return _keep(world, value, claims, resource, client, tuple(client.roles), None)


def id_token(world: World, grant: Grant, oidc: set[str], nonce: str) -> str:
    """Return a signed id_token for the grant's account."""
    account, now = grant.account, int(world.now())
    claims = {
        "aud": grant.client.client_id,
        "iss": issuer(world, account.tenant),
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "tid": account.tenant,
        "oid": account.id,
        "sub": _pairwise(account.id, grant.client.client_id),
        "sid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{account.id}/{grant.created_at}")),
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
    }
    if "profile" in oidc:
        claims |= {"name": account.name, "preferred_username": account.user_name}
    if "email" in oidc:
        claims["email"] = account.address
    if nonce:
        claims["nonce"] = nonce
    return world.signing_key.sign(claims)


def client_info(account: Account) -> str:
    """Return ``client_info``: base64url of the account's uid and utid."""
    info = json.dumps({"uid": account.id, "utid": account.tenant})
    return base64.urlsafe_b64encode(info.encode()).rstrip(b"=").decode()


def _keep(world, value, claims, resource, client, names, grant) -> AccessToken:
    return world.grants.add_access_token(
        AccessToken(
            value,
            "microsoft",
            resource,
            client,
            names,
            claims["exp"],
            account=grant.account if grant else None,
            grant=grant,
            audience=claims["aud"],
        )
    )


def _common_claims(world: World, client: Client, audience: str, tenant: str) -> dict:
    now = int(world.now())
    return {
        "aud": audience,
        "iss": f"https://sts.windows.net/{tenant}/",
        "iat": now,
        "nbf": now,
        "exp": now + world.settings.access_token_seconds,
        "acr": "1",
        "acrs": ["p1"],
        # Real tokens exceed 1,500 bytes; so must these, or nobody notices a line too long.
        "aio": secrets.token_urlsafe(300),
        "amr": ["pwd", "mfa"],
        "app_displayname": client.name,
        "appid": client.client_id,
        "appidacr": "1" if client.secret else "0",
        "ipaddr": "127.0.0.1",
        "rh": secrets.token_urlsafe(60),
        "tid": tenant,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
        "wids": ["b79fbf4d-3ef9-4689-8143-76b194e85509"],
        "xms_tcdt": 1577836800,
    }


def _pairwise(subject: str, audience: str) -> str:
    digest = hashlib.sha256(f"{subject}/{audience}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _opaque() -> str:
    return "EwB" + secrets.token_urlsafe(900)
