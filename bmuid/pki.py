"""Certificates of our own: an authority for each door, what it issues, and what it takes back."""

import ipaddress
import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS = 3650
LEAF_DAYS = 397
CRL_DAYS = 30
# Clocks of two hosts differ; a certificate is good a little before it was made.
CLOCK_SKEW = timedelta(minutes=5)
# A common name (64 octets at most) that is also the name of two files.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)


class PKIError(Exception):
    """Raised when an authority can't do what was asked; the message says why."""


class Purpose(Enum):
    """Which side of a connection a certificate is for."""

    SERVER = "server"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Authority:
    """
    A certificate authority: a directory of mode 0700.

    Shapes:
        Files: ca.pem, ca.key, ca.crl, and for each leaf NAME.pem (with the chain) and NAME.key.
    """

    directory: Path

    @property
    def certificate(self) -> Path:
        """The authority's own certificate, to hand to the other side."""
        return self.directory / "ca.pem"

    @property
    def crl(self) -> Path:
        """The list of what was taken back."""
        return self.directory / "ca.crl"


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where an issued certificate and its key lie."""

    certificate: Path
    key: Path


def init_ca(directory: Path, name: str, now: datetime) -> Authority:
    """
    Make an authority called *name* with an empty revocation list.

    Errors:
        PKIError: there is one already.
    """
    authority = Authority(directory)
    if authority.certificate.exists():
        raise PKIError(f"{authority.certificate} is there already; it is not replaced")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = _key_usage(certificates=True)
    certificate = (
        _builder(subject, subject, key.public_key(), now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(directory / "ca.key", key)
    _write(authority.certificate, certificate.public_bytes(serialization.Encoding.PEM))
    _write_crl(authority, [], 1, now)
    return authority


def issue(
    authority: Authority, name: str, purpose: Purpose, hosts: tuple[str, ...], now: datetime
) -> Leaf:
    """
    Issue a certificate with the common name *name*, good for 397 days.

    Shapes:
        hosts: DNS names and IP addresses of the subject; a server needs at least one.

    Errors:
        PKIError: no authority there, the name is taken or unfit for a file, no host of a server or none
            that could be one.
    """
    if not NAME.fullmatch(name) or name == "ca":
        raise PKIError(f"{name!r} can't be the name of a certificate")
    if purpose is Purpose.SERVER and not hosts:
        raise PKIError("a server's certificate needs at least one host name or address")
    leaf = Leaf(authority.directory / f"{name}.pem", authority.directory / f"{name}.key")
    if leaf.certificate.exists():
        raise PKIError(f"{leaf.certificate} is there already; revoke it and choose another name")
    ca, ca_key = _load(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    extended = (
        ExtendedKeyUsageOID.SERVER_AUTH
        if purpose is Purpose.SERVER
        else ExtendedKeyUsageOID.CLIENT_AUTH
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        _builder(subject, ca.subject, key.public_key(), now, LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([extended]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_names(hosts or (name,))), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
    )
    certificate = builder.sign(ca_key, hashes.SHA256())
    _write_key(leaf.key, key)
    chain = [certificate, ca]
    _write(leaf.certificate, b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain))
    return leaf


def revoke(authority: Authority, certificate: Path, now: datetime) -> int:
    """
    Take *certificate* back and write the list anew; give the serial number.

    Errors:
        PKIError: no certificate there, or not one of this authority.
    """
    ca, _ = _load(authority)
    taken = _read_certificate(certificate)
    try:
        taken.verify_directly_issued_by(ca)
    except (ValueError, InvalidSignature) as error:
        raise PKIError(
            f"{certificate} was not issued by the authority in {authority.directory}"
        ) from error
    known, number = _read_crl(authority)
    if taken.serial_number not in {entry.serial_number for entry in known}:
        entry = x509.RevokedCertificateBuilder()
        entry = entry.serial_number(taken.serial_number).revocation_date(now)
        known.append(entry.build())
    _write_crl(authority, known, number + 1, now)
    return taken.serial_number


def renew_crl(authority: Authority, now: datetime) -> None:
    """Write the revocation list anew, good for another 30 days."""
    known, number = _read_crl(authority)
    _write_crl(authority, known, number + 1, now)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
    )


def _key_usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _names(hosts: tuple[str, ...]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            if not HOST.fullmatch(host):
                raise PKIError(f"{host!r} is neither a host name nor an address") from None
            names.append(x509.DNSName(host))
    return names


def _load(authority: Authority) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    certificate = _read_certificate(authority.certificate)
    octets = _read(authority.directory / "ca.key")
    try:
        key = serialization.load_pem_private_key(octets, password=None)
    except (ValueError, TypeError) as error:
        raise PKIError(f"{authority.directory / 'ca.key'} holds no key we can read") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise PKIError(f"the key in {authority.directory} is not one of ours")
    return certificate, key


def _read_certificate(file: Path) -> x509.Certificate:
    octets = _read(file)
    try:
        return x509.load_pem_x509_certificate(octets)
    except ValueError as error:
        raise PKIError(f"{file} holds no certificate") from error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise PKIError(f"{file}: {error.strerror}") from error


def _read_crl(authority: Authority) -> tuple[list[x509.RevokedCertificate], int]:
    try:
        crl = x509.load_pem_x509_crl(_read(authority.crl))
    except ValueError as error:
        raise PKIError(f"{authority.crl} holds no revocation list") from error
    number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    return list(crl), number


def _write_crl(
    authority: Authority, revoked: list[x509.RevokedCertificate], number: int, now: datetime
) -> None:
    ca, key = _load(authority)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.subject)
        .last_update(now - CLOCK_SKEW)
        .next_update(now + timedelta(days=CRL_DAYS))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
    )
    for entry in revoked:
        builder = builder.add_revoked_certificate(entry)
    crl = builder.sign(key, hashes.SHA256())
    _write(authority.crl, crl.public_bytes(serialization.Encoding.PEM))


def host_key(path: Path) -> bytes:
    """
    Give the key that SSH clients know this host by, as OpenSSH writes it; make one where there is none.

    Errors:
        PKIError: it can't be read or made, or others can read it.
    """
    try:
        if not path.exists():
            _make_host_key(path)
        if path.stat().st_mode & 0o077:
            raise PKIError(f"{path}: others can read it; set its mode to 0600")
        return path.read_bytes()
    except OSError as error:
        raise PKIError(f"{path}: {error.strerror}") from error


def _make_host_key(path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    octets = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    _write(path.with_name(f"{path.name}.pub"), public + b" bmuid\n")
    _write(path, octets, mode=0o600)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    octets = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(path, octets, mode=0o600)


def _write(path: Path, octets: bytes, mode: int = 0o644) -> None:
    """Replace *path* whole or not at all, never readable wider than *mode* meanwhile."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
