"""Sessions of partial records: what each has come to, who is due to end, and what was made of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from psycopg2.extras import execute_values

from bmu.mediation.session import Emission, Session, State, Why
from bmu.mediation.session_document import document_of, session_of
from bmuid.store.copying import array
from bmuid.store.files import Source
from bmuid.store.transaction import Transaction

ROWS_A_STATEMENT = 1000


class Stored(NamedTuple):
    """A session in the database: its id, what tells it from others of its source, and what it has come to."""

    id: int
    key: bytes
    node: bytes
    name: str
    session: Session


@dataclass(frozen=True, slots=True)
class Waits:
    """
    How long sessions are waited for.

    Shapes:
        timeout: without a record; wait: stopped, but with records missing; memory: finished, and late records may come.
    """

    timeout: timedelta
    wait: timedelta
    memory: timedelta

    def of(self, state: State) -> timedelta:
        """Give how long after its last record a session in that state is due."""
        match state:
            case State.OPEN:
                return self.timeout
            case State.STOPPED:
                return self.wait
            case State.FINISHED:
                return self.memory


class Due(NamedTuple):
    """
    A session to look at.

    Shapes:
        why: for what it is to be ended at once; None: its time may be over, by its last record.
    """

    stored: Stored
    last_at: datetime
    why: Why | None
    profile: str
    profile_version: int


class Made(NamedTuple):
    """An emission, and the line that it is in the file; None: nothing that would be usage."""

    session_id: int
    emission: Emission
    line: bytes | None


def alone(txn: Transaction, source_id: int) -> bool:
    """Be the only one who works the sessions of a source until this transaction ends; False: another is."""
    txn.execute(
        "SELECT pg_try_advisory_xact_lock(hashtext('bmu.usage_session'), %(source)s)",
        {"source": source_id},
    )
    row = txn.fetchone()
    return row is not None and bool(row[0])


def load(txn: Transaction, source_id: int, keys: Iterable[bytes]) -> dict[bytes, Stored]:
    """Give those sessions of a source that are known."""
    txn.execute(
        """
        SELECT id, session, node, name, state, rows, told, emissions, detail::text
        FROM usage_session WHERE source_id = %(source)s AND session = ANY (%(keys)s::uuid[])
        """,
        {"source": source_id, "keys": array(key.hex() for key in keys)},
    )
    return {stored.key: stored for stored in map(_stored, txn.fetchall())}


def _stored(row: tuple[int, str, str | None, str, str, int, int, int, str]) -> Stored:
    number, key, node, name, state, rows, told, emissions, detail = row
    session = session_of(json.loads(detail), state, rows, told, emissions)
    return Stored(number, _octets(key), _octets(node or ""), name, session)


def _octets(uuid: str) -> bytes:
    return bytes.fromhex(uuid.replace("-", ""))


def new_ids(txn: Transaction, count: int) -> list[int]:
    """Give ids for so many new sessions."""
    txn.execute(
        "SELECT nextval('usage_session_id') FROM generate_series(1, %(count)s)", {"count": count}
    )
    return [number for (number,) in txn.fetchall()]


def put(
    txn: Transaction, source: Source, stored: Sequence[Stored], now: datetime, waits: Waits
) -> None:
    """
    Write sessions as they are now that records have come.

    When one is due is written anew only with its state: who looks when it is due reckons by its last record,
    and each record would else move it in an index.
    """
    txn.execute(
        """
        INSERT INTO usage_session AS s (id, source_id, session, node, name, profile, profile_version, state,
            rows, told, emissions, first_at, last_at, due_at, detail)
        SELECT id, %(source)s, session, node, name, %(profile)s, %(version)s, state, rows, told, emissions,
            %(now)s, %(now)s, %(now)s + seconds * interval '1 second', detail
        FROM unnest(%(ids)s::bigint[], %(sessions)s::uuid[], %(nodes)s::uuid[], %(names)s::text[],
            %(states)s::text[], %(rows)s::bigint[], %(told)s::bigint[], %(emissions)s::integer[],
            %(seconds)s::bigint[], %(details)s::jsonb[])
            AS now (id, session, node, name, state, rows, told, emissions, seconds, detail)
        ON CONFLICT (source_id, session) DO UPDATE SET node = excluded.node, name = excluded.name,
            profile = excluded.profile, profile_version = excluded.profile_version,
            state = excluded.state, rows = excluded.rows, told = excluded.told,
            emissions = excluded.emissions, last_at = excluded.last_at, detail = excluded.detail,
            due_at = CASE s.state WHEN excluded.state THEN s.due_at ELSE excluded.due_at END
        """,
        {
            "source": source.id,
            "profile": source.profile,
            "version": source.profile_version,
            "now": now,
            "ids": array(each.id for each in stored),
            "sessions": array(each.key.hex() for each in stored),
            "nodes": array(each.node.hex() or "NULL" for each in stored),
            "names": [each.name for each in stored],
            "states": array(each.session.state.value for each in stored),
            "rows": array(each.session.rows for each in stored),
            "told": array(each.session.told for each in stored),
            "emissions": array(each.session.number for each in stored),
            "seconds": array(int(waits.of(each.session.state).total_seconds()) for each in stored),
            "details": [document_of(each.session) for each in stored],
        },
    )


def emit(txn: Transaction, source: Source, made: Sequence[Made], now: datetime) -> None:
    """Write what was made of sessions."""
    if not made:
        return
    txn.execute(
        """
        INSERT INTO usage_emission (session_id, number, source_id, profile, profile_version, why, rows, line, at)
        SELECT id, number, %(source)s, %(profile)s, %(version)s, why, rows, decode(line, 'hex'), %(now)s
        FROM unnest(%(ids)s::bigint[], %(numbers)s::integer[], %(whys)s::text[], %(rows)s::bigint[],
            %(lines)s::text[]) AS made (id, number, why, rows, line)
        """,
        {
            "source": source.id,
            "profile": source.profile,
            "version": source.profile_version,
            "now": now,
            "ids": array(each.session_id for each in made),
            "numbers": array(each.emission.number for each in made),
            "whys": array(each.emission.why.value for each in made),
            "rows": array(each.emission.rows for each in made),
            "lines": array("NULL" if each.line is None else each.line.hex() for each in made),
        },
    )


def end_of_node(txn: Transaction, source_id: int, node: bytes, at_us: int | None) -> int:
    """
    Have the sessions of a switch ended that it had when it began or ended; give how many they are.

    Shapes:
        at_us: when that was; what has records from later goes on. None: not known.
    """
    txn.execute(
        """
        UPDATE usage_session SET close_why = 'NODE'
        WHERE source_id = %(source)s AND node = %(node)s::uuid AND state <> 'FINISHED'
        AND (%(at)s IS NULL OR coalesce((detail->>'until_us')::bigint <= %(at)s, true))
        """,
        {"source": source_id, "node": node.hex(), "at": at_us},
    )
    return txn.rowcount


_NO_RECORDS_WAIT = """NOT EXISTS (
    SELECT FROM usage_file AS f JOIN usage_file_part AS p ON p.file_id = f.id
    WHERE f.source_id = u.source_id AND f.state = 'OPEN' AND p.state = 'SESSION'
)"""


def sources_due(txn: Transaction, now: datetime) -> tuple[str, ...]:
    """Give the sources that have sessions to be ended, or whose time may be over and whose records are all taken."""
    txn.execute(
        f"""
        SELECT s.code FROM source AS s WHERE s.id IN (
            SELECT source_id FROM usage_session WHERE close_why IS NOT NULL UNION
            SELECT source_id FROM usage_session AS u WHERE due_at <= %(now)s AND {_NO_RECORDS_WAIT}
        ) ORDER BY s.code
        """,  # noqa: S608 - constants, no values
        {"now": now},
    )
    return tuple(code for (code,) in txn.fetchall())


def to_close(txn: Transaction, source_id: int, limit: int) -> list[Due]:
    """Give sessions of a source that are to be ended at once."""
    return _due(txn, "close_why IS NOT NULL", {"source": source_id, "limit": limit})


def due(txn: Transaction, source_id: int, now: datetime, limit: int) -> list[Due]:
    """Give sessions of a source whose time may be over, and whose records are all taken."""
    which = f"due_at <= %(now)s AND {_NO_RECORDS_WAIT}"
    return _due(txn, which, {"source": source_id, "now": now, "limit": limit})


def _due(txn: Transaction, which: str, values: Mapping[str, object]) -> list[Due]:
    txn.execute(
        f"""
        SELECT last_at, close_why, profile, profile_version,
            id, session, node, name, state, rows, told, emissions, detail::text
        FROM usage_session AS u WHERE source_id = %(source)s AND {which}
        ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE
        """,  # noqa: S608 - constants, no values
        values,
    )
    return [
        Due(_stored(row[4:]), row[0], None if row[1] is None else Why(row[1]), row[2], row[3])
        for row in txn.fetchall()
    ]


def ended(txn: Transaction, stored: Sequence[Stored], now: datetime, waits: Waits) -> None:
    """Write sessions that were ended without another record."""
    execute_values(
        txn,
        """
        UPDATE usage_session AS s SET state = e.state, told = e.told, emissions = e.emissions,
            due_at = e.due_at::timestamptz, detail = e.detail::jsonb, close_why = NULL
        FROM (VALUES %s) AS e (id, state, told, emissions, due_at, detail) WHERE s.id = e.id
        """,
        [
            (
                each.id,
                each.session.state.value,
                each.session.told,
                each.session.number,
                now + waits.of(each.session.state),
                document_of(each.session),
            )
            for each in stored
        ],
        page_size=ROWS_A_STATEMENT,
    )


def later(txn: Transaction, when: Sequence[tuple[int, datetime]]) -> None:
    """Have sessions looked at later."""
    execute_values(
        txn,
        """
        UPDATE usage_session AS s SET due_at = l.due_at::timestamptz, close_why = NULL
        FROM (VALUES %s) AS l (id, due_at) WHERE s.id = l.id
        """,
        when,
        page_size=ROWS_A_STATEMENT,
    )


def forget(txn: Transaction, ids: Sequence[int]) -> int:
    """Drop finished sessions, and what was made of them, but those whose usage is in no file yet; give how many."""
    txn.execute(
        """
        SELECT id FROM unnest(%(ids)s::bigint[]) AS wanted (id) WHERE NOT EXISTS (
            SELECT FROM usage_emission AS e LEFT JOIN usage_batch AS b ON b.id = e.batch_id
            WHERE e.session_id = wanted.id AND (b.id IS NULL OR (b.lines > 0 AND b.file_id IS NULL))
        )
        """,
        {"ids": array(ids)},
    )
    found = {"ids": array(number for (number,) in txn.fetchall())}
    txn.execute("DELETE FROM usage_emission WHERE session_id = ANY (%(ids)s::bigint[])", found)
    txn.execute("DELETE FROM usage_session WHERE id = ANY (%(ids)s::bigint[])", found)
    return txn.rowcount
