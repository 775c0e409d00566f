"""Sources of usage files: added, changed, listed."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import partial
from typing import Any

from bmu.billing.document import Entry
from bmu.mediation import BUILT_IN, Profile
from bmu.mediation.extras import extras_of, missing_fields
from bmu.mediation.number import is_routing_prefix
from bmuid.intake.profiles import newest
from bmuid.operations.accounts_document import ZONE, is_zone
from bmuid.operations.accounts_load import DOCUMENT
from bmuid.operations.entries import bad_document, number, read_document, text, text_or_none
from bmuid.operations.grammar import ArgumentError, Choice, Integer, Pattern, Text
from bmuid.operations.profiles import PROFILE
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, no_source, staff_changes, staff_reads
from bmuid.operations.source_limits import (
    DAYS_BACK,
    LATE,
    LINES,
    MINUTES_AHEAD,
    OCTETS,
    PATTERN,
    RANGE,
    SERVICES,
    SILENT_MINUTES,
    UID_TYPES,
    Without,
    changed,
    limits_in,
    unknown_services,
    watch_in,
)
from bmuid.store import profiles, sources
from bmuid.store.sources import QUIET_SECONDS, Completion, Source
from bmuid.store.transaction import Transaction

CODE = Pattern(r"[a-z0-9][a-z0-9_-]{0,31}", "a source's code: small letters, digits, - and _")
NAME = Text(200)
COUNTRY_CODE = Pattern(r"[1-9][0-9]{0,2}", "a country calling code, like 44")
TRUNK_PREFIX = Pattern(
    r"[0-9]{0,4}", "what is dialled before a national number, like 0; or nothing"
)
INTERNATIONAL_PREFIX = Pattern(r"[0-9]{1,5}", "what is dialled before a country code, like 00")
COMPLETION = Choice(tuple(each.value for each in Completion))
QUIET = Integer(1, 86_400)
LISTED_MAX = 50


@dataclass(frozen=True, slots=True)
class Prefixes:
    """What number portability puts before called numbers."""

    described: str = "routing prefixes parted by commas, like 1400,Dxxx=0; or nothing"

    def parse(self, text: str) -> str:
        """Give the text itself."""
        found = text.split(",") if text else []
        if len(found) > LISTED_MAX or not all(map(is_routing_prefix, found)):
            raise ArgumentError(f"must be {self.described}")
        written = [one.partition("=")[0] for one in found]
        again = sorted({one for one in written if written.count(one) > 1})
        if again:
            raise ArgumentError(
                f"{', '.join(again)}: is there more than once; the first would count"
            )
        return text


PREFIXES = Prefixes()


@dataclass(frozen=True, slots=True)
class Extras:
    """Which fields of records usage keeps as its own."""

    described: str = "names of your own with fields of the records, like trunk=userfield,cost=accountcode; or nothing"

    def parse(self, text: str) -> str:
        """Give the text itself."""
        try:
            extras_of(text)
        except ValueError as error:
            raise ArgumentError(f"must be {self.described}: {error}") from error
        return text


EXTRAS = Extras()


@dataclass(frozen=True, slots=True)
class Add:
    """A new source."""

    code: str = argument(CODE, "the source's code, and its directory's name")
    name: str = argument(NAME, "what people call it")
    profile: str = argument(PROFILE, "how its records are read")
    time_zone: str = argument(ZONE, "the zone of timestamps that carry none")
    country_code: str = argument(COUNTRY_CODE, "the country it stands in")
    trunk_prefix: str = argument(TRUNK_PREFIX, "dialled before national numbers")
    international_prefix: str = argument(INTERNATIONAL_PREFIX, "dialled before country codes")
    routing_prefixes: str | None = argument(
        PREFIXES, "of number portability, before called numbers", optional=True
    )
    extras: str | None = argument(EXTRAS, "fields of records to keep", optional=True)
    completion: str | None = argument(COMPLETION, "when a file is whole", optional=True)
    quiet_seconds: int | None = argument(
        QUIET, "how long a file is left alone when it is whole", optional=True
    )
    octets_max: int | Without | None = argument(
        OCTETS, "of a file; else it is held", optional=True
    )
    lines_a_day_max: int | Without | None = argument(
        LINES, "of all its files and events of a day (UTC)", optional=True
    )
    days_back: int | Without | None = argument(
        DAYS_BACK, "how old its usage may be when it comes", optional=True
    )
    minutes_ahead: int | Without | None = argument(
        MINUTES_AHEAD, "how far ahead its clock may be", optional=True
    )
    uid_types: str | None = argument(UID_TYPES, "whose usage it may tell of", optional=True)
    services: str | None = argument(SERVICES, "of which services it may tell", optional=True)
    sequence_pattern: str | None = argument(
        PATTERN, "finds the number of a file in its name", optional=True
    )
    sequence_range: str | None = argument(RANGE, "between which it counts", optional=True)
    late_minutes: int | None = argument(
        LATE, "how late a number may come before it is missed", optional=True
    )
    silent_minutes: int | Without | None = argument(
        SILENT_MINUTES, "how long it may say nothing", optional=True
    )


@dataclass(frozen=True, slots=True)
class Set:
    """What changes of a source; what is not given stays."""

    code: str = argument(CODE, "the source's code")
    name: str | None = argument(NAME, "what people call it", optional=True)
    profile: str | None = argument(PROFILE, "how its records are read", optional=True)
    time_zone: str | None = argument(ZONE, "of timestamps that carry none", optional=True)
    country_code: str | None = argument(COUNTRY_CODE, "where it stands", optional=True)
    trunk_prefix: str | None = argument(
        TRUNK_PREFIX, "dialled before national numbers", optional=True
    )
    international_prefix: str | None = argument(
        INTERNATIONAL_PREFIX, "dialled before country codes", optional=True
    )
    routing_prefixes: str | None = argument(
        PREFIXES, "of number portability, before called numbers", optional=True
    )
    extras: str | None = argument(EXTRAS, "fields of records to keep", optional=True)
    completion: str | None = argument(COMPLETION, "when a file is whole", optional=True)
    quiet_seconds: int | None = argument(
        QUIET, "how long a file is left alone when it is whole", optional=True
    )
    octets_max: int | Without | None = argument(
        OCTETS, "of a file; else it is held", optional=True
    )
    lines_a_day_max: int | Without | None = argument(
        LINES, "of all its files and events of a day (UTC)", optional=True
    )
    days_back: int | Without | None = argument(
        DAYS_BACK, "how old its usage may be when it comes", optional=True
    )
    minutes_ahead: int | Without | None = argument(
        MINUTES_AHEAD, "how far ahead its clock may be", optional=True
    )
    uid_types: str | None = argument(UID_TYPES, "whose usage it may tell of", optional=True)
    services: str | None = argument(SERVICES, "of which services it may tell", optional=True)
    sequence_pattern: str | None = argument(
        PATTERN, "finds the number of a file in its name", optional=True
    )
    sequence_range: str | None = argument(RANGE, "between which it counts", optional=True)
    late_minutes: int | None = argument(
        LATE, "how late a number may come before it is missed", optional=True
    )
    silent_minutes: int | Without | None = argument(
        SILENT_MINUTES, "how long it may say nothing", optional=True
    )


_OWN = {field.name for field in fields(Source)} - {"code"}


@dataclass(frozen=True, slots=True)
class Load:
    """The document."""

    document: str = argument(DOCUMENT, "sources (TOML)", from_file=True)


@dataclass(frozen=True, slots=True)
class List:
    """All of them."""


@dataclass(frozen=True, slots=True)
class Show:
    """Which source."""

    code: str = argument(CODE, "the source's code")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source, and how its records are read."""

    code: str
    name: str
    profile: str
    time_zone: str
    country_code: str
    trunk_prefix: str
    international_prefix: str
    routing_prefixes: str
    extras: str


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources, by code; limits and what is missed of them is shown of each alone."""

    sources: tuple[SourceRow, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The codes of sources that were added, changed, and left as they were."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    left: tuple[str, ...]


def add(txn: Transaction, actor: Actor, arguments: Add, now: datetime) -> Source | Refused:
    """Add a source."""
    wanted = Source(
        code=arguments.code,
        name=arguments.name,
        profile=arguments.profile,
        time_zone=arguments.time_zone,
        country_code=arguments.country_code,
        trunk_prefix=arguments.trunk_prefix,
        international_prefix=arguments.international_prefix,
        routing_prefixes=arguments.routing_prefixes or "",
        extras=arguments.extras or "",
        completion=arguments.completion or Completion.RENAME.value,
        quiet_seconds=arguments.quiet_seconds or QUIET_SECONDS,
    )
    wanted = changed(wanted, _given(arguments))
    if any(one.code == wanted.code for one in sources.known(txn)):
        return Refused("SOURCE_EXISTS", f"there is a source {wanted.code}; source set changes it")
    return _put(txn, wanted)


def set_(txn: Transaction, actor: Actor, arguments: Set, now: datetime) -> Source | Refused:
    """Change a source; files that have arrived are read as it was then."""
    held = next((one for one in sources.known(txn) if one.code == arguments.code), None)
    if held is None:
        return no_source(arguments.code)
    given = _given(arguments)
    own = {name: value for name, value in given.items() if name in _OWN}
    return _put(txn, changed(replace(held, **own), given))


def _given(arguments: Add | Set) -> dict[str, Any]:
    given = {field.name: getattr(arguments, field.name) for field in fields(arguments)}
    return {name: value for name, value in given.items() if value is not None}


def _put(txn: Transaction, wanted: Source) -> Source | Refused:
    if not is_zone(wanted.time_zone):
        return Refused("BAD_ARGUMENT", "time_zone: not a time zone of the IANA data")
    profile = newest(txn, wanted.profile)
    if profile is None:
        return Refused("BAD_ARGUMENT", f"profile: {_no_profile(txn, wanted.profile)}")
    missing = _missing(wanted, profile)
    if missing:
        return Refused("BAD_ARGUMENT", f"extras: {missing}")
    unknown = unknown_services(txn, wanted)
    if unknown:
        return Refused("BAD_ARGUMENT", f"services: {unknown}")
    sources.put(txn, [wanted])
    return wanted


def load(txn: Transaction, actor: Actor, arguments: Load, now: datetime) -> Loaded | Refused:
    """Set the sources of the document to what it says; others stay."""
    wanted = read_document(
        arguments.document, lambda document: document.each("source", partial(_source, txn))
    )
    if isinstance(wanted, Refused):
        return wanted
    codes = [one.code for one in wanted]
    repeated = sorted({code for code in codes if codes.count(code) > 1})
    if repeated:
        return bad_document([f"source: {code} is there more than once" for code in repeated])
    unknown = [
        f"source: {one.code}: {fault}" for one in wanted if (fault := unknown_services(txn, one))
    ]
    if unknown:
        return bad_document(unknown)
    held = {one.code: one for one in sources.known(txn)}
    sources.put(txn, [one for one in wanted if held.get(one.code) != one])
    return Loaded(
        added=tuple(code for code in codes if code not in held),
        changed=tuple(one.code for one in wanted if held.get(one.code, one) != one),
        left=tuple(one.code for one in wanted if held.get(one.code) == one),
    )


def _no_profile(txn: Transaction, code: str) -> str:
    known = ", ".join(sorted({*BUILT_IN, *profiles.codes(txn)}))
    return (
        f"there is no profile {code}; there are {known}, and `bmadmin profile load` stores another"
    )


def _missing(wanted: Source, profile: Profile) -> str:
    """Say which fields that are to be kept its records don't have; nothing where they have all."""
    try:
        extras = extras_of(wanted.extras)
    except ValueError:
        # What are no names and fields is told of already.
        extras = ()
    missing = ", ".join(missing_fields(profile, extras))
    return f"records of {wanted.profile} have no {missing}" if missing else ""


def _source(txn: Transaction, entry: Entry) -> Source:
    zone = text(entry, "time_zone", ZONE)
    if zone and not is_zone(zone):
        entry.fault("time_zone", f"{zone} is not a time zone of the IANA data")
    found = _read(entry, zone)
    profile = newest(txn, found.profile)
    if profile is None and found.profile:
        entry.fault("profile", _no_profile(txn, found.profile))
    missing = _missing(found, profile) if profile else ""
    if missing:
        entry.fault("extras", missing)
    return found


def _read(entry: Entry, zone: str) -> Source:
    return Source(
        code=text(entry, "code", CODE),
        name=text(entry, "name", NAME),
        profile=text(entry, "profile", PROFILE),
        time_zone=zone,
        country_code=text(entry, "country", COUNTRY_CODE),
        trunk_prefix=text_or_none(entry, "trunk_prefix", TRUNK_PREFIX),
        international_prefix=text(entry, "international_prefix", INTERNATIONAL_PREFIX),
        routing_prefixes=text_or_none(entry, "routing_prefixes", PREFIXES),
        extras=text_or_none(entry, "extras", EXTRAS),
        completion=text_or_none(entry, "completion", COMPLETION) or Completion.RENAME.value,
        quiet_seconds=number(entry, "quiet_seconds", QUIET, QUIET_SECONDS),
        limits=limits_in(entry),
        watch=watch_in(entry),
    )


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Sources:
    """List the sources."""
    return Sources(tuple(_row(one) for one in sources.known(txn)))


def _row(one: Source) -> SourceRow:
    return SourceRow(**{field.name: getattr(one, field.name) for field in fields(SourceRow)})


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Source | Refused:
    """Show a source with its limits."""
    found = next((one for one in sources.known(txn) if one.code == arguments.code), None)
    return found or no_source(arguments.code)


OPERATIONS = (
    staff_changes(("source_add", "Add a source of usage files"), Add, Source, add, CLERKS),
    staff_changes(("source_set", "Change a source"), Set, Source, set_, CLERKS),
    staff_changes(("sources_load", "Set the sources of a document"), Load, Loaded, load, CLERKS),
    staff_reads("source_list", "The sources, by code", List, Sources, list_),
    staff_reads("source_show", "A source with its limits", Show, Source, show),
)
