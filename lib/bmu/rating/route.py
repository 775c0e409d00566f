"""The way from one usage class on given terms to the rates of an event, at any instant and location."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from bmu.period import DAY_US, MINUTE_US
from bmu.rating.drawing import Taker, nearness
from bmu.rating.drawing import is_plain as is_plain_type
from bmu.rating.fields import refusing
from bmu.rating.geotree import GeoTree
from bmu.rating.group import (
    Group,
    Offer,
    Resolved,
    edges_of,
    first_fitting,
    is_whole,
    packed,
    rates_at,
)
from bmu.rating.hours import Hours
from bmu.rating.kinds import Side
from bmu.rating.offers import BucketTypeRow
from bmu.rating.outcome import Unrated, UnratedReason
from bmu.rating.places import EVERYWHERE, Places
from bmu.rating.plan import Chosen
from bmu.rating.precision import Precision
from bmu.rating.price import is_plain, price_of, prices_of
from bmu.rating.rows import RateRow, RoundingRow, UsageClassRow
from bmu.rating.taxation import Levies, Untaxed
from bmu.usage import UDR

if TYPE_CHECKING:
    from bmu.rating._batch import Memory

_QUARTER_US = 15 * MINUTE_US
_QUARTERS_MAX = 40_000  # more than a year of them
_DAYS_MAX = 4_000
# Over so many quarters of an hour it is told at a glance that nothing changes.
_GLANCE_QUARTERS = 8


class Choice(NamedTuple):
    """
    All that may price events at a moment and place, where that is not just one plain rate.

    Shapes:
        offers: in order; the first whose group wants the event is the one. of_stretches: those that may price
            a part of an event.
        costs: by the code of the plan that sells, likewise what the company pays.
        levies: none: the outside tax service says them of each event.
        one_tax: whether the levies are one tax on top, or none.
        buckets: plain types that an event may draw from, as `Resolved` has them; takers: of all types, where some
            are not plain.
    """

    offers: tuple[Offer, ...]
    of_stretches: tuple[Offer, ...]
    costs: Mapping[str, tuple[Offer, ...]]
    levies: Levies | Untaxed | None
    one_tax: bool
    buckets: Mapping[str, int]
    takers: Mapping[str, Taker] | None


# By the location's index, or EVERYWHERE.
Found = Resolved | Choice | Unrated
_Rates = dict[int, Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """
    All that a route is made of.

    Shapes:
        groups, cost_groups: of the plan and of its fallback plans, in order.
        edges: instants at which rates or taxes change, apart from groups.
        geotree: none where the class is rated by itself alone.
        bucket_types: those that may take the usage; bucket_hours: by the code of a time period.
        taxes: what is due at an instant for usage at a location.
        outside_taxes: what is due for an event at a location, where an outside service is asked; none: *taxes* says it.
    """

    usage_class: UsageClassRow
    chosen: Chosen
    currency: str
    company_zone: str
    groups: tuple[Group, ...]
    cost_groups: tuple[Group, ...]
    precision: Callable[[Group], Precision]
    edges: frozenset[int]
    geotree: GeoTree | None
    places: Places
    roundings: Mapping[str, RoundingRow]
    bucket_types: tuple[BucketTypeRow, ...]
    bucket_hours: Mapping[str, Hours]
    taxes: Callable[[int, int], Levies | Untaxed]
    outside_taxes: Callable[[UDR, int], Levies | Untaxed] | None = None


# Where a UDR has its numbers.
_ORIGIN, _DESTINATION = UDR._fields.index("origin"), UDR._fields.index("destination")


def _built() -> "type[Memory] | None":
    """Give the compiled form, where there was a compiler; nothing but time hangs on it."""
    try:
        from bmu.rating._batch import Memory  # noqa: PLC0415
    except ImportError:
        return None
    return Memory


_compiled = _built()


class Route:
    """
    Finds the rates of an event, and remembers them by quarter of an hour and location.

    A quarter of an hour in which a validity, a clock or a window changes is looked at event by
    event.
    """

    __slots__ = (
        "_days",
        "_edges",
        "_hours",
        "_memory",
        "_moments",
        "_orders",
        "_quarters",
        "by_origin",
        "facts",
        "splits",
        "way",
    )

    def __init__(self, way: Way) -> None:
        self.way = way
        self.by_origin = way.usage_class.side is Side.ORIGIN
        self.splits = way.usage_class.split
        self.facts = (way.usage_class.id, way.chosen.level, way.chosen.plan.id, way.currency)
        groups = (*way.groups, *way.cost_groups)
        self._edges = sorted(way.edges | edges_of(groups))
        self._hours = tuple(dict.fromkeys(group.hours for group in groups if group.hours))
        self._quarters: dict[int, _Rates] = {}
        self._days: dict[int, tuple[int, ...]] = {}
        self._moments: dict[tuple[int, tuple[bool, ...]], _Rates] = {}
        self._orders: dict[tuple[tuple[str, int], ...], Mapping[str, int]] = {}
        self._memory: Memory | None = None

    @property
    def memory(self) -> "Memory | None":
        """The compiled form of what `rate_at` remembers; none where there is none, or more than digits decide."""
        if self._memory is None and _compiled is not None:
            geotree = self.way.geotree
            index = None if geotree is None else geotree.index
            if geotree is None or index is not None:
                number = _ORIGIN if self.by_origin else _DESTINATION
                self._memory = _compiled(self._quarters, index, number, self.facts, Resolved)
        return self._memory

    def place_of(self, udr: UDR) -> tuple[int | None, int] | Unrated:
        """Find the pattern of an event's number or address, its id, and its location's index."""
        geotree = self.way.geotree
        if geotree is None:
            return None, EVERYWHERE
        number = udr.origin if self.by_origin else udr.destination
        place = geotree.longest(number, udr.started_us)
        if place is not None:
            return place
        return Unrated(UnratedReason.NO_LOCATION, f"no pattern begins the number {number[:40]!r}")

    def rate_at(self, us: int, location: int) -> Found:
        """Find what prices an event that begins at *us*, at a location's index or EVERYWHERE."""
        rates = self._quarters.get(us // _QUARTER_US)
        if rates is None:
            rates = self._rates(us)
        found = rates.get(location)
        if found is None:
            found = rates[location] = self._resolve(us, location)
        return found

    def offer_at(self, us: int, location: int, udr: UDR) -> Offer | None:
        """Find the rate of a stretch of an event from *us* on."""
        found = self.rate_at(us, location)
        return first_fitting(found.of_stretches, udr) if isinstance(found, Choice) else None

    def edges(self, from_us: int, to_us: int) -> Iterator[int]:
        """Give the instants after *from_us* and before *to_us* at which rates may change, in order."""
        for day in range(from_us // DAY_US, (to_us - 1) // DAY_US + 1):
            for edge in self._edges_on(day):
                if from_us < edge < to_us:
                    yield edge

    def is_alike(self, from_us: int, to_us: int) -> bool:
        """Tell at a glance whether nothing changes in [from_us, to_us); where that takes longer, not."""
        first, last = from_us // _QUARTER_US, (to_us - 1) // _QUARTER_US
        rates = self._quarters.get(first)
        if rates is None or last - first >= _GLANCE_QUARTERS:
            return False
        while last > first:
            if self._quarters.get(last) is not rates:
                return False
            last -= 1
        return True

    def tried(self, us: int, location: int, udr: UDR | None = None) -> str:
        """Say where a rate was looked for at an instant and what each group had to say, of an event too."""
        way = self.way
        place = ""
        if location != EVERYWHERE:
            codes = self._locations(way.places.reach(location))
            place = f" at {' < '.join(codes)}"
        said = [f"{self._name(group)}: {said_of(group, us, udr)}" for group in way.groups]
        return (
            f"{way.chosen.tried}; {way.usage_class.code}{place}; {', '.join(said) or 'no groups'}"
        )

    def _name(self, group: Group) -> str:
        is_chosen = group.plan.code == self.way.chosen.plan.code
        return group.row.code if is_chosen else f"{group.plan.code}/{group.row.code}"

    def _rates(self, us: int) -> _Rates:
        """Give what is remembered for the moment; for its quarter too, if all of it is alike."""
        hours = tuple([hours.holds_at(us) for hours in self._hours])
        rates = self._moments.setdefault((bisect_right(self._edges, us), hours), {})
        if self._is_even(us // _QUARTER_US):
            if len(self._quarters) >= _QUARTERS_MAX:
                self._quarters.clear()
            self._quarters[us // _QUARTER_US] = rates
        return rates

    def _edges_on(self, day: int) -> tuple[int, ...]:
        """Give the instants of a day, by UTC, at which rates may change, in order."""
        found = self._days.get(day)
        if found is None:
            start, end = day * DAY_US, (day + 1) * DAY_US
            edges = {edge for edge in self._edges if start <= edge < end}
            for hours in self._hours:
                edges.update(hours.edges(start - 1, end))
            if len(self._days) >= _DAYS_MAX:
                self._days.clear()
            found = self._days[day] = tuple(sorted(edges))
        return found

    def _is_even(self, quarter: int) -> bool:
        """Tell whether no validity, no clock and no window changes within a quarter of an hour."""
        start, end = quarter * _QUARTER_US, (quarter + 1) * _QUARTER_US
        if bisect_right(self._edges, start) != bisect_right(self._edges, end - 1):
            return False
        return all(hours.is_even(start, end) for hours in self._hours)

    def _resolve(self, us: int, location: int) -> Found:
        way = self.way
        groups = tuple(group for group in way.groups if group.holds_at(us))
        if not groups:
            return Unrated(UnratedReason.NO_RATE_GROUP, self.tried(us, location))
        lineage = way.places.reach(location)
        near = self._near(groups, lineage, us)
        if not near:
            return Unrated(UnratedReason.NO_RATE, self.tried(us, location))
        levies = None if way.outside_taxes else way.taxes(us, location)
        takers = self._takers(lineage)
        plain_buckets = is_plain_type([taker.row for taker in takers.values()])
        buckets = self._ordered(takers) if plain_buckets else {}
        if levies is not None and plain_buckets and self._is_plain(*near[0]):
            if isinstance(levies, Untaxed):
                return untaxed(levies)
            if is_one_tax(levies):
                return self._resolved(*near[0], levies, buckets)
        offers = self._ready(near)
        return Choice(
            offers=offers,
            of_stretches=tuple(offer for offer in offers if not is_whole(offer)),
            costs=self._costs(us, lineage),
            levies=levies,
            one_tax=isinstance(levies, Levies) and is_one_tax(levies),
            buckets=buckets,
            takers=None if plain_buckets else takers,
        )

    def _is_plain(self, group: Group, rate: RateRow) -> bool:
        """Tell whether a rate is for every event, and `Resolved` and `Route.facts` hold all of it."""
        way, row = self.way, group.row
        return (
            not group.asked
            and group.plan.code == way.chosen.plan.code
            and not (row.aggregate or row.pass_through or self.splits or way.cost_groups)
            and is_plain(rate)
        )

    def _resolved(
        self, group: Group, rate: RateRow, levies: Levies, buckets: Mapping[str, int]
    ) -> Resolved:
        price = price_of(rate, self._rounding(rate), self.way.precision(group))
        tax = levies.levies[0] if levies.levies else None
        return Resolved(
            rate_group_id=group.row.id,
            rate_id=rate.id,
            tax_id=tax.tax_id if tax else None,
            rate_ppm=tax.rate_ppm if tax else 0,
            price=price,
            buckets=buckets,
            numbers=packed(price, tax.rate_ppm if tax else 0),
        )

    def _near(
        self, groups: tuple[Group, ...], lineage: tuple[int, ...], us: int
    ) -> tuple[tuple[Group, RateRow], ...]:
        return rates_at(groups, (*lineage, EVERYWHERE), us, self.way.company_zone)

    def _ready(self, near: Iterable[tuple[Group, RateRow]]) -> tuple[Offer, ...]:
        precision = self.way.precision
        return tuple(
            Offer(group, rate, prices_of(rate, self._rounding(rate), precision(group)))
            for group, rate in near
        )

    def _rounding(self, rate: RateRow) -> RoundingRow | None:
        return self.way.roundings[rate.rounding] if rate.rounding else None

    def _costs(self, us: int, lineage: tuple[int, ...]) -> dict[str, tuple[Offer, ...]]:
        by_plan: dict[str, tuple[Group, ...]] = {}
        for group in self.way.cost_groups:
            if group.holds_at(us):
                by_plan[group.plan.code] = (*by_plan.get(group.plan.code, ()), group)
        return {
            code: self._ready(self._near(groups, lineage, us)) for code, groups in by_plan.items()
        }

    def _locations(self, lineage: tuple[int, ...]) -> list[str]:
        return [self.way.places.codes[index] for index in lineage if index >= 0]

    def _takers(self, lineage: tuple[int, ...]) -> dict[str, Taker]:
        way = self.way
        codes, found = self._locations(lineage), {}
        for row in way.bucket_types:
            near = nearness(row, way.usage_class.code, codes, way.places.groups)
            if near is not None:
                hours = way.bucket_hours[row.time_period] if row.time_period else None
                found[row.code] = Taker(row, near, hours.holds_at if hours else None)
        return found

    def _ordered(self, takers: Mapping[str, Taker]) -> Mapping[str, int]:
        """Tell how near each type's place is among these; most locations share one answer."""
        steps = {
            near: n for n, near in enumerate(sorted({each.nearness for each in takers.values()}))
        }
        key = tuple((code, steps[taker.nearness]) for code, taker in takers.items())
        return self._orders.setdefault(key, dict(key))


def untaxed(why: Untaxed) -> Unrated:
    """Say that an event waits for its taxes."""
    reason = UnratedReason.TAX_SERVICE if why.by_service else UnratedReason.NO_TAX
    return Unrated(reason, why.tried)


def is_one_tax(levies: Levies) -> bool:
    """Tell whether what is due is one tax on top of the amount, or none."""
    if levies.inclusive or len(levies.levies) > 1:
        return False
    return all(levy.certificate is None for levy in levies.levies)


def said_of(group: Group, us: int, udr: UDR | None) -> str:
    """Say why a group that prices nothing at a place doesn't: for an event, or none in particular, at an instant."""
    if group.passed is not None:
        return group.passed
    if not group.holds_at(us):
        return "not at this time"
    field = refusing(group.asked, udr) if udr is not None else None
    return "no rate" if field is None else f"not for this {field}"
