"""Tables of a document that people write (TOML): values of the wanted kind, every fault noted with its place."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import Enum
from typing import TypeVar

from bmu.money import parse_e11

E = TypeVar("E", bound=Enum)
R = TypeVar("R")

TEXT_CHARACTERS_MAX = 200
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Entry:
    """
    One table; what is wrong with it is noted, and something of the wanted kind is given all the same.

    So reading goes on to the end of the document, and all its faults are told at once.
    """

    __slots__ = ("_asked", "_faults", "_values", "place")

    def __init__(self, values: Mapping[str, object], place: str, faults: list[str]) -> None:
        self._values = values
        self._faults = faults
        self._asked: set[str] = set()
        self.place = place

    def fault(self, key: str, what: str) -> None:
        """Note what is wrong with a key."""
        self._faults.append(f"{self.place}.{key}: {what}" if self.place else f"{key}: {what}")

    def has(self, key: str) -> bool:
        """Tell whether a key is given."""
        self._asked.add(key)
        return key in self._values

    def raw(self, key: str) -> object:
        """Give what stands there, whatever it is; nothing where the key is not given."""
        self._asked.add(key)
        return self._values.get(key)

    def text(self, key: str) -> str:
        """Give a text of printable characters, which must be there."""
        value = self._required(key, str, "text in quotes")
        if value is None:
            return ""
        if not 0 < len(value) <= TEXT_CHARACTERS_MAX or not value.isprintable():
            self.fault(key, f"must be 1 to {TEXT_CHARACTERS_MAX} printable characters")
        return value

    def code(self, key: str) -> str:
        """Give a code, which must be there."""
        value = self._required(key, str, "a code in quotes")
        if value is None:
            return ""
        if not _CODE.fullmatch(value):
            self.fault(key, f"{value[:70]!r} is no code: letters, digits, and . _ - between them")
        return value

    def codes(self, key: str) -> tuple[str, ...]:
        """Give a list of texts, which must be there and may be empty."""
        values = self._required(key, list, 'a list of texts, like ["A", "B"]')
        if values is None:
            return ()
        texts = tuple(value for value in values if isinstance(value, str))
        if len(texts) < len(values):
            self.fault(key, "must hold texts in quotes only")
        return texts

    def choice(self, key: str, kinds: type[E]) -> E:
        """Give one of the named kinds, which must be there."""
        value = self._required(key, str, "text in quotes")
        known = {kind.value: kind for kind in kinds}
        if value is not None and value not in known:
            self.fault(key, f"{value[:70]!r} is none of {', '.join(known)}")
        return known.get(value, next(iter(kinds)))

    def whole(self, key: str) -> int:
        """Give a whole number, which must be there."""
        value = self._required(key, int, "a whole number, without quotes")
        return 0 if value is None else value

    def flag(self, key: str) -> bool:
        """Give true or false, which must be there."""
        return self._required(key, bool, "true or false, without quotes") is True

    def wholes(self, key: str) -> tuple[int, ...]:
        """Give a list of whole numbers, which must be there."""
        return self._list(key, int, "whole numbers, like [50, 80, 100]")

    def days(self, key: str) -> tuple[date, ...]:
        """Give a list of days, which must be there."""
        return self._list(key, date, "dates, like [2026-12-25, 2026-12-26]")

    def amount_e11(self, key: str) -> int:
        """Give an amount, which must be there, written as a decimal in quotes so that it is exact."""
        value = self._required(key, str, 'a decimal in quotes, like "0.0125"')
        if value is None:
            return 0
        try:
            return parse_e11(value)
        except ValueError as error:
            self.fault(key, str(error))
            return 0

    def day(self, key: str) -> date | None:
        """Give a day, or nothing where none is given."""
        self._asked.add(key)
        value = self._values.get(key)
        if isinstance(value, datetime) or not isinstance(value, date | None):
            self.fault(key, "must be a date like 2026-08-31, without quotes")
            return None
        return value

    def table(self, key: str, read: Callable[["Entry"], R]) -> R:
        """Read a table, which must be there."""
        value = self._required(key, dict, f"a table: [{key}]")
        entry = Entry(value or {}, key, self._faults if value is not None else [])
        found = read(entry)
        entry.end()
        return found

    def each(self, key: str, read: Callable[["Entry"], R]) -> tuple[R, ...]:
        """Read each table of a list; none where it is not given."""
        self._asked.add(key)
        values = self._values.get(key, [])
        if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
            self.fault(key, f"must be tables, each begun with [[{key}]]")
            return ()
        found = []
        place = f"{self.place}.{key}" if self.place else key
        for number, one in enumerate(values, 1):
            entry = Entry(one, f"{place}[{number}]", self._faults)
            found.append(read(entry))
            entry.end()
        return tuple(found)

    def end(self) -> None:
        """Note the keys that nobody asked for."""
        known = ", ".join(sorted(self._asked))
        for key in sorted(self._values.keys() - self._asked):
            self.fault(key, f"there is no such key; known are {known}")
            self._asked.add(key)

    def _list(self, key: str, kind: type[R], described: str) -> tuple[R, ...]:
        values = self._required(key, list, f"a list of {described}")
        if values is None:
            return ()
        # A day with a time is one of Python's days, too, and true one of its numbers.
        found = tuple(
            one for one in values if isinstance(one, kind) and not isinstance(one, bool | datetime)
        )
        if len(found) < len(values):
            self.fault(key, f"must hold nothing but {described}")
        return found

    def _required(self, key: str, kind: type[R], described: str) -> R | None:
        self._asked.add(key)
        value = self._values.get(key)
        if isinstance(value, kind) and not (isinstance(value, bool) and kind is int):
            return value
        self.fault(
            key, f"{'is missing' if value is None else 'is of another kind'}; give {described}"
        )
        return None
