from babel.dates import format_timedelta

from odoo import fields, models
from odoo.tools import babel_locale_parse, formataddr
from odoo.tools.misc import format_datetime, get_lang


class MailOAuth2Mailbox(models.Model):
    """The status block: one rendering for every screen that shows a mailbox."""

    _inherit = "mail.oauth2.mailbox"

    status_html = fields.Html(string="Status", compute="_compute_status_html", sanitize=False)

    def _compute_status_html(self):
        for mailbox in self:
            mailbox.status_html = self.env["ir.qweb"]._render(
                "mail_server_oauth2.mailbox_status",
                {
                    "mailbox": mailbox,
                    "state_label": mailbox._state_label(),
                    "rows": mailbox._status_rows(),
                },
            )

    def _state_label(self):
        return dict(self._fields["state"]._description_selection(self.env))[self.state]

    def _status_rows(self):
        """Return what the status block lists: dicts ``label, value, relative``."""
        if self.state in ("disconnected", "pending"):
            return self._count_rows()
        account = formataddr((self.account_name or "", self.account_address or ""))
        rows = [
            self._row("account_address", account),
            self._moment_row("authenticated_on"),
            self._row("authenticated_by_id", self.authenticated_by_id.name),
            self._moment_row("renewed_on"),
            self._moment_row("access_valid_until"),
            self._moment_row("unused_until"),
            self._row("scopes", self.scopes),
        ]
        return [row for row in rows if row["value"]] + self._count_rows()

    def _count_rows(self):
        rows = [
            self._row("mails_queued", self.mails_queued),
            self._row("mails_failed", self.mails_failed),
        ]
        return [row for row in rows if row["value"]]

    def _row(self, name, value, relative=""):
        label = self._fields[name]._description_string(self.env)
        return {"label": label, "value": value, "relative": relative}

    def _moment_row(self, name):
        """A point in time: exact in the reader's time zone, and how far away it is."""
        moment = self[name]
        if not moment:
            return self._row(name, "")
        locale = babel_locale_parse(get_lang(self.env).code)
        distance = format_timedelta(
            moment - fields.Datetime.now(), add_direction=True, locale=locale
        )
        return self._row(name, format_datetime(self.env, moment, dt_format="medium"), distance)
