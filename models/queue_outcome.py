"""Turn the outcome of a hand-over into the state of queued mails: the only place that does.

==========  ==============================================================================
outcome     what becomes of the mail
==========  ==============================================================================
later       stays *outgoing* until its next attempt; *failed* once the limit has passed
held        stays *outgoing* until somebody has acted on the mailbox; looked at once an hour,
            so that the queue gets on with other mails meanwhile; *failed* after the limit
refused     *failed*, with the reason
unknown     looked up later where the provider can be asked, else *failed*: it may have been
            delivered, so it is never sent again by itself
==========  ==============================================================================

Recipients who were served before the trouble began never get the mail again, and those whose
turn had not come do not share the fate of one that was refused.
"""

import logging
from datetime import timedelta

from odoo import SUPERUSER_ID, fields

from ..exceptions import PacedError
from .back_off import next_attempt
from .recipients_split import (
    part_served,
    part_unserved,
    part_untried,
    pending_notifications,
    wake_queue,
)

_logger = logging.getLogger(__name__)

#: hours after which a mail that cannot be handed over is given up, if the system parameter
#: ``mail_server_oauth2.limit_hours`` says nothing else
LIMIT_HOURS = 48
#: minutes after which a held mail is looked at again, though nobody has acted
HELD_PAUSE = 60
#: minutes until a mail that was accepted is surely found among the sent ones
LOOK_UP_AFTER = 5
#: minutes by which a mail that stops its mailbox again and again steps back behind the others
STEP_BACK = 2
#: ``failure_type`` of mails and notifications by the error's key; others are just refused
FAILURE_TYPES = {
    "outbound_spam": "mail_spam",
    "message_too_large": "mail_oauth2_size",
    "send_as_denied": "mail_oauth2_sender",
    "sender_authentication_level": "mail_oauth2_sender",
    "address_invalid": "mail_oauth2_recipient",
    "no_recipients": "mail_oauth2_recipient",
    "recipient_domain_unknown": "mail_oauth2_recipient",
    "recipient_invalid": "mail_oauth2_recipient",
    "recipient_unknown": "mail_oauth2_recipient",
}


class QueueOutcome:
    """What an error means for mails that were to be handed over.

    :param mails: ``mail.mail`` records that met this error
    :param error: an error of :mod:`..exceptions`
    :param hand_over: the :class:`..hand_over.HandOver` that they were to leave through
    """

    def __init__(self, mails, error, hand_over):
        self.mails = mails
        self.error = error
        self.hand_over = hand_over
        self.env = mails.env
        self._reasons = {}

    def apply_to_one(self, course):
        """Write the state of the mail whose own hand-over ended with the error.

        :param course: :class:`..hand_over.MailCourse` of the mail
        :return: the mails that are failed for good
        """
        part_served(self.mails, course)
        if self.error.outcome in ("refused", "unknown"):
            wake_queue(part_untried(self.mails, course))
        if self.error.outcome == "unknown" and course.failed.group:
            part_unserved(self.mails, getattr(self.error, "refused", None))
        if self.error.outcome == "later" and not isinstance(self.error, PacedError):
            self.mails.oauth2_attempts += 1
        failed = self._apply()
        if not failed and not isinstance(self.error, PacedError):
            self.hand_over.journal.plan(course.last_attempt, self.mails.scheduled_date)
        return failed

    def fail_one(self, course):
        """Fail the mail for those whom its hand-over failed for, and for nobody else.

        :return: the mail
        """
        part_served(self.mails, course)
        wake_queue(part_untried(self.mails, course))
        return self._fail()

    def apply_to_all(self):
        """Write the state of mails that could not even be tried; no attempt is counted.

        :return: the mails that are failed for good
        """
        return self._apply()

    def _apply(self):
        states = {"later": self._postpone, "held": self._hold, "unknown": self._look_up_later}
        return states.get(self.error.outcome, self._fail)()

    # ------------------------------------------------------------
    # WAITING
    # ------------------------------------------------------------

    def _postpone(self):
        if isinstance(self.error, PacedError):
            self._spread()
            return self.mails.browse()
        # Another kind of waiting has its own time.
        self.mails.filtered("oauth2_held_by_id").oauth2_waiting_since = False
        waiting = self._start_waiting()
        for scheduled_date, mails in waiting.grouped(self._next_attempt).items():
            self._keep_waiting(mails, scheduled_date=scheduled_date, oauth2_held_by_id=False)
        wake_queue(waiting)
        return self._give_up(self.mails - waiting)

    def _next_attempt(self, mail):
        stop = self.hand_over.stopped_until
        if not stop:
            now = fields.Datetime.now()
            return next_attempt(now, max(mail.oauth2_attempts, 1), self.error.retry_after)
        # Who stopped the mailbox more than once goes behind the others: maybe it is the mail.
        behind = min(max(mail.oauth2_attempts - 1, 0) * STEP_BACK, 20 * STEP_BACK)
        return stop + timedelta(minutes=behind)

    def _spread(self):
        """Give each mail a time at which the pace of its mailbox has room for it.

        That is no trouble: it counts neither as an attempt nor as time spent waiting.
        """
        start = fields.Datetime.now() + timedelta(seconds=self.error.retry_after)
        at_once = self.error.messages or len(self.mails)
        minutes = self.mails.grouped(lambda _mail: self.hand_over.next_place() // at_once)
        for minute, mails in minutes.items():
            # A little more than a minute: what left late in one must not meet the next.
            later = start + timedelta(seconds=61 * minute)
            self._keep_waiting(mails, scheduled_date=later, oauth2_held_by_id=False)
            wake_queue(mails)

    def _hold(self):
        """Wait for a person; that says nothing of the mail."""
        self.mails.filtered(lambda mail: not mail.oauth2_held_by_id).oauth2_waiting_since = False
        waiting = self._start_waiting()
        self._keep_waiting(
            waiting,
            "mail_oauth2_held",
            scheduled_date=fields.Datetime.now() + timedelta(minutes=HELD_PAUSE),
            oauth2_held_by_id=self.hand_over.server.id,
            oauth2_attempts=0,
        )
        return self._give_up(self.mails - waiting)

    def _look_up_later(self):
        if not self.hand_over.can_look_up:
            return self._fail()
        later = fields.Datetime.now() + timedelta(minutes=LOOK_UP_AFTER)
        self._keep_waiting(self.mails, scheduled_date=later)
        # What is settled ends before the attempt that is to be looked up.
        self.mails.oauth2_settled_attempt = self.hand_over.course.last_attempt - 1
        wake_queue(self.mails)
        return self.mails.browse()

    def _start_waiting(self):
        """Return the mails that have not waited too long, and note since when they wait."""
        now = fields.Datetime.now()
        limit = now - timedelta(hours=limit_hours(self.env))
        waiting = self.mails.filtered(lambda mail: (mail.oauth2_waiting_since or now) > limit)
        waiting.filtered(lambda mail: not mail.oauth2_waiting_since).oauth2_waiting_since = now
        return waiting

    def _keep_waiting(self, mails, failure_type=False, **values):
        values |= {"state": "outgoing", "failure_type": False}
        for lang, of_language in mails.grouped(reader_language).items():
            reason = self._reason(lang)
            of_language.write({"failure_reason": reason, **values})
            pending_notifications(of_language).write(
                {
                    "notification_status": "ready",
                    "failure_type": failure_type,
                    "failure_reason": reason if failure_type else False,
                }
            )

    def _reason(self, lang):
        if lang not in self._reasons:
            self._reasons[lang] = self.hand_over.text_of(self.error, lang)
        return self._reasons[lang]

    # ------------------------------------------------------------
    # FAILING
    # ------------------------------------------------------------

    def _give_up(self, mails):
        for lang, of_language in mails.grouped(reader_language).items():
            story = self.env(context={**self.env.context, "lang": lang})._(
                "Given up after %(hours)s hours. The last answer was:\n%(reason)s",
                hours=limit_hours(self.env),
                reason=self._reason(lang),
            )
            self._write_failure(of_language, "mail_oauth2_given_up", story)
        return mails

    def _fail(self):
        for lang, of_language in self.mails.grouped(reader_language).items():
            self._write_failure(of_language, failure_type(self.error), self._reason(lang))
        return self.mails

    def _write_failure(self, mails, kind, reason):
        mails.write(
            {
                "state": "exception",
                "failure_type": kind,
                "failure_reason": reason,
                "oauth2_held_by_id": False,
            }
        )


def reader_language(mail):
    """Return the language of whoever wrote a mail; of its company if nobody did.

    The queue itself runs as nobody in particular.
    """
    mail = mail.sudo()
    if mail.create_uid and mail.create_uid.id != SUPERUSER_ID:
        return mail.create_uid.lang
    company = mail.record_company_id or mail.env.company
    return company.partner_id.lang or mail.env.lang


def failure_type(error):
    """Return the ``failure_type`` that tells of an error which ends a mail."""
    if error.outcome == "unknown":
        return "mail_oauth2_unknown"
    is_recipient = bool(getattr(error, "refused", None))
    default = "mail_oauth2_recipient" if is_recipient else "mail_oauth2_refused"
    return FAILURE_TYPES.get(error.key, default)


def limit_hours(env):
    """Return the hours after which a mail is given up."""
    name = "mail_server_oauth2.limit_hours"
    value = env["ir.config_parameter"].sudo().get_param(name, LIMIT_HOURS)
    try:
        return float(value)
    except ValueError:
        _logger.warning("System parameter %s: %r is no number", name, value)
        return LIMIT_HOURS
