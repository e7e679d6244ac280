"""Odoo as a library: real cursors, real commits, no test mode.

Odoo's own test runner keeps everything in one transaction and lets every further cursor share
it. What an addon does with transactions of its own, and with several processes, cannot be seen
there.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

import odoo.init  # noqa: F401  patches libraries, so it comes first
from odoo import SUPERUSER_ID, api, sql_db
from odoo.modules.registry import Registry
from odoo.service.server import load_server_wide_modules
from odoo.tools import config

#: what would make the addon use other keys than those of the test's data folder
KEYS_VARIABLE = "MAIL_SERVER_OAUTH2_KEYS"


def start_odoo(configuration, database):
    """Do what a server does before its first request; return the database.

    :param configuration: path of ``odoo.conf``
    """
    os.environ.pop(KEYS_VARIABLE, None)
    options = ["-c", configuration, "-d", database, "--no-http", "--log-level=warn"]
    config.parse_config(options, setup_logging=True)
    config["list_db"] = True  # else Odoo refuses to copy and drop databases
    load_server_wide_modules()
    Registry(database)
    return Database(database)


class Database:
    """One database, used as Odoo's processes use it."""

    def __init__(self, name):
        self.name = name

    @contextmanager
    def environment(self, uid=SUPERUSER_ID):
        """Yield an environment in a transaction that is committed at the end.

        An exception rolls it back, as it does for a request.
        """
        registry = Registry(self.name).check_signaling()
        try:
            with registry.cursor() as cr:
                yield api.Environment(cr, uid, {})
        except BaseException:
            registry.reset_changes()
            raise
        registry.signal_changes()

    def rows(self, query, *parameters):
        """Return what a query finds in a transaction of its own, as tuples."""
        with sql_db.db_connect(self.name).cursor() as cr:
            cr.execute(query, parameters)
            return cr.fetchall()
