from odoo import api, fields, models

from ..providers import SERVER_TYPES

#: Core estimates the size of a mail; what it leaves out are the line ends of base64.
SHARE_OF_SIZE = 0.96


class IrMailServer(models.Model):
    """Keep to the provider's limits before it has to remind of them. 0 is no limit."""

    _inherit = "ir.mail_server"

    oauth2_per_minute = fields.Integer(
        string="Messages per Minute",
        compute="_compute_oauth2_pace",
        store=True,
        readonly=False,
        help="Mails beyond this wait for the next minute. 0: no limit.",
    )
    oauth2_per_day = fields.Integer(
        string="Messages per Day",
        compute="_compute_oauth2_pace",
        store=True,
        readonly=False,
        help="In any 24 hours. Mails beyond this wait. 0: no limit.",
    )
    oauth2_recipients_per_day = fields.Integer(
        string="Recipients per Day",
        compute="_compute_oauth2_pace",
        store=True,
        readonly=False,
        help="In any 24 hours. Mails beyond this wait. 0: no limit.",
    )
    oauth2_recipients_per_message = fields.Integer(
        string="Recipients per Message",
        compute="_compute_oauth2_pace",
        store=True,
        readonly=False,
        help="A mail to more people is handed over in several parts. 0: no limit.",
    )

    _pace_not_negative = models.Constraint(
        "CHECK(LEAST(oauth2_per_minute, oauth2_per_day, oauth2_recipients_per_day,"
        " oauth2_recipients_per_message) >= 0)",
        "A limit is a number of messages or recipients, or 0 for none.",
    )

    @api.depends("smtp_authentication")
    def _compute_oauth2_pace(self):
        for server in self:
            kind = SERVER_TYPES.get(server.smtp_authentication)
            limits = kind.limits if kind else None
            server.oauth2_per_minute = limits.per_minute if limits else 0
            server.oauth2_per_day = limits.per_day if limits else 0
            server.oauth2_recipients_per_day = limits.recipients_per_day if limits else 0
            server.oauth2_recipients_per_message = limits.recipients_per_message if limits else 0

    def _oauth2_pace(self):
        """Return the limits of :class:`..attempt_journal.Pace`, in its order."""
        limits = [self.oauth2_per_minute]
        if self.owner_user_id:
            limits.append(self._get_personal_mail_servers_limit())
        per_minute = min(filter(None, limits), default=0)
        return (per_minute, self.oauth2_per_day, self.oauth2_recipients_per_day)

    def _get_max_email_size(self):
        """Let core turn attachments into links where the provider takes no larger mail."""
        size = super()._get_max_email_size()
        limit = self._oauth2_size_limit()
        return min(size, limit) if limit else size

    def _oauth2_size_limit(self):
        """Return the megabytes that surely go out through this server, 0 if nobody knows."""
        if not self._filter_oauth2():
            return 0
        return SHARE_OF_SIZE * self._new_oauth2_session().max_size / 1024**2
