"""What is wrong with transforms, and which fields they are made of."""

from collections import Counter
from collections.abc import Callable, Iterator

from bmu.mediation.directives import Directives
from bmu.mediation.figure import figure_of
from bmu.mediation.formula import DECIMALS_MAX, Parsed
from bmu.mediation.profile import Derived, Profile
from bmu.mediation.template import names_in
from bmu.mediation.transform import (
    Case,
    Clock,
    Combine,
    Extract,
    FirstOf,
    Formula,
    Instant,
    Lookup,
    Normalise,
    Substitute,
    Time,
    Transform,
    Trim,
)
from bmu.pattern import Finder
from bmu.period import zone_of

SUBSTITUTE_CHARACTERS_MAX = 200


def fields_of(place: str, make: Transform) -> Iterator[tuple[str, str]]:
    """Give the fields that a transform is made of, each with its place; none where that can't be told."""
    match make:
        case Case() | Trim() | Substitute() | Normalise():
            yield f"{place}.of", make.of
        case Extract() | Lookup():
            yield f"{place}.of", make.of
            yield from _in_template(f"{place}.default", make.default or "")
        case Combine(template):
            yield from _in_template(f"{place}.template", template)
        case FirstOf(names):
            yield from ((f"{place}.fields", name) for name in names)
        case Formula() | Time():
            yield from _of_figures(place, make)


def _of_figures(place: str, make: Formula | Time) -> Iterator[tuple[str, str]]:
    if isinstance(make, Formula):
        try:
            yield from ((f"{place}.text", name) for name in Parsed(make.text).fields)
        except ValueError:
            return
        return
    yield f"{place}.at.field", make.at.field
    for name in ("not_before", "time_field", "zone_field"):
        if getattr(make.at, name) is not None:
            yield f"{place}.at.{name}", getattr(make.at, name)


def _in_template(place: str, template: str) -> Iterator[tuple[str, str]]:
    try:
        yield from ((place, name) for name in names_in(template))
    except ValueError:
        return


def derived_faults(profile: Profile) -> Iterator[str]:
    """Find what is wrong with derived fields and tables, but for the names of fields."""
    tables = Counter(table.code for table in profile.tables)
    for table in profile.tables:
        if tables[table.code] > 1 or len(dict(table.rows)) < len(table.rows):
            yield f"table.{table.code}: is there twice, or has a row twice"
    for number, each in enumerate(profile.derived, 1):
        yield from _made(f"derived[{number}]", each, tables)
    for count, type_ in enumerate(profile.types, 1):
        for number, each in enumerate(type_.derived, 1):
            yield from _made(f"type[{count}].derived[{number}]", each, tables)


def _made(place: str, derived: Derived, tables: Counter[str]) -> Iterator[str]:
    match derived.make:
        case Extract() as extract:
            yield from _extract(place, extract)
        case Lookup(_, table, _, default):
            yield from () if table in tables else (f"{place}.table: there is no [table.{table}]",)
            yield from _wrong(f"{place}.default", names_in, default or "")
        case Combine(template):
            yield from _wrong(f"{place}.template", names_in, template)
        case FirstOf(()):
            yield f"{place}.fields: needs a field or more"
        case Formula() as formula:
            yield from _formula(place, formula)
        case Time(at):
            yield from instant_faults(f"{place}.at", at)
        case Substitute(_, text, by) if not 0 < len(text) <= SUBSTITUTE_CHARACTERS_MAX >= len(by):
            yield f"{place}.text: must be 1 to {SUBSTITUTE_CHARACTERS_MAX} characters, and with no more"
        case _:
            pass


def _extract(place: str, extract: Extract) -> Iterator[str]:
    try:
        groups = Finder(extract.pattern).groups
    except ValueError as error:
        yield f"{place}.pattern: {error}"
        return
    wrong = [*_wrong(f"{place}.template", names_in, extract.template)]
    yield from wrong
    for name in () if wrong else names_in(extract.template):
        if (
            not name.isascii()
            or not name.isdecimal()
            or int(name) > groups
            or str(int(name)) != name
        ):
            yield f"{place}.template: there is no group {{{name}}}; the pattern has {groups}, in ( )"
    yield from _wrong(f"{place}.default", names_in, extract.default or "")


def _formula(place: str, formula: Formula) -> Iterator[str]:
    yield from _wrong(f"{place}.text", Parsed, formula.text)
    if not 0 <= formula.decimals <= DECIMALS_MAX:
        yield f"{place}.decimals: must be 0 to {DECIMALS_MAX}"
    if formula.empty is not None and figure_of(formula.empty) is None:
        yield f'{place}.empty: must be a figure in quotes, like "0"'


def instant_faults(place: str, instant: Instant) -> Iterator[str]:
    """Find what is wrong with how an instant is written, but for the names of fields."""
    if instant.clock is Clock.WRITTEN:
        yield from _wrong(f"{place}.written", Directives, instant.written)
    elif instant.written or instant.time_field is not None or instant.zone_field is not None:
        yield f'{place}: written, time_field and zone_field are for clock = "WRITTEN"'
    if instant.zone and instant.clock not in {Clock.WRITTEN, Clock.LOCAL}:
        yield f"{place}.zone: seconds since 1970 have no time zone"
    if instant.zone:
        yield from _wrong(f"{place}.zone", zone_of, instant.zone)


def _wrong(place: str, read: Callable[[str], object], text: str) -> Iterator[str]:
    try:
        read(text)
    except ValueError as error:
        yield f"{place}: {error}"
