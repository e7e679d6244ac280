"""Copies of a database, made with the function behind Odoo's database manager."""

import shutil
from contextlib import closing, contextmanager
from pathlib import Path

from odoo import sql_db
from odoo.modules.registry import Registry
from odoo.service.db import exp_duplicate_database
from odoo.tools import SQL, config

from odoo_library import Database


@contextmanager
def copied(database, name, *, neutralize=False):
    """Yield a copy of a database; it is gone afterwards.

    :param name: distinguishes the copies of one test run
    :param neutralize: as the box in the database manager, "neutralize"
    """
    copy = Database(f"{database.name}-{name}")
    _drop(copy)
    exp_duplicate_database(database.name, copy.name, neutralize_database=neutralize)
    try:
        _open_at_the_same_address(copy, database)
        yield copy
    finally:
        _drop(copy)


def _open_at_the_same_address(copy, database):
    """Undo that Odoo gives a copy the address of the server it was made on."""
    with database.environment() as env:
        address = env["ir.config_parameter"].get_param("web.base.url")
    with copy.environment() as env:
        env["ir.config_parameter"].set_param("web.base.url", address)


def _drop(database):
    Registry.delete(database.name)
    sql_db.close_db(database.name)
    with closing(sql_db.db_connect("postgres").cursor()) as cr:
        cr._cnx.autocommit = True
        cr.execute(SQL("DROP DATABASE IF EXISTS %s WITH (FORCE)", SQL.identifier(database.name)))
    shutil.rmtree(config.filestore(database.name), ignore_errors=True)


def everything_in(database):
    """Return all that a backup of a database would hold: its rows as text, and its files."""
    parts = []
    with closing(sql_db.db_connect(database.name).cursor()) as cr:
        cr.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cr.fetchall():
            cr.execute(SQL("SELECT t::text FROM %s t", SQL.identifier(table)))
            parts += [row[0] for row in cr.fetchall()]
    files = Path(config.filestore(database.name)).rglob("*")
    parts += [path.read_bytes().decode("latin-1") for path in files if path.is_file()]
    return "\n".join(parts)
