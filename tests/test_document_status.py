"""What people see of their mails on the documents they belong to."""

import json

from odoo.addons.mail.tools.discuss import Store
from odoo.tests import new_test_user, tagged

from ..models.mail_notification import SHOWN_AT_ONCE
from .common import SandboxCase

GRAPH = "oauth2_microsoft_graph"
SMTP = "oauth2_microsoft_smtp"
ERIN = "erp@contoso.example"


@tagged("post_install", "-at_install")
class TestDocumentStatus(SandboxCase):
    """Whoever writes on a document sees there what holds a mail up or made it fail."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.author = new_test_user(
            cls.env,
            "bert",
            groups="base.group_user,base.group_partner_manager",
            email="bert@contoso.example",
            company_id=cls.company.id,
        )
        cls.customer = cls.env["res.partner"].create(
            {"name": "Ann", "email": "ann@example.com", "company_id": cls.company.id}
        )

    def setUp(self):
        super().setUp()
        self.document = self.env["res.partner"].create(
            {"name": "Order 4711", "company_id": self.company.id}
        )

    def post(self, partners=None, **values):
        """Write on the document as an employee; return the mail in the queue."""
        message = (
            self.document.with_user(self.author)
            .with_context(mail_notify_force_send=False)
            .message_post(
                body="Your order is on its way.",
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
                partner_ids=(partners or self.customer).ids,
                **values,
            )
        )
        return self.env["mail.mail"].search([("mail_message_id", "=", message.id)])

    def send(self, mails):
        with self.sending():
            mails.send()

    def held_mail(self):
        self.create_server(GRAPH, ERIN)
        mail = self.post()
        self.send(mail)
        return mail

    def notification(self, mail):
        return mail.mail_message_id.notification_ids

    def seen_by(self, user, mail):
        """Return what the web client of a user gets to know of a mail's notification."""
        store = Store()
        message = mail.mail_message_id.with_user(user)
        store.add(message)
        rows = store.get_result().get("mail.notification", [])
        return next((row for row in rows if row["id"] == self.notification(mail).id), {})

    def shown_at_once(self, user):
        """Return the notifications sent to the open pages of a user, by id, since last time."""
        self.env.flush_all()
        self.env.cr.precommit.run()
        rows = self.env["bus.bus"].sudo().search([], order="id")
        found = {}
        for row in rows:
            if json.loads(row.channel) != [self.env.cr.dbname, "res.partner", user.partner_id.id]:
                continue
            message = json.loads(row.message)
            for values in message["payload"].get("mail.notification", []):
                found.setdefault(values["id"], {}).update(values)
        rows.unlink()
        return found

    # ------------------------------------------------------------
    # HELD
    # ------------------------------------------------------------

    def test_held_mail_is_held_and_not_failed(self):
        mail = self.held_mail()
        seen = self.seen_by(self.author, mail)
        self.assertEqual(seen["notification_status"], "ready")
        self.assertEqual(seen["failure_type"], "mail_oauth2_held")
        self.assertIn("Nobody has signed in", seen["failure_reason"])
        self.assertFalse(mail.mail_message_id.with_user(self.author).has_error)

    def test_open_documents_show_at_once_that_a_mail_is_held(self):
        self.create_server(GRAPH, ERIN)
        mail = self.post()
        self.shown_at_once(self.author)
        self.send(mail)
        shown = self.shown_at_once(self.author)[self.notification(mail).id]
        self.assertEqual(shown["failure_type"], "mail_oauth2_held")
        self.assertIn("Nobody has signed in", shown["failure_reason"])
        self.assertEqual(shown["mail_message_id"], mail.mail_message_id.id)

    def test_release_takes_it_back_at_once(self):
        mail = self.held_mail()
        self.shown_at_once(self.author)
        self.connect(self.company.email_server_id.oauth2_mailbox_id)
        self.assertFalse(self.notification(mail).failure_type)
        self.assertFalse(mail.failure_reason)
        shown = self.shown_at_once(self.author)[self.notification(mail).id]
        self.assertFalse(shown["failure_type"])
        self.assertFalse(shown["failure_reason"])

    def test_mail_that_leaves_without_a_release_is_shown_as_delivered(self):
        mail = self.held_mail()
        notification = self.notification(mail)
        self.connect(self.company.email_server_id.oauth2_mailbox_id)
        notification.failure_type = "mail_oauth2_held"
        self.shown_at_once(self.author)
        self.send(mail)
        shown = self.shown_at_once(self.author)[notification.id]
        self.assertEqual(shown["notification_status"], "sent")

    def test_held_mail_to_a_colleague_is_shown_though_core_hides_what_is_queued(self):
        self.create_server(GRAPH, ERIN)
        colleague = new_test_user(
            self.env, "carl", email="carl@contoso.example", company_id=self.company.id
        )
        mail = self.post(partners=colleague.partner_id)
        mail.mail_message_id.subtype_id.track_recipients = False
        self.assertFalse(self.seen_by(self.author, mail))
        self.send(mail)
        self.assertEqual(self.seen_by(self.author, mail)["failure_type"], "mail_oauth2_held")

    def test_cancelled_mail_is_not_held_any_more(self):
        mail = self.held_mail()
        mail.cancel()
        self.assertFalse(mail.oauth2_held_by_id)
        self.assertFalse(self.notification(mail).failure_type)

    def test_deleted_mail_is_not_held_any_more(self):
        mail = self.held_mail()
        notification = self.notification(mail)
        mail.unlink()
        self.assertEqual(notification.notification_status, "canceled")
        self.assertFalse(notification.failure_type)

    def test_held_mails_of_a_mass_mailing_do_not_flood_the_author(self):
        mail = self.held_mail()
        one = self.notification(mail)
        many = one.create(
            [
                {
                    "author_id": self.author.partner_id.id,
                    "mail_message_id": one.mail_message_id.id,
                    "mail_email_address": f"customer{number}@example.com",
                    "notification_type": "email",
                    "notification_status": "ready",
                }
                for number in range(SHOWN_AT_ONCE + 50)
            ]
        )
        self.shown_at_once(self.author)
        many.write({"failure_type": "mail_oauth2_held"})
        shown = self.shown_at_once(self.author)
        self.assertEqual(sorted(shown), many.ids[-SHOWN_AT_ONCE:])

    # ------------------------------------------------------------
    # FAILED
    # ------------------------------------------------------------

    def failed_mail(self):
        self.connected_server(GRAPH, ERIN)
        mail = self.post()
        self.sandbox.fault("graph.sendmail", "error", code="ErrorSendAsDenied", status=403)
        self.send(mail)
        self.assertEqual(mail.state, "exception")
        return mail

    def test_refused_mail_says_why_to_somebody_who_may_not_read_mails(self):
        mail = self.failed_mail()
        self.assertFalse(mail.with_user(self.author).has_access("read"))
        seen = self.seen_by(self.author, mail)
        self.assertEqual(seen["notification_status"], "exception")
        self.assertEqual(seen["failure_type"], "mail_oauth2_sender")
        self.assertIn(ERIN, seen["failure_reason"])
        self.assertTrue(mail.mail_message_id.with_user(self.author).has_error)

    def test_retry_takes_the_failure_back_at_once(self):
        mail = self.failed_mail()
        self.shown_at_once(self.author)
        mail.mark_outgoing()
        shown = self.shown_at_once(self.author)[self.notification(mail).id]
        self.assertEqual(shown["notification_status"], "ready")
        self.assertFalse(shown["failure_reason"])

    def test_mail_marked_as_sent_is_shown_as_delivered(self):
        mail = self.failed_mail()
        notification = self.notification(mail)
        mail.failure_type = "mail_oauth2_unknown"
        self.shown_at_once(self.author)
        mail.action_oauth2_mark_sent()
        shown = self.shown_at_once(self.author)[notification.id]
        self.assertEqual(shown["notification_status"], "sent")

    def test_retry_of_a_mail_to_nobody_leaves_its_notification(self):
        self.connected_server(GRAPH, ERIN)
        mail = self.post()
        notification = self.notification(mail)
        notification.write({"notification_status": "exception", "failure_type": "mail_smtp"})
        notification.res_partner_id = False
        mail.state = "exception"
        mail.mark_outgoing()
        self.env.flush_all()
        self.assertEqual(notification.failure_type, "mail_smtp")

    def test_whole_mail_that_came_back_is_no_reason(self):
        mail = self.failed_mail()
        self.notification(mail).write(
            {
                "notification_status": "bounce",
                "failure_type": "mail_bounce",
                "failure_reason": "Dear sender, …",
            }
        )
        self.assertFalse(self.seen_by(self.author, mail)["failure_reason"])

    def test_customer_who_writes_learns_nothing_of_mail_servers(self):
        mail = self.failed_mail()
        portal = new_test_user(self.env, "paul", groups="base.group_portal")
        store = Store(bus_channel=portal)
        store.add(self.notification(mail).sudo())
        (seen,) = store.get_result()["mail.notification"]
        self.assertFalse(seen["failure_reason"])
