"""Puts the faults in front of the HTTP endpoints, and counts every request."""

from __future__ import annotations

import asyncio
import json
from typing import ClassVar
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from .faults import Fault
from .http_errors import request_id, service_error
from .logs import TokenRequest
from .state import World

BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>"
FOREVER = 3600.0


class TrackedH11Protocol(H11Protocol):
    """Remembers the transport of each connection, so that a fault can cut it."""

    transports: ClassVar[dict[tuple, asyncio.Transport]] = {}

    def connection_made(self, transport):
        super().connection_made(transport)
        self.transports[self.client, self.server] = transport

    @classmethod
    def cut(cls, port: int) -> None:
        """End every connection to a port."""
        for (_client, server), transport in list(cls.transports.items()):
            if server[1] == port:
                transport.abort()

    def connection_lost(self, exc):
        self.transports.pop((self.client, self.server), None)
        super().connection_lost(exc)


class Place:
    """ASGI middleware of one endpoint: counts, logs token requests, and lets faults strike."""

    def __init__(self, app, name: str):
        self.app = app
        self.name = name

    async def __call__(self, scope, receive, send):
        """Run the endpoint, unless a fault decides otherwise."""
        exchange = _Exchange(self, scope, receive, send)
        await exchange.prepare()
        try:
            await exchange.run()
        finally:
            exchange.finish()


class _Exchange:
    """One request at one place."""

    def __init__(self, place: Place, scope, receive, send):
        self.place, self.scope = place, scope
        self.receive, self._send = receive, send
        self.world: World = scope["app"].state.world
        self.status = 0
        self.body = b""
        self.circumstances: dict = {}
        self.log: TokenRequest | None = None

    async def prepare(self) -> None:
        """Find out what a fault can be matched by; token requests are logged too."""
        request = Request(self.scope, self.receive)
        authorization = request.headers.get("authorization", "")
        token = self.world.grants.access_tokens.get(authorization.partition(" ")[2])
        if token and token.account:
            self.circumstances["account"] = token.account.address
        if self.place.name.endswith(".token"):
            await self._read_form(request)

    async def _read_form(self, request: Request) -> None:
        body = await request.body()
        form = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
        refresh_token = self.world.grants.refresh_tokens.get(form.get("refresh_token", ""))
        self.receive = _replay(body, self.receive)
        self.log = TokenRequest(
            self.world.now(),
            self.place.name.partition(".")[0],
            form.get("grant_type", ""),
            form.get("client_id", ""),
            refresh_token.grant.account.address if refresh_token else "",
            scope=form.get("scope", ""),
        )
        self.scope["sandbox.log"] = self.log
        self.circumstances |= {
            "grant_type": self.log.grant_type,
            "client_id": self.log.client_id,
            "account": self.log.account,
        }
        self.world.logs.tokens.append(self.log)

    async def run(self) -> None:
        fault = self.world.faults.take(self.place.name, **self.circumstances)
        if fault is None:
            await self.place.app(self.scope, self.receive, self.send)
            return
        if self.log:
            self.log.fault = fault.kind
        await self._suffer(fault)

    async def send(self, message) -> None:
        """Pass a message on, remembering status and body."""
        self._look(message)
        if message["type"] == "http.response.start" and self.place.name.startswith("microsoft."):
            headers = MutableHeaders(raw=list(message["headers"]))
            headers["x-ms-request-id"] = request_id(self.scope)
            headers["x-ms-ests-server"] = "2.1.0 - SANDBOX ProdSlices"
            message = {**message, "headers": headers.raw}
        await self._send(message)

    def finish(self) -> None:
        """Count the request."""
        self.world.logs.count(self.place.name, self.scope["method"], self.status)
        if self.log:
            self.log.status = self.status
            self.log.error = _oauth_error(self.body) if self.status >= 400 else ""

    def _look(self, message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif self.log:
            self.body += message.get("body", b"")

    async def _suffer(self, fault: Fault) -> None:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self.place.app(self.scope, self.receive, self.send)
            return
        if fault.processed:
            await self.place.app(self.scope, self.receive, _swallow)
        elif fault.after_body:
            await self._read_on(until=lambda message: not message.get("more_body"))
        if fault.kind == "hang":
            await self._hang(fault.seconds or FOREVER)
        elif fault.kind == "drop":
            await self._drop()
        elif fault.kind == "half_json":
            await self._half_an_answer()
        else:
            await self._replace(fault)

    async def _replace(self, fault: Fault) -> None:
        if fault.kind == "html":
            response = HTMLResponse(fault.message or BAD_GATEWAY, fault.status or 502)
        elif fault.kind == "reply":
            response = Response(fault.message, fault.status or 503)
        else:
            response = service_error(self.world, self.place.name, fault, self.scope)
        if fault.retry_after:
            response.headers["Retry-After"] = fault.retry_after
        response.headers.update(fault.headers)
        await response(self.scope, self.receive, self.send)

    async def _hang(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._until_disconnected(), seconds)
        except TimeoutError:
            await self._drop()

    async def _drop(self) -> None:
        address = tuple(self.scope["client"]), tuple(self.scope["server"])
        TrackedH11Protocol.transports[address].abort()
        await self._until_disconnected()

    async def _until_disconnected(self) -> None:
        await self._read_on(until=lambda message: message["type"] == "http.disconnect")

    async def _read_on(self, until) -> None:
        while not until(await self.receive()):
            pass

    async def _half_an_answer(self) -> None:
        """Announce a JSON body and stop in the middle of it."""
        body = b'{"token_type": "Bearer", "expires_in": 3599, "access_t'
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await self.send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def _replay(body: bytes, receive):
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed():
        return pending.pop() if pending else await receive()

    return replayed


async def _swallow(_message) -> None:
    """Stand in for ``send`` where nobody gets the answer."""


def _oauth_error(body: bytes) -> str:
    try:
        parsed = json.loads(body)
    except ValueError:
        return ""
    return str(parsed.get("error", "")) if isinstance(parsed, dict) else ""
