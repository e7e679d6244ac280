from odoo.tests import Form, tagged

from .common import SandboxCase


@tagged("post_install", "-at_install")
class TestCompanyConnection(SandboxCase):
    """The company form says what the connection is, and what a change would make of it."""

    def form(self):
        return Form(self.company, "mail_server_oauth2.res_company_view_form_email_server")

    def connected(self):
        return self.connected_server("oauth2_microsoft_graph", "erp@contoso.example")

    def test_nothing_is_said_before_anything_is_changed(self):
        self.connected()
        with self.form() as form:
            self.assertFalse(form.email_server_change)
            self.assertEqual(form.email_server_state, "connected")
            form.email_server_max_size = 7
            self.assertFalse(form.email_server_change)

    def test_another_provider_is_not_shown_as_connected(self):
        mailbox = self.connected().oauth2_mailbox_id
        with self.form() as form:
            form.email_server_type = "oauth2_google_smtp"
            self.assertFalse(form.email_server_mailbox_id)
            self.assertFalse(form.email_server_state)
            self.assertFalse(form.email_server_status_html)
            for words in ("Until you save", "Graph", "erp@contoso.example", "stays connected"):
                self.assertIn(words, form.email_server_change)
            self.assertIn("None is lost", form.email_server_change)
            # One address, known to two providers.
            for words in ("erp@contoso.example (Microsoft)", "erp@contoso.example (Google)"):
                self.assertIn(words, form.email_server_change)
            form.email_server_type = "oauth2_microsoft_graph"
            form.email_server_app_id = self.microsoft_app
            form.email_server_address = "erp@contoso.example"
            self.assertEqual(form.email_server_mailbox_id, mailbox)
            self.assertFalse(form.email_server_change)

    def test_coming_back_to_the_type_finds_the_registration_again(self):
        self.connected()
        self.create_app("microsoft", name="Another")
        with self.form() as form:
            form.email_server_type = "login"
            form.email_server_host = "mail.contoso.example"
            form.email_server_type = "oauth2_microsoft_graph"
            self.assertEqual(form.email_server_app_id, self.microsoft_app)
            self.assertEqual(form.email_server_state, "connected")

    def test_another_address_is_another_connection(self):
        self.connected()
        with self.form() as form:
            form.email_server_address = "bert@contoso.example"
            self.assertFalse(form.email_server_state)
            self.assertIn("bert@contoso.example", form.email_server_change)

    def test_another_way_to_the_same_mailbox_keeps_the_sign_in(self):
        mailbox = self.connected().oauth2_mailbox_id
        with self.form() as form:
            form.email_server_type = "oauth2_microsoft_smtp"
            self.assertEqual(form.email_server_mailbox_id, mailbox)
            self.assertIn("stays signed in", form.email_server_change)
            self.assertIn("Authenticate Again", form.email_server_change)

    def test_coming_back_to_a_connected_mailbox_needs_no_sign_in(self):
        self.connected()
        self.company.email_server_address = "bert@contoso.example"
        with self.form() as form:
            form.email_server_address = "erp@contoso.example"
            self.assertEqual(form.email_server_state, "connected")
            self.assertIn("connected already", form.email_server_change)

    def test_leaving_a_password_says_that_it_is_forgotten(self):
        server = self.connected()
        server.write({"smtp_authentication": "login", "smtp_host": "mail.contoso.example"})
        server.smtp_pass = "swordfish"
        with self.form() as form:
            form.email_server_type = "oauth2_microsoft_graph"
            form.email_server_app_id = self.microsoft_app
            form.email_server_address = "erp@contoso.example"
            self.assertIn("SMTP Basic, mail.contoso.example", form.email_server_change)
            self.assertIn("password stored here is forgotten", form.email_server_change)

    def test_password_instead_of_a_sign_in_says_what_becomes_of_the_mailbox(self):
        self.connected()
        with self.form() as form:
            form.email_server_type = "login"
            form.email_server_host = "mail.contoso.example"
            self.assertFalse(form.email_server_state)
            self.assertIn("stays connected", form.email_server_change)

    def test_mails_that_have_not_left_are_counted_for_every_type(self):
        server = self.connected()
        for kind in ("oauth2_microsoft_graph", "login"):
            server.write({"smtp_authentication": kind, "smtp_host": "mail.contoso.example"})
            mails = self.queue_mail() + self.queue_mail(state="exception")
            self.queue_mail(state="sent")
            self.company.invalidate_recordset()
            self.assertEqual(self.company.email_server_unsent, 2)
            action = self.company.action_email_server_mails()
            self.assertEqual(self.env["mail.mail"].search(action["domain"]), mails)
            mails.unlink()

    def test_server_of_everybody_stays_as_it_is_and_says_so(self):
        server = self.env["ir.mail_server"].create({"name": "All", "smtp_host": "all.example"})
        self.company.email_server_id = server
        with self.form() as form:
            form.email_server_type = "oauth2_microsoft_graph"
            form.email_server_app_id = self.microsoft_app
            form.email_server_address = "erp@contoso.example"
            self.assertIn("also serves others", form.email_server_change)
        self.assertEqual(server.smtp_authentication, "login")

    def test_company_without_a_server_is_told_whose_servers_it_uses(self):
        self.assertIn("no mail server of its own", self.company.email_server_info)

    def test_server_of_another_module_is_named(self):
        self.company.email_server_id = self.env["ir.mail_server"].create(
            {
                "name": "Old Outlook",
                "smtp_authentication": "outlook",
                "smtp_host": "smtp.office365.com",
                "smtp_encryption": "starttls",
                "smtp_user": "erp@contoso.example",
                "company_id": self.company.id,
            }
        )
        self.assertIn("Old Outlook", self.company.email_server_info)
        self.assertIn("Outlook OAuth", self.company.email_server_info)

    def test_the_companys_own_mailbox_comes_before_one_of_all(self):
        everybodys = self.env["mail.oauth2.mailbox"].create(
            {"app_id": self.microsoft_app.id, "address": "erp@contoso.example"}
        )
        self.assertFalse(everybodys.company_id)
        own = self.env["mail.oauth2.mailbox"].create(
            {
                "app_id": self.microsoft_app.id,
                "address": "erp@contoso.example",
                "company_id": self.company.id,
            }
        )
        server = self.create_server("oauth2_microsoft_graph", "erp@contoso.example")
        for mailbox in (everybodys, own):
            server.oauth2_mailbox_id = mailbox
            self.env.invalidate_all()
            self.assertEqual(self.company.email_server_mailbox_id, mailbox)
            self.assertFalse(self.company.email_server_change)

    def test_each_company_has_its_own_connection(self):
        self.connected()
        other = self.env["res.company"].create({"name": "Fabrikam"})
        self.env.user.company_ids += other
        other = other.with_context(allowed_company_ids=(self.company + other).ids)
        self.assertFalse(other.email_server_type)
        other.write(
            {
                "email_server_type": "login",
                "email_server_host": "mail.fabrikam.example",
                "email_server_port": 587,
                "email_server_encryption": "starttls_strict",
            }
        )
        self.assertEqual(other.email_server_id.company_id, other)
        self.assertFalse(other.email_server_state)
        self.assertEqual(self.company.email_server_state, "connected")
        self.assertEqual(self.company.email_server_type, "oauth2_microsoft_graph")
