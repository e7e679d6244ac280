import logging
from datetime import timedelta

import psycopg2

from odoo import SUPERUSER_ID, fields, models
from odoo.tools import SQL

from .back_off import next_attempt

_logger = logging.getLogger(__name__)

#: The caller itself may hold the lock that is waited for, which PostgreSQL cannot see.
LOCK_TIMEOUT = "SET LOCAL lock_timeout TO '5s'"


class MailOAuth2Pause(models.Model):
    """The time in which a mailbox sends nothing, because the provider or the network cannot.

    Noted in a transaction of its own: other processes have to know at once.
    """

    _name = "mail.oauth2.pause"
    _inherit = "mail.oauth2.remembered.error"
    _description = "Pause of a Mailbox"
    _rec_name = "mailbox_id"
    _log_access = False

    mailbox_id = fields.Many2one("mail.oauth2.mailbox", required=True, ondelete="cascade")
    until = fields.Datetime(required=True)
    failures = fields.Integer(help="How many attempts have failed in a row.")

    _unique_mailbox = models.Constraint("UNIQUE(mailbox_id)", "One pause per mailbox.")

    def _of(self, mailboxes):
        """Return the pauses of mailboxes, fresh from the database."""
        self.invalidate_model()
        return self.search([("mailbox_id", "in", mailboxes.ids)]) if mailboxes else self.browse()

    def _error_now(self):
        """Return the error that a mailbox pauses for with the time left, ``None`` if it may send.

        :param self: at most one pause
        """
        left = (self.until - fields.Datetime.now()).total_seconds() if self.until else 0
        # What is further away was noted by a clock that was ahead.
        if not 0 < left <= timedelta(days=2).total_seconds():
            return None
        error = self._last_error()
        error.retry_after = left
        return error

    def _begin(self, mailbox, error):
        """Let a mailbox pause after trouble that concerns all of its mail.

        :return: when it may send again, naive UTC
        """
        now = fields.Datetime.now()
        try:
            with self.env.registry.cursor() as cr:
                cr.execute(LOCK_TIMEOUT)
                own = self.with_env(self.env(cr=cr, user=SUPERUSER_ID, su=True, context={}))
                return own._write_pause(mailbox.id, error, now)
        except psycopg2.Error as trouble:
            # Somebody else notes the same at the same time, or the mailbox is not there yet.
            _logger.info("Mailbox %s: pause not noted: %s", mailbox.address, trouble)
            return next_attempt(now, 1, error.retry_after)

    def _write_pause(self, mailbox_id, error, now):
        pause = self.search([("mailbox_id", "=", mailbox_id)])
        failures = pause.failures + 1
        until = next_attempt(now, failures, error.retry_after)
        values = {"until": until, "failures": failures, **self._error_values(error)}
        if pause:
            pause.write(values)
        else:
            self.create({"mailbox_id": mailbox_id, **values})
        return until

    def _end(self):
        """The mailbox can send: the next trouble starts counting anew. Never raises."""
        for pause in self:
            query = SQL("DELETE FROM mail_oauth2_pause WHERE mailbox_id = %s", pause.mailbox_id.id)
            try:
                with self.env.registry.cursor() as cr:
                    cr.execute(LOCK_TIMEOUT)
                    cr.execute(query, log_exceptions=False)
            except psycopg2.Error as trouble:
                # Somebody else ends it too; otherwise it ends by itself.
                _logger.info("Pause %s not ended: %s", pause.id, trouble)
        self.invalidate_recordset()
