"""Alarms: what is amiss with a source, noticed, raised once, and cleared when it is over."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from psycopg2.extras import execute_values

from bmu.mediation.sequence import Range
from bmuid.store.sources import Watch
from bmuid.store.transaction import Transaction


class AlarmKind(Enum):
    """GAP: numbers of files are missed. TWICE: two files have one number. SILENT: nothing comes. PULL: nothing can be fetched."""

    GAP = "GAP"
    TWICE = "TWICE"
    SILENT = "SILENT"
    PULL = "PULL"


@dataclass(frozen=True, slots=True)
class Watched:
    """
    A source that is watched, locked by this transaction.

    Shapes:
        newest: the furthest number it has come to. told: events of its last two streams, when last looked at, and now.
    """

    source_id: int
    code: str
    since_file_id: int
    last_file_id: int
    newest: int | None
    told: int
    told_now: int
    spoke_at: datetime
    watch: Watch


@dataclass(frozen=True, slots=True)
class Come:
    """A file that came since a source was last looked at."""

    id: int
    name: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a source that are missed."""

    id: int
    numbers: Range
    since: datetime
    due_at: datetime
    raised_at: datetime | None


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm; first_no, last_no: numbers as they are counted on; file: the first that repeats one."""

    id: int
    kind: str
    source: str
    first_no: int | None
    last_no: int | None
    file: int | None
    since: datetime
    raised_at: datetime
    cleared_at: datetime | None
    cleared_by: str | None
    watch: Watch


def watched(txn: Transaction, now: datetime) -> tuple[Watched, ...]:
    """Lock the sources that are watched; those that somebody else looks at are left out."""
    txn.execute(
        """
        SELECT s.id, s.code, w.since_file_id, w.last_file_id, w.newest, w.told, (
                SELECT coalesce(sum(p.new + p.suspended), 0)::bigint FROM usage_file AS f
                JOIN usage_file_part AS p ON p.file_id = f.id
                WHERE f.source_id = s.id AND f.stream_day >= (%(now)s AT TIME ZONE 'UTC')::date - 1
            ), w.spoke_at, s.sequence_pattern, s.sequence_first, s.sequence_last, s.late_minutes, s.silent_minutes
        FROM source_watch AS w JOIN source AS s ON s.id = w.source_id
        WHERE s.sequence_pattern <> '' OR s.silent_minutes IS NOT NULL
        OR EXISTS (SELECT FROM alarm AS a WHERE a.source_id = s.id AND a.kind = 'SILENT' AND a.cleared_at IS NULL)
        ORDER BY s.id FOR NO KEY UPDATE OF w SKIP LOCKED
        """,
        {"now": now},
    )
    return tuple(Watched(*(*row[:8], Watch(*row[8:]))) for row in txn.fetchall())


def come(txn: Transaction, source: Watched) -> tuple[Come, ...]:
    """Give the files of a source that came since it was last looked at, in their order; none that were taken anew."""
    txn.execute(
        """
        SELECT id, name, received_at FROM usage_file
        WHERE id > %(last)s AND source_id = %(source)s AND stream_day IS NULL AND replay = 0 AND assembly <> 'ASSEMBLED' ORDER BY id
        """,
        {"last": source.last_file_id, "source": source.source_id},
    )
    return tuple(Come(*row) for row in txn.fetchall())


def looked_at(
    txn: Transaction, source: Watched, last_file_id: int, newest: int | None, spoke_at: datetime
) -> None:
    """Note how far a source was looked at."""
    txn.execute(
        """
        UPDATE source_watch SET last_file_id = %(last)s, newest = %(newest)s, told = %(told)s,
            spoke_at = %(spoke_at)s WHERE source_id = %(source)s
        """,
        {
            "last": last_file_id,
            "newest": newest,
            "told": source.told_now,
            "spoke_at": spoke_at,
            "source": source.source_id,
        },
    )


def number(txn: Transaction, source: Watched, place: int, file_id: int) -> bool:
    """Note a file's number; tell whether another file that is counted had it before."""
    txn.execute(
        """
        INSERT INTO file_number (source_id, number, file_id) VALUES (%(source)s, %(number)s, %(file)s);
        SELECT EXISTS (
            SELECT FROM file_number WHERE source_id = %(source)s AND number = %(number)s
            AND file_id > %(since)s AND file_id <> %(file)s
        )
        """,
        {
            "source": source.source_id,
            "number": place,
            "file": file_id,
            "since": source.since_file_id,
        },
    )
    [(is_known,)] = txn.fetchall()
    return bool(is_known)


def miss(txn: Transaction, source: Watched, gaps: Sequence[Gap]) -> None:
    """Note numbers that are missed."""
    execute_values(
        txn,
        """
        INSERT INTO alarm (kind, source_id, first_no, last_no, since, due_at, raised_at) VALUES %s
        """,
        [
            (
                AlarmKind.GAP.value,
                source.source_id,
                gap.numbers.first,
                gap.numbers.last,
                gap.since,
                gap.due_at,
                gap.raised_at,
            )
            for gap in gaps
        ],
    )


def gap_at(txn: Transaction, source: Watched, place: int) -> Gap | None:
    """Give the open gap in which a number is."""
    txn.execute(
        """
        SELECT id, first_no, last_no, since, due_at, raised_at FROM alarm
        WHERE source_id = %(source)s AND kind = 'GAP' AND cleared_at IS NULL
        AND %(number)s BETWEEN first_no AND last_no ORDER BY id LIMIT 1
        """,
        {"source": source.source_id, "number": place},
    )
    row = txn.fetchone()
    return None if row is None else Gap(row[0], Range(row[1], row[2]), *row[3:])


def over(txn: Transaction, alarm_id: int, now: datetime) -> None:
    """Clear an alarm, since what it tells of is over."""
    txn.execute(
        "UPDATE alarm SET cleared_at = %(now)s WHERE id = %(id)s AND cleared_at IS NULL",
        {"id": alarm_id, "now": now},
    )


def twice(txn: Transaction, source: Watched, place: int, file_id: int, now: datetime) -> None:
    """Note a number that two files have; one right after another that is noted is of the same alarm."""
    values = {"source": source.source_id, "number": place, "file": file_id, "now": now}
    txn.execute(
        """
        UPDATE alarm SET last_no = greatest(last_no, %(number)s) WHERE source_id = %(source)s AND kind = 'TWICE'
        AND cleared_at IS NULL AND %(number)s BETWEEN first_no AND last_no + 1
        """,
        values,
    )
    if txn.rowcount == 0:
        txn.execute(
            """
            INSERT INTO alarm (kind, source_id, first_no, last_no, file_id, since, due_at)
            VALUES ('TWICE', %(source)s, %(number)s, %(number)s, %(file)s, %(now)s, %(now)s)
            """,
            values,
        )


def silent(txn: Transaction, source: Watched, spoke_at: datetime, now: datetime) -> None:
    """Note that a source has said nothing for too long, once."""
    txn.execute(
        """
        INSERT INTO alarm (kind, source_id, since, due_at) VALUES ('SILENT', %(source)s, %(since)s, %(now)s)
        ON CONFLICT (source_id) WHERE kind = 'SILENT' AND cleared_at IS NULL DO NOTHING
        """,
        {"source": source.source_id, "since": spoke_at, "now": now},
    )


def speaks(txn: Transaction, source: Watched, now: datetime) -> None:
    """Note that a source is silent no more."""
    txn.execute(
        """
        UPDATE alarm SET cleared_at = %(now)s
        WHERE source_id = %(source)s AND kind = 'SILENT' AND cleared_at IS NULL
        """,
        {"source": source.source_id, "now": now},
    )


def due(txn: Transaction, now: datetime) -> tuple[Raised, ...]:
    """Raise the alarms whose time has come; give them."""
    txn.execute(
        """
        UPDATE alarm AS a SET raised_at = %(now)s FROM source AS s
        WHERE s.id = a.source_id AND a.cleared_at IS NULL AND a.raised_at IS NULL AND a.due_at <= %(now)s
        RETURNING a.id, a.kind, s.code, a.first_no, a.last_no, a.file_id, a.since, a.raised_at, a.cleared_at, a.cleared_by,
            s.sequence_pattern, s.sequence_first, s.sequence_last, s.late_minutes, s.silent_minutes
        """,
        {"now": now},
    )
    return tuple(Raised(*(*row[:10], Watch(*row[10:]))) for row in txn.fetchall())


def tell(txn: Transaction, raised: Sequence[tuple[Raised, str]]) -> None:
    """Put alarms, each with what it says, in the outbox; what was put there before is not put again."""
    execute_values(
        txn,
        "INSERT INTO outbox (kind, dedup_key, payload) VALUES %s ON CONFLICT (dedup_key) DO NOTHING",
        [
            (
                "WEBHOOK",
                f"alarm:{each.id}",
                json.dumps(
                    {
                        "event": "alarm",
                        "alarm_id": each.id,
                        "kind": each.kind,
                        "source": each.source,
                        "since": each.since.isoformat(),
                        "text": text,
                    }
                ),
            )
            for each, text in raised
        ],
    )


def listed(txn: Transaction, *, cleared: bool, limit: int) -> tuple[Raised, ...]:
    """Give the alarms that were raised, the newest first, with or without those that are over."""
    txn.execute(
        """
        SELECT a.id, a.kind, s.code, a.first_no, a.last_no, a.file_id, a.since, a.raised_at, a.cleared_at, a.cleared_by,
            s.sequence_pattern, s.sequence_first, s.sequence_last, s.late_minutes, s.silent_minutes
        FROM alarm AS a JOIN source AS s ON s.id = a.source_id
        WHERE a.raised_at IS NOT NULL AND (%(cleared)s OR a.cleared_at IS NULL)
        ORDER BY a.raised_at DESC, a.id DESC LIMIT %(limit)s
        """,
        {"cleared": cleared, "limit": limit},
    )
    return tuple(Raised(*(*row[:10], Watch(*row[10:]))) for row in txn.fetchall())


def clear(txn: Transaction, alarm_id: int, actor: str, now: datetime) -> bool:
    """Clear an alarm because somebody says so; tell whether it was there and not over."""
    txn.execute(
        """
        UPDATE alarm SET cleared_at = %(now)s, cleared_by = %(actor)s
        WHERE id = %(id)s AND raised_at IS NOT NULL AND cleared_at IS NULL
        """,
        {"id": alarm_id, "actor": actor, "now": now},
    )
    return txn.rowcount == 1
