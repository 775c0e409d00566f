"""Usage files and their parts: registered once, worked in chunks, closed when every line has a verdict."""

from dataclasses import dataclass
from enum import Enum

import psycopg2.errors

from bmu.mediation import SourceSettings
from bmu.mediation.extras import extras_of
from bmuid.store.sources import Completion
from bmuid.store.transaction import Transaction


class Assembly(Enum):
    """What the lines of a file are to sessions: nothing, partial records of them, usage that was made of them."""

    NONE = "NONE"
    PARTIAL = "PARTIAL"
    ASSEMBLED = "ASSEMBLED"


class FileDoesNotAddUpError(Exception):
    """Raised when a file's verdicts are not as many as its lines; it then stays open."""


@dataclass(frozen=True, slots=True)
class Source:
    """
    A feed that sends files, and how its records are read.

    Shapes:
        profile_version: of a stored profile; 0: it came with the program.
        assembled: what is read is usage that was made of its sessions.
    """

    id: int
    code: str
    profile: str
    time_zone: str
    country_code: str
    trunk_prefix: str
    international_prefix: str
    routing_prefixes: str = ""
    extras: str = ""
    profile_version: int = 0
    assembled: bool = False

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
class WayIn:
    """How a source hands its files in: when they are whole."""

    code: str
    completion: Completion
    quiet_seconds: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file as it came, out of its source's reach."""

    sha256: bytes
    name: str
    octets: int


@dataclass(frozen=True, slots=True)
class Ready:
    """
    What a file is worked from.

    Shapes:
        decoded_octets: of the lines that were made of it; None: its lines are read as they came.
        header: the line that names its columns.
        held: why it is not to be worked until staff let it go on.
        partial: its lines are partial records, to be taken into their sessions.
    """

    lines: int
    decoded_octets: int | None = None
    header: bytes | None = None
    held: str | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Arriving:
    """
    A file whose octets are kept, but not made ready to be worked.

    Shapes:
        released: staff let it go on. assembled: it was made of sessions. dismissed: staff want none of it.
    """

    file_id: int
    source: str
    name: str
    sha256: bytes
    replay: int
    octets: int
    released: bool
    assembled: bool
    dismissed: bool


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
class Closed:
    """A file that is done."""

    file_id: int
    name: str
    source: str
    sha256: bytes
    replay: int
    verdicts: Verdicts


def source(txn: Transaction, code: str) -> Source | None:
    """Give the source of that code, with the newest version of its profile."""
    txn.execute(
        """
        SELECT id, code, profile, time_zone, country_code, trunk_prefix, international_prefix,
            routing_prefixes, extras,
            coalesce((SELECT max(version) FROM profile AS p WHERE p.code = s.profile), 0)
        FROM source AS s WHERE code = %(code)s
        """,
        {"code": code},
    )
    row = txn.fetchone()
    return Source(*row) if row else None


def source_codes(txn: Transaction) -> tuple[str, ...]:
    """Give the codes of all sources."""
    txn.execute("SELECT code FROM source ORDER BY code")
    return tuple(code for (code,) in txn.fetchall())


def way_in(txn: Transaction, code: str) -> WayIn | None:
    """Tell how the source of that code hands its files in."""
    txn.execute(
        "SELECT completion, quiet_seconds FROM source WHERE code = %(code)s", {"code": code}
    )
    row = txn.fetchone()
    return WayIn(code, Completion(row[0]), row[1]) if row else None


def register(
    txn: Transaction, source: Source, arrived: Arrived, ready: Ready, parts: int
) -> Registered | None:
    """
    Make the file's row and its parts, pinned to the newest revision and to the source's settings
    by which it was made ready; or find the row it has.

    Shapes:
        Result: None while there is no revision, so nothing to rate with.
    """
    txn.execute(
        """
        INSERT INTO usage_file (source_id, sha256, name, octets, decoded_octets, lines, parts,
            revision, profile, profile_version, assembly, header, time_zone, country_code, trunk_prefix,
            international_prefix, routing_prefixes, extras, state, held)
        SELECT %(source_id)s, %(sha256)s, %(name)s, %(octets)s, %(decoded_octets)s, %(lines)s,
            %(parts)s, r.newest, %(profile)s, %(profile_version)s, %(assembly)s, %(header)s, %(time_zone)s,
            %(country_code)s, %(trunk_prefix)s, %(international_prefix)s, %(routing_prefixes)s,
            %(extras)s, %(state)s, %(held)s
        FROM (SELECT max(id) AS newest FROM revision) AS r WHERE r.newest IS NOT NULL
        ON CONFLICT (source_id, sha256, replay) DO NOTHING RETURNING id
        """,
        {
            "sha256": arrived.sha256,
            "name": arrived.name,
            "octets": arrived.octets,
            **_pinned(source, ready, parts),
        },
    )
    row = txn.fetchone()
    if row is None:
        return known(txn, source, arrived.sha256)
    _add_parts(txn, row[0], ready, parts)
    return Registered(row[0], _state(ready), first=True, name=arrived.name, verdicts=None)


def parts_of_new(txn: Transaction, most: int) -> int:
    """
    Tell into how many parts a file is to be divided, at most so many.

    Where accounts draw from one allowance, it goes to who comes first: then lines are worked one after the other, so
    that charges don't hang on how many work.
    """
    txn.execute(
        """
        SELECT EXISTS (SELECT FROM bucket_type WHERE scope = 'TREE' AND until IS NULL)
            OR EXISTS (SELECT FROM share)
        """
    )
    row = txn.fetchone()
    return 1 if row is not None and row[0] else most


def _state(ready: Ready) -> str:
    return "OPEN" if ready.held is None else "HELD"


def _assembly(source: Source, ready: Ready) -> Assembly:
    if source.assembled:
        return Assembly.ASSEMBLED
    return Assembly.PARTIAL if ready.partial else Assembly.NONE


def _pinned(source: Source, ready: Ready, parts: int) -> dict[str, object]:
    return {
        "source_id": source.id,
        "decoded_octets": ready.decoded_octets,
        "lines": ready.lines,
        # Sessions are taken from one place to the next; there is nothing to share.
        "parts": 1 if ready.partial else parts,
        "profile": source.profile,
        "profile_version": source.profile_version,
        "assembly": _assembly(source, ready).value,
        "header": ready.header,
        "time_zone": source.time_zone,
        "country_code": source.country_code,
        "trunk_prefix": source.trunk_prefix,
        "international_prefix": source.international_prefix,
        "routing_prefixes": source.routing_prefixes,
        "extras": source.extras,
        "state": _state(ready),
        "held": ready.held,
    }


def _add_parts(txn: Transaction, file_id: int, ready: Ready, parts: int) -> None:
    if ready.lines and ready.held is None:
        txn.execute(
            """
            INSERT INTO usage_file_part (file_id, part, state)
            SELECT %(id)s, generate_series(0, %(parts)s - 1), %(state)s
            """,
            {
                "id": file_id,
                "parts": 1 if ready.partial else parts,
                "state": "SESSION" if ready.partial else "OPEN",
            },
        )


def known(txn: Transaction, source: Source, sha256: bytes) -> Registered | None:
    """Find the row of octets of a source, as they came first."""
    txn.execute(
        """
        SELECT id, state, name, new, duplicate, suspended, rejected
        FROM usage_file WHERE source_id = %(source_id)s AND sha256 = %(sha256)s AND replay = 0
        """,
        {"source_id": source.id, "sha256": sha256},
    )
    row = txn.fetchone()
    if row is None:
        return None
    verdicts = Verdicts(*row[3:]) if row[1] == "DONE" else None
    return Registered(row[0], row[1], first=False, name=row[2], verdicts=verdicts)


def arriving(txn: Transaction) -> tuple[Arriving, ...]:
    """Give the files that are to be made ready, the oldest first."""
    txn.execute(
        """
        SELECT f.id, s.code, f.name, f.sha256, f.replay, f.octets, f.released, f.assembly = 'ASSEMBLED',
            f.dismissed IS NOT NULL
        FROM usage_file AS f JOIN source AS s ON s.id = f.source_id
        WHERE f.state = 'ARRIVING' ORDER BY f.id
        """
    )
    return tuple(Arriving(*(*row[:3], bytes(row[3]), *row[4:])) for row in txn.fetchall())


def make_ready(txn: Transaction, file_id: int, source: Source, ready: Ready, parts: int) -> bool:
    """Pin a file that arrives as `register` does, and let it be worked; False: somebody else did."""
    txn.execute(
        """
        UPDATE usage_file SET decoded_octets = %(decoded_octets)s, lines = %(lines)s, parts = %(parts)s,
            revision = (SELECT max(id) FROM revision), profile = %(profile)s,
            profile_version = %(profile_version)s, assembly = %(assembly)s, header = %(header)s, time_zone = %(time_zone)s,
            country_code = %(country_code)s, trunk_prefix = %(trunk_prefix)s,
            international_prefix = %(international_prefix)s, routing_prefixes = %(routing_prefixes)s,
            extras = %(extras)s, state = %(state)s, held = %(held)s
        WHERE id = %(id)s AND state = 'ARRIVING'
        """,
        {"id": file_id, **_pinned(source, ready, parts)},
    )
    if txn.rowcount == 0:
        return False
    _add_parts(txn, file_id, ready, parts)
    return True


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
            RETURNING f.name, s.code, f.sha256, f.replay, f.new, f.duplicate, f.suspended, f.rejected
            """,
            {"id": file_id},
        )
    except psycopg2.errors.CheckViolation as error:
        raise FileDoesNotAddUpError(f"file {file_id}: verdicts and lines differ") from error
    row = txn.fetchone()
    if row is None:
        return None
    name, source_code, sha256, replay, *counts = row
    return Closed(file_id, name, source_code, bytes(sha256), replay, Verdicts(*counts))
