"""AUTH XOAUTH2 against a scripted server on a real TLS socket."""

import base64
import json
import logging
import smtplib
import ssl

import pytest
from mail_server_oauth2.exceptions import (
    ConfigurationError,
    SignInNeededError,
    ThrottledError,
    UnreachableError,
)
from mail_server_oauth2.providers.base import AccessToken
from mail_server_oauth2.transport.smtp_auth import authenticate_xoauth2
from transport_fakes import FIN, RST, authority, smtp_server

MAILBOX = "erp@contoso.example"
TOKEN = AccessToken("eyJ0eXAiOiJKV1QiLCJub25jZSI6.secret." + "x" * 1500)
CREDENTIALS = base64.b64encode(f"user={MAILBOX}\x01auth=Bearer {TOKEN.value}\x01\x01".encode())
GMAIL_JSON = {"status": "400", "schemes": "Bearer", "scope": "https://mail.google.com/"}
CHALLENGE = b"334 " + base64.b64encode(json.dumps(GMAIL_JSON).encode())


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def connection(server):
    connected = server.connect()
    yield connected
    connected.close()


def test_credentials_go_out_in_a_line_of_their_own(server, connection):
    authenticate_xoauth2(connection, MAILBOX, TOKEN)
    assert server.commands[1:] == [b"AUTH XOAUTH2", CREDENTIALS]


def test_gmails_explanation_is_answered_with_an_empty_line(server, connection):
    server.script("CREDENTIALS", CHALLENGE)
    with pytest.raises(SignInNeededError) as caught:
        authenticate_xoauth2(connection, MAILBOX, TOKEN, "google")
    assert caught.value.key == "gmail_auth_refused"
    assert server.commands[-1] == b""
    assert connection.noop()[0] == 500  # the conversation is in step: NOOP is not known here


@pytest.mark.parametrize(
    ("step", "reply", "error_class", "key"),
    [
        ("CREDENTIALS", b"535 5.7.3 Authentication unsuccessful", ConfigurationError,
         "exchange_auth_refused"),
        ("AUTH", b"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled "
         b"for the Tenant.", ConfigurationError, "smtp_auth_disabled_tenant"),
        ("AUTH", b"454 4.7.0 Too many login attempts", ThrottledError, "smtp_login_throttled"),
        ("AUTH", b"504 5.7.4 Unrecognized Authentication Type", ConfigurationError,
         "smtp_xoauth2_missing"),
        ("AUTH", b"235 2.7.0 nobody asked", None, None),
        ("CREDENTIALS", b"250 2.0.0 fine, but not what RFC 4954 says", UnreachableError,
         "smtp_unexpected_answer"),
        ("CREDENTIALS", b"hello", UnreachableError, "smtp_unexpected_answer"),
        ("AUTH", FIN, UnreachableError, "connection_dropped"),
        ("CREDENTIALS", RST, UnreachableError, "connection_dropped"),
    ],
)  # fmt: skip
def test_every_answer_is_checked(server, connection, step, reply, error_class, key):
    server.script(step, reply)
    if error_class is None:
        authenticate_xoauth2(connection, MAILBOX, TOKEN)
        return
    with pytest.raises(error_class) as caught:
        authenticate_xoauth2(connection, MAILBOX, TOKEN, "microsoft")
    assert (type(caught.value), caught.value.key) == (error_class, key)


def test_server_that_refuses_again_after_the_empty_line_is_not_signed_in(server, connection):
    server.script("CREDENTIALS", CHALLENGE)
    server.script("", b"334 again")
    with pytest.raises(UnreachableError):
        authenticate_xoauth2(connection, MAILBOX, TOKEN)


@pytest.mark.parametrize("offer", ["AUTH LOGIN PLAIN", "8BITMIME"])
def test_server_without_xoauth2_never_sees_the_token(server, connection, offer):
    server.extensions = [offer]
    with pytest.raises(ConfigurationError, match="smtp_xoauth2_missing"):
        authenticate_xoauth2(connection, MAILBOX, TOKEN)
    assert server.verbs() == ["EHLO"]


def test_server_whose_certificate_was_not_checked_never_sees_the_token(server):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = smtplib.SMTP_SSL("localhost", server.port, timeout=5, context=context)
    with connection, pytest.raises(ConfigurationError, match="smtp_tls_required"):
        authenticate_xoauth2(connection, MAILBOX, TOKEN)
    assert b"AUTH XOAUTH2" not in server.commands


def test_certificate_for_any_name_is_not_good_enough(server):
    context = ssl.create_default_context()
    authority().configure_trust(context)
    context.check_hostname = False
    connection = smtplib.SMTP_SSL("localhost", server.port, timeout=5, context=context)
    with connection, pytest.raises(ConfigurationError, match="smtp_tls_required"):
        authenticate_xoauth2(connection, MAILBOX, TOKEN)


def test_connection_without_tls_never_sees_the_token():
    plain = smtplib.SMTP()
    with pytest.raises(ConfigurationError, match="smtp_tls_required"):
        authenticate_xoauth2(plain, MAILBOX, TOKEN)


@pytest.mark.parametrize("reply", [None, CHALLENGE, b"535 5.7.3 no", b"500 what? " + CREDENTIALS])
def test_debugging_shows_everything_but_the_token(server, reply, capsys, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    # What Odoo core does: smtplib's debug output goes to the log
    log = logging.getLogger("odoo.smtp")
    monkeypatch.setattr(
        smtplib.SMTP, "_print_debug", lambda self, *args: log.debug(" ".join(map(str, args)))
    )
    server.script("CREDENTIALS", reply)
    connection = server.connect(debuglevel=1)
    error = None
    try:
        authenticate_xoauth2(connection, MAILBOX, TOKEN)
    except (ConfigurationError, SignInNeededError) as caught:
        error = caught
    connection.docmd("NOOP")
    connection.close()
    output = caplog.text + "".join(capsys.readouterr()) + repr(error) + str(error)
    assert "ehlo" in output and "NOOP" in output  # debugging works before and after
    assert TOKEN.value not in output
    assert CREDENTIALS.decode() not in output
    assert "XOAUTH2 " not in output
