from odoo.tests import new_test_user, tagged

from ..exceptions import ConfigurationError, SignInNeededError
from .core_servers import ERIN, NORTHWIND, WATCHED, TakeOverCase

BERT = "bert@contoso.example"
MICROSOFT_SMTP = "oauth2_microsoft_smtp"
GRAPH = "oauth2_microsoft_graph"
GMAIL = "oauth2_google_smtp"


@tagged("post_install", "-at_install")
class TestTakeOver(TakeOverCase):
    """Servers of core's Outlook and Gmail modules become ours, and can go back."""

    def test_outlook_server_goes_on_without_a_sign_in(self):
        server = self.outlook_server()
        line = self.taken_over(server)
        self.assertEqual(line.result, "done", line.reason)
        self.assertEqual(server.smtp_authentication, MICROSOFT_SMTP)
        self.assertEqual(server.smtp_encryption, "starttls_strict")
        self.assertEqual(server.smtp_host, self.sandbox["microsoft"]["smtp_host"])
        self.assertEqual(server.oauth2_mailbox_id.app_id, self.microsoft_app)
        self.assertEqual(server.oauth2_mailbox_id.state, "connected")
        self.assertEqual(server.oauth2_mailbox_id.account_address, ERIN)
        self.assertEqual(server.oauth2_mailbox_id.authenticated_by_id, self.env.user)
        mail = self.send_through(server)
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        self.assertTrue(self.sandbox.delivered(recipient="customer@example.com"))

    def test_gmail_server_goes_on_without_a_sign_in(self):
        server = self.gmail_server()
        line = self.taken_over(server)
        self.assertEqual(line.result, "done", line.reason)
        self.assertEqual(server.smtp_authentication, GMAIL)
        self.assertEqual(server.oauth2_mailbox_id.state, "connected")
        self.assertEqual(server.oauth2_mailbox_id.account_address, NORTHWIND)
        mail = self.send_through(server)
        self.assertEqual(mail.state, "sent", mail.failure_reason)

    def test_core_keeps_no_token_of_a_server_that_was_taken_over(self):
        for server in (self.outlook_server(), self.gmail_server()):
            self.taken_over(server)
            values = self.state_of(server)
            self.assertFalse([name for name in WATCHED if "token" in name and values[name]])

    def test_who_sends_through_the_server_stays_as_it_was(self):
        server = self.outlook_server(from_filter="contoso.example, other.example")
        catch_all = self.gmail_server(from_filter=False)
        self.take_over(self.wizard(server, catch_all))
        self.assertEqual(server.from_filter, "contoso.example, other.example")
        self.assertFalse(catch_all.from_filter)
        self.assertFalse(server.company_id)
        self.assertFalse(server.oauth2_mailbox_id.company_id)

    def test_refresh_uses_the_rotated_token(self):
        server = self.outlook_server()
        self.taken_over(server)
        token = server.oauth2_mailbox_id._grant_sudo()._fresh_access_token("smtp")
        self.assertTrue(token.value)

    def test_missing_app_registration_is_made_from_the_settings_of_core(self):
        self.microsoft_app.unlink()
        server = self.outlook_server()
        wizard = self.wizard(server)
        self.assertIn(self.sandbox["microsoft"]["client_id"], wizard.microsoft_app_info)
        self.take_over(wizard)
        self.assertEqual(wizard.line_ids.result, "done", wizard.line_ids.reason)
        app = server.oauth2_mailbox_id.app_id
        self.assertEqual(app.client_id, self.sandbox["microsoft"]["client_id"])
        self.assertEqual(app.tenant, self.sandbox["microsoft"]["tenant"])
        self.assertEqual(app.authority_url, self.sandbox["microsoft"]["authority_url"])
        self.assertTrue(app.has_client_secret)
        self.assertFalse(app.company_id)

    def test_two_servers_share_the_app_registration_that_is_made(self):
        self.microsoft_app.unlink()
        servers = self.outlook_server(), self.outlook_server(BERT)
        self.take_over(self.wizard(*servers))
        first, second = (server.oauth2_mailbox_id.app_id for server in servers)
        self.assertTrue(first)
        self.assertEqual(first, second)

    def test_without_any_app_registration_nothing_changes(self):
        self.microsoft_app.unlink()
        server = self.outlook_server()
        self.env["ir.config_parameter"].set_param("microsoft_outlook_client_id", False)
        before = self.state_of(server)
        line = self.taken_over(server, selected=True)
        self.assertEqual(line.result, "failed")
        self.assertIn("app registration", line.reason)
        self.assertEqual(self.state_of(server), before)

    def test_another_app_registration_means_signing_in_again(self):
        server = self.outlook_server()
        other = self.create_app("microsoft", client_id="another-client")
        wizard = self.wizard(server, microsoft_app_id=other.id)
        self.assertEqual(wizard.line_ids.permission, "sign_in")
        self.assertFalse(wizard.line_ids.selected)
        calls = len(self.sandbox.token_calls())
        wizard.line_ids.selected = True
        self.take_over(wizard)
        self.assertEqual(wizard.line_ids.result, "done", wizard.line_ids.reason)
        self.assertEqual(server.oauth2_mailbox_id.state, "disconnected")
        self.assertEqual(len(self.sandbox.token_calls()), calls)

    def test_token_never_goes_to_another_app_registration(self):
        server = self.outlook_server()
        other = self.create_app("microsoft", client_id="another-client")
        calls = len(self.sandbox.token_calls())
        take_overs = self.env["mail.oauth2.take.over"]
        try:
            take_overs._take_over(server, MICROSOFT_SMTP, other, bring_grant=True)
        except SignInNeededError as error:
            self.assertEqual(error.key, "grant_missing")
        else:
            self.fail("The token went along")
        self.assertEqual(len(self.sandbox.token_calls()), calls)

    def test_another_tenant_means_signing_in_again(self):
        server = self.outlook_server()
        self.microsoft_app.tenant = "0d9e9b3c-6b5f-4f4e-9a57-6f2d9d0d1c2b"
        wizard = self.wizard(server, microsoft_app_id=self.microsoft_app.id)
        self.assertEqual(wizard.line_ids.permission, "sign_in")

    def test_shared_tenant_of_core_admits_every_tenant(self):
        server = self.outlook_server()
        host = self.sandbox["microsoft"]["authority_url"]
        self.env["ir.config_parameter"].set_param(
            "microsoft_outlook.endpoint", f"{host}/common/oauth2/v2.0/"
        )
        self.assertEqual(self.taken_over(server).result, "done")
        self.assertEqual(server.oauth2_mailbox_id.app_id, self.microsoft_app)

    def test_graph_is_a_choice_that_means_signing_in_again(self):
        server = self.outlook_server()
        wizard = self.wizard(server)
        wizard.line_ids.target = GRAPH
        self.assertEqual(wizard.line_ids.permission, "sign_in")
        self.assertFalse(wizard.line_ids.selected)
        wizard.line_ids.selected = True
        self.take_over(wizard)
        self.assertEqual(server.smtp_authentication, GRAPH)
        mailbox = server.oauth2_mailbox_id
        self.assertEqual(mailbox.state, "disconnected")
        self.connect(mailbox)
        mail = self.send_through(server)
        self.assertEqual(mail.state, "sent", mail.failure_reason)

    def test_dead_permission_leaves_the_server_untouched_and_says_why(self):
        server = self.outlook_server()
        before = self.state_of(server)
        self.sandbox.post("grants/revoke", account=ERIN)
        wizard = self.wizard(server)
        self.take_over(wizard)
        line = wizard.line_ids
        self.assertEqual(line.result, "failed")
        self.assertIn("withdrawn", line.reason)
        self.assertIn("The provider says", line.reason)
        self.assertNotIn("company form", line.reason)
        self.assertEqual(self.state_of(server), before)
        self.assertFalse(self.env["mail.oauth2.mailbox"].search([("address", "=", ERIN)]))
        self.assertFalse(self.env["mail.oauth2.take.over"].search([]))
        # It can be taken over all the same, with a new sign-in.
        self.assertEqual(line.permission, "sign_in")
        line.selected = True
        self.take_over(wizard)
        self.assertEqual(line.result, "done", line.reason)

    def test_dead_permission_at_google_leaves_the_server_untouched(self):
        server = self.gmail_server()
        before = self.state_of(server)
        self.sandbox.post("grants/revoke", account=NORTHWIND)
        line = self.taken_over(server)
        self.assertEqual(line.result, "failed")
        self.assertEqual(self.state_of(server), before)

    def test_trouble_on_the_way_can_be_tried_again(self):
        server = self.outlook_server()
        self.sandbox.fault("microsoft.token", "reply", status=503, times=None)
        wizard = self.wizard(server)
        self.take_over(wizard)
        self.assertEqual(wizard.line_ids.result, "failed")
        self.assertEqual(wizard.line_ids.permission, "along")
        self.sandbox._api("DELETE", "faults")
        wizard.line_ids.selected = True
        self.take_over(wizard)
        self.assertEqual(wizard.line_ids.result, "done", wizard.line_ids.reason)

    def test_one_bad_line_among_three_stops_nobody(self):
        good, bad, gmail = self.outlook_server(), self.outlook_server(BERT), self.gmail_server()
        self.sandbox.post("grants/revoke", account=BERT)
        wizard = self.wizard(good, bad, gmail)
        self.take_over(wizard)
        self.assertEqual(
            [self.line(wizard, server).result for server in (good, bad, gmail)],
            ["done", "failed", "done"],
        )
        self.assertEqual((wizard.taken_over, wizard.not_taken_over), (2, 1))
        self.assertIn(bad.name, wizard.failures)
        self.assertNotIn(good.name, wizard.failures)
        self.assertEqual(bad.smtp_authentication, "outlook")

    def test_server_without_a_permission_is_proposed_for_nothing(self):
        server = self.core_server("outlook", "smtp.outlook.com", ERIN)
        line = self.wizard(server).line_ids
        self.assertEqual((line.permission, line.selected), ("sign_in", False))
        self.assertTrue(line.note)

    def test_known_mailbox_is_used_and_keeps_its_connection(self):
        ours = self.connected_server(MICROSOFT_SMTP, ERIN)
        ours.oauth2_mailbox_id.company_id = False
        self.env.flush_all()
        server = self.outlook_server()
        wizard = self.wizard(server)
        self.assertEqual(wizard.line_ids.permission, "connected")
        calls = len(self.sandbox.token_calls())
        self.take_over(wizard)
        self.assertEqual(server.oauth2_mailbox_id, ours.oauth2_mailbox_id)
        self.assertEqual(len(self.sandbox.token_calls()), calls)
        server.take_over_ids.action_undo()
        self.env.invalidate_all()
        self.assertEqual(ours.oauth2_mailbox_id.state, "connected")

    def test_another_account_goes_on_sending_as_the_mailbox(self):
        server = self.outlook_server("invoices@contoso.example", account=BERT)
        line = self.taken_over(server)
        self.assertEqual(line.result, "done", line.reason)
        mailbox = server.oauth2_mailbox_id
        self.assertEqual((mailbox.account_address, mailbox.shared), (BERT, True))
        mail = self.send_through(server)
        self.assertEqual(mail.state, "sent", mail.failure_reason)

    def test_personal_server_stays_with_its_owner(self):
        owner = new_test_user(self.env, "bert", email=BERT, groups="base.group_user")
        server = self.outlook_server(BERT, owner_user_id=owner.id)
        self.assertEqual(self.taken_over(server).result, "done")
        self.assertEqual(server.owner_user_id, owner)
        self.assertEqual(server.oauth2_mailbox_id.user_id, owner)
        self.assertEqual(owner.outgoing_mail_server_id, server)
        self.assertEqual(owner.outgoing_mail_server_type, MICROSOFT_SMTP)

    def test_personal_server_takes_no_other_account(self):
        owner = new_test_user(self.env, "bert", email=BERT, groups="base.group_user")
        server = self.outlook_server(BERT, account=ERIN, owner_user_id=owner.id)
        before = self.state_of(server)
        line = self.taken_over(server)
        self.assertEqual(line.result, "failed")
        self.assertIn(ERIN, line.reason)
        self.assertEqual(self.state_of(server), before)

    def test_archived_server_is_marked_and_stays_archived(self):
        server = self.outlook_server(active=False)
        wizard = self.wizard(server)
        self.assertIn("Archived", wizard.line_ids.note)
        self.assertFalse(wizard.line_ids.selected)
        wizard.line_ids.selected = True
        self.take_over(wizard)
        self.assertEqual(wizard.line_ids.result, "done", wizard.line_ids.reason)
        self.assertEqual(server.smtp_authentication, MICROSOFT_SMTP)
        self.assertFalse(server.active)

    def test_all_servers_of_core_are_listed_and_no_other(self):
        servers = self.outlook_server() + self.gmail_server(active=False)
        self.create_server(GRAPH, BERT)
        wizard = self.env["mail.oauth2.take.over.wizard"].create({})
        self.assertEqual(wizard.line_ids.server_id & servers, servers)
        kinds = set(wizard.line_ids.server_id.mapped("smtp_authentication"))
        self.assertLessEqual(kinds, {"outlook", "gmail"})

    def test_server_that_was_changed_meanwhile_is_left_alone(self):
        server = self.outlook_server()
        wizard = self.wizard(server)
        server.write({"smtp_authentication": "login"})
        self.env.flush_all()
        self.take_over(wizard)
        self.assertEqual(wizard.line_ids.result, "failed")
        self.assertEqual(server.smtp_authentication, "login")

    def test_gmail_server_never_gets_a_type_of_microsoft(self):
        server = self.gmail_server()
        try:
            self.env["mail.oauth2.take.over"]._take_over(
                server, MICROSOFT_SMTP, self.microsoft_app, bring_grant=False
            )
        except ConfigurationError as error:
            self.assertEqual(error.key, "take_over_server_changed")
        else:
            self.fail("It did")
