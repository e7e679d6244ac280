from datetime import timedelta

import requests

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..exceptions import SignInRejectedError
from .common import SandboxCase

SMTP = "oauth2_microsoft_smtp"
ERIN = "erp@contoso.example"
BERT = "bert@contoso.example"


@tagged("post_install", "-at_install")
class TestDeviceSignIn(SandboxCase):
    """A code is entered elsewhere; the dialogue notices and the mailbox is connected."""

    def setUp(self):
        super().setUp()
        self.server = self.create_server(SMTP, ERIN)
        self.mailbox = self.server.oauth2_mailbox_id

    def open_dialogue(self, mailbox=None):
        action = (mailbox or self.mailbox).action_sign_in_on_another_device()
        self.env.flush_all()
        return self.env[action["res_model"]].browse(action["res_id"])

    def enter(self, dialogue, account=ERIN, decision="accept"):
        """Do what a person does on the other device."""
        data = {"code": dialogue.user_code, "account": account, "decision": decision}
        requests.post(dialogue.verification_uri, data=data, timeout=20).raise_for_status()

    def wait(self):
        """Let the interval pass."""
        past = fields.Datetime.now() - timedelta(seconds=1)
        self.pending().next_poll_on = past
        self.env.flush_all()

    def poll(self, dialogue):
        self.wait()
        answer = dialogue.poll()
        self.env.invalidate_all()
        return answer

    def new_administrator(self, login):
        companies = {"company_id": self.company.id, "company_ids": [(6, 0, self.company.ids)]}
        return new_test_user(self.env, login, groups="base.group_system", **companies)

    def pending(self):
        return self.env["mail.oauth2.authorization"].sudo().search([])

    def polls(self):
        return len(self.sandbox.token_calls())

    def test_dialogue_shows_code_link_and_time(self):
        dialogue = self.open_dialogue()
        self.assertEqual(len(dialogue.user_code), 9)
        self.assertTrue(dialogue.verification_uri.endswith("/devicelogin"))
        self.assertTrue(880 < dialogue.seconds_left <= 900, dialogue.seconds_left)
        self.assertEqual(self.pending().expires_on, dialogue.expires_on)
        self.env.invalidate_all()
        self.assertEqual(self.mailbox.state, "pending")

    def test_status_speaks_of_the_code_and_not_of_the_redirect_uri(self):
        self.open_dialogue()
        self.env.invalidate_all()
        self.assertIn("signed in on another device yet", self.mailbox.status_html)
        self.assertNotIn("redirect URI", self.mailbox.status_html)
        self.mailbox._begin_sign_in()
        self.env.invalidate_all()
        self.assertIn("redirect URI", self.mailbox.status_html)

    def test_mailbox_is_connected_once_the_code_was_entered(self):
        dialogue = self.open_dialogue()
        self.assertEqual(self.poll(dialogue), {"status": "waiting"})
        self.enter(dialogue)
        answer = self.poll(dialogue)
        self.assertEqual(answer["status"], "finished")
        self.assertEqual(answer["action"]["params"]["next"]["type"], "ir.actions.act_window_close")
        self.assertEqual(self.mailbox.state, "connected")
        self.assertEqual(self.mailbox.account_address, ERIN)
        self.assertFalse(self.pending())

    def test_mail_leaves_and_the_token_is_renewed_without_the_secret(self):
        dialogue = self.open_dialogue()
        self.enter(dialogue)
        self.poll(dialogue)
        self.microsoft_app.client_secret = "not the secret"
        self.env.flush_all()
        self.mailbox._grant_sudo()._fresh_access_token("smtp")
        mail = self.queue_mail()
        with self.sending():
            mail.send()
        self.assertEqual(mail.state, "sent", mail.failure_reason)

    def test_provider_is_asked_once_per_interval_whatever_the_browser_does(self):
        dialogue = self.open_dialogue()
        for _number in range(5):
            self.assertEqual(dialogue.poll(), {"status": "waiting"})
        self.assertEqual(self.polls(), 0)
        self.wait()
        for _number in range(5):
            dialogue.poll()
        self.assertEqual(self.polls(), 1)

    def test_provider_that_asks_for_patience_gets_it(self):
        dialogue = self.open_dialogue()
        self.sandbox.fault("microsoft.token", "error", error="slow_down", message="Slower")
        self.assertEqual(self.poll(dialogue), {"status": "waiting"})
        self.assert_next_poll_in(10)

    def test_outage_does_not_make_it_ask_more_often(self):
        dialogue = self.open_dialogue()
        for options, seconds in (({}, 5), ({"retry_after": "2"}, 5), ({"retry_after": "33"}, 33)):
            with self.subTest(**options):
                self.sandbox.fault("microsoft.token", "reply", status=429, times=1, **options)
                self.poll(dialogue)
                self.assert_next_poll_in(seconds)

    def assert_next_poll_in(self, seconds):
        left = (self.pending().next_poll_on - fields.Datetime.now()).total_seconds()
        self.assertAlmostEqual(left, seconds, delta=2)
        self.assertEqual(self.pending().poll_interval, seconds)

    def test_outage_while_waiting_loses_nothing(self):
        dialogue = self.open_dialogue()
        self.sandbox.fault("microsoft.token", "drop", times=1)
        self.assertEqual(self.poll(dialogue), {"status": "waiting"})
        self.enter(dialogue)
        self.assertEqual(self.poll(dialogue)["status"], "finished")

    def test_declining_is_said_in_words_and_ends_it(self):
        dialogue = self.open_dialogue()
        self.enter(dialogue, decision="cancel")
        answer = self.poll(dialogue)
        self.assertEqual(answer["status"], "failed")
        self.assertIn("declined", answer["cause"])
        self.assertFalse(self.pending())
        self.assertEqual(self.mailbox.state, "disconnected")

    def test_code_that_has_expired_here_or_there_ends_it(self):
        dialogue = self.open_dialogue()
        self.sandbox.post("clock", advance=901)
        self.assertIn("not entered in time", self.poll(dialogue)["cause"])
        self.assertEqual(dialogue.renew(), {"status": "waiting"})
        self.env.flush_all()
        self.pending().expires_on = fields.Datetime.now() - timedelta(seconds=1)
        self.assertIn("expired", self.poll(dialogue)["cause"])
        self.assertEqual(self.polls(), 1)

    def test_new_code_takes_the_place_of_the_old_one(self):
        dialogue = self.open_dialogue()
        before = dialogue.user_code
        dialogue.renew()
        self.env.flush_all()
        self.assertNotEqual(dialogue.user_code, before)
        self.assertEqual(len(self.pending()), 1)
        self.enter(dialogue)
        self.assertEqual(self.poll(dialogue)["status"], "finished")

    def test_cancelled_means_not_connected_even_if_somebody_signs_in(self):
        dialogue = self.open_dialogue()
        dialogue.action_cancel()
        dialogue.cancel()
        self.enter(dialogue)
        self.assertEqual(self.poll(dialogue)["status"], "failed")
        self.assertEqual(self.polls(), 0)
        self.assertEqual(self.mailbox.state, "disconnected")

    def test_grant_is_taken_once(self):
        dialogue = self.open_dialogue()
        self.enter(dialogue)
        self.poll(dialogue)
        self.assertEqual(self.poll(dialogue)["status"], "failed")
        self.assertEqual(self.mailbox.state, "connected")

    def test_other_account_is_asked_about(self):
        dialogue = self.open_dialogue()
        self.enter(dialogue, BERT)
        action = self.poll(dialogue)["action"]
        self.assertEqual(action["type"], "ir.actions.act_url")
        self.assertTrue(action["url"].startswith("/mail_server_oauth2/account?state="))
        self.assertEqual(self.mailbox.state, "pending")

    def test_personal_mailbox_takes_no_other_account(self):
        own = self.mailbox.copy({"user_id": self.env.uid})
        self.env.flush_all()
        dialogue = self.open_dialogue(own)
        self.enter(dialogue, BERT)
        self.assertIn(BERT, self.poll(dialogue)["cause"])
        self.assertNotEqual(own.state, "connected")

    def test_administrator_who_must_approve_is_named_with_a_link(self):
        dialogue = self.open_dialogue()
        self.sandbox.fault("microsoft.token", "error", code="90094")
        answer = self.poll(dialogue)
        self.assertIn("/v2.0/adminconsent?", answer["consent_url"])
        self.assertIn("/v2.0/adminconsent?", self.mailbox.status_html)
        self.assertEqual(self.mailbox.state, "disconnected")

    def test_device_code_reaches_neither_browser_nor_database_in_clear(self):
        mailbox = self.mailbox.with_user(self.new_administrator("chief"))
        dialogue = self.open_dialogue(mailbox).with_env(mailbox.env)
        state = dialogue.sudo().state_token
        authorizations = mailbox.env["mail.oauth2.authorization"]
        device_code = authorizations._peek(state)["pending"]["device"]["device_code"]
        readable = repr(dialogue.read()) + repr(dialogue.poll())
        self.assertIn(dialogue.user_code, readable)
        self.assertNotIn(device_code, readable)
        self.assertNotIn(state, readable)
        self.env.cr.execute(
            "SELECT array_agg(t::text) FROM mail_oauth2_authorization t"
            " UNION ALL SELECT array_agg(t::text) FROM mail_oauth2_device_sign_in t"
        )
        self.assertNotIn(device_code, repr(self.env.cr.fetchall()))

    def test_dialogue_belongs_to_who_opened_it(self):
        dialogue = self.open_dialogue()
        other = self.new_administrator("another_admin")
        with self.assertRaises(AccessError):
            dialogue.with_user(other).read(["user_code"])
        with self.assertRaises(AccessError):
            dialogue.with_user(other).poll()
        state = dialogue.sudo().state_token
        with self.assertRaises(SignInRejectedError):
            self.mailbox.with_user(other)._poll_device_sign_in(state)

    def test_employee_gets_no_code(self):
        owner = new_test_user(self.env, "bert", groups="base.group_user", email=BERT)
        with self.assertRaises(AccessError):
            self.open_dialogue(self.mailbox.with_user(owner))
        own = self.mailbox.create(
            {"app_id": self.microsoft_app.id, "address": BERT, "user_id": owner.id}
        )
        self.env.flush_all()
        with self.assertRaisesRegex(AccessError, "administrator"):
            self.open_dialogue(own.with_user(owner))
        self.assertFalse(own.with_user(owner).offers_device_code)
        chief = self.new_administrator("chief")
        dialogue = self.open_dialogue(own.with_user(chief)).with_user(chief)
        self.enter(dialogue, BERT)
        self.assertEqual(self.poll(dialogue)["status"], "finished")
        self.assertEqual(own.state, "connected")

    def test_nobody_forges_a_dialogue(self):
        mailbox = self.mailbox.with_user(self.new_administrator("chief"))
        dialogue = self.open_dialogue(mailbox).with_env(mailbox.env)
        self.assertTrue(dialogue.user_code)
        with self.assertRaises(AccessError):
            dialogue.write({"user_code": "X"})
        with self.assertRaises(AccessError):
            dialogue.create({"mailbox_id": self.mailbox.id})

    def test_google_offers_no_codes(self):
        server = self.create_server("oauth2_google_smtp", "erp@northwind.example")
        self.assertFalse(server.oauth2_mailbox_id.offers_device_code)
        self.assertFalse(self.company.email_server_offers_device_code)
        with self.assertRaisesRegex(UserError, "another device"):
            server.oauth2_mailbox_id.action_sign_in_on_another_device()
        self.assertTrue(self.mailbox.offers_device_code)

    def test_company_form_opens_the_dialogue(self):
        self.assertTrue(self.company.email_server_offers_device_code)
        action = self.company.action_email_server_device_sign_in()
        self.assertEqual(action["target"], "new")

    def test_app_without_public_client_flows_is_told_what_to_switch_on(self):
        client_id = self.sandbox["microsoft"]["client_id"]
        self.sandbox.post("clients", client_id=client_id, public=False)
        answer = self.poll(self.open_dialogue())
        self.assertIn("Allow public client flows", answer["remedy"])
