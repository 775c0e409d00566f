"""How far files are, and how fast they go: what became of each source's files day by day, and of one that is worked now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bmuid.store import books
from bmuid.store.books import Scope
from bmuid.store.charges import OF_FILES
from bmuid.store.transaction import Transaction

REASONS_TOLD = 3


@dataclass(frozen=True, slots=True)
class PartProgress:
    """A part of a file: how many lines it has passed, and in which time."""

    part: int
    state: str
    passed: int
    began_at: datetime | None
    moved_at: datetime | None


@dataclass(frozen=True, slots=True)
class OfDay:
    """
    What a source handed in on a day.

    Shapes:
        reasons: those that most of its lines did not become usage for, with their numbers, the most frequent first.
        seconds, octets_used, counted: quantity of its usage that is charged, by unit.
        lines_a_second: while they were worked.
    """

    day: date
    source: str
    files: int
    lines: int
    new: int
    duplicate: int
    suspended: int
    rejected: int
    reasons: str
    octets: int
    seconds: int
    octets_used: int
    counted: int
    last_file: str
    last_at: datetime
    lines_a_second: int | None


def parts(txn: Transaction, file_id: int) -> tuple[PartProgress, ...]:
    """Tell how far the parts of a file are."""
    txn.execute(
        """
        SELECT part, state, next_line - 1, began_at, moved_at FROM usage_file_part
        WHERE file_id = %(id)s ORDER BY part
        """,
        {"id": file_id},
    )
    return tuple(PartProgress(*row) for row in txn.fetchall())


def by_day(txn: Transaction, scope: Scope, time_zone: str) -> tuple[OfDay, ...]:
    """Tell what sources handed in, by day in a time zone, the newest first. What was taken anew, and what we made of sessions, was not handed in."""
    values: dict[str, object] = {
        "source": scope.source,
        "from": scope.from_,
        "to": scope.to,
        "zone": time_zone,
    }
    txn.execute(
        """
        SELECT (f.received_at AT TIME ZONE %(zone)s)::date AS day, s.code, count(*),
            sum(CASE WHEN f.stream_day IS NULL OR f.state = 'DONE' THEN f.lines ELSE coalesce(p.new + p.suspended, 0) END)::bigint,
            coalesce(sum(p.new), 0)::bigint, coalesce(sum(p.duplicate), 0)::bigint,
            coalesce(sum(p.suspended), 0)::bigint, coalesce(sum(p.rejected), 0)::bigint, sum(f.octets)::bigint,
            (array_agg(f.name ORDER BY f.id DESC))[1], max(f.received_at),
            (sum(p.worked) / nullif(extract(epoch FROM sum(p.took)), 0))::bigint
        FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
        CROSS JOIN LATERAL (
            SELECT sum(new) AS new, sum(duplicate) AS duplicate, sum(suspended) AS suspended, sum(rejected) AS rejected,
                CASE WHEN count(began_at) > 0 THEN sum(new + duplicate + suspended + rejected) END AS worked,
                max(moved_at) - min(began_at) AS took
            FROM usage_file_part WHERE file_id = f.id
        ) AS p
        WHERE f.received_at >= %(from)s AND f.received_at < %(to)s AND (%(source)s IS NULL OR s.code = %(source)s)
        AND f.replay = 0 AND f.assembly <> 'ASSEMBLED'
        GROUP BY 1, 2 ORDER BY 1 DESC, 2
        """,
        values,
    )
    rows = txn.fetchall()
    reasons = _reasons(txn, values)
    used = _used(txn, books.files(txn, scope), time_zone)
    return tuple(
        OfDay(
            day=row[0],
            source=row[1],
            files=row[2],
            lines=row[3],
            new=row[4],
            duplicate=row[5],
            suspended=row[6],
            rejected=row[7],
            reasons=reasons.get((row[0], row[1]), ""),
            octets=row[8],
            seconds=used.get((row[0], row[1], "TIME"), 0),
            octets_used=used.get((row[0], row[1], "DATA"), 0),
            counted=used.get((row[0], row[1], "COUNT"), 0),
            last_file=row[9],
            last_at=row[10],
            lines_a_second=row[11],
        )
        for row in rows
    )


def _reasons(txn: Transaction, values: dict[str, object]) -> dict[tuple[date, str], str]:
    txn.execute(
        f"""
        WITH counted AS (
            SELECT (f.received_at AT TIME ZONE %(zone)s)::date AS day, s.code, v.reason, count(*) AS n
            FROM usage_file AS f JOIN source AS s ON s.id = f.source_id JOIN verdict AS v ON v.file_id = f.id
            WHERE f.received_at >= %(from)s AND f.received_at < %(to)s AND (%(source)s IS NULL OR s.code = %(source)s)
            AND f.replay = 0 GROUP BY 1, 2, 3
        ), ranked AS (
            SELECT day, code, reason, n, row_number() OVER (PARTITION BY day, code ORDER BY n DESC, reason) AS rank FROM counted
        )
        SELECT day, code, string_agg(reason || ' ' || n, ', ' ORDER BY rank) FROM ranked
        WHERE rank <= {REASONS_TOLD} GROUP BY day, code
        """,  # noqa: S608 - a constant, no value
        values,
    )
    return {(day, code): told for day, code, told in txn.fetchall()}


def _used(
    txn: Transaction, file_ids: Sequence[int], time_zone: str
) -> dict[tuple[date, str, str], int]:
    """Sum the quantity of usage of files that is charged, by day of arrival, source and unit."""
    first, last = books.days_of(txn, file_ids)
    txn.execute(
        f"""
        SELECT (f.received_at AT TIME ZONE %(zone)s)::date, s.code, k.unit, sum(u.quantity)::numeric
        FROM (
            SELECT c.file_id, c.usage_class_id, sum(c.quantity) AS quantity FROM ({OF_FILES}) AS c
            LEFT JOIN charge_reversal AS r ON r.account_id = c.account_id AND r.started_at = c.started_at
                AND r.udr_id = c.udr_id AND r.version = c.version
            WHERE r.udr_id IS NULL GROUP BY c.file_id, c.usage_class_id
        ) AS u JOIN usage_class AS k ON k.id = u.usage_class_id
        JOIN usage_file AS f ON f.id = u.file_id JOIN source AS s ON s.id = f.source_id
        GROUP BY 1, 2, 3
        """,  # noqa: S608 - a constant, no value
        {"zone": time_zone, "files": list(file_ids), "from": first, "to": last},
    )
    return {(day, code, unit): int(sum_) for day, code, unit, sum_ in txn.fetchall()}
