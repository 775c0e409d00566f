"""
The books of usage files: how many lines came in and what they ended as, by the sums that the database keeps a file.

All of it is meant to be asked in one transaction that sees one moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bmuid.store.transaction import Transaction

FAULTS_MAX = 100
# So many seconds may one statement of a recount take; the door's own limit is for what somebody waits for at a counter.
STATEMENT_SECONDS_MAX = 1800


@dataclass(frozen=True, slots=True)
class Scope:
    """Which files; None: any. from_, to: when they arrived, half-open."""

    source: str | None = None
    file: int | None = None
    from_: datetime | None = None
    to: datetime | None = None

    @property
    def is_all(self) -> bool:
        """Whether it is every file there is."""
        return self == Scope()


@dataclass(frozen=True, slots=True)
class Lines:
    """
    Lines of files, by what they ended as.

    Shapes:
        partial: of the new ones, records that are part of a session, and no usage by themselves.
        left: of files that are not done, not worked yet.
    """

    files: int
    lines: int
    new: int
    partial: int
    duplicate: int
    suspended: int
    rejected: int
    left: int


@dataclass(frozen=True, slots=True)
class WrongFile:
    """A file whose sums don't agree, and how."""

    file: int
    source: str
    fault: str
    wanted: int
    found: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    Suspended lines that are not charged.

    Shapes:
        suspended: that never were. lost: that were, until their usage was rated again.
    """

    suspended: int
    lost: int


# What each file holds and what its parts have counted; all sums of one moment.
_TOLD = """
    SELECT f.id, s.code AS source, f.state, f.assembly, p.parts, p.unfinished, p.least, p.most, p.is_stream,
        CASE WHEN p.is_stream THEN p.worked ELSE f.lines END AS lines, p.worked,
        p.new, p.duplicate, p.suspended, p.rejected,
        f.state = 'DONE' AND (f.new, f.duplicate, f.suspended, f.rejected)
            IS DISTINCT FROM (p.new, p.duplicate, p.suspended, p.rejected) AS parts_differ,
        coalesce(f.new + f.duplicate + f.suspended + f.rejected, 0) AS stated
    FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS parts, count(*) FILTER (WHERE q.state <> 'DONE') AS unfinished,
            coalesce(bool_or(q.state = 'STREAM'), false) AS is_stream,
            min(q.next_line) - 1 AS least, max(q.next_line) - 1 AS most,
            coalesce(sum(q.new), 0)::bigint AS new, coalesce(sum(q.duplicate), 0)::bigint AS duplicate,
            coalesce(sum(q.suspended), 0)::bigint AS suspended, coalesce(sum(q.rejected), 0)::bigint AS rejected,
            coalesce(sum(q.new + q.duplicate + q.suspended + q.rejected), 0)::bigint AS worked
        FROM usage_file_part AS q WHERE q.file_id = f.id
    ) AS p
    WHERE (%(file)s IS NULL OR f.id = %(file)s) AND (%(source)s IS NULL OR s.code = %(source)s)
    AND (%(from)s::timestamptz IS NULL OR f.received_at >= %(from)s)
    AND (%(to)s::timestamptz IS NULL OR f.received_at < %(to)s)
"""
# Lines before the first that any part has yet to look at were looked at by all; those from the last on, by none.
_JUDGED = f"""
    SELECT t.*, CASE
        WHEN parts_differ THEN 'the file says other counts than its parts'
        WHEN state = 'DONE' AND worked <> lines THEN 'the file is done, and its verdicts are not as many as its lines'
        WHEN worked > lines THEN 'there are more verdicts than lines'
        WHEN parts > 0 AND unfinished = 0 AND worked <> lines THEN 'all parts are done, and verdicts are not as many as lines'
        WHEN parts > 0 AND NOT is_stream AND unfinished > 0 AND worked < least
            THEN 'there are fewer verdicts than lines that all parts have passed'
        WHEN parts > 0 AND NOT is_stream AND unfinished > 0 AND worked > most
            THEN 'there are more verdicts than lines that any part has passed'
        END AS fault
    FROM ({_TOLD}) AS t
"""  # noqa: S608 - constants, no values


def begin(txn: Transaction) -> None:
    """Let all statements of this transaction see one moment, and take their time; must be its first statement."""
    txn.execute(
        f"""
        SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
        SET LOCAL statement_timeout = '{STATEMENT_SECONDS_MAX}s';
        SET LOCAL enable_partitionwise_join = on;
        SET LOCAL enable_partitionwise_aggregate = on
        """
    )


def lines(txn: Transaction, scope: Scope) -> Lines:
    """Sum the lines of files."""
    txn.execute(
        f"""
        SELECT count(*), coalesce(sum(lines), 0)::bigint, coalesce(sum(new), 0)::bigint,
            coalesce(sum(new) FILTER (WHERE assembly = 'PARTIAL'), 0)::bigint,
            coalesce(sum(duplicate), 0)::bigint, coalesce(sum(suspended), 0)::bigint,
            coalesce(sum(rejected), 0)::bigint,
            coalesce(sum(lines - worked) FILTER (WHERE state <> 'DONE'), 0)::bigint
        FROM ({_TOLD}) AS t
        """,  # noqa: S608 - constants, no values
        _values(scope),
    )
    [row] = txn.fetchall()
    return Lines(*row)


def wrong_files(txn: Transaction, scope: Scope) -> tuple[WrongFile, ...]:
    """Give files whose sums don't agree, FAULTS_MAX at most."""
    txn.execute(
        f"""
        SELECT id, source, fault, CASE WHEN parts_differ THEN stated ELSE lines END, worked FROM ({_JUDGED}) AS j
        WHERE fault IS NOT NULL ORDER BY id LIMIT {FAULTS_MAX}
        """,  # noqa: S608 - constants, no values
        _values(scope),
    )
    return tuple(WrongFile(*row) for row in txn.fetchall())


def files(txn: Transaction, scope: Scope) -> tuple[int, ...]:
    """Give the ids of files, in their order."""
    txn.execute(
        """
        SELECT f.id FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
        WHERE (%(file)s IS NULL OR f.id = %(file)s) AND (%(source)s IS NULL OR s.code = %(source)s)
        AND (%(from)s::timestamptz IS NULL OR f.received_at >= %(from)s)
        AND (%(to)s::timestamptz IS NULL OR f.received_at < %(to)s) ORDER BY f.id
        """,
        _values(scope),
    )
    return tuple(file_id for (file_id,) in txn.fetchall())


def waiting(txn: Transaction) -> Waiting:
    """Count all suspended lines that are not charged."""
    txn.execute(
        """
        SELECT count(*) FILTER (WHERE udr_id IS NULL), count(udr_id)
        FROM verdict WHERE verdict = 'SUSPENDED' AND resolved_at IS NULL
        """
    )
    [row] = txn.fetchall()
    return Waiting(*row)


def days_of(txn: Transaction, file_ids: Sequence[int]) -> tuple[date | None, date | None]:
    """
    Give the first day (UTC) on which usage of files may have begun, and the day after the last; None: any.

    What was taken out of suspense, or told of by the staff, may be of any day; all else began in the window of its file.
    """
    txn.execute(
        """
        SELECT EXISTS (SELECT FROM verdict WHERE file_id = ANY (%(files)s) AND resolved_at IS NOT NULL)
            OR EXISTS (SELECT FROM usage_file WHERE id = ANY (%(files)s) AND stream_day IS NOT NULL),
            (SELECT min(oldest_day) FROM usage_file_part WHERE file_id = ANY (%(files)s)),
            (SELECT (max(received_at) AT TIME ZONE 'UTC')::date + 2 FROM usage_file WHERE id = ANY (%(files)s))
        """,
        {"files": list(file_ids)},
    )
    [(is_any, first, last)] = txn.fetchall()
    return (None, None) if is_any else (first or last, last)


def _values(scope: Scope) -> dict[str, object]:
    return {"file": scope.file, "source": scope.source, "from": scope.from_, "to": scope.to}
