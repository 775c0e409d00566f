"""Sessions of partial records, read for people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class UsageSession:
    """
    A session.

    Shapes:
        records: taken; told: those of them that are in usage made of it, or brought nothing new.
        last_record: when it was made, by the switch's clock; last_at: when it came.
        due_at: not before then is it ended, or forgotten. closing: it is to be ended at once, and why.
    """

    id: int
    source: str
    name: str
    state: str
    records: int
    told: int
    first_at: datetime
    last_at: datetime
    last_record: datetime | None
    due_at: datetime
    closing: str | None


@dataclass(frozen=True, slots=True)
class Figure:
    """What a session has come to in one field, and how much of that is in usage made of it."""

    field: str
    total: int
    told: int


@dataclass(frozen=True, slots=True)
class Text:
    """A field of a session's records, as it is now."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Emission:
    """
    Usage made of a session.

    Shapes:
        records: that it stands for. file: the one it is in, null where there was nothing to charge, or none is written yet.
    """

    number: int
    why: str
    records: int
    at: datetime
    file: int | None


def sessions(
    txn: Transaction, source: str | None, state: str | None, last: int, limit: int
) -> tuple[UsageSession, ...]:
    """Give sessions with ids up to *last*, the newest first."""
    txn.execute(
        """
        SELECT u.id, s.code, u.name, u.state, u.rows, u.told, u.first_at, u.last_at,
            timestamptz 'epoch' + (u.detail->>'until_us')::bigint * interval '1 microsecond',
            u.due_at, u.close_why
        FROM usage_session AS u JOIN source AS s ON s.id = u.source_id
        WHERE u.id <= %(last)s AND (%(source)s IS NULL OR s.code = %(source)s)
        AND (%(state)s IS NULL OR u.state = %(state)s)
        ORDER BY u.id DESC LIMIT %(limit)s
        """,
        {"last": last, "source": source, "state": state, "limit": limit},
    )
    return tuple(UsageSession(*row) for row in txn.fetchall())


def session(txn: Transaction, number: int) -> UsageSession | None:
    """Give one session."""
    found = sessions(txn, None, None, number, 1)
    return next((one for one in found if one.id == number), None)


def contents(txn: Transaction, number: int) -> tuple[tuple[Figure, ...], tuple[Text, ...]]:
    """Give what a session has come to."""
    txn.execute("SELECT detail::text FROM usage_session WHERE id = %(id)s", {"id": number})
    [(text,)] = txn.fetchall()
    detail = json.loads(text)
    figures: dict[str, int] = {**detail["sums"], **detail["lows"], **detail["highs"]}
    for run in detail["runs"]:
        for field, figure in run[3].items():
            figures[field] = figures.get(field, 0) + figure
    told = detail["emitted"]
    texts = [*_texts(detail["firsts"]), *_texts(detail["lasts"])]
    return (
        tuple(Figure(name, figures[name], told.get(name, 0)) for name in sorted(figures)),
        tuple(sorted(texts, key=lambda each: each.field)),
    )


def _texts(groups: Sequence[tuple[object, Mapping[str, Any]]]) -> list[Text]:
    return [Text(name, text) for _, held in groups for name, text in held.items()]


def emissions(txn: Transaction, number: int) -> tuple[Emission, ...]:
    """Give the usage made of a session, in its order."""
    txn.execute(
        """
        SELECT e.number, e.why, e.rows, e.at, CASE WHEN e.line IS NOT NULL THEN b.file_id END
        FROM usage_emission AS e LEFT JOIN usage_batch AS b ON b.id = e.batch_id
        WHERE e.session_id = %(id)s ORDER BY e.number
        """,
        {"id": number},
    )
    return tuple(Emission(*row) for row in txn.fetchall())


def close(txn: Transaction, number: int) -> bool:
    """Have a session ended; False: it is ended already."""
    txn.execute(
        """
        UPDATE usage_session SET close_why = 'CLOSED'
        WHERE id = %(id)s AND state <> 'FINISHED'
        """,
        {"id": number},
    )
    return txn.rowcount > 0
