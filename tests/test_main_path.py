from odoo.tests import tagged

from .common import SandboxCase


@tagged("post_install", "-at_install")
class TestMainPath(SandboxCase):
    """From the company form to a delivered mail, for each of the three types."""

    def check_delivery(self, kind, address, via):
        server = self.connected_server(kind, address)
        self.assertEqual(server.oauth2_mailbox_id.state, "connected")
        mail = self.queue_mail()
        with self.sending():
            mail.send()
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        delivered = self.sandbox.delivered(recipient="customer@example.com")
        self.assertEqual([row["via"] for row in delivered], [via])
        self.assertEqual(delivered[0]["subject"], "Invoice 2026/0042")
        self.assertIn(address, delivered[0]["header_from"])
        return delivered[0]

    def test_microsoft_smtp(self):
        row = self.check_delivery("oauth2_microsoft_smtp", "erp@contoso.example", "microsoft_smtp")
        self.assertEqual(row["envelope_from"], "erp@contoso.example")

    def test_microsoft_graph(self):
        self.check_delivery("oauth2_microsoft_graph", "erp@contoso.example", "graph")

    def test_google_smtp(self):
        row = self.check_delivery("oauth2_google_smtp", "erp@northwind.example", "google_smtp")
        self.assertEqual(row["envelope_from"], "erp@northwind.example")

    def test_author_stands_before_the_mailbox_and_gets_the_answers(self):
        self.connected_server("oauth2_microsoft_graph", "erp@contoso.example")
        mail = self.queue_mail(
            email_from='"Bert Boekhouder" <bert@elsewhere.example>',
            reply_to="bert@elsewhere.example",
        )
        with self.sending():
            mail.send()
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        (row,) = self.sandbox.delivered(recipient="customer@example.com")
        self.assertIn("Bert Boekhouder", row["header_from"])
        self.assertIn("<erp@contoso.example>", row["header_from"])
