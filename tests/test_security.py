import json
import logging
from contextlib import contextmanager

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, new_test_user, tagged

from .common import SandboxCase

ERIN = "erp@contoso.example"
#: models without any access rights
HIDDEN = ("mail.oauth2.token", "mail.oauth2.authorization")
#: what a person could ask of a model through RPC to get at a value
QUESTIONS = (
    lambda model, name: model.search([(name, "!=", False)]),
    lambda model, name: model.search([(name, "=like", "g%")]),
    lambda model, name: model.search([], order=f"{name} asc", limit=1),
    lambda model, name: model.search_read([], [name]),
    lambda model, name: model.search([]).read([name]),
    lambda model, name: model.search([]).export_data([name]),
    lambda model, name: model.formatted_read_group([], [name], ["__count"]),
    lambda model, name: model.web_search_read([], {name: {}}),
)


class SecurityCase(SandboxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls.env["res.company"].create({"name": "Northwind"})
        cls.portal = cls.user("portal_person", "base.group_portal")
        cls.employee = cls.user("employee", "base.group_user")
        cls.owner = cls.user("bert", "base.group_user", email="bert@contoso.example")
        cls.stranger = cls.user(
            "stranger",
            "base.group_system",
            company_id=cls.other_company.id,
            company_ids=[(6, 0, cls.other_company.ids)],
        )
        cls.administrator = cls.user("chief", "base.group_system")

    @classmethod
    def user(cls, login, group, **values):
        defaults = {"company_id": cls.company.id, "company_ids": [(6, 0, cls.company.ids)]}
        return new_test_user(
            cls.env, login, groups=group, password=f"{login}-pass", **{**defaults, **values}
        )

    def setUp(self):
        super().setUp()
        self.server = self.connected_server("oauth2_microsoft_graph", ERIN)
        self.mailbox = self.server.oauth2_mailbox_id
        self.microsoft_app.company_id = self.company
        self.env.flush_all()

    def as_user(self, user, model):
        """Return a model as this user's web client would reach it."""
        context = {"allowed_company_ids": user.company_ids.ids}
        return self.env[model].with_user(user).with_context(**context)

    def plain_secrets(self):
        """Return every secret there is, by name."""
        token = self.mailbox._access_token("graph")
        grant = self.mailbox._grant_sudo()
        cache = json.loads(grant._stored_cache())
        refresh_tokens = [entry["secret"] for entry in cache["RefreshToken"].values()]
        return {
            "access token": token.value,
            "client secret": self.sandbox["microsoft"]["client_secret"],
            **{f"refresh token {n}": value for n, value in enumerate(refresh_tokens)},
        }

    def ciphertexts(self):
        """Return the same as they are stored."""
        grant = self.mailbox._grant_sudo()
        return {
            "grant": grant.grant_encrypted,
            "access tokens": grant.access_tokens_encrypted,
            "client secret": self.microsoft_app.sudo().client_secret_encrypted,
        }

    def assert_no_secret(self, text):
        """Check that a text holds no secret, neither plain nor encrypted."""
        self.assert_holds_none(text, self.plain_secrets())
        self.assert_holds_none(text, self.ciphertexts())

    def assert_holds_none(self, text, secrets):
        # Not assertNotIn, which would print both.
        found = [name for name, secret in secrets.items() if secret in text]
        self.assertFalse(found)

    def assert_denied(self, call, *arguments):
        """Check that core refuses, whichever of its two ways it takes for fields."""
        try:
            call(*arguments)
        except (AccessError, ValueError):
            return
        self.fail("Nothing refused it")


@tagged("post_install", "-at_install")
class TestAccess(SecurityCase):
    """Who reaches what, model by model, field by field."""

    def everybody(self):
        return self.portal, self.employee, self.owner, self.stranger, self.administrator

    def test_nobody_reaches_grants_and_pending_sign_ins(self):
        for user in self.everybody():
            for name in HIDDEN:
                model = self.as_user(user, name)
                for question in QUESTIONS:
                    with self.subTest(user=user.login, model=name), self.assertRaises(AccessError):
                        question(model, "id")
                with self.assertRaises(AccessError):
                    model.create({})

    def test_nobody_reaches_the_stored_secret_of_an_app(self):
        for user in self.everybody():
            for question in QUESTIONS:
                with self.subTest(user=user.login):
                    apps = self.as_user(user, "mail.oauth2.app")
                    self.assert_denied(question, apps, "client_secret_encrypted")

    def test_nobody_reaches_grants_through_the_mailbox(self):
        for user in self.everybody():
            for path in ("token_ids", "token_ids.grant_encrypted", "authorization_ids"):
                with self.subTest(user=user.login, path=path):
                    mailboxes = self.as_user(user, "mail.oauth2.mailbox")
                    self.assert_denied(mailboxes.search, [(path, "!=", False)])

    def test_secret_never_comes_back_after_it_was_given(self):
        app = self.microsoft_app.with_user(self.administrator)
        self.assertFalse(app.client_secret)
        answer = app.web_save({"client_secret": "a~new~value"}, {"client_secret": {}})
        self.assertFalse(answer[0]["client_secret"])
        self.assertTrue(app.has_client_secret)

    def test_employees_see_no_app_and_no_mailbox_of_others(self):
        for user in (self.portal, self.employee, self.owner):
            with self.assertRaises(AccessError):
                self.as_user(user, "mail.oauth2.app").search([])
        with self.assertRaises(AccessError):
            self.as_user(self.portal, "mail.oauth2.mailbox").search([])
        self.assertFalse(self.as_user(self.employee, "mail.oauth2.mailbox").search([]))

    def test_owner_sees_and_connects_the_own_mailbox_only(self):
        own = self.mailbox.create(
            {
                "app_id": self.microsoft_app.id,
                "address": "bert@contoso.example",
                "user_id": self.owner.id,
            }
        )
        mailboxes = self.as_user(self.owner, "mail.oauth2.mailbox")
        self.assertEqual(mailboxes.search([]), own)
        own.with_user(self.owner)._check_may_connect()
        self.assertFalse(self.as_user(self.employee, "mail.oauth2.mailbox").search([]))
        for user in (self.employee, self.portal, self.stranger):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                own.with_user(user).action_authenticate()
        with self.assertRaises(AccessError):
            own.with_user(self.owner).address = "erp@contoso.example"

    def test_administrator_of_another_company_sees_nothing_of_this_one(self):
        for name in ("mail.oauth2.app", "mail.oauth2.mailbox", "ir.mail_server"):
            records = self.as_user(self.stranger, name).search([])
            self.assertFalse(records.filtered(lambda r: r.company_id == self.company), name)
        for action in ("action_authenticate", "action_status", "action_disconnect"):
            with self.subTest(action=action), self.assertRaises(AccessError):
                getattr(self.mailbox.with_user(self.stranger), action)()

    def test_employees_cannot_press_the_buttons(self):
        company = self.company.with_user(self.employee)
        for action in ("authenticate", "status", "disconnect", "test_mail"):
            with self.subTest(action=action), self.assertRaises(AccessError):
                getattr(company, f"action_email_server_{action}")()
        with self.assertRaises(AccessError):
            self.as_user(self.employee, "mail.oauth2.test.mail").create(
                {"mail_server_id": self.server.id}
            )
        with self.assertRaises(AccessError):
            self.as_user(self.employee, "mail.oauth2.disconnect").create(
                {"mailbox_id": self.mailbox.id}
            )

    def test_administrator_sees_the_mailbox_without_any_secret(self):
        mailbox = self.as_user(self.administrator, "mail.oauth2.mailbox").browse(self.mailbox.id)
        readable = [name for name in mailbox.fields_get() if name != "id"]
        self.assert_no_secret(repr(mailbox.read(readable)))
        app = self.as_user(self.administrator, "mail.oauth2.app").browse(self.microsoft_app.id)
        self.assert_no_secret(repr(app.read(list(app.fields_get()))))
        server = self.as_user(self.administrator, "ir.mail_server").browse(self.server.id)
        self.assert_no_secret(repr(server.read(list(server.fields_get()))))

    def test_private_methods_are_no_rpc(self):
        for name in ("_access_token", "_grant_sudo", "_finish_sign_in", "_keep_grant"):
            self.assertTrue(name.startswith("_") and hasattr(self.mailbox, name))


@tagged("post_install", "-at_install")
class TestPersonalMailbox(SecurityCase):
    """Employees connect their own mailbox, and nobody else's."""

    def setUp(self):
        super().setUp()
        self.env["ir.config_parameter"].set_param("base_setup.default_external_email_server", True)

    def set_up_own(self, user, kind="oauth2_microsoft_graph"):
        action = self.as_user(user, "res.users").action_setup_outgoing_mail_server(kind)
        self.env.flush_all()
        self.env.invalidate_all()
        mailbox = self.env["mail.oauth2.mailbox"].search([("user_id", "=", user.id)])
        return action, mailbox

    def test_employee_connects_the_own_mailbox_and_sends_through_it(self):
        action, mailbox = self.set_up_own(self.owner)
        self.assertEqual(mailbox.address, "bert@contoso.example")
        params = self.sandbox.sign_in(action["url"], "bert@contoso.example")
        authorizations = self.as_user(self.owner, "mail.oauth2.authorization")
        pending = authorizations._consume(params["state"])["pending"]
        path = mailbox.with_user(self.owner)._finish_sign_in(pending, params)
        self.assertIn("my-preferences", path)
        self.env.invalidate_all()
        self.assertTrue(mailbox.server_ids.active)
        self.assertEqual(self.owner.outgoing_mail_server_id, mailbox.server_ids)
        self.assertIn("Connected", self.owner.with_user(self.owner).outgoing_mailbox_status_html)
        mail = (
            self.env["mail.mail"]
            .with_user(self.owner)
            .sudo()
            .create(
                {
                    "subject": "Hello",
                    "body_html": "<p>Hello</p>",
                    "email_from": "bert@contoso.example",
                    "email_to": "customer@example.com",
                }
            )
        )
        with self.sending():
            mail.send()
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        (row,) = self.sandbox.delivered()
        self.assertEqual(row["mailbox"], "bert@contoso.example")

    def test_other_account_is_refused(self):
        action, mailbox = self.set_up_own(self.owner)
        params = self.sandbox.sign_in(action["url"], ERIN)
        pending = self.as_user(self.owner, "mail.oauth2.authorization")._consume(params["state"])
        with self.assertRaisesRegex(Exception, "sign_in_other_account"):
            mailbox.with_user(self.owner)._finish_sign_in(pending["pending"], params)

    def test_nobody_else_sends_through_it(self):
        self.test_employee_connects_the_own_mailbox_and_sends_through_it()
        mail = self.queue_mail(email_from="bert@contoso.example")
        with self.sending():
            mail.send()
        rows = self.sandbox.delivered(mailbox="bert@contoso.example")
        self.assertEqual(len(rows), 1, "only the owner's mail")

    def test_portal_user_cannot(self):
        with self.assertRaises(Exception):  # noqa: B017 core's UserError or AccessError
            self.set_up_own(self.portal)

    def test_without_an_app_registration_the_employee_is_told_whom_to_ask(self):
        with self.assertRaisesRegex(Exception, "administrator"):
            self.google_app.active = False
            self.set_up_own(self.owner, "oauth2_google_smtp")


@tagged("post_install", "-at_install")
class TestNoSecretLeaks(SecurityCase, HttpCase):
    """Logs, pages, chatter and representations hold no secret."""

    @contextmanager
    def everything_logged(self):
        """Collect every record of every logger at DEBUG level."""
        records = []
        handler = logging.Handler(logging.DEBUG)
        handler.emit = lambda record: records.append(record.getMessage())
        root = logging.getLogger()
        before = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            yield records
        finally:
            root.setLevel(before)
            root.removeHandler(handler)

    def test_no_secret_in_the_log_at_debug_level(self):
        server = self.server
        server.write({"smtp_debug": True, "smtp_authentication": "oauth2_microsoft_smtp"})
        self.env.flush_all()
        with self.everything_logged() as records:
            self.connect(self.mailbox)
            with self.sending():
                self.assertIsNone(self.mailbox._probe())
                self.queue_mail().send()
        self.assertTrue(records)
        # The log of SQL holds what is stored, which is encrypted.
        self.assert_holds_none("\n".join(records), self.plain_secrets())

    def test_no_secret_in_chatter_and_tracking(self):
        self.microsoft_app.client_secret = "another~secret~value"
        messages = self.env["mail.message"].sudo().search([])
        text = repr(messages.mapped("body")) + repr(messages.tracking_value_ids.read())
        self.assert_no_secret(text)
        self.assertNotIn("another~secret~value", text)

    def test_no_secret_in_representations(self):
        token = self.mailbox._access_token("graph")
        registration = self.microsoft_app._registration()
        self.assert_no_secret(repr([token, registration, self.mailbox._grant_sudo()]))

    def test_no_secret_on_the_pages(self):
        self.authenticate("chief", "chief-pass")
        for query in ("state=x&code=y", "error=access_denied&error_description=z"):
            page = self.url_open(f"/mail_server_oauth2/callback?{query}")
            self.assert_no_secret(page.text)
