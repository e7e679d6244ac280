from odoo import models

from .mail_oauth2_mailbox import LIVING_STATES


class MailOAuth2Mailbox(models.Model):
    """From a mailbox to what it has sent and what it has not."""

    _inherit = "mail.oauth2.mailbox"

    def _is_blocked(self):
        """Tell whether mail waits until somebody acts."""
        return self.state not in LIVING_STATES

    def action_open_mails(self):
        """Show the mails that have not left through this mailbox."""
        self.ensure_one()
        return self.server_ids._action_open_mails()

    def action_open_attempts(self):
        """Show how the hand-overs of this mailbox ended."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "mail_server_oauth2.action_mail_oauth2_attempt"
        )
        return {**action, "context": {"search_default_mailbox_id": self.id}}
