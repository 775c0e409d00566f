"""Keys of sources: what a source shows so that it may hand in usage as itself. No secret is here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from bmuid.store.transaction import Transaction


class KeyKind(Enum):
    """What a key is: half of a pair whose other half the source has, or the id of a secret derived from it."""

    SSH = "SSH"
    HMAC = "HMAC"


@dataclass(frozen=True, slots=True)
class SourceKey:
    """
    A key of a source.

    Shapes:
        public_key, fingerprint: of an SSH key, as OpenSSH writes them; None: an HMAC key.
        revoked_at: None while it is good.
    """

    id: str
    source: str
    kind: str
    note: str
    fingerprint: str | None
    public_key: str | None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is to be added."""

    id: str
    source: str
    kind: KeyKind
    note: str
    fingerprint: str | None
    public_key: str | None
    created_by: str


def add(txn: Transaction, key: NewKey) -> bool:
    """Add a key; tell whether it is new: of one public key a source has one that is good."""
    txn.execute(
        """
        INSERT INTO source_key (id, source_id, kind, note, fingerprint, public_key, created_by)
        SELECT %(id)s, s.id, %(kind)s, %(note)s, %(fingerprint)s, %(public_key)s, %(created_by)s
        FROM source AS s WHERE s.code = %(source)s
        ON CONFLICT (source_id, fingerprint) WHERE revoked_at IS NULL DO NOTHING
        """,
        {
            "id": key.id,
            "source": key.source,
            "kind": key.kind.value,
            "note": key.note,
            "fingerprint": key.fingerprint,
            "public_key": key.public_key,
            "created_by": key.created_by,
        },
    )
    return txn.rowcount == 1


def known(txn: Transaction, source: str | None, key_id: str | None) -> tuple[SourceKey, ...]:
    """Give the keys of a source, or the one of that id, or all; by source, the oldest first."""
    txn.execute(
        """
        SELECT k.id, s.code, k.kind, k.note, k.fingerprint, k.public_key, k.created_at, k.created_by,
            k.revoked_at
        FROM source_key AS k JOIN source AS s ON s.id = k.source_id
        WHERE (%(source)s IS NULL OR s.code = %(source)s) AND (%(id)s IS NULL OR k.id = %(id)s)
        ORDER BY s.code, k.created_at, k.id
        """,
        {"source": source, "id": key_id},
    )
    return tuple(SourceKey(*row) for row in txn.fetchall())


def revoke(txn: Transaction, source: str, key_id: str) -> bool:
    """Take a key back, for ever; tell whether there was such a one that was good."""
    txn.execute(
        """
        UPDATE source_key AS k SET revoked_at = transaction_timestamp()
        FROM source AS s WHERE s.id = k.source_id AND s.code = %(source)s AND k.id = %(id)s
        AND k.revoked_at IS NULL
        """,
        {"source": source, "id": key_id},
    )
    return txn.rowcount == 1


def public_keys(txn: Transaction, source: str) -> tuple[str, ...]:
    """Give the good SSH keys of a source, as OpenSSH writes them, without comments."""
    txn.execute(
        """
        SELECT k.public_key FROM source_key AS k JOIN source AS s ON s.id = k.source_id
        WHERE s.code = %(source)s AND k.kind = 'SSH' AND k.revoked_at IS NULL ORDER BY k.id
        """,
        {"source": source},
    )
    return tuple(key for (key,) in txn.fetchall())


@dataclass(frozen=True, slots=True)
class Uploader:
    """
    A source that may upload.

    Shapes:
        keys: its good SSH keys, as OpenSSH writes them, without comments.
        octets_max: of a file; None: no limit of its own.
    """

    keys: frozenset[str]
    octets_max: int | None = None


def uploaders(txn: Transaction) -> Mapping[str, Uploader]:
    """Give the sources that have good SSH keys, by code."""
    txn.execute(
        """
        SELECT s.code, array_agg(k.public_key), s.octets_max
        FROM source_key AS k JOIN source AS s ON s.id = k.source_id
        WHERE k.kind = 'SSH' AND k.revoked_at IS NULL GROUP BY s.id
        """
    )
    return {source: Uploader(frozenset(keys), octets) for source, keys, octets in txn.fetchall()}


def may_sign(txn: Transaction, source: str, key_id: str) -> bool:
    """Tell whether a source has a good HMAC key of that id."""
    txn.execute(
        """
        SELECT FROM source_key AS k JOIN source AS s ON s.id = k.source_id
        WHERE s.code = %(source)s AND k.id = %(id)s AND k.kind = 'HMAC' AND k.revoked_at IS NULL
        """,
        {"source": source, "id": key_id},
    )
    return txn.fetchone() is not None
