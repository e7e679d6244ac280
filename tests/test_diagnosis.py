from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from .common import SandboxCase

SMTP, GRAPH, GMAIL = "oauth2_microsoft_smtp", "oauth2_microsoft_graph", "oauth2_google_smtp"
MAILBOXES = {
    SMTP: "erp@contoso.example",
    GRAPH: "erp@contoso.example",
    GMAIL: "erp@northwind.example",
}
SHARED = "invoices@contoso.example"


class DiagnosisCase(SandboxCase):
    """Runs the checklist as the dialogue does: one check after the other."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        in_a_year = fields.Date.today() + timedelta(days=365)
        cls.microsoft_app.client_secret_expires_on = in_a_year
        cls.company.alias_domain_id = False
        cls.queue_cron = cls.env.ref("mail.ir_cron_mail_scheduler_action")
        cls.queue_cron.nextcall = fields.Datetime.now()

    def open_dialogue(self, record):
        action = getattr(record, "action_oauth2_diagnose", None) or record.action_diagnose
        return self.env["mail.oauth2.diagnosis"].browse(action()["res_id"])

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

    def check_outcomes(self, rows, **expected):
        """Compare the outcomes that are not ``passed``."""
        found = {name: row["outcome"] for name, row in rows.items() if row["outcome"] != "passed"}
        self.assertEqual(found, expected, self.dialogue.report())

    def words_of(self, key, **details):
        return self.env["mail.oauth2.error"]._explain(key, details=details)


@tagged("post_install", "-at_install")
class TestDiagnosisOfHealthyServers(DiagnosisCase):
    def test_everything_passes(self):
        for kind, address in MAILBOXES.items():
            with self.subTest(kind):
                rows = self.diagnose(self.connected_server(kind, address))
                self.check_outcomes(rows)
                self.assertEqual(next(iter(rows)), "registration")
                self.assertEqual(list(rows)[-1], "send_as")
                self.assertEqual("methods" in rows, kind != GRAPH)
                self.assertFalse(self.sandbox.delivered(), "a check has sent something")
