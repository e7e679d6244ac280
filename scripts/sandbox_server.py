"""The stand-in for Microsoft and Google that runs beside Odoo."""

import contextlib
import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from .console import step
from .places import ADDON, ROOT, logs_dir
from .processes import Service
from .python_environment import python_variables


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox and what it says of itself (see docs/sandbox.md)."""

    service: Service
    description_file: Path

    @property
    def description(self):
        return json.loads(self.description_file.read_text())

    def allow_redirect_to(self, base_url):
        """Register the addon's redirect URI for the clients of both providers."""
        uri = f"{base_url}/{ADDON}/callback"
        for provider in ("microsoft", "google"):
            client_id = self.description[provider]["client_id"]
            self._post("/api/clients", {"client_id": client_id, "redirect_uris": [uri]})

    def _post(self, path, body):
        request = urllib.request.Request(
            self.description["web"] + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=10).close()


@contextlib.contextmanager
def sandbox_server(python, name, state):
    """Run the sandbox while the block lasts.

    :param python: environment with the sandbox's packages
    :param name: distinguishes the logs of several sandboxes
    :param state: its state folder; an authority made there before is used again
    """
    state.mkdir(parents=True, exist_ok=True)
    description = state / "sandbox.json"
    description.unlink(missing_ok=True)
    command = [python.python, "-m", "sandbox", "--state-dir", state]
    log = logs_dir() / f"{name}-sandbox.log"
    with step("Starting the sandbox"):
        service = Service("The sandbox", command, log, cwd=ROOT, env=python_variables())
        try:
            service.wait_until(description.exists, timeout=30)
        except BaseException:
            service.stop()
            raise
    with service:
        yield Sandbox(service, description)
