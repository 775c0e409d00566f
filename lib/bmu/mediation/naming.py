"""Whether each field that a profile names is one that its rows have by then."""

from collections.abc import Iterable, Iterator, Set

from bmu.mediation.assembled import assembled
from bmu.mediation.figure import figure_of
from bmu.mediation.profile import Bound, Condition, Derived, Match, Profile, RecordType
from bmu.mediation.transform import Instant
from bmu.mediation.transforming import fields_of
from bmu.pattern import Automaton

PART = "split"

Named = Iterator[tuple[str, str]]


def misnamed(profile: Profile) -> Iterator[str]:
    """Find the fields that there are not, and what is wrong with the conditions that name others."""
    fields = profile.fields if profile.aggregation is None else assembled(profile).fields
    raw = {*fields, *([PART] if profile.splitting else ())}
    known = set(raw)
    yield from _derived("derived", profile.derived, known)
    common = frozenset(known)
    for number, each in enumerate(profile.types, 1):
        place, own = f"type[{number}]", set(common)
        yield from _conditions(f"{place}.when", each.conditions, common)
        yield from _derived(f"{place}.derived", each.derived, own)
        yield from _unknown(_of_type(place, each), own)
        known |= own
    yield from _unknown(_of_profile(profile), known)
    for number, one in enumerate(profile.filters, 1):
        yield from _conditions(f"filter[{number}].when", one.conditions, known)
    for number, rule in enumerate(profile.classes, 1):
        yield from _conditions(f"class[{number}].when", rule.conditions, known)
    yield from _bounds(profile, raw)


def _of_profile(profile: Profile) -> Named:
    yield from _instant("started", profile.started)
    for place in ("quantity", "origin", "destination"):
        if getattr(profile, place):
            yield place, getattr(profile, place)
    yield from (("times", field) for field in profile.times)
    yield from ((f"uid[{n}].field", uid.field) for n, uid in enumerate(profile.uids, 1))
    yield from (("identities", field) for names in profile.identities for field in names)
    yield from (("extras", field) for _, field in profile.extras)


def _of_type(place: str, type_: RecordType) -> Named:
    if type_.started is not None:
        yield from _instant(f"{place}.started", type_.started)
    for name in ("quantity", "origin", "destination"):
        if getattr(type_, name):
            yield f"{place}.{name}", getattr(type_, name)
    yield from ((f"{place}.times", field) for field in type_.times or ())
    yield from (
        (f"{place}.uid[{n}].field", uid.field) for n, uid in enumerate(type_.uids or (), 1)
    )
    yield from (
        (f"{place}.identities", field) for names in type_.identities or () for field in names
    )


def _instant(place: str, instant: Instant) -> Named:
    yield f"{place}.field", instant.field
    for name in ("not_before", "time_field", "zone_field"):
        if getattr(instant, name) is not None:
            yield f"{place}.{name}", getattr(instant, name)


def _unknown(named: Named, known: Set[str]) -> Iterator[str]:
    for place, field in named:
        if field not in known:
            yield f"{place}: no field is called {field!r}"


def _derived(place: str, derived: Iterable[Derived], known: set[str]) -> Iterator[str]:
    """Look at derived fields in their order: each may be made of those before it."""
    for number, each in enumerate(derived, 1):
        here = f"{place}[{number}]"
        yield from _unknown(fields_of(here, each.make), known)
        yield from _conditions(f"{here}.when", each.conditions, known)
        known.add(each.field)
        if each.field == PART:
            yield f"{here}.field: {PART!r} is the name of the part that a row is split into"


def _conditions(place: str, conditions: Iterable[Condition], known: Set[str]) -> Iterator[str]:
    for number, each in enumerate(conditions, 1):
        here = f"{place}[{number}]"
        yield from _unknown(iter([(f"{here}.field", each.field)]), known)
        if each.match is Match.LIKE:
            yield from _like(f"{here}.like", each.texts)
        elif each.match is Match.RANGE:
            yield from _range(here, each.texts)
        elif not each.texts:
            yield f"{here}: asks for none of no texts; give one or more"


def _like(place: str, texts: tuple[str, ...]) -> Iterator[str]:
    try:
        for text in texts:
            Automaton(text)
    except ValueError as error:
        yield f"{place}: {error}"
    if len(texts) != 1:
        yield f"{place}: LIKE takes one pattern"


def _range(place: str, texts: tuple[str, ...]) -> Iterator[str]:
    ends = [figure_of(text) for text in texts]
    if len(texts) != 2 or any(text and end is None for text, end in zip(texts, ends, strict=True)):
        yield f'{place}: from and to must be figures in quotes, like from = "1", to = "9.5"'
    elif ends[0] is not None and ends[1] is not None and ends[1] < ends[0]:
        yield f"{place}: ends before it begins"


def _bounds(profile: Profile, raw: Set[str]) -> Iterator[str]:
    if profile.header is not None:
        yield from _conditions("header.when", profile.header.conditions, raw)
    trailer = profile.trailer
    if trailer is None:
        return
    yield from _conditions("trailer.row.when", trailer.row.conditions, raw)
    own = _own_fields(trailer.row, raw)
    if trailer.count is not None:
        yield from _unknown(iter([("trailer.count", trailer.count)]), own)
    for number, each in enumerate(trailer.sums, 1):
        yield from _unknown(iter([(f"trailer.sums[{number}].field", each.field)]), own)
        yield from _unknown(iter([(f"trailer.sums[{number}].of", each.of)]), raw)


def _own_fields(bound: Bound, raw: Set[str]) -> Set[str]:
    return {*bound.fields} if bound.begins else raw
