"""Turn the outcome of a hand-over into the state of queued mails: the only place that does.

==========  ==============================================================================
outcome     what becomes of the mail
==========  ==============================================================================
later       stays *outgoing* until its next attempt; *failed* once the limit has passed
held        stays *outgoing* until somebody has acted on the mailbox; looked at once an hour,
            so that the queue gets on with other mails meanwhile
refused     *failed*, with the reason
unknown     *failed*: it may have been delivered, so it is never sent again by itself
==========  ==============================================================================

Recipients who were served before the trouble began never get the mail again.
"""

import random
from datetime import timedelta

from odoo import fields
from odoo.tools import email_normalize

#: minutes to the next attempt after the 1st, 2nd, … one; the last value repeats
BACK_OFF = (1, 5, 10, 20, 40, 60, 120)
#: hours after which a mail that could not be handed over is given up
LIMIT_HOURS = 48
#: minutes after which a held mail is looked at again, though nobody has acted
HELD_PAUSE = 60
#: parts of a delay that are random, so that a thousand mails do not come back at once
JITTER = 0.2


def next_attempt(now, attempts, retry_after=None, *, jitter=random.random):
    """Return when to try again.

    :param datetime now: naive UTC
    :param int attempts: how many have failed so far, at least 1
    :param retry_after: seconds the provider asked for; its word goes before our table
    :param jitter: callable giving a float in [0, 1)
    """
    if retry_after is not None:
        delay = max(float(retry_after), 1.0)
    else:
        delay = 60.0 * BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
    return now + timedelta(seconds=delay * (1 + JITTER * jitter()))


class QueueOutcome:
    """What an error means for mails that were to be handed over.

    :param mails: ``mail.mail`` records that met this error
    :param error: an error of :mod:`..exceptions`
    :param server: ``ir.mail_server`` that they were to leave through
    """

    def __init__(self, mails, error, server):
        self.mails = mails
        self.error = error
        self.server = server
        self.env = mails.env
        self.reason = self.env["mail.oauth2.error"]._text(error)

    def apply(self, success_pids=(), is_group_served=False):
        """Write the state of mails and notifications.

        :param success_pids: partners who got the mail before the error
        :param is_group_served: whether the people in ``email_to`` and ``email_cc`` did
        :return: the mails that are failed for good
        """
        for mail in self.mails:
            self._part_from_served(mail, success_pids, is_group_served)
        if self.error.outcome == "later":
            return self._postpone()
        if self.error.outcome == "held":
            return self._hold()
        return self._fail()

    def _hold(self):
        """Wait for a person; that takes as long as it takes, and says nothing of the mail."""
        self._keep_waiting(
            {
                "failure_reason": self.reason,
                "scheduled_date": fields.Datetime.now() + timedelta(minutes=HELD_PAUSE),
                "oauth2_held_by_id": self.server.id if self.server else False,
                "oauth2_attempts": 0,
                "oauth2_waiting_since": False,
            }
        )
        return self.mails.browse()

    def _postpone(self):
        now = fields.Datetime.now()
        limit = now - timedelta(hours=LIMIT_HOURS)
        given_up = self.mails.filtered(lambda mail: (mail.oauth2_waiting_since or now) < limit)
        retry_after = getattr(self.error, "retry_after", None)
        for mail in self.mails - given_up:
            attempts = mail.oauth2_attempts + 1
            self._keep_waiting(
                {
                    "oauth2_attempts": attempts,
                    "oauth2_waiting_since": mail.oauth2_waiting_since or now,
                    "scheduled_date": next_attempt(now, attempts, retry_after),
                    "failure_reason": self.reason,
                    "oauth2_held_by_id": False,
                },
                mail,
            )
        self._wake_queue(self.mails - given_up)
        return QueueOutcome(given_up, self.error, self.server)._fail() if given_up else given_up

    def _keep_waiting(self, values, mails=None):
        mails = self.mails if mails is None else mails
        mails.write({**values, "state": "outgoing", "failure_type": False})
        pending_notifications(mails).write(
            {"notification_status": "ready", "failure_type": False, "failure_reason": False}
        )

    def _fail(self):
        self.mails.write(
            {"state": "exception", "failure_type": "mail_smtp", "failure_reason": self.reason}
        )
        return self.mails

    def _wake_queue(self, mails):
        if mails:
            cron = self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()
            cron._trigger(min(mails.mapped("scheduled_date")) + timedelta(seconds=1))

    def _part_from_served(self, mail, success_pids, is_group_served):
        """Move the recipients who were served to a mail of their own that is *sent*."""
        partners = mail.recipient_ids & mail.recipient_ids.browse(p.id for p in success_pids)
        if not partners and not is_group_served:
            return
        served = twin(
            mail,
            email_to=mail.email_to if is_group_served else False,
            email_cc=mail.email_cc if is_group_served else False,
            recipient_ids=[fields.Command.set(partners.ids)],
        )
        served.write({"state": "sent", "failure_type": False, "failure_reason": False})
        pending_notifications(mail).filtered(
            lambda notification: (
                notification.res_partner_id in partners
                or (is_group_served and not notification.res_partner_id)
            )
        ).write(
            {
                "mail_mail_id": served.id,
                "notification_status": "sent",
                "failure_type": False,
                "failure_reason": False,
            }
        )
        values = {"recipient_ids": [fields.Command.set((mail.recipient_ids - partners).ids)]}
        if is_group_served:
            values.update(email_to=False, email_cc=False)
        mail.write(values)


class PartialRefusal:
    """What becomes of recipients who were refused while others of the same mail were served.

    :param mail: one ``mail.mail`` that the provider accepted for somebody
    :param refused: ``{address: provider's reply}``, see ``transport.SubmissionResult``
    """

    def __init__(self, mail, refused):
        self.mail = mail
        replies = {email_normalize(address): reply for address, reply in refused.items()}
        self.later = [address for address, reply in replies.items() if reply.startswith("4")]
        self.for_good = [address for address in replies if address not in self.later]
        self.reason = "\n".join(f"{address}: {reply}" for address, reply in refused.items())

    @property
    def failure(self):
        """Reason and type that core gives to the notifications of those who were not served."""
        return (self.reason, "mail_email_invalid") if self.for_good else (False, None)

    def apply(self):
        """Say who was refused, and give those refused for now a mail of their own."""
        if self.later:
            self._queue_again()
        # Kept in any case: core would delete it together with what it says.
        self.mail.write({"failure_reason": self.reason, "auto_delete": False})

    def served(self, partners, formatted_emails):
        """Return which of the partners and addresses did get the mail.

        Addresses come as core has them, and plain: its notifications know them plain.
        """
        got_it = [email for email in formatted_emails if not self._is_refused(email)]
        plain = [email_normalize(email) for email in got_it]
        return [partner for partner in partners if not self._is_refused(partner.email)], [
            *got_it,
            *plain,
        ]

    def _queue_again(self):
        now = fields.Datetime.now()
        again = twin(
            self.mail,
            email_to=", ".join(self.later),
            email_cc=False,
            recipient_ids=[fields.Command.clear()],
            auto_delete=self.mail.auto_delete and not self.for_good,
            oauth2_attempts=1,
            oauth2_waiting_since=now,
            scheduled_date=next_attempt(now, 1),
        )
        pending_notifications(self.mail).filtered(
            lambda notification: (
                email_normalize(
                    notification.mail_email_address or notification.res_partner_id.email
                )
                in self.later
            )
        ).write(
            {
                "mail_mail_id": again.id,
                "notification_status": "ready",
                "failure_type": False,
                "failure_reason": False,
            }
        )

    def _is_refused(self, email):
        return email_normalize(email) in (*self.later, *self.for_good)


def twin(mail, **values):
    """Return a copy of a mail for some of its recipients; both share the message."""
    return (
        mail.with_user(mail.create_uid)
        .sudo()
        .copy({"headers": mail.headers, "mail_message_id": mail.mail_message_id.id, **values})
    )


def pending_notifications(mails):
    """Return the notifications of mails whose recipients were not served yet."""
    return (
        mails.env["mail.notification"]
        .sudo()
        .search(
            [
                ("notification_type", "=", "email"),
                ("mail_mail_id", "in", mails.ids),
                ("notification_status", "not in", ("sent", "canceled")),
            ]
        )
    )
