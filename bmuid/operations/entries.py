"""Documents that staff load (TOML): values of the wanted kind, and every fault noted with its place."""

import tomllib
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

from bmuid.operations.grammar import ArgumentError, Choice, Integer, Pattern, Text
from bmuid.operations.registry import Refused
from bmuid.operations.statement import FIRST_DAY, UsageDay

T = TypeVar("T")

FAULTS_SHOWN_MAX = 50


class Entry:
    """One table of a document; it gives values of the wanted kind and notes what is wrong, once each."""

    def __init__(self, values: dict[str, object], place: str, faults: list[str]) -> None:
        self._values, self._place, self._faults = values, place, faults
        self._known: set[str] = set()

    def fault(self, key: str, text: str) -> None:
        """Note what is wrong with *key*."""
        place = f"{self._place}.{key}" if self._place else key
        self._faults.append(f"{place}: {text}")

    def has(self, key: str) -> bool:
        """Tell whether *key* is given."""
        return key in self._values

    def text(self, key: str, grammar: Text | Pattern | Choice) -> str:
        """Give a text of that grammar, which must be there."""
        self._known.add(key)
        value = self._values.get(key)
        if value is None:
            self.fault(key, f"is missing; it is {grammar.described}")
            return ""
        if not isinstance(value, str):
            self.fault(key, f"must be text: {grammar.described}")
            return ""
        try:
            return grammar.parse(value)
        except ArgumentError as error:
            self.fault(key, str(error))
            return ""

    def number(self, key: str, grammar: Integer, default: int) -> int:
        """Give a whole number between the bounds."""
        self._known.add(key)
        value = self._values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fault(key, f"must be {grammar.described}")
            return default
        try:
            return grammar.parse(str(value))
        except ArgumentError as error:
            self.fault(key, str(error))
            return default

    def day(self, key: str) -> date:
        """Give a day that must be there."""
        day = self.day_or_none(key)
        if day is None and not self.has(key):
            self.fault(key, "is missing; it is a date like 2026-08-31, without quotes")
        return day or FIRST_DAY

    def day_or_none(self, key: str) -> date | None:
        """Give a day; None: it is not given."""
        self._known.add(key)
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            self.fault(key, "must be a date like 2026-08-31, without quotes")
            return None
        try:
            return UsageDay().parse(value.isoformat())
        except ArgumentError as error:
            self.fault(key, str(error))
            return None

    def each(self, key: str, read: Callable[["Entry"], T]) -> tuple[T, ...]:
        """Read each table of a list; none where it is not given."""
        self._known.add(key)
        values = self._values.get(key, [])
        if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
            self.fault(key, f"must be tables, each written [[{key}]] or {{ ... }}")
            return ()
        found = []
        for number, one in enumerate(values, 1):
            place = f"{self._place}.{key}" if self._place else key
            entry = Entry(one, f"{place}[{number}]", self._faults)
            found.append(read(entry))
            entry.end()
        return tuple(found)

    def end(self) -> None:
        """Note the keys that nobody asked for."""
        for key in self._values:
            if key not in self._known:
                self.fault(
                    key, f"there is no such key; known are {', '.join(sorted(self._known))}"
                )


def read_document(text: str, read: Callable[[Entry], T]) -> T | Refused:
    """Read a whole document; Refused("BAD_DOCUMENT") names every fault."""
    faults: list[str] = []
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return bad_document([f"not TOML: {error}"])
    entry = Entry(values, "", faults)
    found = read(entry)
    entry.end()
    return bad_document(faults) if faults else found


def bad_document(faults: list[str]) -> Refused:
    """Refuse a document for its faults, each on a line."""
    shown = faults[:FAULTS_SHOWN_MAX]
    if len(faults) > len(shown):
        shown.append(f"and {len(faults) - len(shown)} more")
    return Refused("BAD_DOCUMENT", "\n".join(shown))
