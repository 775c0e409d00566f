"""Batches of usage that sources sent by HTTP: under which key, and what came of their rows."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Batch:
    """
    A batch that was taken, or is about to be.

    Shapes:
        key: what the source calls it by; tracking: what it asks for it by.
        body_sha256: of the body as it came; sha256: of the file that is made of it.
    """

    tracking: str
    source: str
    key: str
    body_sha256: bytes
    sha256: bytes
    rows: int
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far the file of a batch is.

    Shapes:
        worked: so many of its lines, from the first on, have been looked at by all who work it.
    """

    file_id: int
    state: str
    held: str | None
    lines: int
    worked: int
    new: int
    duplicate: int
    suspended: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a row; reason, detail: None where it became usage."""

    row: int
    verdict: str
    reason: str | None
    detail: str | None


def claim(txn: Transaction, batch: Batch) -> Batch:
    """Give the batch that has the key of *batch* for ever: this one, or the one that had it before."""
    txn.execute(
        """
        INSERT INTO source_batch (tracking, source_id, key, body_sha256, sha256, rows)
        SELECT %(tracking)s, s.id, %(key)s, %(body_sha256)s, %(sha256)s, %(rows)s
        FROM source AS s WHERE s.code = %(source)s
        ON CONFLICT (source_id, key) DO NOTHING
        """,
        {
            "tracking": batch.tracking,
            "source": batch.source,
            "key": batch.key,
            "body_sha256": batch.body_sha256,
            "sha256": batch.sha256,
            "rows": batch.rows,
        },
    )
    found = by_key(txn, batch.source, batch.key)
    assert found is not None, "it was there, or is now"
    return found


def by_key(txn: Transaction, source: str, key: str) -> Batch | None:
    """Give the batch that a source sent under a key."""
    return _one(txn, source, key, None)


def by_tracking(txn: Transaction, source: str, tracking: str) -> Batch | None:
    """Give the batch of a source that is asked for by *tracking*."""
    return _one(txn, source, None, tracking)


def _one(txn: Transaction, source: str, key: str | None, tracking: str | None) -> Batch | None:
    txn.execute(
        """
        SELECT b.tracking, s.code, b.key, b.body_sha256, b.sha256, b.rows, b.at
        FROM source_batch AS b JOIN source AS s ON s.id = b.source_id
        WHERE s.code = %(source)s AND (b.key = %(key)s OR b.tracking = %(tracking)s)
        """,
        {"source": source, "key": key, "tracking": tracking},
    )
    row = txn.fetchone()
    if row is None:
        return None
    code, source_code, found_key, body_sha256, sha256, rows, at = row
    return Batch(code, source_code, found_key, bytes(body_sha256), bytes(sha256), rows, at)


def progress(txn: Transaction, batch: Batch) -> Progress | None:
    """Tell how far the file of a batch is; None: it is not known to the database yet."""
    txn.execute(
        """
        SELECT f.id, f.state, f.held, f.lines,
            CASE f.state WHEN 'DONE' THEN f.lines ELSE coalesce(p.worked, 0) END,
            coalesce(f.new, p.new, 0), coalesce(f.duplicate, p.duplicate, 0),
            coalesce(f.suspended, p.suspended, 0), coalesce(f.rejected, p.rejected, 0)
        FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
        CROSS JOIN LATERAL (
            SELECT least(min(next_line) - 1, f.lines) AS worked, sum(new)::bigint AS new,
                sum(duplicate)::bigint AS duplicate, sum(suspended)::bigint AS suspended,
                sum(rejected)::bigint AS rejected
            FROM usage_file_part WHERE file_id = f.id
        ) AS p
        WHERE s.code = %(source)s AND f.sha256 = %(sha256)s ORDER BY f.replay LIMIT 1
        """,
        {"source": batch.source, "sha256": batch.sha256},
    )
    row = txn.fetchone()
    return Progress(*row) if row else None


def rows(txn: Transaction, found: Progress, after: int, limit: int) -> tuple[Row, ...]:
    """Give what became of up to *limit* rows behind row *after*, of those that have been looked at."""
    txn.execute(
        """
        SELECT n, coalesce(v.verdict, 'NEW'), v.reason, v.detail
        FROM generate_series(%(first)s, least(%(worked)s, %(last)s)) AS n
        LEFT JOIN verdict AS v ON v.file_id = %(file_id)s AND v.line_no = n ORDER BY n
        """,
        {
            "file_id": found.file_id,
            "first": after + 1,
            "last": after + limit,
            "worked": found.worked,
        },
    )
    return tuple(Row(*row) for row in txn.fetchall())


def octets_max(txn: Transaction, source: str) -> int | None:
    """Give how large a file of a source may be; None: no limit of its own."""
    txn.execute("SELECT octets_max FROM source WHERE code = %(source)s", {"source": source})
    row = txn.fetchone()
    return row[0] if row else None


def rows_waiting(txn: Transaction) -> int:
    """Count the lines of files that are not done, of all sources."""
    txn.execute("SELECT coalesce(sum(lines), 0)::bigint FROM usage_file WHERE state = 'OPEN'")
    [(count,)] = txn.fetchall()
    return int(count)
