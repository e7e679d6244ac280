"""Steps of a diagnosis at a mail server: connect, see what it offers, sign in, name a sender.

Nothing is ever sent: the furthest a check goes is MAIL FROM, which is taken back.
"""

from __future__ import annotations

import base64
import contextlib
import smtplib
import ssl
from dataclasses import dataclass

from ..exceptions import ConfigurationError, MailOAuth2Error
from ..providers.redaction import clean_text
from .check_network import naming
from .connection_errors import CONNECTION_ERRORS, odd_characters, typed_error
from .smtp_replies import AUTH, TOKEN_REFUSED_KEYS
from .smtp_transaction import Transaction

#: Seconds for each answer of a mail server. A mail may take longer; a check need not.
ANSWER_SECONDS = 10.0

#: What smtplib can sign in with by user name and password.
PASSWORD_METHODS = frozenset({"CRAM-MD5", "PLAIN", "LOGIN"})


@dataclass(frozen=True)
class SmtpServer:
    """A mail server as the settings describe it.

    :param encryption: a value of ``ir.mail_server.smtp_encryption``
    """

    host: str
    port: int
    encryption: str
    timeout: float = ANSWER_SECONDS

    @property
    def is_verified(self) -> bool:
        """Whether the server has to prove its name."""
        return self.encryption in ("starttls_strict", "ssl_strict")

    def connect(self, *, verify: bool | None = None) -> smtplib.SMTP:
        """Connect as Odoo core does with these settings, not signed in yet.

        With a shorter time-out, and without the ORM, so that a check can be given up.

        :param verify: whether the certificate is checked, by default as the settings say
        :raises OSError, ValueError: as :mod:`smtplib`
        """
        context = tls_context(verify=self.is_verified if verify is None else verify)
        if self.encryption.startswith("ssl"):
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
        connection = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        try:
            if self.encryption.startswith("starttls"):
                connection.starttls(context=context)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def connected(self, **options):
        """Yield a connection; leave politely.

        :raises MailOAuth2Error:
        """
        with naming(self.host, self.port):
            connection = self.connect(**options)
            try:
                yield connection
            finally:
                with contextlib.suppress(*CONNECTION_ERRORS):
                    connection.quit()
                connection.close()


def tls_context(*, verify: bool) -> ssl.SSLContext:
    """Return core's context for mail servers, with or without checking whom it talks to."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def offered_methods(server: SmtpServer) -> tuple[str, ...]:
    """Return the ways to sign in that a mail server offers after encryption began."""
    with server.connected() as connection:
        connection.ehlo_or_helo_if_needed()
        return tuple(connection.esmtp_features.get("auth", "").upper().split())


def check_xoauth2_offered(methods: tuple[str, ...]) -> None:
    """:raises ConfigurationError: ``smtp_xoauth2_missing``"""
    if "XOAUTH2" not in methods:
        raise ConfigurationError("smtp_xoauth2_missing", provider_text=_auth_line(methods))


def check_password_offered(methods: tuple[str, ...]) -> None:
    """:raises ConfigurationError: ``smtp_password_not_offered``"""
    if not PASSWORD_METHODS.intersection(methods):
        raise ConfigurationError("smtp_password_not_offered", provider_text=_auth_line(methods))


def sign_in_with_password(server: SmtpServer, user: str, password: str, sender: str = "") -> None:
    """Sign in at a mail server, and let it accept a sender if one is given.

    :param user: empty where the server is used without a sign-in
    :raises ConfigurationError: ``smtp_password_refused``, ``smtp_basic_auth_disabled``, …
    :raises RefusedError: the sender is not accepted
    """
    with server.connected() as connection:
        if user:
            _log_in(connection, user, password)
        connection.ehlo_or_helo_if_needed()
        if sender:
            Transaction(connection).begin(sender)
            connection.rset()


def _log_in(connection, user, password):
    try:
        connection.login(user, password)
    except UnicodeEncodeError as error:
        raise odd_characters(error) from None
    except CONNECTION_ERRORS as error:
        failure = typed_error(error, stage=AUTH)
        # Some servers repeat the line they did not understand.
        failure.provider_text = clean_text(failure.provider_text, secrets=_written(user, password))
        raise _meant_for_passwords(failure) from None


def _written(user, password):
    """Return the password in the forms it takes on the wire."""
    plain = (password, f"\0{user}\0{password}")
    return (password, *(base64.b64encode(text.encode()).decode() for text in plain if password))


def _meant_for_passwords(error: MailOAuth2Error) -> MailOAuth2Error:
    """Replace words that are about tokens."""
    if error.key not in {*TOKEN_REFUSED_KEYS, "smtp_auth_failed"}:
        return error
    return ConfigurationError("smtp_password_refused", provider_text=error.provider_text)


def _auth_line(methods):
    return " ".join(("AUTH", *methods)) if methods else ""
