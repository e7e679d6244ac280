from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..models import attempt_journal
from ..models.attempt_journal import AttemptJournal
from .common import SandboxCase

GRAPH = "oauth2_microsoft_graph"
SMTP = "oauth2_microsoft_smtp"
ERIN = "erp@contoso.example"


class QueueCase(SandboxCase):
    """Mails to three contacts, and what the journal says about them."""

    def send(self, mails, **options):
        with self.sending():
            mails.send(**options)
        return mails

    def attempts(self, mail):
        return self.env["mail.oauth2.attempt"].search([("mail_ref", "=", mail.id)], order="id")

    def recipients(self):
        return sorted(row["recipient"] for row in self.sandbox.delivered())

    def mail_to(self, *names, **values):
        partners = self.env["res.partner"].create(
            [{"name": name, "email": f"{name}@example.com"} for name in names]
        )
        return self.queue_mail(email_to=False, recipient_ids=[(6, 0, partners.ids)], **values)

    def others_of(self, mail):
        """Return the mails that were parted from this one."""
        return self.env["mail.mail"].search([("oauth2_origin_ref", "=", mail.id)])

    def journaled(self, mail, outcome, *, partner=None, minutes_ago=60, **columns):
        """Write the attempt that a process left behind that was killed."""
        journal = AttemptJournal(self.env.registry)
        address = partner.email if partner else mail.email_to
        attempt_id = journal.begin(
            {
                "mail_ref": mail.id,
                "partner_ref": partner.id if partner else 0,
                "message_id": mail.message_id,
                "recipients": address,
                "recipient_count": 1,
                "server_id": self.company.email_server_id.id,
                "mailbox_id": self.company.email_server_id.oauth2_mailbox_id.id,
                "company_id": self.company.id,
                "settled": max(self.attempts(mail).ids, default=0),
            }
        )
        if outcome != "in_flight":
            journal.end(attempt_id, outcome, **columns)
        journal.close()
        attempt = self.env["mail.oauth2.attempt"].browse(attempt_id)
        attempt.started_at = fields.Datetime.now() - timedelta(minutes=minutes_ago)
        self.env.flush_all()
        return attempt


@tagged("post_install", "-at_install")
class TestJournal(QueueCase):
    """Every hand-over leaves a row that tells how it ended."""

    def test_accepted_mail(self):
        self.connected_server(SMTP, ERIN)
        mail = self.send(self.mail_to("ann", "bob"))
        attempts = self.attempts(mail)
        self.assertEqual(attempts.mapped("outcome"), ["accepted", "accepted"])
        self.assertEqual(attempts.mapped("recipients"), ["ann@example.com", "bob@example.com"])
        self.assertEqual(attempts.mapped("partner_ref"), mail.recipient_ids.ids)
        self.assertEqual(set(attempts.mapped("message_id")), {mail.message_id})
        self.assertTrue(all(reply.startswith("250 2.0.0") for reply in attempts.mapped("reply")))
        self.assertEqual(mail.oauth2_settled_attempt, max(attempts.ids))
        self.assertEqual(attempts.mailbox_id, self.company.email_server_id.oauth2_mailbox_id)
        self.assertEqual(attempts.company_id, self.company)

    def test_failed_mail_names_reason_and_next_attempt(self):
        self.connected_server(GRAPH, ERIN)
        self.sandbox.fault("graph.sendmail", "error", status=429, retry_after="120")
        mail = self.send(self.queue_mail())
        attempt = self.attempts(mail)
        self.assertEqual(attempt.outcome, "later")
        self.assertEqual(attempt.error_key, "graph_throttled")
        self.assertTrue(attempt.error_id.display_name)
        self.assertTrue(attempt.request_id)
        self.assertEqual(attempt.next_attempt, mail.scheduled_date)
        self.assertEqual(mail.oauth2_attempt_ids, attempt)

    def test_trouble_before_any_mail_is_one_row(self):
        server = self.connected_server(SMTP, ERIN)
        server.smtp_port = 1
        self.send(self.queue_mail() + self.queue_mail())
        attempt = self.env["mail.oauth2.attempt"].search([("server_id", "=", server.id)])
        self.assertEqual((attempt.mail_ref, attempt.outcome), (0, "later"))

    def test_mail_without_a_queue_is_journaled_too(self):
        server = self.connected_server(SMTP, ERIN)
        servers = self.env["ir.mail_server"]
        message = servers._build_email__(ERIN, ["ann@example.com"], "Hello", "Hello")
        with self.sending():
            servers.send_email(message, mail_server_id=server.id)
        attempt = self.env["mail.oauth2.attempt"].search([("server_id", "=", server.id)])
        self.assertEqual((attempt.mail_ref, attempt.outcome), (0, "accepted"))

    def test_old_rows_are_forgotten_but_not_of_a_mail_that_still_waits(self):
        self.connected_server(SMTP, ERIN)
        done, waiting = self.send(self.queue_mail()), self.queue_mail()
        kept = self.journaled(waiting, "unknown", minutes_ago=200 * 24 * 60)
        gone = self.attempts(done)
        gone.started_at = fields.Datetime.now() - timedelta(days=91)
        self.env.flush_all()
        self.env["mail.oauth2.attempt"]._gc_attempts()
        self.assertFalse(gone.exists())
        self.assertTrue(kept.exists())

    def test_employees_do_not_read_who_got_mail(self):
        self.connected_server(SMTP, ERIN)
        attempts = self.attempts(self.send(self.queue_mail()))
        employee = new_test_user(self.env, "employee", groups="base.group_user")
        with self.assertRaises(AccessError):
            attempts.with_user(employee).read(["recipients"])


@tagged("post_install", "-at_install")
class TestInterruptedMail(QueueCase):
    """What the journal knows and the queue does not is settled before anything goes out."""

    def test_accepted_but_never_committed_is_sent_not_sent_again(self):
        self.connected_server(SMTP, ERIN)
        mail = self.queue_mail()
        self.journaled(mail, "accepted")
        self.send(mail)
        self.assertEqual(mail.state, "sent")
        self.assertFalse(self.sandbox.delivered())

    def test_killed_between_partners_goes_on_with_the_others(self):
        self.connected_server(SMTP, ERIN)
        mail = self.mail_to("ann", "bob", "cat")
        ann = mail.recipient_ids[0]
        self.journaled(mail, "accepted", partner=ann)
        self.send(mail)
        self.assertEqual(mail.state, "sent")
        self.assertEqual(self.recipients(), ["bob@example.com", "cat@example.com"])
        self.assertEqual(self.others_of(mail).recipient_ids, ann)
        self.assertEqual(self.others_of(mail).state, "sent")

    def test_killed_in_flight_is_left_for_a_decision_and_the_others_go_on(self):
        self.connected_server(SMTP, ERIN)
        mail = self.mail_to("ann", "bob", "cat")
        ann, bob, cat = mail.recipient_ids
        self.journaled(mail, "accepted", partner=ann)
        self.journaled(mail, "in_flight", partner=bob)
        self.send(mail)
        self.assertEqual((mail.state, mail.failure_type), ("exception", "mail_oauth2_unknown"))
        self.assertEqual(mail.recipient_ids, bob)
        states = {other.recipient_ids: other.state for other in self.others_of(mail)}
        self.assertEqual(states, {ann: "sent", cat: "outgoing"})
        self.send(self.others_of(mail))
        self.assertEqual(self.recipients(), ["cat@example.com"])

    def test_unknown_mail_is_resent_only_by_decision(self):
        self.connected_server(SMTP, ERIN)
        mail = self.queue_mail()
        self.journaled(mail, "in_flight")
        self.send(mail)
        mail.action_retry()
        self.assertEqual(mail.state, "exception", "a bulk retry leaves it out")
        mail.action_oauth2_resend()
        self.send(mail)
        self.assertEqual(mail.state, "sent")
        self.assertEqual(len(self.sandbox.delivered()), 1)

    def test_unknown_mail_that_arrived_is_marked_as_sent(self):
        self.connected_server(SMTP, ERIN)
        mail = self.queue_mail()
        self.journaled(mail, "in_flight")
        self.send(mail)
        mail.action_oauth2_mark_sent()
        self.assertEqual((mail.state, mail.failure_type), ("sent", False))
        self.assertFalse(self.sandbox.delivered())

    def test_answer_lost_after_the_content_is_unknown_for_that_recipient_alone(self):
        self.connected_server(SMTP, ERIN)
        mail = self.mail_to("ann", "bob", "cat")
        self.sandbox.fault("microsoft_smtp.accepted", "drop", after=1, processed=True)
        self.send(mail)
        self.assertEqual((mail.state, mail.failure_type), ("exception", "mail_oauth2_unknown"))
        self.assertEqual(mail.recipient_ids.mapped("name"), ["bob"])
        self.send(self.others_of(mail).filtered(lambda other: other.state == "outgoing"))
        self.assertEqual(self.recipients(), [f"{n}@example.com" for n in ("ann", "bob", "cat")])

    def test_sent_in_a_transaction_that_was_rolled_back_does_not_go_again(self):
        self.connected_server(SMTP, ERIN)
        mail = self.queue_mail()
        self.env.flush_all()
        with self.sending():
            journal = self.journaled(mail, "accepted")
            mail.send()
        self.assertEqual(mail.state, "sent")
        self.assertEqual(mail.oauth2_settled_attempt, journal.id)
        self.assertFalse(self.sandbox.delivered())


@tagged("post_install", "-at_install")
class TestPartialDelivery(QueueCase):
    """Trouble with one recipient is that recipient's alone."""

    def test_refused_in_the_middle(self):
        self.connected_server(SMTP, ERIN)
        mail = self.mail_to("ann", "bob", "cat")
        self.sandbox.fault(
            "microsoft_smtp.rcpt",
            "reply",
            status=550,
            message="5.1.10 RecipientNotFound",
            match={"recipient": "bob@example.com"},
        )
        self.send(mail)
        self.assertEqual((mail.state, mail.recipient_ids.name), ("exception", "bob"))
        self.assertEqual(mail.failure_type, "mail_oauth2_recipient")
        self.send(self.others_of(mail).filtered(lambda other: other.state == "outgoing"))
        self.assertEqual(self.recipients(), ["ann@example.com", "cat@example.com"])

    def test_retry_by_hand_reaches_only_who_was_not_served(self):
        self.connected_server(GRAPH, ERIN)
        mail = self.mail_to("ann", "bob", "cat")
        self.sandbox.fault("graph.sendmail", "error", status=403, after=1, times=1)
        self.send(mail)
        rest = self.others_of(mail).filtered(lambda other: other.state == "outgoing") + mail
        mail.action_retry()
        mail.mark_outgoing()
        self.let_time_pass()
        self.send(rest)
        self.assertEqual(self.recipients(), [f"{n}@example.com" for n in ("ann", "bob", "cat")])


@tagged("post_install", "-at_install")
class TestPauses(QueueCase):
    """Trouble of a mailbox is not trouble of its mails, nor of other mailboxes."""

    def test_throttled_mailbox_burns_no_attempts(self):
        self.connected_server(GRAPH, ERIN)
        mails = self.env["mail.mail"].union(*(self.queue_mail() for _i in range(20)))
        self.sandbox.fault("graph.sendmail", "error", status=429, retry_after="600", times=None)
        self.send(mails)
        self.assertEqual(sum(mails.mapped("oauth2_attempts")), 1)
        self.assertEqual(set(mails.mapped("state")), {"outgoing"})
        soonest = min(mails.mapped("scheduled_date")) - fields.Datetime.now()
        self.assertGreater(soonest, timedelta(seconds=590))
        self.send(self.queue_mail())
        self.assertEqual(len(self.env["mail.oauth2.attempt"].search([])), 1, "nothing was tried")

    def test_pause_grows_and_ends_with_the_first_accepted_mail(self):
        self.connected_server(GRAPH, ERIN)
        mail = self.queue_mail()
        self.sandbox.fault("graph.sendmail", "error", status=503, times=2)
        for failures in (1, 2):
            self.send(mail)
            pause = self.env["mail.oauth2.pause"].search([])
            self.assertEqual(pause.failures, failures)
            self.let_time_pass(hours=3)
        self.send(mail)
        self.assertEqual(mail.state, "sent")
        self.assertFalse(self.env["mail.oauth2.pause"].search([]))

    def test_mail_that_stops_the_mailbox_each_time_does_not_starve_the_others(self):
        self.connected_server(GRAPH, ERIN)
        culprit, other = self.queue_mail(), self.queue_mail()
        self.sandbox.fault("graph.sendmail", "error", status=503, times=2)
        self.send(culprit + other)
        self.let_time_pass()
        self.send(culprit + other)
        self.assertGreater(culprit.scheduled_date, other.scheduled_date)

    def test_direct_send_does_not_wait_for_the_pause(self):
        self.connected_server(GRAPH, ERIN)
        self.sandbox.fault("graph.sendmail", "error", status=503, times=1)
        self.send(self.queue_mail())
        self.send(self.queue_mail(), raise_exception=True)
        self.assertEqual(len(self.sandbox.delivered()), 1)

    def test_held_mails_fail_after_the_limit(self):
        self.create_server(GRAPH, ERIN)
        mail = self.send(self.queue_mail())
        self.let_time_pass(hours=49)
        self.send(mail)
        self.assertEqual((mail.state, mail.failure_type), ("exception", "mail_oauth2_given_up"))

    def test_limit_can_be_changed(self):
        self.env["ir.config_parameter"].set_param("mail_server_oauth2.limit_hours", "72")
        self.create_server(GRAPH, ERIN)
        mail = self.send(self.queue_mail())
        self.let_time_pass(hours=49)
        self.send(mail)
        self.assertEqual(mail.state, "outgoing")


@tagged("post_install", "-at_install")
class TestPace(QueueCase):
    """The limits of a mailbox delay its mail, and never fail it."""

    def queue(self, count):
        return self.env["mail.mail"].union(*(self.queue_mail() for _i in range(count)))

    def test_minute(self):
        server = self.connected_server(SMTP, ERIN)
        server.oauth2_per_minute = 3
        mails = self.send(self.queue(8))
        self.assertEqual(len(self.sandbox.delivered()), 3)
        waiting = mails.filtered(lambda mail: mail.state == "outgoing")
        dates = sorted(waiting.mapped("scheduled_date"))
        self.assertLess(dates[2] - dates[0], timedelta(seconds=5))
        self.assertGreater(dates[3] - dates[0], timedelta(seconds=55))
        self.assertFalse(any(waiting.mapped("oauth2_attempts")))
        self.assertFalse(any(waiting.mapped("oauth2_waiting_since")))
        self.assertFalse(self.env["mail.oauth2.pause"].search([]))
        for _minute in range(2):
            self.let_time_pass(minutes=2)
            self.send(mails.filtered(lambda mail: mail.state == "outgoing"))
        self.assertEqual(len(self.sandbox.delivered()), 8)

    def test_day(self):
        server = self.connected_server(SMTP, ERIN)
        server.oauth2_per_day = 2
        mails = self.send(self.queue(3))
        (late,) = mails.filtered(lambda mail: mail.state == "outgoing")
        self.assertGreater(late.scheduled_date - fields.Datetime.now(), timedelta(hours=23))
        self.assertIn("2 mails within a day", late.failure_reason)

    def test_recipients_of_a_day(self):
        server = self.connected_server(SMTP, ERIN)
        server.oauth2_recipients_per_day = 3
        mails = self.queue_mail(email_to="a@example.com, b@example.com") + self.queue_mail(
            email_to="c@example.com, d@example.com"
        )
        self.send(mails)
        self.assertEqual(mails.mapped("state"), ["sent", "outgoing"])

    def test_mail_larger_than_the_day_still_goes(self):
        server = self.connected_server(SMTP, ERIN)
        server.oauth2_recipients_per_day = 1
        mail = self.send(self.queue_mail(email_to="a@example.com, b@example.com"))
        self.assertEqual(mail.state, "sent")

    def test_direct_send_is_not_delayed(self):
        server = self.connected_server(SMTP, ERIN)
        server.oauth2_per_minute = 1
        for _i in range(2):
            self.send(self.queue_mail(), raise_exception=True)
        self.assertEqual(len(self.sandbox.delivered()), 2)

    def test_limits_follow_the_type(self):
        server = self.create_server(SMTP, ERIN)
        self.assertEqual(server.oauth2_per_minute, 30)
        self.company.email_server_type = GRAPH
        self.assertEqual(server.oauth2_per_minute, 0)


@tagged("post_install", "-at_install")
class TestTroubleOfOdoo(QueueCase):
    """What goes wrong in Odoo itself after a hand-over does not send the mail again."""

    def fail_after(self, count):
        """Let core break down after so many hand-overs of a mail."""
        send_email = type(self.env["ir.mail_server"]).send_email
        calls = iter(range(100))

        def broken(servers, *args, **options):
            if next(calls) >= count:
                raise ValueError("an addon is in the way")
            return send_email(servers, *args, **options)

        return patch.object(self.env.registry["ir.mail_server"], "send_email", broken)

    def test_between_two_recipients(self):
        self.connected_server(SMTP, ERIN)
        mail = self.mail_to("ann", "bob")
        with self.fail_after(1):
            self.send(mail)
        self.assertEqual((mail.state, mail.recipient_ids.name), ("exception", "bob"))
        mail.action_retry()
        self.send(mail)
        self.assertEqual(self.recipients(), ["ann@example.com", "bob@example.com"])

    def test_journal_that_cannot_be_written_sends_nothing(self):
        self.connected_server(SMTP, ERIN)
        mail = self.queue_mail()
        with patch.object(attempt_journal, "_BEGIN", "SELECT 1/0"), mute_logger("odoo.sql_db"):
            self.send(mail)
        self.assertEqual(mail.state, "outgoing")
        self.assertIn("database", mail.failure_reason)
        self.assertFalse(self.sandbox.delivered())
