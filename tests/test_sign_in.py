from contextlib import suppress
from datetime import timedelta

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import new_test_user, tagged

from ..exceptions import ConfigurationError, SignInRejectedError, UnreachableError
from ..providers import Grant
from .common import SandboxCase

GRAPH = "oauth2_microsoft_graph"
ERIN = "erp@contoso.example"


@tagged("post_install", "-at_install")
class TestSignIn(SandboxCase):
    """What comes back from the provider is trusted only after every check."""

    def setUp(self):
        super().setUp()
        self.server = self.create_server(GRAPH, ERIN)
        self.mailbox = self.server.oauth2_mailbox_id

    def test_status_shows_who_signed_in_and_every_date(self):
        self.connect(self.mailbox)
        self.assertEqual(self.mailbox.state, "connected")
        self.assertEqual(self.mailbox.account_address, ERIN)
        self.assertEqual(self.mailbox.authenticated_by_id, self.env.user)
        for name in ("authenticated_on", "renewed_on", "access_valid_until", "unused_until"):
            self.assertTrue(self.mailbox[name], name)
        self.assertIn("Mail.Send", self.mailbox.scopes)
        self.assertIn("Erin Rhodes", self.mailbox.status_html)

    def test_mailbox_waits_while_somebody_signs_in(self):
        self.mailbox._begin_sign_in()
        self.env.invalidate_all()
        self.assertEqual(self.mailbox.state, "pending")

    def test_state_is_consumed_once(self):
        params = self.begin(self.mailbox, ERIN)
        self.finish(self.mailbox, params)
        with self.assertRaises(SignInRejectedError):
            self.finish(self.mailbox, params)

    def test_state_is_consumed_even_if_the_sign_in_fails(self):
        params = self.begin(self.mailbox, ERIN)
        # Not assertRaises: Odoo's takes back what happened inside, own transactions too.
        with suppress(SignInRejectedError):
            self.finish(self.mailbox, {**params, "code": "forged"})
            self.fail("A forged code was accepted")
        with self.assertRaises(SignInRejectedError):
            self.finish(self.mailbox, params)
        self.env.invalidate_all()
        self.assertEqual(self.mailbox.state, "disconnected")

    def test_state_expires(self):
        params = self.begin(self.mailbox, ERIN)
        past = fields.Datetime.now() - timedelta(seconds=1)
        self.env["mail.oauth2.authorization"].sudo().search([]).expires_on = past
        self.env.flush_all()
        with self.assertRaises(SignInRejectedError):
            self.finish(self.mailbox, params)

    def test_state_belongs_to_the_user_who_began(self):
        params = self.begin(self.mailbox, ERIN)
        other = new_test_user(self.env, "another_admin", groups="base.group_system")
        authorizations = self.env["mail.oauth2.authorization"].with_user(other)
        with self.assertRaises(SignInRejectedError):
            authorizations._consume(params["state"])

    def test_state_is_stored_as_a_hash_and_the_verifier_encrypted(self):
        params = self.begin(self.mailbox, ERIN)
        self.env.cr.execute("SELECT * FROM mail_oauth2_authorization")
        stored = repr(self.env.cr.fetchall())
        self.assertNotIn(params["state"], stored)
        self.assertNotIn("code_verifier", stored)

    def test_sign_in_of_one_mailbox_never_connects_another(self):
        other = self.env["mail.oauth2.mailbox"].create(
            {"app_id": self.microsoft_app.id, "address": "bert@contoso.example"}
        )
        params = self.begin(self.mailbox, ERIN)
        with self.assertRaises(AssertionError):
            self.finish(other, params)
        self.assertEqual(other.state, "disconnected")

    def test_cancel_at_the_provider_is_said_in_words(self):
        params = self.begin(self.mailbox, ERIN, decision="cancel")
        with self.assertRaises(SignInRejectedError) as caught:
            self.finish(self.mailbox, params)
        words = self.env["mail.oauth2.error"]._text(caught.exception)
        self.assertIn("The provider says", words)

    def test_other_account_is_asked_about_before_anything_is_stored(self):
        path = self.connect(self.mailbox, "bert@contoso.example")
        self.assertTrue(path.startswith("/mail_server_oauth2/account?state="))
        self.assertEqual(self.mailbox.state, "pending")

    def choose(self, choice):
        path = self.connect(self.mailbox, "bert@contoso.example")
        authorizations = self.env["mail.oauth2.authorization"]
        pending = authorizations._consume(path.partition("state=")[2])["pending"]
        url = self.mailbox._choose_account(Grant.from_dict(pending["grant"]), choice)
        self.env.flush_all()
        if url.startswith("http"):
            # One more permission is asked for: sending as somebody else.
            self.finish(self.mailbox, self.sandbox.sign_in(url, "bert@contoso.example"))
        self.env.invalidate_all()

    def test_send_as_the_mailbox_with_the_rights_of_another_account(self):
        self.choose("send_as")
        self.assertEqual(self.mailbox.state, "connected")
        self.assertEqual(self.mailbox.address, ERIN)
        self.assertEqual(self.mailbox.account_address, "bert@contoso.example")

    def test_use_the_address_of_the_account_that_signed_in(self):
        self.choose("use_address")
        self.assertEqual(self.mailbox.address, "bert@contoso.example")
        self.assertEqual(self.server.smtp_user, "bert@contoso.example")
        self.assertEqual(self.server.from_filter, "bert@contoso.example")

    def test_reconnecting_as_the_same_account_asks_nothing(self):
        self.connect(self.mailbox)
        path = self.connect(self.mailbox)
        self.assertNotIn("account", path)

    def test_shared_mailbox_sends_through_a_member(self):
        server = self.create_server(GRAPH, "invoices@contoso.example")
        self.mailbox = server.oauth2_mailbox_id
        self.choose("send_as")
        mail = self.queue_mail()
        with self.sending():
            mail.send()
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        (row,) = self.sandbox.delivered(recipient="customer@example.com")
        self.assertIn("invoices@contoso.example", row["header_from"])

    def test_personal_mailbox_takes_no_other_account(self):
        personal = self.mailbox.create(
            {"app_id": self.microsoft_app.id, "address": ERIN, "user_id": self.env.uid}
        )
        self.env.flush_all()
        with self.assertRaises(SignInRejectedError):
            self.connect(personal, "bert@contoso.example")
        self.env.invalidate_all()
        self.assertNotEqual(personal.state, "connected")

    def test_wrong_secret_is_a_configuration_error_with_a_remedy(self):
        params = self.begin(self.mailbox, ERIN)
        self.microsoft_app.client_secret = "not the secret"
        self.env.flush_all()
        with self.assertRaises(ConfigurationError) as caught:
            self.finish(self.mailbox, params)
        self.assertEqual(caught.exception.key, "aadsts_7000215")

    def test_unknown_tenant_is_a_configuration_error(self):
        self.microsoft_app.tenant = "nowhere.example"
        with self.assertRaises(ConfigurationError) as caught:
            self.mailbox._begin_sign_in()
        self.assertEqual(caught.exception.key, "aadsts_90002")

    def test_closed_port_is_said_in_words_and_loses_nothing(self):
        self.microsoft_app.authority_url = "https://localhost:1"
        with self.assertRaises(UnreachableError) as caught:
            self.mailbox._begin_sign_in()
        self.assertIn("localhost", self.env["mail.oauth2.error"]._text(caught.exception))

    def test_pasted_secret_id_is_recognised(self):
        with self.assertRaisesRegex(ValidationError, "ID of the client secret"):
            self.microsoft_app.client_secret = "0d9e9b3c-6b5f-4f4e-9a57-6f2d9d0d1c2b"

    def test_tenant_can_never_redirect_the_secret(self):
        for tenant in ("evil.example/x?", "../evil", "a b", "tenant@evil", "http://evil", "x#y"):
            with self.subTest(tenant=tenant), self.assertRaises(ValidationError):
                self.microsoft_app.tenant = tenant
                self.env.flush_all()

    def test_google_sign_in_connects_and_removing_revokes(self):
        server = self.connected_server("oauth2_google_smtp", "erp@northwind.example")
        mailbox = server.oauth2_mailbox_id
        self.assertTrue(mailbox._disconnect())
        self.env.invalidate_all()
        self.assertEqual(mailbox.state, "disconnected")
        self.assertFalse(mailbox._grant_sudo().grant_encrypted)

    def test_google_asks_for_consent_again_where_it_gave_no_refresh_token(self):
        server = self.create_server("oauth2_google_smtp", "erp@northwind.example")
        mailbox = server.oauth2_mailbox_id
        self.connect(mailbox)
        mailbox._grant_sudo()._wipe()
        self.env.invalidate_all()
        url = self.connect(mailbox)
        self.assertIn("prompt=select_account+consent", url)
        self.finish(mailbox, self.sandbox.sign_in(url, "erp@northwind.example"))
        self.env.invalidate_all()
        self.assertEqual(mailbox.state, "connected")

    def test_removing_wipes_even_if_the_provider_is_away(self):
        self.connect(self.mailbox)
        self.microsoft_app.authority_url = "https://localhost:1"
        self.assertFalse(self.mailbox._disconnect())
        self.env.invalidate_all()
        self.assertEqual(self.mailbox.state, "disconnected")
        self.assertFalse(self.mailbox._grant_sudo().account_subject)
