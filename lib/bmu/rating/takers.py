"""Which types of buckets take the usage of a route at a place; most places share one answer."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bmu.rating.drawing import Taker, is_plain, nearness
from bmu.rating.offers import BucketTypeRow
from bmu.rating.places import Places


class Taking(NamedTuple):
    """
    The types that take an event's usage.

    Shapes:
        takers: by code. plain: whether all are plain; then *order* has how near the place of each is, 0 the nearest,
            the others further off: only their order counts.
    """

    takers: Mapping[str, Taker]
    plain: bool
    order: Mapping[str, int]


# Places that types name, nearest first, each with whether the one before is as near.
_Near = tuple[tuple[int, bool], ...]


class Takers:
    """
    All types that may take the usage of a class on given terms.

    Shapes:
        holds_at: by the code of a time period, whether it holds at an instant.
    """

    __slots__ = ("_holds_at", "_known", "_named", "_orders", "_places", "_types", "_usage_class")

    def __init__(
        self,
        types: tuple[BucketTypeRow, ...],
        usage_class: str,
        places: Places,
        holds_at: Mapping[str, Callable[[int], bool]],
    ) -> None:
        self._types, self._usage_class = types, usage_class
        self._places, self._holds_at = places, holds_at
        named = {code for row in types for code in row.locations or ()}
        named |= {each.location for row in types for each in row.exclusions if each.location}
        self._named = frozenset(places.index[code] for code in named)
        self._known: dict[_Near, Taking] = {}
        self._orders: dict[tuple[tuple[str, int], ...], Mapping[str, int]] = {}

    def at(self, lineage: tuple[int, ...]) -> Taking:
        """
        Give the types that take usage at a place.

        Shapes:
            lineage: as `Places.reach` gives it.
        """
        near = () if self._named.isdisjoint(lineage) else self._near(lineage)
        found = self._known.get(near)
        if found is None:
            found = self._known[near] = self._taking(lineage)
        return found

    def _near(self, lineage: tuple[int, ...]) -> _Near:
        """Give the places of a lineage that types name; the groups that name one location are as near as each other."""
        named, near = self._named, []
        height = last = 0
        among_groups = False
        for place in lineage:
            is_group = place < 0
            if not (is_group and among_groups):
                height += 1
            among_groups = is_group
            if place in named:
                near.append((place, height == last))
                last = height
        return tuple(near)

    def _taking(self, lineage: tuple[int, ...]) -> Taking:
        codes = [self._places.codes[index] for index in lineage if index >= 0]
        takers = {}
        for row in self._types:
            near = nearness(row, self._usage_class, codes, self._places.groups)
            if near is not None:
                period = row.time_period
                takers[row.code] = Taker(row, near, self._holds_at[period] if period else None)
        plain = is_plain([taker.row for taker in takers.values()])
        return Taking(takers, plain, self._ordered(takers) if plain else {})

    def _ordered(self, takers: Mapping[str, Taker]) -> Mapping[str, int]:
        """Tell how near each type's place is among these."""
        steps = {
            near: n for n, near in enumerate(sorted({each.nearness for each in takers.values()}))
        }
        key = tuple((code, steps[taker.nearness]) for code, taker in takers.items())
        return self._orders.setdefault(key, dict(key))
