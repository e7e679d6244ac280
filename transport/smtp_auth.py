"""AUTH XOAUTH2 over a connected smtplib session, with every reply checked.

https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
"""

from __future__ import annotations

import base64
import contextlib
import smtplib
import ssl

from ..exceptions import ConfigurationError
from ..providers.base import AccessToken
from .connection_errors import CONNECTION_ERRORS, typed_error
from .smtp_replies import AUTH, Reply, classify


def authenticate_xoauth2(
    connection: smtplib.SMTP, address: str, token: AccessToken, provider: str = ""
) -> None:
    """Log the mailbox in; returns only after the server said 235.

    The credentials go out in a line of their own (two-step AUTH): a token is longer than the
    512 bytes RFC 5321 grants a command. They never reach smtplib's debug output.

    :param connection: connected, TLS in place and verified
    :param address: the mailbox, ``user=`` of the credentials
    :param provider: ``microsoft``, ``google``, or empty where unknown
    :raises MailOAuth2Error: its key is in :data:`.smtp_replies.TOKEN_REFUSED_KEYS` when a new
        token may help
    """
    _require_verified_tls(connection)
    credentials = _credentials(address, token)
    try:
        _require_xoauth2(connection)
        with _unlogged(connection):
            reply = _exchange(connection, credentials)
    except CONNECTION_ERRORS as error:
        raise typed_error(error, stage=AUTH, provider=provider) from error
    if reply.code != 235:
        secrets = (credentials, token.value)
        raise classify(_without(reply, secrets), AUTH, provider)


def _credentials(address: str, token: AccessToken) -> str:
    plain = f"user={address}\x01auth=Bearer {token.value}\x01\x01"
    return base64.b64encode(plain.encode()).decode("ascii")


def _require_verified_tls(connection):
    """A bearer token must never reach a host that has not proved its name."""
    context = getattr(connection.sock, "context", None)
    # A context that checks the host name also verifies the certificate; ssl insists on it.
    if not (isinstance(context, ssl.SSLContext) and context.check_hostname):
        raise ConfigurationError("smtp_tls_required")


def _require_xoauth2(connection):
    connection.ehlo_or_helo_if_needed()
    offered = connection.esmtp_features.get("auth", "")
    if "XOAUTH2" not in offered.upper().split():
        raise ConfigurationError("smtp_xoauth2_missing", provider_text=f"AUTH {offered}".strip())


@contextlib.contextmanager
def _unlogged(connection):
    level = connection.debuglevel
    connection.set_debuglevel(0)
    try:
        yield
    finally:
        connection.set_debuglevel(level)


def _exchange(connection, credentials) -> Reply:
    reply = Reply.parse(*connection.docmd("AUTH", "XOAUTH2"))
    if reply.code != 334:
        return reply
    reply = Reply.parse(*connection.docmd(credentials))
    if reply.code == 334:
        # Gmail explains a refusal in JSON first and waits for an empty line; without it, it
        # would take the next command for the answer.
        reply = Reply.parse(*connection.docmd(""))
    return reply


def _without(reply: Reply, secrets) -> Reply:
    """Some servers repeat the line they did not understand."""
    text = reply.text
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return Reply(reply.code, reply.enhanced, text)
