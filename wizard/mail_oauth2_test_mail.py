from odoo import fields, models


class MailOAuth2TestMail(models.TransientModel):
    """Send a test e-mail through one server and wait for what becomes of it."""

    _name = "mail.oauth2.test.mail"
    _inherit = ["mail.oauth2.test.outcome"]
    _description = "Send a Test E-mail"

    mail_server_id = fields.Many2one(
        "ir.mail_server", string="Server", required=True, readonly=True, ondelete="cascade"
    )

    def action_send(self):
        """Send, then close; or stay open and show what went wrong."""
        self.ensure_one()
        if not self._send_through(self.mail_server_id):
            return {
                "type": "ir.actions.act_window",
                "name": self.env._("Send a test e-mail"),
                "res_model": self._name,
                "res_id": self.id,
                "view_mode": "form",
                "target": "new",
            }
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self._acceptance(),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _acceptance(self):
        """Return what to say of an accepted mail, with the words of whoever accepted it."""
        return self.env._(
            "The provider accepted the test e-mail to %(address)s: %(reply)s",
            address=self.email_to,
            reply=self.outcome["reply"],
        )
