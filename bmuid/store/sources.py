"""Sources: the feeds that send usage files, and how their records are read."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import Enum

from bmuid.store.limits import NO_LIMITS, Limits
from bmuid.store.transaction import Transaction


class Completion(Enum):
    """
    When a file in a source's directory is whole.

    RENAME: as soon as it has its name. QUIET: once nothing of it has changed for some time.
    MANIFEST: once a file beside it says so. TRAILER: once its last line is the one its profile ends with.
    """

    RENAME = "RENAME"
    QUIET = "QUIET"
    MANIFEST = "MANIFEST"
    TRAILER = "TRAILER"


QUIET_SECONDS = 60
LATE_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Watch:
    """
    What is missed of a source.

    Shapes:
        sequence_pattern: finds the number in a file's name, as `bmu.mediation.sequence.number_in` reads it; empty: there is none.
        sequence_first, sequence_last: between which it counts, if it begins anew.
        late_minutes: so late may a number come. silent_minutes: so long may it say nothing; None: for ever.
    """

    sequence_pattern: str = ""
    sequence_first: int | None = None
    sequence_last: int | None = None
    late_minutes: int = LATE_MINUTES
    silent_minutes: int | None = None

    @property
    def sequence(self) -> tuple[str, int | None, int | None]:
        """How its files are numbered."""
        return self.sequence_pattern, self.sequence_first, self.sequence_last


NOT_WATCHED = Watch()


@dataclass(frozen=True, slots=True)
class Source:
    """
    A feed.

    Shapes:
        time_zone: of timestamps that carry none.
        country_code, trunk_prefix, international_prefix: how its numbers are dialled.
        routing_prefixes: before called numbers, as `bmu.mediation.SourceSettings` has them, parted by commas.
        extras: fields of its records that are kept, as `bmu.mediation.extras.extras_of` reads them.
        quiet_seconds: how long nothing may have changed, where that tells that a file is whole.
    """

    code: str
    name: str
    profile: str
    time_zone: str
    country_code: str
    trunk_prefix: str
    international_prefix: str
    routing_prefixes: str = ""
    extras: str = ""
    completion: str = Completion.RENAME.value
    quiet_seconds: int = QUIET_SECONDS
    limits: Limits = NO_LIMITS
    watch: Watch = NOT_WATCHED

    @property
    def columns(self) -> dict[str, object]:
        """Give what the database keeps of it, by name."""
        return {name: getattr(of, name) for of, name in _places(self)}


def _places(source: Source) -> list[tuple[object, str]]:
    own = [(source, f.name) for f in fields(Source) if f.name not in {"limits", "watch"}]
    parts = (source.limits, source.watch)
    return [*own, *((part, f.name) for part in parts for f in fields(part))]


_TYPES = {
    "quiet_seconds": "integer",
    "octets_max": "bigint",
    "lines_a_day_max": "bigint",
    "days_back": "integer",
    "minutes_ahead": "integer",
    "sequence_first": "bigint",
    "sequence_last": "bigint",
    "late_minutes": "integer",
    "silent_minutes": "integer",
}
_LIMITS, _WATCH = len(fields(Source)) - 2, len(fields(Source)) - 2 + len(fields(Limits))
_NAMES = [name for _, name in _places(Source("", "", "", "", "", "", ""))]
_COLUMNS = ", ".join(_NAMES)
_VALUES = ", ".join(f"%({name})s::{_TYPES.get(name, 'text')}[]" for name in _NAMES)
_SET = ", ".join(f"{name} = excluded.{name}" for name in _NAMES if name != "code")


def known(txn: Transaction) -> tuple[Source, ...]:
    """Give all sources, by code."""
    txn.execute(f"SELECT {_COLUMNS} FROM source ORDER BY code")  # noqa: S608 - a constant, no value
    return tuple(
        Source(*(*row[:_LIMITS], Limits(*row[_LIMITS:_WATCH]), Watch(*row[_WATCH:])))
        for row in txn.fetchall()
    )


def put(txn: Transaction, wanted: Sequence[Source]) -> None:
    """
    Add sources; one whose code is known is set to what is wanted now.

    Where a sequence of numbers is watched anew, or in another way, it begins with the next file.
    """
    before = {one.code: one.watch for one in known(txn)}
    columns = [one.columns for one in wanted]
    txn.execute(
        f"""
        INSERT INTO source ({_COLUMNS}) SELECT {_COLUMNS} FROM unnest({_VALUES}) AS wanted ({_COLUMNS})
        ON CONFLICT (code) DO UPDATE SET {_SET}
        """,  # noqa: S608 - constants, no values
        {name: [of[name] for of in columns] for name in _NAMES},
    )
    watched = [one for one in wanted if one.watch != before.get(one.code, NOT_WATCHED)]
    if watched:
        _begin_watching(txn, [one.code for one in watched])
    anew = [
        one for one in watched if one.watch.sequence != before.get(one.code, NOT_WATCHED).sequence
    ]
    if anew:
        _count_anew(txn, [one.code for one in anew])


def _begin_watching(txn: Transaction, codes: Sequence[str]) -> None:
    txn.execute(
        """
        INSERT INTO source_watch (source_id, since_file_id, last_file_id)
        SELECT s.id, f.newest, f.newest FROM source AS s
        CROSS JOIN (SELECT coalesce(max(id), 0) AS newest FROM usage_file) AS f WHERE s.code = ANY (%(codes)s)
        ON CONFLICT (source_id) DO NOTHING
        """,
        {"codes": list(codes)},
    )


def _count_anew(txn: Transaction, codes: Sequence[str]) -> None:
    txn.execute(
        """
        UPDATE source_watch SET since_file_id = f.newest, last_file_id = f.newest, newest = NULL
        FROM (SELECT coalesce(max(id), 0) AS newest FROM usage_file) AS f
        WHERE source_id IN (SELECT id FROM source WHERE code = ANY (%(codes)s))
        """,
        {"codes": list(codes)},
    )
    txn.execute(
        """
        UPDATE alarm SET cleared_at = transaction_timestamp() WHERE kind <> 'SILENT' AND cleared_at IS NULL
        AND source_id IN (SELECT id FROM source WHERE code = ANY (%(codes)s))
        """,
        {"codes": list(codes)},
    )
