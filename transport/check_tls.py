"""What a host proves its name with: the certificate behind a connection."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import requests
from cryptography import x509
from cryptography.x509.oid import NameOID

from ..providers.http_session import open_session
from .check_network import CONNECT_SECONDS, host_and_port, naming
from .check_smtp import SmtpServer, tls_context


@dataclass(frozen=True)
class Certificate:
    """What people want to know about a host's certificate.

    :param names: the hosts it is made out to
    :param issuer: who signed it, e.g. ``DigiCert Inc, DigiCert Cloud Services CA-1``
    :param protocol: version of TLS that was agreed upon
    """

    names: tuple[str, ...]
    issuer: str
    valid_from: datetime
    valid_until: datetime
    protocol: str

    @classmethod
    def of(cls, connection) -> Certificate:
        """Read the certificate of a connected TLS socket, whether it was verified or not."""
        content = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True))
        return cls(
            names=_names(content),
            issuer=_issuer(content),
            valid_from=_moment(content, "not_valid_before"),
            valid_until=_moment(content, "not_valid_after"),
            protocol=connection.version() or "",
        )

    def days_left(self, now: float) -> int:
        """Return the days until it ends.

        :param now: seconds since the epoch
        """
        return (self.valid_until - datetime.fromtimestamp(now, UTC)).days


def verify_through_proxy(url: str) -> None:
    """Let a request prove that a host behind a proxy is who it says; whatever it answers.

    :raises UnreachableError: ``proxy_failed``, ``tls_untrusted``, …
    """
    with open_session() as session:
        session.get(url)


def https_certificate(url: str, *, verify: bool = True) -> Certificate:
    """Return the certificate of an https host, as our requests meet it without a proxy.

    :param verify: ``False`` to look at one that was refused; nothing is sent to such a host
    :raises UnreachableError: ``tls_untrusted``, ``tls_wrong_host``, ``tls_expired``, …
    """
    host, port = host_and_port(url)
    with (
        naming(host, port),
        socket.create_connection((host, port), CONNECT_SECONDS) as raw,
        _context(url, verify).wrap_socket(raw, server_hostname=host) as connection,
    ):
        return Certificate.of(connection)


def smtp_certificate(server: SmtpServer, *, verify: bool | None = None) -> Certificate:
    """Return the certificate of a mail server that encrypts, by STARTTLS or from the first byte.

    :param verify: whether it is checked, by default as the settings say; ``False`` to look at one
        that was refused, where nobody signs in
    :raises UnreachableError: ``tls_untrusted``, ``tls_wrong_host``, ``tls_expired``, …
    :raises ConfigurationError: ``smtp_extension_missing``, the server offers no STARTTLS
    """
    with server.connected(verify=verify) as connection:
        return Certificate.of(connection.sock)


def _context(url, verify):
    """Return a context that trusts the authorities our requests to ``url`` trust."""
    if not verify:
        return tls_context(verify=False)
    settings = requests.Session().merge_environment_settings(url, {}, None, None, None)
    chosen = settings["verify"]
    place = Path(requests.certs.where() if chosen is True else chosen)
    return ssl.create_default_context(**{"capath" if place.is_dir() else "cafile": place})


def _names(content):
    try:
        names = content.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return tuple(_texts(content.subject, NameOID.COMMON_NAME))
    return tuple(str(name.value) for name in names)


def _issuer(content):
    kinds = (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
    texts = [text for kind in kinds for text in _texts(content.issuer, kind)]
    return ", ".join(texts) or content.issuer.rfc4514_string()


def _texts(name, kind):
    return [str(attribute.value) for attribute in name.get_attributes_for_oid(kind)]


def _moment(content, name):
    """Return a date with its time zone; cryptography before 42 knows them without only."""
    aware = getattr(content, f"{name}_utc", None)
    return aware or getattr(content, name).replace(tzinfo=UTC)
