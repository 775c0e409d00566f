"""Fields of a catalogue's tables: how a value is written, in TOML and in a cell of a CSV table."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Generic, Protocol, TypeVar

from bmu.billing.document import Entry
from bmu.money import ONE_E11, decimal_text

# What TOML holds, and so what is written.
Plain = str | int | bool | date
Written = Plain | Sequence[Plain] | Sequence[Mapping[str, "Written"]]

T = TypeVar("T")

# In place of the default of a field that must be there.
REQUIRED = object()
PPM_E11 = ONE_E11 // 1_000_000

_WHOLE = re.compile(r"-?[0-9]{1,19}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FLAGS = {"yes": True, "true": True, "no": False, "false": False}


class Kind(Protocol):
    """What a field holds; a cell that can't be read as it is left as text, for `read` to say so."""

    def read(self, entry: Entry, key: str) -> object:
        """Give the value of a key; what is wrong is noted with the entry."""

    def of_cell(self, text: str) -> object:
        """Give what TOML would hold for the text of a cell."""

    def write(self, value: object) -> Written:
        """Give what TOML is to hold for a value."""


@dataclass(frozen=True, slots=True)
class Field:
    """
    One field of a table.

    Shapes:
        key: in the document; name: of the row's attribute.
        default: where the key is not given; REQUIRED: it must be.
    """

    key: str
    name: str
    kind: Kind
    default: object = REQUIRED

    def read(self, entry: Entry) -> object:
        """Give the field's value, or its default."""
        if self.default is REQUIRED or entry.has(self.key):
            return self.kind.read(entry, self.key)
        return self.default


class _Same(Generic[T]):
    """A value that is written as it is."""

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[Entry, str], T]) -> None:
        self._read = read

    def read(self, entry: Entry, key: str) -> T:
        return self._read(entry, key)

    def of_cell(self, text: str) -> object:
        return text

    def write(self, value: object) -> Written:
        assert isinstance(value, str | int | date), value
        return value


class _Whole(_Same[int]):
    def of_cell(self, text: str) -> object:
        return int(text) if _WHOLE.fullmatch(text) else text


class _Day(_Same[date | None]):
    def of_cell(self, text: str) -> object:
        try:
            return date.fromisoformat(text) if _DAY.fullmatch(text) else text
        except ValueError:
            return text


class _Flag(_Same[bool]):
    def of_cell(self, text: str) -> object:
        return _FLAGS.get(text.lower(), text)


class _Amount(_Same[int]):
    def write(self, value: object) -> Written:
        assert isinstance(value, int), value
        return decimal_text(value)


class _PPM(_Amount):
    """A rate as a decimal, like "0.2" for 20 %; parts per million in a row."""

    def read(self, entry: Entry, key: str) -> int:
        rate_ppm, rest = divmod(entry.amount_e11(key), PPM_E11)
        if rest:
            entry.fault(key, "has more than 6 decimal places")
        return rate_ppm

    def write(self, value: object) -> Written:
        assert isinstance(value, int), value
        return decimal_text(value * PPM_E11)


class _List(_Same[tuple[T, ...]]):
    """Values of one kind; in a cell they are parted by blanks."""

    __slots__ = ("_one",)

    def __init__(self, read: Callable[[Entry, str], tuple[T, ...]], one: Kind) -> None:
        super().__init__(read)
        self._one = one

    def of_cell(self, text: str) -> object:
        return [self._one.of_cell(part) for part in text.split()]

    def write(self, value: object) -> Written:
        assert isinstance(value, tuple), value
        return list(value)


NAME: Kind = _Same(Entry.text)
CODE: Kind = _Same(Entry.code)
WHOLE: Kind = _Whole(Entry.whole)
DAY: Kind = _Day(Entry.day)
FLAG: Kind = _Flag(Entry.flag)
AMOUNT: Kind = _Amount(Entry.amount_e11)
PPM: Kind = _PPM(Entry.amount_e11)
CODES: Kind = _List(Entry.codes, CODE)
WHOLES: Kind = _List(Entry.wholes, WHOLE)
DAYS: Kind = _List(Entry.days, DAY)


class Word:
    """One of the named kinds."""

    __slots__ = ("_kinds",)

    def __init__(self, kinds: type[Enum]) -> None:
        self._kinds = kinds

    def read(self, entry: Entry, key: str) -> Enum:
        """Give the one named."""
        return entry.choice(key, self._kinds)

    def of_cell(self, text: str) -> object:
        """Give the text."""
        return text

    def write(self, value: object) -> Written:
        """Give its name."""
        assert isinstance(value, Enum), value
        return str(value.value)


class Tables:
    """Tables within a table; in a cell like "after=60 price=0.05; after=120 price=0.04"."""

    __slots__ = ("_fields", "_make")

    def __init__(self, make: Callable[..., object], *fields: Field) -> None:
        self._make = make
        self._fields = fields

    def read(self, entry: Entry, key: str) -> tuple[object, ...]:
        """Give each table as a row."""
        return entry.each(
            key, lambda one: self._make(**{each.name: each.read(one) for each in self._fields})
        )

    def of_cell(self, text: str) -> object:
        """Give the tables of a cell."""
        kinds = {each.key: each.kind for each in self._fields}
        tables: list[object] = []
        for part in text.split(";"):
            pairs = [word.partition("=") for word in part.split()]
            tables.append(
                {
                    key: kinds[key].of_cell(value) if key in kinds else value
                    for key, _, value in pairs
                }
            )
        return tables

    def write(self, value: object) -> Written:
        """Give each row as a table."""
        assert isinstance(value, tuple), value
        return [written(self._fields, row) for row in value]


def written(fields: Sequence[Field], row: object) -> dict[str, Written]:
    """Give a row's fields as a document has them; those with their default are left out."""
    found = {}
    for each in fields:
        value = getattr(row, each.name)
        if each.default is REQUIRED or value != each.default:
            found[each.key] = each.kind.write(value)
    return found
