"""Where an event takes place: its location, the groups that name it, and all that lies above."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from bmu.rating.rows import (
    LocationGroupRow,
    LocationRow,
)
from bmu.rating.taxcode import TaxPlace

# In place of a location: a rate for everywhere, or an event of a class without GeoTree.
EVERYWHERE = -1

# The words for kinds of locations that taxes go by.
_COUNTRY = "country"
_STATE = "state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """
    Locations and location groups.

    Shapes:
        index: from a code to a number: a location's is 0 or more, a group's is below EVERYWHERE; codes: back.
        lineages: for each location, itself, the groups that name it (the lowest code first), its parent, the groups
            that name that, and so on to the root; a group is there once, as near as it can be.
        groups: by a location's code, the codes of the groups that name it, the lowest first.
        countries: for each location, the nearest country and state that it is or lies in.
    """

    index: Mapping[str, int]
    codes: Mapping[int, str]
    lineages: tuple[tuple[int, ...], ...]
    groups: Mapping[str, tuple[str, ...]]
    countries: tuple[TaxPlace, ...]

    def reach(self, location: int) -> tuple[int, ...]:
        """Give a location and all that it lies in, the nearest first; of EVERYWHERE nothing."""
        return () if location == EVERYWHERE else self.lineages[location]

    def area(self, codes: Iterable[str]) -> frozenset[int]:
        """Give the numbers of locations and groups, to ask `is_inside` about."""
        return frozenset(self.index[code] for code in codes)

    def is_inside(self, location: int, area: Collection[int]) -> bool:
        """Tell whether a location is one of an area's, lies below one, or in a group of it; EVERYWHERE never."""
        return any(place in area for place in self.reach(location))


def places_of(locations: tuple[LocationRow, ...], groups: tuple[LocationGroupRow, ...]) -> Places:
    """
    Lay out the locations of a catalogue and their groups.

    Shapes:
        locations: each parent is there, none lies below itself.
        groups: each location is there; none has the code of a location.
    """
    index = {row.code: number for number, row in enumerate(locations)}
    group_index = {row.code: EVERYWHERE - 1 - number for number, row in enumerate(groups)}
    both = group_index | index
    naming: dict[str, dict[str, None]] = {}
    for group in sorted(groups, key=lambda row: row.code):
        for code in group.locations:
            naming.setdefault(code, {})[group.code] = None
    named = {code: tuple(found) for code, found in naming.items()}
    lineages: list[tuple[int, ...]] = []
    countries: list[TaxPlace] = []
    for row in locations:
        above = _upwards(row, locations, index)
        near = (code for each in above for code in (each.code, *named.get(each.code, ())))
        # As keys, each stays where it came first.
        lineages.append(tuple(dict.fromkeys(both[code] for code in near)))
        countries.append(_country(above))
    return Places(
        index=both,
        codes={place: code for code, place in both.items()},
        lineages=tuple(lineages),
        groups=named,
        countries=tuple(countries),
    )


def _upwards(
    row: LocationRow, rows: tuple[LocationRow, ...], index: Mapping[str, int]
) -> list[LocationRow]:
    """Give a location and those above it, upwards."""
    found = [row]
    while found[-1].parent is not None:
        found.append(rows[index[found[-1].parent]])
    return found


def _country(above: list[LocationRow]) -> TaxPlace:
    """Give the nearest country and state of a way upwards, by their codes."""
    country = next((row.code for row in above if row.kind == _COUNTRY), None)
    state = next((row.code for row in above if row.kind == _STATE), None)
    return TaxPlace(country, state)
