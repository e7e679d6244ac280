import socket
import threading

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import SandboxCase

ERIN = "erp@contoso.example"
ANN = "ann@fabrikam.example"


@tagged("post_install", "-at_install")
class TestTestMail(SandboxCase):
    """A test e-mail goes through this very server, and tells what became of it."""

    def send(self, server, email_to=ANN):
        with self.sending():
            return server._send_test_mail(email_to)

    def test_acceptance_comes_with_the_servers_words(self):
        server = self.connected_server("oauth2_microsoft_smtp", ERIN)
        outcome = self.send(server)
        self.assertTrue(outcome["accepted"])
        self.assertTrue(outcome["reply"].startswith("250 2.0.0 OK"), outcome["reply"])
        (row,) = self.sandbox.delivered(recipient=ANN)
        self.assertEqual((row["via"], row["envelope_from"]), ("microsoft_smtp", ERIN))

    def test_acceptance_of_graph_comes_with_its_status(self):
        outcome = self.send(self.connected_server("oauth2_microsoft_graph", ERIN))
        self.assertTrue(outcome["accepted"])
        self.assertIn("202", outcome["reply"])

    def test_server_that_is_not_in_use_yet_can_be_tried(self):
        server = self.connected_server("oauth2_microsoft_smtp", ERIN)
        server.active = False
        self.assertTrue(self.send(server)["accepted"])

    def test_refusal_comes_with_cause_remedy_and_conversation(self):
        server = self.connected_server("oauth2_microsoft_smtp", ERIN)
        self.sandbox.fault(
            "microsoft_smtp.rcpt", "reply", status=550, message="5.1.1 No such user here"
        )
        outcome = self.send(server)
        self.assertFalse(outcome["accepted"])
        self.assertTrue(outcome["cause"])
        self.assertIn("5.1.1", outcome["provider_text"])
        self.assertIn(f"> rcpt TO:<{ANN}>", outcome["conversation"])
        self.assertIn("< 550 5.1.1 No such user here", outcome["conversation"])

    def test_conversation_holds_no_token(self):
        server = self.connected_server("oauth2_microsoft_smtp", ERIN)
        self.sandbox.fault("microsoft_smtp.mail", "reply", status=550, message="5.7.1 no")
        conversation = self.send(server)["conversation"]
        self.assertIn("> AUTH XOAUTH2\n", conversation)
        token = server.oauth2_mailbox_id._access_token("smtp")
        self.assertNotIn(token.value, conversation)
        self.assertNotIn("dXNlcj", conversation)  # "user=" in base64

    def test_mailbox_that_nobody_signed_in_for_is_said_in_words(self):
        outcome = self.send(self.create_server("oauth2_microsoft_graph", ERIN))
        self.assertFalse(outcome["accepted"])
        self.assertIn("Authenticate", outcome["remedy"])
        self.assertEqual(outcome["conversation"], "")

    def test_what_is_no_address_is_refused_before_anything_is_asked(self):
        server = self.create_server("oauth2_microsoft_graph", ERIN)
        for address in ("", "nobody", False):
            with self.assertRaisesRegex(UserError, "not an e-mail address"):
                self.send(server, address)

    def test_failure_keeps_the_dialogue_open(self):
        server = self.create_server("oauth2_microsoft_graph", ERIN)
        wizard = self.env["mail.oauth2.test.mail"].create(
            {"mail_server_id": server.id, "email_to": ANN}
        )
        with self.sending():
            action = wizard.action_send()
        self.assertEqual((action["res_model"], action["res_id"]), (wizard._name, wizard.id))
        self.assertIn("test-mail-failed", wizard.outcome_html)


@tagged("post_install", "-at_install")
class TestPasswordTestMail(SandboxCase):
    """The same for a server with user name and password."""

    def setUp(self):
        super().setUp()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.listener.close)
        self.server = self.env["ir.mail_server"].create(
            {
                "name": "Password",
                "smtp_host": "127.0.0.1",
                "smtp_port": self.listener.getsockname()[1],
                "smtp_encryption": "none",
                "smtp_user": "erp",
                "smtp_pass": "swordfish",
                "from_filter": ERIN,
            }
        )

    def converse(self, answers):
        """Answer one connection line by line from a script, in the background."""

        def serve():
            connection, _address = self.listener.accept()
            with connection, connection.makefile("rwb") as stream:
                for answer in answers:
                    stream.write(answer + b"\r\n")
                    stream.flush()
                    if not stream.readline():
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 5)

    def test_wrong_password_is_said_in_words_and_never_shown(self):
        self.converse([b"220 mail", b"250-mail\r\n250 AUTH PLAIN", b"535 5.7.8 wrong password"])
        with self.sending():
            outcome = self.server._send_test_mail(ANN)
        self.assertFalse(outcome["accepted"])
        self.assertIn("5.7.8", outcome["provider_text"])
        self.assertIn("> AUTH PLAIN […]", outcome["conversation"])
        self.assertNotIn("swordfish", str(outcome))

    def test_port_that_is_closed_is_said_in_words(self):
        self.listener.close()
        with self.sending():
            outcome = self.server._send_test_mail(ANN)
        self.assertFalse(outcome["accepted"])
        self.assertTrue(outcome["cause"])
