from urllib.parse import urlencode

from odoo.tests import HttpCase, tagged

from ..models.mail_oauth2_authorization import SCREEN_COOKIE, screen_path
from .common import SandboxCase

CALLBACK = "/mail_server_oauth2/callback"
ERIN = "erp@contoso.example"


@tagged("post_install", "-at_install")
class TestReturnScreen(SandboxCase, HttpCase):
    """A sign-in leads back to the screen that it was begun on, however it ends."""

    def setUp(self):
        super().setUp()
        self.server = self.create_server("oauth2_microsoft_graph", ERIN)
        self.env.ref("base.user_admin").write({"company_ids": [(4, self.company.id)]})
        self.authenticate("admin", "admin")

    def begin(self, record, button, **context):
        """Press a button through RPC and sign in; return the callback's parameters."""
        context["allowed_company_ids"] = self.company.ids
        action = self.make_jsonrpc_request(
            f"/web/dataset/call_button/{record._name}/{button}",
            {
                "model": record._name,
                "method": button,
                "args": [record.ids],
                "kwargs": {"context": context},
            },
        )
        return self.sandbox.sign_in(action["url"], ERIN)

    def answer(self, params):
        return self.url_open(f"{CALLBACK}?{urlencode(params)}", allow_redirects=False)

    def test_sign_in_of_the_server_form_leads_back_to_the_server(self):
        answer = self.answer(self.begin(self.server, "action_oauth2_authenticate"))
        self.assertTrue(
            answer.headers["Location"].endswith(f"ir_mail_server_list/{self.server.id}")
        )

    def test_sign_in_of_the_company_form_leads_back_to_the_company(self):
        answer = self.answer(self.begin(self.company, "action_email_server_authenticate"))
        self.assertTrue(answer.headers["Location"].endswith(f"/email-server/{self.company.id}"))

    def test_answer_that_comes_twice_leads_back_too(self):
        params = self.begin(self.server, "action_oauth2_authenticate")
        self.answer(params)
        page = self.answer(params)
        self.assertIn("The mailbox was not connected", page.text)
        screen = f"/odoo/action-base.action_ir_mail_server_list/{self.server.id}"
        self.assertIn(f'href="{screen}"', page.text)

    def test_browser_that_remembers_nothing_is_led_home(self):
        self.assertIn('href="/odoo"', self.answer({"code": "0", "state": "x" * 43}).text)

    def test_forged_memory_leads_nowhere_else(self):
        for forged in ("https://evil.example/odoo", "//evil.example", "/odoo/\\evil.example"):
            self.opener.cookies.set(SCREEN_COOKIE, forged, path="/mail_server_oauth2")
            page = self.answer({"code": "0", "state": "x" * 43})
            self.assertIn('href="/odoo"', page.text, forged)
            self.assertNotIn("evil", page.text)

    def test_screen_from_outside_is_not_believed(self):
        evil = "https://evil.example/odoo"
        mailbox = self.server.oauth2_mailbox_id
        params = self.begin(mailbox, "action_authenticate", mail_oauth2_screen=evil)
        self.assertNotIn("evil", self.answer(params).headers["Location"])

    def test_only_paths_of_the_web_client_are_screens(self):
        for path in ("/odoo", "/odoo/email-server/1", "/odoo/action-base.x/7"):
            self.assertEqual(screen_path(path), path)
        for path in ("", None, "/web/login", "/odoo/x?y", "/odoo//evil", "/odoo/..\\x", "/odoo\n"):
            self.assertEqual(screen_path(path), "")
