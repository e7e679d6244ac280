from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.addons.base.models.ir_mail_server import MailDeliveryException
from odoo.addons.base.tests.common import MockSmtplibCase
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..models.attempt_journal import AttemptJournal, Pace
from ..models.queue_progress import QueueProgress
from ..transport.smtp import SmtpSession
from .test_attempts import ERIN, SMTP
from .test_read_write import ReadWriteCase

BERT = "bert@contoso.example"


@contextmanager
def after_acceptance(change):
    """Let something happen once the provider has accepted a mail; ``change(result)``."""
    send_message = SmtpSession.send_message

    def changed(session, *arguments):
        return change(send_message(session, *arguments))

    with patch.object(SmtpSession, "send_message", changed):
        yield


class AttackCase(ReadWriteCase):
    def copies(self, name="customer"):
        return len(self.sandbox.delivered(recipient=f"{name}@example.com"))

    def mail_in_doubt(self, **values):
        """Return a mail that was delivered, though Graph's answer was lost."""
        self.send(self.queue_mail(email_to="first@example.com"))
        self.sandbox.fault("graph.sendmail", "drop", processed=True, after_body=True)
        mail = self.send(self.queue_mail(**values))
        self.assertEqual(self.attempts(mail).outcome, "unknown")
        return mail


@tagged("post_install", "-at_install")
class TestQueueAttacks(AttackCase, MockSmtplibCase):
    """Ways to send a mail twice or to lose it that somebody thought of."""

    # --- doubled ------------------------------------------------------------------------

    def test_reply_that_postgresql_cannot_store(self):
        self.connected_server(SMTP, ERIN)
        mail = self.queue_mail()
        with after_acceptance(lambda result: replace(result, reply="250 \x00 \ud800 OK")):
            self.send(mail)
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        self.assertEqual(self.attempts(mail).outcome, "accepted")

    def test_refusal_that_postgresql_cannot_store(self):
        self.connected_server(SMTP, ERIN)
        mail = self.queue_mail(email_to="ann@example.com, bob@example.com")
        refused = {"bob@example.com": "550 \x00 \ud800 unknown"}
        with after_acceptance(lambda result: replace(result, refused=refused)):
            self.send(mail)
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        self.assertIn("bob@example.com", mail.failure_reason)
        self.assertEqual(self.attempts(mail).outcome, "accepted")

    @mute_logger("odoo.addons.mail.models.mail_mail")
    def test_defect_after_acceptance_is_no_failure_to_retry(self):
        self.connected_server(SMTP, ERIN)
        mail = self.queue_mail()

        def break_down(_result):
            raise ValueError("a library broke down")

        with after_acceptance(break_down):
            self.send(mail)
        self.assertEqual(mail.failure_type, "mail_oauth2_unknown")
        self.assertEqual(self.attempts(mail).outcome, "unknown")
        mail.action_retry()
        self.send(mail)
        self.assertEqual(self.copies(), 1)

    def test_resend_of_a_mail_that_was_sent_meanwhile(self):
        self.connected_server(SMTP, ERIN)
        mail = self.send(self.queue_mail())
        mail.action_oauth2_resend()
        self.send(mail)
        self.assertEqual(self.copies(), 1)

    def test_another_mailbox_is_not_asked_for_what_this_one_sent(self):
        server = self.read_write_server()
        mailbox = self.env["mail.oauth2.mailbox"].create(
            {"app_id": self.microsoft_app.id, "address": BERT, "read_write": True}
        )
        other = self.env["ir.mail_server"].create(
            {
                "name": "Bert",
                "smtp_authentication": server.smtp_authentication,
                "oauth2_mailbox_id": mailbox.id,
                "company_id": self.company.id,
                "sequence": 50,
            }
        )
        self.env.flush_all()
        self.connect(mailbox)
        self.assertEqual(self.send(self.queue_mail(mail_server_id=other.id)).state, "sent")
        mail = self.mail_in_doubt(email_to="ann@example.com")
        server.oauth2_fallback_id = other
        grant = server.oauth2_mailbox_id._grant_sudo()
        grant.broken_since = fields.Datetime.now() - timedelta(hours=9)
        self.let_time_pass()
        self.send(mail)
        self.assertEqual(self.copies("ann"), 1)
        self.assertEqual(mail.failure_type, "mail_oauth2_unknown")

    def test_mail_in_parts_is_looked_up_for_the_part_in_doubt(self):
        self.read_write_server().oauth2_recipients_per_message = 1
        mail = self.mail_in_doubt(email_to="ann@example.com, bob@example.com")
        self.let_time_pass()
        self.send(mail | self.others_of(mail))
        self.let_time_pass()
        self.send((mail | self.others_of(mail)).filtered(lambda mail: mail.state == "outgoing"))
        self.assertEqual((self.copies("ann"), self.copies("bob")), (1, 1))
        self.assertEqual(set((mail | self.others_of(mail)).mapped("state")), {"sent"})

    def test_server_of_core_does_not_repeat_what_an_oauth2_server_sent(self):
        server = self.connected_server(SMTP, ERIN)
        accepted, doubtful, free = self.queue_mail(), self.queue_mail(), self.queue_mail()
        self.journaled(accepted, "accepted")
        self.journaled(doubtful, "in_flight")
        server.oauth2_mailbox_id = False
        server.write({"smtp_authentication": "login", "smtp_encryption": "none"})
        with self.mock_smtplib_connection():
            (accepted | doubtful | free).send()
            self.assertEqual(len(self.emails), 1)
        self.assertEqual((accepted.state, free.state), ("sent", "sent"))
        self.assertEqual(doubtful.failure_type, "mail_oauth2_unknown")

    def test_personal_server_journals_under_the_mail_that_exists_already(self):
        """Core would part the mail first, and an undone transaction forgets that it did."""
        user = new_test_user(
            self.env, "erin", email=ERIN, company_id=self.company.id, groups="base.group_user"
        )
        server = self.connected_server(SMTP, ERIN)
        self.company.email_server_id = False
        server.owner_user_id = user
        user.outgoing_mail_server_id = server
        self.env["ir.config_parameter"].set_param("mail.server.personal.limit.minutes", "1")
        self.env = self.env(user=user, su=True)
        mail = self.mail_to("ann", "bob", email_from=ERIN, mail_server_id=server.id)
        ann, bob = mail.recipient_ids
        self.send(mail)
        accepted = self.attempts(mail).filtered(lambda attempt: attempt.outcome == "accepted")
        self.assertEqual(accepted.partner_ref, ann.id)
        self.assertEqual(self.recipients(), ["ann@example.com"])
        self.assertEqual((mail.state, mail.recipient_ids), ("outgoing", bob))

    def test_direct_send_of_a_mail_in_doubt_gets_an_error(self):
        self.connected_server(SMTP, ERIN)
        mail = self.queue_mail()
        self.journaled(mail, "in_flight")
        with self.assertRaises(MailDeliveryException):
            self.send(mail, raise_exception=True)
        self.assertFalse(self.recipients())

    # --- lost ---------------------------------------------------------------------------

    def test_mail_that_deletes_itself_takes_no_other_part_along(self):
        self.connected_server(SMTP, ERIN)
        mail = self.mail_to("ann", "bob", "cat", auto_delete=True, is_notification=False)
        self.sandbox.fault(
            "microsoft_smtp.rcpt",
            "reply",
            status=550,
            message="5.1.10 RecipientNotFound",
            match={"recipient": "bob@example.com"},
        )
        self.send(mail)
        waiting = self.others_of(mail).filtered(lambda other: other.state == "outgoing")
        self.send(waiting)
        self.assertEqual(self.recipients(), ["ann@example.com", "cat@example.com"])
        self.assertTrue(mail.exists(), "the failed part tells who did not get the mail")
        self.assertEqual(mail.state, "exception")

    # --- stuck --------------------------------------------------------------------------

    @mute_logger("odoo.addons.mail.models.mail_mail")
    def test_mail_that_its_server_may_not_send_stops_no_other(self):
        server = self.connected_server(SMTP, ERIN)
        poisoned = self.queue_mail(mail_server_id=server.id)
        other = self.env["res.company"].create({"name": "Northwind"})
        poisoned.mail_message_id.record_company_id = other
        good = self.queue_mail(email_to="ann@example.com")
        with self.sending():
            self.env["mail.mail"].process_email_queue([poisoned.id, good.id])
        self.assertEqual((poisoned.state, good.state), ("exception", "sent"))
        self.assertEqual(self.recipients(), ["ann@example.com"])

    def test_document_without_a_table(self):
        self.connected_server(SMTP, ERIN)
        mail = self.queue_mail(record_company_id=False)
        mail.mail_message_id.write({"model": "mail.thread", "res_id": 1})
        self.send(mail)
        self.assertEqual(mail.state, "sent", mail.failure_reason)

    def test_fallback_that_became_another_company_s(self):
        server = self.connected_server(SMTP, ERIN)
        other = server.copy({"name": "Other", "oauth2_mailbox_id": False})
        server.oauth2_fallback_id = other
        server.oauth2_mailbox_id._grant_sudo().broken_since = "2020-01-01"
        other.company_id = self.env["res.company"].create({"name": "Northwind"})
        self.assertEqual(server._stand_in(), server)

    def test_mail_that_nothing_can_be_done_about_does_not_bring_the_queue_back_at_once(self):
        mail = self.queue_mail()
        progress = QueueProgress(self.env, self.env["mail.mail"]._count_due)
        reported = []
        with patch.object(
            type(self.env["ir.cron"]),
            "_commit_progress",
            lambda _cron, *_args, remaining=None, **_kwargs: reported.append(remaining),
        ):
            progress.add([mail.id])
            progress.end()
        self.assertEqual(reported[-1], 0)

    def test_pace_is_not_kept_by_a_clock_that_was_ahead(self):
        server = self.connected_server(SMTP, ERIN)
        mail = self.send(self.queue_mail())
        self.attempts(mail).started_at = fields.Datetime.now() + timedelta(days=365)
        self.env.flush_all()
        journal = AttemptJournal(self.env.registry)
        journal.check_room(server.oauth2_mailbox_id.id, Pace(1, 1, 1))
        journal.close()

    def test_limit_that_is_no_number(self):
        self.env["ir.config_parameter"].set_param("mail_server_oauth2.limit_hours", "two days")
        server = self.connected_server(SMTP, ERIN)
        server.smtp_port = 1
        with self.assertLogs("odoo.addons.mail_server_oauth2.models.queue_outcome", "WARNING"):
            mail = self.send(self.queue_mail())
        self.assertEqual(mail.state, "outgoing")
        self.assertGreater(mail.scheduled_date, fields.Datetime.now())


@tagged("post_install", "-at_install")
class TestMassMailing(AttackCase):
    """Mails of a mass mailing; needs that module in the database."""

    def setUp(self):
        super().setUp()
        if "mailing.trace" not in self.env:
            self.skipTest("mass_mailing is not installed")
        self.connected_server(SMTP, ERIN)
        partner = self.env["res.partner"].create({"name": "Bob", "email": "bob@example.com"})
        model = self.env["ir.model"]._get("res.partner")
        mailing = self.env["mailing.mailing"].create(
            {"subject": "News", "mailing_model_id": model.id}
        )
        self.mail = self.queue_mail(
            email_to=partner.email, mailing_id=mailing.id, auto_delete=True, is_notification=False
        )
        self.trace = self.env["mailing.trace"].create(
            {
                "mail_mail_id": self.mail.id,
                "mail_mail_id_int": self.mail.id,
                "mass_mailing_id": mailing.id,
                "model": partner._name,
                "res_id": partner.id,
                "email": partner.email,
            }
        )

    def fault(self, stage, **options):
        self.sandbox.fault(f"microsoft_smtp.{stage}", "reply", **options)

    def test_refused_for_a_reason_that_traces_do_not_know(self):
        self.fault("rcpt", status=550, message="5.1.10 RecipientNotFound")
        self.send(self.mail)
        self.assertEqual(self.mail.state, "exception")
        self.assertEqual(self.mail.failure_type, "mail_oauth2_recipient")
        self.assertEqual(self.trace.trace_status, "error")

    def test_waits_and_is_sent(self):
        self.fault("data", status=451, message="4.7.0 later")
        self.send(self.mail)
        self.assertEqual((self.mail.state, self.trace.trace_status), ("outgoing", "outgoing"))
        self.let_time_pass()
        self.send(self.mail)
        self.assertFalse(self.mail.exists())
        self.assertEqual(self.trace.trace_status, "sent")
