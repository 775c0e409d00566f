"""Usage files and what came of their lines, read for people."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.store import wakeup
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class File:
    """
    A usage file; new, duplicate, suspended and rejected count its lines so far.

    Shapes:
        held: why it waits until staff let it go on.
        dismissed: why staff had none of it worked.
        replay: 0: as it came; else the n-th time that staff had it taken in anew.
        profile_version: of a stored profile; 0: it came with the program.
    """

    id: int
    source: str
    name: str
    state: str
    octets: int
    lines: int
    new: int
    duplicate: int
    suspended: int
    rejected: int
    received_at: datetime
    done_at: datetime | None
    revision: int
    profile: str
    profile_version: int
    replay: int
    held: str | None
    dismissed: str | None
    sha256: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file, worked by one process at a time; next_line: the first not looked at; blocked: why."""

    part: int
    state: str
    next_line: int
    blocked: str | None


@dataclass(frozen=True, slots=True)
class Reason:
    """How many lines ended for one reason; resolved: how many of them were taken in again."""

    verdict: str
    reason: str
    lines: int
    resolved: int


def files(
    txn: Transaction, source: str | None, state: str | None, last: int, limit: int
) -> tuple[File, ...]:
    """Give files with ids up to *last*, the newest first."""
    txn.execute(
        """
        SELECT f.id, s.code, f.name, f.state, f.octets, f.lines,
            coalesce(f.new, p.new, 0), coalesce(f.duplicate, p.duplicate, 0),
            coalesce(f.suspended, p.suspended, 0), coalesce(f.rejected, p.rejected, 0),
            f.received_at, f.done_at, f.revision, f.profile, f.profile_version, f.replay, f.held, f.dismissed,
            encode(f.sha256, 'hex')
        FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
        CROSS JOIN LATERAL (
            SELECT sum(new)::bigint AS new, sum(duplicate)::bigint AS duplicate,
                sum(suspended)::bigint AS suspended, sum(rejected)::bigint AS rejected
            FROM usage_file_part WHERE file_id = f.id
        ) AS p
        WHERE f.id <= %(last)s AND (%(source)s IS NULL OR s.code = %(source)s)
        AND (%(state)s IS NULL OR f.state = %(state)s)
        ORDER BY f.id DESC LIMIT %(limit)s
        """,
        {"last": last, "source": source, "state": state, "limit": limit},
    )
    return tuple(File(*row) for row in txn.fetchall())


def file(txn: Transaction, file_id: int) -> File | None:
    """Give one file."""
    found = files(txn, None, None, file_id, 1)
    return next((one for one in found if one.id == file_id), None)


def parts(txn: Transaction, file_id: int) -> tuple[Part, ...]:
    """Give the parts of a file."""
    txn.execute(
        """
        SELECT part, state, next_line, blocked FROM usage_file_part
        WHERE file_id = %(id)s ORDER BY part
        """,
        {"id": file_id},
    )
    return tuple(Part(*row) for row in txn.fetchall())


def reasons(txn: Transaction, file_id: int) -> tuple[Reason, ...]:
    """Count a file's verdicts by their reason."""
    txn.execute(
        """
        SELECT verdict, reason, count(*), count(resolved_at) FROM verdict
        WHERE file_id = %(id)s GROUP BY verdict, reason ORDER BY verdict, count(*) DESC, reason
        """,
        {"id": file_id},
    )
    return tuple(Reason(*row) for row in txn.fetchall())


def unblock(txn: Transaction, file_id: int) -> int:
    """Let the blocked parts of a file be tried again, and tell the workers; give how many there were."""
    found = _count(txn, "SELECT file_unblock(%(id)s)", file_id)
    wakeup.tell(txn, wakeup.USAGE)
    return found


def hold(txn: Transaction, file_id: int, reason: str) -> bool:
    """Hold a file that is open; False where it is not."""
    return _count(txn, "SELECT file_hold(%(id)s, %(reason)s)", file_id, reason) > 0


def dismiss(txn: Transaction, file_id: int, reason: str) -> bool:
    """Have a held file done without a line, and tell the workers; False where none is held that was never worked."""
    dismissed = _count(txn, "SELECT file_dismiss(%(id)s, %(reason)s)", file_id, reason) > 0
    wakeup.tell(txn, wakeup.ARRIVING)
    return dismissed


def release(txn: Transaction, file_id: int) -> bool:
    """Let a held file go on, and tell the workers; False where none is held."""
    released = _count(txn, "SELECT file_release(%(id)s)", file_id) > 0
    wakeup.tell(txn, wakeup.USAGE)
    wakeup.tell(txn, wakeup.ARRIVING)
    return released


def replay(txn: Transaction, file_id: int) -> int | None:
    """Make a file of the same octets that arrives, and give its id; None where that can't be."""
    txn.execute("SELECT file_replay(%(id)s)", {"id": file_id})
    row = txn.fetchone()
    wakeup.tell(txn, wakeup.ARRIVING)
    return row[0] if row else None


def _count(txn: Transaction, statement: str, file_id: int, reason: str = "") -> int:
    txn.execute(statement, {"id": file_id, "reason": reason})
    row = txn.fetchone()
    assert row is not None, "a function gives its result"
    return int(row[0])
