"""The TLS of the public and the usage door: which certificates are shown, which are let in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL, crypto

from bmuid.config import BatchDoor, ConfigError, PublicDoor, UsageDoor

VERIFY_DEPTH_MAX = 2
# Of TLS 1.2 only what is forward secret and authenticated.
OLD_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"


@dataclass(frozen=True, slots=True)
class Gate:
    """What was loaded from the files of one moment; a reload makes a new one. names: None: whatever the authority issued."""

    context: SSL.Context
    names: frozenset[str] | None
    serials: frozenset[str]
    revoked: tuple[x509.CertificateRevocationList, ...]

    def name_of(self, certificate: x509.Certificate) -> str | None:
        """
        Give the common name of a client whose chain was verified; None: it may not come in.

        A certificate without the purpose "TLS client" is not one, whoever signed it; nor is an authority's.
        """
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        name = str(common[0].value) if len(common) == 1 else ""
        if (self.names is not None and name not in self.names) or not _is_client(certificate):
            return None
        if self.serials and f"{certificate.serial_number:x}" not in self.serials:
            return None
        for crl in self.revoked:
            if crl.get_revoked_certificate_by_serial_number(certificate.serial_number):
                return None
        return name


def _is_client(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return ExtendedKeyUsageOID.CLIENT_AUTH in usage
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage and not constraints.ca


def open_gate(door: PublicDoor | UsageDoor, now: datetime) -> Gate:
    """
    Load what the configuration names and check that it fits together.

    Errors:
        ConfigError: with every fault found.
    """
    faults: list[str] = []
    chain = _certificates(door.certificate, "certificate", faults)
    authorities = _certificates(door.client_ca, "client_ca", faults)
    crls = _crls(door.client_crl, faults)
    if chain:
        faults += _own_faults(chain[0], door.key, now)
    faults += _authority_faults(authorities, crls, now)
    if faults:
        raise ConfigError(tuple(f"{door.section}.{fault}" for fault in faults))
    return Gate(
        context=_context(door, crls),
        names=frozenset(door.client_names),
        serials=frozenset(door.client_serials),
        revoked=tuple(crls),
    )


def open_batch_gate(door: BatchDoor, now: datetime) -> Gate:
    """
    Do the same for the door of batches, where a certificate may be shown and may be any that its authority issued.

    Errors:
        ConfigError: with every fault found.
    """
    faults: list[str] = []
    chain = _certificates(door.certificate, "certificate", faults)
    if chain:
        faults += _own_faults(chain[0], door.key, now)
    crls: Sequence[x509.CertificateRevocationList] = ()
    if door.client_ca is not None and door.client_crl is not None:
        crls = _crls(door.client_crl, faults)
        faults += _authority_faults(_certificates(door.client_ca, "client_ca", faults), crls, now)
    if faults:
        raise ConfigError(tuple(f"batch.{fault}" for fault in faults))
    context = _own_context(door.certificate, door.key)
    # Sources are other people's systems, and some are old.
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(OLD_CIPHERS)
    if door.client_ca is not None:
        _ask_for(context, door.client_ca, crls, SSL.VERIFY_PEER)
    return Gate(context, names=None, serials=frozenset(), revoked=tuple(crls))


def _certificates(path: Path, key: str, faults: list[str]) -> Sequence[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (ValueError, OSError) as error:
        faults.append(f"{key}: {path}: is not a certificate in PEM: {error}")
        return ()


def _crls(path: Path, faults: list[str]) -> Sequence[x509.CertificateRevocationList]:
    marker = b"-----END X509 CRL-----"
    try:
        texts = path.read_bytes().split(marker)[:-1]
        crls = [x509.load_pem_x509_crl(text + marker + b"\n") for text in texts]
    except (ValueError, OSError) as error:
        faults.append(f"client_crl: {path}: is not a revocation list in PEM: {error}")
        return ()
    if not crls:
        faults.append(f"client_crl: {path}: holds no revocation list in PEM")
    return crls


def _own_faults(own: x509.Certificate, key_path: Path, now: datetime) -> list[str]:
    faults = []
    if not own.not_valid_before_utc <= now < own.not_valid_after_utc:
        faults.append(
            "certificate: is valid only from"
            f" {own.not_valid_before_utc:%Y-%m-%d} to {own.not_valid_after_utc:%Y-%m-%d}"
        )
    try:
        key = load_pem_private_key(key_path.read_bytes(), password=None)
    except (ValueError, TypeError, OSError) as error:
        return [
            *faults,
            f"key: {key_path}: is not an unencrypted private key in PEM: {error}",
        ]
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != own.public_key().public_bytes(*form):
        faults.append(f"key: {key_path}: does not belong to the certificate")
    return faults


def _authority_faults(
    authorities: Sequence[x509.Certificate],
    crls: Sequence[x509.CertificateRevocationList],
    now: datetime,
) -> list[str]:
    faults = []
    for authority in authorities:
        who = authority.subject.rfc4514_string()
        if not authority.not_valid_before_utc <= now < authority.not_valid_after_utc:
            faults.append(f"client_ca: {who}: has expired or is not valid yet")
        own = [crl for crl in crls if _is_signed(crl, authority)]
        if crls and not own:
            faults.append(f"client_crl: holds no list signed by {who}")
        # An expired list lets nobody in: better to hear of it at start.
        if own and all(crl.next_update_utc and crl.next_update_utc <= now for crl in own):
            faults.append(f"client_crl: the list of {who} has expired; make a new one")
    return faults


def _is_signed(crl: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    key = authority.public_key()
    try:
        return crl.issuer == authority.subject and crl.is_signature_valid(key)  # type: ignore[arg-type]  # any key kind, its errors are caught
    except (InvalidSignature, TypeError):
        return False


def _context(
    door: PublicDoor | UsageDoor, crls: Sequence[x509.CertificateRevocationList]
) -> SSL.Context:
    context = _own_context(door.certificate, door.key)
    _ask_for(context, door.client_ca, crls, SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    return context


def _own_context(certificate: Path, key: Path) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    # A resumed session would skip the look at certificate and revocation list.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION)
    context.use_certificate_chain_file(bytes(certificate))
    context.use_privatekey_file(bytes(key))
    return context


def _ask_for(
    context: SSL.Context,
    authority: Path,
    crls: Sequence[x509.CertificateRevocationList],
    how: int,
) -> None:
    """Have clients show certificates of an authority."""
    context.load_verify_locations(bytes(authority))
    context.set_verify(how)
    context.set_verify_depth(VERIFY_DEPTH_MAX)
    store = context.get_cert_store()
    assert store is not None, "a context has a store"
    for crl in crls:
        store.add_crl(crl)
    store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
