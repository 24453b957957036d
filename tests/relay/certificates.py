"""Certificates for servers on this computer: good ones, and bad in each way that browsers know."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Authority"]

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority")])


class Authority:
    """Signs certificates. *folder* gets its own certificate, and the files with certificate and key that it makes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / "authority.pem"
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        certificate = _build(_NAME, self._key, 1).issuer_name(_NAME).add_extension(constraints, critical=True)
        certificate = certificate.add_extension(_USAGE, critical=True)
        _write(self.file, certificate, self._key, signer=self._key)

    def issue(self, name: str, *, address: str = "127.0.0.1", days: int = 1, is_self_signed: bool = False) -> Path:
        """Return a file *name* with a certificate for *address* that is good for *days*, counted from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        certificate = _build(subject, key, days).issuer_name(subject if is_self_signed else _NAME)
        file = self._folder / f"{name}.pem"
        _write(file, certificate.add_extension(names, critical=False), key, signer=key if is_self_signed else self._key)
        return file


_USAGE = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def _build(subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return x509.CertificateBuilder(
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - datetime.timedelta(days=30),
        not_valid_after=now + datetime.timedelta(days=days),
    ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _write(
    file: Path,
    certificate: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    *,
    signer: ec.EllipticCurvePrivateKey,
) -> None:
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    signed = certificate.add_extension(issuer, critical=False).sign(signer, hashes.SHA256())
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    file.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
