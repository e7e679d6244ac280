from odoo import api, fields, models
from odoo.exceptions import UserError

from ..providers import SERVER_TYPES
from .mail_oauth2_mailbox import LIVING_STATES


class ResCompany(models.Model):
    """The connection on the company form: its state, what a change does to it, its buttons."""

    _inherit = "res.company"

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    email_server_provider = fields.Char(
        compute="_compute_email_server_provider", groups="base.group_system"
    )
    email_server_info = fields.Text(
        compute="_compute_email_server_info", groups="base.group_system"
    )
    email_server_change = fields.Text(
        compute="_compute_email_server_change",
        groups="base.group_system",
        help="What saving the page as it is edited now does to the present connection.",
    )
    email_server_mailbox_id = fields.Many2one(
        "mail.oauth2.mailbox",
        compute="_compute_email_server_mailbox",
        groups="base.group_system",
        help="The mailbox that the page is about as it is edited now.",
    )
    email_server_state = fields.Selection(
        selection=lambda self: (
            self.env["mail.oauth2.mailbox"]._fields["state"]._description_selection(self.env)
        ),
        compute="_compute_email_server_status",
        groups="base.group_system",
    )
    email_server_status_html = fields.Html(
        string="Email Server Status",
        compute="_compute_email_server_status",
        sanitize=False,
        groups="base.group_system",
    )

    # The company sends through a server that its reader cannot see by now.
    email_server_is_hidden = fields.Boolean(
        string="Email Server",
        compute="_compute_email_server_is_hidden",
        groups="base.group_system",
    )
    email_server_unsent = fields.Integer(
        string="Mails Not Sent",
        compute="_compute_email_server_unsent",
        groups="base.group_system",
        help="Mails of this company that wait, are held or have failed.",
    )

    # ------------------------------------------------------------
    # COMPUTE METHODS
    # ------------------------------------------------------------

    @api.depends("email_server_type")
    def _compute_email_server_provider(self):
        for company in self:
            kind = SERVER_TYPES.get(company.email_server_type)
            company.email_server_provider = kind and kind.provider

    @api.depends("email_server_type", "email_server_id")
    def _compute_email_server_info(self):
        servers = self.env["ir.mail_server"]
        for company in self:
            code = company.email_server_type
            if code:
                server = servers.new({"smtp_authentication": code})
                company.email_server_info = server.smtp_authentication_info
            else:
                company.email_server_info = company._no_type_in_words()

    @api.depends("email_server_id")
    @api.depends_context("allowed_company_ids")
    def _compute_email_server_is_hidden(self):
        for company in self:
            server = company.sudo().email_server_id
            company.email_server_is_hidden = server and not company._readable_server()

    def _switch_first_in_words(self):
        return self.env._(
            "Switch to %(company)s first, with the menu of companies at the top right.",
            company=self.name,
        )

    def _no_type_in_words(self):
        if self.email_server_is_hidden:
            return self._switch_first_in_words()
        server = self._readable_server()
        if not server:
            return self.env._(
                "This company has no mail server of its own yet. Its mail leaves through the "
                "outgoing mail servers that belong to no company, if there are any."
            )
        return self.env._(
            "This company sends through “%(server)s” (%(type)s). Choose a type to send in "
            "another way, or press Guided Setup.",
            server=server.name,
            type=self._type_in_words(server),
        )

    @api.depends(
        "email_server_id.oauth2_mailbox_id",
        "email_server_type",
        "email_server_app_id",
        "email_server_address",
    )
    def _compute_email_server_mailbox(self):
        for company in self:
            mailbox = self.env["mail.oauth2.mailbox"]
            if company.email_server_type in SERVER_TYPES:
                mailbox = company._known_mailbox(
                    company.email_server_app_id, company.email_server_address
                )
            company.email_server_mailbox_id = mailbox

    @api.depends("email_server_mailbox_id")
    def _compute_email_server_status(self):
        for company in self:
            mailbox = company.email_server_mailbox_id._shown()
            company.email_server_state = mailbox.state
            company.email_server_status_html = mailbox.status_html

    @api.depends("email_server_type", "email_server_app_id", "email_server_address")
    def _compute_email_server_change(self):
        for company in self:
            company.email_server_change = company._change_in_words()

    @api.depends("email_server_id")
    def _compute_email_server_unsent(self):
        for company in self:
            # Mails lie in nobody's reach but the administrator's, whose page this is.
            domain = company._readable_server().sudo()._mails_domain()
            company.email_server_unsent = self.env["mail.mail"].sudo().search_count(domain)

    def _type_in_words(self, server):
        """Return what a server's type is called here, or by the module that it comes from."""
        names = {
            **dict(server._fields["smtp_authentication"]._description_selection(self.env)),
            **dict(self._fields["email_server_type"]._description_selection(self.env)),
        }
        return names.get(server.smtp_authentication, server.smtp_authentication)

    # ------------------------------------------------------------
    # WHAT A CHANGE MEANS
    # ------------------------------------------------------------

    def _change_in_words(self):
        """Return what saving would do to the present connection; ``False`` if nothing."""
        server = self._readable_server()
        code, mailbox = self.email_server_type, self.email_server_mailbox_id._origin
        before = server.oauth2_mailbox_id
        if not server or not code or not self._is_connection_edited(server):
            return False
        sentences = [self._present_in_words()]
        if not self._may_change(server):
            sentences.append(self._own_server_in_words(server))
        elif before and before != mailbox:
            sentences.append(self._left_in_words(before))
        elif server.smtp_pass and code in SERVER_TYPES:
            sentences.append(self.env._("The password stored here is forgotten then."))
        if code in SERVER_TYPES:
            sentences.append(self._next_in_words(mailbox, before))
        return "\n".join(sentences)

    def _is_connection_edited(self, server):
        """Tell whether another type, app registration or address is chosen than is stored."""
        if self.email_server_type != server.smtp_authentication:
            return True
        return (
            self.email_server_type in SERVER_TYPES
            and self.email_server_mailbox_id._origin != server.oauth2_mailbox_id
        )

    def _present_in_words(self):
        return self.env._(
            "Until you save, mail keeps leaving as before: %(sender)s.",
            sender=self._sender_in_words(),
        )

    def _sender_in_words(self):
        """Return how the company sends by now, ``False`` if it has no server of its own."""
        server = self._readable_server()
        return bool(server) and self.env._(
            "%(type)s, %(sender)s",
            type=self._type_in_words(server),
            sender=server.oauth2_mailbox_id.address or server.smtp_host or server.name,
        )

    def _own_server_in_words(self, server):
        return self.env._(
            "“%(server)s” also serves others, so it stays as it is and this company gets a "
            "server of its own.",
            server=server.name,
        )

    def _left_in_words(self, before):
        mailbox = self._named(before.address, before.provider)
        if before.state not in LIVING_STATES:
            return self.env._("%(mailbox)s is no longer used then.", mailbox=mailbox)
        return self.env._(
            "%(mailbox)s is no longer used then, but stays connected: you can come back to it "
            "without signing in. If you do not want that, press Remove before you change anything, "
            "or later on the form of that mailbox (Settings, Connected Mailboxes).",
            mailbox=mailbox,
        )

    def _next_in_words(self, mailbox, before):
        if mailbox and mailbox == before:
            return self.env._(
                "%(mailbox)s stays signed in. Sending the other way takes another permission: "
                "save, then press Authenticate Again once.",
                mailbox=mailbox.address,
            )
        if mailbox.state in LIVING_STATES:
            return self.env._(
                "%(mailbox)s is connected already and sends as soon as you save.",
                mailbox=self._named(mailbox.address, mailbox.provider),
            )
        return self.env._(
            "Nobody has signed in for %(mailbox)s yet: after you have saved, mail waits in the "
            "queue until somebody has pressed Authenticate. None is lost.",
            mailbox=self._named(
                mailbox.address or self.email_server_address or self.env._("the new mailbox"),
                self.email_server_provider,
            ),
        )

    def _named(self, address, provider):
        """Return what to call a mailbox: one address may be known to both providers."""
        if self.email_server_provider in (False, self._readable_server().oauth2_provider):
            return address
        names = dict(
            self.env["mail.oauth2.app"]._fields["provider"]._description_selection(self.env)
        )
        return f"{address} ({names[provider]})"

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_email_server_authenticate(self):
        server = self._email_server_or_explain()
        return server.with_context(
            mail_oauth2_screen=f"/odoo/email-server/{self.id}"
        ).action_oauth2_authenticate()

    def action_email_server_status(self):
        return self._email_server_or_explain().action_oauth2_status()

    def action_email_server_disconnect(self):
        return self._email_server_or_explain().action_oauth2_disconnect()

    def action_email_server_test_mail(self):
        return self._email_server_or_explain().action_send_test_mail()

    def action_email_server_mails(self):
        """Show the mails of this company that have not left."""
        return self._email_server_or_explain()._action_open_mails()

    def action_open_email_server(self):
        """Open the page Email Server of this company."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "mail_server_oauth2.action_company_email_server"
        )
        form = self.env.ref("mail_server_oauth2.res_company_view_form_email_server")
        return {**action, "res_id": self.id, "views": [(form.id, "form")], "view_mode": "form"}

    def action_email_server_set_up(self):
        """Open the guided setup of this company."""
        self.ensure_one()
        return self.env["mail.oauth2.setup"]._open(self)

    def _email_server_or_explain(self):
        self.ensure_one()
        if not self.email_server_id:
            raise UserError(self.env._("Choose how this company sends mail first."))
        return self.email_server_id
