"""Keys of sources: added, listed, taken back."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)

from bmuid import signing
from bmuid.operations.grammar import Choice, Pattern, Text
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import ADMINS, no_source, staff_changes, staff_reads
from bmuid.operations.sources import CODE
from bmuid.store import source_keys, sources
from bmuid.store.source_keys import KeyKind, NewKey, SourceKey
from bmuid.store.transaction import Transaction

KIND = Choice(tuple(kind.value for kind in KeyKind))
PUBLIC_KEY = Text(8192, lines=True)
NOTE = Text(100)
ID = Pattern(r"[0-9a-f]{16}", "a key's id: 16 hexadecimal digits")
RSA_BITS_MIN = 2048
KINDS_OF_KEYS = "one line as in an .pub file: ssh-ed25519, ecdsa-sha2-nistp256, 384 or 521, or ssh-rsa of 2048 bits or more"


@dataclass(frozen=True, slots=True)
class Add:
    """A new key of a source."""

    source: str = argument(CODE, "the source's code")
    kind: str = argument(KIND, "SSH: whose public half is given; HMAC: a secret made here")
    public_key: str | None = argument(
        PUBLIC_KEY, "the public half, as in an .pub file; for SSH", optional=True, from_file=True
    )
    note: str | None = argument(NOTE, "what people know it by", optional=True)


@dataclass(frozen=True, slots=True)
class Which:
    """A key."""

    source: str = argument(CODE, "the source's code")
    id: str = argument(ID, "the key's id")


@dataclass(frozen=True, slots=True)
class List:
    """Of which source; none: of all."""

    source: str | None = argument(CODE, "only of this source", optional=True)


@dataclass(frozen=True, slots=True)
class Added:
    """The key; secret: what the source signs with, in hexadecimal digits, told this once; None: an SSH key."""

    key: SourceKey
    secret: str | None


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys, by source."""

    keys: tuple[SourceKey, ...]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key as OpenSSH writes it, without comment, and its fingerprint."""

    text: str
    fingerprint: str


def add(txn: Transaction, actor: Actor, arguments: Add, now: datetime) -> Added | Refused:
    """Add a key to a source."""
    if all(one.code != arguments.source for one in sources.known(txn)):
        return no_source(arguments.source)
    public = _public_half(arguments)
    if isinstance(public, Refused):
        return public
    key = NewKey(
        id=secrets.token_hex(8),
        source=arguments.source,
        kind=KeyKind(arguments.kind),
        note=arguments.note or "",
        fingerprint=public.fingerprint if public else None,
        public_key=public.text if public else None,
        created_by=actor.name,
    )
    if not source_keys.add(txn, key):
        return Refused("KEY_EXISTS", f"{arguments.source} has this key already")
    [added] = source_keys.known(txn, None, key.id)
    if public is not None:
        return Added(added, None)
    secret = signing.secret_of(actor.secrets.source_key, key.source, key.id)
    return Added(added, secret.hex())


def _public_half(arguments: Add) -> PublicKey | Refused | None:
    """Give the public half of an SSH key; None: the key is none."""
    if arguments.kind == KeyKind.HMAC.value:
        if arguments.public_key is not None:
            return Refused(
                "BAD_ARGUMENT", "public_key: an HMAC key has none; its secret is made here"
            )
        return None
    if arguments.public_key is None:
        return Refused("BAD_ARGUMENT", f"public_key: is missing ({KINDS_OF_KEYS})")
    found = public_key_of(arguments.public_key)
    return found or Refused("BAD_ARGUMENT", f"public_key: must be {KINDS_OF_KEYS}")


def public_key_of(text: str) -> PublicKey | None:
    """Read a public key as OpenSSH writes it; None: it is none, or of a kind that is not safe enough."""
    line = text.strip()
    try:
        key = load_ssh_public_key(b"" if "\n" in line else line.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(
        key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey
    ):
        return None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS_MIN:
        return None
    written = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(written.split()[1])).digest()
    return PublicKey(written.decode(), "SHA256:" + base64.b64encode(digest).decode().rstrip("="))


def revoke(txn: Transaction, actor: Actor, arguments: Which, now: datetime) -> SourceKey | Refused:
    """Take a key back; nobody comes in with it any more."""
    if not source_keys.revoke(txn, arguments.source, arguments.id):
        return Refused("NOT_FOUND", f"{arguments.source} has no such key that is good")
    [revoked] = source_keys.known(txn, None, arguments.id)
    return revoked


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Keys:
    """List keys."""
    return Keys(source_keys.known(txn, arguments.source, None))


OPERATIONS = (
    # Without a key of the request: its answer would be kept, and the secret with it.
    replace(
        staff_changes(("source_key_add", "Add a key to a source"), Add, Added, add, ADMINS),
        keyed=False,
    ),
    staff_changes(
        ("source_key_revoke", "Take a source's key back"), Which, SourceKey, revoke, ADMINS
    ),
    staff_reads("source_key_list", "The keys of sources", List, Keys, list_),
)
