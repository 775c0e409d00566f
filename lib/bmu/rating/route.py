"""The way from one usage class on given terms to the rates of an event, at any instant and location."""

from bisect import bisect_right
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from bmu.period import DAY_US, MINUTE_US
from bmu.rating.group import Offer, Resolved, edges_of, first_fitting
from bmu.rating.kinds import Side
from bmu.rating.layout import laid_out
from bmu.rating.moment import Moment
from bmu.rating.outcome import Unrated, UnratedReason
from bmu.rating.places import EVERYWHERE
from bmu.rating.way import Choice, Found, Way
from bmu.usage import UDR

if TYPE_CHECKING:
    from bmu.rating._batch import Memory

_QUARTER_US = 15 * MINUTE_US
_QUARTERS_MAX = 40_000  # more than a year of them
_DAYS_MAX = 4_000
# Over so many quarters of an hour it is told at a glance that nothing changes.
_GLANCE_QUARTERS = 8


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
        self._quarters: dict[int, Moment] = {}
        self._days: dict[int, tuple[int, ...]] = {}
        self._moments: dict[tuple[int, tuple[bool, ...]], Moment] = {}
        self._memory: Memory | None = None

    @property
    def memory(self) -> "Memory | None":
        """The compiled form of what `rate_at` remembers; none where there was no compiler."""
        if self._memory is None and _compiled is not None:
            way = self.way
            self._memory = _compiled(
                self._quarters,
                None if way.geotree is None else way.geotree.index,
                _ORIGIN if self.by_origin else _DESTINATION,
                self.facts,
                Resolved,
                Choice,
                partial(laid_out, way, {}),
                way.is_moved if way.moved else None,
            )
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
        moment = self._quarters.get(us // _QUARTER_US)
        return (self._moment(us) if moment is None else moment)[location]

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
        moment = self._quarters.get(first)
        if moment is None or last - first >= _GLANCE_QUARTERS:
            return False
        while last > first:
            if self._quarters.get(last) is not moment:
                return False
            last -= 1
        return True

    def tried(self, us: int, location: int, udr: UDR | None = None) -> str:
        """Do as `Way.tried` does."""
        return self.way.tried(us, location, udr)

    def _moment(self, us: int) -> Moment:
        """Give the moment of an instant; remember it for its quarter too, if all of that is alike."""
        key = bisect_right(self._edges, us), tuple([hours.holds_at(us) for hours in self._hours])
        moment = self._moments.get(key)
        if moment is None:
            moment = self._moments[key] = Moment(self.way, us)
        if self._is_even(us // _QUARTER_US):
            if len(self._quarters) >= _QUARTERS_MAX:
                self._quarters.clear()
            self._quarters[us // _QUARTER_US] = moment
        return moment

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
