"""Turn the outcome of a hand-over into the state of queued mails: the only place that does.

==========  ==============================================================================
outcome     what becomes of the mail
==========  ==============================================================================
later       stays *outgoing* until its next attempt; *failed* once the limit has passed
held        stays *outgoing* until somebody has acted on the mailbox
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
    """

    def __init__(self, mails, error):
        self.mails = mails
        self.error = error
        self.env = mails.env
        self.reason = self.env["mail.oauth2.error"]._text(error)

    def apply(self, success_pids=(), success_emails=()):
        """Write the state of mails and notifications.

        :param success_pids: partners who got the mail before the error
        :param success_emails: formatted addresses that got it before the error
        :return: the mails that are failed for good
        """
        for mail in self.mails:
            self._part_from_served(mail, success_pids, success_emails)
        if self.error.outcome == "later":
            return self._postpone()
        if self.error.outcome == "held":
            self._keep_waiting({"failure_reason": self.reason})
            return self.mails.browse()
        return self._fail()

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
                },
                mail,
            )
        self._wake_queue(self.mails - given_up)
        return QueueOutcome(given_up, self.error)._fail() if given_up else given_up

    def _keep_waiting(self, values, mails=None):
        mails = self.mails if mails is None else mails
        mails.write({**values, "state": "outgoing", "failure_type": False})
        self._pending_notifications(mails).write(
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

    def _pending_notifications(self, mails):
        return (
            self.env["mail.notification"]
            .sudo()
            .search(
                [
                    ("notification_type", "=", "email"),
                    ("mail_mail_id", "in", mails.ids),
                    ("notification_status", "not in", ("sent", "canceled")),
                ]
            )
        )

    def _part_from_served(self, mail, success_pids, success_emails):
        """Move the recipients who were served to a mail of their own that is *sent*."""
        partners = mail.recipient_ids & mail.recipient_ids.browse(p.id for p in success_pids)
        if not partners and not success_emails:
            return
        served = (
            mail.with_user(mail.create_uid)
            .sudo()
            .copy(
                {
                    "headers": mail.headers,
                    "mail_message_id": mail.mail_message_id.id,
                    "email_to": mail.email_to if success_emails else False,
                    "email_cc": mail.email_cc if success_emails else False,
                    "recipient_ids": [fields.Command.set(partners.ids)],
                }
            )
        )
        served.write({"state": "sent", "failure_type": False, "failure_reason": False})
        notifications = self._pending_notifications(mail).filtered(
            lambda notification: (
                notification.res_partner_id in partners
                or (success_emails and not notification.res_partner_id)
            )
        )
        notifications.write({"mail_mail_id": served.id, "notification_status": "sent"})
        values = {"recipient_ids": [fields.Command.set((mail.recipient_ids - partners).ids)]}
        if success_emails:
            values.update(email_to=False, email_cc=False)
        mail.write(values)


class PartialRefusal:
    """What becomes of recipients who were refused while others of the same mail were served.

    :param mail: one ``mail.mail`` that the provider accepted for somebody
    :param refused: ``{address: provider's reply}``, see ``transport.SubmissionResult``
    """

    def __init__(self, mail, refused):
        self.mail = mail
        self.refused = {email_normalize(address): reply for address, reply in refused.items()}
        self.reason = "\n".join(f"{address}: {reply}" for address, reply in refused.items())

    def served(self, partners, formatted_emails):
        """Return which of the partners and formatted addresses did get the mail."""
        got_it = [email for email in formatted_emails if not self._is_refused(email)]
        return [partner for partner in partners if not self._is_refused(partner.email)], got_it

    def queue_again(self):
        """Give those who were refused for now a mail of their own, for later."""
        later = [address for address, reply in self.refused.items() if reply.startswith("4")]
        if not later:
            return
        now = fields.Datetime.now()
        self.mail.with_user(self.mail.create_uid).sudo().copy(
            {
                "headers": self.mail.headers,
                "mail_message_id": self.mail.mail_message_id.id,
                "email_to": ", ".join(later),
                "email_cc": False,
                "recipient_ids": [fields.Command.clear()],
                "oauth2_attempts": 1,
                "oauth2_waiting_since": now,
                "scheduled_date": next_attempt(now, 1),
            }
        )

    def _is_refused(self, email):
        return email_normalize(email) in self.refused
