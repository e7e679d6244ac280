"""Send the mails of one batch of the queue, each on its own, committed in groups.

Core commits after every mail, because what it has not committed goes out again after a crash.
Here the journal of attempts remembers what went out: a mail whose commit was lost is settled by
it and not handed over again. So the queue commits once a second, which spares most of what
reading everything anew after each commit costs.
"""

# The queue commits its own progress, as core's does.
# pylint: disable=invalid-commit
import logging
import time

import psycopg2

from ..exceptions import TransientError
from ..providers.redaction import clean_text
from .queue_outcome import QueueOutcome

_logger = logging.getLogger(__name__)

#: most seconds, and most mails, between two commits
COMMIT_EVERY = 1.0
COMMIT_AFTER = 20


class QueueRun:
    """One batch of the queue, which all leaves through one session.

    :param mails: ``mail.mail`` records
    :param dict options: the arguments of core's ``_send``
    """

    def __init__(self, mails, options):
        self._mails = mails
        self._options = options
        self._hand_over = options["smtp_session"]
        self._cr = mails.env.cr
        self._group = []
        self._last_commit = time.monotonic()

    def run(self):
        """Send all; what cannot leave now gets a time."""
        for position, mail_id in enumerate(self._mails.ids):
            if not self._hand_over.has_room() or self._is_time_over():
                self._commit()
                return self._leave(self._mails[position:])
            if not self._send(mail_id):
                self._settle_group()
            elif self._is_commit_due():
                self._commit()
        return self._commit()

    def _leave(self, rest):
        if self._hand_over.stopped_by:
            rest._wait_for(self._hand_over, self._hand_over.stopped_by)
            self._cr.commit()

    def _send(self, mail_id):
        """Send one mail; return ``False`` if everything since the last commit is undone."""
        # Alone, so that what is read after a commit is not read for all the others too.
        mail = self._mails.browse(mail_id)
        try:
            if mail._may_be_handed_over(self._hand_over, wait=False):
                mail._hand_over(self._options)
            self._group.append(mail_id)
        except MemoryError:
            raise
        except psycopg2.OperationalError:
            # The database is gone, or another process was faster. Nothing is written, and
            # the journal knows what went out.
            _logger.exception("Mail %s: left as it is for the next run", mail_id)
            self._cr.rollback()
        except Exception as error:
            _logger.exception("Mail %s cannot be processed", mail_id)
            self._cr.rollback()
            self._put_aside(mail, error)
        else:
            return True
        return False

    def _put_aside(self, mail, error):
        """Let a mail wait that nobody can make an e-mail of."""
        trouble = TransientError(
            "mail_not_processed", provider_text=clean_text(str(error)), stops_mailbox=False
        )
        try:
            mail.oauth2_attempts += 1
            QueueOutcome(mail, trouble, self._hand_over).apply_to_all()._postprocess_failed()
            self._cr.commit()
        except Exception:
            # Whatever is in the way of this mail is not in the way of the next one.
            _logger.exception("Mail %s cannot even be put aside", mail.id)
            self._cr.rollback()

    # ------------------------------------------------------------
    # COMMITTING
    # ------------------------------------------------------------

    def _is_time_over(self):
        progress = self._mails.env.context.get("mail_oauth2_progress")
        return bool(progress and progress.is_time_over)

    def _is_commit_due(self):
        waited = time.monotonic() - self._last_commit
        return waited > COMMIT_EVERY or len(self._group) >= COMMIT_AFTER

    def _commit(self):
        """Commit the group; if another process is in the way, mail by mail."""
        try:
            self._cr.commit()
        except psycopg2.OperationalError:
            _logger.warning("A group of %s mails is committed one by one", len(self._group))
            self._cr.rollback()
            return self._settle_group()
        self._tell(self._group)
        self._group = []
        self._last_commit = time.monotonic()
        return None

    def _settle_group(self):
        """Give mails that were handed over, and whose states are undone, these states again."""
        undone, self._group = self._group, []
        for mail_id in undone:
            if self._send(mail_id):
                self._commit_one(mail_id)
        self._group = []
        self._last_commit = time.monotonic()

    def _commit_one(self, mail_id):
        try:
            self._cr.commit()
            self._tell([mail_id])
        except psycopg2.OperationalError:
            _logger.exception("Mail %s: left to the next run", mail_id)
            self._cr.rollback()

    def _tell(self, mail_ids):
        callback = self._options["post_send_callback"]
        if callback and mail_ids:
            callback(mail_ids)
