from odoo import models
from odoo.fields import Domain


class IrMailServer(models.Model):
    """From servers to the mails that have not left through them."""

    _inherit = "ir.mail_server"

    def _mails_domain(self):
        """Return the domain of the mails that have not left through these servers.

        Most mails name no server. Then it is that of the company they belong to, as
        ``mail.mail._sending_company`` finds it.
        """
        companies = self.env["res.company"].search([("email_server_id", "in", self.ids)])
        of_companies = Domain("record_company_id", "in", companies.ids) | (
            Domain("record_company_id", "=", False)
            & Domain("mail_message_id.create_uid.company_id", "in", companies.ids)
        )
        theirs = Domain("oauth2_held_by_id", "in", self.ids)
        theirs |= Domain("mail_server_id", "in", self.ids)
        theirs |= Domain("mail_server_id", "=", False) & of_companies
        return theirs & Domain("state", "in", ("outgoing", "exception"))

    def _action_open_mails(self):
        """Return the action that shows those mails."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "mail_server_oauth2.action_mail_oauth2_queue"
        )
        return {**action, "domain": list(self._mails_domain()), "context": {}}
