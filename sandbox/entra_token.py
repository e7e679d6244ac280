"""Entra ID's token endpoint.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse

from . import entra_tokens
from .aadsts import EntraError
from .directory import SHARED_SEGMENTS, Client
from .entra_device import redeem_device_code
from .entra_metadata import canonical_segment
from .entra_scopes import Scope, first_resource, granted_text, parse_scopes
from .grants import AuthorizationCode, Grant, RefreshToken
from .logs import TokenRequest
from .oauth_client import basic_credentials, same_secret, verifier_fits
from .state import World

REFRESH_TOKEN_SECONDS = 90 * 86400
NO_STORE = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "x-ms-clitelem": "1,0,0,,",
}
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


async def token(request: Request) -> JSONResponse:
    """Answer ``POST /{tenant}/oauth2/v2.0/token``."""
    world: World = request.app.state.world
    if request.method != "POST":
        raise EntraError(900561)
    form = {key: str(value) for key, value in (await request.form()).items()}
    call = TokenCall(world, request, form)
    return JSONResponse(call.answer(), headers=NO_STORE)


class TokenCall:
    """One request to the token endpoint."""

    def __init__(self, world: World, request: Request, form: dict):
        self.world = world
        self.form = form
        self.log: TokenRequest = request.scope["sandbox.log"]
        self.segment = canonical_segment(world, request.path_params["tenant"])
        self._basic_id, self._basic_secret = basic_credentials(
            request.headers.get("authorization", "")
        )
        self.client = self._find_client()

    def answer(self) -> dict:
        """Return the JSON of a success.

        :raises EntraError: whatever is wrong
        """
        grants = {
            "authorization_code": self._redeem_code,
            "refresh_token": self._refresh,
            DEVICE_CODE: self._redeem_device_code,
            "client_credentials": self._client_credentials,
        }
        if "resource" in self.form:
            raise EntraError(901002)
        handler = grants.get(self._required("grant_type"))
        if handler is None:
            raise EntraError(70003)
        return handler()

    # ------------------------------------------------------------------ grants

    def _redeem_code(self) -> dict:
        self._authenticate(public=False)
        code = self._take_code(self._required("code"))
        scopes = self._scopes(self.form.get("scope") or " ".join(code.scopes))
        resources = {scope.resource for scope in scopes} - {"oidc"}
        if len(resources) > 1 and self.form.get("scope"):
            raise EntraError(700022)
        grant = self.world.grants.add_grant(code.account, self.client, code.scopes)
        code.grant = grant
        return self._token_response(grant, scopes, nonce=code.nonce)

    def _take_code(self, value: str) -> AuthorizationCode:
        code = self.world.grants.codes.get(value)
        if code is None:
            raise EntraError(9002313)
        if code.client is not self.client:
            raise EntraError(70000)
        if code.grant:
            raise EntraError(54005)
        if code.expires_at < self.world.now():
            raise EntraError(70008)
        if self._required("redirect_uri") != code.redirect_uri:
            raise EntraError(
                50011, redirect_uri=self.form["redirect_uri"], client_id=self.client.client_id
            )
        check_verifier(code, self.form.get("code_verifier", ""))
        return code

    def _refresh(self) -> dict:
        token = self.world.grants.refresh_tokens.get(self._required("refresh_token"))
        if token is None or token.grant.account.provider != "microsoft":
            self._authenticate(public=False)
            raise EntraError(9002313)
        self._authenticate(public=token.grant.public)
        self.log.account = token.grant.account.address
        self._check_refresh_token(token)
        asked = self.form.get("scope") or " ".join(token.grant.scopes)
        answer = self._token_response(token.grant, self._scopes(asked))
        token.used = True
        return answer

    def _check_refresh_token(self, token: RefreshToken) -> None:
        grant, account = token.grant, token.grant.account
        if grant.client is not self.client:
            raise EntraError(70000)
        if account not in self.world.directory.accounts:
            raise EntraError(50034, account=account.user_name, tenant=account.tenant)
        if not account.enabled:
            raise EntraError(50057)
        if token.used and self.world.settings.revoke_grant_on_reuse:
            self.world.grants.revoke(grant, "50173")
        if grant.dead:
            raise EntraError(int(grant.dead))
        if self.world.now() - token.renewed_at > REFRESH_TOKEN_SECONDS:
            issued = datetime.fromtimestamp(token.renewed_at, UTC)
            raise EntraError(700082, issued=issued.strftime("%Y-%m-%dT%H:%M:%S.0000000Z"))

    def _redeem_device_code(self) -> dict:
        self._authenticate(public=self.client.public)
        account, scopes = redeem_device_code(self.world, self.client, self._required("device_code"))
        grant = self.world.grants.add_grant(account, self.client, scopes, public=True)
        return self._token_response(grant, self._scopes(" ".join(scopes)))

    def _client_credentials(self) -> dict:
        if self.segment in SHARED_SEGMENTS:
            raise EntraError(50059)
        self._authenticate(public=False)
        prefix, _, permission = self._required("scope").rpartition("/")
        if permission != ".default" or " " in self.form["scope"]:
            raise EntraError(70011, scope=self.form["scope"])
        parsed = parse_scopes(self.world, self.client, f"{prefix}/.default", self.segment)
        resource = parsed[0].resource if parsed else "graph"
        token = entra_tokens.app_token(self.world, self.client, prefix, resource, self.segment)
        self.log.resource, self.log.scope = resource, self.form["scope"]
        seconds = self.world.settings.access_token_seconds
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token.value,
        }

    # ------------------------------------------------------------------ response

    def _token_response(self, grant: Grant, scopes: list[Scope], nonce: str = "") -> dict:
        account = grant.account
        oidc = [scope.permission for scope in scopes if scope.resource == "oidc"]
        wanted = first_resource(scopes) or self._scopes("User.Read")
        self.log.account = account.address
        self.log.resource = wanted[0].resource
        self.log.scope = " ".join(scope.asked for scope in scopes)
        self._check_consent(grant, wanted)
        token = entra_tokens.access_token(self.world, self.client, wanted, grant)
        seconds = self.world.settings.access_token_seconds
        body = {
            "token_type": "Bearer",
            "scope": granted_text(self.world, wanted, oidc),
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token.value,
        }
        if "offline_access" in grant.scopes:
            body["refresh_token"] = self.world.grants.issue_refresh_token(grant, "1.A").value
        if "openid" in oidc:
            body["id_token"] = entra_tokens.id_token(self.world, grant, set(oidc), nonce)
        if self.form.get("client_info") == "1":
            body["client_info"] = entra_tokens.client_info(account)
        return body

    def _check_consent(self, grant: Grant, scopes: list[Scope]) -> None:
        store, account = self.world.grants, grant.account
        agreed = store.consented(account.id, self.client)
        agreed = agreed | store.consented(account.tenant, self.client)
        if any(scope.key not in agreed for scope in scopes):
            raise EntraError(65001, client_id=self.client.client_id, name=self.client.name)

    # ------------------------------------------------------------------ client

    def _find_client(self) -> Client:
        client_id = self.form.get("client_id") or self._basic_id
        if not client_id:
            raise EntraError(900144, parameter="client_id")
        self.log.client_id = client_id
        client = self.world.directory.client("microsoft", client_id)
        check_audience(client, client_id, self.segment)
        if client.disabled:
            raise EntraError(7000112, client_id=client_id, name=client.name)
        return client

    def _authenticate(self, *, public: bool) -> None:
        """Check the client's secret.

        :param public: the flow works without one
        """
        secret = self.form.get("client_secret") or self._basic_secret
        if "client_assertion" in self.form:
            raise EntraError(700027)
        if not secret:
            if public or not self.client.secret:
                return
            raise EntraError(7000218)
        if not self.client.secret:
            raise EntraError(700025)
        if not same_secret(secret, self.client.secret):
            raise EntraError(7000215, client_id=self.client.client_id)
        if self.client.secret_expired:
            raise EntraError(7000222, client_id=self.client.client_id)

    def _scopes(self, text: str) -> list[Scope]:
        return parse_scopes(self.world, self.client, text, self.segment)

    def _required(self, parameter: str) -> str:
        if not self.form.get(parameter):
            raise EntraError(900144, parameter=parameter)
        return self.form[parameter]


def check_verifier(code: AuthorizationCode, verifier: str) -> None:
    """Compare a PKCE verifier with the challenge of the authorization request (RFC 7636).

    :raises EntraError: 50148 missing, 501481 different
    """
    if not code.code_challenge:
        return
    if not verifier:
        raise EntraError(50148)
    if not verifier_fits(code, verifier):
        raise EntraError(501481)


def check_audience(client: Client | None, client_id: str, segment: str) -> None:
    """Check that the app registration can be used under this tenant segment.

    :raises EntraError: 700016 unknown there, 50194 single-tenant app on a shared segment
    """
    if client is None:
        raise EntraError(700016, client_id=client_id, tenant=segment)
    if client.audience != "single":
        return
    if segment in SHARED_SEGMENTS:
        raise EntraError(50194, client_id=client_id, name=client.name)
    if segment != client.tenant:
        raise EntraError(700016, client_id=client_id, tenant=segment)
