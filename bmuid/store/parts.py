"""Parts of usage files: each worked by one process at a time, in chunks, in the order of arrival."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bmuid.store.files import Source, Verdicts
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a file that this transaction has locked, and where its next line is."""

    file_id: int
    part: int
    parts: int
    next_line: int
    next_octet: int
    lines: int
    octets: int
    sha256: bytes
    revision: int
    received_at: datetime
    source: Source
    replay: int
    decoded_octets: int | None
    header: bytes | None


_COLUMNS = """
    p.file_id, p.part, f.parts, p.next_line, p.next_octet, f.lines, f.sha256,
    f.revision, f.received_at, f.octets, f.replay, f.decoded_octets, f.header, s.id, s.code,
    f.profile, f.time_zone, f.country_code, f.trunk_prefix, f.international_prefix,
    f.routing_prefixes, f.extras, f.profile_version, f.assembly = 'ASSEMBLED'
"""


def take_part(txn: Transaction, last: tuple[int, int] = (0, 0)) -> Part | None:
    """
    Lock the part that was worked last, or else the oldest open one, that nobody works at and that may be worked now.

    A part waits for the parts of earlier files that may hold the same accounts: the same part where
    files have as many parts, else the whole file. So each account's usage is rated in order of arrival;
    but nothing waits for a blocked part.

    Shapes:
        last: the file's id and the part; who worked at it has its next lines read, and knows its accounts.
    """
    txn.execute(
        f"""
        SELECT {_COLUMNS} FROM usage_file_part AS p
        JOIN usage_file AS f ON f.id = p.file_id
        JOIN source AS s ON s.id = f.source_id
        WHERE f.state = 'OPEN' AND p.state = 'OPEN' AND NOT EXISTS (
            SELECT FROM usage_file AS g JOIN usage_file_part AS q ON q.file_id = g.id
            WHERE g.state = 'OPEN' AND g.id < f.id AND q.state = 'OPEN'
            AND (g.parts <> f.parts OR q.part = p.part)
        )
        ORDER BY (p.file_id, p.part) = (%(file_id)s, %(part)s) DESC, p.file_id, p.part
        LIMIT 1 FOR NO KEY UPDATE OF p SKIP LOCKED
        """,  # noqa: S608 - a constant, no value
        {"file_id": last[0], "part": last[1]},
    )
    row = txn.fetchone()
    return None if row is None else _part(row)


def take_partial(txn: Transaction) -> Part | None:
    """Lock the part of the oldest file of partial records that nobody works at; those of a source go one by one."""
    txn.execute(
        f"""
        SELECT {_COLUMNS} FROM usage_file_part AS p
        JOIN usage_file AS f ON f.id = p.file_id
        JOIN source AS s ON s.id = f.source_id
        WHERE f.state = 'OPEN' AND p.state = 'SESSION' AND NOT EXISTS (
            SELECT FROM usage_file AS g JOIN usage_file_part AS q ON q.file_id = g.id
            WHERE g.state = 'OPEN' AND g.id < f.id AND g.source_id = f.source_id AND q.state = 'SESSION'
        )
        ORDER BY p.file_id LIMIT 1 FOR NO KEY UPDATE OF p SKIP LOCKED
        """  # noqa: S608 - a constant, no value
    )
    row = txn.fetchone()
    return None if row is None else _part(row)


def _part(row: tuple[Any, ...]) -> Part:
    return Part(
        file_id=row[0],
        part=row[1],
        parts=row[2],
        next_line=row[3],
        next_octet=row[4],
        lines=row[5],
        sha256=bytes(row[6]),
        revision=row[7],
        received_at=row[8],
        octets=row[9],
        replay=row[10],
        decoded_octets=row[11],
        header=None if row[12] is None else bytes(row[12]),
        source=Source(*row[13:]),
    )


def advance(
    txn: Transaction,
    part: Part,
    next_line: int,
    next_octet: int,
    found: Verdicts,
    oldest: date | None,
) -> None:
    """
    Move the part over the lines just worked; past the last one it is done.

    Shapes:
        oldest: no charge of these lines is of an earlier day; None where there is none.
    """
    txn.execute(
        """
        UPDATE usage_file_part SET next_line = %(next_line)s, next_octet = %(next_octet)s,
            new = new + %(new)s, duplicate = duplicate + %(duplicate)s,
            suspended = suspended + %(suspended)s, rejected = rejected + %(rejected)s,
            oldest_day = least(oldest_day, %(oldest)s::date),
            began_at = coalesce(began_at, transaction_timestamp()), moved_at = clock_timestamp(),
            state = CASE WHEN %(next_line)s > %(lines)s THEN 'DONE' ELSE state END
        WHERE file_id = %(file_id)s AND part = %(part)s AND next_line = %(from_line)s
        """,
        {
            "next_line": next_line,
            "next_octet": next_octet,
            "new": found.new,
            "duplicate": found.duplicate,
            "suspended": found.suspended,
            "rejected": found.rejected,
            "oldest": oldest,
            "lines": part.lines,
            "file_id": part.file_id,
            "part": part.part,
            "from_line": part.next_line,
        },
    )
    assert txn.rowcount == 1, "the part was locked by this transaction"


def block(txn: Transaction, file_id: int, part: int, reason: str) -> None:
    """Set a part aside until a person has acted; other files go on."""
    txn.execute(
        """
        UPDATE usage_file_part SET state = 'BLOCKED', blocked = %(reason)s
        WHERE file_id = %(file_id)s AND part = %(part)s AND state IN ('OPEN', 'SESSION')
        """,
        {"reason": reason, "file_id": file_id, "part": part},
    )


def any_open(txn: Transaction) -> bool:
    """Tell whether there is anything to work."""
    txn.execute(
        """
        SELECT EXISTS (SELECT FROM usage_file AS f JOIN usage_file_part AS p ON p.file_id = f.id
            WHERE f.state = 'OPEN' AND p.state = 'OPEN')
        """
    )
    row = txn.fetchone()
    return row is not None and row[0] is True
