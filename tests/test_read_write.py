from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..models.queue_outcome import LOOK_UP_AFTER
from .test_attempts import ERIN, GRAPH, QueueCase

MEGABYTE = 1024 * 1024


class ReadWriteCase(QueueCase):
    """A mailbox at Graph whose sign-in asked for reading and writing mail."""

    def read_write_server(self):
        server = self.create_server(GRAPH, ERIN)
        server.oauth2_mailbox_id.read_write = True
        self.connect(server.oauth2_mailbox_id)
        return server


@tagged("post_install", "-at_install")
class TestPermission(ReadWriteCase):
    """The permission counts once it is granted, and wanting it breaks nothing."""

    def test_asked_for_at_the_sign_in(self):
        mailbox = self.read_write_server().oauth2_mailbox_id
        self.assertEqual(mailbox._resources(), ["graph_read_write"])
        self.assertIn("Mail.ReadWrite", mailbox.scopes)

    def test_wanted_later_works_as_before_until_the_next_sign_in(self):
        server = self.connected_server(GRAPH, ERIN)
        server.oauth2_mailbox_id.read_write = True
        self.assertEqual(server.oauth2_mailbox_id._resources(), ["graph"])
        self.assertEqual(self.send(self.queue_mail()).state, "sent")
        self.connect(server.oauth2_mailbox_id)
        self.assertEqual(server.oauth2_mailbox_id._resources(), ["graph_read_write"])


@tagged("post_install", "-at_install")
class TestLargeMail(ReadWriteCase):
    """A large mail leaves whole where it may, and with links to its files where it may not."""

    def large_mail(self):
        partner = self.env["res.partner"].create({"name": "Ann", "email": "ann@example.com"})
        attachment = self.env["ir.attachment"].create(
            {
                "name": "invoice.pdf",
                "raw": b"%PDF " + b"x" * (5 * MEGABYTE),
                "res_model": "res.partner",
                "res_id": partner.id,
            }
        )
        return self.queue_mail(
            attachment_ids=[(6, 0, attachment.ids)],
            references="<order@contoso.example>",
            model="res.partner",
            res_id=partner.id,
        )

    def source(self):
        (row,) = self.sandbox.delivered()
        return self.sandbox.text(f"messages/{row['id']}/source")

    def test_whole(self):
        self.read_write_server()
        mail = self.send(self.large_mail())
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        source = self.source()
        self.assertIn("invoice.pdf", source)
        self.assertIn("references: <order@contoso.example>", source.lower())
        self.assertGreater(len(source), 5 * MEGABYTE)

    def test_links_without_the_permission(self):
        self.connected_server(GRAPH, ERIN)
        mail = self.send(self.large_mail())
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        source = self.source()
        self.assertIn("/web/content/", source.replace("=\n", ""))
        self.assertLess(len(source), MEGABYTE)


@tagged("post_install", "-at_install")
class TestLookUp(ReadWriteCase):
    """Where Graph may be asked, nobody has to decide about a mail in doubt."""

    def mail_in_doubt(self, *, delivered):
        """Return a mail whose answer was lost, after one that was surely accepted."""
        self.read_write_server()
        self.send(self.queue_mail(email_to="first@example.com"))
        self.sandbox.fault("graph.sendmail", "drop", processed=delivered, after_body=True)
        mail = self.send(self.queue_mail())
        self.assertEqual(mail.state, "outgoing", mail.failure_reason)
        self.assertEqual(self.attempts(mail).outcome, "unknown")
        return mail

    def copies(self):
        return len(self.sandbox.delivered(recipient="customer@example.com"))

    def test_too_early_to_ask(self):
        mail = self.mail_in_doubt(delivered=True)
        self.send(mail)
        self.assertEqual(mail.state, "outgoing")
        self.assertGreater(mail.scheduled_date, fields.Datetime.now() + timedelta(minutes=4))

    def test_it_is_not_put_off_to_a_moment_that_has_come(self):
        mail = self.mail_in_doubt(delivered=True)
        now = fields.Datetime.now()
        # Mails are due at whole seconds, attempts begin at any time.
        started = now - timedelta(minutes=LOOK_UP_AFTER) + timedelta(milliseconds=2)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE mail_oauth2_attempt SET started_at = %s WHERE mail_ref = %s",
            [started, mail.id],
        )
        self.env.invalidate_all()
        with patch.object(fields.Datetime, "now", lambda: now):
            self.send(mail)
        self.assertEqual(mail.state, "outgoing")
        self.assertGreater(mail.scheduled_date, now)

    def test_found(self):
        mail = self.mail_in_doubt(delivered=True)
        self.let_time_pass()
        self.send(mail)
        self.assertEqual((mail.state, self.copies()), ("sent", 1))
        self.assertEqual(self.attempts(mail).error_key, "found_in_sent_items")

    def test_surely_not_there(self):
        mail = self.mail_in_doubt(delivered=False)
        self.let_time_pass()
        self.send(mail)
        self.assertEqual((mail.state, self.copies()), ("sent", 1))
        self.assertEqual(self.attempts(mail).mapped("outcome"), ["later", "accepted"])

    def test_nothing_to_compare_with(self):
        mail = self.mail_in_doubt(delivered=False)
        self.env["mail.oauth2.attempt"].search([("outcome", "=", "accepted")]).unlink()
        self.let_time_pass()
        self.send(mail)
        self.assertEqual((mail.state, mail.failure_type), ("exception", "mail_oauth2_unknown"))
        self.assertEqual(self.copies(), 0)

    def test_graph_cannot_be_asked(self):
        mail = self.mail_in_doubt(delivered=True)
        self.let_time_pass()
        self.sandbox.fault("graph.messages", "error", status=503)
        self.send(mail)
        self.assertEqual(mail.state, "outgoing")
        self.let_time_pass()
        self.send(mail)
        self.assertEqual((mail.state, self.copies()), ("sent", 1))

    def test_killed_while_it_was_handed_over(self):
        self.read_write_server()
        self.send(self.queue_mail(email_to="first@example.com"))
        mail = self.queue_mail()
        self.journaled(mail, "in_flight")
        self.send(mail)
        self.assertEqual((mail.state, self.copies()), ("sent", 1))
