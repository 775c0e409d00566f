"""A profile as a document in TOML that people write, keep and exchange, and back again: the same, to the letter."""

from collections.abc import Mapping, Sequence
from typing import cast

from bmu.mediation.check import faults as faults_of
from bmu.mediation.layout import Column, Layout
from bmu.mediation.profile import Condition, Match, Profile, Table
from bmu.mediation.shape import Faults, Form, Shape, Spelling
from bmu.mediation.transform import Transform
from bmu.toml import NotTomlError, parsed, written

Texts = tuple[tuple[str, str], ...]
_MATCHES = {
    "is": Match.IS,
    "is_not": Match.IS_NOT,
    "like": Match.LIKE,
    "prefix": Match.PREFIX,
}


def profile_of(text: str) -> Profile | tuple[str, ...]:
    """
    Read a document.

    Shapes:
        Result: the profile, or all that is wrong, each with its place: ``derived[3].pattern: ...``, numbered from 1.
    """
    try:
        table = parsed(text)
    except NotTomlError as error:
        return (str(error),)
    found = read_profile(table)
    return faults_of(found) or found if isinstance(found, Profile) else found


def read_profile(table: object) -> Profile | tuple[str, ...]:
    """Make a profile of the plain table of a document, be it one to use or not."""
    faults = Faults()
    profile = _SHAPE.read(Profile, table, "", faults)
    if faults:
        return tuple(faults)
    assert isinstance(profile, Profile), profile
    return profile


def document_of(profile: Profile) -> str:
    """
    Write a profile as the document of which profile_of() makes the same.

    Shapes:
        profile: its texts can be encoded, and no table has a row twice: as in all that profile_of() gives.
    """
    return written(cast("Mapping[str, object]", _SHAPE.write(Profile, profile)))


def _read_condition(faults: Faults, value: object, place: str) -> object:
    """Read ``{ field = "x", is = ["a", "b"] }``; one of is, is_not, like, prefix, empty, or from and to."""
    if not isinstance(value, dict):
        faults.note(place, 'must be a table, like { field = "x", is = ["a", "b"] }')
        return None
    asked = {key: each for key, each in value.items() if key != "field"}
    found = _asked(asked)
    if not isinstance(value.get("field"), str):
        faults.note(f"{place}.field", 'must be text in quotes, like "text"')
    elif found is None:
        faults.note(
            place,
            'must ask one thing: is = ["a", "b"], is_not = [...], prefix = [...], like = "pattern",'
            ' empty = true, or from = "1", to = "9"',
        )
    else:
        return Condition(value["field"], *found)
    return None


def _asked(asked: dict[str, object]) -> tuple[Match, tuple[str, ...]] | None:
    """Give what is asked of a field; nothing where it is not one thing."""
    match [*asked.items()]:
        case [("empty", bool() as empty)]:
            return Match.IS if empty else Match.IS_NOT, ("",)
        case [("is" | "is_not" | "prefix" | "like" as key, str() as text)]:
            return _MATCHES[key], (text,)
        case [("is" | "is_not" | "prefix" as key, list() as texts)] if _are_texts(texts):
            return _MATCHES[key], tuple(texts)
        case [_, *_] if asked.keys() <= {"from", "to"} and _are_texts([*asked.values()]):
            return Match.RANGE, (str(asked.get("from", "")), str(asked.get("to", "")))
        case _:
            return None


def _are_texts(values: Sequence[object]) -> bool:
    return all(isinstance(each, str) for each in values)


def _write_condition(value: object) -> object:
    assert isinstance(value, Condition), value
    match value.match, value.texts:
        case (Match.IS | Match.IS_NOT, ("",)):
            said: dict[str, object] = {"empty": value.match is Match.IS}
        case (Match.RANGE, (least, most)):
            said = {key: end for key, end in (("from", least), ("to", most)) if end or not most}
        case (Match.LIKE, (pattern,)):
            said = {"like": pattern}
        case _:
            key = next(key for key, match in _MATCHES.items() if match is value.match)
            said = {key: list(value.texts)}
    return {"field": value.field} | said


def _read_texts(faults: Faults, value: object, place: str) -> object:
    if isinstance(value, dict) and _are_texts([*value.values()]):
        return tuple(value.items())
    faults.note(place, 'must be a table of texts, like { name = "text" }')
    return ()


def _write_texts(value: object) -> object:
    return dict(cast("Texts", value))


def _read_tables(faults: Faults, value: object, place: str) -> object:
    if not isinstance(value, dict):
        faults.note(place, f"must be tables, each begun with [{place}.NAME]")
        return ()
    return tuple(
        Table(code, cast("Texts", _read_texts(faults, rows, f"{place}.{code}")))
        for code, rows in value.items()
    )


def _write_tables(value: object) -> object:
    return {each.code: dict(each.rows) for each in cast("tuple[Table, ...]", value)}


def _read_column(faults: Faults, value: object, place: str) -> object:
    first, dash, last = value.partition("-") if isinstance(value, str) else ("", "", "")
    numbers = [
        int(end) for end in (first, last) if end.isascii() and end.isdecimal() and len(end) < 6
    ]
    if len(numbers) != 1 + bool(dash):
        faults.note(place, 'must be the first and last character, like "1-10", or one, like "7"')
        return None
    return Column(numbers[0], numbers[-1])


def _write_column(value: object) -> object:
    assert isinstance(value, Column), value
    return f"{value.first}-{value.last}" if value.last != value.first else str(value.first)


_SHAPE = Shape(
    Spelling(
        keys={
            "filters": "filter",
            "uids": "uid",
            "tables": "table",
            "types": "type",
            "classes": "class",
            "conditions": "when",
            "uid_type": "type",
            "skipped": "skip",
            "gathered": "gather",
            "by": "with",
        },
        tags={Layout: "kind", Transform: "make"},
        flat=frozenset((Transform,)),
        forms={
            Condition: Form(_read_condition, _write_condition),
            Texts: Form(_read_texts, _write_texts),
            tuple[Table, ...]: Form(_read_tables, _write_tables),
            Column: Form(_read_column, _write_column),
        },
    )
)
