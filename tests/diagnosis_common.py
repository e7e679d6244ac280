"""What tests of the diagnosis share."""

import socket
from contextlib import contextmanager
from datetime import timedelta

from odoo import fields

from .common import SandboxCase

SMTP, GRAPH, GMAIL = "oauth2_microsoft_smtp", "oauth2_microsoft_graph", "oauth2_google_smtp"
ERIN = "erp@contoso.example"
MAILBOXES = {SMTP: ERIN, GRAPH: ERIN, GMAIL: "erp@northwind.example"}


class Diagnosing:
    """Runs the checklist as the dialogue does: one check after the other."""

    def open_dialogue(self, record):
        is_server = record._name == "ir.mail_server"
        action = record.action_oauth2_diagnose() if is_server else record.action_diagnose()
        return record.env["mail.oauth2.diagnosis"].browse(action["res_id"])

    def diagnose(self, record):
        """Return ``{name: row}`` of all checks."""
        self.env.flush_all()
        self.dialogue = self.open_dialogue(record)
        names = [
            check["name"]
            for section in self.dialogue.begin()["sections"]
            for check in section["checks"]
        ]
        return {name: self.dialogue.run_check(name) for name in names}


class DiagnosisCase(Diagnosing, SandboxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.today = fields.Date.today()
        cls.microsoft_app.client_secret_expires_on = cls.today + timedelta(days=365)
        cls.company.alias_domain_id = False
        cls.queue_action = cls.env.ref("mail.ir_cron_mail_scheduler_action")
        cls.queue_action.nextcall = fields.Datetime.now()

    def check_outcomes(self, rows, **expected):
        """Compare the outcomes that are not ``passed``."""
        found = {name: row["outcome"] for name, row in rows.items() if row["outcome"] != "passed"}
        self.assertEqual(found, expected, self.dialogue.report())

    def check_row(self, row, outcome, key, **details):
        """A row has this outcome and the catalogue's words for a key."""
        words = self.env["mail.oauth2.error"]._explain(key, details=details)
        shown = {name: row.get(name) for name in words}
        self.assertEqual(shown, words)
        self.assertEqual(row["outcome"], outcome)

    def check_only_failure(self, rows, name, key, *not_tried, **details):
        """One check fails; only the ones that need it are not tried."""
        self.check_outcomes(rows, **{name: "failed"}, **dict.fromkeys(not_tried, "not_tried"))
        self.check_row(rows[name], "failed", key, **details)


@contextmanager
def closed_port():
    """Yield a port that nobody listens on, held so that nobody else takes it meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
