"""Entra ID's administrator consent, and signing out.

https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from .aadsts import EntraError
from .directory import Account, Client
from .entra_authorize import SESSION_COOKIE, known_client
from .entra_consent import give_consent
from .entra_metadata import canonical_segment
from .entra_scopes import Scope, parse_scopes
from .pages import page, send_back
from .state import World


async def admin_consent(request: Request) -> Response:
    """Answer ``/{tenant}/v2.0/adminconsent`` (and ``/{tenant}/adminconsent``)."""
    world: World = request.app.state.world
    params = dict(request.query_params)
    segment = canonical_segment(world, request.path_params["tenant"])
    if segment in ("common", "consumers"):
        raise EntraError(50059)
    client, redirect_uri = known_client(world, segment, params)
    asked = params.get("scope") or " ".join(client.permissions)
    scopes = parse_scopes(world, client, asked, segment)
    form = dict(await request.form()) if request.method == "POST" else {}
    if form.get("decision") == "cancel":
        return send_back(redirect_uri, _declined(params))
    account = world.directory.find("microsoft", str(form.get("account", "")))
    if account is None:
        return _choice(world, client)
    _check_administrator(account, segment)
    if form.get("decision") != "accept":
        return _consent(client, account, scopes)
    give_consent(world, account, client, scopes, for_all=True)
    return send_back(redirect_uri, _granted(params, account))


async def logout(request: Request) -> Response:
    """Answer the end-session endpoint."""
    target = request.query_params.get("post_logout_redirect_uri")
    if target:
        response: Response = RedirectResponse(target, 302)
    else:
        response = page(
            "message.html",
            brand="Microsoft Entra ID",
            title="You signed out",
            text="It's a good idea to close all browser windows.",
        )
    response.delete_cookie(SESSION_COOKIE)
    return response


def _check_administrator(account: Account, segment: str) -> None:
    if segment not in ("organizations", account.tenant):
        raise EntraError(50020, account=account.user_name, tenant=segment)
    if not account.administrator:
        raise EntraError(90094, name="the application", tenant=segment)


def _choice(world: World, client: Client) -> Response:
    accounts = [a for a in world.directory.of("microsoft") if a.signs_in and not a.personal]
    return page(
        "accounts.html", brand="Microsoft Entra ID", client=client, accounts=accounts, hint=""
    )


def _consent(client: Client, account: Account, scopes: list[Scope]) -> Response:
    return page(
        "consent.html",
        brand="Microsoft Entra ID",
        client=client,
        account=account,
        scopes=[(scope.asked, scope.words) for scope in scopes],
        selectable=False,
        for_all=False,
    )


def _granted(params: dict, account: Account) -> dict:
    answer = {"admin_consent": "True", "tenant": account.tenant}
    return answer | {name: params[name] for name in ("scope", "state") if name in params}


def _declined(params: dict) -> dict:
    error = EntraError(65004)
    answer = {
        "admin_consent": "True",
        "error": "consent_required" if params.get("scope") else "permission_denied",
        "error_description": error.text,
    }
    return answer | ({"state": params["state"]} if "state" in params else {})
