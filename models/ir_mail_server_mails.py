from collections import Counter, defaultdict

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
        companies = list(self._companies_served())
        held = Domain("oauth2_held_by_id", "in", self.ids)
        free = Domain("oauth2_held_by_id", "=", False)
        named = free & Domain("mail_server_id", "in", self.ids)
        unnamed = free & Domain("mail_server_id", "=", False)
        of_companies = Domain("record_company_id", "in", companies) | (
            Domain("record_company_id", "=", False)
            & Domain("create_uid.company_id", "in", companies)
        )
        return (held | named | (unnamed & of_companies)) & Domain(
            "state", "in", ("outgoing", "exception")
        )

    def _count_mails(self):
        """Return ``{server id: Counter}`` of those mails: ``waiting``, ``held``, ``failed``."""
        served = self._companies_served()
        counts = defaultdict(Counter)
        groups = self.env["mail.mail"]._read_group(
            self._mails_domain(),
            ["state", "oauth2_held_by_id", "mail_server_id", "record_company_id", "create_uid"],
            ["__count"],
        )
        for state, held_by, named, company, author, count in groups:
            company = company or author.company_id
            server_id = (held_by or named).id or served.get(company.id)
            kind = "failed" if state == "exception" else "held" if held_by else "waiting"
            counts[server_id][kind] += count
        return counts

    def _companies_served(self):
        """Return ``{company id: server id}`` of the companies that send through these servers."""
        companies = self.env["res.company"].search([("email_server_id", "in", self.ids)])
        return {company.id: company.email_server_id.id for company in companies}

    def _action_open_mails(self):
        """Return the action that shows those mails."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "mail_server_oauth2.action_mail_oauth2_queue"
        )
        return {**action, "domain": list(self._mails_domain()), "context": {}}
