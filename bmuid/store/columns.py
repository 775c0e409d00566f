"""How the fields of a row are the columns of its table, and parts of them JSON: told by their types alone."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from psycopg2.extras import DateRange

Reading = Callable[[Any], object]

_VALID_FROM, _VALID_TO = "valid_from", "valid_to"


class Column(NamedTuple):
    """
    One column of a table.

    Shapes:
        value: gives what is stored of a row, as psycopg2 takes it.
    """

    name: str
    value: Callable[[Any], object]


class Selected(NamedTuple):
    """
    One field of a row.

    Shapes:
        expression: the column, or what has to be made of it in a statement; read: the way from that to the value; none:
            it is the value.
    """

    column: str
    expression: str
    read: Reading | None


class Columns(NamedTuple):
    """All columns of a table but the id, and all fields of its rows in their order, the id among them."""

    names: tuple[str, ...]
    stored: tuple[Column, ...]
    selected: tuple[Selected, ...]


def columns_of(kind: type) -> Columns:
    """
    Tell how a frozen dataclass is stored: a field as the column of its name, valid_from and valid_to as a range.

    Texts, numbers, days and truths are as they are, words of an enum their values, tuples of those arrays, tuples of
    dataclasses JSON. None is null.
    """
    hints = get_type_hints(kind)
    stored, selected = [], []
    names = tuple(field.name for field in fields(kind))
    for name in names:
        if name == _VALID_FROM:
            stored.append(Column("valid", lambda row: DateRange(row.valid_from, row.valid_to)))
            selected.append(Selected("valid", "lower({})", None))
        elif name == _VALID_TO:
            selected.append(Selected("valid", "upper({})", None))
        else:
            column, field = _column(name, hints[name])
            selected.append(field)
            if name != "id":
                stored.append(column)
    return Columns(names, tuple(stored), tuple(selected))


def json_text(value: object) -> str:
    """Write a tuple of dataclasses, or a part of one, as JSON: always the same text for the same value."""
    return json.dumps(_data(value), ensure_ascii=False, separators=(",", ":"))


def from_json(hint: Any, data: Any) -> Any:
    """Read what `json_text` wrote of a value of that type, once it is parsed."""
    inner = _inner(hint)
    if data is None:
        return None
    if get_origin(inner) is tuple:
        return tuple(from_json(get_args(inner)[0], each) for each in data)
    if is_dataclass(inner) or hasattr(inner, "_fields"):
        hints = get_type_hints(inner)
        names = (name for name in hints if name.removesuffix("_") in data)
        return inner(
            **{name: from_json(hints[name], data[name.removesuffix("_")]) for name in names}
        )
    if inner is date:
        return date.fromisoformat(data)
    return inner(data)


class _Texts(dict[Any, object]):
    """Texts of JSON with what they were read as: a large table says the same again and again."""

    def __init__(self, hint: Any) -> None:
        super().__init__()
        self._hint = hint

    def __missing__(self, text: str | None) -> object:
        found = None if text is None else from_json(self._hint, json.loads(text))
        self[text] = found
        return found


def _column(name: str, hint: Any) -> tuple[Column, Selected]:
    inner = _inner(hint)
    value: Callable[[Any], object] = attrgetter(name)
    read: Reading | None = None
    expression = "{}"
    if isinstance(inner, type) and issubclass(inner, Enum):
        words = {None: None} | {member.value: member for member in inner}
        read = words.__getitem__
        value = _through(name, lambda member: member.value)
    elif get_origin(inner) is tuple and is_dataclass(get_args(inner)[0]):
        expression, read = "{}::text", _Texts(hint).__getitem__
        value = _through(name, json_text)
    elif get_origin(inner) is tuple:
        read = _tuple_or_none
        value = _through(name, list)
    return Column(name, value), Selected(name, expression, read)


def _through(name: str, write: Callable[[Any], object]) -> Callable[[Any], object]:
    def value(row: object) -> object:
        held = getattr(row, name)
        return None if held is None else write(held)

    return value


def _tuple_or_none(items: list[object] | None) -> tuple[object, ...] | None:
    return None if items is None else tuple(items)


def _inner(hint: Any) -> Any:
    """Give the type of what is there, where something is."""
    if get_origin(hint) is UnionType:
        [inner] = [each for each in get_args(hint) if each is not NoneType]
        return inner
    return hint


def _data(value: Any) -> object:
    """Give a value as JSON data; a field from_ is called "from", what is as it would be without is left out."""
    match value:
        case Enum():
            return value.value
        case date():
            return value.isoformat()
        case None | bool() | int() | str():
            return value
        case _ if is_dataclass(value):
            return {
                field.name.removesuffix("_"): _data(getattr(value, field.name))
                for field in fields(value)
                if getattr(value, field.name) != field.default
            }
        case _ if hasattr(value, "_asdict"):
            return {name: _data(each) for name, each in value._asdict().items()}
        case _:
            return [_data(each) for each in value]
