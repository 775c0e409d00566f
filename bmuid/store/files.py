"""Usage files and their parts: registered once, worked in chunks, closed when every line has a verdict."""

from dataclasses import dataclass
from datetime import date, datetime

import psycopg2.errors

from bmu.mediation import SourceSettings
from bmu.mediation.extras import extras_of
from bmuid.store.transaction import Transaction


class FileDoesNotAddUpError(Exception):
    """Raised when a file's verdicts are not as many as its lines; it then stays open."""


@dataclass(frozen=True, slots=True)
class Source:
    """A feed that sends files, and how its records are read."""

    id: int
    code: str
    profile: str
    time_zone: str
    country_code: str
    trunk_prefix: str
    international_prefix: str
    routing_prefixes: str = ""
    extras: str = ""

    @property
    def settings(self) -> SourceSettings:
        """Give what mediation needs to know of it."""
        return SourceSettings(
            self.code,
            self.time_zone,
            self.country_code,
            self.trunk_prefix,
            self.international_prefix,
            tuple(self.routing_prefixes.split(",")) if self.routing_prefixes else (),
            extras_of(self.extras),
        )


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file as it came."""

    source_id: int
    sha256: bytes
    name: str
    octets: int
    lines: int


@dataclass(frozen=True, slots=True)
class Registered:
    """The file's row; *first* tells whether this arrival made it."""

    file_id: int
    state: str
    first: bool
    name: str
    verdicts: "Verdicts | None"


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many lines ended as what."""

    new: int = 0
    duplicate: int = 0
    suspended: int = 0
    rejected: int = 0


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


@dataclass(frozen=True, slots=True)
class Original:
    """What names a file's octets in the spool."""

    source: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """A file that is done."""

    file_id: int
    name: str
    source: str
    sha256: bytes
    verdicts: Verdicts


def source(txn: Transaction, code: str) -> Source | None:
    """Give the source of that code."""
    txn.execute(
        """
        SELECT id, code, profile, time_zone, country_code, trunk_prefix, international_prefix,
            routing_prefixes, extras
        FROM source WHERE code = %(code)s
        """,
        {"code": code},
    )
    row = txn.fetchone()
    return Source(*row) if row else None


def source_codes(txn: Transaction) -> tuple[str, ...]:
    """Give the codes of all sources."""
    txn.execute("SELECT code FROM source ORDER BY code")
    return tuple(code for (code,) in txn.fetchall())


def register(txn: Transaction, arrived: Arrived, parts: int) -> Registered | None:
    """
    Make the file's row and its parts, pinned to the newest revision and to the source's settings
    as they are now; or find the row it has.

    Shapes:
        Result: None while there is no revision, so nothing to rate with.
    """
    txn.execute(
        """
        INSERT INTO usage_file (source_id, sha256, name, octets, lines, parts, revision, profile,
            time_zone, country_code, trunk_prefix, international_prefix, routing_prefixes,
            extras)
        SELECT s.id, %(sha256)s, %(name)s, %(octets)s, %(lines)s, %(parts)s, r.newest, s.profile,
            s.time_zone, s.country_code, s.trunk_prefix, s.international_prefix, s.routing_prefixes,
            s.extras
        FROM source AS s, (SELECT max(id) AS newest FROM revision) AS r
        WHERE s.id = %(source_id)s AND r.newest IS NOT NULL
        ON CONFLICT (source_id, sha256) DO NOTHING RETURNING id
        """,
        {
            "source_id": arrived.source_id,
            "sha256": arrived.sha256,
            "name": arrived.name,
            "octets": arrived.octets,
            "lines": arrived.lines,
            "parts": parts,
        },
    )
    row = txn.fetchone()
    if row is None:
        return _known(txn, arrived)
    if arrived.lines:
        txn.execute(
            """
            INSERT INTO usage_file_part (file_id, part)
            SELECT %(id)s, generate_series(0, %(parts)s - 1)
            """,
            {"id": row[0], "parts": parts},
        )
    return Registered(row[0], "OPEN", first=True, name=arrived.name, verdicts=None)


def _known(txn: Transaction, arrived: Arrived) -> Registered | None:
    txn.execute(
        """
        SELECT id, state, name, new, duplicate, suspended, rejected
        FROM usage_file WHERE source_id = %(source_id)s AND sha256 = %(sha256)s
        """,
        {"source_id": arrived.source_id, "sha256": arrived.sha256},
    )
    row = txn.fetchone()
    if row is None:
        return None
    verdicts = Verdicts(*row[3:]) if row[1] == "DONE" else None
    return Registered(row[0], row[1], first=False, name=row[2], verdicts=verdicts)


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
        """
        SELECT p.file_id, p.part, f.parts, p.next_line, p.next_octet, f.lines, f.sha256,
            f.revision, f.received_at, f.octets, s.id, s.code, f.profile, f.time_zone,
            f.country_code, f.trunk_prefix, f.international_prefix, f.routing_prefixes, f.extras
        FROM usage_file_part AS p
        JOIN usage_file AS f ON f.id = p.file_id
        JOIN source AS s ON s.id = f.source_id
        WHERE f.state = 'OPEN' AND p.state = 'OPEN' AND NOT EXISTS (
            SELECT FROM usage_file AS g JOIN usage_file_part AS q ON q.file_id = g.id
            WHERE g.state = 'OPEN' AND g.id < f.id AND q.state = 'OPEN'
            AND (g.parts <> f.parts OR q.part = p.part)
        )
        ORDER BY (p.file_id, p.part) = (%(file_id)s, %(part)s) DESC, p.file_id, p.part
        LIMIT 1 FOR NO KEY UPDATE OF p SKIP LOCKED
        """,
        {"file_id": last[0], "part": last[1]},
    )
    row = txn.fetchone()
    if row is None:
        return None
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
        source=Source(*row[10:]),
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
            state = CASE WHEN %(next_line)s > %(lines)s THEN 'DONE' ELSE 'OPEN' END
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
        WHERE file_id = %(file_id)s AND part = %(part)s AND state = 'OPEN'
        """,
        {"reason": reason, "file_id": file_id, "part": part},
    )


def finished(txn: Transaction) -> tuple[int, ...]:
    """Give the open files whose parts are all done."""
    txn.execute(
        """
        SELECT f.id FROM usage_file AS f WHERE f.state = 'OPEN' AND NOT EXISTS (
            SELECT FROM usage_file_part AS p WHERE p.file_id = f.id AND p.state <> 'DONE'
        ) ORDER BY f.id
        """
    )
    return tuple(file_id for (file_id,) in txn.fetchall())


def close(txn: Transaction, file_id: int) -> Closed | None:
    """
    Set the sums of a file whose parts are all done.

    Shapes:
        Result: None when it is closed already.

    Errors:
        FileDoesNotAddUpError: the database refused: verdicts and lines are not as many.
    """
    try:
        txn.execute(
            """
            UPDATE usage_file AS f SET state = 'DONE', done_at = transaction_timestamp(),
                new = p.new, duplicate = p.duplicate, suspended = p.suspended, rejected = p.rejected
            FROM (
                SELECT coalesce(sum(new), 0) AS new, coalesce(sum(duplicate), 0) AS duplicate,
                    coalesce(sum(suspended), 0) AS suspended, coalesce(sum(rejected), 0) AS rejected,
                    count(*) FILTER (WHERE state <> 'DONE') AS open
                FROM usage_file_part WHERE file_id = %(id)s
            ) AS p, source AS s
            WHERE f.id = %(id)s AND f.state = 'OPEN' AND p.open = 0 AND s.id = f.source_id
            RETURNING f.name, s.code, f.sha256, f.new, f.duplicate, f.suspended, f.rejected
            """,
            {"id": file_id},
        )
    except psycopg2.errors.CheckViolation as error:
        raise FileDoesNotAddUpError(f"file {file_id}: verdicts and lines differ") from error
    row = txn.fetchone()
    if row is None:
        return None
    name, source_code, sha256, *counts = row
    return Closed(file_id, name, source_code, bytes(sha256), Verdicts(*counts))


def state_of(txn: Transaction, source_code: str, sha256: bytes) -> str | None:
    """Give the state of a file's row, None where it has none."""
    txn.execute(
        """
        SELECT f.state FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
        WHERE s.code = %(source)s AND f.sha256 = %(sha256)s
        """,
        {"source": source_code, "sha256": sha256},
    )
    row = txn.fetchone()
    return row[0] if row else None


def original(txn: Transaction, file_id: int) -> Original | None:
    """Tell where the octets of a file are kept."""
    txn.execute(
        """
        SELECT s.code, f.sha256 FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
        WHERE f.id = %(id)s
        """,
        {"id": file_id},
    )
    row = txn.fetchone()
    return Original(row[0], bytes(row[1])) if row else None
