"""Runs rows of the fault table, in one process with Odoo. Started by :mod:`.faults`."""

from .order import read_order, start


def main():
    order, report = read_order()
    database = start()
    # Odoo's addons can be imported from here on.
    from odoo.addons.mail_server_oauth2.tests.common import Sandbox

    from office import Office, register_apps

    from .fault_rows import rows
    from .row_run import run_row

    _commit_for_good(database)
    sandbox = Sandbox.running()
    register_apps(database, sandbox)
    office = Office(database, sandbox)
    wanted = set(order["rows"])
    for row in rows():
        if row.name in wanted:
            report(run_row(row, office, **order["options"]).as_dict())


def _commit_for_good(database):
    """Let the database commit as it does by default, so that a crash takes nothing with it.

    The throw-away servers of the tests leave that out.
    """
    from odoo.tools import SQL

    with database.environment() as env:
        env.cr.execute(
            SQL("ALTER DATABASE %s SET synchronous_commit = on", SQL.identifier(database.name))
        )


if __name__ == "__main__":
    main()
