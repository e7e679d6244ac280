"""Failures of the network, as Python, OpenSSL and the system write them.

The exception is made again from its text and given to the functions that sort the real ones.
"""

from __future__ import annotations

import errno
import os
import re
import smtplib
import socket
import ssl

from ..providers.http_session import LIBRARY_KEYS
from ..providers.network_errors import network_error_key
from ..transport.connection_errors import typed_error
from ..transport.smtp_replies import CONNECT
from .finding import Finding, Rank, excerpt

_ERRNO = re.compile(r"\[Errno (-?\d+)\]")
_TLS_REASON = re.compile(r"\[SSL: (?!CERTIFICATE_VERIFY_FAILED)([A-Z_\d]+)\]")
_CERTIFICATE = re.compile(
    r"certificate verify failed(?:: [^(]{0,200})?|hostname \S{1,200} doesn't match", re.IGNORECASE
)
#: OpenSSL's words for the numbers of X509_STORE_CTX_get_error
_VERIFY_CODES = (
    (re.compile(r"has expired", re.IGNORECASE), 10),
    (re.compile(r"not yet valid", re.IGNORECASE), 9),
    (re.compile(r"hostname|ip address mismatch", re.IGNORECASE), 62),
)
_CA_BUNDLE = re.compile(r"could not find a suitable TLS CA certificate bundle", re.IGNORECASE)
_CONNECTING = re.compile(r"connect(?:ion to \S+|ion)? timed out|connect ?timeout", re.IGNORECASE)

#: what the system, smtplib and http.client say, and the exception that says so
_WORDS = (
    (
        r"name or service not known|temporary failure in name resolution|getaddrinfo failed"
        r"|NameResolutionError",
        socket.gaierror(),
    ),
    (r"EOF occurred in violation of protocol", ssl.SSLEOFError()),
    (
        r"connection unexpectedly closed|server not connected|RemoteDisconnected|IncompleteRead"
        r"|BadStatusLine|SMTPServerDisconnected",
        smtplib.SMTPServerDisconnected(),
    ),
    (
        r"extension not supported by server|SMTPNotSupportedError",
        smtplib.SMTPNotSupportedError(),
    ),
    (r"timed out|TimeoutError", TimeoutError()),
    *(
        (re.escape(os.strerror(number)), OSError(number, ""))
        for number in (
            errno.ECONNREFUSED,
            errno.ECONNRESET,
            errno.EHOSTUNREACH,
            errno.ENETUNREACH,
            errno.EPIPE,
        )
    ),
)
_PATTERNS = tuple((re.compile(words, re.IGNORECASE), error) for words, error in _WORDS)
_LIBRARY = tuple((re.compile(rf"\b{kind.__name__}\b"), key) for kind, key in LIBRARY_KEYS)


def find(text: str) -> list[Finding]:
    """Return the findings of a reading."""
    keys = [(match, key) for pattern, key in _LIBRARY for match in pattern.finditer(text)]
    keys += [(match, "tls_ca_bundle_missing") for match in _CA_BUNDLE.finditer(text)]
    keys += [(match, _key(error, match, text)) for match, error in _errors(text)]
    return [
        Finding(key, Rank.NETWORK, excerpt(text, *match.span()))
        for match, key in keys
        if key != "unreachable"
    ]


def _errors(text):
    """Yield ``(match, exception)``, made again from what the text says of it."""
    for match in _CERTIFICATE.finditer(text):
        yield match, _certificate_error(match[0])
    for match in _TLS_REASON.finditer(text):
        error = ssl.SSLError()
        error.reason = match[1]
        yield match, error
    for match in _ERRNO.finditer(text):
        number = int(match[1])
        yield match, OSError(number, "") if number > 0 else socket.gaierror()
    for pattern, error in _PATTERNS:
        for match in pattern.finditer(text):
            yield match, error


def _certificate_error(words):
    error = ssl.SSLCertVerificationError()
    error.verify_code = next((code for found, code in _VERIFY_CODES if found.search(words)), None)
    return error


def _key(error, match, text):
    if isinstance(error, smtplib.SMTPException):
        return typed_error(error, stage=CONNECT).key
    line = text[max(match.start() - 100, 0) : match.end() + 100]
    return network_error_key(error, connecting=bool(_CONNECTING.search(line)))
