"""The sandbox's certificate authority and the TLS contexts of its servers."""

from __future__ import annotations

import datetime
import os
import ssl
from pathlib import Path

import trustme

#: certificates a fault can present instead of the good one
TLS_FAULTS = ("tls_expired", "tls_wrong_name", "tls_untrusted")


class Certificates:
    """The CA in ``directory``, re-used when it is already there, and one leaf per purpose.

    :param directory: where ``ca.pem``, ``ca-key.pem`` and ``ca-bundle.pem`` live
    :param host: name the good certificate is for
    """

    def __init__(self, directory: Path, host: str):
        self.ca_file = directory / "ca.pem"
        self.ca_bundle = directory / "ca-bundle.pem"
        self._host = host
        self._authority = self._load_or_create(directory / "ca-key.pem")
        self._write_bundle()
        self._spoiled: dict[str, ssl.SSLContext] = {}

    def server_context(self, active_fault=lambda: None) -> ssl.SSLContext:
        """Return a TLS 1.2+ server context.

        :param active_fault: asked at every handshake for one of ``TLS_FAULTS``, or ``None``
        """
        context = _server_context(self._authority.issue_cert(self._host, "127.0.0.1"))

        def choose_certificate(connection, _server_name, _context):
            if fault := active_fault():
                connection.context = self._spoiled_context(fault)

        context.sni_callback = choose_certificate
        return context

    def _load_or_create(self, key_file: Path) -> trustme.CA:
        if self.ca_file.exists() and key_file.exists():
            return trustme.CA.from_pem(self.ca_file.read_bytes(), key_file.read_bytes())
        authority = trustme.CA(organization_name="Sandbox")
        _write_private(key_file, authority.private_key_pem.bytes())
        self.ca_file.write_bytes(authority.cert_pem.bytes())
        return authority

    def _write_bundle(self) -> None:
        system = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
        known = Path(system).read_bytes() if system and Path(system).is_file() else b""
        self.ca_bundle.write_bytes(known.rstrip() + b"\n" + self.ca_file.read_bytes())

    def _spoiled_context(self, fault: str) -> ssl.SSLContext:
        if fault not in self._spoiled:
            self._spoiled[fault] = _server_context(self._spoiled_leaf(fault))
        return self._spoiled[fault]

    def _spoiled_leaf(self, fault: str) -> trustme.LeafCert:
        if fault == "tls_wrong_name":
            return self._authority.issue_cert("other.example")
        if fault == "tls_untrusted":
            return trustme.CA(organization_name="Somebody else").issue_cert(self._host)
        yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
        return self._authority.issue_cert(
            self._host, not_before=yesterday - datetime.timedelta(days=30), not_after=yesterday
        )


def _server_context(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    leaf.configure_cert(context)
    return context


def _write_private(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
