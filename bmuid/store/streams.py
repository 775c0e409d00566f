"""Streams: what a source has rated in real time on one day (UTC), a usage file that grows line by line."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

from bmuid.store import at_once
from bmuid.store.at_once import Call, Into, Prepared
from bmuid.store.copying import CONSTANTS, INT8, OCTETS, TEXT, Field, Rows, array
from bmuid.store.files import Source, Verdicts
from bmuid.store.keys import Earlier
from bmuid.store.limits import TOLD, Limits
from bmuid.store.transaction import Transaction

FIELDS = (
    Field(INT8, CONSTANTS, 0),
    Field(INT8, 0, 0),
    Field(OCTETS, 0, 1),
    Field(TEXT, 0, 2),
)
COLUMNS = "file_id, line_no, line, answer"

# The keys are claimed only behind the lock, so that two who write to one stream never wait for each other's.
TAKE = Prepared(
    "take into stream",
    f"""
    WITH stream AS (
        SELECT next_line FROM usage_file_part
        WHERE file_id = $1::bigint AND part = 0 AND state = 'STREAM' FOR NO KEY UPDATE
    ), claimed AS (
        INSERT INTO usage_key (event_key, content, file_id, line_no)
        SELECT key, content, $1::bigint, next_line + place
        FROM stream, unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS arriving (key, content, place)
        ORDER BY key ON CONFLICT (event_key) DO NOTHING RETURNING 1
    )
    SELECT next_line, (SELECT count(*) FROM claimed), (SELECT coalesce(max(id), 0) FROM revision),
        (extract(epoch FROM transaction_timestamp() - timestamptz 'epoch') * 1000000)::bigint,
        (SELECT {TOLD} FROM source AS s WHERE s.id = $5::integer)
    FROM stream
    """,  # noqa: S608 - a constant, no value
)
COUNT = Prepared(
    "count in stream",
    """
    UPDATE usage_file_part SET next_line = $2::bigint, new = new + $3::bigint,
        suspended = suspended + $4::bigint, oldest_day = least(oldest_day, $5::date)
    WHERE file_id = $1::bigint AND part = 0 AND state = 'STREAM'
    """,
)


class Stream(NamedTuple):
    """
    A stream whose end this transaction has locked.

    Shapes:
        next_line: the number that no line of it has yet.
        source: with its settings as they were when the stream began.
    """

    file_id: int
    next_line: int
    source: Source


class Claim(NamedTuple):
    """
    The event key that a line of a stream is to have, and its content.

    Shapes:
        place: after the first line that is free.
    """

    event_key: bytes
    content: int
    place: int


class Taken(NamedTuple):
    """
    What was locked and found when lines were taken into a stream.

    Shapes:
        stream: its next line is the first of these.
        earlier: keys that were not to be had, with who has them; all others are ours now.
        newest: the newest revision.
        began_us: when this transaction began.
        limits: of the source, as they are now; None: it has none.
    """

    stream: Stream
    earlier: Mapping[bytes, Earlier]
    newest: int
    began_us: int
    limits: Limits | None = None


class Told(NamedTuple):
    """An event of a stream, as it was sent, and what was answered."""

    line_no: int
    line: bytes
    answer: str


def begin(txn: Transaction, source: str, day: date) -> Stream | None:
    """
    Lock the end of a source's stream of a day, which is made on first need.

    Shapes:
        Result: None where there is no such source, or no catalogue yet to rate by.
    """
    found = _locked(txn, source, day)
    if found is None:
        _make(txn, source, day)
        found = _locked(txn, source, day)
    return found


def _locked(txn: Transaction, source: str, day: date) -> Stream | None:
    txn.execute(
        """
        SELECT p.file_id, p.next_line, s.id, s.code, f.profile, f.time_zone, f.country_code,
            f.trunk_prefix, f.international_prefix, f.routing_prefixes, f.extras
        FROM source AS s JOIN usage_file AS f ON f.source_id = s.id AND f.stream_day = %(day)s
        JOIN usage_file_part AS p ON p.file_id = f.id AND p.state = 'STREAM'
        WHERE s.code = %(source)s FOR NO KEY UPDATE OF p
        """,
        {"source": source, "day": day},
    )
    row = txn.fetchone()
    return Stream(row[0], row[1], Source(*row[2:])) if row else None


def take(txn: Transaction, stream: Stream, claims: Sequence[Claim]) -> Taken | None:
    """
    Lock the end of a stream that is known, and claim event keys for lines of it; None where it has ended.

    Shapes:
        claims: no key twice.
    """
    keys, contents, places = zip(*claims, strict=True)
    taking = (
        stream.file_id,
        array(key.hex() for key in keys),
        array(contents),
        array(places),
        stream.source.id,
    )
    at_once.perform(txn, [Call(TAKE, taking)])
    row = txn.fetchone()
    if row is None:
        return None
    next_line, claimed, newest, began_us, limits = row
    found = stream._replace(next_line=next_line)
    earlier = {} if claimed == len(claims) else _earlier(txn, found, claims)
    return Taken(found, earlier, newest, began_us, Limits(*limits) if limits else None)


def _earlier(txn: Transaction, stream: Stream, claims: Sequence[Claim]) -> Mapping[bytes, Earlier]:
    """Give who has keys that were not to be had."""
    txn.execute(
        """
        SELECT event_key, content, file_id, line_no FROM usage_key
        WHERE event_key = ANY (%(keys)s::uuid[])
        AND (file_id <> %(file_id)s OR line_no < %(next_line)s)
        """,
        {
            "keys": array(claim.event_key.hex() for claim in claims),
            "file_id": stream.file_id,
            "next_line": stream.next_line,
        },
    )
    return {
        bytes.fromhex(key.replace("-", "")): Earlier(content, file_id, line_no)
        for key, content, file_id, line_no in txn.fetchall()
    }


def _make(txn: Transaction, source: str, day: date) -> None:
    name = f"real time {day}"
    # Whoever makes it at the same time has its day and its digest, too: neither is a fault.
    txn.execute(
        """
        WITH made AS (
            INSERT INTO usage_file (source_id, sha256, name, octets, lines, parts, revision, profile, profile_version,
                time_zone, country_code, trunk_prefix, international_prefix, routing_prefixes, extras,
                stream_day)
            SELECT s.id, %(sha256)s, %(name)s, 0, 0, 1, r.newest, s.profile,
                coalesce((SELECT max(version) FROM profile AS p WHERE p.code = s.profile), 0), s.time_zone,
                s.country_code, s.trunk_prefix, s.international_prefix, s.routing_prefixes, s.extras,
                %(day)s
            FROM source AS s, (SELECT max(id) AS newest FROM revision) AS r
            WHERE s.code = %(source)s AND r.newest IS NOT NULL
            ON CONFLICT DO NOTHING RETURNING id
        )
        INSERT INTO usage_file_part (file_id, part, state) SELECT id, 0, 'STREAM' FROM made
        """,
        {
            "sha256": hashlib.sha256(name.encode()).digest(),
            "name": name,
            "day": day,
            "source": source,
        },
    )


def extend(
    txn: Transaction,
    stream: Stream,
    told: Sequence[Told],
    counted: tuple[Verdicts, date | None],
    rows: Sequence[Into] = (),
) -> None:
    """
    Write events to the end of a stream, with other rows before them, and count what they ended as.

    Shapes:
        counted: with the day that no charge of these events is earlier than; None where there is none.
    """
    found, oldest = counted
    events = telling(stream.file_id, told)
    counting = stream.file_id, told[-1].line_no + 1, found.new, found.suspended, oldest
    # It is there: its end was locked by this transaction.
    at_once.insert(txn, [*rows, events], [Call(COUNT, counting)])


def telling(file_id: int, told: Sequence[Told]) -> Into:
    """Give the rows of events of a stream."""
    return Into("usage_event", COLUMNS, Rows(FIELDS, (list(told),), ((INT8, file_id),)))


def answers(txn: Transaction, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], str]:
    """Give what was first answered to events, by file and line; those that are no event's are left out."""
    txn.execute(
        """
        SELECT e.file_id, e.line_no, e.answer
        FROM unnest(%(files)s::bigint[], %(lines)s::bigint[]) AS w (file_id, line_no)
        JOIN usage_event AS e ON e.file_id = w.file_id AND e.line_no = w.line_no
        """,
        {
            "files": array(file_id for file_id, _ in places),
            "lines": array(line_no for _, line_no in places),
        },
    )
    return {(file_id, line_no): answer for file_id, line_no, answer in txn.fetchall()}


def end_before(txn: Transaction, day: date) -> int:
    """Count the lines of streams of earlier days, so that they are closed as files are; give how many ended."""
    txn.execute(
        """
        SELECT p.file_id FROM usage_file_part AS p JOIN usage_file AS f ON f.id = p.file_id
        WHERE f.state = 'OPEN' AND f.stream_day < %(day)s AND p.state = 'STREAM'
        ORDER BY p.file_id FOR NO KEY UPDATE OF p
        """,
        {"day": day},
    )
    ended = [file_id for (file_id,) in txn.fetchall()]
    if ended:
        txn.execute(
            """
            UPDATE usage_file AS f SET lines = p.new + p.suspended FROM usage_file_part AS p
            WHERE f.id = ANY (%(ended)s) AND p.file_id = f.id
            """,
            {"ended": ended},
        )
        txn.execute(
            "UPDATE usage_file_part SET state = 'DONE' WHERE file_id = ANY (%(ended)s)",
            {"ended": ended},
        )
    return len(ended)
