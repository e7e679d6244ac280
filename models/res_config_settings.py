from odoo import api, fields, models

from .core_module import CORE_MODULES


class ResConfigSettings(models.TransientModel):
    """The general settings show how the company sends, and lead to where it is set up."""

    _inherit = "res.config.settings"

    email_server_sender = fields.Char(
        string="How Mail Leaves", compute="_compute_email_server_sender"
    )
    email_server_state = fields.Selection(
        selection=lambda self: (
            self.env["mail.oauth2.mailbox"]._fields["state"]._description_selection(self.env)
        ),
        compute="_compute_email_server_sender",
    )
    email_server_may_take_over = fields.Boolean(
        string="Servers Can Be Taken Over",
        compute="_compute_email_server_may_take_over",
        help="There are servers of Odoo's Outlook or Gmail module, or were until lately.",
    )

    @api.depends("company_id")
    def _compute_email_server_sender(self):
        for settings in self:
            settings.email_server_sender = settings.company_id._sender_in_words()
            settings.email_server_state = settings.company_id.email_server_state

    def _compute_email_server_may_take_over(self):
        servers = self.env["ir.mail_server"].with_context(active_test=False)
        self.email_server_may_take_over = servers.search_count(
            [
                "|",
                ("smtp_authentication", "in", list(CORE_MODULES)),
                ("take_over_ids", "!=", False),
            ],
            limit=1,
        )

    def action_open_email_server(self):
        return self.company_id.action_open_email_server()

    def action_email_server_set_up(self):
        return self.company_id.action_email_server_set_up()
