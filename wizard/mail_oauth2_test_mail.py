from odoo import api, fields, models


class MailOAuth2TestMail(models.TransientModel):
    """Send a test e-mail through one server and wait for what becomes of it."""

    _name = "mail.oauth2.test.mail"
    _description = "Send a Test E-mail"

    mail_server_id = fields.Many2one(
        "ir.mail_server", string="Server", required=True, readonly=True, ondelete="cascade"
    )
    email_to = fields.Char(
        string="Send To", required=True, default=lambda self: self.env.user.email
    )
    outcome = fields.Json(help="What ir.mail_server._send_test_mail returned.")
    outcome_html = fields.Html(compute="_compute_outcome", sanitize=False)
    conversation = fields.Text(compute="_compute_outcome")

    @api.depends("outcome")
    def _compute_outcome(self):
        for wizard in self:
            outcome = wizard.outcome or {}
            wizard.conversation = outcome.get("conversation")
            wizard.outcome_html = outcome and self.env["ir.qweb"]._render(
                "mail_server_oauth2.test_mail_outcome",
                {"outcome": outcome, "address": wizard.email_to},
            )

    def action_send(self):
        """Send, then close; or stay open and show what went wrong."""
        self.ensure_one()
        self.outcome = self.mail_server_id._send_test_mail(self.email_to)
        if not self.outcome["accepted"]:
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
