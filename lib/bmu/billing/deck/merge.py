"""What a deck changes: the rates of one rate group, and the places that they need."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import NamedTuple

from bmu.billing.catalogue.reading import UNSTORED, rate_code
from bmu.billing.deck.lines import DeckLine
from bmu.rating import (
    LocationPatternRow,
    LocationRow,
    RateKind,
    RateRow,
    RoundingRow,
    TariffRows,
)


class Change(Enum):
    """What becomes of a prefix's price."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    REMOVED = "REMOVED"


class DeckChange(NamedTuple):
    """
    One price that changes.

    Shapes:
        line: of the deck; 0: the deck does not have it.

    Units:
        old_e11, new_e11: for *per* base units; none: there is none.
        effective: the first day of it; none: whatever the day.
    """

    change: Change
    prefix: str
    name: str
    old_e11: int | None
    new_e11: int | None
    effective: date | None
    line: int


@dataclass(frozen=True, slots=True)
class Target:
    """
    Where a deck goes.

    Shapes:
        is_whole: what the deck does not have ends with it; else it stays.

    Units:
        per: base units that the deck's prices are for.
        effective: the first day, where a line of the deck has none; none: whatever the day.
    """

    rate_group: str
    usage_class: str
    per: int = 60
    effective: date | None = None
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Merged:
    """The rows with the deck's prices, and what of them is not as before."""

    rows: TariffRows
    changes: tuple[DeckChange, ...]
    unchanged: int


def merge(deck: Sequence[DeckLine], rows: TariffRows, target: Target) -> Merged:
    """
    Set the prices of one rate group and usage class as a deck has them; no other group's rates change.

    Each prefix gets a location of its own, below the one that its numbers had before, so what is priced there stays
    as it was. A number costs what the longest prefix of the deck says, however the tree is laid.
    """
    places = _Places(rows)
    merging = _Merging(rows, target, places)
    lines = [
        line if line.effective is not None else line._replace(effective=target.effective)
        for line in sorted(
            deck, key=lambda one: (len(one.prefix), one.prefix, one.effective or date.min)
        )
    ]
    for line in lines:
        merging.set(line, places.own(line.prefix, line.name))
    for line, place in places.astray(lines):
        merging.set(line, place)
    if target.is_whole:
        merging.end_others()
    return merging.merged()


class _Places:
    """Locations and patterns, which grow by those that a deck needs."""

    def __init__(self, rows: TariffRows) -> None:
        self.locations = {row.code: row for row in rows.locations}
        self.patterns = list(rows.location_patterns)
        self.at: dict[str, int] = {}
        self._held: dict[str, int] = {}
        for number, row in enumerate(self.patterns):
            self.at[row.code] = number
            self._held[row.location] = self._held.get(row.location, 0) + 1

    def own(self, prefix: str, name: str) -> str:
        """Give the location that a prefix has alone; where it has none yet, make it."""
        number = self.at.get(prefix)
        if number is None:
            above = self._nearest(prefix[:-1])
            self.at[prefix] = len(self.patterns)
            code = self._made(prefix, name, above)
            self.patterns.append(LocationPatternRow(UNSTORED, prefix, code))
            self._held[code] = 1
            return code
        row = self.patterns[number]
        if self._held[row.location] == 1:
            return row.location
        code = self._made(prefix, name, row.location)
        self.patterns[number] = replace(row, location=code)
        self._held[row.location] -= 1
        self._held[code] = 1
        return code

    def astray(self, lines: Iterable[DeckLine]) -> Iterator[tuple[DeckLine, str]]:
        """Give places whose numbers begin with a prefix of the deck, but do not lie below that prefix's place."""
        of_prefix: dict[str, list[DeckLine]] = {}
        for line in lines:
            of_prefix.setdefault(line.prefix, []).append(line)
        for code in sorted(self.at, key=lambda one: (len(one), one)):
            longest = next(
                (code[:n] for n in range(len(code), 0, -1) if code[:n] in of_prefix), None
            )
            if longest is None or longest == code:
                continue
            priced = self.patterns[self.at[longest]].location
            if priced not in self._lineage(self.patterns[self.at[code]].location):
                place = self.own(code, of_prefix[longest][0].name)
                yield from ((line._replace(prefix=code), place) for line in of_prefix[longest])

    def _nearest(self, digits: str) -> str | None:
        for length in range(len(digits), 0, -1):
            number = self.at.get(digits[:length])
            if number is not None:
                return self.patterns[number].location
        return None

    def _made(self, prefix: str, name: str, parent: str | None) -> str:
        code = prefix
        while code in self.locations:
            code += "-"
        self.locations[code] = LocationRow(UNSTORED, code, name, parent)
        return code

    def _lineage(self, code: str | None) -> Iterator[str]:
        while code is not None:
            yield code
            code = self.locations[code].parent


class _Merging:
    """The rates of one group and class, as lines of a deck are set."""

    def __init__(self, rows: TariffRows, target: Target, places: _Places) -> None:
        self._rows = rows
        self._target = target
        self._places = places
        self._roundings = {(row.minimum, row.increment): row.code for row in rows.roundings}
        self._new_roundings: list[RoundingRow] = []
        self._of_place: dict[str, list[RateRow]] = {}
        self._order: list[str] = []
        self._set: set[str] = set()
        self._changes: list[DeckChange] = []
        self._unchanged = 0
        for row in rows.rates:
            if self._is_ours(row) and row.location is not None:
                self._of_place.setdefault(row.location, []).append(row)

    def _is_ours(self, row: RateRow) -> bool:
        target = self._target
        return row.rate_group == target.rate_group and row.usage_class == target.usage_class

    def set(self, line: DeckLine, place: str) -> None:
        """Let a line's price hold at a place from its day on."""
        self._set.add(place)
        held = self._of_place.setdefault(place, [])
        day = line.effective
        old = next((row for row in held if _holds(row, day)), None)
        new = self._rate(line, place)
        if old is not None and replace(new, code=old.code, valid_from=old.valid_from) == old:
            self._unchanged += 1
            return
        held[:] = [*_until(held, day), new]
        self._changes.append(
            DeckChange(
                Change.ADDED if old is None else Change.CHANGED,
                line.prefix,
                line.name,
                old.price_e11 if old else None,
                line.price_e11,
                day,
                line.line,
            )
        )

    def _rate(self, line: DeckLine, place: str) -> RateRow:
        target = self._target
        names = (target.rate_group, target.usage_class, place)
        return RateRow(
            id=UNSTORED,
            code=rate_code(*names, valid_from=line.effective),
            rate_group=target.rate_group,
            usage_class=target.usage_class,
            location=place,
            rounding=self._rounding(line),
            kind=RateKind.STANDARD,
            price_e11=line.price_e11,
            per=target.per,
            connect_e11=line.connect_e11,
            minimum_charge_e11=0,
            valid_from=line.effective,
        )

    def _rounding(self, line: DeckLine) -> str:
        rule = line.minimum, line.increment
        code = self._roundings.get(rule)
        if code is None:
            taken = {row.code for row in self._rows.roundings}
            code = f"{line.minimum}-{line.increment}"
            while code in taken:
                code += "-"
            self._roundings[rule] = code
            self._new_roundings.append(RoundingRow(UNSTORED, code, *rule))
        return code

    def end_others(self) -> None:
        """Let all prices end that the deck does not have."""
        prefixes: dict[str, list[str]] = {}
        for row in self._places.patterns:
            prefixes.setdefault(row.location, []).append(row.code)
        day = self._target.effective
        for place, held in self._of_place.items():
            old = (
                None
                if place in self._set
                else next((row for row in held if _holds(row, day)), None)
            )
            if old is None:
                continue
            held[:] = _until(held, day)
            name = self._places.locations[place].name
            for prefix in prefixes.get(place, [""]):
                gone = DeckChange(Change.REMOVED, prefix, name, old.price_e11, None, day, 0)
                self._changes.append(gone)

    def merged(self) -> Merged:
        """Give the rows, and what changed."""
        others = [
            row for row in self._rows.rates if not self._is_ours(row) or row.location is None
        ]
        ours = [row for held in self._of_place.values() for row in held]
        rows = replace(
            self._rows,
            locations=tuple(self._places.locations.values()),
            location_patterns=tuple(self._places.patterns),
            roundings=(*self._rows.roundings, *self._new_roundings),
            rates=(*others, *ours),
        )
        return Merged(rows, tuple(self._changes), self._unchanged)


def _holds(row: RateRow, day: date | None) -> bool:
    """Tell whether a price holds on a day; without a day, at the end of all."""
    if day is None:
        return row.valid_to is None
    return (row.valid_from is None or row.valid_from <= day) and (
        row.valid_to is None or day < row.valid_to
    )


def _until(rows: Iterable[RateRow], day: date | None) -> list[RateRow]:
    """Give what holds before a day, ended on it; what was to begin later gives way."""
    if day is None:
        return []
    return [
        row if row.valid_to is not None and row.valid_to <= day else replace(row, valid_to=day)
        for row in rows
        if row.valid_from is None or row.valid_from < day
    ]
