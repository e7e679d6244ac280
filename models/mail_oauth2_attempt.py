from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

#: days that the history of hand-overs is kept, if ``mail_server_oauth2.keep_attempts_days``
#: says nothing else
KEEP_DAYS = 90
#: rows that the daily clean-up removes at a time
GC_LIMIT = 10_000


class MailOAuth2Attempt(models.Model):
    """One attempt to hand one envelope over to a provider.

    Rows are written by :class:`..attempt_journal.AttemptJournal` in transactions of their own,
    before the hand-over and after it, so that they tell the truth whatever becomes of the
    process and of its transaction. For the same reason they name the mail by its bare id: it
    may not be committed yet, or be gone already.
    """

    _name = "mail.oauth2.attempt"
    _description = "Hand-over of a Mail"
    _order = "id desc"
    _rec_name = "message_id"
    _log_access = False

    started_at = fields.Datetime(string="Handed Over On", readonly=True)
    ended_at = fields.Datetime(string="Answered On", readonly=True)
    outcome = fields.Selection(
        [
            ("in_flight", "Under way"),
            ("accepted", "Accepted"),
            ("later", "Try later"),
            ("held", "Held"),
            ("refused", "Refused"),
            ("unknown", "Unknown"),
        ],
        required=True,
        readonly=True,
    )
    mail_ref = fields.Integer(string="Mail ID", readonly=True, aggregator=None)
    partner_ref = fields.Integer(
        string="Contact ID",
        readonly=True,
        aggregator=None,
        help="0 for the people that the mail itself names in To and Cc.",
    )
    message_id = fields.Char(string="Message-ID", readonly=True)
    recipients = fields.Text(readonly=True, help="The addresses of the envelope, one per line.")
    recipient_count = fields.Integer(string="Recipients Served or Tried", readonly=True)
    refused = fields.Json(readonly=True, help="Replies by address, of those not served.")
    server_id = fields.Many2one("ir.mail_server", readonly=True, ondelete="set null")
    mailbox_id = fields.Many2one("mail.oauth2.mailbox", readonly=True, ondelete="set null")
    company_id = fields.Many2one("res.company", readonly=True, ondelete="cascade")
    error_key = fields.Char(string="Error", readonly=True)
    reply = fields.Text(string="Provider's Words", readonly=True)
    request_id = fields.Char(string="Request ID", readonly=True)
    next_attempt = fields.Datetime(readonly=True)

    _of_mail = models.Index("(mail_ref, id)")
    _of_mailbox = models.Index("(mailbox_id, started_at) INCLUDE (recipient_count)")

    def _tried_addresses(self):
        """Return the addresses of the envelope but those that were surely not served."""
        refused = self.refused or {}
        return [line for line in (self.recipients or "").splitlines() if line not in refused]

    @api.autovacuum
    def _gc_attempts(self):
        """Forget what is long over; what nobody has settled stays as long as its mail."""
        days = int(
            self.env["ir.config_parameter"]
            .sudo()
            .get_param("mail_server_oauth2.keep_attempts_days", KEEP_DAYS)
        )
        if not days:
            return None
        limit = fields.Datetime.now() - timedelta(days=days)
        deleted = self.env.execute_query(
            SQL(
                """DELETE FROM mail_oauth2_attempt WHERE id IN (
                        SELECT attempt.id
                          FROM mail_oauth2_attempt attempt
                     LEFT JOIN mail_mail mail
                            ON mail.id = attempt.mail_ref AND mail.state = 'outgoing'
                         WHERE attempt.started_at < %s AND mail.id IS NULL
                         LIMIT %s)
                   RETURNING id""",
                limit,
                GC_LIMIT,
            )
        )
        self.invalidate_model()
        return len(deleted), len(deleted) == GC_LIMIT
