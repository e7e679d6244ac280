"""What to do with a mail whose last hand-over left no trace in the queue.

A process can die, or its transaction be rolled back, between the provider's answer and the
queue's commit. The journal of attempts survives that. Before a mail is handed over it is
therefore compared with the journal: the mail knows up to which attempt its state tells the
truth, and whatever came later is settled first.
"""

import logging
from datetime import timedelta

from odoo import fields
from odoo.tools import SQL, email_normalize
from odoo.tools.mail import email_normalize_all, email_split_and_format_normalize

from ..exceptions import DeliveryUnknownError
from .attempt_journal import IN_FLIGHT
from .hand_over import MailCourse, Share
from .queue_outcome import LOOK_UP_AFTER, QueueOutcome
from .recipients_split import part_served, serves_all, wake_queue

_logger = logging.getLogger(__name__)


def claim(mail, *, wait):
    """Lock a mail for this transaction and say what stands in the way of handing it over.

    :param wait: wait for another process that is at this mail, instead of leaving it alone
    :return: ``"free"``, ``"interrupted"`` (the journal knows more than the mail) or ``"taken"``
        (somebody else is at it, or was)
    """
    mail.flush_recordset()
    rows = mail.env.execute_query(
        SQL(
            """SELECT state, EXISTS (
                      SELECT 1 FROM mail_oauth2_attempt attempt
                       WHERE attempt.mail_ref = mail.id
                         AND attempt.id > COALESCE(mail.oauth2_settled_attempt, 0))
                 FROM mail_mail mail
                WHERE id = %s
                  FOR NO KEY UPDATE OF mail %s""",
            mail.id,
            SQL() if wait else SQL("SKIP LOCKED"),
        )
    )
    if not rows or rows[0][0] != "outgoing":
        return "taken"
    return "interrupted" if rows[0][1] else "free"


class InterruptedMail:
    """A mail with attempts that its state does not tell of.

    :param mail: one ``mail.mail`` that this transaction has claimed
    :param hand_over: the :class:`..hand_over.HandOver` that it would leave through
    """

    def __init__(self, mail, hand_over):
        self.mail = mail
        self.hand_over = hand_over
        self.attempts = (
            mail.env["mail.oauth2.attempt"]
            .sudo()
            .search(
                [("mail_ref", "=", mail.id), ("id", ">", mail.oauth2_settled_attempt)],
                order="id",
            )
        )

    def settle(self):
        """Bring the mail's state in line with the journal.

        :return: whether there is somebody left to hand it over to now
        :raises MailOAuth2Error: the provider could not be asked
        """
        if any(self._is_alive(attempt) for attempt in self._with("in_flight")):
            return False
        self._with("in_flight").outcome = "unknown"
        unknown = self._with("unknown")
        if unknown and self.hand_over.can_look_up and not self._look_up(unknown):
            return False
        return self._apply()

    def _with(self, outcome):
        return self.attempts.filtered(lambda attempt: attempt.outcome == outcome)

    def _is_alive(self, attempt):
        """Tell whether the process that made an attempt still waits for its answer."""
        rows = self.mail.env.execute_query(
            SQL("SELECT pg_try_advisory_xact_lock(%s, %s)", IN_FLIGHT, attempt.id)
        )
        return not rows[0][0]

    def _look_up(self, unknown):
        """Ask the provider what became of the attempts; ``False`` if it is too early to ask."""
        now = fields.Datetime.now()
        latest = max(unknown.mapped("started_at"))
        # Mails are due at whole seconds; a fraction less would ask again and again within it.
        due = latest.replace(microsecond=0) + timedelta(minutes=LOOK_UP_AFTER, seconds=1)
        if now < due:
            self.mail.scheduled_date = due
            wake_queue(self.mail)
            return False
        for attempt in unknown:
            was_sent = self.hand_over.was_sent(attempt)
            _logger.info("Attempt %s looked up: sent is %s", attempt.id, was_sent)
            if was_sent is not None:
                attempt.write(
                    {
                        "outcome": "accepted" if was_sent else "later",
                        "error_key": "found_in_sent_items" if was_sent else "not_in_sent_items",
                    }
                )
        return True

    def _apply(self):
        course = self._course()
        self.mail.oauth2_settled_attempt = course.last_attempt
        if course.failed:
            return self._leave_for_a_decision(course)
        if serves_all(course.served, self.mail):
            self._conclude(course)
            return False
        part_served(self.mail, course)
        return True

    def _course(self):
        course = MailCourse(last_attempt=max(self.attempts.ids))
        for attempt in self._with("accepted"):
            course.served |= Share.of(attempt.partner_ref)
            course.refused.update(self._still_concerning(attempt))
        for attempt in self._with("unknown"):
            course.failed |= Share.of(attempt.partner_ref)
        return course

    def _still_concerning(self, attempt):
        """Return who was refused, but those who got a mail of their own while it was in doubt."""
        refused = attempt.refused or {}
        if attempt.partner_ref:
            return refused
        present = email_normalize_all(f"{self.mail.email_to or ''},{self.mail.email_cc or ''}")
        return {
            address: reply
            for address, reply in refused.items()
            if not reply.startswith("4") or email_normalize(address) in present
        }

    def _leave_for_a_decision(self, course):
        """Fail the mail for those whom nobody knows of; the others get it from the queue."""
        error = DeliveryUnknownError("delivery_interrupted")
        failed = QueueOutcome(self.mail, error, self.hand_over).fail_one(course)
        failed._postprocess_failed()
        return False

    def _conclude(self, course):
        """Everybody was served: what core would have done, had it lived to see it."""
        mail = self.mail
        mail._write_sent()
        addresses = email_split_and_format_normalize(f"{mail.email_to or ''},{mail.email_cc or ''}")
        mail._postprocess_accepted(list(mail.recipient_ids), addresses, course.refused)
