"""What Google tells about a token and its owner, and its signing certificates."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

from .google_scopes import EMAIL, PROFILE
from .grants import AccessToken
from .http_errors import GoogleError
from .state import World


def live_token(world: World, value: str) -> AccessToken | None:
    """Return a Google access token that has neither expired nor been revoked."""
    token = world.grants.access_tokens.get(value)
    if token is None or token.provider != "google":
        return None
    dead = token.expires_at <= world.now() or bool(token.grant.dead)
    return None if dead else token


async def tokeninfo(request: Request) -> JSONResponse:
    """Answer ``/tokeninfo``; numbers and booleans are strings there."""
    world: World = request.app.state.world
    form = await request.form() if request.method == "POST" else {}
    value = request.query_params.get("access_token") or str(form.get("access_token", ""))
    token = live_token(world, value)
    if token is None:
        raise GoogleError(400, "invalid_token", "Invalid Value")
    body = {
        "azp": token.client.client_id,
        "aud": token.client.client_id,
        "sub": token.account.id,
        "scope": " ".join(token.scopes),
        "exp": str(int(token.expires_at)),
        "expires_in": str(int(token.expires_at - world.now())),
        "access_type": "offline",
    }
    if EMAIL in token.scopes:
        body |= {"email": token.account.address, "email_verified": "true"}
    return JSONResponse(body)


async def userinfo(request: Request) -> JSONResponse:
    """Answer ``/oauth2/v2/userinfo``."""
    account, scopes = _owner(request)
    body: dict = {"id": account.id}
    if EMAIL in scopes:
        body |= {"email": account.address, "verified_email": True}
    return JSONResponse(body | _profile(account, scopes))


async def oidc_userinfo(request: Request) -> JSONResponse:
    """Answer ``/v1/userinfo``, its OpenID Connect twin."""
    account, scopes = _owner(request)
    body: dict = {"sub": account.id}
    if EMAIL in scopes:
        body |= {"email": account.address, "email_verified": True}
    return JSONResponse(body | _profile(account, scopes))


async def certs(request: Request) -> JSONResponse:
    """Answer ``/oauth2/v1/certs``."""
    key = request.app.state.world.signing_key
    return JSONResponse({key.kid: key.certificate_pem()})


def _owner(request: Request):
    world: World = request.app.state.world
    header = request.headers.get("authorization", "").partition(" ")[2]
    token = live_token(world, header or request.query_params.get("access_token", ""))
    if token is None or not {"openid", EMAIL, PROFILE} & set(token.scopes):
        raise UserinfoError
    return token.account, token.scopes


def _profile(account, scopes) -> dict:
    profile = {"hd": account.tenant} if account.tenant else {}
    if PROFILE in scopes:
        given, _, family = account.name.partition(" ")
        profile |= {"name": account.name, "given_name": given, "family_name": family}
    return profile


class UserinfoError(Exception):
    """The userinfo endpoint wants another token."""


async def on_userinfo_error(_request: Request, _error: UserinfoError) -> JSONResponse:
    """Answer 401 in the envelope of Google's APIs."""
    message = (
        "Request is missing required authentication credential. Expected OAuth 2 access token,"
        " login cookie or other valid authentication credential."
    )
    body = {"error": {"code": 401, "message": message, "status": "UNAUTHENTICATED"}}
    return JSONResponse(
        body,
        401,
        headers={
            "WWW-Authenticate": 'Bearer realm="https://accounts.google.com/", error="invalid_token"'
        },
    )
