"""Frozen dataclasses to plain tables and back, by what their fields are declared as; every fault with its place."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import NamedTuple, get_args, get_origin, get_type_hints

TEXT_CHARACTERS_MAX = 10_000
LIST_MAX = 10_000

Read = Callable[["Faults", object, str], object]
Written = Callable[[object], object]


class Faults(list[str]):
    """What is wrong with a document, a sentence each, the place in front."""

    def note(self, place: str, what: str) -> None:
        """Note one."""
        self.append(f"{place}: {what}" if place else what)


class Form(NamedTuple):
    """How values of a type are read from a plain one, and written as such."""

    read: Read
    write: Written


class Spelling(NamedTuple):
    """
    What a document says otherwise than the dataclasses do.

    Shapes:
        keys: of fields, the keys that they have in a document.
        tags: of unions of dataclasses, the key that tells which one is meant.
        flat: unions whose keys stand among those of the dataclass that has them.
        forms: of types, how they are written.
    """

    keys: Mapping[str, str]
    tags: Mapping[object, str]
    flat: frozenset[object]
    forms: Mapping[object, Form]


class Shape:
    """Reads and writes values of dataclasses in one spelling."""

    def __init__(self, spelling: Spelling) -> None:
        self._spelling = spelling

    def read(self, kind: object, value: object, place: str, faults: Faults) -> object:
        """Give a value of the kind; where something is wrong it is noted, and what is given says nothing."""
        form = self._spelling.forms.get(kind)
        if form is not None:
            return form.read(faults, value, place)
        if isinstance(kind, UnionType):
            return self._read_union(kind, value, place, faults)
        if get_origin(kind) is tuple:
            return self._read_list(get_args(kind)[0], value, place, faults)
        assert isinstance(kind, type), kind
        if is_dataclass(kind):
            return self._read_table(kind, value, place, faults)
        return _read_plain(kind, value, place, faults)

    def write(self, kind: object, value: object) -> object:
        """Give the plain value of which read() makes this one."""
        form = self._spelling.forms.get(kind)
        if form is not None:
            return form.write(value)
        if isinstance(kind, UnionType):
            if _one_of(kind) is not None:
                return self.write(_one_of(kind), value)
            tag = {self._spelling.tags[kind]: _tag_of(type(value))}
            return tag | self._written(value)
        if isinstance(value, tuple):
            return [self.write(get_args(kind)[0], each) for each in value]
        if isinstance(value, Enum):
            return value.value
        return self._written(value) if is_dataclass(type(value)) else value

    def key(self, name: str) -> str:
        """Give the key that a field has in a document."""
        return self._spelling.keys.get(name, name)

    def _written(self, value: object) -> dict[str, object]:
        kinds, table = _kinds(type(value)), {}
        for name, default in _fields(type(value)).items():
            each = getattr(value, name)
            if each == default and default is not MISSING:
                continue
            plain = self.write(kinds[name], each)
            if kinds[name] in self._spelling.flat and isinstance(plain, dict):
                table.update(plain)
            else:
                table[self.key(name)] = plain
        return table

    def _read_union(self, kind: UnionType, value: object, place: str, faults: Faults) -> object:
        only = _one_of(kind)
        if only is not None:
            return self.read(only, value, place, faults)
        table = _table(value, place, faults)
        if table is None:
            return None
        tag = self._spelling.tags[kind]
        known = {_tag_of(each): each for each in get_args(kind)}
        said = table.get(tag)
        if not isinstance(said, str) or said not in known:
            wrong = "is not given" if said is None else f"{said!r:.70} is none of them"
            faults.note(_below(place, tag), f"{wrong}; there are {', '.join(known)}")
            return None
        rest = {key: each for key, each in table.items() if key != tag}
        return self._read_table(known[said], rest, place, faults)

    def _read_list(self, kind: object, value: object, place: str, faults: Faults) -> object:
        if not isinstance(value, list) or len(value) > LIST_MAX:
            is_tables = isinstance(kind, type) and is_dataclass(kind)
            wanted = f"tables, each begun with [[{place}]]" if is_tables else 'like ["a", "b"]'
            faults.note(place, f"must be a list, {wanted}")
            return ()
        return tuple(
            self.read(kind, each, f"{place}[{number}]", faults)
            for number, each in enumerate(value, 1)
        )

    def _read_table(self, kind: type, value: object, place: str, faults: Faults) -> object:
        table = _table(value, place, faults)
        if table is None:
            return None
        before, kinds, found = len(faults), _kinds(kind), dict[str, object]()
        wanted = {self.key(name): name for name in _fields(kind)}
        flat = next((name for name in kinds if kinds[name] in self._spelling.flat), None)
        rest = {
            key: each for key, each in table.items() if key not in wanted or wanted[key] == flat
        }
        for key, name in wanted.items():
            if name == flat:
                found[name] = self.read(kinds[name], rest, place, faults)
            elif key in table:
                found[name] = self.read(kinds[name], table[key], _below(place, key), faults)
            elif _fields(kind)[name] is MISSING:
                faults.note(_below(place, key), "is not given")
        for key in rest if flat is None else ():
            faults.note(_below(place, key), f"is not known; there are {', '.join(wanted)}")
        return kind(**found) if len(faults) == before else None


def _below(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _table(value: object, place: str, faults: Faults) -> dict[str, object] | None:
    if isinstance(value, dict):
        return value
    faults.note(place, "must be a table, like { key = value }")
    return None


_WORDS: Mapping[type, str] = {
    str: 'text in quotes, like "text"',
    int: "a whole number, without quotes",
    bool: "true or false, without quotes",
}


def _read_plain(kind: type, value: object, place: str, faults: Faults) -> object:
    """Read a text, a number, true or false, or one of the words of an enum."""
    if issubclass(kind, Enum):
        known = {each.value: each for each in kind}
        if isinstance(value, str) and value in known:
            return known[value]
        faults.note(place, f"{value!r:.70} is none of {', '.join(known)}")
        return None
    if type(value) is not kind:
        faults.note(place, f"must be {_WORDS[kind]}")
    elif isinstance(value, str) and len(value) > TEXT_CHARACTERS_MAX:
        faults.note(place, f"is longer than {TEXT_CHARACTERS_MAX:,} characters")
    return value


def _one_of(kind: UnionType) -> object:
    """Give the kind of a value that may be None; None of others."""
    kinds = [each for each in get_args(kind) if each is not NoneType]
    if len(kinds) == len(get_args(kind)):
        return None
    return reduce(or_, kinds) if kinds else None


def _tag_of(kind: type) -> str:
    """Give the word for a dataclass: JSONLine is JSON_LINE."""
    name = kind.__name__
    words = [
        f"_{char}"
        if n and char.isupper() and (name[n - 1].islower() or name[n + 1 : n + 2].islower())
        else char
        for n, char in enumerate(name)
    ]
    return "".join(words).upper()


def _kinds(kind: type) -> dict[str, object]:
    return get_type_hints(kind)


def _fields(kind: type) -> dict[str, object]:
    """Give a dataclass's fields and their defaults, MISSING where one has to be given."""
    return {each.name: each.default for each in fields(kind)}
