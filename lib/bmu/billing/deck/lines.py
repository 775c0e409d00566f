"""A rate deck as operators send it: CSV with a header, a price of one or several prefixes a line."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import NamedTuple, TypeVar

from bmu.billing.catalogue.table import numbered
from bmu.money import parse_e11
from bmu.rating.price import INT64_MAX

T = TypeVar("T")

NAME_CHARACTERS_MAX = 200
# What the columns may be called; small letters, digits alone.
NAMES: Mapping[str, tuple[str, ...]] = {
    "prefix": ("prefix", "prefixes", "code", "codes", "dialcode", "dialcodes", "areacode"),
    "name": ("name", "destination", "description", "country", "zone"),
    "price": ("price", "rate", "pricemin", "ratemin", "priceperminute", "rateperminute"),
    "increments": ("increments", "increment", "billingincrement", "billingincrements", "rounding"),
    "connect": ("connect", "connectfee", "connectionfee", "setup", "setupfee"),
    "effective": ("effective", "effectivedate", "effectivefrom", "validfrom", "from", "date"),
}
_NEEDED = ("prefix", "price")
_PREFIX = re.compile(r"\+?([0-9]{1,15})")
_INCREMENTS = re.compile(r"([0-9]{1,9})(?:[/+]([0-9]{1,9}))?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class DeckLine(NamedTuple):
    """
    The price of one prefix.

    Units:
        minimum, increment: seconds.
        effective: the first day; none: whatever the day.
    """

    line: int
    prefix: str
    name: str
    price_e11: int
    minimum: int
    increment: int
    connect_e11: int
    effective: date | None


def read_deck(
    name: str, text: str, columns: Mapping[str, str] | None = None
) -> tuple[DeckLine, ...] | tuple[str, ...]:
    """
    Read a deck, or give everything that is wrong with it, a line each; *name* is of its file.

    Shapes:
        columns: by prefix, name, price, increments, connect and effective, what the header calls them, where
            that is none of `NAMES`.
    """
    faults: list[str] = []
    found: list[DeckLine] = []
    lines = numbered(name, text, faults)
    at, header = next(lines, (1, []))
    places = _places(f"{name}:{at}", header, columns or {}, faults)
    if faults:
        return tuple(faults)
    reading = _Cells()
    seen: dict[tuple[str, date | None], int] = {}
    for number, cells in lines:
        wrong = [f"has {len(cells)} fields, the first line {len(header)}"]
        if len(cells) == len(header):
            wrong, of_line = reading.read(number, cells, places)
            for one in of_line:
                other = seen.setdefault((one.prefix, one.effective), number)
                if other != number:
                    wrong.append(f"prefix: {one.prefix} stands on line {other} already")
            found += of_line
        faults += [f"{name}:{number}: {what}" for what in wrong]
    return tuple(faults) if faults else tuple(found)


def _places(
    place: str, header: Sequence[str], columns: Mapping[str, str], faults: list[str]
) -> dict[str, int]:
    """Tell in which column each field stands."""
    plain = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in header]
    found: dict[str, int] = {}
    for field, names in NAMES.items():
        if field in columns:
            wanted = columns[field]
            if wanted in header:
                found[field] = header.index(wanted)
            else:
                faults.append(f"{place}: has no column {wanted!r}")
            continue
        there = [number for number, cell in enumerate(plain) if cell in names]
        if there:
            found[field] = there[0]
        elif field in _NEEDED:
            faults.append(f"{place}: no column is called {field}, or like it: {', '.join(names)}")
    return found


class _Cells:
    """Reads lines; prices, names and days come again and again, and are read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[object, str]] = {}

    def read(
        self, number: int, cells: Sequence[str], places: Mapping[str, int]
    ) -> tuple[list[str], list[DeckLine]]:
        """Give what is wrong with a line, and its prices by prefix."""
        wrong: list[str] = []

        def value(field: str, read: Callable[[str], T], default: T) -> T:
            at = places.get(field)
            text = cells[at] if at is not None else ""
            if not text and field not in _NEEDED:
                return default
            known = self._known.get((field, text))
            if known is None:
                try:
                    known = (read(text), "")
                except ValueError as error:
                    known = (default, f"{field}: {error}")
                self._known[field, text] = known
            if known[1]:
                wrong.append(known[1])
            return known[0]  # type: ignore[return-value]  # what *read* gave

        name = value("name", _name, "")
        price = value("price", _amount, 0)
        minimum, increment = value("increments", _increments, (1, 1))
        connect = value("connect", _amount, 0)
        effective: date | None = value("effective", _day, date.min)
        effective = None if effective == date.min else effective
        try:
            prefixes = _prefixes(cells[places["prefix"]])
        except ValueError as error:
            return [*wrong, f"prefix: {error}"], []
        return wrong, [
            DeckLine(number, prefix, name or prefix, price, minimum, increment, connect, effective)
            for prefix in prefixes
        ]


def _prefixes(text: str) -> list[str]:
    found = []
    for part in re.split(r"[\s,;]+", text):
        match = _PREFIX.fullmatch(part)
        if match is None:
            raise ValueError(f"{part[:40]!r} is not 1 to 15 digits")
        found.append(match[1])
    return found


def _name(text: str) -> str:
    if len(text) > NAME_CHARACTERS_MAX or not text.isprintable():
        raise ValueError(f"is longer than {NAME_CHARACTERS_MAX} characters, or can't be printed")
    return text


def _amount(text: str) -> int:
    amount = parse_e11(text)
    if not 0 <= amount <= INT64_MAX:
        raise ValueError(f"{text[:40]!r} is negative, or too large")
    return amount


def _increments(text: str) -> tuple[int, int]:
    match = _INCREMENTS.fullmatch(text)
    if match is None or int(match[2] or match[1]) == 0:
        raise ValueError(f"{text[:40]!r} is not like 60/6 or 1/1, in seconds")
    return int(match[1]), int(match[2] or match[1])


def _day(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no day like 2026-12-31")
    return date.fromisoformat(text)
