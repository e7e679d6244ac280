"""The key that signs tokens, and the forms in which the two providers publish it."""

from __future__ import annotations

import base64
import datetime
import hashlib

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID


class SigningKey:
    """An RSA key with a self-signed certificate, as both providers use."""

    def __init__(self):
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._certificate = _self_signed(self._key)
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        self._x5c = base64.b64encode(der).decode()
        # Entra names its keys by the SHA-1 thumbprint of the certificate (x5t).
        self.kid = _base64url(hashlib.sha1(der, usedforsecurity=False).digest())

    def sign(self, claims: dict) -> str:
        """Return ``claims`` as a signed JWT (RS256)."""
        return jwt.encode(
            claims, self._key, algorithm="RS256", headers={"kid": self.kid, "x5t": self.kid}
        )

    def jwk(self) -> dict:
        """Return the public key as an entry of Entra's key set."""
        numbers = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": numbers["n"],
            "e": numbers["e"],
            "x5c": [self._x5c],
        }

    def certificate_pem(self) -> str:
        """Return the certificate as Google publishes it."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox token signing")])
    today = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
