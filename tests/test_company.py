from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from .common import SandboxCase


@tagged("post_install", "-at_install")
class TestCompany(SandboxCase):
    """The company form edits the company's own server and mailbox."""

    def form(self):
        return Form(self.company, "mail_server_oauth2.res_company_view_form_email_server")

    def test_form_of_a_company_without_a_server_opens(self):
        with self.form() as form:
            self.assertFalse(form.email_server_type)

    def test_choosing_a_type_fills_in_what_follows_from_it(self):
        self.company.email = "erp@contoso.example"
        with self.form() as form:
            form.email_server_type = "oauth2_microsoft_smtp"
            self.assertEqual(form.email_server_app_id, self.microsoft_app)
            self.assertEqual(form.email_server_address, "erp@contoso.example")
            self.assertEqual(form.email_server_host, self.microsoft_app.smtp_host)
            self.assertEqual(form.email_server_port, self.microsoft_app.smtp_port)
        server = self.company.email_server_id
        self.assertEqual(server.company_id, self.company)
        self.assertEqual(server.smtp_encryption, "starttls_strict")
        self.assertEqual(server.smtp_user, "erp@contoso.example")
        self.assertEqual(server.from_filter, "erp@contoso.example")

    def test_port_that_does_not_exist_is_refused_in_words(self):
        server = self.create_server("oauth2_microsoft_smtp", "erp@contoso.example")
        port = server.smtp_port
        for wrong in (-1, 65_536):
            with self.assertRaises(UserError) as refusal, self.form() as form:
                form.email_server_port = wrong
            self.assertIn(f"no port {wrong}", str(refusal.exception))
        server.invalidate_recordset()
        self.assertEqual(server.smtp_port, port)

    def test_changing_the_type_keeps_server_and_mailbox(self):
        server = self.create_server("oauth2_microsoft_smtp", "erp@contoso.example")
        mailbox = server.oauth2_mailbox_id
        with self.form() as form:
            form.email_server_type = "oauth2_microsoft_graph"
        self.assertEqual(self.company.email_server_id, server)
        self.assertEqual(server.oauth2_mailbox_id, mailbox)
        self.assertFalse(server.smtp_host)

    def test_basic_type_takes_host_user_and_password(self):
        server = self.create_server("oauth2_microsoft_smtp", "erp@contoso.example")
        with self.form() as form:
            form.email_server_type = "login"
            form.email_server_host = "mail.contoso.example"
            form.email_server_port = 465
            form.email_server_encryption = "ssl_strict"
            form.email_server_user = "erp"
            form.email_server_password = "swordfish"
        self.assertEqual(server.smtp_authentication, "login")
        self.assertEqual(
            (server.smtp_host, server.smtp_port, server.smtp_user, server.smtp_pass),
            ("mail.contoso.example", 465, "erp", "swordfish"),
        )
        self.assertFalse(server.oauth2_mailbox_id)
        self.assertFalse(self.company.email_server_password)

    def test_server_that_signs_in_otherwise_lets_go_of_the_mailbox(self):
        server = self.create_server("oauth2_microsoft_graph", "erp@contoso.example")
        mailbox = server.oauth2_mailbox_id
        server.smtp_authentication = "login"
        self.assertFalse(server.oauth2_mailbox_id)
        mailbox.unlink()

    def test_company_whose_server_has_a_type_of_another_module_opens(self):
        server = self.create_server("oauth2_microsoft_graph", "erp@contoso.example")
        server.smtp_authentication = "cli"
        self.env.invalidate_all()
        self.assertFalse(self.company.email_server_type)

    def test_password_left_empty_stays(self):
        server = self.create_server("oauth2_microsoft_smtp", "erp@contoso.example")
        server.write({"smtp_authentication": "login", "smtp_pass": "swordfish"})
        with self.form() as form:
            form.email_server_user = "another"
        self.assertEqual(server.smtp_pass, "swordfish")

    def test_other_address_is_another_mailbox(self):
        server = self.connected_server("oauth2_microsoft_graph", "erp@contoso.example")
        before = server.oauth2_mailbox_id
        with self.form() as form:
            form.email_server_address = "bert@contoso.example"
        self.assertNotEqual(server.oauth2_mailbox_id, before)
        self.assertEqual(server.oauth2_mailbox_id.state, "disconnected")
        self.assertEqual(before.state, "connected")

    def test_type_without_an_app_registration_explains_itself(self):
        with self.assertRaisesRegex(UserError, "app registration"):
            self.company.email_server_type = "oauth2_google_smtp"

    def test_server_of_all_companies_is_not_changed_through_one_of_them(self):
        server = self.env["ir.mail_server"].create({"name": "All", "smtp_host": "all.example"})
        self.company.email_server_id = server
        self.company.email_server_host = "own.example"
        self.assertEqual(server.smtp_host, "all.example")
        self.assertEqual(self.company.email_server_id.smtp_host, "own.example")
        self.assertEqual(self.company.email_server_id.company_id, self.company)

    def test_oauth2_server_needs_encryption_with_validation(self):
        server = self.create_server("oauth2_microsoft_smtp", "erp@contoso.example")
        with self.assertRaisesRegex(UserError, "validation"):
            server.smtp_encryption = "starttls"
