from odoo import models
from odoo.exceptions import UserError


class IrMailServer(models.Model):
    _inherit = "ir.mail_server"

    def action_oauth2_diagnose(self):
        """Open the checklist that finds out why mail does not leave through this server."""
        self.ensure_one()
        if self.smtp_authentication == "cli":
            raise UserError(
                self.env._(
                    "The settings of this server stand in Odoo's configuration file. Choose "
                    "another way of authentication to look into it here."
                )
            )
        return self.env["mail.oauth2.diagnosis"]._open(self, self.oauth2_mailbox_id)


class MailOAuth2Mailbox(models.Model):
    _inherit = "mail.oauth2.mailbox"

    def action_diagnose(self):
        """Open the checklist that finds out why mail does not leave from this mailbox."""
        self.ensure_one()
        return self.env["mail.oauth2.diagnosis"]._open(self._server_to_diagnose(), self)

    def _server_to_diagnose(self):
        """Return the first server that sends through this mailbox, if there is one to show."""
        servers = self.sudo().with_context(active_test=False).server_ids
        if not self.user_id:  # a personal server belongs to whoever owns the mailbox
            servers = servers.sudo(False)._filtered_access("read")
        return servers.sudo().sorted("active", reverse=True)[:1]


class ResCompany(models.Model):
    _inherit = "res.company"

    def action_email_server_diagnose(self):
        return self._email_server_or_explain().action_oauth2_diagnose()


class ResUsers(models.Model):
    _inherit = "res.users"

    def action_diagnose_own_mailbox(self):
        """Open the checklist for the current user's own mailbox."""
        mailbox = self.env.user._connected_mailbox_sudo()
        if not mailbox:
            raise UserError(self.env._("You have not connected a mailbox."))
        return mailbox.with_env(self.env).action_diagnose()
