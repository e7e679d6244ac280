from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_domain_extract, email_normalize

from .mail_oauth2_mailbox import is_plain_address
from .setup_ways import WAYS


class MailOAuth2Setup(models.Model):
    """The steps app registration, sign-in and server."""

    _inherit = "mail.oauth2.setup"

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    has_other_apps = fields.Boolean(compute="_compute_has_other_apps")
    cloud = fields.Selection(
        [
            ("worldwide", "Worldwide"),
            ("us_gov_high", "US Government High"),
            ("us_dod", "US Department of Defense"),
            ("china", "China (21Vianet)"),
            ("custom", "Custom"),
        ],
        compute="_compute_app_values",
        store=True,
        readonly=False,
        help="Where the tenant lives. An app registration never works across clouds.",
    )
    tenant = fields.Char(
        compute="_compute_app_values",
        store=True,
        readonly=False,
        help="Directory (tenant) ID, or a domain of the tenant.",
    )
    client_id = fields.Char(
        string="Client ID",
        compute="_compute_app_values",
        store=True,
        readonly=False,
        help="Application (client) ID.",
    )
    client_secret = fields.Char(
        compute="_compute_secrets",
        inverse="_inverse_client_secret",
        help="The secret's value. It is stored encrypted and never shown again.",
    )
    client_secret_expires_on = fields.Date(
        string="Secret Expires On",
        compute="_compute_app_values",
        store=True,
        readonly=False,
        help="Copy the date from the provider: you will be warned before it comes.",
    )
    has_client_secret = fields.Boolean(related="app_id.has_client_secret")
    redirect_uri = fields.Char(string="Redirect URI", compute="_compute_redirect_uri")
    redirect_uri_warning = fields.Char(compute="_compute_redirect_uri")
    read_write = fields.Boolean(
        string="Also Read and Write Mail",
        compute="_compute_read_write",
        store=True,
        readonly=False,
        help="Ask for the permission to read and write mail too. Mails larger than 3 MB then go "
        "out with their attachments instead of links to them, and a mail whose delivery is in "
        "doubt is looked up among the sent ones.",
    )
    smtp_auth_command = fields.Char(compute="_compute_smtp_auth_command")

    smtp_host = fields.Char(string="Server")
    smtp_port = fields.Integer(string="Port")
    smtp_encryption = fields.Selection(
        selection=lambda self: (
            self.env["ir.mail_server"]._fields["smtp_encryption"]._description_selection(self.env)
        ),
        string="Encryption",
        default="starttls_strict",
    )
    smtp_user = fields.Char(string="Username")
    smtp_pass = fields.Char(
        string="Password",
        compute="_compute_secrets",
        inverse="_inverse_smtp_pass",
        help="Leave empty to keep the present one.",
    )

    # ------------------------------------------------------------
    # COMPUTE METHODS
    # ------------------------------------------------------------

    @api.depends("app_id", "provider")
    def _compute_has_other_apps(self):
        for setup in self:
            setup.has_other_apps = bool(
                setup.app_id
                or self.env["mail.oauth2.app"].search_count(setup._apps_domain(), limit=1)
            )

    def _apps_domain(self):
        return [
            ("provider", "=", self.provider),
            ("company_id", "in", [self.company_id.id, False]),
        ]

    @api.depends("app_id")
    def _compute_app_values(self):
        for setup in self:
            app = setup.app_id
            setup.cloud = app.cloud or "worldwide"
            setup.tenant = app.tenant
            setup.client_id = app.client_id
            setup.client_secret_expires_on = app.client_secret_expires_on

    @api.depends("server_id")
    def _compute_read_write(self):
        for setup in self:
            setup.read_write = setup.mailbox_id.read_write

    def _compute_secrets(self):
        self.client_secret = False
        self.smtp_pass = False

    @api.depends("app_id")
    def _compute_redirect_uri(self):
        apps = self.env["mail.oauth2.app"]
        for setup in self:
            app = setup.app_id or apps.new({})
            setup.redirect_uri = app.redirect_uri
            setup.redirect_uri_warning = app.redirect_uri_warning

    @api.depends("address")
    def _compute_smtp_auth_command(self):
        for setup in self:
            setup.smtp_auth_command = (
                f"Set-CASMailbox {setup.address or '<mailbox>'} "
                "-SmtpClientAuthenticationDisabled $false"
            )

    @api.onchange("address")
    def _onchange_address(self):
        """Propose where Microsoft takes mail for the domain, for ways without a sign-in."""
        if not self.signs_in and self.provider == "microsoft" and not self.smtp_host:
            self.smtp_host = self._mail_exchange()

    # What is typed is saved by the button that leads on, before it runs; secrets go where they
    # belong at once, because nothing of them is kept here.

    def _inverse_client_secret(self):
        for setup in self.filtered("client_secret"):
            setup._save_app(setup.client_secret)
        self.invalidate_recordset(["client_secret"])

    def _inverse_smtp_pass(self):
        for setup in self.filtered("smtp_pass"):
            setup._save_server({"smtp_pass": setup.smtp_pass})
        self.invalidate_recordset(["smtp_pass"])

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_save_app(self):
        """Keep the app registration as it was filled in."""
        self.ensure_one()
        self._save_app()
        if not self.app_id.has_client_secret:
            raise UserError(self.env._("Paste the value of the client secret."))
        self._go_on_from("app")

    def action_sign_in(self):
        """Send the browser to the provider; it comes back to this setup."""
        self.ensure_one()
        self._save_server()
        self.looked_back_at = False
        return self._mailbox_to_sign_in().action_authenticate()

    def action_sign_in_on_another_device(self):
        self.ensure_one()
        self._save_server()
        self.looked_back_at = False
        return self._mailbox_to_sign_in().action_sign_in_on_another_device()

    def action_go_on_from_sign_in(self):
        self.ensure_one()
        self._go_on_from("sign_in")

    def action_save_server(self):
        """Keep the server as it was filled in."""
        self.ensure_one()
        self._save_server()
        self._go_on_from("server")

    # ------------------------------------------------------------
    # BUSINESS METHODS
    # ------------------------------------------------------------

    def _mailbox_to_sign_in(self):
        return self.mailbox_id.with_context(mail_oauth2_screen=self._screen())

    def _save_app(self, secret=None):
        """Create or correct the app registration.

        :raises UserError: something is missing
        """
        if not self._chosen_way().signs_in:
            raise UserError(self._not_yet_in_words())
        if not self.client_id or (self.provider == "microsoft" and not self.tenant):
            raise UserError(self._what_an_app_needs())
        values = self._changed_app_values()
        if secret:
            values["client_secret"] = secret
        if self.app_id:
            self.app_id.write(values)
            return
        self.app_id = self.env["mail.oauth2.app"].create(
            {
                "name": self.env._("E-mail of %(company)s", company=self.company_id.name),
                "provider": self.provider,
                "company_id": self.company_id.id,
                **values,
            }
        )

    def _what_an_app_needs(self):
        if self.provider == "microsoft":
            return self.env._("Fill in the tenant, the client ID and the client secret.")
        return self.env._("Fill in the client ID and the client secret.")

    def _changed_app_values(self):
        names = ["client_id", "client_secret_expires_on"]
        if self.provider == "microsoft":
            names += ["tenant", "cloud"]
        return {name: self[name] for name in names if self[name] != self.app_id[name]}

    def _save_server(self, password=None):
        """Create or correct the server of this setup, which nothing uses before the last step.

        The company's present server is taken if it is the same in all that matters.
        """
        values = self._server_values()
        server = self._server_to_change(values)
        if password or any(self._differs(server[name], value) for name, value in values.items()):
            self.update({"tested_on": False, "outcome": False})
        if server:
            server.write({**values, **(password or {})})
        else:
            server = server.create(self._new_server_values() | values | (password or {}))
        self.server_id = server

    def _server_to_change(self, values):
        """Return the server to write on: never what the company sends through by now."""
        present = self.company_id.email_server_id
        if present and not any(
            self._differs(present[name], value) for name, value in values.items()
        ):
            return present
        return self.server_id - present

    @staticmethod
    def _differs(current, value):
        return (current.id if isinstance(current, models.Model) else current) != value

    def _new_server_values(self):
        company = self.company_id
        return {"name": company.name, "company_id": company.id, "active": False}

    def _server_values(self):
        """Return the server's values that follow from what was chosen and typed."""
        way = self._chosen_way()
        if way.signs_in:
            mailbox = self._needed_mailbox()
            return {"smtp_authentication": way.server_type, "oauth2_mailbox_id": mailbox.id}
        if not self.smtp_host or not is_plain_address(self.address):
            raise UserError(self.env._("Fill in the server and the address to send from."))
        return {
            "smtp_authentication": way.server_type,
            "smtp_host": self.smtp_host.strip(),
            "smtp_port": self.smtp_port,
            "smtp_encryption": self.smtp_encryption,
            "smtp_user": way.has_password and self.smtp_user,
            "from_filter": self._from_filter(),
        }

    def _needed_mailbox(self):
        if not is_plain_address(self.address):
            raise UserError(
                self.env._("Fill in the address of the mailbox that mail is sent from.")
            )
        address = email_normalize(self.address)
        self.address = address
        mailbox = self.company_id._mailbox_of(self.app_id, address)
        if mailbox.read_write != self.read_write:
            mailbox.read_write = self.read_write
        return mailbox

    def _from_filter(self):
        """Return whom a server without sign-in may send as.

        Exchange takes any sender of the organisation's domain from direct send and connectors;
        of other servers we only know that they take the address itself.
        """
        if self.provider == "microsoft":
            return email_domain_extract(self.address)
        return email_normalize(self.address)

    def _forget_what_does_not_fit(self):
        """Propose the server of a way that leads to a known one."""
        result = super()._forget_what_does_not_fit()
        way = WAYS.get(self.way)
        if way and not way.signs_in and self.smtp_port != way.port:
            self.smtp_port = way.port
            self.smtp_host = self._mail_exchange() if self.provider == "microsoft" else False
        return result

    def _mail_exchange(self):
        """Return where Microsoft usually takes mail for a domain; its MX record knows for sure.

        https://learn.microsoft.com/exchange/mail-flow-best-practices/how-to-set-up-a-multifunction-device-or-application-to-send-email-using-microsoft-365-or-office-365
        """
        domain = email_domain_extract(self.address or "")
        return f"{domain.replace('.', '-')}.mail.protection.outlook.com" if domain else False


class MailOAuth2Mailbox(models.Model):
    _inherit = "mail.oauth2.mailbox"

    def _take_address(self, identity):
        """Let the setup that the sign-in was begun in go on with the account's own address."""
        super()._take_address(identity)
        setups = self.env["mail.oauth2.setup"].with_context(active_test=False)
        setups.search([("server_id.oauth2_mailbox_id", "=", self.id)]).address = self.address
