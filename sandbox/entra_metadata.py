"""Entra ID's documents: openid-configuration, signing keys, instance discovery."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from .aadsts import EntraError
from .directory import CONSUMERS, SHARED_SEGMENTS
from .state import World

_CACHED = {"Cache-Control": "max-age=86400, private", "Access-Control-Allow-Origin": "*"}


def issuer(world: World, tenant_id: str) -> str:
    """Return the issuer of the id_tokens of one tenant."""
    return f"{world.addresses.https}/{tenant_id}/v2.0"


def canonical_segment(world: World, segment: str) -> str:
    """Return the segment as endpoints carry it: a domain becomes its GUID.

    :raises EntraError: 90002 unknown tenant
    """
    if segment.lower() in SHARED_SEGMENTS:
        return segment.lower()
    tenant = world.directory.tenant(segment)
    if tenant is None:
        raise EntraError(90002, tenant=segment)
    return tenant.id


async def openid_configuration(request: Request) -> JSONResponse:
    """Answer ``/{tenant}/v2.0/.well-known/openid-configuration``."""
    world: World = request.app.state.world
    segment = canonical_segment(world, request.path_params["tenant"])
    return JSONResponse(_configuration(world, segment), headers=_CACHED)


async def signing_keys(request: Request) -> JSONResponse:
    """Answer ``/{tenant}/discovery/v2.0/keys``."""
    world: World = request.app.state.world
    segment = canonical_segment(world, request.path_params["tenant"])
    key = world.signing_key.jwk() | {"issuer": issuer(world, _issuer_segment(segment))}
    return JSONResponse({"keys": [key]}, headers=_CACHED)


async def instance_discovery(request: Request) -> JSONResponse:
    """Answer ``/common/discovery/instance``."""
    world: World = request.app.state.world
    asked = request.query_params.get("authorization_endpoint", "")
    segment = asked.partition("://")[2].split("/")[1] if asked.count("/") > 2 else "common"
    host = world.addresses.https.partition("://")[2]
    aliases = [host, "login.microsoftonline.com", "login.windows.net", "sts.windows.net"]
    return JSONResponse(
        {
            "tenant_discovery_endpoint": f"{world.addresses.https}/{segment}/v2.0/"
            ".well-known/openid-configuration",
            "api-version": "1.1",
            "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": aliases}],
        },
        headers=_CACHED,
    )


def _issuer_segment(segment: str) -> str:
    if segment in ("common", "organizations"):
        return "{tenantid}"
    return CONSUMERS if segment == "consumers" else segment


def _configuration(world: World, segment: str) -> dict:
    base = f"{world.addresses.https}/{segment}"
    oauth = f"{base}/oauth2/v2.0"
    return {
        "token_endpoint": f"{oauth}/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer(world, _issuer_segment(segment)),
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{world.addresses.https}/oidc/userinfo",
        # Plain http, so that browsers show no warning about the sandbox's own CA.
        "authorization_endpoint": f"{world.addresses.web}/{segment}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{oauth}/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{world.addresses.web}/{segment}/oauth2/v2.0/logout",
        "claims_supported": _CLAIMS,
        "kerberos_endpoint": f"{base}/kerberos",
        "tenant_region_scope": None if segment in SHARED_SEGMENTS else "EU",
        "cloud_instance_name": world.addresses.host,
        "cloud_graph_host_name": world.addresses.host,
        "msgraph_host": world.addresses.https.partition("://")[2],
        "rbac_url": f"{world.addresses.https}/rbac",
    }


_CLAIMS = [
    "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name",
    "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username",
    "name", "tid", "ver", "at_hash", "c_hash", "email",
]  # fmt: skip
