from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..exceptions import ConfigurationError
from .test_security import SecurityCase

BERT = "bert@contoso.example"
ERIN = "erp@contoso.example"


class AttackCase(SecurityCase):
    def setUp(self):
        super().setUp()
        self.env["ir.config_parameter"].set_param("base_setup.default_external_email_server", True)

    def personal_mailbox(self):
        """Return the owner's mailbox, connected, with the personal server that uses it."""
        users = self.as_user(self.owner, "res.users")
        users.action_setup_outgoing_mail_server("oauth2_microsoft_graph")
        self.env.flush_all()
        self.env.invalidate_all()
        mailbox = self.env["mail.oauth2.mailbox"].search([("user_id", "=", self.owner.id)])
        params = self.begin(mailbox.with_user(self.owner), BERT)
        pending = self.as_user(self.owner, "mail.oauth2.authorization")._consume(params["state"])
        mailbox.with_user(self.owner)._finish_sign_in(pending["pending"], params)
        self.env.invalidate_all()
        self.assertEqual(mailbox.state, "connected")
        return mailbox

    def after_commit(self):
        self.env.flush_all()
        self.env.cr.postcommit.run()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestSecurityAttacks(AttackCase):
    """What somebody tried against the addon, company against company."""

    def test_change_that_is_refused_leaves_the_grant(self):
        other_app = self.create_app("microsoft", company_id=self.other_company.id)
        with self.assertRaises(ValidationError):
            self.mailbox.app_id = other_app
        self.after_commit()
        self.assertEqual(self.mailbox.state, "connected")

    def test_mailbox_that_gets_another_owner_needs_a_sign_in(self):
        mailbox = self.personal_mailbox()
        mailbox.server_ids.unlink()
        self.env.cr.postcommit.clear()
        mailbox.user_id = self.employee
        self.after_commit()
        self.assertEqual(mailbox._grant_sudo().state, "none")

    def test_mailbox_of_a_company_serves_no_server_of_another(self):
        for company in (self.other_company.id, False):
            with self.subTest(company=company), self.assertRaisesRegex(UserError, "one company"):
                self.server.company_id = company
        shared = self.mailbox.create({"app_id": self.google_app.id, "address": "a@b.example"})
        server = self.server.create(
            {
                "name": "Other",
                "smtp_authentication": "oauth2_google_smtp",
                "oauth2_mailbox_id": shared.id,
                "company_id": self.other_company.id,
            }
        )
        with self.assertRaisesRegex(UserError, "one company"):
            shared.company_id = self.company
        self.assertEqual(server.oauth2_mailbox_id, shared)

    def test_personal_mailbox_serves_its_owner_only(self):
        mailbox = self.personal_mailbox()
        with self.assertRaisesRegex(UserError, "personal"):
            mailbox.server_ids.owner_user_id = False
        with self.assertRaisesRegex(UserError, "personal"):
            mailbox.user_id = self.employee

    def test_app_registration_moves_to_no_company_that_its_mailboxes_are_not_in(self):
        with self.assertRaises(ValidationError):
            self.microsoft_app.company_id = self.other_company

    def test_stranger_gives_no_server_a_mailbox_of_this_company(self):
        servers = self.as_user(self.stranger, "ir.mail_server")
        self.assertTrue(self.mailbox.address)
        values = {
            "name": "Mine",
            "smtp_authentication": "oauth2_microsoft_graph",
            "oauth2_mailbox_id": self.mailbox.id,
            "company_id": self.other_company.id,
        }
        with self.assertRaises(AccessError):
            servers.create(values)
        mine = servers.create({**values, "oauth2_mailbox_id": False})
        with self.assertRaises(AccessError):
            mine.oauth2_mailbox_id = self.mailbox.id

    def test_personal_mailbox_is_nothing_to_a_stranger(self):
        mailbox = self.personal_mailbox()
        self.assertNotIn(mailbox, self.as_user(self.stranger, mailbox._name).search([]))
        self.assertIn(mailbox, self.as_user(self.administrator, mailbox._name).search([]))
        for action in ("action_authenticate", "action_status", "action_disconnect"):
            with self.subTest(action=action), self.assertRaises(AccessError):
                getattr(mailbox.with_user(self.stranger), action)()

    def test_stranger_sends_no_test_mail_through_this_company(self):
        wizards = self.as_user(self.stranger, "mail.oauth2.test.mail")
        with self.assertRaises(AccessError):
            wizards.create({"mail_server_id": self.server.id, "email_to": ERIN}).action_send()

    def test_test_mail_holds_no_foreign_markup(self):
        self.env.user.name = self.server.name = "<script>alert(1)</script>"
        body = self.server._test_mail_body()
        self.assertNotIn("<script", body)
        self.assertIn("<p>", body)
        self.assertIn("&lt;script&gt;", body)

    def test_stranger_takes_over_no_server_of_this_company(self):
        take_overs = self.as_user(self.stranger, "mail.oauth2.take.over")
        server = self.server.with_user(self.stranger)
        with self.assertRaises(AccessError):
            take_overs._take_over(
                server, "oauth2_microsoft_smtp", self.env["mail.oauth2.app"], bring_grant=False
            )
        core_server = self.server.create(
            {
                "name": "Contoso",
                "smtp_authentication": "outlook",
                "smtp_host": "smtp.office365.com",
                "smtp_encryption": "starttls",
                "smtp_user": ERIN,
                "company_id": self.company.id,
            }
        )
        wizards = self.as_user(self.stranger, "mail.oauth2.take.over.wizard")
        with self.assertRaises(AccessError):
            wizards.create({"line_ids": [(0, 0, {"server_id": core_server.id})]})

    def test_take_over_uses_no_app_registration_of_another_company(self):
        server = self.env["ir.mail_server"].create({"name": "Shared", "smtp_host": "localhost"})
        take_overs = self.as_user(self.stranger, "mail.oauth2.take.over")
        arguments = (server.with_user(self.stranger), "oauth2_microsoft_smtp")
        with self.assertRaises(AccessError):
            take_overs._take_over(*arguments, self.microsoft_app, bring_grant=False)
        with self.assertRaisesRegex(ConfigurationError, "take_over_server_changed"):
            take_overs._take_over(*arguments, self.env["mail.oauth2.app"], bring_grant=False)

    def test_where_a_secret_goes_is_for_all_its_companies_to_say(self):
        app = self.create_app("microsoft")
        self.mailbox.create(
            {"app_id": app.id, "address": "x@contoso.example", "company_id": self.company.id}
        )
        self.env.flush_all()
        foreign = self.as_user(self.stranger, app._name).browse(app.id)
        for name, value in (
            ("authority_url", "https://attacker.example"),
            ("tenant", "attacker.example"),
            ("client_id", "00000000-0000-0000-0000-000000000000"),
            ("smtp_host", "attacker.example"),
        ):
            with self.subTest(name=name), self.assertRaisesRegex(AccessError, "Other companies"):
                foreign.write({name: value})
        foreign.name = "Named by a stranger"
        own = self.as_user(self.administrator, app._name).browse(app.id)
        own.smtp_host = "smtp.contoso.example"


@tagged("post_install", "-at_install")
class TestOwnConnection(AttackCase):
    """Employees end their own connection, and see nobody else's."""

    def disconnect_dialogue(self, user, mailbox):
        return self.as_user(user, "mail.oauth2.disconnect").create({"mailbox_id": mailbox.id})

    def test_employee_ends_the_own_connection(self):
        mailbox = self.personal_mailbox()
        action = self.as_user(self.owner, "res.users").action_disconnect_own_mailbox()
        self.assertEqual(action["context"]["default_mailbox_id"], mailbox.id)
        dialogue = self.disconnect_dialogue(self.owner, mailbox)
        self.assertEqual(dialogue.account_address, BERT)
        dialogue.action_disconnect()
        self.env.invalidate_all()
        self.assertEqual(mailbox.state, "disconnected")

    def test_employee_without_a_mailbox_is_told_so(self):
        self.personal_mailbox()
        with self.assertRaisesRegex(UserError, "not connected"):
            self.as_user(self.employee, "res.users").action_disconnect_own_mailbox()

    def test_nobody_ends_or_sees_the_connection_of_others(self):
        mailbox = self.personal_mailbox()
        dialogue = self.disconnect_dialogue(self.owner, mailbox)
        self.env.flush_all()
        self.env.invalidate_all()
        for user in (self.employee, self.stranger, self.portal):
            with self.subTest(user=user.login):
                with self.assertRaises(AccessError):
                    self.disconnect_dialogue(user, mailbox)
                with self.assertRaises(AccessError):
                    dialogue.with_user(user).read(["account_address"])

    def test_permission_goes_with_the_last_personal_server(self):
        mailbox = self.personal_mailbox()
        self.as_user(self.owner, "res.users").action_setup_outgoing_mail_server("default")
        self.after_commit()
        self.assertEqual(mailbox._grant_sudo().state, "none")

    def test_permission_goes_with_the_person(self):
        mailbox = self.personal_mailbox()
        self.owner.active = False
        self.after_commit()
        self.assertEqual(mailbox._grant_sudo().state, "none")
        self.assertEqual(self.mailbox.state, "connected")

    def test_status_is_shown_to_the_owner_only(self):
        self.personal_mailbox()
        own = self.as_user(self.owner, "res.users").browse(self.owner.id)
        self.assertIn(BERT, own.outgoing_mailbox_status_html)
        for user in (self.employee, self.administrator):
            shown = self.as_user(user, "res.users").browse(self.owner.id)
            self.assertFalse(shown.outgoing_mailbox_status_html)
