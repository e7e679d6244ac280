"""The control interface for tests, in JSON. ``docs/sandbox.md`` documents it."""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .faults import KINDS, PLACES
from .mail import COLUMNS
from .state import World


class ApiError(Exception):
    """A request to the control interface that makes no sense."""

    def __init__(self, message: str, status: int = 400):
        self.message, self.status = message, status
        super().__init__(message)


async def on_api_error(_request: Request, error: ApiError) -> JSONResponse:
    """Answer with the reason."""
    return JSONResponse({"error": error.message}, error.status)


async def state(request: Request) -> JSONResponse:
    """Everything but mail: accounts, clients, settings, faults, grants, time."""
    world = _world(request)
    return JSONResponse(
        {
            "now": world.now(),
            "accounts": [asdict(a) | {"id": a.id} for a in world.directory.accounts],
            "clients": [asdict(client) for client in world.directory.clients.values()],
            "settings": asdict(world.settings),
            "faults": [fault.as_dict() for fault in world.faults.active],
            "places": PLACES,
            "kinds": KINDS,
            "grants": [_grant_row(grant) for grant in world.grants.grants],
            "refused_recipients": world.mail.refused_recipients,
            "delivered": len(world.mail.deliveries),
        }
    )


async def reset(request: Request) -> JSONResponse:
    """Back to the state of a fresh start; ``keep_clients`` leaves the clients as they are."""
    body = await _json(request) if await request.body() else {}
    _world(request).reset(keep_clients=bool(body.get("keep_clients")))
    for listener in _world(request).listeners.values():
        await listener.up()
    return JSONResponse({})


async def messages(request: Request) -> JSONResponse:
    """Delivered mail, one row per recipient."""
    query, world = request.query_params, _world(request)
    if "min_count" in query:
        timeout = float(query.get("timeout", "10"))
        await world.mail.wait_for(int(query["min_count"]), timeout)
    fields = query["fields"].split(",") if "fields" in query else list(COLUMNS)
    if unknown := set(fields) - set(COLUMNS):
        raise ApiError(f"unknown field {min(unknown)!r}")
    wanted = {name: value for name, value in query.items() if name in COLUMNS}
    rows = [
        {name: COLUMNS[name](delivery) for name in fields}
        for delivery in world.mail.deliveries[int(query.get("since", "0")) :]
        if all(str(COLUMNS[name](delivery)) == value for name, value in wanted.items())
    ]
    return JSONResponse(rows)


async def message(request: Request) -> JSONResponse:
    """One delivered copy with all its headers."""
    delivery = _delivery(request)
    row = {name: read(delivery) for name, read in COLUMNS.items()}
    return JSONResponse(row | {"headers": delivery.submission.headers()})


async def source(request: Request) -> Response:
    """The message exactly as the recipient got it."""
    return Response(_delivery(request).submission.source, media_type="text/plain")


async def tokens(request: Request) -> JSONResponse:
    """The token log."""
    return JSONResponse([asdict(entry) for entry in _world(request).logs.tokens])


async def requests(request: Request) -> JSONResponse:
    """Counters per endpoint, method and status."""
    return JSONResponse(_world(request).logs.requests())


async def faults(request: Request) -> JSONResponse:
    """List (GET), switch on (POST) or off (DELETE) faults."""
    world = _world(request)
    if request.method == "POST":
        fault = _attempt(world.faults.add, await _json(request))
        return JSONResponse(fault.as_dict(), 201)
    if request.method == "DELETE":
        fault_id = request.path_params.get("id")
        world.faults.clear(fault_id)
    return JSONResponse([fault.as_dict() for fault in world.faults.active])


async def listeners(request: Request) -> JSONResponse:
    """Say which ports take connections (GET); take some off the network or bring them back."""
    known = _world(request).listeners
    wanted = await _json(request) if request.method == "POST" else {}
    if unknown := set(wanted) - set(known):
        raise ApiError(f"unknown listener {min(unknown)!r}; one of {', '.join(known)}")
    for name, is_up in wanted.items():
        await known[name].up() if is_up else known[name].down()
    return JSONResponse({name: listener.is_up for name, listener in known.items()})


async def settings(request: Request) -> JSONResponse:
    """Read (GET) or change (POST) the switches."""
    world = _world(request)
    if request.method == "POST":
        _attempt(world.settings.update, await _json(request))
    return JSONResponse(asdict(world.settings))


async def clients(request: Request) -> JSONResponse:
    """List clients, register one or change one."""
    directory = _world(request).directory
    if request.method == "POST":
        return JSONResponse(asdict(_attempt(directory.put_client, await _json(request))))
    return JSONResponse([asdict(client) for client in directory.clients.values()])


async def accounts(request: Request) -> JSONResponse:
    """List accounts, create one, change one, or (DELETE) remove one."""
    directory = _world(request).directory
    if request.method == "POST":
        account = _attempt(directory.put_account, await _json(request))
        return JSONResponse(asdict(account) | {"id": account.id})
    if request.method == "DELETE":
        address = request.path_params["address"]
        directory.accounts = [a for a in directory.accounts if a.address != address]
    return JSONResponse([asdict(a) | {"id": a.id} for a in directory.accounts])


async def revoke_grants(request: Request) -> JSONResponse:
    """End the grants of an account, as an administrator would."""
    world, body = _world(request), await _json(request)
    reasons = {"microsoft": str(body.get("code", "50173")), "google": "invalid_grant"}
    ended = 0
    for account in world.directory.accounts:
        if account.address != body.get("account"):
            continue
        for grant in world.grants.live_grants(account):
            world.grants.revoke(grant, reasons[account.provider])
            ended += 1
        if body.get("forget_consent"):
            world.grants.forget_consents(account)
    return JSONResponse({"revoked": ended})


async def recipients(request: Request) -> JSONResponse:
    """Name an address nobody can deliver to, and the SMTP reply that says so."""
    refused, body = _world(request).mail.refused_recipients, await _json(request)
    address = str(body["address"]).lower()
    if body.get("reply") is None:
        refused.pop(address, None)
    else:
        refused[address] = str(body["reply"])
    return JSONResponse(refused)


async def clock(request: Request) -> JSONResponse:
    """Read the sandbox's time, or advance it."""
    world = _world(request)
    if request.method == "POST":
        world.clock.advance(float((await _json(request)).get("advance", 0)))
    return JSONResponse({"now": world.now(), "offset": world.clock.offset})


def routes() -> list[Route]:
    """Return the routes of the control interface."""
    return [
        Route("/api/state", state),
        Route("/api/reset", reset, methods=["POST"]),
        Route("/api/messages", messages),
        Route("/api/messages/{id:int}", message),
        Route("/api/messages/{id:int}/source", source),
        Route("/api/tokens", tokens),
        Route("/api/requests", requests),
        Route("/api/faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/api/faults/{id:int}", faults, methods=["DELETE"]),
        Route("/api/listeners", listeners, methods=["GET", "POST"]),
        Route("/api/settings", settings, methods=["GET", "POST"]),
        Route("/api/clients", clients, methods=["GET", "POST"]),
        Route("/api/accounts", accounts, methods=["GET", "POST"]),
        Route("/api/accounts/{address}", accounts, methods=["DELETE"]),
        Route("/api/grants/revoke", revoke_grants, methods=["POST"]),
        Route("/api/recipients", recipients, methods=["POST"]),
        Route("/api/clock", clock, methods=["GET", "POST"]),
    ]


def _world(request: Request) -> World:
    return request.app.state.world


async def _json(request: Request) -> dict:
    try:
        body = await request.json()
    except ValueError as error:
        raise ApiError("the body must be JSON") from error
    if not isinstance(body, dict):
        raise ApiError("the body must be a JSON object")
    return body


def _attempt(action, body: dict):
    try:
        return action(body)
    except KeyError as error:
        raise ApiError(f"missing field {error}") from error
    except (TypeError, ValueError) as error:
        raise ApiError(str(error)) from error


def _delivery(request: Request):
    delivery = _world(request).mail.get(request.path_params["id"])
    if delivery is None:
        raise ApiError("no such message", 404)
    return delivery


def _grant_row(grant) -> dict:
    return {
        "account": grant.account.address,
        "client_id": grant.client.client_id,
        "scopes": list(grant.scopes),
        "created_at": grant.created_at,
        "dead": grant.dead,
    }
