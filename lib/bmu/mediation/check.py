"""What is wrong with a profile, all of it at once, before a line is read by it."""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain

from bmu.mediation.aggregation_check import aggregation_faults
from bmu.mediation.decoding import decoding_faults
from bmu.mediation.layout import Column, Delimited, FixedWidth, JSONLine, Pairs, Quoting
from bmu.mediation.naming import misnamed
from bmu.mediation.profile import Bound, Format, Measure, Profile
from bmu.mediation.transforming import derived_faults, instant_faults

FIELDS_MAX = 1_000
PARTS_MAX = 10

_LINES = {Format.TEXT, Format.FIXED_BLOCK}
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_EXTRA = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


def faults(profile: Profile) -> tuple[str, ...]:
    """Find all that keeps a profile from being used, each with its place."""
    return tuple(
        chain(
            _named(profile),
            _fields(profile),
            _encoding(profile),
            _layout(profile),
            _decoding(profile),
            misnamed(profile),
            derived_faults(profile),
            _needed(profile),
            _instants(profile),
            _bounds(profile),
            _parts(profile),
            aggregation_faults(profile),
        )
    )


def _named(profile: Profile) -> Iterator[str]:
    if not _CODE.fullmatch(profile.code):
        yield f"code: {profile.code!r:.70} is no code: letters, digits, and . _ - between them"
    if not profile.name or not profile.name.isprintable():
        yield "name: must be printable characters"
    for number, each in enumerate(profile.filters, 1):
        if not each.name or not each.name.isprintable():
            yield f"filter[{number}].name: must be printable characters"
        if not each.conditions:
            yield f"filter[{number}].when: without a condition it drops every record"


def _fields(profile: Profile) -> Iterator[str]:
    if not 0 < len(profile.fields) <= FIELDS_MAX:
        yield f"fields: must be 1 to {FIELDS_MAX}"
    for field, times in Counter(profile.fields).items():
        if times > 1:
            yield f"fields: {field!r} is there {times} times"
    derived = (*profile.derived, *(one for each in profile.types for one in each.derived))
    for name in (*profile.fields, *(each.field for each in derived)):
        if not name or not name.isprintable() or {*name} & {*'{}"\\'}:
            yield f'fields: {name!r} must be printable characters, but for {{ }} " and \\'
    for name, _ in profile.extras:
        if not _EXTRA.fullmatch(name):
            yield f"extras: {name!r} must be small letters, digits and _"


def _encoding(profile: Profile) -> Iterator[str]:
    try:
        name = codecs.lookup(profile.encoding).name
        every = bytes(range(256)).decode(name, "replace")
    except (LookupError, ValueError):
        name = every = ""
    plain = bytes(range(128)).decode("ascii")
    if name != "utf-8" and not (len(every) == 256 and every.startswith(plain)):
        yield f"encoding: {profile.encoding!r} is not UTF-8 or one octet a character, ASCII first"
        return
    for text in _marks(profile):
        try:
            text.encode(name)
        except UnicodeEncodeError:
            yield f"encoding: {text!r} can't be written in {profile.encoding}"


def _marks(profile: Profile) -> Iterator[str]:
    """Give the texts that lines of the file hold besides their fields."""
    if isinstance(profile.layout, Delimited | FixedWidth):
        yield profile.layout.comment
    if isinstance(profile.layout, Delimited):
        yield profile.layout.delimiter
    for bound, _ in _both(profile):
        yield bound.begins


def _layout(profile: Profile) -> Iterator[str]:
    match profile.layout:
        case Delimited() as layout:
            yield from _delimited(layout, profile.fields)
        case FixedWidth() as layout:
            yield from _columns("layout.columns", layout.columns, profile.fields)
            if layout.shortest < 1 or layout.skipped < 0:
                yield "layout: shortest must be 1 or more, skip 0 or more"
        case Pairs(separator=separator, label=label):
            if not separator or "=" in separator:
                yield f"layout.separator: {separator!r} does not separate pairs"
            if label not in profile.fields:
                yield f"layout.label: no field is called {label!r}"
        case JSONLine():
            pass


def _delimited(layout: Delimited, fields: tuple[str, ...]) -> Iterator[str]:
    widths, delimiter = layout.widths, layout.delimiter
    if layout.heading:
        if any(width < 1 for width in widths):
            yield "layout.widths: a line has a field or more"
    elif not widths or min(widths) < 1 or max(widths) > len(fields):
        yield f"layout.widths: not 1 to {len(fields)}, the number of fields"
    signs = '"\r\n' + "\\" * (layout.quoting is Quoting.BACKSLASH)
    if len(delimiter) != 1 or delimiter in signs:
        yield f"layout.delimiter: {delimiter!r} is no single delimiting character"
    if layout.skipped < 0:
        yield "layout.skip: must be 0 or more"


def _columns(place: str, columns: tuple[Column, ...], fields: tuple[str, ...]) -> Iterator[str]:
    if len(columns) != len(fields):
        yield f"{place}: {len(columns)} of them for {len(fields)} fields"
    for number, column in enumerate(columns, 1):
        if not 1 <= column.first <= column.last:
            yield f"{place}[{number}]: must be from 1 on, the last not before the first"


def _decoding(profile: Profile) -> Iterator[str]:
    if profile.decoding is None:
        return
    yield from decoding_faults(profile.decoding)
    if profile.decoding.format not in _LINES and not isinstance(profile.layout, JSONLine):
        yield f'layout.kind: rows of {profile.decoding.format.value} are decoded to lines of kind = "JSON_LINE"'


def _needed(profile: Profile) -> Iterator[str]:
    if not profile.identities or not all(profile.identities):
        yield "identities: an event needs fields that tell it from others"
    if not profile.uids:
        yield "uid: a UDR needs a usage identifier"
    for number, each in enumerate(profile.types, 1):
        if each.identities is not None and not (each.identities and all(each.identities)):
            yield f"type[{number}].identities: an event needs fields that tell it from others"
        if each.uids == ():
            yield f"type[{number}].uid: a UDR needs a usage identifier"
    if not profile.quantity and profile.measure is not Measure.COUNT:
        yield 'quantity: is not given; where each row is one, say measure = "COUNT"'


def _instants(profile: Profile) -> Iterator[str]:
    yield from instant_faults("started", profile.started)
    if profile.times and (profile.started.time_field or profile.started.zone_field):
        yield "times: are of the clock of started, which must be in one field by itself"
    for number, each in enumerate(profile.types, 1):
        if each.started is not None:
            yield from instant_faults(f"type[{number}].started", each.started)


def _both(profile: Profile) -> Iterator[tuple[Bound, str]]:
    if profile.header is not None:
        yield profile.header, "header"
    if profile.trailer is not None:
        yield profile.trailer.row, "trailer.row"


def _bounds(profile: Profile) -> Iterator[str]:
    is_fixed = isinstance(profile.layout, FixedWidth)
    for bound, place in _both(profile):
        if bool(bound.begins) == bool(bound.conditions):
            yield f"{place}: must say either what such a line begins with (begins), or when"
        if bound.begins and isinstance(profile.layout, JSONLine | Pairs):
            yield f"{place}.begins: is for delimited lines and columns; say when"
        if is_fixed and bound.begins:
            yield from _columns(f"{place}.columns", bound.columns, bound.fields)
        elif bound.columns or (bound.fields and not bound.begins):
            yield f"{place}: has no fields or columns of its own, but those of all rows"


def _parts(profile: Profile) -> Iterator[str]:
    parts = profile.splitting
    if parts and (
        len({*parts}) < len(parts) or not 2 <= len(parts) <= PARTS_MAX or not all(parts)
    ):
        yield f"splitting: must be 2 to {PARTS_MAX} names, each once"
