from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class IrMailServer(models.Model):
    """Let another server send while nobody mends the first one; off by default."""

    _inherit = "ir.mail_server"

    oauth2_fallback_id = fields.Many2one(
        "ir.mail_server",
        string="Fallback Server",
        ondelete="set null",
        domain="[('id', '!=', id), ('owner_user_id', '=', False),"
        " ('company_id', 'in', [False, company_id])]",
        help="Sends the mails of this server when its mailbox has waited for a person too long.",
    )
    oauth2_fallback_hours = fields.Float(
        string="Use Fallback After",
        default=4.0,
        help="Hours that mails are held before the fallback server sends them.",
    )

    @api.constrains("oauth2_fallback_id", "company_id")
    def _check_fallback(self):
        for server in self:
            fallback = server.oauth2_fallback_id
            if fallback and (
                fallback == server
                or fallback.owner_user_id
                or fallback.company_id not in (server.company_id, self.env["res.company"])
            ):
                raise ValidationError(
                    self.env._(
                        "“%(fallback)s” cannot stand in for “%(server)s”: choose another server "
                        "of the same company, or of all companies.",
                        fallback=fallback.name,
                        server=server.name,
                    )
                )

    def _stand_in(self):
        """Return the server that sends instead of this one now: itself, or its fallback."""
        self.ensure_one()
        fallback = self.sudo().oauth2_fallback_id
        since = self.sudo().oauth2_mailbox_id._grant_sudo().broken_since
        may_serve = fallback.company_id in (self.company_id, fallback.company_id.browse())
        if not (fallback.active and may_serve and not fallback.owner_user_id):
            return self
        if not (since and self._filter_oauth2()):
            return self
        limit = since + timedelta(hours=self.oauth2_fallback_hours)
        return fallback.with_env(self.env) if fields.Datetime.now() >= limit else self
