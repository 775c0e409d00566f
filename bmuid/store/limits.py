"""What sources may tell of, and how much: most have no limits at all."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Limits:
    """
    The limits of one source.

    Shapes:
        octets_max: of a file, as it came. lines_a_day_max: of its files and events of one day (UTC).
        days_back, minutes_ahead: when its usage may have begun, before and after it arrives; within what holds for all.
        uid_types, services: types of usage identifiers and codes of packages that it may speak for, parted by commas; empty: any.
    """

    octets_max: int | None = None
    lines_a_day_max: int | None = None
    days_back: int | None = None
    minutes_ahead: int | None = None
    uid_types: str = ""
    services: str = ""


NO_LIMITS = Limits()
# Of one source s; null where it has none.
TOLD = """
    CASE WHEN num_nonnulls(s.octets_max, s.lines_a_day_max, s.days_back, s.minutes_ahead) > 0
        OR s.uid_types <> '' OR s.services <> ''
    THEN jsonb_build_array(s.octets_max, s.lines_a_day_max, s.days_back, s.minutes_ahead, s.uid_types, s.services) END
"""


def of_source(txn: Transaction, source_id: int) -> Limits | None:
    """Give the limits of a source as they are now; None: it has none."""
    txn.execute(
        f"SELECT {TOLD} FROM source AS s WHERE s.id = %(id)s",  # noqa: S608 - a constant, no value
        {"id": source_id},
    )
    row = txn.fetchone()
    return Limits(*row[0]) if row is not None and row[0] is not None else None


def day_limit(txn: Transaction, code: str) -> int | None:
    """Give how many lines and events a source may hand in and tell of a day; None: any number, or there is no such source."""
    txn.execute("SELECT lines_a_day_max FROM source WHERE code = %(code)s", {"code": code})
    row = txn.fetchone()
    return None if row is None else row[0]


def lines_of_day(txn: Transaction, source_id: int, now: datetime) -> int:
    """Count what a source has handed in and told of on the day (UTC) of an instant; what is held and what staff had taken anew aside."""
    txn.execute(
        """
        SELECT coalesce(sum(CASE WHEN f.stream_day IS NULL THEN f.lines ELSE p.told END), 0)::bigint
        FROM usage_file AS f CROSS JOIN LATERAL (
            SELECT sum(new + suspended) AS told FROM usage_file_part WHERE file_id = f.id
        ) AS p
        WHERE f.source_id = %(source)s AND f.state <> 'HELD' AND f.replay = 0 AND f.assembly <> 'ASSEMBLED'
        AND CASE WHEN f.stream_day IS NULL THEN (f.received_at AT TIME ZONE 'UTC')::date ELSE f.stream_day END
            = (%(now)s AT TIME ZONE 'UTC')::date
        AND f.received_at >= %(now)s - interval '3 days'
        """,
        {"source": source_id, "now": now},
    )
    [(lines,)] = txn.fetchall()
    return int(lines)
