"""Write down every hand-over before it begins and after it ended, whatever the caller does."""

# A connection of its own is committed here, never the caller's.
# pylint: disable=invalid-commit

import json
import logging
import time
import zlib

import psycopg2

from ..exceptions import PacedError, TransientError

_logger = logging.getLogger(__name__)

#: first keys of PostgreSQL's advisory locks: an attempt under way, the pace of a mailbox
IN_FLIGHT = zlib.crc32(b"mail_server_oauth2 attempt") - 2**31
PACE = zlib.crc32(b"mail_server_oauth2 pace") - 2**31
#: seconds that a row somebody else has locked is waited for
LOCK_TIMEOUT = 5
#: seconds between the tries to write down an answer while the database restarts
PATIENCE = (0, 0.2, 0.5, 1, 2, 4, 8)
#: seconds that a minute's limit looks back, and a day's
MINUTE, DAY = 60, 86_400

_BEGIN = """
    SET LOCAL synchronous_commit TO on;
    INSERT INTO mail_oauth2_attempt (
        started_at, outcome, mail_ref, partner_ref, message_id, recipients, recipient_count,
        server_id, mailbox_id, company_id)
    SELECT
        clock_timestamp() AT TIME ZONE 'UTC', 'in_flight', %(mail_ref)s, %(partner_ref)s,
        %(message_id)s, %(recipients)s, %(recipient_count)s,
        (SELECT id FROM ir_mail_server WHERE id = %(server_id)s),
        (SELECT id FROM mail_oauth2_mailbox WHERE id = %(mailbox_id)s),
        (SELECT id FROM res_company WHERE id = %(company_id)s)
     WHERE %(mail_ref)s = 0 OR NOT EXISTS (
           SELECT 1 FROM mail_oauth2_attempt
            WHERE mail_ref = %(mail_ref)s AND id > %(settled)s)
    RETURNING id, pg_try_advisory_lock(%(lock)s, id)
"""
_END = """
    UPDATE mail_oauth2_attempt
       SET ended_at = clock_timestamp() AT TIME ZONE 'UTC',
           outcome = %(outcome)s, error_key = %(error_key)s, reply = %(reply)s,
           request_id = %(request_id)s, refused = %(refused)s,
           recipient_count = recipient_count - %(refused_count)s
     WHERE id = %(id)s AND outcome IN ('in_flight', 'unknown')
 RETURNING pg_advisory_unlock(%(lock)s, id)
"""
_NTH_LAST = """
    SELECT EXTRACT(EPOCH FROM started_at + %(window)s * interval '1 second'
                              - clock_timestamp() AT TIME ZONE 'UTC')
      FROM mail_oauth2_attempt
     WHERE mailbox_id = %(mailbox_id)s AND outcome <> 'later'
       AND started_at > clock_timestamp() AT TIME ZONE 'UTC' - %(window)s * interval '1 second'
       AND started_at <= clock_timestamp() AT TIME ZONE 'UTC'
  ORDER BY started_at DESC
    OFFSET %(limit)s - 1
     LIMIT 1
"""
_NTH_LAST_RECIPIENT = """
    SELECT EXTRACT(EPOCH FROM started_at + %(window)s * interval '1 second'
                              - clock_timestamp() AT TIME ZONE 'UTC')
      FROM (SELECT started_at, SUM(recipient_count) OVER (ORDER BY started_at DESC) AS total
              FROM mail_oauth2_attempt
             WHERE mailbox_id = %(mailbox_id)s AND outcome <> 'later'
               AND started_at > clock_timestamp() AT TIME ZONE 'UTC'
                                - %(window)s * interval '1 second'
               AND started_at <= clock_timestamp() AT TIME ZONE 'UTC') AS window_of_a_day
     WHERE total > %(limit)s - %(wanted)s
  ORDER BY started_at DESC
     LIMIT 1
"""


class AttemptJournal:
    """Rows of ``mail.oauth2.attempt`` in a connection of its own, each change committed at once.

    While an attempt is under way its connection holds an advisory lock on it. PostgreSQL drops
    the lock with the connection, so whoever can take it knows that the process is gone and
    that nobody knows how the hand-over ended.

    :param registry: of the database
    """

    def __init__(self, registry):
        self._registry = registry
        self._cr = None
        #: ids of attempts whose end was not noted
        self._open_attempts = set()

    def begin(self, attempt, pace=None):
        """Note that a hand-over begins now; nothing may go out before this has returned.

        :param dict attempt: columns of the row, and ``settled``: id of the last attempt at the mail
            that the caller knows of
        :param Pace pace: the limits to keep to, ``None`` for no matter what
        :return: id of the row
        :raises PacedError: the limits leave no room now; nothing was noted
        :raises TransientError: the journal cannot be written, or it has an attempt at the mail
            that the caller does not know of
        """
        try:
            cr = self._cursor()
            if pace:
                self._check_pace(cr, attempt, pace)
            cr.execute(_BEGIN, {**attempt, "lock": IN_FLIGHT})
            row = cr.fetchone()
            cr.commit()
        except psycopg2.Error as error:
            self._drop()
            raise TransientError("journal_unavailable", provider_text=str(error)) from error
        except PacedError:
            cr.rollback()
            raise
        if not row:
            raise TransientError("mail_taken", stops_mailbox=False, retry_after=LOCK_TIMEOUT)
        self._open_attempts.add(row[0])
        return row[0]

    def check_room(self, mailbox_id, pace):
        """See whether a mailbox may send one more mail now.

        :raises PacedError:
        :raises TransientError: the journal cannot be read
        """
        try:
            cr = self._cursor()
            self._check_pace(cr, {"mailbox_id": mailbox_id, "recipient_count": 1}, pace)
        except psycopg2.Error as error:
            self._drop()
            raise TransientError("journal_unavailable", provider_text=str(error)) from error
        finally:
            if self._cr:
                self._cr.rollback()

    def end(self, attempt_id, outcome, **columns):
        """Note how a hand-over ended.

        Tries for some seconds: while the database restarts nobody else knows the answer. If it
        cannot be written, the row stays under way and its end counts as unknown.

        :param refused: ``{address: reply}`` of the recipients who were not served
        """
        refused = columns.get("refused") or {}
        values = {
            "id": attempt_id,
            "outcome": outcome,
            "lock": IN_FLIGHT,
            "error_key": columns.get("error_key"),
            "reply": columns.get("reply"),
            "request_id": columns.get("request_id"),
            "refused": json.dumps(refused) if refused else None,
            "refused_count": len(refused),
        }
        if self._write(_END, values):
            self._open_attempts.discard(attempt_id)

    def plan(self, attempt_id, next_attempt):
        """Note when a mail is tried again."""
        self._write(
            "UPDATE mail_oauth2_attempt SET next_attempt = %(at)s WHERE id = %(id)s",
            {"id": attempt_id, "at": next_attempt},
        )

    def close(self):
        """Give the connection back, without the locks of attempts that have no end.

        The pool keeps the connection, and with it the locks: such an attempt would count as
        under way for as long as this process lives.
        """
        if self._cr:
            try:
                self._unlock()
                self._cr.close()
            except psycopg2.Error:
                _logger.debug("The journal's connection was lost already")
        self._cr = None

    def _unlock(self):
        attempt_ids, self._open_attempts = self._open_attempts, set()
        for attempt_id in attempt_ids:
            self._cr.execute("SELECT pg_advisory_unlock(%s, %s)", [IN_FLIGHT, attempt_id])

    def _write(self, query, values):
        """Return whether a row could be written. Never raises: the mail is out already."""
        for pause in PATIENCE:
            time.sleep(pause)
            try:
                cr = self._cursor()
                cr.execute(query, values)
                cr.commit()
            except psycopg2.Error as error:
                self._drop()
                _logger.warning("Attempt %s not written yet: %s", values["id"], error)
            except ValueError:
                # psycopg2 cannot send such a text, whatever the database says.
                _logger.exception("Attempt %s cannot be written", values["id"])
                return False
            else:
                return True
        _logger.error("Attempt %s: its end could not be written", values["id"])
        return False

    def _cursor(self):
        if self._cr is None:
            self._cr = self._registry.cursor()
            # Answers need not wait for the disk: an attempt whose answer was lost with the whole
            # machine counts as unknown.
            self._cr.execute(
                "SELECT set_config('lock_timeout', %s, false),"
                " set_config('synchronous_commit', 'off', false)",
                [f"{LOCK_TIMEOUT}s"],
            )
            self._cr.commit()
        return self._cr

    def _drop(self):
        """Close a connection in trouble; its locks end with it."""
        if self._cr:
            try:
                self._cr.rollback()
            except psycopg2.Error:
                _logger.debug("The journal's connection was lost")
        self.close()

    def _check_pace(self, cr, attempt, pace):
        cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PACE, attempt["mailbox_id"]])

        def wait(query, window, limit):
            if not limit:
                return None
            wanted = min(attempt["recipient_count"], limit)
            values = {"window": window, "limit": limit, "wanted": wanted}
            cr.execute(query, {**values, "mailbox_id": attempt["mailbox_id"]})
            row = cr.fetchone()
            return float(row[0]) if row and row[0] > 0 else None

        if seconds := wait(_NTH_LAST, MINUTE, pace.per_minute):
            raise PacedError(
                "pace_minute",
                retry_after=seconds,
                messages=pace.per_minute,
                details={"limit": pace.per_minute},
            )
        if seconds := wait(_NTH_LAST, DAY, pace.per_day):
            raise PacedError("pace_day", retry_after=seconds, details={"limit": pace.per_day})
        if seconds := wait(_NTH_LAST_RECIPIENT, DAY, pace.recipients_per_day):
            raise PacedError(
                "pace_recipients",
                retry_after=seconds,
                details={"limit": pace.recipients_per_day},
            )


class Pace:
    """How fast a mailbox may send; 0 stands for no limit.

    :param per_minute: messages in any 60 seconds
    :param per_day: messages in any 24 hours
    :param recipients_per_day: recipients in any 24 hours
    """

    def __init__(self, per_minute=0, per_day=0, recipients_per_day=0):
        self.per_minute = per_minute
        self.per_day = per_day
        self.recipients_per_day = recipients_per_day

    def __bool__(self):
        return any((self.per_minute, self.per_day, self.recipients_per_day))
