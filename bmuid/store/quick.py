"""One plain event in two trips to the database: what it needs is taken and locked, then all of it is written and committed."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from bmu.period import FOREVER_US, from_us
from bmu.rating import BucketState, Owner
from bmuid.store.at_once import TYPES, Into, Prepared, array_text
from bmuid.store.copying import (
    CONSTANTS,
    INSTANT,
    INT2,
    INT4,
    INT8,
    JSON,
    JSON_VERSION,
    OCTETS,
    TEXT,
    WHOLE,
    Field,
    json_octets,
)
from bmuid.store.days import US_A_DAY, day_of
from bmuid.store.limits import TOLD
from bmuid.store.streams import Claim, Stream

# Of more rows of one table, one statement each would be many statements.
ROWS_MAX = 8

# The stream's end is locked, moved and counted on before all else, as in `streams.TAKE`. Whoever finds the event other than
# plain takes all of it back.
TAKE = Prepared(
    "take one",
    f"""
    WITH stream AS (
        UPDATE usage_file_part SET next_line = next_line + 1, new = new + 1, oldest_day = least(oldest_day, $5::date)
        WHERE file_id = $1::bigint AND part = 0 AND state = 'STREAM' RETURNING next_line - 1 AS line_no
    ), claimed AS (
        INSERT INTO usage_key (event_key, content, file_id, line_no)
        SELECT $2::uuid, $3::bigint, $1::bigint, line_no FROM stream
        ON CONFLICT (event_key) DO NOTHING RETURNING 1
    ), locked AS (
        SELECT id, array_position($7::text[], code) AS place,
            (extract(epoch FROM lower(during)) * 1000000)::bigint AS from_,
            coalesce((extract(epoch FROM upper(during)) * 1000000)::bigint, {FOREVER_US}) AS to_, balance
        FROM bucket WHERE account_id = $6::bigint AND account_service_id = $9::bigint
        AND code = ANY ($7::text[]) AND during @> $8::timestamptz ORDER BY id FOR NO KEY UPDATE
    )
    SELECT line_no, (SELECT count(*) FROM claimed), (SELECT coalesce(max(id), 0) FROM revision),
        (extract(epoch FROM transaction_timestamp() - timestamptz 'epoch') * 1000000)::bigint,
        (SELECT {TOLD} FROM source AS s WHERE s.id = $4::integer),
        (SELECT array_agg(ARRAY[id, place, from_, to_, balance]) FROM locked)
    FROM stream
    """,  # noqa: S608 - constants, no values
)


class Taken(NamedTuple):
    """
    What was locked and found for one event.

    Shapes:
        is_ours: the key was to be had.
        newest: the newest revision.
        began_us: when this transaction began.
        is_limited: its source has limits.
            states: the service's buckets that were open when the event began.
    """

    line_no: int
    is_ours: bool
    newest: int
    began_us: int
    is_limited: bool
    states: list[BucketState]


class Statement(NamedTuple):
    """A prepared statement, and its values as they are written in SQL."""

    prepared: Prepared
    values: str


def taking(
    stream: Stream, claim: Claim, owner: Owner, codes: tuple[str, ...], started_us: int
) -> Statement:
    """
    Take a line, its key and its service's buckets for an event.

    Shapes:
        codes: of all types of buckets, each of them a service's.
    """
    return Statement(
        TAKE,
        f"{stream.file_id},'{claim.event_key.hex()}',{claim.content},{stream.source.id},"
        f"'{day_of(started_us // US_A_DAY)}',{owner.account_id},{_codes(codes)},{_instant(started_us)},"
        f"{owner.account_service_id}",
    )


def taken(row: tuple[Any, ...] | None, owner: Owner, codes: tuple[str, ...]) -> Taken | None:
    """Read what `taking` gave; None: the stream has ended."""
    if row is None:
        return None
    line_no, claimed, newest, began_us, limits, buckets = row
    states = [
        BucketState(id_, owner.account_service_id, codes[place - 1], from_, to, balance)
        for id_, place, from_, to, balance in buckets or ()
    ]
    return Taken(line_no, claimed == 1, newest, began_us, limits is not None, states)


def writing(parts: Sequence[Into]) -> Statement | None:
    """Write all rows of several tables by one statement; None: they are too many."""
    counts = [len(part.rows.sources[0]) for part in parts]
    if max(counts) > ROWS_MAX:
        return None
    values = ",".join(
        [
            _values(part, place)
            for part, count in zip(parts, counts, strict=True)
            for place in range(count)
        ]
    )
    shapes = tuple(
        [
            (part.table, part.columns, part.rows.fields, count)
            for part, count in zip(parts, counts, strict=True)
        ]
    )
    return Statement(_inserting(shapes), values)


@lru_cache(maxsize=64)
def _inserting(shapes: tuple[tuple[str, str, tuple[Field, ...], int], ...]) -> Prepared:
    """Give the statement that inserts so many rows into each of the tables."""
    inserts: list[str] = []
    given = 0
    for table, columns, fields, count in shapes:
        rows = []
        for _ in range(count):
            given_types = enumerate([TYPES[field.form] for field in fields], given + 1)
            rows.append(", ".join(f"${n}::{name}" for n, name in given_types))
            given += len(fields)
        inserts.append(f"INSERT INTO {table} ({columns}) VALUES ({'), ('.join(rows)})")  # noqa: S608 - all of it is ours
    before = ", ".join(f"part{n} AS ({insert})" for n, insert in enumerate(inserts[:-1]))
    name = "write " + " ".join(f"{table} {count}" for table, *_, count in shapes)
    return Prepared(name, f"WITH {before} {inserts[-1]}" if before else inserts[-1])


def _values(part: Into, place: int) -> str:
    fields, sources, constants = part.rows
    written = []
    for form, source, item in fields:
        if source == CONSTANTS:
            value = constants[item][1]
        else:
            value = sources[source][place]
            if item != WHOLE:
                value = value[item]  # type: ignore[index]
        written.append("NULL" if value is None else _WRITTEN[form](value))
    return ",".join(written)


def quoted(text: str) -> str:
    """
    Write text as a constant of SQL, which is read alike whatever the server's settings.

    Errors:
        ValueError: PostgreSQL's text can't hold it.
    """
    if "\0" in text:
        raise ValueError("text with a NUL can't be stored")
    text = text.replace("'", "''")
    return "E'" + text.replace("\\", "\\\\") + "'" if "\\" in text else f"'{text}'"


def _instant(us: int) -> str:
    return f"'{from_us(us).isoformat()}'"


def _octets(octets: bytes) -> str:
    return f"E'\\\\x{octets.hex()}'"


def _json(value: object) -> str:
    return quoted(json_octets(value)[len(JSON_VERSION) :].decode())


@lru_cache(maxsize=16)
def _codes(codes: tuple[str, ...]) -> str:
    return quoted(array_text(TEXT, codes))


_WRITTEN: Mapping[str, Callable[..., str]] = {
    INT2: int.__repr__,
    INT4: int.__repr__,
    INT8: int.__repr__,
    INSTANT: _instant,
    TEXT: quoted,
    OCTETS: _octets,
    JSON: _json,
}
