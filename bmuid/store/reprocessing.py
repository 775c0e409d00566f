"""Suspended lines taken in again: the jobs that name them, and what becomes of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg2.extras import execute_values

from bmuid.store.copying import array
from bmuid.store.files import Source
from bmuid.store.transaction import Transaction
from bmuid.store.verdicts import storable

LAST_LINE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Filter:
    """
    Which suspended lines; None: any.

    Shapes:
        since, until: when the line came into suspense, half-open.
        as_new: to be charged whoever has its event key, and whenever it was.
        account_id: whose charge it lost by rerating.
    """

    reason: str | None = None
    source: str | None = None
    file_id: int | None = None
    line_no: int | None = None
    uid: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_new: bool = False
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job that this transaction has locked, and how far it is."""

    id: int
    actor: str
    created_at: datetime
    wanted: Filter
    last_file_id: int
    last_line_no: int


class Charge(NamedTuple):
    """The usage record whose charge a line lost by rerating."""

    account_id: int
    started_at: datetime
    udr_id: int


class Waiting(NamedTuple):
    """
    A line that waits, locked by this transaction.

    Shapes:
        lost: of a line that was charged once; none of one that never was.
    """

    line_no: int
    line: bytes
    reason: str
    lost: Charge | None


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Lines of one file that are to be tried.

    Shapes:
        stream: the file is one; its lines are events as they were told of.
        source: with the newest version of its profile.
        header: the line of the file that names its columns.
        partial: the lines are partial records of sessions.
        whole: the job has no more of that file.
    """

    file_id: int
    received_at: datetime
    stream: bool
    source: Source
    header: bytes | None
    partial: bool
    lines: tuple[Waiting, ...]
    whole: bool


class Failed(NamedTuple):
    """A line that waits on, and why; without a detail, as it said before."""

    line_no: int
    reason: str
    detail: str | None


_MATCHES = """
    v.verdict = 'SUSPENDED' AND v.resolved_at IS NULL
    AND (%(reason)s IS NULL OR v.reason = %(reason)s)
    AND (%(file_id)s IS NULL OR v.file_id = %(file_id)s)
    AND (%(line_no)s IS NULL OR v.line_no = %(line_no)s)
    AND (%(since)s::timestamptz IS NULL OR v.at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR v.at < %(until)s)
    AND (%(account_id)s IS NULL OR v.account_id = %(account_id)s)
    AND (%(source)s IS NULL OR EXISTS (
        SELECT FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
        WHERE f.id = v.file_id AND s.code = %(source)s
    ))
"""


def _values(wanted: Filter) -> dict[str, object]:
    return {
        "reason": wanted.reason,
        "source": wanted.source,
        "file_id": wanted.file_id,
        "line_no": wanted.line_no,
        "uid": wanted.uid,
        "since": wanted.since,
        "until": wanted.until,
        "as_new": wanted.as_new,
        "account_id": wanted.account_id,
    }


def ask(txn: Transaction, actor: str, wanted: Filter) -> int:
    """Make a job, and give its id."""
    txn.execute(
        """
        INSERT INTO suspense_job (actor, reason, source, file_id, line_no, uid, since, until, as_new)
        VALUES (%(actor)s, %(reason)s, %(source)s, %(file_id)s, %(line_no)s, %(uid)s, %(since)s,
            %(until)s, %(as_new)s) RETURNING id
        """,
        {"actor": actor, **_values(wanted)},
    )
    row = txn.fetchone()
    assert row is not None, "an insert gives its row"
    return int(row[0])


def ask_again(txn: Transaction, actor: str, reason: str) -> bool:
    """
    Make a job of what has waited for a reason since a minute at least and a week at most; False: it is not time.

    After one by the same actor that resolved nothing the next is made later: 2 minutes, 4, and so on up to an hour.
    """
    txn.execute("SELECT pg_try_advisory_xact_lock(hashtext(%(actor)s))", {"actor": actor})
    if txn.fetchone() != (True,):
        return False
    txn.execute(
        """
        INSERT INTO suspense_job (actor, reason, since)
        SELECT %(actor)s, %(reason)s, transaction_timestamp() - interval '7 days'
        FROM (
            SELECT max(done_at) AS last_at, count(*) FILTER (WHERE id > (
                SELECT coalesce(max(id), 0) FROM suspense_job WHERE actor = %(actor)s AND resolved > 0
            )) AS fruitless, bool_or(state = 'OPEN') AS open
            FROM suspense_job WHERE actor = %(actor)s
        ) AS before
        WHERE before.open IS NOT TRUE
        AND (before.last_at IS NULL OR before.last_at <= transaction_timestamp()
            - least(interval '1 minute' * 2 ^ least(before.fruitless, 6), interval '1 hour'))
        AND EXISTS (
            SELECT FROM verdict AS v WHERE v.verdict = 'SUSPENDED' AND v.resolved_at IS NULL AND v.reason = %(reason)s
            AND v.at <= transaction_timestamp() - interval '1 minute'
            AND v.at >= transaction_timestamp() - interval '7 days'
        )
        """,
        {"actor": actor, "reason": reason},
    )
    return txn.rowcount == 1


def count(txn: Transaction, wanted: Filter) -> int:
    """Count the lines of a filter, of whatever usage identifier."""
    txn.execute(
        f"SELECT count(*) FROM verdict AS v WHERE {_MATCHES}",  # noqa: S608 - a constant, no value
        _values(wanted),
    )
    row = txn.fetchone()
    assert row is not None, "a count gives a row"
    return int(row[0])


def take(txn: Transaction) -> Job | None:
    """Lock the oldest open job that nobody works at."""
    txn.execute(
        """
        SELECT id, actor, created_at, last_file_id, last_line_no, reason, source, file_id, line_no, uid,
            since, until, as_new, account_id
        FROM suspense_job WHERE state = 'OPEN' ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        """
    )
    row = txn.fetchone()
    if row is None:
        return None
    id_, actor, created_at, last_file_id, last_line_no, *wanted = row
    return Job(id_, actor, created_at, Filter(*wanted), last_file_id, last_line_no)


def next_batch(txn: Transaction, job: Job, limit: int) -> Batch | None:
    """
    Lock the next lines of a job, all of one file; None: there are no more.

    Those that another job is at are waited for; what it resolved is left out. Only what was in suspense
    when the job was asked for is looked at, so the job has an end.
    """
    values = {
        **_values(job.wanted),
        "created_at": job.created_at,
        "last_file": job.last_file_id,
        "last_line": job.last_line_no,
        "limit": limit,
    }
    txn.execute(
        f"""
        SELECT v.file_id, f.received_at, f.stream_day IS NOT NULL, s.id, s.code, s.profile, s.time_zone, s.country_code,
            s.trunk_prefix, s.international_prefix, s.routing_prefixes, s.extras,
            coalesce((SELECT max(version) FROM profile AS p WHERE p.code = s.profile), 0),
            f.assembly = 'ASSEMBLED', f.header, f.assembly = 'PARTIAL'
        FROM verdict AS v JOIN usage_file AS f ON f.id = v.file_id
        JOIN source AS s ON s.id = f.source_id
        WHERE {_MATCHES} AND v.at <= %(created_at)s
        AND (v.file_id, v.line_no) > (%(last_file)s, %(last_line)s)
        ORDER BY v.file_id, v.line_no LIMIT 1
        """,  # noqa: S608 - a constant, no value
        values,
    )
    found = txn.fetchone()
    if found is None:
        return None
    txn.execute(
        f"""
        SELECT v.line_no, v.line, v.reason, v.account_id, v.started_at, v.udr_id
        FROM verdict AS v
        WHERE {_MATCHES} AND v.at <= %(created_at)s AND v.file_id = %(file)s
        AND (v.file_id, v.line_no) > (%(last_file)s, %(last_line)s)
        ORDER BY v.line_no LIMIT %(limit)s FOR NO KEY UPDATE OF v
        """,  # noqa: S608 - a constant, no value
        {**values, "file": found[0]},
    )
    lines = tuple(
        Waiting(line_no, bytes(line), reason, None if lost[0] is None else Charge(*lost))
        for line_no, line, reason, *lost in txn
    )
    header = None if found[-2] is None else bytes(found[-2])
    source = Source(*found[3:-2])
    whole = len(lines) < limit
    return Batch(found[0], found[1], found[2], source, header, found[-1], lines, whole)


def resolve(txn: Transaction, file_id: int, line_nos: Sequence[int]) -> None:
    """Note that lines are charged now."""
    txn.execute(
        """
        UPDATE verdict SET resolved_at = transaction_timestamp(), tried_at = transaction_timestamp()
        WHERE file_id = %(file)s AND line_no = ANY (%(lines)s) AND resolved_at IS NULL
        """,
        {"file": file_id, "lines": list(line_nos)},
    )
    assert txn.rowcount == len(line_nos), "the lines were locked by this transaction"


def fail(txn: Transaction, file_id: int, failed: Sequence[Failed]) -> None:
    """Note why lines wait on."""
    if not failed:
        return
    execute_values(
        txn,
        """
        UPDATE verdict AS v SET reason = f.reason, detail = coalesce(f.detail::text, v.detail),
            tried_at = transaction_timestamp()
        FROM (VALUES %s) AS f (file_id, line_no, reason, detail)
        WHERE v.file_id = f.file_id AND v.line_no = f.line_no AND v.resolved_at IS NULL
        """,
        [
            (file_id, one.line_no, one.reason, one.detail and storable(one.detail))
            for one in failed
        ],
    )


def advance(txn: Transaction, job: Job, batch: Batch, tried: int, resolved: int) -> None:
    """Move a job over a batch."""
    last = LAST_LINE if batch.whole or not batch.lines else batch.lines[-1].line_no
    txn.execute(
        """
        UPDATE suspense_job SET last_file_id = %(file)s, last_line_no = %(line)s,
            tried = tried + %(tried)s, resolved = resolved + %(resolved)s WHERE id = %(id)s
        """,
        {
            "file": batch.file_id,
            "line": last,
            "tried": tried,
            "resolved": resolved,
            "id": job.id,
        },
    )


def done(txn: Transaction, job: Job) -> None:
    """Note that a job is through with its lines."""
    txn.execute(
        """
        UPDATE suspense_job SET state = 'DONE', done_at = transaction_timestamp()
        WHERE id = %(id)s
        """,
        {"id": job.id},
    )


def reworked(txn: Transaction, oldest_us: Mapping[int, int]) -> None:
    """
    Let the next bills of accounts look back as far as is needed.

    Shapes:
        oldest_us: by account, when the oldest event began that was charged just now.
    """
    if oldest_us:
        txn.execute(
            """
            INSERT INTO rework (account_id, oldest)
            SELECT account_id, timestamptz 'epoch' + us * interval '1 microsecond'
            FROM unnest(%(accounts)s::bigint[], %(us)s::bigint[]) AS o (account_id, us)
            """,
            {"accounts": array(oldest_us), "us": array(oldest_us.values())},
        )


class Withdrawn(NamedTuple):
    """A line that loses its charge, why, and its usage record in words."""

    file_id: int
    line_no: int
    reason: str
    detail: str
    text: str
    lost: Charge


def withdraw(txn: Transaction, lines: Sequence[Withdrawn]) -> None:
    """Put lines that were charged into suspense."""
    if lines:
        execute_values(
            txn,
            """
            INSERT INTO verdict (file_id, line_no, verdict, reason, detail, line, at, account_id,
                started_at, udr_id) VALUES %s
            ON CONFLICT (file_id, line_no) DO UPDATE SET reason = excluded.reason,
                detail = excluded.detail, resolved_at = NULL, account_id = excluded.account_id,
                started_at = excluded.started_at, udr_id = excluded.udr_id
            """,
            [
                (*line[:3], storable(line.detail), storable(line.text).encode(), *line.lost)
                for line in lines
            ],
            template="(%s, %s, 'SUSPENDED', %s, %s, %s, transaction_timestamp(), %s, %s, %s)",
        )


def ask_for_lost(txn: Transaction, actor: str, account_id: int) -> None:
    """Make a job that takes in again what lost its charge of this account."""
    txn.execute(
        "INSERT INTO suspense_job (actor, account_id) VALUES (%(actor)s, %(account)s)",
        {"actor": actor, "account": account_id},
    )
