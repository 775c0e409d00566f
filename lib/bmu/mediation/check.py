"""What is wrong with a profile, all of it at once, before a line is read by it."""

import codecs
from collections import Counter
from collections.abc import Iterator
from itertools import chain

from bmu.mediation.aggregation_check import aggregation_faults
from bmu.mediation.assembled import assembled
from bmu.mediation.layout import Delimited, FixedWidth, JSONLine, Pairs, Quoting
from bmu.mediation.profile import Match, Profile
from bmu.pattern import Automaton


def faults(profile: Profile) -> tuple[str, ...]:
    """Find all that keeps a profile from being used."""
    return tuple(
        chain(
            _unknown_fields(profile),
            _needed(profile),
            _layout(profile),
            _encoding(profile),
            _filters(profile),
            aggregation_faults(profile),
        )
    )


def _unknown_fields(profile: Profile) -> Iterator[str]:
    started = profile.started
    named = [
        *(("quantity", profile.quantity), ("origin", profile.origin)),
        *(("destination", profile.destination), ("started", started.field)),
        *(("times", field) for field in profile.times),
        *(("uids", uid.field) for uid in profile.uids),
        *(("identities", field) for identity in profile.identities for field in identity),
        *((f"filter {each.name!r}", c.field) for each in profile.filters for c in each.conditions),
    ]
    if started.not_before is not None:
        named.append(("started", started.not_before))
    fields = profile.fields if profile.aggregation is None else assembled(profile).fields
    for where, field in named:
        if field not in fields:
            yield f"{where}: no field is called {field!r}"
    for field, times in Counter(profile.fields).items():
        if times > 1:
            yield f"fields: {field!r} is there {times} times"


def _layout(profile: Profile) -> Iterator[str]:
    match profile.layout:
        case Delimited() as layout:
            yield from _delimited(layout, profile.fields)
        case FixedWidth() as layout:
            yield from _columns(layout, profile.fields)
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


def _columns(layout: FixedWidth, fields: tuple[str, ...]) -> Iterator[str]:
    if len(layout.columns) != len(fields):
        yield f"layout.columns: {len(layout.columns)} of them for {len(fields)} fields"
    for number, column in enumerate(layout.columns, 1):
        if not 1 <= column.first <= column.last:
            yield f"layout.columns[{number}]: must be from 1 on, the last not before the first"


def _needed(profile: Profile) -> Iterator[str]:
    if not profile.identities or not all(profile.identities):
        yield "identities: an event needs fields that tell it from others"
    if not profile.uids:
        yield "uids: a UDR needs a usage identifier"


def _encoding(profile: Profile) -> Iterator[str]:
    try:
        name = codecs.lookup(profile.encoding).name
        every = bytes(range(256)).decode(name, "replace")
    except (LookupError, ValueError):
        name = every = ""
    plain = bytes(range(128)).decode("ascii")
    if name != "utf-8" and not (len(every) == 256 and every.startswith(plain)):
        yield f"encoding: {profile.encoding!r} is not UTF-8 or one octet a character, ASCII first"


def _filters(profile: Profile) -> Iterator[str]:
    for each in profile.filters:
        if not each.conditions:
            yield f"filter {each.name!r}: without a condition it drops every record"
        for condition in each.conditions:
            if condition.match is Match.LIKE and not _is_one_pattern(condition.texts):
                yield f"filter {each.name!r}: LIKE takes one regular expression"


def _is_one_pattern(texts: tuple[str, ...]) -> bool:
    try:
        for text in texts:
            Automaton(text)
    except ValueError:
        return False
    return len(texts) == 1
