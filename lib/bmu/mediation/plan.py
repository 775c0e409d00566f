"""What the compiled form of mediation knows of a profile and its source, and whether there is one."""

import codecs
from collections.abc import Callable, Iterable
from typing import NamedTuple

from bmu.mediation.clock import AnyClock, EpochClock
from bmu.mediation.digest import Addresses
from bmu.mediation.extras import Extras
from bmu.mediation.layout import Delimited, Quoting
from bmu.mediation.number import SourceSettings
from bmu.mediation.profile import Filter, Match, Measure
from bmu.mediation.record import Records
from bmu.mediation.reject import Reject
from bmu.mediation.transform import Form
from bmu.usage import UDR

# What _batch.c has room for.
FIELDS_MAX = 64
PREFIX_MAX = 16

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


Take = Callable[[int, bytes], UDR | Reject]
Hash = Callable[[bytes], object]


class Compiled(NamedTuple):
    """The functions of _batch.c."""

    take_some: Callable[
        [Plan, tuple[bytes, ...], tuple[int, ...], Take, type[UDR], Hash, Addresses],
        list[UDR | Reject],
    ]
    uid_texts: Callable[[Plan, Iterable[bytes]], list[bytes | None]]
    uids_of: Callable[
        [Plan, list[bytes | None], Callable[[bytes], tuple[str, str] | None]],
        list[tuple[str, str] | None],
    ]


def built() -> Compiled | None:
    """Give the compiled form, which is there where a compiler was; nothing but time hangs on it."""
    try:
        from bmu.mediation._batch import take_some, uid_texts, uids_of  # noqa: PLC0415
    except ImportError:
        return None
    return Compiled(take_some, uid_texts, uids_of)


def plan_of(
    records: Records,
    source: SourceSettings,
    extras: Extras,
    clock: AnyClock,
    key_prefix: bytes,
) -> Plan | None:
    """Say how the compiled form reads lines; None where it does not know such lines, fields or prefixes."""
    profile = records.profile
    layout, encoding = profile.layout, codecs.lookup(profile.encoding).name
    prefixes = (source.country_code, source.international_prefix, source.trunk_prefix)
    if not (
        isinstance(layout, Delimited)
        and layout.quoting in _QUOTINGS
        and layout.delimiter.isascii()
        and (layout.delimiter.isprintable() or layout.delimiter == "\t")
        and encoding.startswith(_ASCII_FIRST)
        and encoding != "utf-8-sig"
        and len(profile.fields) <= FIELDS_MAX
        and all(prefix.isascii() and len(prefix) <= PREFIX_MAX for prefix in prefixes)
        and _is_simple(records)
        and _has_hours(clock)
    ):
        return None
    place, numbers = records.means.places.__getitem__, records.means.numbers
    return Plan(
        encoding == "utf-8",
        _QUOTINGS.index(layout.quoting),
        layout.delimiter.encode(),
        len(profile.fields),
        layout.widths,
        tuple(records.marks),
        tuple(_plain_conditions(each, place) for each in records.early.filters),
        tuple(tuple(map(place, names)) for names in profile.identities),
        tuple((uid.uid_type, place(uid.field), uid.form is Form.NUMBER) for uid in profile.uids),
        profile.usage_class,
        None if isinstance(clock, EpochClock) else clock.hours,
        place(profile.started.field),
        tuple(map(place, profile.times)),
        place(profile.quantity),
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
    )


# By their numbers in _batch.h.
_QUOTINGS = (Quoting.DOUBLED, Quoting.ALL_BARE, Quoting.NONE)


def _is_simple(records: Records) -> bool:
    """Tell whether all rows are alike, and their fields taken as they stand."""
    profile, started = records.profile, records.profile.started
    return (
        records.is_plain
        and not records.is_broken
        and not (profile.classes or profile.splitting)
        and bool(profile.quantity and profile.origin and profile.destination)
        and profile.measure in {Measure.S, Measure.B, Measure.COUNT}
        and profile.origin_form is Form.NUMBER
        and profile.destination_form is Form.CALLED
        and all(uid.form is not Form.CALLED for uid in profile.uids)
        and started.time_field is started.zone_field is None
    )


def _has_hours(clock: AnyClock) -> bool:
    """Tell whether the compiled form reads such times: seconds, or those of which hours can be looked up."""
    if isinstance(clock, EpochClock):
        return clock.is_seconds
    return clock.hours is not None


def _plain_conditions(found: Filter, place: Callable[[str], int]) -> tuple[PlainCondition, ...]:
    return tuple(
        (
            place(condition.field),
            condition.match is Match.IS,
            # A text that no line can hold is none that is found.
            tuple(text.encode(errors="surrogatepass") for text in condition.texts),
        )
        for condition in found.conditions
        if condition.match in {Match.IS, Match.IS_NOT}
    )
