"""Pure mapping of socket, TLS and smtplib errors to the error tree.

For failures *before* a mail was handed over. Whether the mail was handed over is known only to
the caller, see :mod:`.smtp_transaction`.
"""

from __future__ import annotations

import smtplib

from ..exceptions import ConfigurationError, MailOAuth2Error, UnreachableError
from ..providers.network_errors import KEYS as NETWORK_KEYS
from ..providers.network_errors import network_error_key, network_error_text
from .smtp_replies import CONNECT, WITHIN_A_MAIL, Reply, classify, classify_recipients

#: Everything a connection can raise. ``ValueError``: a host name or an address that cannot be
#: written down. ``smtplib.SMTPException`` and ``ssl.SSLError`` are ``OSError`` too.
CONNECTION_ERRORS = (OSError, ValueError)

KEYS = NETWORK_KEYS | {"host_invalid", "smtp_extension_missing", "smtp_unexpected_answer"}


def typed_error(error: BaseException, *, stage: str, provider: str = "") -> MailOAuth2Error:
    """Return what ``error`` means while nothing was accepted yet.

    A connection lost within a mail stops nothing but this mail: if the server is gone, the next
    one finds out when it connects, and if something on the way kills this mail's connection
    each time, the others must not wait for it.

    :param error: one of :data:`CONNECTION_ERRORS`
    :param stage: one of the stages of :mod:`.smtp_replies`
    """
    typed = _typed(error, stage, provider)
    if isinstance(typed, UnreachableError) and stage in WITHIN_A_MAIL:
        typed.stops_mailbox = False
    return typed


def _typed(error, stage, provider) -> MailOAuth2Error:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return classify_recipients(_replies(error.recipients), provider)
    if isinstance(error, smtplib.SMTPResponseException):
        return classify(Reply.parse(error.smtp_code, error.smtp_error), stage, provider)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return ConfigurationError("smtp_extension_missing", provider_text=str(error))
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return _disconnected(error)
    if isinstance(error, smtplib.SMTPException):
        return UnreachableError("smtp_unexpected_answer", provider_text=str(error))
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return ConfigurationError("host_invalid", provider_text=str(error))
    key = network_error_key(error, connecting=stage == CONNECT)
    return UnreachableError(key, provider_text=network_error_text(error))


def odd_characters(error: UnicodeError, host: str = "") -> ConfigurationError:
    """Return what it means that something cannot be written on the wire.

    smtplib writes user names and passwords in ASCII, Python writes host names as IDNA.
    """
    if isinstance(error, UnicodeEncodeError) and error.encoding == "ascii":
        words = "User name and password can have ASCII characters only."
        return ConfigurationError("smtp_password_refused", provider_text=words)
    return ConfigurationError("host_invalid", details={"field": "", "host": host})


def _disconnected(error) -> UnreachableError:
    """smtplib says "disconnected" after every failed read and write; the reason is its context."""
    key = network_error_key(error)
    if key == "unreachable":  # nothing failed, the server just hung up
        return UnreachableError("connection_dropped", provider_text=str(error))
    return UnreachableError(key, provider_text=network_error_text(error))


def _replies(recipients: dict) -> dict[str, Reply]:
    return {address: Reply.parse(code, text) for address, (code, text) in recipients.items()}
