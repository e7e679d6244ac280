"""Odoo as a library: a database with the addon, the sandbox beside it, and no server."""

import contextlib
import shutil
from dataclasses import dataclass

from . import odoo_database
from .odoo_server import Odoo
from .places import RUN
from .sandbox_server import Sandbox, sandbox_server


@dataclass(frozen=True)
class LiveOdoo:
    """What a program needs that uses Odoo as a library (``tests_live/odoo_library.py``)."""

    odoo: Odoo
    database: str
    sandbox: Sandbox

    def variables(self):
        """Return the program's environment."""
        where = {"ODOO_CONF": str(self.odoo.write_configuration()), "ODOO_DB": self.database}
        return self.odoo.environment() | where


@contextlib.contextmanager
def live_odoo(tools, postgres, name):
    """Keep a fresh database and a sandbox while the block lasts.

    :param name: of the state folder, the database and the logs
    :rtype: LiveOdoo
    """
    shutil.rmtree(RUN / name / "data", ignore_errors=True)
    odoo = tools.odoo(name, postgres)
    with (
        sandbox_server(tools.python, name, odoo.state / "sandbox") as sandbox,
        postgres.database(name) as database,
    ):
        odoo = odoo.trusting(sandbox)
        odoo_database.create_with_addon(odoo, database)
        yield LiveOdoo(odoo, database, sandbox)
