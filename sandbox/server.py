"""Opens the sockets, runs the servers, and writes down where everything is."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from . import seed
from .app import service_app, web_app
from .certificates import Certificates
from .http_faults import TrackedH11Protocol
from .listeners import Listener, bind
from .smtp_exchange import ExchangeService
from .smtp_gmail import GmailService
from .smtp_session import SubmissionSession
from .state import Addresses, World


@dataclass(frozen=True)
class Ports:
    """Ports to listen on; 0 takes a free one."""

    http: int = 0
    https: int = 0
    microsoft_smtp: int = 0
    google_smtp: int = 0
    google_smtps: int = 0


class Sandbox:
    """All servers of one sandbox process.

    :param state_dir: where ``sandbox.json`` and the certificates go
    """

    def __init__(self, state_dir: Path, host: str, ports: Ports):
        state_dir.mkdir(parents=True, exist_ok=True)
        self._state_file = state_dir / "sandbox.json"
        self._certificates = Certificates(state_dir, host)
        self._beats: list[asyncio.Task] = []
        self._sockets = {name: bind(getattr(ports, name)) for name in Ports.__annotations__}
        numbers = {name: sock.getsockname()[1] for name, sock in self._sockets.items()}
        self.world = World(
            Addresses(
                host=host,
                web=f"http://{host}:{numbers['http']}",
                https=f"https://{host}:{numbers['https']}",
                microsoft_smtp_port=numbers["microsoft_smtp"],
                google_smtp_port=numbers["google_smtp"],
                google_smtps_port=numbers["google_smtps"],
            )
        )

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        web = self._http_listener("http", web_app(self.world), loop)
        self.world.listeners = {
            "https": self._http_listener("https", service_app(self.world), loop, self._https()),
            **self._smtp_listeners(loop),
        }
        listeners = [web, *self.world.listeners.values()]
        for listener in listeners:
            await listener.up()
        self._write_state_file()
        await stop.wait()
        self._state_file.unlink(missing_ok=True)
        for listener in listeners:
            listener.down()

    def _https(self) -> ssl.SSLContext:
        return self._certificates.server_context(lambda: self.world.faults.tls("https.tls"))

    def _http_listener(self, name: str, app, loop, tls: ssl.SSLContext | None = None) -> Listener:
        server = uvicorn.Server(_config(app))
        server.config.load()
        # uvicorn writes the Date header of its answers from time to time.
        self._beats.append(loop.create_task(server.main_loop()))

        def protocol():
            return TrackedH11Protocol(
                config=server.config, server_state=server.server_state, app_state={}, _loop=loop
            )

        return Listener(self._sockets[name], protocol, TrackedH11Protocol.cut, tls)

    def _smtp_listeners(self, loop) -> dict[str, Listener]:
        exchange, gmail = ExchangeService(self.world), GmailService(self.world)
        contexts = {
            service: self._certificates.server_context(
                lambda place=f"{service.place}.starttls": self.world.faults.tls(place)
            )
            for service in (exchange, gmail)
        }
        plans = [
            ("microsoft_smtp", exchange, False),
            ("google_smtp", gmail, False),
            ("google_smtps", gmail, True),
        ]
        return {
            name: Listener(
                self._sockets[name],
                lambda service=service, implicit=implicit: SubmissionSession(
                    service, None if implicit else contexts[service], loop
                ),
                SubmissionSession.cut,
                contexts[service] if implicit else None,
            )
            for name, service, implicit in plans
        }

    def _write_state_file(self) -> None:
        temporary = self._state_file.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.description(), indent=2))
        os.replace(temporary, self._state_file)

    def description(self) -> dict:
        """Return what ``sandbox.json`` says."""
        where, clients = self.world.addresses, self.world.directory.clients
        microsoft, google = clients[seed.MICROSOFT_CLIENT], clients[seed.GOOGLE_CLIENT]
        return {
            "pid": os.getpid(),
            "web": where.web,
            "https": where.https,
            "microsoft": {
                "authority_url": where.https,
                "graph_url": where.https,
                "mail_scope_url": "https://outlook.office.com",
                "tenant": seed.TENANT.id,
                "tenant_domain": seed.TENANT.domain,
                "client_id": microsoft.client_id,
                "client_secret": microsoft.secret,
                "smtp_host": where.host,
                "smtp_port": where.microsoft_smtp_port,
            },
            "google": {
                "authority_url": where.https,
                "token_url": where.https,
                "api_url": where.https,
                "client_id": google.client_id,
                "client_secret": google.secret,
                "smtp_host": where.host,
                "smtp_port": where.google_smtp_port,
                "smtps_port": where.google_smtps_port,
            },
            "ca_file": str(self._certificates.ca_file),
            "ca_bundle": str(self._certificates.ca_bundle),
        }


def _config(app) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=TrackedH11Protocol,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,  # by the sandbox's clock instead
        timeout_keep_alive=120,
    )
