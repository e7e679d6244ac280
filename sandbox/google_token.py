"""Google's token and revoke endpoints.

https://developers.google.com/identity/protocols/oauth2/web-server
"""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse

from .directory import Client
from .google_scopes import GMAIL, MAIL, PROFILE, parse_scopes
from .grants import AccessToken, AuthorizationCode, Grant, RefreshToken
from .http_errors import GoogleError
from .logs import TokenRequest
from .oauth_client import basic_credentials, same_secret, verifier_fits
from .state import World

UNUSED_SECONDS = 183 * 86400
TESTING_SECONDS = 7 * 86400
REFRESH_TOKENS_PER_CLIENT = 100


async def token(request: Request) -> JSONResponse:
    """Answer ``POST /token``."""
    world: World = request.app.state.world
    form = {name: str(value) for name, value in (await request.form()).items()}
    return JSONResponse(TokenCall(world, request, form).answer(), headers=_NO_STORE)


async def revoke(request: Request) -> JSONResponse:
    """Answer ``POST /revoke``; the token may be an access or a refresh token."""
    world: World = request.app.state.world
    form = await request.form()
    value = str(form.get("token") or request.query_params.get("token", ""))
    grant = _grant_of(world, value)
    if grant is None or grant.dead:
        raise GoogleError(400, "invalid_token", "Token expired or revoked")
    _end(world, grant)
    return JSONResponse({})


async def device_code(request: Request) -> JSONResponse:
    """Answer ``POST /device/code``: mail is not among the scopes it may ask for.

    https://developers.google.com/identity/protocols/oauth2/limited-input-device#allowedscopes
    """
    scope = str((await request.form()).get("scope", ""))
    raise GoogleError(400, "invalid_scope", f"Invalid device flow scope: {scope}")


_NO_STORE = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate"}


def _grant_of(world: World, value: str) -> Grant | None:
    found = world.grants.refresh_tokens.get(value) or world.grants.access_tokens.get(value)
    grant = found.grant if found else None
    return grant if grant and grant.account.provider == "google" else None


def _end(world: World, grant: Grant) -> None:
    """Take away everything the account gave to the client, as removing the app would."""
    for other in world.grants.live_grants(grant.account, grant.client):
        world.grants.revoke(other, "invalid_grant")
    world.grants.consented(grant.account.id, grant.client).clear()


class TokenCall:
    """One request to the token endpoint."""

    def __init__(self, world: World, request: Request, form: dict):
        self.world, self.form = world, form
        self.log: TokenRequest = request.scope["sandbox.log"]
        self.client = self._authenticate(request.headers.get("authorization", ""))

    def answer(self) -> dict:
        """Return the JSON of a success.

        :raises GoogleError: whatever is wrong
        """
        grant_type = self.form.get("grant_type", "")
        if grant_type == "authorization_code":
            return self._redeem_code()
        if grant_type == "refresh_token":
            return self._refresh()
        raise GoogleError(400, "unsupported_grant_type", f"Invalid grant_type: {grant_type}")

    def _authenticate(self, authorization: str) -> Client:
        basic_id, basic_secret = basic_credentials(authorization)
        client_id = self.form.get("client_id") or basic_id
        secret = self.form.get("client_secret") or basic_secret
        self.log.client_id = client_id
        if not client_id:
            raise GoogleError(400, "invalid_request", "Could not determine client ID from request.")
        client = self.world.directory.client("google", client_id)
        if client is None:
            raise GoogleError(401, "invalid_client", "The OAuth client was not found.")
        if client.status == "deleted":
            raise GoogleError(401, "deleted_client", "The OAuth client was deleted.")
        if client.disabled:
            raise GoogleError(401, "disabled_client", "The OAuth client was disabled.")
        if not secret:
            raise GoogleError(400, "invalid_request", "client_secret is missing.")
        if not same_secret(secret, client.secret):
            raise GoogleError(401, "invalid_client", "Unauthorized")
        return client

    # ------------------------------------------------------------------ grants

    def _redeem_code(self) -> dict:
        code = self._take_code()
        grant = self.world.grants.add_grant(code.account, self.client, code.scopes)
        code.grant = grant
        body = self._access(grant, grant.scopes)
        if code.offline:
            body["refresh_token"] = self._new_refresh_token(grant).value
            if self._is_testing(grant):
                body["refresh_token_expires_in"] = TESTING_SECONDS
        if "openid" in grant.scopes:
            body["id_token"] = self._id_token(grant, code.nonce)
        return body

    def _take_code(self) -> AuthorizationCode:
        code = self.world.grants.codes.get(self.form.get("code", ""))
        if code is None or code.account.provider != "google":
            raise GoogleError(400, "invalid_grant", "Malformed auth code.")
        self.log.account = code.account.address
        if code.client is not self.client or code.grant or code.expires_at < self.world.now():
            raise GoogleError(400, "invalid_grant", "Bad Request")
        if self.form.get("redirect_uri") != code.redirect_uri:
            raise GoogleError(400, "redirect_uri_mismatch", "Bad Request")
        if code.code_challenge and not self.form.get("code_verifier"):
            raise GoogleError(400, "invalid_grant", "Missing code verifier.")
        if code.code_challenge and not verifier_fits(code, self.form["code_verifier"]):
            raise GoogleError(400, "invalid_grant", "Invalid code verifier.")
        return code

    def _refresh(self) -> dict:
        token = self.world.grants.refresh_tokens.get(self.form.get("refresh_token", ""))
        if token is None or token.grant.client is not self.client:
            raise GoogleError(400, "invalid_grant", "Bad Request")
        grant = token.grant
        self.log.account = grant.account.address
        self._check_refresh_token(token)
        scopes = grant.scopes
        if self.form.get("scope"):
            scopes = parse_scopes(self.form["scope"])
            if not scopes or not set(scopes) <= set(grant.scopes):
                raise GoogleError(400, "invalid_scope", "Bad Request")
        body = self._access(grant, tuple(scopes))
        if "openid" in scopes:
            body["id_token"] = self._id_token(grant, "")
        token.renewed_at = self.world.now()
        if self.world.settings.google_refresh_rotation:
            body["refresh_token"] = self._new_refresh_token(grant).value
        return body

    def _check_refresh_token(self, token: RefreshToken) -> None:
        grant, now = token.grant, self.world.now()
        testing = self._is_testing(grant) and now - grant.created_at > TESTING_SECONDS
        gone = grant.account not in self.world.directory.accounts or not grant.account.enabled
        if grant.dead or gone or testing or now - token.renewed_at > UNUSED_SECONDS:
            error = grant.dead if grant.dead.isidentifier() else "invalid_grant"
            raise GoogleError(400, error, "Token has been expired or revoked.")
        if self.world.settings.google_admin_policy and grant.account.tenant:
            raise GoogleError(400, "admin_policy_enforced", "Blocked by the administrator.")

    # ------------------------------------------------------------------ response

    def _access(self, grant: Grant, scopes: tuple[str, ...]) -> dict:
        self.log.account, self.log.resource = grant.account.address, "google"
        self.log.scope = " ".join(scopes)
        seconds = self.world.settings.access_token_seconds
        token = self.world.grants.add_access_token(
            AccessToken(
                "ya29.a0" + secrets.token_urlsafe(150),
                "google",
                "google",
                self.client,
                scopes,
                self.world.now() + seconds,
                account=grant.account,
                grant=grant,
            )
        )
        return {
            "access_token": token.value,
            "expires_in": seconds,
            "scope": " ".join(scopes),
            "token_type": "Bearer",
        }

    def _new_refresh_token(self, grant: Grant) -> RefreshToken:
        """Issue a refresh token; the 101st of account and client silently ends the oldest."""
        token = self.world.grants.issue_refresh_token(grant, "1//0")
        siblings = [
            other
            for other in self.world.grants.refresh_tokens.values()
            if other.grant.account is grant.account and other.grant.client is grant.client
        ]
        for oldest in siblings[:-REFRESH_TOKENS_PER_CLIENT]:
            del self.world.grants.refresh_tokens[oldest.value]
        return token

    def _is_testing(self, grant: Grant) -> bool:
        restricted = any(name == MAIL or name.startswith(GMAIL) for name in grant.scopes)
        return self.client.status == "testing" and restricted

    def _id_token(self, grant: Grant, nonce: str) -> str:
        account, now = grant.account, int(self.world.now())
        claims = {
            "iss": "https://accounts.google.com",
            "azp": self.client.client_id,
            "aud": self.client.client_id,
            "sub": account.id,
            "iat": now,
            "exp": now + 3600,
        }
        if account.tenant:
            claims["hd"] = account.tenant
        if any("email" in name for name in grant.scopes):
            claims |= {"email": account.address, "email_verified": True}
        if PROFILE in grant.scopes:
            claims["name"] = account.name
        if nonce:
            claims["nonce"] = nonce
        return self.world.signing_key.sign(claims)
