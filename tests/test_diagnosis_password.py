"""Diagnose: servers with user name and password."""

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from odoo.exceptions import UserError
from odoo.tests import tagged

from .diagnosis_common import ERIN, DiagnosisCase, closed_port


@tagged("post_install", "-at_install")
class TestDiagnosisOfPasswords(DiagnosisCase):
    """A server of the old kind, on loopback and without encryption."""

    def setUp(self):
        super().setUp()
        self.mail_server = PasswordServer("erp", "correct horse")
        self.addCleanup(self.mail_server.stop)
        self.server = self.env["ir.mail_server"].create(
            {
                "name": "Basic",
                "smtp_authentication": "login",
                "smtp_encryption": "none",
                "smtp_host": "localhost",
                "smtp_port": self.mail_server.port,
                "smtp_user": "erp",
                "smtp_pass": "correct horse",
                "from_filter": ERIN,
            }
        )

    def test_everything_passes_but_the_missing_encryption(self):
        rows = self.diagnose(self.server)
        self.check_outcomes(rows, mail_certificate="warning")
        row = rows["mail_certificate"]
        self.check_row(row, "warning", "smtp_not_encrypted", host="localhost")
        self.assertNotIn("token", rows)

    def test_wrong_password(self):
        self.server.smtp_pass = "wrong horse"
        rows = self.diagnose(self.server)
        self.check_row(rows["mailbox"], "failed", "smtp_password_refused")
        self.assertEqual(rows["send_as"]["outcome"], "not_tried")
        self.assertNotIn("wrong horse", self.dialogue.report())

    def test_server_that_wants_a_sign_in(self):
        self.server.smtp_user = False
        rows = self.diagnose(self.server)
        self.assertEqual(rows["mailbox"]["outcome"], "passed")
        self.assertEqual(rows["send_as"]["outcome"], "failed")

    def test_server_without_passwords(self):
        self.mail_server.offers_passwords = False
        rows = self.diagnose(self.server)
        self.check_row(rows["methods"], "failed", "smtp_password_not_offered")

    def test_encryption_without_validation(self):
        self.server.write(
            {"smtp_encryption": "starttls", "smtp_port": self.microsoft_app.smtp_port}
        )
        rows = self.diagnose(self.server)
        row = rows["mail_certificate"]
        self.check_row(row, "warning", "smtp_certificate_not_checked", host="localhost")
        self.assertFalse(row["provider_text"])
        self.check_row(rows["mailbox"], "failed", "smtp_basic_auth_disabled")
        self.sandbox.fault("microsoft_smtp.starttls", "tls_untrusted", times=None)
        row = self.diagnose(self.server)["mail_certificate"]
        self.assertEqual(row["outcome"], "warning")
        self.assertIn("certificate", row["provider_text"])

    def test_filter_that_excludes_the_usual_sender(self):
        self.company.alias_domain_id = self.env["mail.alias.domain"].create(
            {"name": "contoso.example", "default_from": "notifications"}
        )
        row = self.diagnose(self.server)["sender"]
        details = {"server": "Basic", "sender": "notifications@contoso.example", "filter": ERIN}
        self.check_row(row, "warning", "from_filter_excludes_sender", **details)

    def test_settings_of_the_configuration_file_are_not_looked_into(self):
        self.server.smtp_authentication = "cli"
        with self.assertRaises(UserError):
            self.server.action_oauth2_diagnose()


class PasswordServer:
    """Takes one user's password and no mail."""

    def __init__(self, user, password):
        self.offers_passwords = True
        self._known = LoginPassword(user.encode(), password.encode())
        with closed_port() as port:
            self.port = port
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            authenticator=self._authenticate,
            auth_require_tls=False,
            auth_required=True,
        )
        self._controller.start()

    def stop(self):
        self._controller.stop()

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        if self.offers_passwords:
            return responses
        return [line for line in responses if "AUTH" not in line]

    def _authenticate(self, _server, _session, _envelope, _mechanism, given):
        return AuthResult(success=given == self._known, handled=False)
