from collections import Counter
from datetime import datetime, time, timedelta

from babel.dates import format_timedelta

from odoo import api, fields, models
from odoo.tools import babel_locale_parse
from odoo.tools.misc import format_date, format_datetime, get_lang


class MailOAuth2Mailbox(models.Model):
    """The status block: one rendering for every screen that shows a mailbox."""

    _inherit = "mail.oauth2.mailbox"

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    status_html = fields.Html(string="Status", compute="_compute_status_html", sanitize=False)
    expires_on = fields.Datetime(
        string="Next Expiry",
        compute="_compute_expires",
        compute_sudo=True,
        help="What ends first: the client secret, or the permission if nobody uses it.",
    )
    expires_what = fields.Char(string="What Expires", compute="_compute_expires", compute_sudo=True)
    expires_text = fields.Char(
        string="Expires", compute="_compute_expires", compute_sudo=True, help="Relative and exact."
    )
    mails_queued = fields.Integer(
        string="Mails Waiting",
        compute="_compute_mail_counts",
        compute_sudo=True,
        help="Mails that leave by themselves when it is their turn.",
    )
    mails_held = fields.Integer(
        compute="_compute_mail_counts",
        compute_sudo=True,
        help="Mails that wait until somebody has mended the connection.",
    )
    mails_failed = fields.Integer(
        compute="_compute_mail_counts",
        compute_sudo=True,
        help="Mails that nobody got and that do not leave by themselves any more.",
    )

    # ------------------------------------------------------------
    # COMPUTE METHODS
    # ------------------------------------------------------------

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

    @api.depends("app_id", "token_ids")
    def _compute_expires(self):
        for mailbox in self:
            ends = mailbox._ends()
            mailbox.expires_on, mailbox.expires_what = min(ends) if ends else (False, False)
            mailbox.expires_text = mailbox.expires_on and self.env._(
                "%(relative)s (%(exact)s)",
                relative=mailbox._distance_to(mailbox.expires_on),
                exact=format_date(self.env, mailbox.expires_on),
            )

    def _ends(self):
        """Return what will end: tuples of a moment and words."""
        ends = []
        if self.unused_until:
            ends.append((self.unused_until, self.env._("Sign-in, if nobody uses it")))
        secret_end = self.app_id.client_secret_expires_on
        if secret_end:
            ends.append((datetime.combine(secret_end, time.min), self.env._("Client secret")))
        return ends

    def _compute_mail_counts(self):
        counts = self.server_ids._count_mails()
        for mailbox in self:
            total = sum((counts[server_id] for server_id in mailbox.server_ids.ids), Counter())
            mailbox.mails_queued = total["waiting"]
            mailbox.mails_held = total["held"]
            mailbox.mails_failed = total["failed"]

    # ------------------------------------------------------------
    # WORDS
    # ------------------------------------------------------------

    def _state_label(self):
        return dict(self._fields["state"]._description_selection(self.env))[self.state]

    def _status_rows(self):
        """Return what the status block lists: dicts ``label, value, moment, relative``."""
        if self.state in ("disconnected", "pending"):
            return self._count_rows()
        account = " ".join(filter(None, (self.account_name, f"<{self.account_address}>")))
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
        names = ("mails_queued", "mails_held", "mails_failed")
        return [self._row(name, self[name]) for name in names if self[name]]

    def _row(self, name, value, **more):
        return {"label": self._fields[name]._description_string(self.env), "value": value, **more}

    def _moment_row(self, name):
        """A point in time: exact in the reader's time zone, and how far away it is."""
        moment = self[name]
        if not moment:
            return self._row(name, "")
        return self._row(
            name,
            format_datetime(self.env, moment, dt_format="medium"),
            moment=f"{moment.isoformat()}Z",
            relative=self._distance_to(moment),
        )

    def _distance_to(self, moment):
        """Return how far away a moment is, e.g. ``in 3 months``."""
        locale = babel_locale_parse(get_lang(self.env).code)
        distance = moment - fields.Datetime.now()
        if abs(distance) < timedelta(seconds=1):
            distance = timedelta(seconds=-1)  # nobody says "in 0 seconds"
        return format_timedelta(distance, add_direction=True, locale=locale)
