"""Sources: the feeds that send usage files, and how their records are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

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


def known(txn: Transaction) -> tuple[Source, ...]:
    """Give all sources, by code."""
    txn.execute(
        """
        SELECT code, name, profile, time_zone, country_code, trunk_prefix, international_prefix,
            routing_prefixes, extras, completion, quiet_seconds
        FROM source ORDER BY code
        """
    )
    return tuple(Source(*row) for row in txn.fetchall())


def put(txn: Transaction, wanted: Sequence[Source]) -> None:
    """Add sources; one whose code is known is set to what is wanted now."""
    txn.execute(
        """
        INSERT INTO source (code, name, profile, time_zone, country_code, trunk_prefix,
            international_prefix, routing_prefixes, extras, completion, quiet_seconds)
        SELECT code, name, profile, time_zone, country_code, trunk_prefix, international_prefix,
            routing_prefixes, extras, completion, quiet_seconds
        FROM unnest(%(codes)s::text[], %(names)s::text[], %(profiles)s::text[], %(zones)s::text[],
            %(country_codes)s::text[], %(trunk_prefixes)s::text[], %(international_prefixes)s::text[],
            %(routing_prefixes)s::text[], %(extras)s::text[], %(completions)s::text[],
            %(quiet_seconds)s::integer[])
            AS wanted (code, name, profile, time_zone, country_code, trunk_prefix,
                international_prefix, routing_prefixes, extras, completion, quiet_seconds)
        ON CONFLICT (code) DO UPDATE SET name = excluded.name, profile = excluded.profile,
            time_zone = excluded.time_zone, country_code = excluded.country_code,
            trunk_prefix = excluded.trunk_prefix,
            international_prefix = excluded.international_prefix,
            routing_prefixes = excluded.routing_prefixes, extras = excluded.extras,
            completion = excluded.completion, quiet_seconds = excluded.quiet_seconds
        """,
        {
            "codes": [one.code for one in wanted],
            "names": [one.name for one in wanted],
            "profiles": [one.profile for one in wanted],
            "zones": [one.time_zone for one in wanted],
            "country_codes": [one.country_code for one in wanted],
            "trunk_prefixes": [one.trunk_prefix for one in wanted],
            "international_prefixes": [one.international_prefix for one in wanted],
            "routing_prefixes": [one.routing_prefixes for one in wanted],
            "extras": [one.extras for one in wanted],
            "completions": [one.completion for one in wanted],
            "quiet_seconds": [one.quiet_seconds for one in wanted],
        },
    )
