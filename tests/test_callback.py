import logging
import random
import re
import string
from unittest.mock import patch
from urllib.parse import urlencode

from odoo.tests import HttpCase, new_test_user, tagged

from .common import SandboxCase

CALLBACK = "/mail_server_oauth2/callback"
CHOICE = "/mail_server_oauth2/account"
ERIN = "erp@contoso.example"


@tagged("post_install", "-at_install")
class TestCallback(SandboxCase, HttpCase):
    """The routes that a browser, or somebody who pretends to be one, can reach."""

    def setUp(self):
        super().setUp()
        self.mailbox = self.create_server("oauth2_microsoft_graph", ERIN).oauth2_mailbox_id
        self.env.ref("base.user_admin").write({"company_ids": [(4, self.company.id)]})
        self.authenticate("admin", "admin")

    def begin_in_browser(self, account=ERIN, decision="accept"):
        """Press Authenticate through RPC, sign in at the sandbox, return the callback's query."""
        action = self.make_jsonrpc_request(
            "/web/dataset/call_button/mail.oauth2.mailbox/action_authenticate",
            {
                "model": "mail.oauth2.mailbox",
                "method": "action_authenticate",
                "args": [self.mailbox.ids],
                "kwargs": {"context": {"allowed_company_ids": self.company.ids}},
            },
        )
        return self.sandbox.sign_in(action["url"], account, decision)

    def callback(self, params, path=CALLBACK):
        return self.url_open(f"{path}?{urlencode(params)}", allow_redirects=False)

    def state(self):
        self.env.invalidate_all()
        return self.mailbox.state

    def test_browser_returns_to_the_company_form(self):
        answer = self.callback(self.begin_in_browser())
        self.assertEqual(answer.status_code, 303)
        self.assertTrue(
            answer.headers["Location"].endswith(f"/odoo/email-server/{self.company.id}")
        )
        self.assertEqual(self.state(), "connected")

    def test_second_submission_changes_nothing(self):
        params = self.begin_in_browser()
        self.callback(params)
        answer = self.callback(params)
        self.assertEqual(answer.status_code, 200)
        self.assertIn("The mailbox was not connected", answer.text)
        self.assertEqual(self.state(), "connected")

    def test_another_browser_of_the_same_user_is_refused(self):
        params = self.begin_in_browser()
        self.logout()
        self.authenticate("admin", "admin")
        answer = self.callback(params)
        self.assertIn("The mailbox was not connected", answer.text)
        self.assertNotEqual(self.state(), "connected")

    def test_another_user_is_refused_and_does_not_spoil_it(self):
        params = self.begin_in_browser()
        opener, session = self.opener, self.session
        # Otherwise signing in as somebody else would end the first session.
        self.session = None
        new_test_user(self.env, "mallory", password="mallory-pass", groups="base.group_system")
        self.authenticate("mallory", "mallory-pass")
        self.assertIn("The mailbox was not connected", self.callback(params).text)
        self.opener, self.session = opener, session
        self.callback(params)
        self.assertEqual(self.state(), "connected")

    def test_nobody_signed_in_is_sent_to_the_login(self):
        params = self.begin_in_browser()
        self.logout()
        answer = self.callback(params)
        self.assertIn("/web/login", answer.headers.get("Location", ""))
        self.assertNotEqual(self.state(), "connected")

    def test_where_to_go_next_is_never_taken_from_the_request(self):
        params = self.begin_in_browser()
        for name in ("return_url", "redirect", "next", "url"):
            params[name] = "https://evil.example/"
        answer = self.callback(params)
        self.assertNotIn("evil.example", answer.headers["Location"])

    def test_access_log_names_neither_code_nor_state(self):
        line = f"GET {CALLBACK}?code=0.AXoA&state=x8Zt HTTP/1.1"
        values = {"msg": '%s - - "%s" %s', "args": ("127.0.0.1", line, 303)}
        record = logging.makeLogRecord({"name": "werkzeug", **values})
        self.assertTrue(logging.getLogger("werkzeug").filter(record))
        self.assertEqual(record.getMessage(), f'127.0.0.1 - - "GET {CALLBACK}?… HTTP/1.1" 303')

    def test_access_log_names_no_code_in_a_redirect_to_the_sign_in_page(self):
        for target in (
            "%2Fmail_server_oauth2%2Fcallback%3Fcode%3D0.AXoA%26state%3Dx8Zt",
            "/mail_server_oauth2/account%3fstate%3dx8Zt",
        ):
            record = logging.makeLogRecord({"msg": f"GET /web/login?redirect={target} HTTP/1.1"})
            self.assertTrue(logging.getLogger("werkzeug").filter(record))
            path = target.lower().partition("%3f")[0]
            shown = f"get /web/login?redirect={path}?… http/1.1"
            self.assertEqual(record.getMessage().lower(), shown)

    def test_error_page_escapes_what_came_through_the_browser(self):
        params = self.begin_in_browser(decision="cancel")
        params["error_description"] = "<script>alert(1)</script>"
        answer = self.callback(params)
        self.assertNotIn("<script>alert(1)", answer.text)

    def test_error_page_has_a_way_back(self):
        answer = self.callback(self.begin_in_browser(decision="cancel"))
        self.assertIn(f'href="/odoo/email-server/{self.company.id}"', answer.text)

    def test_choice_needs_the_form_s_own_token(self):
        answer = self.callback(self.begin_in_browser("bert@contoso.example"))
        state = answer.headers["Location"].partition("state=")[2]
        forged = self.url_open(CHOICE, data={"state": state, "choice": "send_as"})
        self.assertEqual(forged.status_code, 400)
        self.assertNotEqual(self.state(), "connected")

    def test_choice_is_made_once(self):
        answer = self.callback(self.begin_in_browser("bert@contoso.example"))
        page = self.url_open(answer.headers["Location"])
        self.assertIn("bert@contoso.example", page.text)
        form = dict(re.findall(r'name="(csrf_token|state)" value="([^"]*)"', page.text))
        first = self.url_open(CHOICE, data={**form, "choice": "use_address"}, allow_redirects=False)
        self.assertIn("/odoo/", first.headers["Location"])
        self.assertEqual(self.mailbox.address, "bert@contoso.example")
        second = self.url_open(CHOICE, data={**form, "choice": "use_address"})
        self.assertIn("The mailbox was not connected", second.text)

    def test_state_of_a_choice_is_no_state_of_a_sign_in_nor_the_other_way_round(self):
        answer = self.callback(self.begin_in_browser("bert@contoso.example"))
        state = answer.headers["Location"].partition("state=")[2]
        self.assertIn("not connected", self.callback({"state": state, "code": "x"}).text)
        params = self.begin_in_browser()
        page = self.callback({"state": params["state"]}, path=CHOICE)
        self.assertIn("not connected", page.text)
        self.assertNotEqual(self.state(), "connected")

    def test_five_hundred_bad_callbacks_connect_nothing_and_break_nothing(self):
        good = self.begin_in_browser()
        generator = random.Random(20261121)
        with patch.object(type(self.env["mail.oauth2.error"]), "_explain_error", _few_words):
            for number, (path, query) in enumerate(bad_callbacks(good, generator, 500)):
                answer = self.url_open(f"{path}?{query}", allow_redirects=False)
                self.assertLess(answer.status_code, 500, (number, path, query[:200]))
                self.assertNotEqual(answer.status_code, 303, (number, path, query[:200]))
        self.assertNotEqual(self.state(), "connected")
        self.assertFalse(self.sandbox.token_calls(status=200))


def _few_words(_self, _error, personal=False):
    """Stand in for the catalogue, which 500 pages need not read 500 times."""
    empty = ("remedy", "who", "command", "link", "provider_text", "request_id")
    return {"cause": "Refused.", **dict.fromkeys(empty, "")}


def bad_callbacks(good, generator, count):
    """Yield ``(path, query)`` of callbacks that must not be accepted.

    Malformed, oversized, missing, repeated and foreign parameters, derived from a good one
    whose state is never sent whole together with its code.
    """
    letters = string.ascii_letters + string.digits + "-_.~%\x00\r\n'\"<>&;/\\\u20ac"

    def noise(longest):
        size = generator.choice((0, 1, 5, 43, 200, longest))
        return "".join(generator.choice(letters) for _ in range(size))

    def flipped(value):
        position = generator.randrange(len(value))
        return value[:position] + ("A" if value[position] != "A" else "B") + value[position + 1 :]

    makers = (
        dict,
        lambda: {"state": noise(9000)},
        lambda: {"code": good["code"]},
        lambda: {"code": good["code"], "state": flipped(good["state"])},
        lambda: {"code": good["code"], "state": good["state"][:-1]},
        lambda: {"code": good["code"], "state": good["state"].swapcase()},
        lambda: {"code": good["code"], "state": good["state"] + " "},
        lambda: {"code": noise(9000), "state": noise(200), "error": noise(50)},
        lambda: {"error": "access_denied", "error_description": noise(9000)},
        lambda: {noise(30): noise(30), "state": noise(60)},
        lambda: [("state", noise(43)), ("state", noise(43)), ("code", "a"), ("code", "b")],
        lambda: {"state[]": good["state"], "code": good["code"]},
        lambda: {"state": "1", "model": "res.users", "id": "2", "db": noise(20)},
    )
    for _number in range(count):
        yield generator.choice((CALLBACK, CALLBACK, CHOICE)), urlencode(generator.choice(makers)())
