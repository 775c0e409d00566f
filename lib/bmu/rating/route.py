"""The way from one usage class on given terms to its one rate, at any instant and location."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bmu.period import MINUTE_US, LocalMinutes, WeekWindows
from bmu.rating.geotree import GeoTree
from bmu.rating.offers import (
    BucketTypeRow,
)
from bmu.rating.outcome import Unrated, UnratedReason
from bmu.rating.price import Price, price_of
from bmu.rating.rows import (
    RatePlanRow,
    RateRow,
    RoundingRow,
    UsageClassRow,
)
from bmu.rating.tax import TaxSpan, tax_at

# In place of a location: a rate for everywhere, or an event of a class without GeoTree.
EVERYWHERE = -1

_QUARTER_MINUTES = 15
_QUARTER_US = _QUARTER_MINUTES * MINUTE_US
_QUARTERS_MAX = 40_000  # more than a year of them


class Resolved(NamedTuple):
    """The one rate of an event, ready to price it; *buckets* are codes of types it may draw."""

    rate_group_id: int
    rate_id: int
    tax_id: int
    rate_ppm: int
    price: Price
    buckets: frozenset[str]


# By the location's index, or EVERYWHERE.
_Rates = dict[int, Resolved | Unrated]


class Hours(NamedTuple):
    """When in the local week a rate group holds."""

    local: LocalMinutes
    windows: WeekWindows


class Group(NamedTuple):
    """A rate group's rates of one usage class, by location, and when they hold."""

    id: int
    code: str
    from_us: int
    to_us: int
    hours: Hours | None
    rates: Mapping[int, RateRow]

    def holds_at(self, us: int) -> bool:
        """Tell whether the group may be used for an event that begins at *us*."""
        if not self.from_us <= us < self.to_us:
            return False
        hours = self.hours
        return hours is None or hours.local.at(us) in hours.windows


class Moment(NamedTuple):
    """What decides besides the location: the groups that hold, as in the plan, and the tax."""

    groups: tuple[Group, ...]
    tax: TaxSpan | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """
    All that a route is made of.

    Shapes:
        geotree: none where the class is rated by itself alone.
        lineages: for each location's index, itself and the locations above, upwards.
        bucket_types: those of the package that take the usage class.
        location_index, location_codes: from code to index, and back.
    """

    usage_class: UsageClassRow
    plan: RatePlanRow
    level: int
    tried: str
    groups: tuple[Group, ...]
    taxes: tuple[TaxSpan, ...]
    tax_code: str
    geotree: GeoTree | None
    lineages: tuple[tuple[int, ...], ...]
    location_index: Mapping[str, int]
    location_codes: tuple[str, ...]
    roundings: Mapping[str, RoundingRow]
    bucket_types: tuple[BucketTypeRow, ...]


# By quarter of an hour and location; the GeoTree's own; class, level, plan and currency.
Memory = tuple[
    dict[int, _Rates],
    dict[str, tuple[int, ...]],
    dict[str, tuple[int, int]],
    tuple[int, ...],
    tuple[int, int, int, str],
]


class Route:
    """
    Finds the rate of an event, and remembers it by quarter of an hour and location.

    A quarter of an hour in which a validity, a clock or a window changes is looked at event by
    event.
    """

    __slots__ = ("_broken", "_hours", "_moments", "_quarters", "facts", "longest", "way")

    def __init__(self, way: Way) -> None:
        self.way = way
        self.longest = way.geotree.longest if way.geotree else None
        self.facts = (way.usage_class.id, way.level, way.plan.id, way.plan.currency)
        edges = [edge for group in way.groups for edge in (group.from_us, group.to_us)]
        edges += [edge for tax in way.taxes for edge in (tax.from_us, tax.to_us)]
        self._broken = {edge // _QUARTER_US for edge in edges if edge % _QUARTER_US}
        self._hours = tuple({group.hours for group in way.groups if group.hours})
        self._quarters: dict[int, _Rates] = {}
        self._moments: dict[tuple[tuple[str, ...], TaxSpan | None], _Rates] = {}

    @property
    def memory(self) -> Memory | None:
        """What `rate_at` remembers so far, with what it is looked up by; none without a GeoTree."""
        geotree = self.way.geotree
        return (self._quarters, *geotree.memory, self.facts) if geotree else None

    def rate_at(self, us: int, location: int) -> Resolved | Unrated:
        """Find the rate for an event that begins at *us*, at a location's index or EVERYWHERE."""
        rates = self._quarters.get(us // _QUARTER_US)
        if rates is None:
            rates = self._rates(us)
        found = rates.get(location)
        if found is None:
            found = rates[location] = self._resolve(self._moment(us), location)
        return found

    def _rates(self, us: int) -> _Rates:
        """Give what is remembered for the moment; for its quarter too, if all of it is alike."""
        moment = self._moment(us)
        codes = tuple(group.code for group in moment.groups)
        rates = self._moments.setdefault((codes, moment.tax), {})
        if self._is_even(us // _QUARTER_US):
            if len(self._quarters) >= _QUARTERS_MAX:
                self._quarters.clear()
            self._quarters[us // _QUARTER_US] = rates
        return rates

    def _is_even(self, quarter: int) -> bool:
        """Tell whether no validity, no clock and no window changes within a quarter of an hour."""
        if quarter in self._broken:
            return False
        start = quarter * _QUARTER_US
        return all(
            local.is_steady(start, start + _QUARTER_US)
            and windows.is_even(local.at(start), _QUARTER_MINUTES)
            for local, windows in self._hours
        )

    def _moment(self, us: int) -> Moment:
        groups = tuple(group for group in self.way.groups if group.holds_at(us))
        return Moment(groups, tax_at(self.way.taxes, us))

    def _resolve(self, moment: Moment, location: int) -> Resolved | Unrated:
        way = self.way
        if not moment.groups:
            return Unrated(UnratedReason.NO_RATE_GROUP, self._tried(moment, location))
        lineage = () if location == EVERYWHERE else way.lineages[location]
        found = _first_rate(moment.groups, (*lineage, EVERYWHERE))
        if found is None:
            return Unrated(UnratedReason.NO_RATE, self._tried(moment, location))
        if moment.tax is None:
            return Unrated(UnratedReason.NO_TAX, f"tax {way.tax_code}: no rate on this day")
        group, rate = found
        rounding = way.roundings[rate.rounding] if rate.rounding else None
        return Resolved(
            rate_group_id=group.id,
            rate_id=rate.id,
            tax_id=moment.tax.id,
            rate_ppm=moment.tax.rate_ppm,
            price=price_of(rate, rounding, way.plan),
            buckets=frozenset(
                row.code for row in way.bucket_types if self._takes(row.locations, lineage)
            ),
        )

    def _takes(self, locations: tuple[str, ...] | None, lineage: tuple[int, ...]) -> bool:
        index = self.way.location_index
        return locations is None or any(index[code] in lineage for code in locations)

    def _tried(self, moment: Moment, location: int) -> str:
        """Say where a rate was looked for and what each group had to say."""
        way = self.way
        place = ""
        if location != EVERYWHERE:
            codes = [way.location_codes[index] for index in way.lineages[location]]
            place = f" at {' < '.join(codes)}"
        said = [
            f"{group.code}: {'no rate' if group in moment.groups else 'not at this time'}"
            for group in way.groups
        ]
        return f"{way.tried}; {way.usage_class.code}{place}; {', '.join(said) or 'no groups'}"


def _first_rate(
    groups: tuple[Group, ...], places: tuple[int, ...]
) -> tuple[Group, RateRow] | None:
    """Walk the groups in order; in each, the nearest location with a rate wins."""
    for group in groups:
        for place in places:
            rate = group.rates.get(place)
            if rate is not None:
                return group, rate
    return None
