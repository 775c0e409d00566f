"""Lines that did not become usage, read for people: how many, why, and as they were sent."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines; None: any. after: only those that follow this file and line."""

    verdict: str | None
    reason: str | None
    source: str | None
    file: int | None
    after: tuple[int, int]
    limit: int


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one source that wait, or were rejected, for one reason; example: one of their details."""

    verdict: str
    reason: str
    source: str
    lines: int
    files: int
    first_at: datetime
    last_at: datetime
    example: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line, as it was sent."""

    file: int
    line_no: int
    source: str
    file_name: str
    verdict: str
    reason: str
    detail: str
    at: datetime
    tried_at: datetime | None
    octets: bytes


@dataclass(frozen=True, slots=True)
class RetryJob:
    """Lines that somebody wants tried again, and how far that is; of the filter only what was said."""

    id: int
    state: str
    tried: int
    resolved: int
    reason: str | None
    source: str | None
    file: int | None
    line: int | None
    uid: str | None
    since: datetime | None
    until: datetime | None
    as_new: bool
    actor: str
    created_at: datetime
    done_at: datetime | None


def groups(
    txn: Transaction, reason: str | None, source: str | None, file: int | None
) -> tuple[Group, ...]:
    """Count suspended lines that still wait, and rejected ones, by reason and source."""
    txn.execute(
        """
        SELECT v.verdict, v.reason, s.code, count(*), count(DISTINCT v.file_id), min(v.at),
            max(v.at), left(min(v.detail), 200)
        FROM verdict AS v JOIN usage_file AS f ON f.id = v.file_id
        JOIN source AS s ON s.id = f.source_id
        WHERE v.verdict <> 'DUPLICATE' AND v.resolved_at IS NULL
        AND (%(reason)s IS NULL OR v.reason = %(reason)s)
        AND (%(source)s IS NULL OR s.code = %(source)s)
        AND (%(file)s IS NULL OR v.file_id = %(file)s)
        GROUP BY v.verdict, v.reason, s.code
        ORDER BY v.verdict DESC, count(*) DESC, v.reason, s.code
        """,
        {"reason": reason, "source": source, "file": file},
    )
    return tuple(Group(*row) for row in txn.fetchall())


def lines(txn: Transaction, wanted: Wanted) -> tuple[Line, ...]:
    """Give suspended lines that still wait, and rejected ones, in the order they were sent."""
    txn.execute(
        """
        SELECT v.file_id, v.line_no, s.code, f.name, v.verdict, v.reason, v.detail, v.at,
            v.tried_at, v.line
        FROM verdict AS v JOIN usage_file AS f ON f.id = v.file_id
        JOIN source AS s ON s.id = f.source_id
        WHERE v.verdict <> 'DUPLICATE' AND v.resolved_at IS NULL
        AND (v.file_id, v.line_no) > (%(after_file)s, %(after_line)s)
        AND (%(verdict)s IS NULL OR v.verdict = %(verdict)s)
        AND (%(reason)s IS NULL OR v.reason = %(reason)s)
        AND (%(source)s IS NULL OR s.code = %(source)s)
        AND (%(file)s IS NULL OR v.file_id = %(file)s)
        ORDER BY v.file_id, v.line_no LIMIT %(limit)s
        """,
        {
            "verdict": wanted.verdict,
            "reason": wanted.reason,
            "source": wanted.source,
            "file": wanted.file,
            "after_file": wanted.after[0],
            "after_line": wanted.after[1],
            "limit": wanted.limit,
        },
    )
    return tuple(Line(*(*row[:9], bytes(row[9]))) for row in txn.fetchall())


def jobs(txn: Transaction, job_id: int | None, limit: int) -> tuple[RetryJob, ...]:
    """Give the job of that id, or the newest ones."""
    txn.execute(
        """
        SELECT id, state, tried, resolved, reason, source, file_id, line_no, uid, since, until,
            as_new, actor, created_at, done_at
        FROM suspense_job WHERE %(id)s IS NULL OR id = %(id)s ORDER BY id DESC LIMIT %(limit)s
        """,
        {"id": job_id, "limit": limit},
    )
    return tuple(RetryJob(*row) for row in txn.fetchall())
