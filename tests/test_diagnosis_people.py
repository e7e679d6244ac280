"""Diagnose: who may look into what, and what they get to see."""

import json

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .diagnosis_common import Diagnosing
from .test_security_attacks import AttackCase


@tagged("post_install", "-at_install")
class TestDiagnosisForPeople(Diagnosing, AttackCase):
    def test_owner_diagnoses_the_own_mailbox(self):
        mailbox = self.personal_mailbox()
        rows = self.diagnose(mailbox.with_user(self.owner))
        self.assertEqual(rows["mailbox"]["outcome"], "passed", self.dialogue.report())
        self.assertEqual(rows["send_as"]["outcome"], "passed", self.dialogue.report())
        action = self.as_user(self.owner, "res.users").action_diagnose_own_mailbox()
        self.assertEqual(action["res_model"], "mail.oauth2.diagnosis")

    def test_employee_without_a_mailbox_is_told_so(self):
        with self.assertRaisesRegex(UserError, "not connected a mailbox"):
            self.as_user(self.employee, "res.users").action_diagnose_own_mailbox()

    def test_strangers_diagnose_nothing(self):
        mailbox = self.personal_mailbox()
        for user in (self.portal, self.employee, self.stranger):
            for record in (mailbox, self.mailbox, self.server):
                if user == self.employee and record == self.server:
                    continue  # has no access right at all, see the next test
                with self.subTest(user=user.login, record=record), self.assertRaises(AccessError):
                    self.open_dialogue(self.as_user(user, record._name).browse(record.id))

    def test_employees_do_not_diagnose_servers(self):
        server = self.as_user(self.employee, "ir.mail_server").browse(self.server.id)
        with self.assertRaises(AccessError):
            self.open_dialogue(server)

    def test_server_of_another_company_is_not_shown_through_a_common_mailbox(self):
        self.microsoft_app.company_id = False
        values = {"app_id": self.microsoft_app.id, "address": "common@contoso.example"}
        mailbox = self.env["mail.oauth2.mailbox"].create(values)
        server = self.env["ir.mail_server"].create(
            {
                "name": "Theirs",
                "smtp_authentication": "oauth2_microsoft_graph",
                "oauth2_mailbox_id": mailbox.id,
                "company_id": self.other_company.id,
            }
        )
        for user, shown in ((self.administrator, False), (self.stranger, server)):
            theirs = self.as_user(user, "mail.oauth2.mailbox").browse(mailbox.id)
            self.assertEqual(self.open_dialogue(theirs).sudo().mail_server_id, shown or server[:0])

    def test_dialogue_is_for_who_opened_it(self):
        dialogue = self.open_dialogue(self.mailbox)
        for user in (self.portal, self.employee, self.owner, self.administrator, self.stranger):
            theirs = self.as_user(user, dialogue._name).browse(dialogue.id)
            for call in (
                lambda record: record.begin(),
                lambda record: record.run_check("token"),
                lambda record: record.report(),
            ):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    call(theirs)

    def test_rights_that_were_lost_meanwhile_count(self):
        mine = self.as_user(self.administrator, "mail.oauth2.mailbox").browse(self.mailbox.id)
        dialogue = self.open_dialogue(mine)
        dialogue.begin()
        self.administrator.group_ids = [(6, 0, self.env.ref("base.group_user").ids)]
        with self.assertRaises(AccessError):
            dialogue.run_check("token")

    def test_dialogues_are_made_by_the_buttons_only(self):
        for user in (self.administrator, self.employee):
            model = self.as_user(user, "mail.oauth2.diagnosis")
            with self.subTest(user.login), self.assertRaises(AccessError):
                model.create({"mailbox_id": self.mailbox.id})

    def test_neither_rows_nor_report_nor_log_hold_a_secret(self):
        with self.assertLogs(level="DEBUG") as log:
            rows = self.diagnose(self.mailbox)
            self.sandbox.fault("graph.sendmail", "error", code="ErrorAccessDenied", times=None)
            failed = self.diagnose(self.mailbox)
        self.assert_no_secret(json.dumps([rows, failed]) + self.dialogue.report())
        # The log of SQL holds what is stored, which is encrypted.
        self.assert_holds_none("\n".join(log.output), self.plain_secrets())

    def test_report_names_versions_hosts_and_outcomes(self):
        self.sandbox.fault("graph.sendmail", "error", code="ErrorAccessDenied", times=None)
        self.diagnose(self.mailbox)
        report = self.dialogue.report()
        for words in ("Odoo 19.0", "mail_server_oauth2 19.0.", "Python 3.", "OpenSSL", "localhost"):
            self.assertIn(words, report)
        for words in ("[Passed] Access token", "[Failed] Mailbox", "[Not tried] Right to send"):
            self.assertIn(words, report)
        self.assertIn("403 ErrorAccessDenied", report)
        self.assertIn(f"Sign-in server: {self.microsoft_app.authority_url}", report)

    def test_report_of_a_mail_server_names_its_encryption(self):
        self.server.smtp_authentication = "oauth2_microsoft_smtp"
        self.diagnose(self.server)
        report = self.dialogue.report()
        self.assertIn("Encryption: starttls_strict", report)
        self.assertIn(f"localhost:{self.server.smtp_port}", report)
        self.assertIn("Microsoft 365 SMTP OAuth2", report)
