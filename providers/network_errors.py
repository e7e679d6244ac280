"""What went wrong on the way to a host, as an entry of the error catalogue.

Knows :mod:`socket`, :mod:`ssl` and :mod:`http.client` only, so that HTTP and SMTP share it.
Decides by class and attribute (``errno``, ``verify_code``, ``reason``), never by text.
"""

from __future__ import annotations

import errno
import http.client
import socket
import ssl

#: Keys after which it is certain that no byte of the request reached the host.
NOTHING_SENT_KEYS = frozenset(
    {
        "dns_failed",
        "connection_refused",
        "network_unreachable",
        "connect_timeout",
        "proxy_failed",
        "tls_untrusted",
        "tls_expired",
        "tls_not_yet_valid",
        "tls_wrong_host",
        "tls_protocol",
        "tls_ca_bundle_missing",
    }
)

#: Every key :func:`network_error_key` can return.
KEYS = frozenset(
    {
        "dns_failed",
        "connection_refused",
        "network_unreachable",
        "connect_timeout",
        "read_timeout",
        "connection_dropped",
        "tls_untrusted",
        "tls_expired",
        "tls_not_yet_valid",
        "tls_wrong_host",
        "tls_protocol",
        "tls_failed",
        "unreachable",
    }
)

# X509_V_ERR_* of OpenSSL's x509_vfy.h
# https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
_CERTIFICATE_KEYS = {
    9: "tls_not_yet_valid",  # CERT_NOT_YET_VALID
    10: "tls_expired",  # CERT_HAS_EXPIRED
    62: "tls_wrong_host",  # HOSTNAME_MISMATCH
    64: "tls_wrong_host",  # IP_ADDRESS_MISMATCH
}

# ``ssl.SSLError.reason``: the two sides share no version or cipher, or the other side
# does not speak TLS on this port at all.
_PROTOCOL_REASONS = frozenset(
    {
        "HTTP_REQUEST",
        "NO_CIPHERS_AVAILABLE",
        "NO_PROTOCOLS_AVAILABLE",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_INSUFFICIENT_SECURITY",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "UNSUPPORTED_PROTOCOL",
        "WRONG_SSL_VERSION",
        "WRONG_VERSION_NUMBER",
    }
)

_UNREACHABLE_ERRNOS = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL}
)

_DROPPED = (
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
    EOFError,
    http.client.IncompleteRead,
    http.client.BadStatusLine,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)


def network_error_key(exc: BaseException, *, connecting: bool = False) -> str:
    """Return the catalogue key for a failure of the network.

    :param exc: the exception caught, however deep the libraries wrapped the cause
    :param connecting: a plain time-out happened while connecting, not while reading
    :return: one of :data:`KEYS`; ``unreachable`` where nothing more is known
    """
    for cause in causes(exc):
        key = _key(cause, connecting)
        if key:
            return key
    return "unreachable"


def root_cause(exc: BaseException) -> BaseException | None:
    """Return the exception of socket or ssl at the bottom of ``exc``, if there is one.

    The texts of HTTP libraries hold URLs with their query; those of the system do not.
    """
    for cause in causes(exc):
        if _key(cause, False):
            return cause
    return None


def network_error_text(exc: BaseException) -> str:
    """Say in the system's own words what failed, without URL, header or body."""
    cause = root_cause(exc) or exc
    for attribute in ("verify_message", "reason", "strerror"):
        text = getattr(cause, attribute, "")
        if text and isinstance(text, str):
            return text
    return type(cause).__name__


def causes(exc: BaseException):
    """Yield ``exc`` and everything wrapped in it, innermost last, each once."""
    seen, waiting = set(), [exc]
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        inner = (getattr(current, "reason", None), *current.args)
        wrapped = (*inner, current.__cause__, current.__context__)
        waiting += [item for item in wrapped if isinstance(item, BaseException)]


def _key(exc, connecting):
    """Return the key of one exception without looking inside it, ``""`` if it tells nothing."""
    if isinstance(exc, ssl.SSLCertVerificationError):
        return _CERTIFICATE_KEYS.get(getattr(exc, "verify_code", None), "tls_untrusted")
    if isinstance(exc, _DROPPED):
        return "connection_dropped"
    if isinstance(exc, ssl.SSLError):
        reason = getattr(exc, "reason", None)  # only there when OpenSSL raised it
        return "tls_protocol" if reason in _PROTOCOL_REASONS else "tls_failed"
    if isinstance(exc, socket.gaierror):
        return "dns_failed"
    if isinstance(exc, ConnectionRefusedError):
        return "connection_refused"
    if isinstance(exc, TimeoutError):
        return "connect_timeout" if connecting else "read_timeout"
    if isinstance(exc, OSError) and exc.errno in _UNREACHABLE_ERRNOS:
        return "network_unreachable"
    return ""
