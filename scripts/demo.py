"""The demo: Odoo with the addon and a company, beside the sandbox it can be connected to."""

import contextlib
import json
import shutil
from dataclasses import dataclass

from . import odoo_database
from .console import SetupError, step
from .odoo_server import Odoo
from .places import ROOT, RUN
from .processes import Service
from .sandbox_server import Sandbox, sandbox_server

#: Runs inside ``odoo shell``, where ``env`` is defined.
_CALL_SET_UP = """\
import json, runpy
given = json.loads({given!r})
runpy.run_path(given["script"])["set_up"](env, given["sandbox"], given["base_url"])
env.cr.commit()
"""


@dataclass(frozen=True)
class Demo:
    """A running demo."""

    odoo: Odoo
    database: str
    server: Service
    sandbox: Sandbox


@contextlib.contextmanager
def running_demo(tools, postgres, name, port=0):
    """Run sandbox and Odoo on a fresh database while the block lasts.

    :param name: of the state folder, the database and the logs
    """
    shutil.rmtree(RUN / name / "data", ignore_errors=True)
    odoo = tools.odoo(name, postgres, port)
    with (
        sandbox_server(tools.python, name, RUN / name / "sandbox") as sandbox,
        postgres.database(name) as database,
    ):
        odoo = odoo.trusting(sandbox)
        odoo_database.create_with_addon(odoo, database)
        with step("Setting up the demo company"):
            sandbox.allow_redirect_to(odoo.url)
            _set_up(odoo, name, database, sandbox)
        with step("Starting Odoo"):
            server = odoo.serve(name, database)
        with server:
            yield Demo(odoo, database, server, sandbox)


@contextlib.contextmanager
def running_installed(tools, postgres, name, sandbox):
    """Run Odoo as it is right after the addon was installed, while the block lasts.

    :return: address and database
    """
    shutil.rmtree(RUN / name / "data", ignore_errors=True)
    odoo = tools.odoo(name, postgres).trusting(sandbox)
    with postgres.database(name) as database:
        odoo_database.create_with_addon(odoo, database)
        with step("Starting Odoo as it was installed"):
            server = odoo.serve(name, database)
        with server:
            yield odoo.url, database


def _set_up(odoo, name, database, sandbox):
    given = {
        "script": str(ROOT / "scripts" / "demo_company.py"),
        "sandbox": sandbox.description,
        "base_url": odoo.url,
    }
    script = _CALL_SET_UP.format(given=json.dumps(given))
    code, log = odoo.run_script(f"{name}-set-up", database, script, timeout=120)
    if code:
        last = "\n".join(log.read_text().splitlines()[-30:])
        raise SetupError(f"Setting up the demo company failed (all of it: {log}):\n{last}")
