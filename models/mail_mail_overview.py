from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import email_split

from .attempt_overview import in_a_line


class MailMail(models.Model):
    """The mails that have not left, by what they need."""

    _inherit = "mail.mail"

    oauth2_need = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("held", "Held"),
            ("failed", "Failed"),
            ("unknown", "Delivery unknown"),
        ],
        string="What It Needs",
        compute="_compute_need",
        help="What a mail that has not left waits for.",
    )
    oauth2_recipient_line = fields.Char(string="Recipients", compute="_compute_recipient_line")
    oauth2_reason_line = fields.Char(string="Reason in a Line", compute="_compute_reason_line")
    oauth2_has_parts = fields.Boolean(
        compute="_compute_has_parts",
        help="Other recipients have a separate mail, because sending to them ended differently.",
    )

    # ------------------------------------------------------------
    # IN A LINE OF A LIST
    # ------------------------------------------------------------

    @api.depends("state", "failure_type", "oauth2_held_by_id")
    def _compute_need(self):
        self.oauth2_need = False
        for need, domain in self._queue_domains().items():
            self.filtered_domain(domain).oauth2_need = need

    @api.depends("email_to", "email_cc", "recipient_ids")
    def _compute_recipient_line(self):
        for mail in self:
            addresses = [*email_split(mail.email_to), *email_split(mail.email_cc)]
            people = [partner.email or partner.display_name for partner in mail.recipient_ids]
            mail.oauth2_recipient_line = in_a_line([*addresses, *people])

    @api.depends("failure_reason")
    def _compute_reason_line(self):
        for mail in self:
            mail.oauth2_reason_line = (mail.failure_reason or "").partition("\n")[0]

    # ------------------------------------------------------------
    # PARTS OF A MAIL
    # ------------------------------------------------------------

    def _compute_has_parts(self):
        for mail in self:
            mail.oauth2_has_parts = bool(self.search_count(mail._parts_domain(), limit=1))

    def _parts_domain(self):
        origin = self.oauth2_origin_ref or self._origin.id
        return (Domain("oauth2_origin_ref", "=", origin) | Domain("id", "=", origin)) & Domain(
            "id", "!=", self._origin.id
        )

    def action_oauth2_open_parts(self):
        """Show what became of the other recipients."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Other Recipients"),
            "res_model": "mail.mail",
            "view_mode": "list,form",
            "domain": list(self._parts_domain()),
        }

    def action_oauth2_open_mailbox(self):
        """Show the mailbox that the mail waits for."""
        self.ensure_one()
        server = self.oauth2_held_by_id
        record = server.oauth2_mailbox_id or server
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "view_mode": "form",
        }

    # ------------------------------------------------------------
    # MANY MAILS
    # ------------------------------------------------------------

    @api.model
    def _queue_domains(self):
        """Return the domains of mails that have not left, by kind.

        *Waiting* mails leave by themselves, *held* ones when somebody has acted, *failed* ones
        when somebody retries them; of *unknown* ones somebody has to say whether they arrived.
        """
        waiting, failed = Domain("state", "=", "outgoing"), Domain("state", "=", "exception")
        held = Domain("oauth2_held_by_id", "!=", False)
        unknown = Domain("failure_type", "=", "mail_oauth2_unknown")
        return {
            "waiting": waiting & ~held,
            "held": waiting & held,
            "failed": failed & ~unknown,
            "unknown": failed & unknown,
        }

    def action_oauth2_retry(self):
        """Open the dialogue that sends these mails again, however many they are."""
        return self.env["mail.oauth2.retry"]._open(self)

    @api.model
    def action_oauth2_retry_kind(self, kind):
        """Open that dialogue for all mails of a kind of :meth:`_queue_domains`."""
        return self.search(self._queue_domains()[kind]).action_oauth2_retry()
