"""Diagnose: what passes, and what is looked at in Odoo itself."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ..exceptions import ThrottledError
from ..wizard.diagnosis_steps import STEPS
from .common import SandboxCase
from .diagnosis_common import ERIN, GMAIL, GRAPH, MAILBOXES, SMTP, DiagnosisCase


@tagged("post_install", "-at_install")
class TestDiagnosisSteps(SandboxCase):
    def test_every_step_has_a_check_and_a_title(self):
        model = self.env["mail.oauth2.diagnosis"]
        for step in STEPS:
            self.assertTrue(callable(getattr(model, f"_check_{step.name}", None)), step.name)
            self.assertTrue(model._title(step))

    def test_steps_need_earlier_ones_only(self):
        seen = set()
        for step in STEPS:
            self.assertLessEqual(set(step.needs), seen, step.name)
            seen.add(step.name)


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

    def test_opening_asks_nobody_outside(self):
        server = self.connected_server(SMTP, ERIN)
        self.sandbox.post("reset", keep_clients=True)
        self.open_dialogue(server).begin()
        self.assertEqual(self.sandbox.get("requests"), [])

    def test_rows_say_what_was_found(self):
        rows = self.diagnose(self.connected_server(SMTP, ERIN))
        self.assertIn("localhost is 127.0.0.1", rows["mail_name"]["summary"])
        self.assertIn("Sandbox", rows["mail_certificate"]["summary"])
        self.assertIn("XOAUTH2", rows["methods"]["summary"])
        self.assertIn("https://outlook.office.com", rows["token_contents"]["summary"])
        self.assertIn(ERIN, rows["token_contents"]["summary"])
        self.assertEqual(rows["redirect_uri"]["summary"], self.microsoft_app.redirect_uri)

    def test_mailbox_is_diagnosed_through_its_server(self):
        server = self.connected_server(GRAPH, ERIN)
        self.check_outcomes(self.diagnose(server.oauth2_mailbox_id))
        self.assertEqual(self.dialogue.sudo().mail_server_id, server)

    def test_mailbox_without_a_server_is_diagnosed_all_the_same(self):
        mailbox = self.env["mail.oauth2.mailbox"].create(
            {"app_id": self.microsoft_app.id, "address": ERIN}
        )
        self.connect(mailbox)
        rows = self.diagnose(mailbox)
        self.check_outcomes(rows, sender="warning")
        self.check_row(rows["sender"], "warning", "mailbox_without_server", mailbox=ERIN)

    def test_company_has_the_button_too(self):
        self.create_server(SMTP, ERIN)
        action = self.company.action_email_server_diagnose()
        self.assertEqual(action["res_model"], "mail.oauth2.diagnosis")

    def test_again_forgets_what_was(self):
        server = self.connected_server(GRAPH, ERIN)
        self.diagnose(server)
        self.dialogue.begin()
        self.assertEqual(self.dialogue.run_check("mailbox")["outcome"], "not_tried")

    def test_another_modules_sign_in_is_left_to_it(self):
        server = self.env["ir.mail_server"].create(
            {
                "name": "Core's Outlook",
                "smtp_authentication": "outlook",
                "smtp_encryption": "starttls",
                "smtp_user": ERIN,
                "smtp_host": "localhost",
                "smtp_port": self.microsoft_app.smtp_port,
                "from_filter": ERIN,
            }
        )
        rows = self.diagnose(server)
        self.check_outcomes(
            rows, mail_certificate="warning", mailbox="not_tried", send_as="not_tried"
        )
        self.assertIn("Test Connection", rows["mailbox"]["summary"])


@tagged("post_install", "-at_install")
class TestDiagnosisOfSettings(DiagnosisCase):
    def setUp(self):
        super().setUp()
        self.server = self.connected_server(SMTP, ERIN)

    def warning(self, name):
        """Return the row of the only check that is not simply passed."""
        rows = self.diagnose(self.server)
        self.check_outcomes(rows, **{name: "warning"})
        return rows[name]

    def test_server_without_a_mailbox(self):
        self.env.cr.execute(
            "UPDATE ir_mail_server SET oauth2_mailbox_id = NULL WHERE id = %s", [self.server.id]
        )
        self.env.invalidate_all()
        rows = self.diagnose(self.server)
        self.check_row(rows["registration"], "failed", "no_mailbox", server=self.server.name)
        self.assertEqual(rows["token"]["outcome"], "not_tried")
        self.assertEqual(rows["mailbox"]["outcome"], "not_tried")
        self.assertEqual(rows["methods"]["outcome"], "passed")

    def test_stored_secret_that_cannot_be_read(self):
        self.env.cr.execute("UPDATE mail_oauth2_app SET client_secret_encrypted = 'gAAAAA'")
        self.env.invalidate_all()
        rows = self.diagnose(self.server)
        self.check_row(rows["registration"], "failed", "storage_key")
        self.assertEqual(rows["token"]["outcome"], "not_tried")

    def test_google_without_a_client_secret(self):
        server = self.connected_server(GMAIL, MAILBOXES[GMAIL])
        self.env.cr.execute("UPDATE mail_oauth2_app SET client_secret_encrypted = NULL")
        self.env.invalidate_all()
        rows = self.diagnose(server)
        self.check_row(rows["registration"], "failed", "client_secret_missing")

    def test_microsoft_without_a_client_secret_is_a_public_client(self):
        self.env.cr.execute("UPDATE mail_oauth2_app SET client_secret_encrypted = NULL")
        self.env.invalidate_all()
        self.dialogue = self.open_dialogue(self.server)
        self.assertEqual(self.dialogue.run_check("registration")["outcome"], "passed")
        row = self.dialogue.run_check("client_secret")
        self.assertEqual(row["outcome"], "passed")
        self.assertIn("public client", row["summary"])

    def test_end_of_the_client_secret(self):
        app, today = self.microsoft_app, self.today
        dates = {
            False: "client_secret_undated",
            today - timedelta(days=1): "client_secret_date_past",
            today + timedelta(days=20): "client_secret_ends_soon",
        }
        for date, key in dates.items():
            with self.subTest(key):
                app.client_secret_expires_on = date
                row = self.warning("client_secret")
                shown = date and date.strftime("%m/%d/%Y")
                self.check_row(row, "warning", key, app=app.name, date=shown)

    def test_redirect_uri_that_providers_refuse(self):
        self.env["ir.config_parameter"].set_param("web.base.url", "http://odoo.contoso.example")
        row = self.warning("redirect_uri")
        self.assertIn("https", row["cause"])
        self.assertIn("web.base.url", row["cause"])

    def test_archived_server(self):
        self.server.active = False
        rows = self.diagnose(self.server)
        self.check_only_failure(rows, "sender", "mail_server_archived", server=self.server.name)

    def test_filter_that_excludes_the_mailbox(self):
        self.server.from_filter = "sales@contoso.example"
        rows = self.diagnose(self.server)
        details = {"server": self.server.name, "mailbox": ERIN, "filter": "sales@contoso.example"}
        self.check_only_failure(rows, "sender", "from_filter_excludes_mailbox", **details)

    def test_filter_that_lets_other_senders_pass(self):
        self.server.from_filter = "contoso.example"
        details = {"server": self.server.name, "mailbox": ERIN, "filter": "contoso.example"}
        self.check_row(self.warning("sender"), "warning", "from_filter_too_wide", **details)

    def test_filter_is_empty_or_in_capitals(self):
        for value in (False, "ERP@contoso.example"):
            self.server.from_filter = value
            self.check_outcomes(self.diagnose(self.server))

    def test_usual_sender_of_the_company_is_another(self):
        self.company.alias_domain_id = self.env["mail.alias.domain"].create(
            {"name": "contoso.example", "default_from": "notifications"}
        )
        details = {"mailbox": ERIN, "sender": "notifications@contoso.example"}
        self.check_row(self.warning("sender"), "warning", "default_sender_differs", **details)
        self.company.alias_domain_id.default_from = "erp"
        self.check_outcomes(self.diagnose(self.server))

    def test_queue_that_is_switched_off(self):
        self.queue_action.active = False
        rows = self.diagnose(self.server)
        self.check_only_failure(rows, "mail_queue", "mail_queue_stopped")

    def test_mailbox_that_pauses(self):
        error = ThrottledError("graph_throttled", provider_text="429", retry_after=1800)
        self.env["mail.oauth2.pause"]._begin(self.server.oauth2_mailbox_id, error)
        row = self.warning("mail_queue")
        self.check_row({**row, "provider_text": "", "request_id": ""}, "warning", "graph_throttled")
        self.assertEqual(row["provider_text"], "429")
        self.assertIn("waits until", row["summary"])

    def test_queue_that_does_not_run(self):
        self.queue_action.nextcall = fields.Datetime.now() - timedelta(hours=5, minutes=1)
        self.check_row(self.warning("mail_queue"), "warning", "mail_queue_late", hours=5)
