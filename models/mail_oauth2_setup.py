from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from ..providers import SERVER_TYPES
from .mail_oauth2_mailbox import LIVING_STATES
from .setup_ways import ONLY_WAY, STEPS, WAYS


class MailOAuth2Setup(models.Model):
    """The guided setup of one company: how far it has come, and what was chosen on the way.

    Nothing of the company changes before the last step: the server that is set up stays archived
    until then. Where the setup stands follows from what is there, so it can be left at any time,
    and what was done elsewhere counts too.
    """

    _name = "mail.oauth2.setup"
    _description = "Guided E-mail Setup"
    _rec_name = "company_id"

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade", index=True
    )
    step = fields.Selection(selection="_selection_step", compute="_compute_step")
    looked_back_at = fields.Selection(
        selection="_selection_step",
        help="A finished step that somebody went back to. Empty: the first that is not finished.",
    )
    progress = fields.Json(compute="_compute_progress")

    provider = fields.Selection(
        [
            ("microsoft", "Microsoft 365"),
            ("google", "Gmail or Google Workspace"),
            ("other", "Another mail server"),
        ],
        string="Mail System",
    )
    way = fields.Selection(
        [
            ("oauth2_microsoft_graph", "Microsoft Graph"),
            ("oauth2_microsoft_smtp", "SMTP with sign-in"),
            ("direct_send", "Direct send"),
            ("relay", "Relay connector"),
            ("oauth2_google_smtp", "Gmail SMTP with sign-in"),
            ("password", "SMTP with password"),
        ],
        string="Way to Send",
    )
    signs_in = fields.Boolean(compute="_compute_signs_in")
    address = fields.Char(
        string="Send From", help="The mailbox that mail of this company is sent from."
    )
    app_id = fields.Many2one("mail.oauth2.app", string="App Registration", ondelete="set null")
    server_id = fields.Many2one("ir.mail_server", string="Mail Server", ondelete="set null")
    mailbox_id = fields.Many2one("mail.oauth2.mailbox", compute="_compute_mailbox")
    mailbox_state = fields.Selection(
        selection=lambda self: (
            self.env["mail.oauth2.mailbox"]._fields["state"]._description_selection(self.env)
        ),
        string="Connection",
        compute="_compute_mailbox",
    )
    mailbox_status_html = fields.Html(string="Status", compute="_compute_mailbox", sanitize=False)

    is_mailbox_chosen = fields.Boolean(
        compute="_compute_is_signed_in", help="The server's mailbox is the one that was filled in."
    )
    is_signed_in = fields.Boolean(compute="_compute_is_signed_in")

    _unique_company = models.Constraint("UNIQUE(company_id)", "One setup per company.")

    # ------------------------------------------------------------
    # COMPUTE METHODS
    # ------------------------------------------------------------

    @api.model
    def _selection_step(self):
        titles = {
            "provider": self.env._("Mail system"),
            "way": self.env._("Permission"),
            "app": self.env._("App registration"),
            "sign_in": self.env._("Sign-in"),
            "server": self.env._("Server"),
            "test": self.env._("Test e-mail"),
            "sender": self.env._("Sender"),
            "done": self.env._("Done"),
        }
        return [(step, titles[step]) for step in STEPS]

    @api.depends("server_id.oauth2_mailbox_id")
    def _compute_mailbox(self):
        for setup in self:
            server = setup.server_id._origin._filtered_access("read")
            mailbox = server.oauth2_mailbox_id._shown()
            setup.mailbox_id = mailbox
            setup.mailbox_state = mailbox.state
            setup.mailbox_status_html = mailbox.status_html

    @api.depends("way")
    def _compute_signs_in(self):
        for setup in self:
            setup.signs_in = bool(setup.way) and WAYS[setup.way].signs_in

    @api.depends("way", "app_id", "address", "server_id")
    def _compute_is_signed_in(self):
        for setup in self:
            setup.is_mailbox_chosen = setup.signs_in and setup._is_mailbox_chosen()
            setup.is_signed_in = setup.signs_in and setup._is_sign_in_finished()

    @api.depends("looked_back_at", "provider", "way", "app_id", "server_id")
    def _compute_step(self):
        for setup in self:
            setup.step = setup.looked_back_at or setup._first_unfinished_step()

    @api.depends("step")
    def _compute_progress(self):
        titles = dict(self._selection_step())
        for setup in self:
            steps = setup._steps()
            reached = steps.index(setup._first_unfinished_step())
            setup.progress = [
                {
                    "step": step,
                    "title": titles[step],
                    "is_current": step == setup.step,
                    "is_finished": position < reached or step == "done" == setup.step,
                }
                for position, step in enumerate(steps)
            ]

    def _steps(self):
        """Return the steps of the way that was chosen, of the shortest one before."""
        way = self.way or ONLY_WAY.get(self.provider) or "oauth2_microsoft_graph"
        return WAYS[way].steps

    def _first_unfinished_step(self):
        for step in self._steps():
            if not getattr(self, f"_is_{step}_finished")():
                return step
        return "done"

    # ------------------------------------------------------------
    # WHAT IS FINISHED
    # ------------------------------------------------------------

    def _is_provider_finished(self):
        return bool(self.provider)

    def _is_way_finished(self):
        return bool(self.way)

    def _is_app_finished(self):
        app = self.app_id
        return app.provider == self.provider and app.has_client_secret

    def _is_sign_in_finished(self):
        return (
            self._is_server_of_way()
            and self._is_mailbox_chosen()
            and self.mailbox_state in LIVING_STATES
        )

    def _is_mailbox_chosen(self):
        mailbox = self.mailbox_id
        is_same = mailbox.address == email_normalize(self.address or "")
        return bool(mailbox) and is_same and mailbox.app_id == self.app_id

    def _is_server_finished(self):
        return self._is_server_of_way() and bool(self.server_id.smtp_host)

    def _is_server_of_way(self):
        way = WAYS.get(self.way)
        return bool(way) and self.server_id.smtp_authentication == way.server_type

    def _is_done_finished(self):
        return False

    # ------------------------------------------------------------
    # CONSTRAINT METHODS
    # ------------------------------------------------------------

    @api.constrains("server_id", "app_id")
    def _check_theirs(self):
        """What the setup shows of its server and registration, it shows of the company's own."""
        for setup in self:
            company = setup.company_id
            strange = setup.server_id.filtered(
                lambda server, company=company: not server._may_serve(company)
            )
            others_app = setup.app_id.company_id not in (company.browse(), company)
            if strange or others_app:
                raise UserError(
                    self.env._(
                        "“%(server)s” belongs to another company or to a person.",
                        server=(strange or setup.app_id).name,
                    )
                )

    # ------------------------------------------------------------
    # OPENING
    # ------------------------------------------------------------

    @api.model
    def _open(self, company):
        """Return the action that shows the setup of a company at its first unfinished step.

        :raises UserError: the company is not among those the user has switched on
        """
        if company not in self.env.companies:
            raise UserError(company._switch_first_in_words())
        setup = self._of_company(company)
        setup.looked_back_at = False
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "mail_server_oauth2.action_mail_oauth2_setup"
        )
        return {**action, "res_id": setup.id, "views": [(False, "form")], "view_mode": "form"}

    @api.model
    def action_open(self):
        """Open the setup of the current company."""
        return self._open(self.env.company)

    @api.model
    def _of_company(self, company):
        known = self.search([("company_id", "=", company.id)])
        return known or self.create({"company_id": company.id, **self._present_values(company)})

    @api.model
    def _present_values(self, company):
        """Return what the company's present server answers already."""
        server = company.email_server_id
        way = next(
            (way for way in WAYS.values() if way.server_type == server.smtp_authentication), None
        )
        if not company._may_change(server) or way is None or not way.signs_in:
            return {"address": company.email}
        mailbox = server.oauth2_mailbox_id
        return {
            "provider": way.provider,
            "way": way.code,
            "server_id": server.id,
            "app_id": mailbox.app_id.id,
            "address": mailbox.address,
        }

    def _screen(self):
        """Return the path of this setup in the web client."""
        return f"/odoo/email-setup/{self.id}"

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_choose_provider(self, provider):
        """Note whose mail system it is; what was chosen for another one no longer holds."""
        self.ensure_one()
        if provider != self.provider:
            self.write({"provider": provider, "way": ONLY_WAY.get(provider)})
            self._forget_what_does_not_fit()
        self._go_on_from("provider")

    def action_choose_way(self, way):
        """Note how mail leaves."""
        self.ensure_one()
        if way not in WAYS or WAYS[way].provider != self.provider:
            raise UserError(self.env._("Choose the mail system first."))
        self.way = way
        self._forget_what_does_not_fit()
        self._go_on_from("way")

    def action_back(self):
        """Show the step before, with what was entered there."""
        self.ensure_one()
        steps = self._steps()
        self.looked_back_at = steps[max(steps.index(self.step) - 1, 0)]

    def action_start_again(self):
        self.ensure_one()
        self.looked_back_at = "provider"

    def action_open_company(self):
        """Leave the setup for the page of the company; it can be gone on with later."""
        self.ensure_one()
        return self.company_id.action_open_email_server()

    def _go_on_from(self, step):
        """Show the step that follows, or the first one that is not finished if that is earlier."""
        steps = self._steps()
        if step not in steps:
            raise UserError(self._not_yet_in_words())
        following = steps[steps.index(step) + 1]
        unfinished = self._first_unfinished_step()
        is_behind = steps.index(following) < steps.index(unfinished)
        self.looked_back_at = following if is_behind else False

    def _chosen_way(self):
        """Return the way that was chosen; a page that is old may stand at a later step.

        :raises UserError: there is none
        """
        if not self.way:
            raise UserError(self.env._("Choose the mail system first."))
        return WAYS[self.way]

    def _needed_server(self):
        """Return the server that was set up.

        :raises UserError: there is none
        """
        if not self.server_id:
            raise UserError(self._not_yet_in_words())
        return self.server_id

    def _not_yet_in_words(self):
        return self.env._("Finish the steps before this one first.")

    def _forget_what_does_not_fit(self):
        if self.app_id.provider != self.provider:
            kind = SERVER_TYPES.get(self.way)
            self.app_id = self.company_id._only_app(self.provider) if kind else False
