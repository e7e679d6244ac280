from odoo import api, fields, models


class MailOAuth2Disconnect(models.TransientModel):
    """Say what removing a connection means before it is done."""

    _name = "mail.oauth2.disconnect"
    _description = "Remove a Mailbox Connection"

    mailbox_id = fields.Many2one("mail.oauth2.mailbox", required=True, readonly=True)
    provider = fields.Char(compute="_compute_shown")
    is_personal = fields.Boolean(compute="_compute_is_personal")
    account_address = fields.Char(compute="_compute_shown")
    mails_waiting = fields.Integer(compute="_compute_shown")

    @api.depends("mailbox_id")
    def _compute_shown(self):
        for wizard in self:
            mailbox = wizard.mailbox_id._shown()
            wizard.provider = mailbox.provider
            wizard.account_address = mailbox.account_address
            wizard.mails_waiting = mailbox.mails_queued + mailbox.mails_held

    @api.depends("mailbox_id")
    def _compute_is_personal(self):
        for wizard in self:
            wizard.is_personal = bool(wizard.mailbox_id.user_id)

    @api.model_create_multi
    def create(self, vals_list):
        wizards = super().create(vals_list)
        wizards.mailbox_id.check_access("read")
        return wizards

    def write(self, vals):
        result = super().write(vals)
        self.mailbox_id.check_access("read")
        return result

    def action_disconnect(self):
        self.ensure_one()
        revoked = self.mailbox_id._disconnect()
        self.mailbox_id._drop_personal_server()
        message = (
            self.env._("The connection is removed and revoked at the provider.")
            if revoked
            else self.env._("The connection is removed from Odoo.")
        )
        return self.mailbox_id._notification(self.mailbox_id.address, message, "success")
