"""What the compiled form of mediation knows of a profile and its source, and whether there is one."""

import codecs
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from bmu.mediation.clock import AnyClock, EpochClock
from bmu.mediation.digest import Addresses
from bmu.mediation.extras import Extras
from bmu.mediation.layout import Delimited, JSONLine, Quoting
from bmu.mediation.number import SourceSettings
from bmu.mediation.profile import Condition, Match, Measure, Profile
from bmu.mediation.reading import for_type
from bmu.mediation.record import Records
from bmu.mediation.reject import Reject
from bmu.mediation.transform import Form
from bmu.usage import UDR

# What _batch.c has room for.
FIELDS_MAX = 64
PREFIX_MAX = 16
SORTS_MAX = 16

# Encodings, by the names of their codecs, in which octets below 128 are ASCII wherever they stand.
_ASCII_FIRST = ("ascii", "cp125", "iso8859-", "koi8-", "utf-8")

# Place of a field, whether it has to be one of the texts, the texts.
PlainCondition = tuple[int, bool, tuple[bytes, ...]]


class Plan(NamedTuple):
    """
    How lines of a source are read, in the order in which _batch.c takes it apart.

    Shapes:
        quoting: the place in _QUOTINGS.
        marks: what lines begin with that are no rows.
        filters: of each, the conditions that only compare texts.
        uids: type, place, and whether it is a number.
        hours: those of the local clock; None for seconds since 1970.
        extras: names and places of fields that are kept as they stand.
        names: of the fields, where they stand by name.
        only: what rows that are read so fulfil; *kinds*: plans of such rows, the first that fits counts.
        routing: prefixes of called numbers that are left to the plain functions; x: any digit.
        the other numbers without a name for it: places of fields.
    """

    is_utf8: bool
    quoting: int
    delimiter: bytes
    fields: int
    widths: tuple[int, ...]
    marks: tuple[bytes, ...]
    filters: tuple[tuple[PlainCondition, ...], ...]
    identities: tuple[tuple[int, ...], ...]
    uids: tuple[tuple[str, int, bool], ...]
    usage_class: str
    hours: dict[str, int | None] | None
    started: int
    times: tuple[int, ...]
    quantity: int
    origin: int
    destination: int
    key_prefix: bytes
    country: bytes
    international: bytes
    international_min: int
    trunk: bytes
    trunk_min: int
    routing: tuple[bytes, ...]
    extras: tuple[tuple[str, int], ...]
    names: tuple[bytes, ...]
    only: tuple[PlainCondition, ...]
    kinds: tuple["Plan", ...]


Take = Callable[[int, bytes], UDR | Reject]
Hash = Callable[[bytes], object]


class Compiled(NamedTuple):
    """The functions of _batch.c."""

    take_some: Callable[
        [Plan, tuple[bytes, ...], tuple[int, ...], Take, type[UDR], Hash, Addresses],
        list[UDR | Reject],
    ]
    marks: Callable[[Plan, bytearray, int, int, int, bool], tuple[bytes, int]]
    uids_of: Callable[
        [Plan, list[bytes], Callable[[bytes], tuple[str, str] | None]],
        list[tuple[str, str] | None],
    ]


def built() -> Compiled | None:
    """Give the compiled form, which is there where a compiler was; nothing but time hangs on it."""
    try:
        from bmu.mediation._batch import marks, take_some, uids_of  # noqa: PLC0415
    except ImportError:
        return None
    return Compiled(take_some, marks, uids_of)


def plan_of(
    records: Records,
    source: SourceSettings,
    extras: Extras,
    clocks: Sequence[AnyClock],
    key_prefix: bytes,
) -> Plan | None:
    """
    Say how the compiled form reads lines; None where it does not know such lines, fields or prefixes.

    Shapes:
        clocks: of the rows of each type, then of those of none.
    """
    general = _Sort((), records.profile, clocks[-1])
    sorts = [*_sorts(records, clocks)]
    prefixes = (source.country_code, source.international_prefix, source.trunk_prefix)
    if not (
        _is_plain_text(records.profile)
        and all(prefix.isascii() and len(prefix) <= PREFIX_MAX for prefix in prefixes)
        and not (records.late.filters or records.steps or records.is_broken)
        and not any(kind.steps for kind in records.kinds)
        and not records.profile.splitting
        and len(sorts) <= SORTS_MAX
        and all(map(_is_simple, (general, *sorts)))
        # A glance at a line tells whose it is, whatever its sort.
        and all(each.profile.uids == records.profile.uids for each in sorts)
        # Hours that are looked up are those of one clock.
        and (not sorts or all(isinstance(clock, EpochClock) for clock in clocks))
    ):
        return None
    kinds = tuple(_plan(each, (), records, source, extras, key_prefix) for each in sorts)
    return _plan(general, kinds, records, source, extras, key_prefix)


class _Sort(NamedTuple):
    """Rows that are read in one way: what they fulfil, the profile that they are read by, and its clock."""

    only: tuple[Condition, ...]
    profile: Profile
    clock: AnyClock


def _sorts(records: Records, clocks: Sequence[AnyClock]) -> Iterator[_Sort]:
    """Give the sorts of rows that are not read as the profile says at its end, in the order in which they are tried."""
    whole = records.profile
    types = [(each.of.conditions, for_type(whole, each.of)) for each in records.kinds]
    for (conditions, profile), clock in zip([*types, ((), whole)], clocks, strict=True):
        for rule in profile.classes:
            classed = replace(profile, usage_class=rule.usage_class)
            yield _Sort((*conditions, *rule.conditions), classed, clock)
        if profile is not whole:
            yield _Sort(conditions, profile, clock)


def _plan(
    sort: _Sort,
    kinds: tuple[Plan, ...],
    records: Records,
    source: SourceSettings,
    extras: Extras,
    key_prefix: bytes,
) -> Plan:
    profile, clock, layout = sort.profile, sort.clock, sort.profile.layout
    place, numbers = records.means.places.__getitem__, records.means.numbers
    delimited = layout if isinstance(layout, Delimited) else None
    return Plan(
        codecs.lookup(profile.encoding).name == "utf-8",
        _QUOTINGS.index(delimited.quoting) if delimited else JSON,
        delimited.delimiter.encode() if delimited else b",",
        len(profile.fields),
        delimited.widths if delimited else (),
        tuple(records.marks),
        tuple(_plain_conditions(each.conditions, place) for each in records.early.filters),
        tuple(tuple(map(place, names)) for names in profile.identities),
        tuple((uid.uid_type, place(uid.field), uid.form is Form.NUMBER) for uid in profile.uids),
        profile.usage_class,
        None if isinstance(clock, EpochClock) else clock.hours,
        place(profile.started.field),
        tuple(map(place, profile.times)),
        place(profile.quantity) if profile.quantity else -1,
        place(profile.origin),
        place(profile.destination),
        key_prefix,
        source.country_code.encode(),
        source.international_prefix.encode(),
        numbers.international_min,
        source.trunk_prefix.encode(),
        numbers.trunk_min,
        tuple(prefix.encode() for prefix in numbers.dialled_routing),
        tuple((name, place(field)) for name, field in extras),
        () if delimited else tuple(name.encode() for name in profile.fields),
        _plain_conditions(sort.only, place),
        kinds,
    )


# By their numbers in _batch.h; JSON is the one behind them.
_QUOTINGS = (Quoting.DOUBLED, Quoting.ALL_BARE, Quoting.NONE)
JSON = len(_QUOTINGS)


def _is_plain_text(profile: Profile) -> bool:
    """Tell whether lines are of a kind that the compiled form takes apart."""
    layout, encoding = profile.layout, codecs.lookup(profile.encoding).name
    if isinstance(layout, Delimited):
        is_known = (
            layout.quoting in _QUOTINGS
            and layout.delimiter.isascii()
            and (layout.delimiter.isprintable() or layout.delimiter == "\t")
        )
    else:
        is_known = isinstance(layout, JSONLine) and encoding == "utf-8"
    return (
        is_known
        and encoding.startswith(_ASCII_FIRST)
        and encoding != "utf-8-sig"
        and len(profile.fields) <= FIELDS_MAX
    )


def _is_simple(sort: _Sort) -> bool:
    """Tell whether the fields of such rows are taken as they stand."""
    profile, started = sort.profile, sort.profile.started
    return (
        bool(profile.origin and profile.destination)
        and profile.measure in {Measure.S, Measure.B, Measure.COUNT}
        and profile.origin_form is Form.NUMBER
        and profile.destination_form is Form.CALLED
        and all(uid.form is not Form.CALLED for uid in profile.uids)
        and started.time_field is started.zone_field is None
        and _has_hours(sort.clock)
        and all(each.match in {Match.IS, Match.IS_NOT} for each in sort.only)
    )


def _has_hours(clock: AnyClock) -> bool:
    """Tell whether the compiled form reads such times: seconds, or those of which hours can be looked up."""
    if isinstance(clock, EpochClock):
        return clock.is_seconds
    return clock.hours is not None


def _plain_conditions(
    conditions: Iterable[Condition], place: Callable[[str], int]
) -> tuple[PlainCondition, ...]:
    return tuple(
        (
            place(condition.field),
            condition.match is Match.IS,
            # A text that no line can hold is none that is found.
            tuple(text.encode(errors="surrogatepass") for text in condition.texts),
        )
        for condition in conditions
        if condition.match in {Match.IS, Match.IS_NOT}
    )
