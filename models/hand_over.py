"""Hand mails over through one session, and keep what core's queue cannot carry."""

import itertools
import logging
from dataclasses import dataclass, field, replace
from datetime import UTC

from odoo.tools import email_normalize

from ..exceptions import (
    DeliveryUnknownError,
    MailOAuth2Error,
    PacedError,
    PersonNeededError,
    TransientError,
)
from ..providers.redaction import clean_text
from .attempt_journal import AttemptJournal, Pace

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Share:
    """Some of the recipients of one mail.

    Core hands a mail over once for the people its To and Cc name, and once per partner.

    :param partner_ids: ids of ``res.partner``
    :param group: whether the people in ``email_to`` and ``email_cc`` belong to it
    """

    partner_ids: frozenset = frozenset()
    group: bool = False

    def __or__(self, other):
        return Share(self.partner_ids | other.partner_ids, self.group or other.group)

    def __bool__(self):
        return bool(self.partner_ids or self.group)

    @classmethod
    def of(cls, partner_id):
        """Return the share that one hand-over serves; ``0`` or ``False`` is the group's."""
        return cls(frozenset([partner_id])) if partner_id else cls(group=True)


@dataclass
class MailCourse:
    """How the hand-overs of one mail went.

    :param turns: partner id (``False``: To and Cc) of each hand-over that core will make
    :param served: whom the provider accepted the mail for
    :param failed: whom the hand-over that raised :attr:`error` was for
    :param refused: ``{address: reply}`` of those not served by hand-overs that were accepted
    :param last_attempt: id of the last attempt in the journal
    :param settled: id of the last one that the mail's state told of before
    """

    turns: list = field(default_factory=list)
    current: Share = field(default_factory=lambda: Share(group=True))
    served: Share = field(default_factory=Share)
    failed: Share = field(default_factory=Share)
    refused: dict = field(default_factory=dict)
    error: MailOAuth2Error | None = None
    last_attempt: int = 0
    settled: int = 0


class HandOver:
    """What core calls ``smtp_session``: a session of ``transport/`` whose mails are journaled.

    :param session: :class:`..transport.MailSession`
    :param server: ``ir.mail_server`` that it belongs to
    """

    def __init__(self, session, server):
        self.session = session
        self.server = server
        self.mailbox = server.sudo().oauth2_mailbox_id
        self.journal = AttemptJournal(server.env.registry)
        # Read once: each commit of the queue empties the cache.
        self._pace = Pace(*server._oauth2_pace()) if self.mailbox else None
        self._whose = {
            "server_id": server.id,
            "mailbox_id": self.mailbox.id or None,
            "company_id": (server.company_id or server.env.company).id,
        }
        #: whether to keep to the mailbox's pace; who sends directly wants the mail out now
        self.is_paced = True
        #: the error after which no other mail can leave through this session for now
        self.stopped_by = None
        #: when the mailbox may send again after that, naive UTC; ``None`` if nobody can tell
        self.stopped_until = None
        #: the last pause of the mailbox, which ends with the first mail that is accepted
        self.pause = None
        self._places = itertools.count()
        self.mail = None
        self.course = MailCourse()

    # Read and set by core (``_prepare_email_message__``).
    @property
    def from_filter(self):
        return self.session.from_filter

    @property
    def smtp_from(self):
        return self.session.smtp_from

    @smtp_from.setter
    def smtp_from(self, address):
        self.session.smtp_from = address

    def open(self):
        """Connect and sign in.

        :raises MailOAuth2Error:
        """
        self.session.open()

    def quit(self):
        """End the session; never raises."""
        self.session.quit()
        self.journal.close()

    def close(self):
        """Drop the session; never raises."""
        self.session.close()
        self.journal.close()

    def stop(self, error):
        """Note an error that leaves no other mail of the mailbox a chance for now."""
        if not _stops(error):
            return
        self.stopped_by = error
        if self.mailbox and error.outcome == "later" and not isinstance(error, PacedError):
            pauses = self.server.env["mail.oauth2.pause"].sudo()
            self.stopped_until = pauses._begin(self.mailbox, error)

    def has_room(self):
        """Tell whether another mail may leave now; if not, :attr:`stopped_by` says why."""
        pace = self._pace if self.is_paced else None
        if pace and not self.stopped_by:
            try:
                self.journal.check_room(self.mailbox.id, pace)
            except TransientError as error:
                self.stop(error)
        return not self.stopped_by

    def next_place(self):
        """Return the next number, from 0, in the line of mails that the pace makes wait."""
        return next(self._places)

    def _end_pause(self):
        if self.pause:
            self.pause._end()
            self.pause = None

    def text_of(self, error, lang=None):
        """Return the words for an error, for whom this mailbox concerns.

        :param lang: the language of whoever reads them; the present user's if ``None``
        """
        words = self.server.env["mail.oauth2.error"]
        if lang:
            words = words.with_context(lang=lang)
        return words._text(error, personal=bool(self.mailbox.user_id))

    # ------------------------------------------------------------
    # ONE MAIL
    # ------------------------------------------------------------

    def begin_mail(self, mail, turns=()):
        """The hand-overs that follow are of this mail, one for each of ``turns``."""
        self.mail = mail
        self.course = MailCourse(turns=list(turns), settled=mail.oauth2_settled_attempt)

    def next_turn(self):
        """Core begins the next hand-over of the mail."""
        turns = self.course.turns
        self.course.current = Share.of(turns.pop(0) if turns else False)

    def send_message(self, message, smtp_from, smtp_to_list):
        """Hand one envelope over, noted before and after.

        :raises MailOAuth2Error:
        """
        course = self.course
        course.failed = course.current
        try:
            course.last_attempt = self._begin_attempt(message, smtp_to_list)
            result = self._submit(course.last_attempt, message, smtp_from, smtp_to_list)
        except MailOAuth2Error as error:
            course.error = error
            self.stop(error)
            raise
        finally:
            if not self.mail:
                # Core does not end a session that it made for one mail and that failed.
                self.journal.close()
        course.failed = Share()
        course.served |= course.current
        course.refused.update(result.refused)
        if result.trouble:
            self.stop(result.trouble)
        else:
            self._end_pause()
        return result

    def _begin_attempt(self, message, recipients):
        (partner_id,) = self.course.current.partner_ids or (0,)
        attempt = {
            "mail_ref": self.mail.id if self.mail else 0,
            "partner_ref": partner_id,
            "message_id": message["Message-Id"] or "",
            "recipients": "\n".join(recipients),
            "recipient_count": len(recipients),
            "settled": self.course.last_attempt or self.course.settled,
            **self._whose,
        }
        return self.journal.begin(attempt, self._pace if self.is_paced else None)

    def _submit(self, attempt_id, message, smtp_from, recipients):
        try:
            result = _storable(self._send_surely(message, smtp_from, recipients))
        except MailOAuth2Error as error:
            _make_storable(error)
            self.journal.end(attempt_id, error.outcome, **_columns(error))
            raise
        self.journal.end(
            attempt_id,
            "accepted",
            reply=result.reply,
            request_id=result.request_id,
            refused=result.refused,
        )
        return result

    def _send_surely(self, message, smtp_from, recipients):
        """Let the session send; a defect within it leaves in doubt whether the mail went out."""
        try:
            return self.session.send_message(message, smtp_from, recipients)
        except (MailOAuth2Error, MemoryError):
            raise
        except Exception as defect:
            _logger.exception("Nobody knows whether the mail %s was sent", message["Message-Id"])
            raise DeliveryUnknownError("delivery_unknown", provider_text=repr(defect)) from defect

    def note_failed_opening(self, error):
        """Keep in the history that no mail could even be tried."""
        nobody = dict.fromkeys(("mail_ref", "partner_ref", "recipient_count"), 0)
        attempt = {**nobody, "settled": 0, "message_id": None, "recipients": None, **self._whose}
        try:
            attempt_id = self.journal.begin(attempt)
        except TransientError:
            return
        self.journal.end(attempt_id, error.outcome, **_columns(error))

    # ------------------------------------------------------------
    # LOOKING UP
    # ------------------------------------------------------------

    @property
    def can_look_up(self):
        """Whether the provider can be asked what became of a hand-over."""
        return getattr(self.session, "can_look_up", False)

    def was_sent(self, attempt):
        """Return whether a hand-over of unknown end was accepted, ``None`` if nobody can tell.

        That a mail is not found proves something only where a mail that was accepted is found:
        a provider may replace Message-IDs.

        :param attempt: record of ``mail.oauth2.attempt``
        :raises MailOAuth2Error: the provider could not be asked
        """
        if attempt.mailbox_id != self.mailbox:
            # Another one cannot tell, such as a fallback's.
            return None
        tried = len(attempt._tried_addresses())
        if tried > (self.session.max_recipients or tried):
            # Handed over in parts, and each of them is a message of its own.
            return None
        if self._finds(attempt):
            return True
        known = attempt.search(
            [
                ("mailbox_id", "=", self.mailbox.id),
                ("outcome", "=", "accepted"),
                ("error_key", "=", False),
                ("message_id", "not in", (False, "", attempt.message_id)),
            ],
            limit=1,
        )
        return False if known and self._finds(known) else None

    def _finds(self, attempt):
        addresses = [email_normalize(address) or address for address in attempt._tried_addresses()]
        since = attempt.started_at.replace(tzinfo=UTC)
        return self.session.find_sent(attempt.message_id, addresses, since)


def _stops(error):
    """Tell whether no other mail can leave either."""
    if isinstance(error, TransientError):
        return error.stops_mailbox
    return isinstance(error, PersonNeededError)


def _storable(result):
    """Return an answer whose texts the database can store, wherever they came from."""
    refused = {address: clean_text(reply) for address, reply in result.refused.items()}
    return replace(result, reply=clean_text(result.reply), refused=refused)


def _make_storable(error):
    error.provider_text = clean_text(error.provider_text)
    if getattr(error, "refused", None):
        error.refused = {address: clean_text(reply) for address, reply in error.refused.items()}


def _columns(error):
    return {
        "error_key": error.key,
        "reply": error.provider_text,
        "request_id": error.request_id,
        "refused": getattr(error, "refused", None),
    }
