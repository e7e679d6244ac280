"""Google's sign-in in the browser.

https://developers.google.com/identity/protocols/oauth2/web-server
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from .directory import Account, Client
from .google_scopes import SCOPES, SIGN_IN, parse_scopes
from .grants import CODE_SECONDS, AuthorizationCode
from .http_errors import GoogleError
from .pages import page, send_back
from .state import World

SESSION_COOKIE = "sandbox_google"


@dataclass(frozen=True)
class AuthorizationRequest:
    """A checked request to the sign-in page."""

    client: Client
    redirect_uri: str
    scopes: list[str]
    params: dict

    @property
    def prompts(self) -> list[str]:
        return self.params.get("prompt", "").split()


async def authorize(request: Request) -> Response:
    """Answer GET (first page) and POST (a button was pressed)."""
    world: World = request.app.state.world
    wanted = _check(world, dict(request.query_params))
    form = await request.form() if request.method == "POST" else None
    return SignInPages(world, wanted, request).answer(form)


def _check(world: World, params: dict) -> AuthorizationRequest:
    for name in ("client_id", "redirect_uri", "response_type", "scope"):
        if not params.get(name):
            raise _page(400, "invalid_request", f"Required parameter is missing: {name}")
    client = world.directory.client("google", params["client_id"])
    if client is None:
        raise _page(401, "invalid_client", "The OAuth client was not found.")
    if client.status == "deleted":
        raise _page(401, "deleted_client", "The OAuth client was deleted.")
    if params["redirect_uri"] not in client.redirect_uris:
        raise _page(400, "redirect_uri_mismatch", f"redirect_uri={params['redirect_uri']}")
    scopes = parse_scopes(params["scope"])
    if scopes is None:
        raise _page(400, "invalid_scope", "Some requested scopes were invalid.")
    if params["response_type"] != "code":
        raise _page(400, "unsupported_response_type", params["response_type"])
    if params.get("code_challenge_method", "plain") not in ("S256", "plain"):
        raise _page(400, "invalid_request", "Unsupported code_challenge_method.")
    prompts = params.get("prompt", "").split()
    if "none" in prompts and len(prompts) > 1:
        raise _page(400, "invalid_request", "Invalid parameter value for prompt: none")
    return AuthorizationRequest(client, params["redirect_uri"], scopes, params)


class SignInPages:
    """The pages of one authorization request."""

    def __init__(self, world: World, wanted: AuthorizationRequest, request: Request):
        self.world, self.wanted, self.request = world, wanted, request

    def answer(self, form) -> Response:
        """Return the next page, or the redirect that ends the sign-in."""
        if form and form.get("decision") == "cancel":
            return self._back({"error": "access_denied"})
        account = self._chosen(form)
        if account is None:
            return self._choice()
        self._check_account(account)
        response = self._consent_or_code(account, form)
        response.set_cookie(SESSION_COOKIE, account.id, httponly=True, samesite="lax")
        return response

    def _chosen(self, form) -> Account | None:
        if form:
            return self.world.directory.find("google", str(form.get("account", "")))
        if "select_account" in self.wanted.prompts:
            return None
        session = self.request.cookies.get(SESSION_COOKIE, "")
        return self.world.directory.find("google", session) if session else None

    def _choice(self) -> Response:
        if "none" in self.wanted.prompts:
            return self._back({"error": "access_denied"})
        hint = self.wanted.params.get("login_hint", "").lower()
        accounts = [a for a in self.world.directory.of("google") if a.signs_in]
        accounts.sort(key=lambda account: not account.answers_to(hint))
        return page(
            "accounts.html", brand="Google", client=self.wanted.client, accounts=accounts, hint=hint
        )

    def _check_account(self, account: Account) -> None:
        client = self.wanted.client
        if client.status == "testing" and account.address not in client.assigned:
            raise _page(
                403,
                "access_denied",
                f"{client.name} has not completed the Google verification process. The app is"
                " currently being tested, and can only be accessed by developer-approved testers.",
            )
        if client.status == "internal" and account.tenant != client.tenant:
            raise _page(403, "org_internal", "Only available to users of its organization.")
        if self.world.settings.google_admin_policy and account.tenant:
            raise _page(400, "admin_policy_enforced", "Blocked by your administrator.")
        if not account.enabled:
            raise _page(403, "disabled_account", "This account is disabled.")

    def _consent_or_code(self, account: Account, form) -> Response:
        agreed = self.world.grants.consented(account.id, self.wanted.client)
        if form and form.get("decision") == "accept":
            ticked = [*form.getlist("scope"), *SIGN_IN]
            granted = [scope for scope in self.wanted.scopes if scope in ticked]
            agreed.update(granted)
            return self._code(account, granted, asked=True)
        if "consent" in self.wanted.prompts or not agreed.issuperset(self.wanted.scopes):
            if "none" in self.wanted.prompts:
                return self._back({"error": "access_denied"})
            return self._consent(account)
        return self._code(account, self.wanted.scopes, asked=False)

    def _consent(self, account: Account) -> Response:
        free = [name for name in self.wanted.scopes if name not in SIGN_IN]
        return page(
            "consent.html",
            brand="Google",
            client=self.wanted.client,
            account=account,
            scopes=[(name, SCOPES[name]) for name in free or self.wanted.scopes],
            selectable=bool(free),
            for_all=False,
        )

    def _code(self, account: Account, scopes: list[str], *, asked: bool) -> Response:
        """Send a code; only a consent given just now brings a refresh token later."""
        params, grants = self.wanted.params, self.world.grants
        if params.get("include_granted_scopes") == "true":
            earlier = sorted(grants.consented(account.id, self.wanted.client))
            scopes = list(dict.fromkeys([*scopes, *earlier]))
        code = AuthorizationCode(
            value="4/0A" + secrets.token_urlsafe(60),
            account=account,
            client=self.wanted.client,
            scopes=tuple(scopes),
            redirect_uri=self.wanted.redirect_uri,
            expires_at=self.world.now() + CODE_SECONDS,
            code_challenge=params.get("code_challenge", ""),
            code_challenge_method=params.get("code_challenge_method", "plain"),
            nonce=params.get("nonce", ""),
            offline=asked and params.get("access_type") == "offline",
        )
        grants.add_code(code)
        answer = {"code": code.value, "scope": " ".join(scopes), "authuser": "0"}
        if account.tenant:
            answer["hd"] = account.tenant
        return self._back(answer | {"prompt": "consent" if asked else "none"})

    def _back(self, answer: dict) -> Response:
        state = self.wanted.params.get("state")
        first = {"state": state} if state is not None else {}
        return send_back(self.wanted.redirect_uri, first | answer)


def _page(status: int, error: str, description: str) -> GoogleError:
    return GoogleError(status, error, description, page=True)
