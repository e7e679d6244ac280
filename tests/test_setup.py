from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from ..providers import Grant
from .common import SandboxCase

ERIN = "erp@contoso.example"
BERT = "bert@contoso.example"
ANN = "ann@fabrikam.example"


class SetupCase(SandboxCase):
    """A company whose setup is begun; app registrations belong to nobody yet."""

    def setUp(self):
        super().setUp()
        self.setup = self.open()

    def open(self):
        """Open the guided setup of the company, as its buttons do."""
        action = self.company.action_email_server_set_up()
        self.assertEqual(action["res_model"], "mail.oauth2.setup")
        return self.env["mail.oauth2.setup"].browse(action["res_id"])

    def step(self):
        self.env.invalidate_all()
        return self.setup.step

    def choose(self, provider, way=None):
        self.setup.action_choose_provider(provider)
        if way:
            self.setup.action_choose_way(way)

    def register(self, app):
        """Take an app registration that is there, whose hosts are the sandbox's."""
        self.setup.app_id = app
        self.setup.action_save_app()

    def sign_in(self, account=None):
        """Press Sign In and come back from the provider."""
        self.env.flush_all()
        action = self.setup.action_sign_in()
        self.env.flush_all()
        mailbox = self.setup.mailbox_id
        params = self.sandbox.sign_in(action["url"], account or mailbox.address)
        sign_in = self.env["mail.oauth2.authorization"]._consume(params["state"])
        self.assertEqual(sign_in["return_url"], f"/odoo/email-setup/{self.setup.id}")
        path = mailbox._finish_sign_in(sign_in["pending"], params)
        self.env.invalidate_all()
        return path

    def signed_in(self, way="oauth2_microsoft_graph", address=ERIN):
        """Walk to the step of the test e-mail."""
        self.choose("microsoft", way)
        self.register(self.microsoft_app)
        self.setup.address = address
        self.sign_in()

    def send_test_mail(self):
        self.setup.email_to = ANN
        with self.sending():
            self.setup.action_send_test_mail()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestSetup(SetupCase):
    """From nothing to a company that sends, in steps that can be left and found again."""

    def test_whole_way(self):
        self.assertEqual(self.step(), "provider")
        self.choose("microsoft")
        self.assertEqual(self.step(), "way")
        self.setup.action_choose_way("oauth2_microsoft_smtp")
        self.assertEqual(self.step(), "app")
        self.assertEqual(self.setup.app_id, self.microsoft_app)  # the only one is proposed
        self.setup.action_save_app()
        self.assertEqual(self.step(), "sign_in")
        self.setup.address = ERIN
        self.sign_in()
        self.assertEqual(self.step(), "test")
        self.send_test_mail()
        self.assertEqual(self.step(), "sender")
        self.setup.action_make_sender()
        self.assertEqual(self.step(), "done")
        server = self.company.email_server_id
        self.assertEqual((server, server.active), (self.setup.server_id, True))
        self.assertEqual((server.from_filter, server.smtp_user), (ERIN, ERIN))
        (row,) = self.sandbox.delivered(recipient=ANN)
        self.assertEqual(row["via"], "microsoft_smtp")

    def test_nothing_of_the_company_changes_before_the_last_step(self):
        present = self.connected_server("oauth2_google_smtp", "erp@northwind.example")
        self.signed_in()
        self.send_test_mail()
        self.assertEqual(self.company.email_server_id, present)
        self.assertEqual(present.smtp_authentication, "oauth2_google_smtp")
        self.assertFalse(self.setup.server_id.active)

    def test_present_server_becomes_what_was_set_up(self):
        present = self.connected_server("oauth2_google_smtp", "erp@northwind.example")
        before = present.oauth2_mailbox_id
        self.signed_in()
        self.send_test_mail()
        tried = self.setup.server_id
        self.setup.action_make_sender()
        self.assertFalse(tried.exists())
        self.assertEqual(self.company.email_server_id, present)
        self.assertEqual(present.smtp_authentication, "oauth2_microsoft_graph")
        self.assertEqual((present.oauth2_mailbox_id.address, present.from_filter), (ERIN, ERIN))
        self.assertEqual(before.state, "connected")
        self.assertEqual(self.step(), "done")

    def test_present_server_gets_the_password_that_was_tried(self):
        present = self.connected_server("oauth2_google_smtp", "erp@northwind.example")
        self.choose("other")
        self.setup.update({"address": ERIN, "smtp_host": "localhost", "smtp_user": "erp"})
        self.setup.smtp_pass = "swordfish"
        self.setup.action_save_server()
        self.setup.tested_on = fields.Datetime.now()
        self.setup.action_make_sender()
        self.assertEqual(self.company.email_server_id, present)
        self.assertEqual((present.smtp_user, present.smtp_pass), ("erp", "swordfish"))
        self.assertFalse(present.oauth2_mailbox_id)

    def test_companys_server_comes_before_one_of_all_for_the_same_sender(self):
        everybodys = self.env["ir.mail_server"].create(
            {"name": "All", "smtp_host": "all.example", "from_filter": ERIN, "sequence": 0}
        )
        self.company.email_server_id = everybodys
        self.signed_in()
        self.send_test_mail()
        self.setup.action_make_sender()
        server, _sender = self.env["ir.mail_server"]._find_mail_server(ERIN)
        self.assertEqual(server, self.setup.server_id)
        self.assertEqual(everybodys.smtp_host, "all.example")

    def test_mail_leaves_through_the_present_server_meanwhile(self):
        present = self.connected_server("oauth2_google_smtp", "erp@northwind.example")
        self.signed_in()
        server, _sender = self.env["ir.mail_server"]._find_mail_server(ERIN)
        self.assertEqual(server, present)

    def test_left_setup_is_found_again_at_its_first_unfinished_step(self):
        self.choose("microsoft", "oauth2_microsoft_graph")
        self.setup.action_save_app()
        self.setup.action_back()
        self.assertEqual(self.step(), "app")
        again = self.open()
        self.assertEqual(again, self.setup)
        self.assertEqual(self.step(), "sign_in")

    def test_what_was_done_on_the_company_form_counts(self):
        self.setup.unlink()
        server = self.connected_server("oauth2_microsoft_graph", ERIN)
        self.setup = self.open()
        self.assertEqual(self.step(), "test")
        self.assertEqual((self.setup.way, self.setup.address), ("oauth2_microsoft_graph", ERIN))
        self.send_test_mail()
        self.assertEqual(self.step(), "done")
        self.assertEqual(self.setup.server_id, server)

    def test_going_back_and_on_again_loses_nothing(self):
        self.signed_in()
        for step in ("sign_in", "app", "way", "provider", "provider"):
            self.setup.action_back()
            self.assertEqual(self.step(), step)
        self.choose("microsoft")
        self.assertEqual(self.step(), "way")
        self.setup.action_choose_way("oauth2_microsoft_graph")
        self.assertEqual(self.step(), "app")
        self.setup.action_save_app()
        self.assertEqual(self.step(), "sign_in")
        self.setup.action_go_on_from_sign_in()
        self.assertEqual(self.step(), "test")

    def test_another_mail_system_forgets_what_belongs_to_the_first(self):
        self.signed_in()
        self.setup.action_choose_provider("google")
        self.assertEqual((self.step(), self.setup.way), ("way", False))
        self.setup.action_choose_way("oauth2_google_smtp")
        self.assertEqual(self.setup.app_id, self.google_app)
        self.assertEqual(self.step(), "app")
        self.setup.action_save_app()
        self.assertEqual(self.step(), "sign_in")

    def test_way_of_another_mail_system_is_refused(self):
        self.setup.action_choose_provider("google")
        with self.assertRaises(UserError):
            self.setup.action_choose_way("direct_send")

    def test_dead_grant_leads_back_to_the_sign_in(self):
        self.signed_in()
        self.send_test_mail()
        self.setup.action_make_sender()
        self.setup.mailbox_id._grant_sudo()._wipe()
        self.open()
        self.assertEqual(self.step(), "sign_in")

    def test_another_address_needs_another_sign_in_and_test(self):
        self.signed_in()
        self.send_test_mail()
        self.setup.address = BERT
        self.assertEqual(self.step(), "sign_in")
        self.assertFalse(self.setup.is_mailbox_chosen)
        self.sign_in(BERT)
        self.assertEqual(self.step(), "test")

    def test_accounts_own_address_is_followed(self):
        self.choose("microsoft", "oauth2_microsoft_graph")
        self.register(self.microsoft_app)
        self.setup.address = "invoices@contoso.example"
        path = self.sign_in(BERT)
        self.assertTrue(path.startswith("/mail_server_oauth2/account"))
        state = path.partition("state=")[2]
        choice = self.env["mail.oauth2.authorization"]._consume(state)
        mailbox = self.setup.mailbox_id
        grant = Grant.from_dict(choice["pending"]["grant"])
        mailbox._choose_account(grant, "use_address")
        self.assertEqual(self.setup.address, BERT)
        self.assertEqual(self.step(), "test")

    def test_reading_and_writing_is_asked_for_only_where_wanted(self):
        self.choose("microsoft", "oauth2_microsoft_graph")
        self.register(self.microsoft_app)
        self.setup.update({"address": ERIN, "read_write": True})
        self.sign_in()
        self.assertTrue(self.setup.mailbox_id.read_write)
        self.assertIn("Mail.ReadWrite", self.setup.mailbox_id.scopes)
        self.setup.read_write = False
        self.sign_in()
        self.assertFalse(self.setup.mailbox_id.read_write)

    def test_progress_names_every_step_of_the_way(self):
        self.choose("microsoft", "oauth2_microsoft_graph")
        self.setup.action_save_app()
        progress = self.setup.progress
        self.assertEqual(
            [row["step"] for row in progress],
            ["provider", "way", "app", "sign_in", "test", "sender", "done"],
        )
        self.assertEqual([row["step"] for row in progress if row["is_current"]], ["sign_in"])
        self.assertEqual(
            [row["step"] for row in progress if row["is_finished"]], ["provider", "way", "app"]
        )

    def test_company_that_is_switched_off_is_said_in_words(self):
        other = self.env["res.company"].create({"name": "Fabrikam"})
        with self.assertRaisesRegex(UserError, "Switch to Fabrikam"):
            other.with_env(self.env).action_email_server_set_up()

    def test_employees_set_nothing_up(self):
        employee = new_test_user(self.env, "employee", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.setup.with_user(employee).read(["company_id"])

    def test_other_companies_setups_are_not_shown(self):
        other = self.env["res.company"].create({"name": "Fabrikam"})
        stranger = new_test_user(
            self.env,
            "stranger",
            groups="base.group_system",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        setups = self.env["mail.oauth2.setup"].with_user(stranger)
        self.assertFalse(setups.with_context(allowed_company_ids=other.ids).search([]))


@tagged("post_install", "-at_install")
class TestSetupRegistration(SetupCase):
    """The app registration is typed in, and its secret goes where it belongs."""

    def setUp(self):
        super().setUp()
        self.google_app.active = self.microsoft_app.active = False
        self.choose("microsoft", "oauth2_microsoft_graph")
        self.assertEqual(self.step(), "app")

    def type_in(self, **values):
        with Form(self.setup) as form:
            for name, value in values.items():
                setattr(form, name, value)
        self.env.invalidate_all()

    GOOD = {
        "tenant": "contoso.example",
        "client_id": "11111111-2222-4333-8444-555555555555",
        "client_secret": "the~value~of~it",
    }

    def test_typed_values_become_an_app_registration_of_the_company(self):
        self.type_in(**self.GOOD)
        self.setup.action_save_app()
        app = self.setup.app_id
        self.assertEqual((app.tenant, app.client_id), (self.GOOD["tenant"], self.GOOD["client_id"]))
        self.assertEqual(app._registration().client_secret, self.GOOD["client_secret"])
        self.assertEqual((app.provider, app.company_id), ("microsoft", self.company))
        self.assertEqual(app.authority_url, "https://login.microsoftonline.com")
        self.assertEqual(self.step(), "sign_in")

    def test_secret_is_not_read_back(self):
        self.type_in(**self.GOOD)
        self.assertFalse(self.setup.client_secret)
        self.assertTrue(self.setup.has_client_secret)

    def test_values_are_corrected_in_the_same_registration(self):
        self.type_in(**self.GOOD)
        self.setup.action_save_app()
        app = self.setup.app_id
        self.setup.action_back()
        self.type_in(client_id="99999999-2222-4333-8444-555555555555")
        self.setup.action_save_app()
        self.assertEqual(self.setup.app_id, app)
        self.assertEqual(app.client_id, "99999999-2222-4333-8444-555555555555")
        self.assertEqual(app._registration().client_secret, self.GOOD["client_secret"])

    def test_id_of_the_secret_is_refused_in_words(self):
        with self.assertRaisesRegex(ValidationError, "ID of the client secret"):
            self.type_in(**{**self.GOOD, "client_secret": self.GOOD["client_id"]})

    def test_missing_values_are_said_in_words(self):
        with self.assertRaisesRegex(UserError, "tenant, the client ID"):
            self.setup.action_save_app()
        with self.assertRaisesRegex(UserError, "tenant, the client ID"):
            self.type_in(client_secret="the~value~of~it")
        self.type_in(tenant="contoso.example", client_id=self.GOOD["client_id"])
        with self.assertRaisesRegex(UserError, "client secret"):
            self.setup.action_save_app()

    def test_cloud_brings_its_hosts(self):
        self.type_in(**self.GOOD, cloud="china")
        self.setup.action_save_app()
        self.assertEqual(
            self.setup.app_id.authority_url, "https://login.partner.microsoftonline.cn"
        )


@tagged("post_install", "-at_install")
class TestSetupWithoutSignIn(SetupCase):
    """Servers that ask for a password, or for nothing."""

    def test_another_mail_server_takes_host_user_and_password(self):
        self.choose("other")
        self.assertEqual(self.step(), "server")
        with Form(self.setup) as form:
            form.address = ERIN
            form.smtp_host = "mail.contoso.example"
            form.smtp_user = "erp"
            form.smtp_pass = "swordfish"
        self.setup.action_save_server()
        server = self.setup.server_id
        self.assertEqual(
            (server.smtp_host, server.smtp_port, server.smtp_user, server.smtp_pass),
            ("mail.contoso.example", 587, "erp", "swordfish"),
        )
        self.assertEqual((server.from_filter, server.active), (ERIN, False))
        self.assertFalse(self.setup.smtp_pass)
        self.assertEqual(self.step(), "test")

    def test_direct_send_proposes_where_the_domain_takes_mail(self):
        self.setup.address = "alerts@contoso.com"
        self.choose("microsoft", "direct_send")
        self.assertEqual(self.step(), "server")
        self.assertEqual(self.setup.smtp_host, "contoso-com.mail.protection.outlook.com")
        self.setup.action_save_server()
        server = self.setup.server_id
        self.assertEqual((server.smtp_port, server.smtp_user), (25, False))
        self.assertEqual(server.from_filter, "contoso.com")
        self.assertFalse(server.oauth2_mailbox_id)

    def test_missing_server_is_said_in_words(self):
        self.choose("other")
        with self.assertRaisesRegex(UserError, "Fill in the server"):
            self.setup.action_save_server()

    def test_refused_test_mail_stays_on_its_step_with_the_reason(self):
        self.signed_in("oauth2_microsoft_smtp")
        self.sandbox.fault("microsoft_smtp.rcpt", "reply", status=550, message="5.1.1 nobody")
        self.send_test_mail()
        self.assertEqual(self.step(), "test")
        self.assertFalse(self.setup.tested_on)
        self.assertIn("5.1.1 nobody", self.setup.outcome_html)


@tagged("post_install", "-at_install")
class TestSetupSender(SetupCase):
    """The last step makes the server the company's, and the mailbox its default sender."""

    def setUp(self):
        super().setUp()
        self.domain = self.env["mail.alias.domain"].create({"name": "contoso.example"})
        self.env["res.company"].search([]).alias_domain_id = False
        self.company.alias_domain_id = self.domain
        self.company.email = False
        self.signed_in()
        self.send_test_mail()

    def test_notifications_come_from_the_mailbox(self):
        self.assertEqual(self.company.default_from_email, "notifications@contoso.example")
        self.assertTrue(self.setup.offers_default_from)
        self.setup.action_make_sender()
        self.assertEqual(self.company.default_from_email, ERIN)
        self.assertEqual(self.env["ir.mail_server"]._get_default_from_address(), ERIN)

    def test_notifications_stay_what_they_were_if_wanted(self):
        self.setup.sets_default_from = False
        self.setup.action_make_sender()
        self.assertEqual(self.company.default_from_email, "notifications@contoso.example")

    def test_domain_of_several_companies_stays_as_it_is(self):
        self.env["res.company"].create({"name": "Fabrikam", "alias_domain_id": self.domain.id})
        self.env.invalidate_all()
        self.assertFalse(self.setup.offers_default_from)
        self.setup.action_make_sender()
        self.assertEqual(self.company.default_from_email, "notifications@contoso.example")

    def test_company_without_an_address_gets_the_mailboxs(self):
        self.assertTrue(self.setup.offers_company_email)
        self.setup.action_make_sender()
        self.assertEqual(self.company.email, ERIN)

    def test_address_of_the_company_stays_if_it_has_one(self):
        self.company.email = "info@contoso.example"
        self.setup.action_make_sender()
        self.assertEqual(self.company.email, "info@contoso.example")

    def test_mail_of_the_company_leaves_through_it(self):
        self.setup.action_make_sender()
        mail = self.queue_mail(email_from='"Bert" <bert@elsewhere.example>')
        with self.sending():
            mail.send()
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        (row,) = self.sandbox.delivered(recipient="customer@example.com")
        self.assertEqual(row["mailbox"], ERIN)

    def test_general_settings_say_how_mail_leaves(self):
        settings = self.env["res.config.settings"].create({})
        self.assertFalse(settings.email_server_sender)
        self.setup.action_make_sender()
        settings = self.env["res.config.settings"].create({})
        self.assertEqual(settings.email_server_sender, f"Microsoft Graph API OAuth2, {ERIN}")
        self.assertEqual(settings.email_server_state, "connected")
        self.assertEqual(settings.action_open_email_server()["res_id"], self.company.id)
        self.assertEqual(settings.action_email_server_set_up()["res_id"], self.setup.id)
