import time
from functools import partial

import idna

from odoo import models
from odoo.tools.misc import format_date, format_datetime

from ..exceptions import ConfigurationError, MailOAuth2Error, UnreachableError
from ..transport import check_network, check_smtp, check_tls, open_mail_session
from ..transport.deadline import within
from .diagnosis_steps import FOREIGN, GRAPH, PASSWORD, Finding, NotTriedError

#: seconds for one step on the network, however slowly a host answers
STEP_SECONDS = 30
#: days before the end of a certificate from which on it is worth a word
CERTIFICATE_WARNING = 7


class MailOAuth2Diagnosis(models.TransientModel):
    """Checks of the way to the server that takes the mail, and of the mailbox there."""

    _inherit = "mail.oauth2.diagnosis"

    # ------------------------------------------------------------
    # THE WAY
    # ------------------------------------------------------------

    def _check_mail_name(self):
        if self._way() == GRAPH:
            return self._https_name(self._graph_url())
        return self._resolved(self._smtp_server().host)

    def _check_mail_port(self):
        if self._way() == GRAPH:
            return self._https_port(self._graph_url())
        server = self._smtp_server()
        return self._reached(server.host, server.port)

    def _check_mail_certificate(self):
        if self._way() == GRAPH:
            return self._https_certificate(self._graph_url())
        server = self._smtp_server()
        if server.encryption == "none":
            problem = ConfigurationError("smtp_not_encrypted", details={"host": server.host})
            return Finding(self.env._("Mail and password travel in clear text."), problem)
        return self._smtp_certificate(server)

    def _smtp_certificate(self, server):
        look = partial(check_tls.smtp_certificate, server)
        at = (server.host, server.port)
        if server.is_verified:
            return self._certified(look, at)
        certificate = self._ask(look, at=at)
        details = {"host": server.host}
        problem = ConfigurationError("smtp_certificate_not_checked", details=details)
        try:
            self._ask(partial(look, verify=True), at=at)
        except UnreachableError as error:
            problem.provider_text = error.provider_text
        return Finding(self._certificate_in_words(certificate), problem)

    # ------------------------------------------------------------
    # THE MAILBOX
    # ------------------------------------------------------------

    def _check_methods(self):
        server = self._smtp_server()
        methods = self._ask(check_smtp.offered_methods, server, at=(server.host, server.port))
        if self._kind():
            check_smtp.check_xoauth2_offered(methods)
        elif self._way() == PASSWORD and self.mail_server_id.smtp_user:
            check_smtp.check_password_offered(methods)
        return Finding(
            self.env._("The server offers: %(methods)s.", methods=", ".join(methods) or "-")
        )

    def _check_mailbox(self):
        if self._way() == FOREIGN:
            raise NotTriedError(
                self.env._("Another module signs in at this server. Press Test Connection.")
            )
        if self._way() == PASSWORD:
            return self._password_sign_in()
        address = self._address()
        try:
            if self._way() == GRAPH:  # no sign-in of its own; it tells only when asked to send
                self._in_session(lambda session: session.verify(address))
            else:
                self._in_session(lambda session: session.open())
        except MailOAuth2Error as error:
            if error.key != "send_as_denied":  # that is what the next check is about
                raise
        return Finding(self.env._("The mailbox %(address)s opens.", address=address))

    def _check_send_as(self):
        sender = self._sender_to_try()
        if self._way() == PASSWORD:
            self._try_password(sender)
        else:
            self._in_session(lambda session: session.verify(sender))
        summary = self.env._("The server accepts %(address)s as sender.", address=sender)
        if self._is_own_sender():
            return Finding(summary)
        # Exchange looks at the sender once it has the whole mail, so only a real one tells.
        proof = self._last_accepted()
        if proof:
            time = format_datetime(self.env, proof, dt_format="short")
            return Finding(self.env._("The provider took a mail on %(time)s.", time=time))
        account = self.mailbox_id.account_address or ""
        details = {"mailbox": sender, "account": account}
        return Finding(summary, ConfigurationError("send_as_not_proven", details=details))

    def _last_accepted(self):
        """Return when the provider last took a mail of the present sign-in."""
        since = self.mailbox_id.authenticated_on
        if not since:
            return False
        domain = [
            ("mailbox_id", "=", self.mailbox_id.id),
            ("server_id", "=", self.mail_server_id.id),
            ("outcome", "=", "accepted"),
            ("ended_at", ">=", since),
        ]
        return self.env["mail.oauth2.attempt"].search(domain, limit=1).ended_at

    def _is_own_sender(self):
        """Tell whether the account that signed in sends as itself."""
        if not self._kind():
            return True
        account = self.mailbox_id.account_address or ""
        return not self.mailbox_id.shared and account.lower() in ("", self._address().lower())

    def _in_session(self, use):
        """Let ``use(session)`` work with a session like the queue's.

        It runs in a thread that may be given up, so it must not touch the database: even the
        token is fetched before.
        """
        kind, mailbox = self._kind(), self.mailbox_id
        token = mailbox._access_token(self._resource())
        server = self._smtp_server()
        session = open_mail_session(
            kind.transport,
            provider=kind.provider,
            mailbox=mailbox.address,
            account=mailbox.account_address or "",
            get_token=lambda _force: token,
            connect=server.connect,
            host=server.host,
            port=server.port,
            api_url=self._app().api_url or "",
        )

        def run():
            try:
                use(session)
            finally:
                session.quit()

        self._ask(run, at=self._mail_host())

    def _password_sign_in(self):
        user = self.mail_server_id.smtp_user
        self._try_password()
        if not user:
            return Finding(self.env._("No user name is entered: Odoo sends without a sign-in."))
        return Finding(self.env._("The server accepts user name and password."))

    def _try_password(self, sender=""):
        server = self._smtp_server()
        user, password = self.mail_server_id.smtp_user or "", self.mail_server_id.smtp_pass or ""
        local, at, domain = user.rpartition("@")
        if at:  # as core does
            user = f"{local}@{idna.encode(domain).decode('ascii')}"
        self._ask(
            check_smtp.sign_in_with_password,
            server,
            user,
            password,
            sender,
            at=(server.host, server.port),
        )

    def _sender_to_try(self):
        """Return the address that mail of this server leaves as."""
        return self._address() or self.mail_server_id._get_test_email_from()

    def _address(self):
        return self.mailbox_id.address or ""

    # ------------------------------------------------------------
    # ONE STEP ON THE NETWORK
    # ------------------------------------------------------------

    def _smtp_server(self):
        """Return host, port and encryption; of the app registration while there is no server."""
        server = self.mail_server_id or self._app()
        encryption = self.mail_server_id.smtp_encryption or "starttls_strict"
        host = server.smtp_host or ""
        if not host and self._way() != GRAPH:
            raise ConfigurationError("smtp_host_missing", details={"server": server.name})
        return check_smtp.SmtpServer(host, server.smtp_port, encryption)

    def _graph_url(self):
        return self._app().api_url

    def _mail_host(self):
        """Return host and port of the server that takes the mail."""
        if self._way() == GRAPH:
            return check_network.host_and_port(self._graph_url())
        server = self._smtp_server()
        return server.host, server.port

    def _https_name(self, url):
        proxy = check_network.proxy_for(url)
        if not proxy:
            return self._resolved(check_network.host_and_port(url)[0])
        finding = self._resolved(proxy[0])
        return Finding(self.env._("Goes through a proxy: %(found)s", found=finding.summary))

    def _https_port(self, url):
        proxy = check_network.proxy_for(url)
        return self._reached(*(proxy or check_network.host_and_port(url)))

    def _https_certificate(self, url):
        at = check_network.host_and_port(url)
        if not check_network.proxy_for(url):
            return self._certified(partial(check_tls.https_certificate, url), at)
        self._ask(check_tls.verify_through_proxy, url, at=at)
        return Finding(self.env._("Valid, also through the proxy."))

    def _resolved(self, host):
        addresses = self._ask(check_network.resolve, host, at=(host, 0))
        return Finding(
            self.env._("%(host)s is %(addresses)s.", host=host, addresses=", ".join(addresses))
        )

    def _reached(self, host, port):
        address = self._ask(check_network.reach, host, port, at=(host, port))
        return Finding(
            self.env._("%(address)s answers on port %(port)s.", address=address, port=port)
        )

    def _certified(self, look, at):
        """Let a host prove its name; where it fails, say who its certificate is from."""
        try:
            certificate = self._ask(look, at=at)
        except UnreachableError as error:
            error.provider_text = self._refused_certificate(look, at, error)
            raise
        summary = self._certificate_in_words(certificate)
        if certificate.days_left(time.time()) > CERTIFICATE_WARNING:
            return Finding(summary)
        details = {"host": at[0]}
        return Finding(summary, ConfigurationError("certificate_ends_soon", details=details))

    def _refused_certificate(self, look, at, error):
        """Return the words of TLS, and what the refused certificate says about itself."""
        try:
            certificate = self._ask(partial(look, verify=False), at=at)
        except MailOAuth2Error:
            return error.provider_text
        return f"{error.provider_text}. {self._certificate_in_words(certificate)}"

    def _certificate_in_words(self, certificate):
        return self.env._(
            "Issued by %(issuer)s for %(names)s, valid until %(date)s (%(protocol)s).",
            issuer=certificate.issuer,
            names=", ".join(certificate.names[:3]) or "-",
            date=format_date(self.env, certificate.valid_until.date()),
            protocol=certificate.protocol,
        )

    def _ask(self, call, *arguments, at):
        """Run something on the network, and give up on it after a while.

        :param at: host and port that are asked
        """
        host, port = at
        return within(STEP_SECONDS, partial(call, *arguments), host=host, port=port)
