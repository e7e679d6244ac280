import sys

from cryptography.fernet import Fernet

from odoo.cli import Command


class NewKey(Command):
    """Print a new key for the setting mail_server_oauth2_keys. It is stored nowhere."""

    name = "mail_server_oauth2_newkey"

    def run(self, cmdargs):
        self.parser.parse_args(cmdargs)
        sys.stdout.write(f"{Fernet.generate_key().decode()}\n")
