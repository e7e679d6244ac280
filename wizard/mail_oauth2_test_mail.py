from markupsafe import escape

from odoo import api, fields, models
from odoo.addons.base.models.ir_mail_server import MailDeliveryException
from odoo.exceptions import UserError

from ..exceptions import MailOAuth2Error


class MailOAuth2TestMail(models.TransientModel):
    """Send a test e-mail through one server and wait for what becomes of it."""

    _name = "mail.oauth2.test.mail"
    _description = "Send a Test E-mail"

    mail_server_id = fields.Many2one("ir.mail_server", required=True, readonly=True)
    email_to = fields.Char(
        string="Send To", required=True, default=lambda self: self.env.user.email
    )

    def action_send(self):
        self.ensure_one()
        self._send_now()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "The provider accepted the test e-mail to %(address)s.", address=self.email_to
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _send_now(self):
        self.mail_server_id.check_access("read")
        server = self.mail_server_id.sudo()
        sender = server.oauth2_mailbox_id.address or server._get_test_email_from()
        servers = self.env["ir.mail_server"]
        message = servers._build_email__(
            email_from=sender,
            email_to=[self.email_to],
            subject=self.env._("Test e-mail from Odoo"),
            body=self._body(),
            subtype="html",
        )
        try:
            servers.send_email(message, mail_server_id=server.id)
        except (MailDeliveryException, MailOAuth2Error) as error:
            raise UserError(self._words(error)) from error
        except (OSError, AssertionError) as error:
            raise UserError(
                self.env._("The test e-mail was not sent: %(error)s", error=error)
            ) from error

    @api.model
    def _words(self, error):
        if isinstance(error, MailOAuth2Error):
            return self.env["mail.oauth2.error"]._text(error)
        return "\n".join(str(part) for part in error.args[1:] or error.args)

    def _body(self):
        return self.env._(
            "<p>This e-mail was sent from Odoo by %(user)s to test the server "
            "“%(server)s”. It works.</p>",
            # str: of Markup, the translation itself would be escaped too.
            user=str(escape(self.env.user.name)),
            server=str(escape(self.mail_server_id.name)),
        )
