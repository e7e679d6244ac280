from urllib.parse import parse_qs, urlencode, urlsplit

from odoo.tests import HttpCase, tagged

from ..exceptions import AdminConsentError
from .common import BASE_URL, SandboxCase

CALLBACK = "/mail_server_oauth2/callback"
ERIN = "erp@contoso.example"
ANNA = "anna@contoso.example"
APPROVED = {"admin_consent": "True", "tenant": "c0a7050e-1111-4222-8333-444455556666"}
DECLINED = {"admin_consent": "True", "error": "consent_required", "error_description": "<b>No</b>"}


@tagged("post_install", "-at_install")
class TestAdminConsent(SandboxCase):
    """Who must ask an administrator gets a link to send."""

    def setUp(self):
        super().setUp()
        self.mailbox = self.create_server("oauth2_microsoft_graph", ERIN).oauth2_mailbox_id
        self.sandbox.post("settings", admin_consent_required=True)

    def refused(self):
        try:
            self.finish(self.mailbox, self.begin(self.mailbox, ERIN))
        except AdminConsentError as error:
            self.env.invalidate_all()
            return error
        return self.fail("Nobody had to approve")

    def test_link_is_shown_and_the_mailbox_stays_what_it_was(self):
        self.refused()
        self.assertEqual(self.mailbox.state, "disconnected")
        self.assertIn("/v2.0/adminconsent?", self.mailbox.admin_consent_url)
        self.assertIn("administrator", self.mailbox.status_html)
        query = parse_qs(urlsplit(self.mailbox.admin_consent_url).query)
        self.assertEqual(query["redirect_uri"], [f"{BASE_URL}{CALLBACK}"])
        self.assertIn("Mail.Send", query["scope"][0])

    def test_after_the_approval_the_same_sign_in_works(self):
        self.refused()
        answer = self.sandbox.sign_in(self.mailbox.admin_consent_url, ANNA)
        self.assertEqual(answer["admin_consent"], "True")
        self.connect(self.mailbox)
        self.assertEqual(self.mailbox.state, "connected")
        self.assertFalse(self.mailbox.admin_consent_url)
        self.assertNotIn("adminconsent", self.mailbox.status_html)

    def test_connected_mailbox_stays_connected(self):
        self.sandbox.post("settings", admin_consent_required=False)
        self.connect(self.mailbox)
        self.sandbox.fault("microsoft.token", "error", code="90094")
        self.refused()
        self.assertEqual(self.mailbox.state, "connected")
        self.assertTrue(self.mailbox.admin_consent_url)
        self.mailbox._grant_sudo()._fresh_access_token("graph")
        self.env.invalidate_all()
        self.assertFalse(self.mailbox.admin_consent_url)

    def test_link_is_shown_when_the_approval_is_missing_at_a_refresh(self):
        self.sandbox.post("settings", admin_consent_required=False)
        self.connect(self.mailbox)
        for code in ("90094", "65001"):
            with self.subTest(code=code):
                self.sandbox.fault("microsoft.token", "error", code=code)
                self.assertTrue(self.mailbox._probe())
                self.env.invalidate_all()
                self.assertIn("/v2.0/adminconsent?", self.mailbox.status_html)

    def test_other_errors_show_no_link(self):
        self.sandbox.post("settings", admin_consent_required=False)
        self.connect(self.mailbox)
        self.sandbox.fault("microsoft.token", "error", code="7000215")
        self.assertTrue(self.mailbox._probe())
        self.env.invalidate_all()
        self.assertFalse(self.mailbox.admin_consent_url)

    def test_registration_that_cannot_be_used_shows_no_link(self):
        error = self.refused()
        self.env.cr.execute("UPDATE mail_oauth2_app SET tenant = 'no tenant'")
        self.env.invalidate_all()
        self.assertEqual(self.mailbox._admin_consent_url(error), "")


@tagged("post_install", "-at_install")
class TestAdminConsentRoute(SandboxCase, HttpCase):
    """An administrator who approved need not be a user of this Odoo."""

    def setUp(self):
        super().setUp()
        self.mailbox = self.create_server("oauth2_microsoft_graph", ERIN).oauth2_mailbox_id
        self.env.ref("base.user_admin").write({"company_ids": [(4, self.company.id)]})

    def callback(self, params):
        return self.url_open(f"{CALLBACK}?{urlencode(params)}", allow_redirects=False)

    def begin_in_browser(self, decision="accept"):
        action = self.make_jsonrpc_request(
            "/web/dataset/call_button/mail.oauth2.mailbox/action_authenticate",
            {
                "model": "mail.oauth2.mailbox",
                "method": "action_authenticate",
                "args": [self.mailbox.ids],
                "kwargs": {"context": {"allowed_company_ids": self.company.ids}},
            },
        )
        return self.sandbox.sign_in(action["url"], ERIN, decision)

    def state(self):
        self.env.invalidate_all()
        return self.mailbox.state

    def test_anonymous_administrator_is_thanked(self):
        answer = self.callback(APPROVED)
        self.assertEqual(answer.status_code, 200)
        self.assertIn("Thank you", answer.text)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")

    def test_anonymous_administrator_who_declined_reads_it(self):
        answer = self.callback(DECLINED)
        self.assertIn("was not approved", answer.text)
        self.assertNotIn("<b>No</b>", answer.text)

    def test_page_repeats_nothing_that_came_with_the_request(self):
        answer = self.callback({**APPROVED, "tenant": "evil-tenant", "scope": "evil-scope"})
        self.assertNotIn("evil-", answer.text)

    def test_answer_is_recognised_by_its_state_alone(self):
        answer = self.callback({"state": "admin-consent", "error": "access_denied"})
        self.assertIn("was not approved", answer.text)

    def test_user_who_is_logged_in_is_thanked_too(self):
        self.authenticate("admin", "admin")
        self.assertIn("Thank you", self.callback(APPROVED).text)

    def test_anonymous_callback_goes_to_the_login_and_comes_back(self):
        self.authenticate("admin", "admin")
        params = self.begin_in_browser()
        self.logout()
        answer = self.callback(params)
        target = urlsplit(answer.headers["Location"])
        self.assertEqual((answer.status_code, target.path), (303, "/web/login"))
        self.assertIn(params["state"], parse_qs(target.query)["redirect"][0])
        self.assertEqual(self.state(), "pending")

    def test_pending_sign_in_is_neither_used_nor_spoilt_by_it(self):
        self.authenticate("admin", "admin")
        params = self.begin_in_browser()
        self.assertIn("Thank you", self.callback({**params, **APPROVED}).text)
        self.assertNotEqual(self.state(), "connected")
        self.callback(params)
        self.assertEqual(self.state(), "connected")

    def test_error_page_has_the_link_to_copy(self):
        self.authenticate("admin", "admin")
        self.sandbox.post("settings", admin_consent_required=True)
        page = self.callback(self.begin_in_browser())
        self.assertIn("/v2.0/adminconsent?", page.text)
        self.assertIn("o_mail_oauth2_copy", page.text)

    def test_error_page_has_the_link_for_who_turned_back_at_microsoft(self):
        self.authenticate("admin", "admin")
        page = self.callback(self.begin_in_browser(decision="cancel"))
        self.assertIn("/v2.0/adminconsent?", page.text)

    def test_error_page_of_somebody_else_s_sign_in_shows_no_link(self):
        self.authenticate("admin", "admin")
        page = self.callback({"state": "x" * 43, "error": "access_denied"})
        self.assertIn("was not connected", page.text)
        self.assertNotIn("adminconsent", page.text)
