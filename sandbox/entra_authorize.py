"""Entra ID's sign-in in the browser: choice of account, consent, and the way back.

Nothing is kept between the pages: each form posts to the address of the authorization request
again, and everything is checked again.
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from .aadsts import EntraError
from .directory import SHARED_SEGMENTS, Account, Client
from .entra_consent import check_account, give_consent, missing_consent
from .entra_metadata import canonical_segment
from .entra_scopes import Scope, parse_scopes
from .entra_token import check_audience
from .entra_tokens import client_info
from .grants import CODE_SECONDS, AuthorizationCode
from .pages import page, send_back
from .state import World

SESSION_COOKIE = "sandbox_entra"
RESPONSE_MODES = ("query", "fragment", "form_post")


class RedirectedError(Exception):
    """An error that goes back to the client's redirect URI."""

    def __init__(self, cause: EntraError, *, error: str = "", **extra):
        super().__init__(str(cause))
        self.cause = cause
        self.error = error or cause.meaning.error
        self.extra = extra


@dataclass(frozen=True)
class AuthorizationRequest:
    """A checked request to ``/authorize``."""

    segment: str
    client: Client
    redirect_uri: str
    params: dict
    scopes: list[Scope]

    @property
    def mode(self) -> str:
        return self.params.get("response_mode") or "query"


async def authorize(request: Request) -> Response:
    """Answer GET (first page) and POST (a button was pressed)."""
    world: World = request.app.state.world
    params = dict(request.query_params)
    segment = canonical_segment(world, request.path_params["tenant"])
    client, redirect_uri = known_client(world, segment, params)
    try:
        wanted = _check(world, segment, client, redirect_uri, params)
        form = await request.form() if request.method == "POST" else {}
        return SignInPages(world, wanted, request).answer(dict(form))
    except RedirectedError as error:
        return _back_with_error(error, redirect_uri, params)


def known_client(world: World, segment: str, params: dict) -> tuple[Client, str]:
    """Return client and redirect URI; what is wrong here ends on a page, never redirected."""
    client_id, redirect_uri = params.get("client_id", ""), params.get("redirect_uri", "")
    if not client_id:
        raise EntraError(900144, parameter="client_id")
    client = world.directory.client("microsoft", client_id)
    if client is None or (client.audience == "single" and segment not in _homes(client)):
        raise EntraError(700016, client_id=client_id, tenant=segment)
    if client.disabled:
        raise EntraError(7000112, client_id=client_id, name=client.name)
    if not any(same_redirect_uri(redirect_uri, known) for known in client.redirect_uris):
        raise EntraError(50011, redirect_uri=redirect_uri, client_id=client_id)
    return client, redirect_uri


def _homes(client: Client) -> tuple[str, ...]:
    return (client.tenant, *SHARED_SEGMENTS)


def same_redirect_uri(given: str, registered: str) -> bool:
    """Whether a redirect URI is the registered one; the port of localhost does not count.

    https://learn.microsoft.com/entra/identity-platform/reply-url
    """
    return _without_port(given) == _without_port(registered)


def _without_port(uri: str) -> str:
    parts = urlsplit(uri)
    if re.fullmatch(r"localhost:\d+", parts.netloc):
        return parts._replace(netloc="localhost").geturl()
    return uri


def _check(world, segment, client, redirect_uri, params) -> AuthorizationRequest:
    try:
        check_audience(client, client.client_id, segment)
        if "resource" in params:
            raise EntraError(901002)
        if not params.get("scope"):
            raise EntraError(900144, parameter="scope")
        scopes = parse_scopes(world, client, params["scope"], segment)
    except EntraError as error:
        raise RedirectedError(error) from error
    if params.get("response_type") != "code":
        raise RedirectedError(EntraError(90013), error="unsupported_response_type")
    if params.get("response_mode", "query") not in RESPONSE_MODES:
        raise RedirectedError(EntraError(90013))
    if params.get("code_challenge_method", "plain") not in ("S256", "plain"):
        raise RedirectedError(EntraError(90013))
    return AuthorizationRequest(segment, client, redirect_uri, params, scopes)


def _back_with_error(error: RedirectedError, redirect_uri: str, params: dict) -> Response:
    answer = {"error": error.error, "error_description": error.cause.text, **error.extra}
    if "state" in params:
        answer["state"] = params["state"]
    mode = params.get("response_mode", "query")
    return send_back(redirect_uri, answer, mode if mode in RESPONSE_MODES else "query")


class SignInPages:
    """The pages of one authorization request."""

    def __init__(self, world: World, wanted: AuthorizationRequest, request: Request):
        self.world = world
        self.wanted = wanted
        self.request = request
        self.prompt = wanted.params.get("prompt", "")

    def answer(self, form: dict) -> Response:
        """Return the next page, or the redirect that ends the sign-in."""
        if form.get("decision") == "cancel":
            raise RedirectedError(EntraError(65004), error_subcode="cancel")
        account = self._chosen(form)
        if account is None:
            return self._choice()
        check_account(self.world, account, self.wanted.segment, self.wanted.client)
        response = self._consent_or_code(account, form)
        response.set_cookie(SESSION_COOKIE, account.id, httponly=True, samesite="lax")
        return response

    def _chosen(self, form: dict) -> Account | None:
        if "account" in form:
            return self.world.directory.find("microsoft", str(form["account"]))
        session = self.request.cookies.get(SESSION_COOKIE, "")
        account = self.world.directory.find("microsoft", session) if session else None
        if self.prompt == "none" and account is None:
            raise RedirectedError(EntraError(50058))
        return account if self.prompt in ("", "none", "consent") else None

    def _choice(self) -> Response:
        hint = self.wanted.params.get("login_hint", "").lower()
        accounts = [a for a in self.world.directory.of("microsoft") if a.signs_in]
        accounts.sort(key=lambda account: not account.answers_to(hint))
        return page(
            "accounts.html",
            brand="Microsoft Entra ID",
            client=self.wanted.client,
            accounts=accounts,
            hint=hint,
        )

    def _consent_or_code(self, account: Account, form: dict) -> Response:
        missing = missing_consent(self.world, account, self.wanted.client, self.wanted.scopes)
        if form.get("decision") == "accept":
            self._refuse_without_administrator(account, missing)
            give_consent(
                self.world,
                account,
                self.wanted.client,
                self.wanted.scopes,
                for_all=bool(form.get("for_all")),
            )
        elif missing or self.prompt == "consent":
            if self.prompt == "none":
                raise RedirectedError(
                    EntraError(65001, client_id=self.wanted.client.client_id),
                    error="consent_required",
                )
            return self._consent(account, missing)
        return self._code(account)

    def _consent(self, account: Account, missing: list[Scope]) -> Response:
        if self._needs_administrator(account, missing):
            return self._approval_needed(account)
        return page(
            "consent.html",
            brand="Microsoft Entra ID",
            client=self.wanted.client,
            account=account,
            scopes=[(scope.asked, scope.words) for scope in self.wanted.scopes],
            selectable=False,
            for_all=account.administrator,
        )

    def _approval_needed(self, account: Account) -> Response:
        error = EntraError(90094, name=self.wanted.client.name, tenant=account.tenant)
        return page("approval.html", brand="Microsoft Entra ID", error=error.text, account=account)

    def _needs_administrator(self, account: Account, missing: list[Scope]) -> bool:
        required = self.world.settings.admin_consent_required
        return bool(required and missing and not account.administrator)

    def _refuse_without_administrator(self, account: Account, missing: list[Scope]) -> None:
        if self._needs_administrator(account, missing):
            name = self.wanted.client.name
            raise RedirectedError(EntraError(90094, name=name, tenant=account.tenant))

    def _code(self, account: Account) -> Response:
        params = self.wanted.params
        code = self.world.grants.add_code(
            AuthorizationCode(
                value="1.AX" + secrets.token_urlsafe(60),
                account=account,
                client=self.wanted.client,
                scopes=tuple(scope.asked for scope in self.wanted.scopes),
                redirect_uri=self.wanted.redirect_uri,
                expires_at=self.world.now() + CODE_SECONDS,
                code_challenge=params.get("code_challenge", ""),
                code_challenge_method=params.get("code_challenge_method", "plain"),
                nonce=params.get("nonce", ""),
            )
        )
        answer = {"code": code.value}
        if params.get("client_info") == "1":
            answer["client_info"] = client_info(account)
        if "state" in params:
            answer["state"] = params["state"]
        answer["session_state"] = secrets.token_hex(16)
        return send_back(self.wanted.redirect_uri, answer, self.wanted.mode)
