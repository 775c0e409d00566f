"""What was fetched from partners, and how fetching goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bmuid.store.transaction import Transaction

ERROR_OCTETS_MAX = 500
UNKNOWN_SIZE = -1


@dataclass(frozen=True, slots=True)
class Version:
    """
    A file at a partner, as it is there; another version of it is another file.

    Shapes:
        size: UNKNOWN_SIZE: not said. mtime: of its last change, seconds since 1970; None: not said.
        tag: what the partner calls this version; empty: nothing.
    """

    size: int
    mtime: int | None = None
    tag: str = ""

    @property
    def is_told(self) -> bool:
        """Whether the partner says anything by which another version could be told from it."""
        return self.size != UNKNOWN_SIZE or self.mtime is not None or self.tag != ""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A file that was fetched."""

    pull: str
    source: str
    name: str
    version: Version
    sha256: bytes


@dataclass(frozen=True, slots=True)
class PullState:
    """
    How fetching from a partner goes.

    Shapes:
        failing_since, error: None, and empty, when it went well the last time. failures: in a row.
        files: fetched in all.
    """

    pull: str
    source: str
    looked_at: datetime
    succeeded_at: datetime | None
    failing_since: datetime | None
    failures: int
    error: str
    files: int


def known(txn: Transaction, pull: str) -> Mapping[str, Version]:
    """Give what was fetched from a partner, by name, in the version that was fetched last."""
    txn.execute("SELECT name, size, mtime, tag FROM pulled WHERE pull = %(pull)s", {"pull": pull})
    return {name: Version(*version) for name, *version in txn.fetchall()}


def has_source(txn: Transaction, source: str) -> bool:
    """Tell whether there is such a source."""
    txn.execute("SELECT EXISTS (SELECT FROM source WHERE code = %(source)s)", {"source": source})
    [(found,)] = txn.fetchall()
    return bool(found)


def remember(txn: Transaction, pulled: Pulled) -> None:
    """Note a file as fetched, in this version."""
    txn.execute(
        """
        INSERT INTO pulled (pull, name, source_id, size, mtime, tag, sha256)
        SELECT %(pull)s, %(name)s, id, %(size)s, %(mtime)s, %(tag)s, %(sha256)s FROM source WHERE code = %(source)s
        ON CONFLICT (pull, name) DO UPDATE SET source_id = excluded.source_id, size = excluded.size,
            mtime = excluded.mtime, tag = excluded.tag, sha256 = excluded.sha256, fetched_at = excluded.fetched_at
        """,
        {
            "pull": pulled.pull,
            "name": pulled.name,
            "source": pulled.source,
            "size": pulled.version.size,
            "mtime": pulled.version.mtime,
            "tag": pulled.version.tag,
            "sha256": pulled.sha256,
        },
    )


def note(txn: Transaction, pull: str, source: str, now: datetime, error: str) -> PullState | None:
    """
    Note how a look at a partner went, and whether somebody is to be told.

    Shapes:
        error: why it failed; empty: it went well.
        Result: None where there is no such source.
    """
    txn.execute(
        """
        INSERT INTO pull_state AS p (pull, source_id, looked_at, succeeded_at, failing_since, failures, error)
        SELECT %(pull)s, id, %(now)s, CASE WHEN %(error)s = '' THEN %(now)s END,
            CASE WHEN %(error)s <> '' THEN %(now)s END, (%(error)s <> '')::int, %(error)s
        FROM source WHERE code = %(source)s
        ON CONFLICT (pull) DO UPDATE SET source_id = excluded.source_id, looked_at = excluded.looked_at,
            succeeded_at = coalesce(excluded.succeeded_at, p.succeeded_at),
            failing_since = CASE WHEN excluded.error <> '' THEN coalesce(p.failing_since, excluded.failing_since) END,
            failures = CASE WHEN excluded.error <> '' THEN p.failures + 1 ELSE 0 END, error = excluded.error
        """,
        {"pull": pull, "source": source, "now": now, "error": error[:ERROR_OCTETS_MAX]},
    )
    return next((one for one in states(txn) if one.pull == pull), None)


def states(txn: Transaction) -> tuple[PullState, ...]:
    """Give how fetching goes from each partner, by name."""
    txn.execute(
        """
        SELECT p.pull, s.code, p.looked_at, p.succeeded_at, p.failing_since, p.failures, p.error,
            (SELECT count(*) FROM pulled AS f WHERE f.pull = p.pull)
        FROM pull_state AS p JOIN source AS s ON s.id = p.source_id ORDER BY p.pull
        """
    )
    return tuple(PullState(*row) for row in txn.fetchall())


def alarm(txn: Transaction, source: str, since: datetime, now: datetime) -> None:
    """Raise the alarm that nothing can be fetched for a source, once."""
    txn.execute(
        """
        INSERT INTO alarm (kind, source_id, since, due_at)
        SELECT 'PULL', id, %(since)s, %(now)s FROM source WHERE code = %(source)s
        ON CONFLICT (source_id) WHERE kind = 'PULL' AND cleared_at IS NULL DO NOTHING
        """,
        {"source": source, "since": since, "now": now},
    )


def calm(txn: Transaction, source: str, now: datetime) -> None:
    """Clear that alarm, unless another partner of the source fails still."""
    txn.execute(
        """
        UPDATE alarm AS a SET cleared_at = %(now)s FROM source AS s
        WHERE s.id = a.source_id AND s.code = %(source)s AND a.kind = 'PULL' AND a.cleared_at IS NULL
        AND NOT EXISTS (SELECT FROM pull_state AS p WHERE p.source_id = s.id AND p.failures > 0)
        """,
        {"source": source, "now": now},
    )
