from contextlib import suppress
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged

from .test_security_attacks import BERT, ERIN, AttackCase
from .test_setup import SetupCase

EVIL = "evil.example"


@tagged("post_install", "-at_install")
class TestScreenAttacks(AttackCase):
    """What somebody tried with the screens, company against company."""

    # ------------------------------------------------------------
    # WHAT BELONGS TO A COMPANY
    # ------------------------------------------------------------

    def test_what_belongs_to_a_company_goes_with_it(self):
        doomed = self.env["res.company"].create({"name": "Doomed"})
        app = self.create_app("microsoft", company_id=doomed.id)
        values = {"email_server_type": "oauth2_microsoft_graph", "email_server_app_id": app.id}
        doomed.write({**values, "email_server_address": BERT})
        server = doomed.email_server_id
        mailbox, token = server.oauth2_mailbox_id, server.oauth2_mailbox_id.sudo().token_ids
        attempt = (
            self.env["mail.oauth2.attempt"]
            .sudo()
            .create({"outcome": "accepted", "company_id": doomed.id, "mailbox_id": mailbox.id})
        )
        self.env.flush_all()
        doomed.unlink()
        self.env.invalidate_all()
        for record in (app, server, mailbox, token, attempt):
            self.assertFalse(record.exists(), record)

    # ------------------------------------------------------------
    # STATE OF WHAT ONE MAY NOT SEE
    # ------------------------------------------------------------

    def test_nobody_sends_a_test_mail_from_a_personal_mailbox_of_another_company(self):
        mailbox = self.personal_mailbox()
        tests = self.as_user(self.stranger, "mail.oauth2.test.mail")
        test = tests.create(
            {"mail_server_id": mailbox.server_ids.id, "email_to": "a@rival.example"}
        )
        with self.assertRaises(AccessError):
            test.action_send()
        self.assertFalse(self.sandbox.delivered(recipient="a@rival.example"))
        server = self.as_user(self.stranger, "ir.mail_server").browse(mailbox.server_ids.id)
        self.assertFalse(server.oauth2_state)
        self.assertFalse(server.oauth2_status_html)

    def test_setup_takes_nothing_of_another_company(self):
        setups = self.as_user(self.stranger, "mail.oauth2.setup")
        setup = setups.create({"company_id": self.other_company.id})
        for values in ({"server_id": self.server.id}, {"app_id": self.microsoft_app.id}):
            # AccessError is a UserError, too.
            with self.subTest(values=values), self.assertRaises(UserError):
                setup.write(values)
                self.env.flush_all()
        shown = {"mailbox_status_html": {}, "mailbox_state": {}}
        answer = setup.onchange({"server_id": self.server.id}, ["server_id"], shown)
        self.assertFalse(answer["value"].get("mailbox_status_html"))
        self.assertFalse(answer["value"].get("mailbox_state"))

    def test_onchange_tells_nothing_of_foreign_mailboxes(self):
        companies = self.as_user(self.stranger, "res.company").browse(self.other_company.id)
        shown = {"email_server_mailbox_id": {}, "email_server_status_html": {}}
        changed = {"email_server_mailbox_id": self.mailbox.id}
        answer = companies.onchange(changed, ["email_server_mailbox_id"], shown)
        self.assertNotIn(ERIN, str(answer))
        wizards = self.as_user(self.employee, "mail.oauth2.disconnect")
        shown = {"mailbox_id": {}, "account_address": {}, "provider": {}}
        with self.assertRaises(AccessError):
            wizards.create({"mailbox_id": self.mailbox.id})
        colleague = self.personal_mailbox()
        answer = wizards.onchange({"mailbox_id": colleague.id}, ["mailbox_id"], shown)
        self.assertNotIn(BERT, str(answer["value"].get("account_address")))

    def test_settings_tell_nothing_of_a_foreign_company(self):
        settings = self.as_user(self.stranger, "res.config.settings")
        record = settings.new({"company_id": self.company.id})
        self.assertFalse(record.email_server_state)

    # ------------------------------------------------------------
    # A COMPANY THAT IS NOT SWITCHED ON
    # ------------------------------------------------------------

    def test_page_of_a_company_that_is_not_switched_on_says_so_and_changes_nothing(self):
        self.administrator.company_ids += self.other_company
        companies = self.env["res.company"].with_user(self.administrator)
        away = companies.with_context(allowed_company_ids=self.other_company.ids)
        company = away.browse(self.company.id)
        self.assertTrue(company.email_server_is_hidden)
        self.assertIn("Switch to", company.email_server_info)
        with self.assertRaises(UserError):
            company.write({"email_server_type": "login", "email_server_host": EVIL})
        self.assertEqual(self.server.smtp_authentication, "oauth2_microsoft_graph")
        here = company.with_context(allowed_company_ids=self.company.ids)
        self.assertFalse(here.email_server_is_hidden)

    # ------------------------------------------------------------
    # ODD VALUES
    # ------------------------------------------------------------

    def test_address_is_taken_as_typed_or_not_at_all(self):
        mailboxes = self.env["mail.oauth2.mailbox"]
        for address in ("erp@@contoso.example", "<erp>@contoso.example", "a b@contoso.example"):
            with self.assertRaises(ValidationError):
                mailboxes.create({"app_id": self.google_app.id, "address": address})
        good = mailboxes.create({"app_id": self.google_app.id, "address": " Erp@Contoso.Example "})
        self.assertEqual(good.address, "erp@contoso.example")

    def test_password_with_an_umlaut_is_explained_and_never_shown(self):
        self.company.write(
            {
                "email_server_type": "login",
                "email_server_host": "localhost",
                "email_server_user": "erp",
                "email_server_password": "gehäim",
            }
        )
        odd = UnicodeEncodeError("ascii", "gehäim", 3, 4, "ordinal not in range(128)")
        servers = self.env.registry["ir.mail_server"]
        with patch.object(servers, "_hand_test_mail_over", side_effect=odd):
            outcome = self.company.email_server_id._send_test_mail("a@example.com")
        self.assertFalse(outcome["accepted"])
        self.assertIn("ASCII", outcome["provider_text"])
        self.assertNotIn("geh", str(outcome))

    def test_host_that_cannot_be_is_explained(self):
        self.company.write({"email_server_type": "login", "email_server_host": "smtp..example"})
        with self.sending():
            outcome = self.company.email_server_id._send_test_mail("a@example.com")
        self.assertFalse(outcome["accepted"])
        self.assertIn("smtp..example", outcome["cause"])

    def test_password_server_does_not_get_the_port_of_graph(self):
        self.server.smtp_port = 443
        with Form(self.company, "mail_server_oauth2.res_company_view_form_email_server") as form:
            form.email_server_type = "login"
            form.email_server_host = "mail.contoso.example"
            self.assertEqual(form.email_server_port, 587)

    def test_registration_has_no_port_that_does_not_exist(self):
        with self.assertRaises(UserError):
            self.microsoft_app.smtp_port = 70_000

    def test_reconnecting_cancels_no_mail_but_that_about_the_incident(self):
        mail = self.queue_mail(model=self.mailbox._name, res_id=self.mailbox.id)
        mail.write({"message_type": "user_notification", "subject": "Renew the contract"})
        self.mailbox._cancel_incident_mails(self.mailbox.activity_ids)
        activity = self.mailbox.activity_schedule(summary=f"Mailbox {ERIN} cannot send")
        self.mailbox._cancel_incident_mails(activity)
        self.assertEqual(mail.state, "outgoing")

    def test_line_of_a_list_names_few_of_many_recipients(self):
        people = ", ".join(f"a{number}@example.com" for number in range(500))
        mail = self.queue_mail(email_to=people)
        self.assertEqual(
            mail.oauth2_recipient_line, "a0@example.com, a1@example.com, a2@example.com, +497"
        )


@tagged("post_install", "-at_install")
class TestSetupAttacks(SetupCase):
    """Pages of the guided setup that are old, and buttons in the wrong order."""

    def test_nothing_untried_becomes_the_sender(self):
        self.signed_in()
        self.send_test_mail()
        self.setup.action_choose_provider("other")
        self.setup.write({"smtp_host": EVIL, "smtp_port": 2525, "address": "a@evil.example"})
        self.setup.action_save_server()
        with self.assertRaises(UserError):
            self.setup.action_make_sender()
        self.assertNotEqual(self.company.email_server_id.smtp_host, EVIL)

    def test_another_password_has_to_be_tried(self):
        self.choose("other")
        self.setup.write({"smtp_host": "mail.example", "address": "a@mail.example"})
        self.setup.action_save_server()
        self.setup.write({"tested_on": fields.Datetime.now(), "outcome": {"accepted": True}})
        self.setup.smtp_pass = "another"
        self.assertFalse(self.setup.tested_on)

    def test_buttons_of_an_old_page_are_answered_in_words(self):
        refused = (
            "action_save_app",
            "action_sign_in",
            "action_sign_in_on_another_device",
            "action_save_server",
            "action_send_test_mail",
            "action_diagnose",
            "action_make_sender",
        )
        for provider in (False, "google", "other"):
            self.setup.write({"provider": provider, "way": False, "server_id": False})
            for button in refused:
                with self.subTest(provider=provider, button=button), self.assertRaises(UserError):
                    getattr(self.setup, button)()
            for button in ("action_go_on_from_sign_in", "action_go_on_from_test"):
                # Where that step exists, the first unfinished one is shown.
                with self.subTest(provider=provider, button=button), suppress(UserError):
                    getattr(self.setup, button)()
            self.assertIn(self.setup.step, ("provider", "way", "server"))
        with self.assertRaises(UserError):
            self.setup.action_choose_way("no such way")
