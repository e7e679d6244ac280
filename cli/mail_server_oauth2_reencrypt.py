import sys

from odoo import SUPERUSER_ID
from odoo.api import Environment
from odoo.cli import Command
from odoo.modules.registry import Registry
from odoo.tools import config


class Reencrypt(Command):
    """Encrypt every stored secret of the addon mail_server_oauth2 with the first key.

    Put a new key in front of the others, run this, then remove the others. Odoo may work
    meanwhile. To run it again changes nothing. The exit code is 1 if something could not be
    opened; then keep every key.
    """

    name = "mail_server_oauth2_reencrypt"

    def __init__(self):
        self.parser.add_argument("-c", "--config", help="use a specific configuration file")
        self.parser.add_argument(
            "-d", "--database", help="database name; by default the one in the configuration"
        )

    def run(self, cmdargs):
        registry = Registry(self._database(self.parser.parse_args(cmdargs)))
        if "mail.oauth2.token" not in registry:
            self.parser.error("The addon mail_server_oauth2 is not installed in this database.")
        with registry.cursor() as cr:
            report = Environment(cr, SUPERUSER_ID, {})["mail.oauth2.token"]._reencrypt()
        sys.stdout.writelines(f"{line}\n" for line in _lines(report))
        sys.exit(0 if report.is_complete else 1)

    def _database(self, options):
        arguments = ["--no-http"]
        arguments += ["-c", options.config] if options.config else []
        arguments += ["-d", options.database] if options.database else []
        config.parse_config(arguments, setup_logging=True)
        names = config["db_name"]
        if len(names) != 1:
            self.parser.error("Name one database with -d.")
        return names[0]


def _lines(report):
    yield f"Encrypted with the first key now: {report.rewritten.total()}"
    yield f"Already were before: {report.current.total()}"
    for name in report.unreadable:
        yield f"No key opens: {name}"
    for name in report.busy:
        yield f"In use by another process, try again: {name}"
