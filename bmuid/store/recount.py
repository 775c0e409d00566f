"""The books of files counted again from the rows: every charge of their usage, every line that is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from bmuid.store.charges import OF_FILES
from bmuid.store.day_sums import Money
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class OfFile:
    """
    What the rows of one file say.

    Shapes:
        events: lines that are usage, as its parts have counted them: new and suspended ones; records that are part of a session are none.
        rated: charges in force.
        waiting: suspended lines that never were charged; lost: those that were.
        counts: as the parts say, new aside; verdicts: the same by the lines that are kept.
        told, kept: of a stream its events, by its parts and as they are kept; of a file both 0.
    """

    file: int
    source: str
    events: int
    rated: int
    waiting: int
    lost: int
    counts: tuple[int, int, int]
    verdicts: tuple[int, int, int]
    told: int
    kept: int


@dataclass(frozen=True, slots=True)
class Recounted:
    """What the rows of files say, and what their charges come to."""

    files: tuple[OfFile, ...]
    money: tuple[Money, ...]


class _Charged(NamedTuple):
    """The charges of one file's usage in one currency."""

    file: int
    currency: str
    rated: int
    charged: int
    invoiced: int
    left: int


_VERDICTS = """
    SELECT v.file_id, count(*) FILTER (WHERE v.verdict = 'DUPLICATE') AS duplicate,
        count(*) FILTER (WHERE v.verdict = 'SUSPENDED' AND v.event_key IS NOT NULL) AS suspended,
        count(*) FILTER (WHERE v.verdict = 'REJECTED') AS rejected,
        count(*) FILTER (WHERE v.verdict = 'SUSPENDED' AND v.resolved_at IS NULL AND v.udr_id IS NULL) AS waiting,
        count(*) FILTER (WHERE v.verdict = 'SUSPENDED' AND v.resolved_at IS NULL AND v.udr_id IS NOT NULL) AS lost
    FROM verdict AS v WHERE v.file_id = ANY (%(files)s) GROUP BY v.file_id
"""


def recounted(
    txn: Transaction, file_ids: Sequence[int], days: tuple[date | None, date | None]
) -> Recounted:
    """Count the rows of files again, all their usage being of these days."""
    charged = _charged(txn, file_ids, days)
    rated: dict[int, int] = {}
    for one in charged:
        rated[one.file] = rated.get(one.file, 0) + one.rated
    txn.execute(
        f"""
        WITH v AS ({_VERDICTS}), e AS (
            SELECT file_id, count(*) AS kept FROM usage_event WHERE file_id = ANY (%(files)s) GROUP BY file_id
        ), p AS (
            SELECT file_id, sum(new)::bigint AS new, sum(duplicate)::bigint AS duplicate,
                sum(suspended)::bigint AS suspended, sum(rejected)::bigint AS rejected
            FROM usage_file_part WHERE file_id = ANY (%(files)s) GROUP BY file_id
        )
        SELECT f.id, s.code, coalesce(p.suspended + CASE f.assembly WHEN 'PARTIAL' THEN 0 ELSE p.new END, 0),
            coalesce(v.waiting, 0), coalesce(v.lost, 0),
            coalesce(p.duplicate, 0), coalesce(p.suspended, 0), coalesce(p.rejected, 0),
            coalesce(v.duplicate, 0), coalesce(v.suspended, 0), coalesce(v.rejected, 0),
            CASE WHEN f.stream_day IS NULL THEN 0 ELSE coalesce(p.new + p.suspended, 0) END,
            CASE WHEN f.stream_day IS NULL THEN 0 ELSE coalesce(e.kept, 0) END
        FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
        LEFT JOIN p ON p.file_id = f.id LEFT JOIN v ON v.file_id = f.id
        LEFT JOIN e ON e.file_id = f.id
        WHERE f.id = ANY (%(files)s) ORDER BY f.id
        """,  # noqa: S608 - constants, no values
        {"files": list(file_ids)},
    )
    files = tuple(
        OfFile(
            file=row[0],
            source=row[1],
            events=row[2],
            rated=rated.get(row[0], 0),
            waiting=row[3],
            lost=row[4],
            counts=tuple(row[5:8]),
            verdicts=tuple(row[8:11]),
            told=row[11],
            kept=row[12],
        )
        for row in txn.fetchall()
    )
    return Recounted(files, _money(charged))


def _money(charged: Sequence[_Charged]) -> tuple[Money, ...]:
    found: dict[str, Money] = {}
    for one in charged:
        before = found.get(one.currency, Money(one.currency, 0, 0, 0))
        found[one.currency] = Money(
            currency=one.currency,
            charged=before.charged + one.charged,
            invoiced=before.invoiced + one.invoiced,
            left=before.left + one.left,
        )
    return tuple(found[currency] for currency in sorted(found))


def _charged(
    txn: Transaction, file_ids: Sequence[int], days: tuple[date | None, date | None]
) -> list[_Charged]:
    """Sum the charges of files' usage, in one look at each row."""
    txn.execute(
        f"""
        SELECT c.file_id, c.currency, count(*) - count(r.udr_id),
            coalesce(sum(c.amount_e11) FILTER (WHERE r.udr_id IS NULL), 0),
            coalesce(sum(c.amount_e11) FILTER (WHERE i.udr_id IS NOT NULL), 0)
                - coalesce(sum(c.amount_e11) FILTER (WHERE d.udr_id IS NOT NULL), 0),
            coalesce(sum(c.amount_e11) FILTER (WHERE r.udr_id IS NULL AND i.udr_id IS NULL), 0)
                - coalesce(sum(c.amount_e11) FILTER (
                    WHERE r.udr_id IS NOT NULL AND i.udr_id IS NOT NULL AND d.udr_id IS NULL), 0)
        FROM ({OF_FILES}) AS c
        LEFT JOIN charge_reversal AS r ON r.account_id = c.account_id AND r.started_at = c.started_at
            AND r.udr_id = c.udr_id AND r.version = c.version
        LEFT JOIN invoice_charge AS i ON i.account_id = c.account_id AND i.started_at = c.started_at
            AND i.udr_id = c.udr_id AND i.version = c.version
        LEFT JOIN invoice_credit AS d ON d.account_id = c.account_id AND d.started_at = c.started_at
            AND d.udr_id = c.udr_id AND d.version = c.version
        GROUP BY c.file_id, c.currency
        """,  # noqa: S608 - a constant, no value
        {"files": list(file_ids), "from": days[0], "to": days[1]},
    )
    return [_Charged(*row[:3], *map(int, row[3:])) for row in txn.fetchall()]
