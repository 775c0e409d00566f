"""Transforms that make a text of texts, made quick."""

from collections.abc import Callable, Mapping, Sequence

from bmu.mediation.profile import Table
from bmu.mediation.reject import Reason, UnreadError, shown
from bmu.mediation.template import MADE_CHARACTERS_MAX, Make, filler
from bmu.mediation.transform import (
    Case,
    Combine,
    Extract,
    FirstOf,
    Fit,
    Letters,
    Lookup,
    Substitute,
    Trim,
)
from bmu.pattern import Finder

KNOWN_MAX = 50_000

OfTexts = Case | Combine | Extract | FirstOf | Lookup | Substitute | Trim


def text_maker(transform: OfTexts, places: Mapping[str, int], tables: Mapping[str, Table]) -> Make:
    """Give what makes the text of a row; it raises UnreadError where it can't."""
    match transform:
        case Combine(template):
            return _bounded(filler(template, places), "it")
        case FirstOf(names):
            wanted = [places[name] for name in names]
            return lambda fields: next(filter(None, [fields[place] for place in wanted]), "")
        case Extract():
            return _extract(transform, places)
        case Lookup():
            return _lookup(transform, places, tables[transform.table])
        case Case() | Trim() | Substitute():
            return _changed(transform, places[transform.of])


def _changed(transform: Case | Trim | Substitute, place: int) -> Make:
    match transform:
        case Case():
            return _case(transform, place)
        case Trim(_, characters):
            away = characters or None
            return lambda fields: fields[place].strip(away)
        case Substitute(of, text, by):
            return _bounded(lambda fields: fields[place].replace(text, by), of)


def _case(case: Case, place: int) -> Make:
    match case.letters:
        case Letters.UPPER:
            return lambda fields: fields[place].upper()
        case Letters.LOWER:
            return lambda fields: fields[place].lower()
        case Letters.TITLE:
            return lambda fields: fields[place].title()


def _bounded(make: Make, field: str) -> Make:
    """Refuse texts that would grow from field to field."""

    def made(fields: Sequence[str]) -> str:
        text = make(fields)
        if len(text) > MADE_CHARACTERS_MAX:
            raise UnreadError(
                Reason.BAD_FIELD,
                f"{field} would be of {len(text):,} characters; at most {MADE_CHARACTERS_MAX:,} are made",
            )
        return text

    return made


def _extract(extract: Extract, places: Mapping[str, int]) -> Make:
    finder, place = Finder(extract.pattern), places[extract.of]
    groups = filler(extract.template, {str(n): n for n in range(finder.groups + 1)})
    default = None if extract.default is None else filler(extract.default, places)
    known: dict[str, str | None] = {}

    def made(fields: Sequence[str]) -> str:
        text = fields[place]
        found = known.get(text, "")
        if found == "" and text not in known:
            if len(known) >= KNOWN_MAX:
                known.clear()
            parts = finder.find(text)
            found = known[text] = None if parts is None else groups(parts)
        if found is not None:
            return found
        if default is not None:
            return default(fields)
        wanted = f"one like {extract.pattern}"
        raise UnreadError(Reason.BAD_FIELD, f"{extract.of} is {shown(text)}; expected {wanted}")

    return _bounded(made, extract.of)


def _lookup(lookup: Lookup, places: Mapping[str, int], table: Table) -> Make:
    rows, place = dict(table.rows), places[lookup.of]
    default = None if lookup.default is None else filler(lookup.default, places)
    find = rows.get if lookup.fit is Fit.WHOLE else _longest(rows)

    def made(fields: Sequence[str]) -> str:
        found = find(fields[place])
        if found is not None:
            return found
        if default is not None:
            return default(fields)
        said = f"{lookup.of} is {shown(fields[place])}"
        raise UnreadError(Reason.BAD_FIELD, f"{said}, which is not in the table {table.code}")

    return made if default is None else _bounded(made, lookup.of)


def _longest(rows: Mapping[str, str]) -> Callable[[str], str | None]:
    """Give what finds the longest row that a text begins with."""
    lengths = sorted({len(text) for text in rows}, reverse=True)

    def find(text: str) -> str | None:
        for length in lengths:
            found = rows.get(text[:length])
            if found is not None:
                return found
        return None

    return find
