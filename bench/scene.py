"""One row of the fault table while it runs: a mailbox, its queue, and the provider's troubles."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from odoo import Command
from odoo.tools import SQL

from odoo_processes import OdooProcess
from office import Office

from .mail_plan import partner_address, partners_needed, planned_mails
from .transports import Transport

_QUEUE_JOB = "mail.ir_cron_mail_scheduler_action"
#: rows of what an earlier row of the table left behind
_LEFT_BEHIND = (
    "mail_notification",
    "mail_mail",
    "mail_message",
    "mail_oauth2_attempt",
    "mail_oauth2_pause",
    "ir_cron_trigger",
    "ir_cron_progress",
)
#: the provider's usual limits would make a row of 1,000 mails take half an hour
_NO_LIMITS = dict.fromkeys(("oauth2_per_minute", "oauth2_per_day", "oauth2_recipients_per_day"), 0)


@dataclass
class Scene:
    """What the functions of a row work on.

    :param mails: how many mails the row queues
    :param strikes: how often a fault strikes that strikes several times
    :param patience: seconds that a server which hangs keeps a client waiting before it cuts the
        connection; 0 waits for the client's own time-out
    :param owns_postgres: nobody else uses the database server, so it may be made to crash
    """

    office: Office
    transport: Transport
    mails: int
    strikes: int
    patience: float
    owns_postgres: bool
    random: random.Random
    mailbox: object = None
    plan: list = field(default_factory=list)
    run_errors: list = field(default_factory=list)

    @property
    def sandbox(self):
        return self.office.sandbox

    @property
    def database(self):
        return self.office.database

    @cached_property
    def third(self):
        return self.mails // 3

    # ------------------------------------------------------------
    # BEFORE
    # ------------------------------------------------------------

    def prepare(self):
        """Connect a mailbox of its own and queue the mails."""
        self._forget_earlier_rows()
        self.mailbox = self.office.connected_mailbox(
            self.transport.kind, read_write=self.transport.may_read
        )
        self.plan = planned_mails(self.mails)
        with self.database.environment() as env:
            env["ir.mail_server"].browse(self.mailbox.server_id).write(_NO_LIMITS)
            partners = _partners(env, partners_needed(self.mails))
            values = [_values(mail, self.mailbox, partners) for mail in self.plan]
            mails = env["mail.mail"].create(values)
            _make_notifications(mails.filtered("is_notification"))

    def _forget_earlier_rows(self):
        with self.database.environment() as env:
            for table in _LEFT_BEHIND:
                env.cr.execute(SQL("DELETE FROM %s", SQL.identifier(table)))

    def sign_in_again(self):
        """Do what a person does who is told that a sign-in is needed."""
        self.office.sign_in(self.mailbox)

    # ------------------------------------------------------------
    # TROUBLES
    # ------------------------------------------------------------

    def fault(self, stage, kind, **options):
        """Switch on a fault at a stage of this transport's sending, or at a dotted place."""
        place = stage if "." in stage else self.transport.place(stage)
        self.sandbox.fault(place, kind, **options)

    def strike_apart(self, stage, kind, **options):
        """Let a fault strike several times, here and there in the run."""
        for number in range(1, self.strikes + 1):
            after = self.mails * number // (self.strikes + 1)
            self.fault(stage, kind, after=after, **options)

    def lose_token(self):
        """Let the provider refuse the access token when a third of the mails has left."""
        if not self.transport.is_smtp:
            code = "InvalidAuthenticationToken"
            self.fault("graph.sendmail", "error", code=code, after=self.third)
            return
        self.lose_connection()
        refusal = self.transport.sign_in_refusal
        self.fault("auth", "reply", status=535, message=refusal, after=1)

    def lose_connection(self):
        """Cut the SMTP connection when a third of the mails has left."""
        self.fault("mail", "drop", after=self.third)

    def listens(self, is_there):
        """Take the provider's port off the network, or put it back."""
        port = f"{self.transport.provider}_smtp" if self.transport.is_smtp else "https"
        self.sandbox.post("listeners", **{port: is_there})

    # ------------------------------------------------------------
    # RUNS
    # ------------------------------------------------------------

    def worker(self):
        """Start a process that runs the queue's scheduled job to its end."""
        return OdooProcess(self.run_job)

    def run_job(self):
        """Run the queue's scheduled job as Odoo's scheduler does once it is due."""
        with self.database.environment() as env:
            jobs = env.registry["ir.cron"]
            job = jobs._acquire_one_job(env.cr, env.ref(_QUEUE_JOB).id, include_not_ready=True)
            if job:
                jobs._process_job(env.cr, job)

    def send_everything(self):
        """Send the queue without the scheduled job, which never runs twice at a time."""
        with self.database.environment() as env:
            env["mail.mail"].process_email_queue()

    def moment(self):
        """Return seconds to wait before something strikes: at once, or anywhere in a mail."""
        return self.random.choice((0, 0.003, 0.05)) * self.random.random()

    def note(self, outcome):
        """Remember what a run ended with; the next run has to cope with it."""
        if outcome.error:
            self.run_errors.append(f"{type(outcome.error).__name__}: {outcome.error}".strip())

    def delivered(self):
        """Return how many copies have arrived so far."""
        return self.sandbox.get("state")["delivered"]

    def has_delivered(self, count, timeout=0.2):
        """Wait up to ``timeout`` seconds until so many copies have arrived."""
        query = {"fields": "id", "since": count - 1, "min_count": count, "timeout": timeout}
        return bool(self.sandbox.get("messages", **query))

    def copies(self):
        """Return ``{recipient: number of copies that arrived}``."""
        rows = self.sandbox.get("messages", fields="recipient")
        return Counter(row["recipient"] for row in rows)

    def waiting(self):
        """Return how many mails are still to leave."""
        return self.database.rows("SELECT count(*) FROM mail_mail WHERE state = 'outgoing'")[0][0]


def _partners(env, count):
    """Return ``{address: contact}`` of so many contacts; some are there from earlier rows."""
    addresses = [partner_address(number) for number in range(count)]
    partners = env["res.partner"].search([("email", "in", addresses)])
    missing = sorted(set(addresses) - set(partners.mapped("email")))
    partners |= partners.create([{"name": address, "email": address} for address in missing])
    return {partner.email: partner for partner in partners}


def _values(mail, mailbox, partners):
    return {
        "subject": mail.subject,
        "body_html": "<p>Please find your invoice.</p>",
        "email_from": mailbox.address,
        "email_to": ", ".join(mail.to),
        "email_cc": ", ".join(mail.cc),
        "recipient_ids": [Command.set([partners[address].id for address in mail.partners])],
        "mail_server_id": mailbox.server_id,
        "auto_delete": mail.auto_delete,
        "is_notification": mail.is_notification,
    }


def _make_notifications(mails):
    mails.env["mail.notification"].create(
        [
            {
                "mail_message_id": mail.mail_message_id.id,
                "mail_mail_id": mail.id,
                "res_partner_id": partner.id,
                "notification_type": "email",
                "notification_status": "ready",
            }
            for mail in mails
            for partner in mail.recipient_ids
        ]
    )
