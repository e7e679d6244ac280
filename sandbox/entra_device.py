"""Entra ID's device code flow.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .aadsts import EntraError
from .directory import Account, Client
from .entra_consent import check_account, give_consent
from .entra_metadata import canonical_segment
from .entra_scopes import Scope, parse_scopes
from .pages import page
from .state import World

DEVICE_SECONDS = 900
#: no vowels and nothing that looks like something else
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"


@dataclass
class DeviceSignIn:
    """A pending sign-in. ``account`` is set once it was approved."""

    device_code: str
    user_code: str
    segment: str
    client: Client
    scopes: list[Scope]
    expires_at: float
    account: Account | None = None
    declined: bool = False
    redeemed: bool = False


async def device_code(request: Request) -> JSONResponse:
    """Answer ``POST /{tenant}/oauth2/v2.0/devicecode``."""
    world: World = request.app.state.world
    form = await request.form()
    segment = canonical_segment(world, request.path_params["tenant"])
    client = _client(world, str(form.get("client_id", "")), segment)
    scopes = parse_scopes(world, client, str(form.get("scope", "")), segment)
    user_code = "".join(secrets.choice(_LETTERS) for _ in range(9))
    pending = DeviceSignIn(
        secrets.token_urlsafe(90), user_code, segment, client, scopes,
        world.now() + DEVICE_SECONDS,
    )  # fmt: skip
    world.devices[pending.device_code] = pending
    uri = f"{world.addresses.web}/devicelogin"
    return JSONResponse(
        {
            "user_code": user_code,
            "device_code": pending.device_code,
            "verification_uri": uri,
            "expires_in": DEVICE_SECONDS,
            "interval": 5,
            "message": f"To sign in, use a web browser to open the page {uri} and enter the code"
            f" {user_code} to authenticate.",
        }
    )


def redeem_device_code(world: World, client: Client, code: str) -> tuple[Account, tuple[str, ...]]:
    """Return who approved a device code, and the scopes.

    :raises EntraError: 70016 pending, 70018 unknown, 70019 declined, 70020 expired
    """
    pending = world.devices.get(code)
    if pending is None or pending.client is not client:
        raise EntraError(70018)
    if pending.redeemed:
        raise EntraError(54005)
    if pending.expires_at < world.now():
        raise EntraError(70020)
    if pending.declined:
        raise EntraError(70019)
    if pending.account is None:
        raise EntraError(70016)
    pending.redeemed = True
    return pending.account, tuple(scope.asked for scope in pending.scopes)


async def device_login(request: Request) -> Response:
    """Answer the page where people enter the code."""
    world: World = request.app.state.world
    form = dict(await request.form()) if request.method == "POST" else {}
    code = str(form.get("code") or request.query_params.get("otc", "")).strip().upper()
    if request.method == "GET" or not code:
        return page("device.html", brand="Microsoft Entra ID", code=code, problem="")
    pending = next((d for d in world.devices.values() if d.user_code == code), None)
    if pending is None or pending.expires_at < world.now() or pending.account or pending.declined:
        problem = "That code did not work. Check the code and try again."
        return page("device.html", brand="Microsoft Entra ID", code=code, problem=problem)
    return _sign_in(world, pending, form)


def _sign_in(world: World, pending: DeviceSignIn, form: dict) -> Response:
    if form.get("decision") == "cancel":
        pending.declined = True
        return _finished("You declined. Return to your device.")
    account = world.directory.find("microsoft", str(form.get("account", "")))
    if account is None:
        accounts = [a for a in world.directory.of("microsoft") if a.signs_in]
        return page(
            "accounts.html", brand="Microsoft Entra ID", client=pending.client, hint="",
            accounts=accounts, hidden={"code": pending.user_code},
        )  # fmt: skip
    check_account(world, account, pending.segment, pending.client)
    if form.get("decision") != "accept":
        return _consent(pending, account)
    give_consent(world, account, pending.client, pending.scopes)
    pending.account = account
    return _finished(f"You have signed in to {pending.client.name}. You may now close this window.")


def _consent(pending: DeviceSignIn, account: Account) -> Response:
    return page(
        "consent.html",
        brand="Microsoft Entra ID",
        client=pending.client,
        account=account,
        scopes=[(scope.asked, scope.words) for scope in pending.scopes],
        selectable=False,
        for_all=False,
        hidden={"code": pending.user_code},
    )


def _finished(text: str) -> Response:
    return page("message.html", brand="Microsoft Entra ID", title="Device sign-in", text=text)


def _client(world: World, client_id: str, segment: str) -> Client:
    client = world.directory.client("microsoft", client_id)
    if client is None:
        raise EntraError(700016, client_id=client_id, tenant=segment)
    return client
