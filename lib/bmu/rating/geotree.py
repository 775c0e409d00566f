"""From a called number to a location: the longest pattern that the number begins with wins."""

from collections.abc import Iterable, Mapping

from bmu.rating.rows import (
    LocationPatternRow,
)

_HEAD = 3


class GeoTree:
    """
    Patterns of digits, each with its location.

    For each head of three digits only those lengths are tried that some pattern with that head
    has, longest first; a number with another head can only match a pattern shorter than a head.
    """

    __slots__ = ("_lengths", "_places", "_short")

    def __init__(
        self, patterns: Iterable[LocationPatternRow], location_index: Mapping[str, int]
    ) -> None:
        self._places = {row.code: (row.id, location_index[row.location]) for row in patterns}
        short = {code for code in self._places if len(code) < _HEAD}
        lengths: dict[str, set[int]] = {}
        for code in self._places:
            if len(code) >= _HEAD:
                lengths.setdefault(code[:_HEAD], set()).add(len(code))
        for head, found in lengths.items():
            found |= {size for size in range(1, _HEAD) if head[:size] in short}
        self._lengths = {head: tuple(sorted(s, reverse=True)) for head, s in lengths.items()}
        self._short = tuple(sorted({len(code) for code in short}, reverse=True))

    @property
    def memory(
        self,
    ) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, int]], tuple[int, ...]]:
        """What `longest` looks into: lengths by head, places by digits, lengths shorter than a head."""
        return self._lengths, self._places, self._short

    def longest(self, number: str) -> tuple[int, int] | None:
        """Find the longest pattern that *number* begins with: its id, and its location's index."""
        places = self._places
        for length in self._lengths.get(number[:_HEAD], self._short):
            place = places.get(number[:length])
            if place is not None:
                return place
        return None
