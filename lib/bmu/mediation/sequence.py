"""Sequence numbers in the names of files: found by a pattern, counted on past the end of their range, and missed."""

from dataclasses import dataclass, replace
from itertools import groupby

NUMBER, ANY, ONE = "#", "*", "?"
PATTERN_CHARACTERS_MAX = 255
DIGITS_MAX = 18


def is_pattern(text: str) -> bool:
    """
    Tell whether a text finds numbers in names.

    Shapes:
        text: `#` stands for the number's digits, once; `*` for any characters, `?` for any one, all else for itself.
    """
    return 0 < len(text) <= PATTERN_CHARACTERS_MAX and text.count(NUMBER) == 1


def number_in(pattern: str, name: str) -> int | None:
    """Give the number that a name holds, its last digits that fit; None: it does not fit. Time: at most pattern times name, a run of digits."""
    before, after = pattern.split(NUMBER)
    end = len(name)
    for is_digits, run in reversed([(d, len([*r])) for d, r in groupby(name, _is_digit)]):
        start = end - run
        if (
            is_digits
            and run <= DIGITS_MAX
            and _fits(before, name[:start])
            and _fits(after, name[end:])
        ):
            return int(name[start:end])
        end = start
    return None


def _is_digit(character: str) -> bool:
    return "0" <= character <= "9"


def _fits(pattern: str, text: str) -> bool:
    """Tell whether a text is as a pattern without a number says; it goes back to the last `*` only."""
    at = place = tried = 0
    star = -1
    while place < len(text):
        if at < len(pattern) and pattern[at] == ANY:
            star, tried = at, place
            at += 1
        elif at < len(pattern) and pattern[at] in {ONE, text[place]}:
            at += 1
            place += 1
        elif star >= 0:
            tried += 1
            at, place = star + 1, tried
        else:
            return False
    return pattern[at:].strip(ANY) == ""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from one to another, both in it."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Counted:
    """
    How far a source has counted.

    Shapes:
        newest: the furthest number, counted on where the source began anew; None: there was none.
        cycle: what the source counts through before it begins anew; None: it goes on for ever.
    """

    newest: int | None
    cycle: Range | None = None

    def place(self, number: int) -> int:
        """Give a number counted on: of those that it may be, the one nearest to the newest."""
        if self.newest is None or self.cycle is None:
            return number
        size = self.cycle.last - self.cycle.first + 1
        ahead = (number - self.newest) % size
        return self.newest + (ahead if ahead <= size // 2 else ahead - size)

    def go_on(self, place: int) -> tuple["Counted", Range | None]:
        """Give how far it is with a number, and the numbers that were passed over."""
        if self.newest is None or place <= self.newest:
            return (self if self.newest is not None else replace(self, newest=place)), None
        missed = Range(self.newest + 1, place - 1) if place > self.newest + 1 else None
        return replace(self, newest=place), missed


def without(gap: Range, place: int) -> list[Range]:
    """Give what is left of missed numbers when one of them has come."""
    left = [Range(gap.first, place - 1), Range(place + 1, gap.last)]
    return [each for each in left if each.first <= each.last]


def named(place: int, cycle: Range | None) -> int:
    """Give the number as the source writes it, of one that was counted on."""
    if cycle is None:
        return place
    return cycle.first + (place - cycle.first) % (cycle.last - cycle.first + 1)
