from odoo import api, fields, models
from odoo.addons.base.models.ir_mail_server import MailDeliveryException
from odoo.tools import email_normalize

from ..exceptions import ConfigurationError, MailOAuth2Error, SignInNeededError
from ..providers import SERVER_TYPES
from ..transport import open_mail_session
from .hand_over import HandOver


class IrMailServer(models.Model):
    """Hand mail over through the sessions of ``transport/``, and choose the right server."""

    _inherit = "ir.mail_server"

    # ------------------------------------------------------------
    # SENDING
    # ------------------------------------------------------------

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
                return HandOver(server._new_oauth2_session(sender, smtp_debug), server)
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
            max_recipients=self.oauth2_recipients_per_message,
            read_write=mailbox._uses_read_write(kind),
        )
        session.from_filter = self.from_filter or mailbox.address
        session.smtp_from = sender
        return session

    def _token_source(self, mailbox, kind):
        """Return the ``get_token(force)`` of a session."""
        if mailbox:
            return mailbox._token_source(mailbox._resource_for(kind))

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
        """Say in words what went wrong."""
        if isinstance(smtp_session, HandOver):
            smtp_session.next_turn()
        try:
            return super().send_email(
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
        except MailDeliveryException as failure:
            # Core raises it while it handles the session's error, without `from`.
            error = failure.__context__
            if not isinstance(error, MailOAuth2Error):
                raise
            text = self.env["mail.oauth2.error"]._text(error)
            raise MailDeliveryException(self.env._("Mail Delivery Failed"), text) from error

    def _prepare_email_message__(self, message, smtp_session):  # noqa: PLW3201
        """Let the mailbox be the sender where the provider accepts no other.

        Core then puts the author's name before the mailbox's address, and answers still reach
        the author by Reply-To.
        """
        mailbox = smtp_session.mailbox if isinstance(smtp_session, HandOver) else None
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
            _own, smtp_from = super()._find_mail_server(email_from, own)
            return own, own._sender_for(smtp_from)
        if server and server._filter_oauth2():
            return server, server._sender_for(smtp_from)
        return server, smtp_from

    def _match_exactly(self, email_from, server):
        wanted = email_normalize(email_from)
        return any(
            email_normalize(part) == wanted for part in self._parse_from_filter(server.from_filter)
        )

    def _own_server_of_company(self, mail_servers=None):
        company = self.env.company
        own = company.sudo().email_server_id.filtered(
            lambda server: server.active and server._may_serve(company)
        )
        return own if mail_servers is None else own & mail_servers

    def _may_serve(self, company):
        """Tell whether a company may call this server its own."""
        is_theirs = not self.company_id or self.company_id == company
        return is_theirs and not self.owner_user_id

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
        if not self:
            return
        held = self.env["mail.mail"].sudo().search([("oauth2_held_by_id", "in", self.ids)])
        held._release()
        self.env["mail.oauth2.pause"].sudo()._of(self.oauth2_mailbox_id)._end()
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
