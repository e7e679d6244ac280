"""Failures of the network and what the catalogue calls them."""

import errno
import http.client
import socket
import ssl

import pytest
from mail_server_oauth2.providers.network_errors import (
    KEYS,
    NOTHING_SENT_KEYS,
    network_error_key,
    network_error_text,
    root_cause,
)


def certificate_error(code, message="certificate verify failed"):
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_code, error.verify_message = code, message
    return error


def tls_error(reason, kind=ssl.SSLError):
    error = kind(1, f"[SSL: {reason}] text that nobody may parse")
    error.reason = reason
    return error


TABLE = [
    (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "dns_failed"),
    (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "connection_refused"),
    (OSError(errno.EHOSTUNREACH, "no route"), "network_unreachable"),
    (OSError(errno.ENETUNREACH, "no network"), "network_unreachable"),
    (OSError(errno.EHOSTDOWN, "down"), "network_unreachable"),
    (OSError(errno.ENETDOWN, "down"), "network_unreachable"),
    (OSError(errno.EADDRNOTAVAIL, "no address"), "network_unreachable"),
    (TimeoutError("timed out"), "read_timeout"),
    (TimeoutError(errno.ETIMEDOUT, "timed out"), "read_timeout"),
    (ConnectionResetError(errno.ECONNRESET, "reset"), "connection_dropped"),
    (ConnectionAbortedError(errno.ECONNABORTED, "aborted"), "connection_dropped"),
    (BrokenPipeError(errno.EPIPE, "pipe"), "connection_dropped"),
    (EOFError(), "connection_dropped"),
    (http.client.RemoteDisconnected("closed"), "connection_dropped"),
    (http.client.IncompleteRead(b"half"), "connection_dropped"),
    (http.client.BadStatusLine("junk"), "connection_dropped"),
    (tls_error("UNEXPECTED_EOF_WHILE_READING", ssl.SSLEOFError), "connection_dropped"),
    (tls_error("ZERO_RETURN", ssl.SSLZeroReturnError), "connection_dropped"),
    (certificate_error(9), "tls_not_yet_valid"),
    (certificate_error(10), "tls_expired"),
    (certificate_error(18), "tls_untrusted"),
    (certificate_error(19), "tls_untrusted"),
    (certificate_error(20), "tls_untrusted"),
    (certificate_error(62), "tls_wrong_host"),
    (certificate_error(64), "tls_wrong_host"),
    (tls_error("WRONG_VERSION_NUMBER"), "tls_protocol"),
    (tls_error("UNSUPPORTED_PROTOCOL"), "tls_protocol"),
    (tls_error("TLSV1_ALERT_PROTOCOL_VERSION"), "tls_protocol"),
    (tls_error("SSLV3_ALERT_BAD_CERTIFICATE"), "tls_failed"),
    (OSError("text only"), "unreachable"),
    (ValueError("not of the network"), "unreachable"),
]


@pytest.mark.parametrize(("error", "key"), TABLE, ids=lambda value: repr(value)[:60])
def test_each_failure_has_its_key(error, key):
    assert network_error_key(error) == key
    assert key in KEYS


def test_the_table_above_names_every_key_but_the_one_of_connecting():
    assert {key for _error, key in TABLE} | {"connect_timeout"} == KEYS


def test_a_plain_time_out_counts_for_the_phase_the_caller_was_in():
    assert network_error_key(TimeoutError(), connecting=True) == "connect_timeout"
    assert network_error_key(TimeoutError(), connecting=False) == "read_timeout"


def test_the_cause_is_found_however_deep_the_libraries_buried_it():
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    outer = RuntimeError(ValueError("middle"), "https://host/?token=secret")
    outer.args[0].__context__ = refused
    assert network_error_key(outer) == "connection_refused"
    assert root_cause(outer) is refused
    assert network_error_text(outer) == "Connection refused"


def test_a_circle_of_causes_ends():
    first, second = ValueError(), ValueError()
    first.__cause__, second.__cause__ = second, first
    assert network_error_key(first) == "unreachable"


def test_the_text_of_a_certificate_error_is_the_verifier_s():
    error = certificate_error(10, "certificate has expired")
    assert network_error_text(RuntimeError(error)) == "certificate has expired"


def test_an_unknown_error_is_named_by_its_class_only():
    assert network_error_text(ValueError("https://host/?token=secret")) == "ValueError"


def test_certainly_unsent_are_only_failures_before_the_request():
    assert not NOTHING_SENT_KEYS & {"read_timeout", "connection_dropped", "tls_failed"}
    assert {"dns_failed", "connect_timeout", "tls_untrusted"} <= NOTHING_SENT_KEYS
