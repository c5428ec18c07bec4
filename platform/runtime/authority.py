"""A certificate authority for development: one per seat, for the services of that seat and nobody else.

`python -m runtime.authority FOLDER NAME…` makes or renews what is not fit for use: ca.crt and ca.key, and for
each name a NAME.crt and NAME.key. Certificates say which service it is (DNS name) and that it may be on this
machine (localhost); those who call a service look at its name.
"""

from __future__ import annotations

import ipaddress
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from runtime import certificates
from runtime.seat import write_private
from runtime.tls import Credentials

if TYPE_CHECKING:
    from collections.abc import Sequence

CA_LIFE = timedelta(days=365)
LIFE = timedelta(days=30)
SKEW = timedelta(hours=1)
"""Clocks of two machines may differ, and one that was just set may go back."""


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def write(self, folder: Path, name: str) -> None:
        """Puts them into `folder`, for their user alone."""
        write_private(folder / f"{name}.key", self.key_pem)
        write_private(folder / f"{name}.crt", self.certificate_pem)


class Authority:
    """Issues certificates (EC P-256)."""

    def __init__(self, own: Issued) -> None:
        self.own = own

    @classmethod
    def create(cls, name: str = "NexusTrade development authority") -> Self:
        """A new one, with a key of its own."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name)
        now = datetime.now(UTC)
        certificate = (
            _builder(subject, subject, key, now - SKEW, now + CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(Issued(certificate, key))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The one whose files are in `folder`; OSError or ValueError when there is none."""
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
        certificate = x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes())
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(Issued(certificate, key))

    def issue(self, name: str, *, starts: datetime | None = None, life: timedelta = LIFE) -> Issued:
        """A certificate for the service `name`, good from `starts` (a moment ago when None) for `life`."""
        begin = starts or datetime.now(UTC) - SKEW
        return _issue(name, self.own.certificate.subject, self.own.key, begin, life)

    def equip(self, folder: Path, name: str, issued: Issued | None = None) -> Credentials:
        """Writes a certificate for `name`, a new one when None, and this authority's beside it."""
        write_private(folder / "ca.crt", self.own.certificate_pem)
        (issued or self.issue(name)).write(folder, name)
        return Credentials.of(folder, name)


def self_signed(name: str) -> Issued:
    """A certificate for `name` that nobody vouches for but its own key: what an impostor can make."""
    return _issue(name, _subject(name), None, datetime.now(UTC) - SKEW, LIFE)


def _issue(
    name: str, issuer: x509.Name, signer: ec.EllipticCurvePrivateKey | None, begin: datetime, life: timedelta
) -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    signing = signer or key
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    names = [x509.DNSName(name), x509.DNSName("localhost"), address]
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        _builder(_subject(name), issuer, key, begin, begin + life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(authority, critical=False)
        .sign(signing, hashes.SHA256())
    )
    return Issued(certificate, key)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def provision(folder: Path, names: Sequence[str]) -> None:
    """Makes `folder` hold certificates for `names`, of the authority that is there if it is fit for use."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ledger = certificates.Ledger.read(folder)
    if ledger.unfit(["ca"]):
        authority = Authority.create()
        authority.own.write(folder, "ca")
        ledger = certificates.Ledger(folder)
        ledger.enter("ca", authority.own.certificate.not_valid_after_utc.timestamp())
    else:
        authority = Authority.load(folder)
    for name in ledger.unfit(names):
        issued = authority.issue(name)
        issued.write(folder, name)
        ledger.enter(name, issued.certificate.not_valid_after_utc.timestamp())
    ledger.write()


if __name__ == "__main__":
    provision(Path(sys.argv[1]), sys.argv[2:])
