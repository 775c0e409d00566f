"""One thing to mend in a catalogue, and how it is said."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from itertools import pairwise
from typing import NamedTuple, Protocol, TypeVar


class Fault(NamedTuple):
    """One thing to mend: in which table, in the row of which code, and what."""

    table: str
    code: str
    what: str


class Coded(Protocol):
    """A row with a code."""

    @property
    def code(self) -> str:
        """What other rows call it."""


class Dated(Coded, Protocol):
    """A row that holds over some days."""

    @property
    def valid_from(self) -> date | None:
        """The first day."""

    @property
    def valid_to(self) -> date | None:
        """The day after the last."""


CodedRow = TypeVar("CodedRow", bound=Coded)
DatedRow = TypeVar("DatedRow", bound=Dated)


def once(table: str, rows: Iterable[Coded]) -> Iterator[Fault]:
    """Find codes that several rows have."""
    for code, times in Counter(row.code for row in rows).items():
        if times > 1:
            yield Fault(table, code, f"is there {times} times")


def each(
    table: str, rows: Iterable[CodedRow], check: Callable[[CodedRow], Iterator[str]]
) -> Iterator[Fault]:
    """Find the faults of each row."""
    return (Fault(table, row.code, what) for row in rows for what in check(row))


def overlapping(
    rows: Iterable[DatedRow], key: Callable[[DatedRow], object]
) -> Iterator[tuple[DatedRow, DatedRow]]:
    """Find rows of one key that share days, each with the one before it."""
    found: dict[object, list[DatedRow]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    for alike in found.values():
        if len(alike) == 1:
            continue
        alike.sort(key=lambda row: row.valid_from or date.min)
        widest = alike[0]
        for row in alike[1:]:
            end = widest.valid_to
            if end is None or row.valid_from is None or end > row.valid_from:
                yield widest, row
            if end is not None and (row.valid_to is None or row.valid_to > end):
                widest = row


def unknown(names: Iterable[str | None], known: Collection[str], noun: str) -> Iterator[str]:
    """Say which names nothing has."""
    for name in names:
        if name is not None and name not in known:
            yield f"names the {noun} {name!r}, which does not exist"


def repeated(names: Iterable[str], noun: str) -> Iterator[str]:
    """Say which names stand more than once."""
    for code, times in Counter(names).items():
        if times > 1:
            yield f"names the {noun} {code!r} {times} times"


def refused(read: Callable[[], object]) -> Iterator[str]:
    """Say what a reader refuses."""
    try:
        read()
    except ValueError as error:
        yield str(error)


def outside(noun: str, number: int, least: int, most: int) -> Iterator[str]:
    """Say that a number is too small or too large."""
    if number < least:
        yield f"{noun} is {number}, less than {least}"
    if number > most:
        yield f"{noun} is {number}, more than {most}"


def backwards(first: date | None, end: date | None) -> Iterator[str]:
    """Say that days end before they begin."""
    if first is not None and end is not None and first >= end:
        yield f"ends on {end}, not after it starts on {first}"


def rising(noun: str, numbers: list[int]) -> Iterator[str]:
    """Say where numbers that are to rise don't."""
    for before, after in pairwise(numbers):
        if after <= before:
            yield f"{noun} {after} follows {before}; each must begin after the one before it"


def circle(code: str, next_of: Callable[[str], str | None]) -> bool:
    """Tell whether one comes back to a code by going on from it."""
    seen = {code}
    at = next_of(code)
    while at is not None and at not in seen:
        seen.add(at)
        at = next_of(at)
    return at == code
