"""The web page: who can sign in, delivered mail, the token log, counters and fault switches."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from .faults import KINDS, PLACES
from .mail import Delivery
from .pages import page
from .presets import PRESETS
from .settings import Settings
from .state import World

ROWS = 100
NAMES = {"microsoft_smtp": "Exchange SMTP", "graph": "Graph", "google_smtp": "Gmail SMTP"}


class Attachment(NamedTuple):
    """What the page says of an attachment."""

    name: str
    content_type: str
    size: int


async def home(request: Request) -> Response:
    """Show everything."""
    world = _world(request)
    return page(
        "home.html",
        names=NAMES,
        world=world,
        accounts=world.directory.accounts,
        deliveries=world.mail.deliveries[: -ROWS - 1 : -1],
        delivered=len(world.mail.deliveries),
        tokens=world.logs.tokens[: -ROWS - 1 : -1],
        token_count=len(world.logs.tokens),
        requests=world.logs.requests(),
        presets=PRESETS,
        places=PLACES,
        kinds=KINDS,
        switches=_switches(world.settings),
    )


async def message(request: Request) -> Response:
    """Show one delivered copy for people."""
    delivery = _delivery(request)
    mime = _parsed(delivery)
    text = mime.get_body(("plain",))
    return page(
        "message_page.html",
        names=NAMES,
        delivery=delivery,
        submission=delivery.submission,
        text=text.get_content() if text else "",
        has_html=mime.get_body(("html",)) is not None,
        attachments=[
            Attachment(
                part.get_filename() or "(no name)",
                part.get_content_type(),
                len(part.get_payload(decode=True) or b""),
            )
            for part in mime.iter_attachments()
        ],
    )


async def message_html(request: Request) -> Response:
    """Show the HTML body of a mail, for a frame that runs no scripts and loads nothing."""
    body = _parsed(_delivery(request)).get_body(("html",))
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    content = body.get_content() if body else ""
    return HTMLResponse(content, headers={"Content-Security-Policy": policy})


def _action(change):
    """Return the endpoint of a button: it changes something and comes back to the page."""

    async def act(request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        try:
            change(_world(request), form)
        except (KeyError, ValueError) as error:
            raise HTTPException(400, str(error)) from error
        return RedirectResponse(f"/#{form.get('section', '')}", 303)

    return act


def routes() -> list[Route]:
    """Return the routes of the page."""
    return [
        Route("/", home),
        Route("/messages/{id:int}", message),
        Route("/messages/{id:int}/html", message_html),
        *(
            Route(f"/act/{name}", _action(change), methods=["POST"])
            for name, change in _ACTIONS.items()
        ),
    ]


def _add_preset(world: World, form: dict) -> None:
    group, _, label = form["preset"].partition("/")
    world.faults.add(PRESETS[group][label] | {"times": _times(form)})


def _add_fault(world: World, form: dict) -> None:
    description = {name: form[name] for name in ("place", "kind", "code", "error", "message")}
    description["retry_after"] = form["retry_after"]
    description["processed"] = "processed" in form
    for name, number in (("status", int), ("seconds", float)):
        if form[name]:
            description[name] = number(form[name])
    world.faults.add(description | {"times": _times(form)})


def _clear_fault(world: World, form: dict) -> None:
    world.faults.clear(int(form["id"]) if form.get("id") else None)


def _change_settings(world: World, form: dict) -> None:
    changes = {}
    for name, value in vars(world.settings).items():
        kind = type(value)
        changes[name] = name in form if kind is bool else kind(form[name])
    world.settings.update(changes)


def _revoke(world: World, form: dict) -> None:
    for account in world.directory.accounts:
        if account.address == form["account"]:
            reason = "50173" if account.provider == "microsoft" else "invalid_grant"
            for grant in world.grants.live_grants(account):
                world.grants.revoke(grant, reason)


def _advance(world: World, form: dict) -> None:
    world.clock.advance(float(form["seconds"]))


_ACTIONS = {
    "preset": _add_preset,
    "fault": _add_fault,
    "clear": _clear_fault,
    "settings": _change_settings,
    "revoke": _revoke,
    "advance": _advance,
    "reset": lambda world, _form: world.reset(),
}


def _times(form: dict) -> int | None:
    return int(form["times"]) if form.get("times") else None


def _switches(settings: Settings) -> list[tuple[str, object, str]]:
    kinds = {bool: "checkbox", int: "number", float: "number"}
    return [(name, value, kinds.get(type(value), "text")) for name, value in vars(settings).items()]


def _world(request: Request) -> World:
    return request.app.state.world


def _delivery(request: Request) -> Delivery:
    delivery = _world(request).mail.get(request.path_params["id"])
    if delivery is None:
        raise HTTPException(404)
    return delivery


def _parsed(delivery: Delivery) -> EmailMessage:
    return message_from_bytes(delivery.submission.source, policy=default)
