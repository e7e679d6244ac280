from odoo import api, fields, models
from odoo.exceptions import UserError

from ..exceptions import MailOAuth2Error
from ..providers import SERVER_TYPES
from ..providers.clouds import preset

#: OAuth2 never talks to a server whose certificate was not checked
STRICT_ENCRYPTIONS = ("starttls_strict", "ssl_strict")
HIGHEST_PORT = 65_535


class IrMailServer(models.Model):
    """Add the OAuth2 types: fields, form, checks and buttons."""

    _inherit = "ir.mail_server"

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    smtp_authentication = fields.Selection(
        selection_add=[
            ("oauth2_microsoft_smtp", "Microsoft 365 SMTP OAuth2"),
            ("oauth2_microsoft_graph", "Microsoft Graph API OAuth2"),
            ("oauth2_google_smtp", "Gmail OAuth2"),
        ],
        ondelete={
            "oauth2_microsoft_smtp": "set default",
            "oauth2_microsoft_graph": "set default",
            "oauth2_google_smtp": "set default",
        },
    )
    company_id = fields.Many2one(
        "res.company",
        # Not "set null": the server would become everybody's.
        ondelete="cascade",
        help="Only mail of this company leaves through this server. Empty: of all companies.",
    )
    oauth2_mailbox_id = fields.Many2one(
        "mail.oauth2.mailbox",
        string="Mailbox",
        ondelete="restrict",
        index="btree_not_null",
    )
    oauth2_provider = fields.Char(compute="_compute_oauth2_type")
    oauth2_transport = fields.Char(compute="_compute_oauth2_type")
    oauth2_state = fields.Selection(
        selection=lambda self: (
            self.env["mail.oauth2.mailbox"]._fields["state"]._description_selection(self.env)
        ),
        string="Connection",
        compute="_compute_oauth2_status",
    )
    oauth2_status_html = fields.Html(
        string="Status", compute="_compute_oauth2_status", sanitize=False
    )

    # ------------------------------------------------------------
    # COMPUTE METHODS
    # ------------------------------------------------------------

    def _compute_smtp_authentication_info(self):
        words = {
            "oauth2_microsoft_smtp": self.env._(
                "Send through Exchange Online by SMTP, signed in with OAuth2. The mailbox needs "
                "“Authenticated SMTP” switched on in the Microsoft 365 admin center."
            ),
            "oauth2_microsoft_graph": self.env._(
                "Send through the Microsoft Graph API, signed in with OAuth2. Needs no SMTP and "
                "no open port but 443."
            ),
            "oauth2_google_smtp": self.env._(
                "Send through Gmail or Google Workspace by SMTP, signed in with OAuth2."
            ),
        }
        ours = self._filter_oauth2()
        for server in ours:
            server.smtp_authentication_info = words[server.smtp_authentication]
        super(IrMailServer, self - ours)._compute_smtp_authentication_info()

    @api.depends("smtp_authentication")
    def _compute_oauth2_type(self):
        for server in self:
            kind = SERVER_TYPES.get(server.smtp_authentication)
            server.oauth2_provider = kind and kind.provider
            server.oauth2_transport = kind and kind.transport

    @api.depends("oauth2_mailbox_id")
    def _compute_oauth2_status(self):
        for server in self:
            # Servers of people belong to no company, their mailboxes do.
            mailbox = server.oauth2_mailbox_id._shown()
            server.oauth2_state = mailbox.state
            server.oauth2_status_html = mailbox.status_html

    # ------------------------------------------------------------
    # ONCHANGE METHODS
    # ------------------------------------------------------------

    @api.onchange("smtp_encryption")
    def _onchange_encryption(self):
        """Keep the port of an OAuth2 server."""
        if not self._filter_oauth2():
            return super()._onchange_encryption()
        return None

    @api.onchange("smtp_authentication", "oauth2_mailbox_id")
    def _onchange_oauth2(self):
        """Fill in the provider's server, and let the mailbox be the sender."""
        if not self._filter_oauth2():
            return
        self.update(self._oauth2_values(self.oauth2_mailbox_id))

    # ------------------------------------------------------------
    # CONSTRAINT METHODS
    # ------------------------------------------------------------

    @api.constrains("smtp_authentication", "smtp_encryption", "smtp_pass", "oauth2_mailbox_id")
    def _check_oauth2(self):
        for server in self._filter_oauth2():
            if server.smtp_encryption not in STRICT_ENCRYPTIONS:
                raise UserError(
                    self.env._(
                        "“%(server)s” signs in with OAuth2, so it needs an encryption with "
                        "validation: the token would otherwise go to whoever answers.",
                        server=server.name,
                    )
                )
            mailbox = server.oauth2_mailbox_id
            if mailbox and mailbox.provider != server.oauth2_provider:
                raise UserError(
                    self.env._(
                        "The mailbox %(mailbox)s is connected through another provider than the "
                        "type of “%(server)s” needs.",
                        mailbox=mailbox.address,
                        server=server.name,
                    )
                )

    @api.constrains("smtp_port")
    def _check_port(self):
        """Say it here, where somebody can correct it, and not when mail shall leave."""
        for server in self:
            self._check_port_number(server.smtp_port)

    @api.model
    def _check_port_number(self, port):
        if not 0 <= port <= HIGHEST_PORT:
            raise UserError(
                self.env._(
                    "There is no port %(port)s. Mail servers listen on 587, 465 or 25.", port=port
                )
            )

    @api.constrains("company_id", "oauth2_mailbox_id", "owner_user_id")
    def _check_mailbox_fits(self):
        """A mailbox of one company or person sends nobody else's mail."""
        for server in self:
            mailbox = server.sudo().oauth2_mailbox_id
            if mailbox.company_id and mailbox.company_id != server.company_id:
                raise UserError(
                    self.env._(
                        "The mailbox %(mailbox)s belongs to one company. Choose the same company "
                        "for the server “%(server)s”, or another mailbox.",
                        mailbox=mailbox.address,
                        server=server.name,
                    )
                )
            if mailbox.user_id and mailbox.user_id != server.owner_user_id:
                raise UserError(
                    self.env._(
                        "The mailbox %(mailbox)s is somebody's personal one, so only a personal "
                        "server of its owner can send through it, not “%(server)s”.",
                        mailbox=mailbox.address,
                        server=server.name,
                    )
                )

    # ------------------------------------------------------------
    # CRUD METHODS
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._complete_oauth2_values(vals) for vals in vals_list])

    def write(self, vals):
        if {"oauth2_mailbox_id", "smtp_authentication"} & set(vals):
            for server in self:
                super(IrMailServer, server).write(server._complete_oauth2_values(vals))
            return True
        return super().write(vals)

    def unlink(self):
        """Forget the permission of a personal mailbox with the last server that used it."""
        personal = self.sudo().oauth2_mailbox_id.filtered("user_id")
        result = super().unlink()
        personal.filtered(
            lambda box: not box.with_context(active_test=False).server_ids
        )._wipe_after_commit()
        return result

    def _complete_oauth2_values(self, vals):
        """Add what follows from type and mailbox to the values of one server."""
        code = vals.get("smtp_authentication", self.smtp_authentication)
        if code not in SERVER_TYPES:
            # What is left of another type would still choose the sender.
            return {**vals, "oauth2_mailbox_id": False}
        mailbox = self.oauth2_mailbox_id
        if vals.get("oauth2_mailbox_id"):
            mailbox = mailbox.browse(vals["oauth2_mailbox_id"])
            mailbox.check_access("read")
        defaults = self._oauth2_values(mailbox, kind=SERVER_TYPES[code])
        encryption = vals.get("smtp_encryption", self.smtp_encryption)
        if encryption in STRICT_ENCRYPTIONS and self.smtp_authentication == code:
            defaults.pop("smtp_encryption", None)
        return {**defaults, **vals, "smtp_pass": False}

    def _oauth2_values(self, mailbox, kind=None):
        """Return the server's values that follow from a type and a mailbox."""
        kind = kind or SERVER_TYPES[self.smtp_authentication]
        values = {"smtp_encryption": "starttls_strict", **self._oauth2_host(kind, mailbox.app_id)}
        if mailbox:
            values["smtp_user"] = mailbox.address
            values["from_filter"] = mailbox.address
        return values

    @api.model
    def _oauth2_host(self, kind, app):
        """Return host and port that a type connects to with an app registration.

        Graph is not a mail server: its host stands in the app registration.
        """
        if kind.transport != "smtp":
            return {"smtp_host": False, "smtp_port": 443}
        hosts = app or preset(kind.provider, "worldwide")
        return {"smtp_host": hosts["smtp_host"], "smtp_port": hosts["smtp_port"]}

    def _follow_mailbox(self):
        """The address of the mailbox has changed."""
        for server in self:
            server.write(
                {
                    "smtp_user": server.oauth2_mailbox_id.address,
                    "from_filter": server.oauth2_mailbox_id.address,
                }
            )

    def _filter_oauth2(self):
        return self.filtered(lambda server: server.smtp_authentication in SERVER_TYPES)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_oauth2_authenticate(self):
        screen = f"/odoo/action-base.action_ir_mail_server_list/{self.id}"
        return self._mailbox_or_explain()._begun_on(screen).action_authenticate()

    def action_oauth2_status(self):
        return self._mailbox_or_explain().action_status()

    def action_oauth2_disconnect(self):
        return self._mailbox_or_explain().action_disconnect()

    def action_send_test_mail(self):
        """Open the dialogue that sends a test e-mail through this very server."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send a test e-mail"),
            "res_model": "mail.oauth2.test.mail",
            "view_mode": "form",
            "target": "new",
            "context": {"default_mail_server_id": self.id},
        }

    def _mailbox_or_explain(self):
        self.ensure_one()
        if not self.oauth2_mailbox_id:
            raise UserError(
                self.env._("Choose a mailbox first: the address that mail is sent from.")
            )
        return self.oauth2_mailbox_id

    def test_smtp_connection(self, autodetect_max_email_size=False):
        """Try OAuth2 servers without sending anything to anybody."""
        ours = self._filter_oauth2()
        for server in ours:
            try:
                session = server._verify_oauth2_connection()
            except MailOAuth2Error as error:
                raise self.env["mail.oauth2.error"]._user_error(error) from error
            if autodetect_max_email_size:
                server._take_over_max_size(session)
        return super(IrMailServer, self - ours).test_smtp_connection(autodetect_max_email_size)

    def _take_over_max_size(self, session):
        if not session.max_size:
            raise UserError(
                self.env._("The server “%(server)s” tells no largest size.", server=self.name)
            )
        self.max_email_size = session.max_size / 1024**2
