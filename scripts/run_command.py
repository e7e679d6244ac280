"""``make run``: the demo, until somebody presses Ctrl-C or a part of it dies."""

import os
import shutil
import time

from .cached_folder import locked
from .console import SetupError, say, show
from .demo import running_demo
from .free_port import free_port
from .places import RUN
from .postgres_server import postgres_server
from .toolbox import toolbox

_USUAL_PORT = 8069
_NAME = "demo"
_WELCOME = """
  Odoo      {odoo}   (login: admin, password: admin)
            Settings > Companies > Email Server
  Sandbox   {sandbox}   (mail that was delivered, accounts, faults)
  Logs      {logs}

  Ctrl-C ends it. The next 'make run' begins with a fresh database.
"""


def run():
    """Start everything, say where it is and stay.

    :raise SetupError: a part could not be started, or died
    """
    tools = toolbox()
    with (
        locked(RUN / _NAME),
        postgres_server(_NAME) as postgres,
        running_demo(tools, postgres, _NAME, _port()) as demo,
    ):
        show(
            _WELCOME.format(
                odoo=demo.odoo.url,
                sandbox=demo.sandbox.description["web"],
                logs=os.path.relpath(demo.server.log.parent),
            )
        )
        say("Ready")
        _stay((demo.server, demo.sandbox.service))


def clean():
    """Remove the scratch folder of this checkout; the shared cache stays."""
    shutil.rmtree(RUN, ignore_errors=True)


def _port():
    asked = os.environ.get("PORT")
    port = int(asked or _USUAL_PORT)
    if free_port(port) == port:
        return port
    if asked:
        raise SetupError(f"Port {port} is taken.")
    say(f"Port {port} is taken; another one is used (PORT=... chooses one)")
    return free_port()


def _stay(services):
    while True:
        for service in services:
            if service.exit_code() is not None:
                raise SetupError(
                    f"{service.name} ended with code {service.exit_code()}:\n{service.tail()}"
                )
        time.sleep(0.5)
