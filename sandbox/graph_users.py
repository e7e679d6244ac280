"""Microsoft Graph's profiles: ``/me``, ``/users/{id}`` and OpenID Connect's userinfo."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from .graph_auth import authenticate
from .http_errors import GraphError

_DENIED = GraphError(
    403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
)


async def me(request: Request) -> JSONResponse:
    """Answer ``GET /v1.0/me``."""
    caller = authenticate(request)
    if caller.account is None:
        message = "/me request is only valid with delegated authentication flow."
        raise GraphError(400, "BadRequest", message)
    if not caller.may("User.Read"):
        raise _DENIED
    return _profile(request, caller, caller.account)


async def user(request: Request) -> JSONResponse:
    """Answer ``GET /v1.0/users/{id or userPrincipalName}``."""
    caller, name = authenticate(request), request.path_params["user"]
    world = caller.world
    found = world.directory.find("microsoft", name)
    tenant = caller.account.tenant if caller.account else caller.token.client.tenant
    if found is not caller.account and not caller.may("User.Read.All", "User.ReadBasic.All"):
        raise _DENIED
    if found is None or found.tenant != tenant:
        message = f"Resource '{name}' does not exist or one of its queried reference-property"
        raise GraphError(404, "Request_ResourceNotFound", f"{message} objects are not present.")
    return _profile(request, caller, found)


async def userinfo(request: Request) -> JSONResponse:
    """Answer ``GET /oidc/userinfo``."""
    account = authenticate(request).account
    return JSONResponse({"sub": account.id, "name": account.name, "email": account.address})


def _profile(request: Request, caller, account) -> JSONResponse:
    given, _, family = account.name.partition(" ")
    profile = {
        "businessPhones": [],
        "displayName": account.name,
        "givenName": given,
        "jobTitle": None,
        "mail": account.address if account.mailbox else None,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": family,
        "userPrincipalName": account.user_name,
        "id": account.id,
    }
    if selected := request.query_params.get("$select"):
        profile = {name: profile.get(name) for name in selected.split(",")}
    context = f"{caller.world.addresses.https}/v1.0/$metadata#users/$entity"
    return JSONResponse({"@odata.context": context} | profile, headers=caller.headers())
