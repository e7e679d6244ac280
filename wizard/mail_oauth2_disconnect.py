from odoo import fields, models


class MailOAuth2Disconnect(models.TransientModel):
    """Say what removing a connection means before it is done."""

    _name = "mail.oauth2.disconnect"
    _description = "Remove a Mailbox Connection"

    mailbox_id = fields.Many2one("mail.oauth2.mailbox", required=True, readonly=True)
    provider = fields.Selection(related="mailbox_id.provider")
    account_address = fields.Char(related="mailbox_id.account_address")
    mails_queued = fields.Integer(related="mailbox_id.mails_queued")

    def action_disconnect(self):
        self.ensure_one()
        revoked = self.mailbox_id._disconnect()
        message = (
            self.env._("The connection is removed and revoked at the provider.")
            if revoked
            else self.env._("The connection is removed from Odoo.")
        )
        return self.mailbox_id._notification(self.mailbox_id.address, message, "success")
