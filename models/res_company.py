from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from ..providers import SERVER_TYPES

#: type of the company's server -> value of ``ir.mail_server.smtp_authentication``
BASIC = "login"
#: port on which servers take mail from those who sign in (RFC 6409)
SUBMISSION_PORT = 587
#: port of Graph, on which no mail server listens
HTTPS_PORT = 443

#: fields of the company form -> fields of its mail server
SERVER_FIELDS = {
    "email_server_type": "smtp_authentication",
    "email_server_host": "smtp_host",
    "email_server_port": "smtp_port",
    "email_server_encryption": "smtp_encryption",
    "email_server_user": "smtp_user",
    "email_server_password": "smtp_pass",
    "email_server_max_size": "max_email_size",
}
#: fields of the company form -> fields of that server's mailbox
MAILBOX_FIELDS = {
    "email_server_address": "address",
    "email_server_app_id": "app_id",
}


class ResCompany(models.Model):
    """Show and edit the company's own mail server on the company form."""

    _inherit = "res.company"

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    email_server_id = fields.Many2one(
        "ir.mail_server",
        ondelete="set null",
        groups="base.group_system",
        domain="[('company_id', 'in', [id, False]), ('owner_user_id', '=', False)]",
        help="Mail of this company leaves through this server.",
    )
    email_server_type = fields.Selection(
        [
            (BASIC, "SMTP Basic"),
            ("oauth2_microsoft_smtp", "Microsoft 365 SMTP OAuth2"),
            ("oauth2_microsoft_graph", "Microsoft Graph API OAuth2"),
            ("oauth2_google_smtp", "Gmail OAuth2"),
        ],
        string="Type",
        compute="_compute_email_server",
        readonly=False,
        groups="base.group_system",
    )
    email_server_host = fields.Char(
        string="Server",
        compute="_compute_email_server",
        readonly=False,
        groups="base.group_system",
    )
    email_server_port = fields.Integer(
        string="Port",
        compute="_compute_email_server",
        readonly=False,
        groups="base.group_system",
    )
    email_server_encryption = fields.Selection(
        selection=lambda self: (
            self.env["ir.mail_server"]._fields["smtp_encryption"]._description_selection(self.env)
        ),
        string="Encryption",
        compute="_compute_email_server",
        readonly=False,
        groups="base.group_system",
    )
    email_server_user = fields.Char(
        string="Username",
        compute="_compute_email_server",
        readonly=False,
        groups="base.group_system",
    )
    email_server_password = fields.Char(
        string="Password",
        compute="_compute_email_server",
        readonly=False,
        groups="base.group_system",
        help="Leave empty to keep the present one.",
    )
    email_server_max_size = fields.Float(
        string="Largest Mail (MB)",
        compute="_compute_email_server",
        readonly=False,
        groups="base.group_system",
        help="Attachments of larger mails are sent as links. 0: Odoo's own limit, 10 MB unless "
        "it was changed.",
    )
    email_server_address = fields.Char(
        string="Send From",
        compute="_compute_email_server",
        readonly=False,
        groups="base.group_system",
        help="The mailbox that mail of this company is sent from.",
    )
    email_server_app_id = fields.Many2one(
        "mail.oauth2.app",
        string="App Registration",
        compute="_compute_email_server",
        readonly=False,
        groups="base.group_system",
    )
    # ------------------------------------------------------------
    # COMPUTE METHODS
    # ------------------------------------------------------------

    @api.depends("email_server_id")
    def _compute_email_server(self):
        types = dict(self._fields["email_server_type"].selection)
        for company in self:
            server = company._readable_server()
            mailbox = server.oauth2_mailbox_id._filtered_access("read")
            values = {name: server[field] for name, field in SERVER_FIELDS.items()}
            values |= {name: mailbox[field] for name, field in MAILBOX_FIELDS.items()}
            if values["email_server_type"] not in types:
                values["email_server_type"] = False
            company.update({**values, "email_server_password": False})

    def _readable_server(self):
        """Return the company's server; whoever may open the company need not be allowed in it."""
        return self.email_server_id._filtered_access("read")

    # ------------------------------------------------------------
    # ONCHANGE METHODS
    # ------------------------------------------------------------

    @api.onchange("email_server_type")
    def _onchange_email_server_type(self):
        """Offer what the type needs: provider's server, the only app registration, the address."""
        kind = SERVER_TYPES.get(self.email_server_type)
        if not kind:
            self.email_server_app_id = False
            if self.email_server_port in (0, HTTPS_PORT):
                self.email_server_port = SUBMISSION_PORT
            self.email_server_encryption = self.email_server_encryption or "starttls_strict"
            return
        if self.email_server_app_id.provider != kind.provider:
            stored = self._origin._readable_server().oauth2_mailbox_id.app_id
            is_back = stored.provider == kind.provider
            self.email_server_app_id = stored if is_back else self._only_app(kind.provider)
        self.email_server_address = self.email_server_address or self.email
        self._fill_in_server(kind)

    @api.onchange("email_server_app_id")
    def _onchange_email_server_app_id(self):
        kind = SERVER_TYPES.get(self.email_server_type)
        if kind:
            self._fill_in_server(kind)

    def _fill_in_server(self, kind):
        host = self.env["ir.mail_server"]._oauth2_host(kind, self.email_server_app_id)
        self.email_server_host = host["smtp_host"]
        self.email_server_port = host["smtp_port"]
        self.email_server_encryption = "starttls_strict"

    def _only_app(self, provider):
        apps = self.env["mail.oauth2.app"].search(
            [("provider", "=", provider), ("company_id", "in", [False, self._origin.id])], limit=2
        )
        return apps if len(apps) == 1 else apps.browse()

    # ------------------------------------------------------------
    # CONSTRAINT METHODS
    # ------------------------------------------------------------

    @api.constrains("email_server_id")
    def _check_email_server(self):
        for company in self.sudo():
            server = company.email_server_id
            if server and not server._may_serve(company):
                raise UserError(
                    self.env._(
                        "“%(server)s” belongs to another company or to a person.",
                        server=server.name,
                    )
                )

    # ------------------------------------------------------------
    # CRUD METHODS
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        split = [self._split_email_server_values(vals) for vals in vals_list]
        companies = super().create([company_values for company_values, _server in split])
        for company, (_company, server_values) in zip(companies, split, strict=True):
            company.with_company(company)._write_email_server(server_values)
        return companies

    def write(self, vals):
        company_values, server_values = self._split_email_server_values(vals)
        if server_values and (hidden := self.filtered("email_server_is_hidden")):
            # What could not be read would be overwritten unseen.
            raise UserError(hidden[0]._switch_first_in_words())
        result = super().write(company_values)
        for company in self:
            company.with_company(company)._write_email_server(server_values)
        return result

    def unlink(self):
        """Let the servers go first: the database keeps a mailbox that one sends through."""
        servers = self.env["ir.mail_server"].sudo().with_context(active_test=False)
        servers.search([("company_id", "in", self.ids)]).unlink()
        return super().unlink()

    @api.model
    def _split_email_server_values(self, vals):
        names = {*SERVER_FIELDS, *MAILBOX_FIELDS}
        server_values = {name: value for name, value in vals.items() if name in names}
        company_values = {name: value for name, value in vals.items() if name not in names}
        return company_values, server_values

    def _write_email_server(self, values):
        """Write what was edited on the company form to its server and mailbox."""
        if not values:
            return
        self.ensure_one()
        code = values.get("email_server_type", self.email_server_type)
        if not code:
            return
        server_values = self._server_values(code, values)
        if code in SERVER_TYPES:
            server_values["oauth2_mailbox_id"] = self._write_mailbox(code, values).id
        if self._may_change(self.email_server_id):
            self.email_server_id.write(server_values)
        else:
            self.email_server_id = self.env["ir.mail_server"].create(
                {"name": self.name, "company_id": self.id, **server_values}
            )
        self.invalidate_recordset([*SERVER_FIELDS, *MAILBOX_FIELDS])

    def _may_change(self, server):
        """Tell whether a server is this company's alone."""
        return server and server.company_id == self._origin

    def _server_values(self, code, values):
        server_values = {
            SERVER_FIELDS[name]: value for name, value in values.items() if name in SERVER_FIELDS
        }
        server_values["smtp_authentication"] = code
        if not server_values.get("smtp_pass"):
            server_values.pop("smtp_pass", None)
        if code in SERVER_TYPES:
            # User and encryption of OAuth2 servers follow from mailbox and type.
            server_values.pop("smtp_user", None)
            if not server_values.get("smtp_host"):
                server_values.pop("smtp_host", None)
        else:
            server_values["oauth2_mailbox_id"] = False
        return server_values

    def _write_mailbox(self, code, values):
        """Return the mailbox of the company's server, made or changed as edited."""
        app = self.env["mail.oauth2.app"].browse(
            values.get("email_server_app_id", self.email_server_app_id.id)
        )
        address = values.get("email_server_address", self.email_server_address)
        if not app or not address:
            raise UserError(
                self.env._("Fill in the app registration and the address that mail is sent from.")
            )
        return self._mailbox_of(app, address)

    def _mailbox_of(self, app, address):
        """Return the company's mailbox of an address, made if need be."""
        return self._known_mailbox(app, address) or self.env["mail.oauth2.mailbox"].create(
            {"app_id": app.id, "address": address, "company_id": self.id}
        )

    def _known_mailbox(self, app, address):
        """Return the mailbox of an address that this company may send through, if there is one.

        The present server's own comes first: there may be one of the company and one of all.
        """
        domain = [
            ("app_id", "=", app.id),
            ("address", "=", email_normalize(address) or (address or "").strip()),
            ("company_id", "in", [self._origin.id, False]),
            ("user_id", "=", False),
        ]
        known = self.env["mail.oauth2.mailbox"].search(domain)
        return (known & self._readable_server().oauth2_mailbox_id) or known[:1]
