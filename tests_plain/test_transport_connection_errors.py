"""Every error class of smtplib, ssl and socket has a place in the tree."""

import builtins
import smtplib
import socket
import ssl

import pytest
from mail_server_oauth2 import exceptions as exc
from mail_server_oauth2.transport.connection_errors import CONNECTION_ERRORS, KEYS, typed_error
from mail_server_oauth2.transport.smtp_replies import AUTH, CONNECT, CONTENT, DATA, MAIL, RCPT


def error_classes(module, base):
    found = [v for v in vars(module).values() if isinstance(v, type) and issubclass(v, base)]
    return sorted(set(found), key=lambda kind: kind.__name__)


LIBRARY_CLASSES = sorted(
    {
        *error_classes(smtplib, Exception),
        *error_classes(ssl, OSError),
        *error_classes(socket, OSError),
        *error_classes(builtins, OSError),
    },
    key=lambda kind: kind.__name__,
)


def instance(kind):
    if issubclass(kind, smtplib.SMTPRecipientsRefused):
        return kind({"a@x.example": (550, b"5.1.1 unknown")})
    if issubclass(kind, smtplib.SMTPSenderRefused):
        return kind(451, b"4.3.0 later", "a@x.example")
    if issubclass(kind, smtplib.SMTPResponseException):
        return kind(451, b"4.3.0 later")
    return kind(1, "words")


@pytest.mark.parametrize("kind", LIBRARY_CLASSES)
@pytest.mark.parametrize("stage", [CONNECT, AUTH, MAIL])
def test_library_error_is_typed_and_never_unknown_or_unexpected(kind, stage):
    error = instance(kind)
    assert isinstance(error, CONNECTION_ERRORS)
    typed = typed_error(error, stage=stage)
    assert isinstance(typed, exc.TransientError | exc.PersonNeededError | exc.RefusedError)
    assert typed.key not in ("", "unexpected")


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError("timed out"),
        ConnectionResetError(104, "reset"),
        smtplib.SMTPServerDisconnected("Connection unexpectedly closed"),
        smtplib.SMTPException("odd"),
    ],
)
@pytest.mark.parametrize(
    ("stage", "stops_mailbox"),
    [(CONNECT, True), (AUTH, True), (MAIL, True), (RCPT, False), (DATA, False), (CONTENT, False)],
)
def test_connection_lost_within_a_mail_stops_no_other_mail(error, stage, stops_mailbox):
    assert typed_error(error, stage=stage).stops_mailbox is stops_mailbox


@pytest.mark.parametrize(
    ("error", "error_class", "key"),
    [
        (socket.gaierror(-2, "Name or service not known"), exc.UnreachableError, "dns_failed"),
        (TimeoutError("timed out"), exc.UnreachableError, "connect_timeout"),
        (ConnectionRefusedError(111, "refused"), exc.UnreachableError, "connection_refused"),
        (ConnectionResetError(104, "reset"), exc.UnreachableError, "connection_dropped"),
        (ssl.SSLCertVerificationError(1, "bad"), exc.UnreachableError, "tls_untrusted"),
        (ssl.SSLError(1, "bad"), exc.UnreachableError, "tls_failed"),
        (smtplib.SMTPConnectError(421, b"4.3.0 later"), exc.TransientError, "smtp_temporary"),
        (smtplib.SMTPConnectError(554, b"no"), exc.UnreachableError, "smtp_connect_refused"),
        (smtplib.SMTPHeloError(501, b"no"), exc.UnreachableError, "smtp_connect_refused"),
        (
            smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server."),
            exc.ConfigurationError,
            "smtp_extension_missing",
        ),
        (
            smtplib.SMTPServerDisconnected("Connection unexpectedly closed"),
            exc.UnreachableError,
            "connection_dropped",
        ),
        (smtplib.SMTPException("odd"), exc.UnreachableError, "smtp_unexpected_answer"),
        (UnicodeError("label too long"), exc.ConfigurationError, "host_invalid"),
        (ValueError("server_hostname cannot be empty"), exc.ConfigurationError, "host_invalid"),
    ],
)
def test_failed_connection_says_why(error, error_class, key):
    typed = typed_error(error, stage=CONNECT)
    assert (type(typed), typed.key) == (error_class, key)


def test_smtplib_hides_a_time_out_and_it_is_found():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(0.01)
        connection = smtplib.SMTP()
        connection.sock = ours
        with pytest.raises(smtplib.SMTPServerDisconnected) as caught:
            connection.noop()
    assert typed_error(caught.value, stage=MAIL).key == "read_timeout"


def test_keys_are_published():
    assert {"connection_dropped", "host_invalid", "smtp_extension_missing"} <= KEYS
