"""Originals: the octets of files as they came, which of them are kept, and how their lines were read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bmuid.store.files import Source
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Original:
    """
    What names a file's octets in the spool, and how they were made lines.

    Shapes:
        dropped_at: when the spool was rid of them; None: it has them.
        stream: it never had any.
    """

    source: Source
    sha256: bytes
    replay: int
    decoded_octets: int | None
    dropped_at: datetime | None
    stream: bool


def is_done(txn: Transaction, source_code: str, sha256: bytes) -> bool:
    """Tell whether octets are those of a file, and of none that is not done."""
    txn.execute(
        """
        SELECT bool_and(f.state = 'DONE') FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
        WHERE s.code = %(source)s AND f.sha256 = %(sha256)s
        """,
        {"source": source_code, "sha256": sha256},
    )
    row = txn.fetchone()
    return row is not None and row[0] is True


def drop_old(
    txn: Transaction, source_code: str, digests: Sequence[bytes], days: int
) -> list[bytes]:
    """Note which octets the spool is about to be rid of: those whose files were all done so many days ago or longer."""
    txn.execute(
        """
        WITH old AS (
            SELECT f.sha256, array_agg(f.id) AS files
            FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
            WHERE s.code = %(source)s AND f.sha256 = ANY (%(digests)s::bytea[]) GROUP BY f.sha256
            HAVING bool_and(f.state = 'DONE' AND f.done_at < transaction_timestamp() - %(days)s * interval '1 day')
        ), dropped AS (
            INSERT INTO original_dropped (file_id) SELECT unnest(files) FROM old ON CONFLICT DO NOTHING
        )
        SELECT sha256 FROM old
        """,
        {"source": source_code, "digests": list(digests), "days": days},
    )
    return [bytes(sha256) for (sha256,) in txn.fetchall()]


def is_back(txn: Transaction, source: Source, sha256: bytes) -> None:
    """Note that the spool has octets again."""
    txn.execute(
        """
        DELETE FROM original_dropped WHERE file_id IN (
            SELECT id FROM usage_file WHERE source_id = %(source_id)s AND sha256 = %(sha256)s
        )
        """,
        {"source_id": source.id, "sha256": sha256},
    )


def original_of(txn: Transaction, file_id: int) -> Original | None:
    """Tell where the octets of a file are kept, and how its lines were read."""
    txn.execute(
        """
        SELECT f.sha256, f.replay, f.decoded_octets, d.at, f.stream_day IS NOT NULL, s.id, s.code,
            f.profile, f.time_zone, f.country_code, f.trunk_prefix, f.international_prefix,
            f.routing_prefixes, f.extras, f.profile_version, f.assembly = 'ASSEMBLED'
        FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
        LEFT JOIN original_dropped AS d ON d.file_id = f.id WHERE f.id = %(id)s
        """,
        {"id": file_id},
    )
    row = txn.fetchone()
    return Original(Source(*row[5:]), bytes(row[0]), *row[1:5]) if row else None


def events_before(
    txn: Transaction, source: Source, sha256: bytes
) -> tuple[tuple[int, Source], ...]:
    """Give the files whose octets these were and that had events, and their source as it was for each."""
    txn.execute(
        """
        SELECT id, profile, profile_version FROM usage_file
        WHERE source_id = %(source_id)s AND sha256 = %(sha256)s AND new + duplicate + suspended > 0 ORDER BY id
        """,
        {"source_id": source.id, "sha256": sha256},
    )
    return tuple(
        (file_id, replace(source, profile=profile, profile_version=version))
        for file_id, profile, version in txn.fetchall()
    )
