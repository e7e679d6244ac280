from datetime import timedelta

from odoo import fields
from odoo.addons.base.models.ir_mail_server import MailDeliveryException
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..exceptions import SignInNeededError
from ..models.back_off import BACK_OFF, next_attempt
from ..models.token_memory import memory
from .common import SandboxCase

GRAPH = "oauth2_microsoft_graph"
SMTP = "oauth2_microsoft_smtp"
ERIN = "erp@contoso.example"


@tagged("post_install", "-at_install")
class TestQueue(SandboxCase):
    """Whatever happens to a hand-over, no mail is lost and none goes out twice."""

    def send(self, mail, **options):
        with self.sending():
            mail.send(**options)
        return mail

    def test_mail_waits_while_the_mailbox_is_not_connected(self):
        self.create_server(GRAPH, ERIN)
        mail = self.send(self.queue_mail())
        self.assertEqual(mail.state, "outgoing")
        self.assertEqual(mail.oauth2_held_by_id, self.company.email_server_id)
        self.assertIn("Authenticate", mail.failure_reason)
        self.assertFalse(self.sandbox.delivered())

    def test_held_mail_leaves_once_the_mailbox_is_connected(self):
        server = self.create_server(GRAPH, ERIN)
        mail = self.send(self.queue_mail())
        self.assertTrue(mail.scheduled_date)
        self.connect(server.oauth2_mailbox_id)
        self.assertFalse(mail.scheduled_date)
        self.assertFalse(mail.oauth2_held_by_id)
        self.send(mail)
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        self.assertEqual(len(self.sandbox.delivered()), 1)

    def test_hold_does_not_use_up_the_time_for_repeating(self):
        self.create_server(GRAPH, ERIN)
        mail = self.queue_mail()
        mail.oauth2_waiting_since = fields.Datetime.now() - timedelta(hours=72)
        self.send(mail)
        self.assertEqual(mail.state, "outgoing")
        self.assertGreater(mail.oauth2_waiting_since, fields.Datetime.now() - timedelta(hours=1))

    def test_copy_that_was_served_is_not_served_again(self):
        self.connected_server(GRAPH, ERIN)
        partner = self.env["res.partner"].create({"name": "Ann", "email": "ann@example.com"})
        mail = self.queue_mail(
            email_to=False, email_cc="cc@example.com", recipient_ids=[(6, 0, partner.ids)]
        )
        self.sandbox.fault("graph.sendmail", "error", status=429, retry_after="1", after=1)
        self.send(mail)
        self.assertEqual(mail.state, "outgoing", mail.failure_reason)
        self.assertFalse(mail.email_cc)
        self.let_time_pass()
        self.send(mail)
        recipients = sorted(row["recipient"] for row in self.sandbox.delivered())
        self.assertEqual(recipients, ["ann@example.com", "cc@example.com"])

    def test_deferred_recipient_of_a_mail_that_deletes_itself_still_gets_it(self):
        self.connected_server(SMTP, ERIN)
        self.refuse("bob@example.com", 450, "4.2.1 receiving mail too quickly")
        self.send(self.queue_mail(email_to="ann@example.com, bob@example.com", auto_delete=True))
        later = self.env["mail.mail"].search([("email_to", "=", "bob@example.com")])
        later.scheduled_date = False
        self.send(later)
        recipients = sorted(row["recipient"] for row in self.sandbox.delivered())
        self.assertEqual(recipients, ["ann@example.com", "bob@example.com"])

    def test_direct_send_gets_the_error_at_once(self):
        self.create_server(GRAPH, ERIN)
        with self.assertRaises(MailDeliveryException):
            self.send(self.queue_mail(), raise_exception=True)

    def test_closed_port_postpones(self):
        server = self.connected_server(SMTP, ERIN)
        server.smtp_port = 1
        mail = self.send(self.queue_mail())
        self.assertEqual(mail.state, "outgoing")
        self.assertFalse(mail.oauth2_attempts, "the mail itself was never tried")
        self.assertGreater(mail.scheduled_date, fields.Datetime.now())
        self.assertIn("localhost", mail.failure_reason)

    def test_host_that_does_not_resolve_postpones(self):
        server = self.connected_server(SMTP, ERIN)
        server.smtp_host = "smtp.invalid"
        mail = self.send(self.queue_mail())
        self.assertEqual(mail.state, "outgoing")
        self.assertIn("smtp.invalid", mail.failure_reason)

    def test_given_up_after_the_limit(self):
        server = self.connected_server(SMTP, ERIN)
        server.smtp_port = 1
        mail = self.queue_mail()
        mail.oauth2_waiting_since = fields.Datetime.now() - timedelta(hours=49)
        self.send(mail)
        self.assertEqual(mail.state, "exception")
        self.assertEqual(mail.failure_type, "mail_oauth2_given_up")
        self.assertIn("localhost", mail.failure_reason)

    def test_retry_by_hand_starts_counting_anew(self):
        mail = self.queue_mail(state="exception")
        mail.write(
            {
                "oauth2_attempts": 9,
                "oauth2_waiting_since": fields.Datetime.now(),
                "scheduled_date": fields.Datetime.now() + timedelta(days=1),
            }
        )
        mail.action_retry()
        self.assertEqual(mail.state, "outgoing")
        self.assertFalse(mail.oauth2_attempts or mail.oauth2_waiting_since or mail.scheduled_date)

    def test_sender_the_mailbox_may_not_use_is_replaced_by_it(self):
        self.connected_server(SMTP, ERIN)
        mail = self.send(
            self.queue_mail(
                email_from='"Bert" <bert@elsewhere.example>', reply_to="bert@elsewhere.example"
            )
        )
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        (row,) = self.sandbox.delivered()
        self.assertEqual(row["envelope_from"], ERIN)

    def test_refused_recipient_fails_with_the_provider_s_words(self):
        self.connected_server(SMTP, ERIN)
        self.sandbox.fault(
            "microsoft_smtp.rcpt",
            "reply",
            status=550,
            message="5.1.10 RESOLVER.ADR.RecipientNotFound",
        )
        mail = self.send(self.queue_mail())
        self.assertEqual(mail.state, "exception")
        self.assertIn("RecipientNotFound", mail.failure_reason)

    def refuse(self, recipient, status, text):
        self.sandbox.fault(
            "microsoft_smtp.rcpt",
            "reply",
            status=status,
            message=text,
            match={"recipient": recipient},
        )

    def test_recipient_refused_among_others_is_said_and_the_others_get_it(self):
        self.connected_server(SMTP, ERIN)
        self.refuse("bob@example.com", 550, "5.1.10 RecipientNotFound")
        mail = self.queue_mail(email_to="ann@example.com, bob@example.com")
        self.send(mail)
        self.assertEqual(mail.state, "sent")
        self.assertEqual(
            [row["recipient"] for row in self.sandbox.delivered()], ["ann@example.com"]
        )
        self.assertIn("bob@example.com: 550 5.1.10 RecipientNotFound", mail.failure_reason)

    def test_recipient_refused_for_now_gets_a_mail_of_the_own_later(self):
        self.connected_server(SMTP, ERIN)
        self.refuse("bob@example.com", 450, "4.2.1 receiving mail too quickly")
        mail = self.queue_mail(email_to="ann@example.com, bob@example.com")
        self.send(mail)
        later = self.env["mail.mail"].search([("email_to", "=", "bob@example.com")])
        self.assertEqual(later.state, "outgoing")
        self.assertGreater(later.scheduled_date, fields.Datetime.now())
        later.scheduled_date = False
        self.send(later)
        recipients = sorted(row["recipient"] for row in self.sandbox.delivered())
        self.assertEqual(recipients, ["ann@example.com", "bob@example.com"])

    def test_served_partners_never_get_it_again(self):
        server = self.connected_server(GRAPH, ERIN)
        partners = self.env["res.partner"].create(
            [{"name": name, "email": f"{name}@example.com"} for name in ("ann", "bob", "cat")]
        )
        mail = self.queue_mail(email_to=False, recipient_ids=[(6, 0, partners.ids)])
        self.sandbox.fault("graph.sendmail", "error", status=503, after=1)
        self.send(mail)
        self.assertEqual(mail.state, "outgoing", mail.failure_reason)
        served = {row["recipient"] for row in self.sandbox.delivered()}
        self.assertEqual(len(served), 1)
        self.let_time_pass()
        self.send(mail)
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        recipients = sorted(row["recipient"] for row in self.sandbox.delivered())
        self.assertEqual(recipients, [f"{n}@example.com" for n in ("ann", "bob", "cat")])
        self.assertTrue(server.active)

    def test_everybody_in_the_envelope_gets_it_once_and_nobody_else(self):
        self.connected_server(GRAPH, ERIN)
        mail = self.queue_mail(
            email_to="ann@example.com, Bob <bob@example.com>", email_cc="cat@example.com"
        )
        mail.headers = repr({"X-Msg-To-Add": "follower@example.com"})
        self.send(mail)
        self.assertEqual(mail.state, "sent", mail.failure_reason)
        recipients = sorted(row["recipient"] for row in self.sandbox.delivered())
        self.assertEqual(recipients, ["ann@example.com", "bob@example.com", "cat@example.com"])

    def test_delays_grow_and_keep_to_what_the_provider_asks(self):
        now = fields.Datetime.now()
        delays = [
            (next_attempt(now, attempts, jitter=lambda: 0) - now) / timedelta(minutes=1)
            for attempts in range(1, len(BACK_OFF) + 2)
        ]
        self.assertEqual(delays, [*BACK_OFF, BACK_OFF[-1]])
        asked = next_attempt(now, 1, 2.128, jitter=lambda: 0) - now
        self.assertAlmostEqual(asked.total_seconds(), 2.128, places=2)
        latest = next_attempt(now, 1, jitter=lambda: 1) - now
        self.assertGreater(latest, timedelta(minutes=1))


@tagged("post_install", "-at_install")
class TestCompanies(SandboxCase):
    """A mail never leaves through another company's server."""

    def test_each_company_sends_through_its_own_server(self):
        self.connected_server(GRAPH, ERIN)
        other = self.env["res.company"].create({"name": "Northwind"})
        self.env.user.company_ids += other
        other.with_context(allowed_company_ids=[self.company.id, other.id]).write(
            {
                "email_server_type": "oauth2_google_smtp",
                "email_server_app_id": self.google_app.id,
                "email_server_address": "erp@northwind.example",
            }
        )
        self.env.flush_all()
        self.connect(other.email_server_id.oauth2_mailbox_id)
        mails = self.queue_mail() + self.queue_mail(
            record_company_id=other.id, email_from="erp@northwind.example", email_to="n@example.com"
        )
        with self.sending():
            mails.send()
        ways = {row["recipient"]: row["via"] for row in self.sandbox.delivered()}
        self.assertEqual(ways, {"customer@example.com": "graph", "n@example.com": "google_smtp"})

    def test_company_without_a_server_does_not_borrow_one(self):
        self.connected_server(GRAPH, ERIN)
        other = self.env["res.company"].create({"name": "Northwind"})
        mail = self.queue_mail(record_company_id=other.id)
        servers = self.env["ir.mail_server"].sudo().search([])
        self.assertNotIn(self.company.email_server_id, mail._filter_mail_mail_servers(servers))

    def test_mail_of_a_company_without_a_server_stays_away_from_the_others(self):
        self.connected_server(GRAPH, ERIN)
        other = self.env["res.company"].create({"name": "Northwind"})
        mail = self.queue_mail(record_company_id=other.id, email_from="x@northwind.example")
        with self.sending():
            mail.send()
        self.assertFalse(self.sandbox.delivered())
        self.assertEqual(mail.state, "exception")

    def test_company_of_the_document_decides_where_the_mail_does_not_say(self):
        other = self.env["res.company"].create({"name": "Northwind"})
        partner = self.env["res.partner"].create({"name": "N", "company_id": other.id})
        mail = self.queue_mail(record_company_id=False, model="res.partner", res_id=partner.id)
        self.assertEqual(mail._sending_company(), other)

    def test_server_of_another_company_cannot_be_made_the_own_one(self):
        server = self.connected_server(GRAPH, ERIN)
        other = self.env["res.company"].create({"name": "Northwind"})
        with self.assertRaises(UserError):
            other.email_server_id = server

    def test_plain_server_of_the_company_sends_as_core_would(self):
        self.company.write(
            {
                "email_server_type": "login",
                "email_server_host": "mail.contoso.example",
                "email_server_encryption": "none",
            }
        )
        servers = self.env["ir.mail_server"].with_context(
            domain_notifications_email="notifications@contoso.example"
        )
        server, sender = servers._find_mail_server("customer@gmail.example")
        self.assertEqual(server, self.company.email_server_id)
        self.assertEqual(sender, "notifications@contoso.example")

    def test_forced_server_of_another_company_is_refused(self):
        server = self.connected_server(GRAPH, ERIN)
        other = self.env["res.company"].create({"name": "Northwind"})
        with self.assertRaises(ValidationError):
            self.queue_mail(record_company_id=other.id, mail_server_id=server.id)


@tagged("post_install", "-at_install")
class TestFallback(SandboxCase):
    """Another server sends while nobody mends the first one; only where that was chosen."""

    def setUp(self):
        super().setUp()
        self.server = self.connected_server(GRAPH, ERIN)
        mailbox = self.env["mail.oauth2.mailbox"].create(
            {"app_id": self.google_app.id, "address": "erp@northwind.example"}
        )
        self.other = self.env["ir.mail_server"].create(
            {
                "name": "Gmail",
                "smtp_authentication": "oauth2_google_smtp",
                "oauth2_mailbox_id": mailbox.id,
                "company_id": self.company.id,
                "sequence": 50,
            }
        )
        self.env.flush_all()
        self.connect(mailbox)
        self.sandbox.post("grants/revoke", account=ERIN)
        self.assertIsInstance(self.server.oauth2_mailbox_id._probe(), SignInNeededError)
        memory.clear()
        self.grant = self.server.oauth2_mailbox_id._grant_sudo()

    def broken_for(self, **delta):
        self.grant.broken_since = fields.Datetime.now() - timedelta(**delta)
        self.env.flush_all()

    def send(self):
        mail = self.queue_mail()
        with self.sending():
            mail.send()
        return mail

    def test_off_by_default(self):
        self.broken_for(days=1)
        self.assertEqual(self.send().oauth2_held_by_id, self.server)

    def test_waits_first(self):
        self.server.oauth2_fallback_id = self.other
        self.broken_for(hours=3)
        self.assertEqual(self.send().oauth2_held_by_id, self.server)

    def test_then_the_other_sends_as_itself(self):
        self.server.oauth2_fallback_id = self.other
        self.broken_for(hours=5)
        self.assertEqual(self.send().state, "sent")
        (row,) = self.sandbox.delivered()
        self.assertEqual(row["via"], "google_smtp")
        self.assertEqual(row["envelope_from"], "erp@northwind.example")

    def test_ends_with_the_next_sign_in(self):
        self.server.oauth2_fallback_id = self.other
        self.broken_for(hours=5)
        self.connect(self.server.oauth2_mailbox_id)
        self.send()
        (row,) = self.sandbox.delivered()
        self.assertEqual(row["via"], "graph")

    def test_only_a_server_that_may_send_for_the_company(self):
        stranger = self.env["res.company"].create({"name": "Northwind"})
        self.other.oauth2_mailbox_id = False
        with self.assertRaises(ValidationError):
            self.server.oauth2_fallback_id = self.server
        self.other.company_id = stranger
        with self.assertRaises(ValidationError):
            self.server.oauth2_fallback_id = self.other


@tagged("post_install", "-at_install")
class TestBounces(SandboxCase):
    """A report that comes back to the mailbox marks the mail as bounced."""

    def test_report_of_exchange(self):
        self.connected_server(SMTP, ERIN)
        ann = self.env["res.partner"].create({"name": "Ann", "email": "ann@example.com"})
        with self.sending():
            message = ann.message_post(
                body="Hello",
                message_type="comment",
                partner_ids=ann.ids,
                subtype_xmlid="mail.mt_comment",
                email_from=ERIN,
            )
            self.env["mail.mail"].search([("mail_message_id", "=", message.id)]).send()
        (row,) = self.sandbox.delivered()
        self.assertEqual(row["envelope_from"], ERIN, "where the report is sent to")
        report = REPORT.format(message_id=row["message_id"], mailbox=ERIN)
        self.env["mail.thread"].message_process("res.partner", report)
        self.assertEqual(message.notification_ids.notification_status, "bounce")


REPORT = """\
From: postmaster@contoso.example
To: {mailbox}
Subject: Undeliverable: Hello
Message-ID: <report@contoso.example>
Date: Sat, 21 Nov 2026 10:00:00 +0000
In-Reply-To: {message_id}
References: {message_id}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="part"

--part
Content-Type: text/plain

Your message to ann@example.com couldn't be delivered.

--part
Content-Type: message/delivery-status

Reporting-MTA: dns;contoso.example

Final-Recipient: rfc822;ann@example.com
Action: failed
Status: 5.1.10

--part
Content-Type: message/rfc822

From: {mailbox}
To: ann@example.com
Message-ID: {message_id}
Subject: Hello

Hello

--part--
"""
