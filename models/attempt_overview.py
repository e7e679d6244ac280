from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

#: days that the reasons named first are of
REASON_DAYS = 7
#: reasons that are named
TOP = 3
#: mailboxes that are named; the list of them has a filter for the others
MOST_BLOCKED = 10
#: recipients that a line of a list names
MOST_RECIPIENTS = 3


def in_a_line(addresses, most=MOST_RECIPIENTS):
    """Return the first of some addresses, and how many more there are."""
    more = [f"+{len(addresses) - most}"] if len(addresses) > most else []
    return ", ".join([*addresses[:most], *more])


class MailOAuth2Attempt(models.Model):
    """What administrators look at: how hand-overs ended, by day, mailbox and reason."""

    _inherit = "mail.oauth2.attempt"

    recipient_line = fields.Char(string="Recipients in a Line", compute="_compute_recipient_line")
    error_id = fields.Many2one(
        "mail.oauth2.error",
        string="Reason",
        compute="_compute_error_id",
        search="_search_error_id",
        help="Why the provider did not take the mail, in plain words.",
    )

    error_remedy = fields.Text(string="What to Do", compute="_compute_error_remedy")
    mail_exists = fields.Boolean(compute="_compute_mail_exists")

    # Rows come in the order of time, so the smallest kind of index finds a span of days.
    _of_time = models.Index("USING brin (started_at)")

    # ------------------------------------------------------------
    # RECIPIENTS
    # ------------------------------------------------------------

    @api.depends("recipients", "mail_ref")
    def _compute_recipient_line(self):
        for attempt in self:
            if attempt.mail_ref or attempt.recipients:
                attempt.recipient_line = in_a_line(attempt._recipients())
            else:
                # No mail was tried: the mailbox could not be reached for any.
                attempt.recipient_line = self.env._("All mails of the mailbox")

    @api.depends("recipients", "mailbox_id")
    def _compute_display_name(self):
        for attempt in self:
            addresses = attempt._recipients() or [attempt.mailbox_id.address or ""]
            attempt.display_name = in_a_line(addresses, most=1)

    def _recipients(self):
        return (self.recipients or "").splitlines()

    # ------------------------------------------------------------
    # REASON
    # ------------------------------------------------------------

    @api.depends("error_key")
    def _compute_error_id(self):
        errors = self.env["mail.oauth2.error"].search([("key", "in", self.mapped("error_key"))])
        by_key = {error.key: error for error in errors}
        for attempt in self:
            attempt.error_id = by_key.get(attempt.error_key, False)

    @api.depends("error_key")
    def _compute_error_remedy(self):
        for attempt in self:
            key = attempt.error_key
            attempt.error_remedy = key and self.env["mail.oauth2.error"]._explain(key)["remedy"]

    def _search_error_id(self, operator, value):
        errors = self.env["mail.oauth2.error"]
        if operator == "any":
            return [("error_key", "in", errors.search(value).mapped("key"))]
        if operator != "in":
            return NotImplemented
        keys = errors.browse(error_id for error_id in value if error_id).mapped("key")
        return [("error_key", "in", [*keys, False] if False in value else keys)]

    def _field_to_sql(self, alias, field_expr, query=None):
        """Let rows be grouped by reason; the row itself has only the key of it."""
        if field_expr != "error_id":
            return super()._field_to_sql(alias, field_expr, query)
        return SQL(
            "(SELECT error.id FROM mail_oauth2_error error WHERE error.key = %s)",
            self._field_to_sql(alias, "error_key", query),
        )

    # ------------------------------------------------------------
    # MAIL
    # ------------------------------------------------------------

    def _compute_mail_exists(self):
        """Most mails are deleted once they are sent."""
        mails = self.env["mail.mail"].browse({attempt.mail_ref for attempt in self}).exists()
        for attempt in self:
            attempt.mail_exists = attempt.mail_ref in mails.ids

    def action_open_mail(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "mail.mail",
            "res_id": self.mail_ref,
            "view_mode": "form",
        }

    # ------------------------------------------------------------
    # OVERVIEW
    # ------------------------------------------------------------

    @api.model
    def overview(self):
        """Return what has left, what has not, and why; asks nobody outside.

        :return: dict ``sent`` (attempts accepted within a day), ``mails`` (``{kind: number}``
            for the kinds of ``mail.mail._queue_domains``), ``mailboxes`` that need a person
            (``id, address, state, label``), ``reasons`` of :data:`REASON_DAYS` days
            (``id, cause, count``), most frequent first
        """
        self.check_access("read")
        mails = self.env["mail.mail"]
        domains = mails._queue_domains()
        return {
            "sent": self._count_sent(),
            "mails": {kind: mails.search_count(domain) for kind, domain in domains.items()},
            "mailboxes": self._blocked_mailboxes(),
            "reasons": self._top_reasons(),
        }

    def _count_sent(self):
        since = fields.Datetime.now() - timedelta(days=1)
        return self.search_count([("outcome", "=", "accepted"), ("started_at", ">=", since)])

    def _blocked_mailboxes(self):
        mailboxes = self.env["mail.oauth2.mailbox"].search([("server_ids", "!=", False)])
        return [
            {
                "id": mailbox.id,
                "address": mailbox.address,
                "state": mailbox.state,
                "label": mailbox._state_label(),
            }
            for mailbox in mailboxes.filtered(lambda mailbox: mailbox._is_blocked())[:MOST_BLOCKED]
        ]

    def _top_reasons(self):
        since = fields.Datetime.now() - timedelta(days=REASON_DAYS)
        rows = self._read_group(
            [("started_at", ">=", since), ("error_id", "!=", False)],
            ["error_id"],
            ["__count"],
            order="__count DESC",
            limit=TOP,
        )
        return [
            {"id": error.id, "cause": error.display_name, "count": count} for error, count in rows
        ]


class MailOAuth2ErrorMeaning(models.Model):
    _inherit = "mail.oauth2.error"

    _rec_names_search = ["key", "cause"]

    @api.depends("key", "cause")
    @api.depends_context("lang")
    def _compute_display_name(self):
        """Call an error by what it means."""
        causes = self._causes(self.mapped("key"))
        for error in self:
            error.display_name = causes.get(error.key, error.key)
