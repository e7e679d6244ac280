import logging

from odoo import api, fields, models
from odoo.addons.base.models.ir_mail_server import MailDeliveryException
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from ..exceptions import ConfigurationError, MailOAuth2Error, SignInNeededError
from ..providers import SERVER_TYPES
from ..providers.clouds import preset
from ..transport import open_mail_session

_logger = logging.getLogger(__name__)

#: OAuth2 never talks to a server whose certificate was not checked
STRICT_ENCRYPTIONS = ("starttls_strict", "ssl_strict")


class IrMailServer(models.Model):
    """Add the OAuth2 types, whose sessions come from ``transport/``."""

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
        help="Only mail of this company leaves through this server. Empty: of all companies.",
    )
    oauth2_mailbox_id = fields.Many2one(
        "mail.oauth2.mailbox",
        string="Mailbox",
        ondelete="restrict",
        check_company=True,
        index="btree_not_null",
    )
    oauth2_provider = fields.Char(compute="_compute_oauth2_type")
    oauth2_transport = fields.Char(compute="_compute_oauth2_type")
    oauth2_state = fields.Selection(related="oauth2_mailbox_id.state", string="Connection")
    oauth2_status_html = fields.Html(
        related="oauth2_mailbox_id.status_html", string="Status", sanitize=False
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

    def _complete_oauth2_values(self, vals):
        """Add what follows from type and mailbox to the values of one server."""
        code = vals.get("smtp_authentication", self.smtp_authentication)
        if code not in SERVER_TYPES:
            return vals
        mailbox = (
            self.env["mail.oauth2.mailbox"].browse(vals["oauth2_mailbox_id"])
            if vals.get("oauth2_mailbox_id")
            else self.oauth2_mailbox_id
        )
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

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_oauth2_authenticate(self):
        return self._mailbox_or_explain().action_authenticate()

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

    # ------------------------------------------------------------
    # SENDING
    # ------------------------------------------------------------

    def _filter_oauth2(self):
        return self.filtered(lambda server: server.smtp_authentication in SERVER_TYPES)

    def _connect__(  # noqa: PLW3201
        self,
        host=None,
        port=None,
        user=None,
        password=None,
        encryption=None,
        smtp_from=None,
        ssl_certificate=None,
        ssl_private_key=None,
        smtp_debug=False,
        mail_server_id=None,
        allow_archived=False,
    ):
        """Return a session of ``transport/`` for an OAuth2 server, core's for all others.

        The session connects when it is first used, so that a failure belongs to the mails it
        concerns and core does not fail the whole batch.
        """
        if not self._disable_send():
            server, sender = self._choose_server(host, mail_server_id, smtp_from)
            if server._filter_oauth2():
                self._check_forced_mail_server(server, allow_archived, sender)
                return server._new_oauth2_session(sender, smtp_debug)
        return super()._connect__(
            host=host,
            port=port,
            user=user,
            password=password,
            encryption=encryption,
            smtp_from=smtp_from,
            ssl_certificate=ssl_certificate,
            ssl_private_key=ssl_private_key,
            smtp_debug=smtp_debug,
            mail_server_id=mail_server_id,
            allow_archived=allow_archived,
        )

    def _choose_server(self, host, mail_server_id, smtp_from):
        """Return server and sender that core's ``_connect__`` would use."""
        servers = self.env["ir.mail_server"].sudo()
        if mail_server_id:
            return servers.browse(mail_server_id), smtp_from
        if host:
            return servers, smtp_from
        server, sender = servers._find_mail_server(smtp_from)
        return server or servers, sender

    def _new_oauth2_session(self, smtp_from=None, smtp_debug=False):
        """Return an unopened session of this server's type; nothing can fail yet."""
        self.ensure_one()
        mailbox = self.sudo().oauth2_mailbox_id
        kind = SERVER_TYPES[self.smtp_authentication]
        sender = smtp_from or mailbox.address
        session = open_mail_session(
            kind.transport,
            provider=kind.provider,
            mailbox=mailbox.address or "",
            account=mailbox.account_address or "",
            get_token=self._token_source(mailbox, kind),
            connect=lambda: self._connect_smtp(sender, smtp_debug),
            host=self.smtp_host or "",
            port=self.smtp_port,
            api_url=mailbox.app_id.api_url or "",
        )
        session.from_filter = self.from_filter or mailbox.address
        session.smtp_from = sender
        session.mail_server_id = self.id
        return session

    def _token_source(self, mailbox, kind):
        """Return the ``get_token(force)`` of a session."""
        if mailbox:
            return mailbox._token_source(kind.resource_for(shared=mailbox.shared))

        def no_token(_force):
            raise SignInNeededError("no_mailbox", details={"server": self.name})

        return no_token

    def _connect_smtp(self, smtp_from, smtp_debug=False):
        """Return core's SMTP connection after TLS, not signed in yet."""
        # pylint: disable=super-method-mismatch
        # Core's own way to a server is wanted, not the one above that comes back here.
        self.ensure_one()
        if not self.smtp_host:
            raise ConfigurationError("smtp_host_missing", details={"server": self.name})
        return super()._connect__(
            smtp_from=smtp_from,
            smtp_debug=smtp_debug,
            mail_server_id=self.id,
            allow_archived=True,
        )

    def _smtp_login__(self, connection, smtp_user, smtp_password):  # noqa: PLW3201
        """OAuth2 sessions sign in by themselves, after the connection is made."""
        if len(self) == 1 and self.smtp_authentication in SERVER_TYPES:
            return None
        return super()._smtp_login__(connection, smtp_user, smtp_password)

    def _verify_oauth2_connection(self):
        """Connect, sign in and let the server accept the sender; send nothing.

        :return: the closed session
        :raises MailOAuth2Error:
        """
        self.ensure_one()
        session = self._new_oauth2_session()
        try:
            session.verify(self.sudo().oauth2_mailbox_id.address)
        finally:
            session.close()
        return session

    @api.model
    def send_email(
        self,
        message,
        mail_server_id=None,
        smtp_server=None,
        smtp_port=None,
        smtp_user=None,
        smtp_password=None,
        smtp_encryption=None,
        smtp_ssl_certificate=None,
        smtp_ssl_private_key=None,
        smtp_debug=False,
        smtp_session=None,
    ):
        """Say in words what went wrong, and tell the queue which error it was."""
        try:
            message_id = super().send_email(
                message,
                mail_server_id=mail_server_id,
                smtp_server=smtp_server,
                smtp_port=smtp_port,
                smtp_user=smtp_user,
                smtp_password=smtp_password,
                smtp_encryption=smtp_encryption,
                smtp_ssl_certificate=smtp_ssl_certificate,
                smtp_ssl_private_key=smtp_ssl_private_key,
                smtp_debug=smtp_debug,
                smtp_session=smtp_session,
            )
            self._note_refused(smtp_session)
            return message_id
        except MailDeliveryException as failure:
            # Core raises it while it handles the session's error, without `from`.
            error = failure.__context__
            if not isinstance(error, MailOAuth2Error):
                raise
            if hand_over := self.env.context.get("mail_oauth2_hand_over"):
                hand_over.failed(error)
            text = self.env["mail.oauth2.error"]._text(error)
            raise MailDeliveryException(self.env._("Mail Delivery Failed"), text) from error

    def _note_refused(self, smtp_session):
        """Tell the queue who was refused although the mail was accepted for others."""
        hand_over = self.env.context.get("mail_oauth2_hand_over")
        result = getattr(smtp_session, "last_result", None)
        if hand_over and result and result.refused:
            hand_over.accepted(result.refused)

    def _prepare_email_message__(self, message, smtp_session):  # noqa: PLW3201
        """Let the mailbox be the sender where the provider accepts no other.

        Core then puts the author's name before the mailbox's address, and answers still reach
        the author by Reply-To.
        """
        server = self.sudo().browse(getattr(smtp_session, "mail_server_id", False))
        mailbox = server.oauth2_mailbox_id
        if mailbox and not self._match_from_filter(message["From"], smtp_session.from_filter):
            smtp_session.smtp_from = mailbox.address
            self = self.with_context(domain_notifications_email=mailbox.address)  # noqa: PLW0642
        return super()._prepare_email_message__(message, smtp_session)

    # ------------------------------------------------------------
    # CHOOSING THE SERVER
    # ------------------------------------------------------------

    def _find_mail_server(self, email_from, mail_servers=None):
        """Prefer the server that the company chose as its own.

        Core goes by the sender's address alone. A company's own server comes first unless
        another one is meant for exactly this sender.
        """
        server, smtp_from = super()._find_mail_server(email_from, mail_servers)
        if server and email_from and self._match_exactly(email_from, server):
            return server, smtp_from
        own = self._own_server_of_company(mail_servers)
        if own:
            return own, own._sender_for(email_from)
        if server and server._filter_oauth2():
            return server, server._sender_for(smtp_from)
        return server, smtp_from

    def _match_exactly(self, email_from, server):
        wanted = email_normalize(email_from)
        return any(
            email_normalize(part) == wanted for part in self._parse_from_filter(server.from_filter)
        )

    def _own_server_of_company(self, mail_servers=None):
        own = self.env.company.sudo().email_server_id.filtered("active")
        return own if mail_servers is None else own & mail_servers

    def _sender_for(self, email_from):
        """Return ``email_from`` if this server may send as it, else its mailbox."""
        self.ensure_one()
        address = self.oauth2_mailbox_id.address
        if not address or self._match_from_filter(email_from, self.from_filter or address):
            return email_from
        return address

    def _find_mail_server_allowed_domain(self):
        """Leave out the servers of other companies."""
        domain = super()._find_mail_server_allowed_domain()
        return domain & fields.Domain("company_id", "in", [False, self.env.company.id])

    def _release_held_mails(self):
        """A mailbox is connected: let the queue run now rather than within the hour."""
        if self:
            self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
