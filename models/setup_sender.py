from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize


class MailOAuth2Setup(models.Model):
    """The last steps: a test e-mail, and making the server the company's sender."""

    _name = "mail.oauth2.setup"
    _inherit = ["mail.oauth2.setup", "mail.oauth2.test.outcome"]

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    tested_on = fields.Datetime(string="Test E-mail Accepted On")
    present_sender = fields.Char(compute="_compute_sender")
    next_sender = fields.Char(compute="_compute_sender")
    alias_domain_id = fields.Many2one(related="company_id.alias_domain_id")
    present_default_from = fields.Char(related="company_id.default_from_email")
    offers_default_from = fields.Boolean(compute="_compute_offers")
    sets_default_from = fields.Boolean(
        string="Let notifications come from this address too", default=True
    )
    offers_company_email = fields.Boolean(compute="_compute_offers")
    sets_company_email = fields.Boolean(
        string="Make it the e-mail address of the company", default=True
    )

    # ------------------------------------------------------------
    # COMPUTE METHODS
    # ------------------------------------------------------------

    @api.depends("company_id", "server_id", "way", "address")
    def _compute_sender(self):
        ways = dict(self._fields["way"]._description_selection(self.env))
        for setup in self:
            setup.present_sender = setup.company_id._sender_in_words()
            setup.next_sender = self.env._(
                "%(way)s, %(address)s", way=ways.get(setup.way, ""), address=setup.address or ""
            )

    @api.depends("company_id", "address")
    def _compute_offers(self):
        for setup in self:
            company, domain = setup.company_id, setup.alias_domain_id
            setup.offers_default_from = (
                bool(domain)
                and domain.sudo().company_ids <= company
                and domain.default_from_email != setup.address
            )
            setup.offers_company_email = not company.email

    # ------------------------------------------------------------
    # WHAT IS FINISHED
    # ------------------------------------------------------------

    def _is_test_finished(self):
        return bool(self.tested_on)

    def _is_sender_finished(self):
        server = self.server_id
        return server.active and self.company_id.email_server_id == server

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_send_test_mail(self):
        """Send a test e-mail through the server that was set up, and note what became of it."""
        self.ensure_one()
        is_accepted = self._send_through(self._needed_server())
        self.tested_on = is_accepted and fields.Datetime.now()
        self.looked_back_at = False if is_accepted else "test"

    def action_go_on_from_test(self):
        self.ensure_one()
        self._go_on_from("test")

    def action_diagnose(self):
        self.ensure_one()
        return self._needed_server().action_oauth2_diagnose()

    def action_make_sender(self):
        """Let the company's mail leave through the server from now on.

        Only what was tried: somebody may have gone back and changed it on another page.
        """
        self.ensure_one()
        if not self._is_server_finished_or_signed_in() or not self.tested_on:
            raise UserError(self._not_yet_in_words())
        self._put_server_to_use()
        if self.offers_company_email and self.sets_company_email:
            self.company_id.email = self.address
        if self.offers_default_from and self.sets_default_from:
            self.alias_domain_id.default_from = email_normalize(self.address)
        self.looked_back_at = False

    def _is_server_finished_or_signed_in(self):
        if self._chosen_way().signs_in:
            return self._is_sign_in_finished()
        return self._is_server_finished()

    # ------------------------------------------------------------
    # BUSINESS METHODS
    # ------------------------------------------------------------

    def _put_server_to_use(self):
        """Let the company send through what was set up.

        A server that is the company's alone becomes what was set up, as on the company form, so
        that whatever names it (waiting mail, templates) follows. Beside it, a second server for
        the same sender might be taken instead.
        """
        server, present = self.server_id, self.company_id.email_server_id
        if self.company_id._may_change(present):
            if present != server:
                present.write({**self._server_values(), "smtp_pass": server.smtp_pass})
                self.server_id = present
                server.unlink()
            self.server_id.active = True
            return
        first = server.search([], order="sequence", limit=1)
        server.write({"active": True, "sequence": min(server.sequence, first.sequence - 1)})
        self.company_id.email_server_id = server
