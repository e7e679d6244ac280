from odoo import api, fields, models


class MailOAuth2TestOutcome(models.AbstractModel):
    """Whatever sends a test e-mail and shows what became of it."""

    _name = "mail.oauth2.test.outcome"
    _description = "Outcome of a Test E-mail"

    email_to = fields.Char(string="Send To", default=lambda self: self.env.user.email)
    outcome = fields.Json(readonly=True, help="What ir.mail_server._send_test_mail returned.")
    outcome_html = fields.Html(string="Result", compute="_compute_outcome", sanitize=False)
    conversation = fields.Text(compute="_compute_outcome")

    @api.depends("outcome")
    def _compute_outcome(self):
        for record in self:
            outcome = record.outcome or {}
            record.conversation = outcome.get("conversation")
            record.outcome_html = outcome and self.env["ir.qweb"]._render(
                "mail_server_oauth2.test_mail_outcome", {"outcome": outcome}
            )

    def _send_through(self, server):
        """Send the test e-mail through a server; return whether it was accepted.

        :raises UserError: there is no address to send to
        """
        self.outcome = {**server._send_test_mail(self.email_to), "address": self.email_to}
        return self.outcome["accepted"]
