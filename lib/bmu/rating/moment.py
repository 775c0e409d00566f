"""What prices usage at one moment, at any location: found once, and remembered."""

from bmu.rating.group import Group, Offer, Resolved, is_whole, rates_at
from bmu.rating.outcome import Unrated, UnratedReason
from bmu.rating.places import EVERYWHERE
from bmu.rating.price import is_plain, price_of, prices_of
from bmu.rating.rows import RateRow, RoundingRow
from bmu.rating.takers import Taking
from bmu.rating.taxation import Levies, Untaxed
from bmu.rating.taxcode import TaxPlace
from bmu.rating.way import Choice, Found, Way, is_one_tax, untaxed

_NOWHERE = TaxPlace()


class Moment(dict[int, Found]):
    """
    By a location's index or EVERYWHERE, what prices usage while the same groups, rates and taxes hold.

    What is not there yet is found when it is asked for; nothing is ever taken out or replaced.
    """

    __slots__ = ("_costs", "_groups", "_levies", "_offers", "_plain", "_us", "_way")

    def __init__(self, way: Way, us: int) -> None:
        super().__init__()
        self._way, self._us = way, us
        self._groups = tuple(group for group in way.groups if group.holds_at(us))
        self._plain = {group.row.id for group in self._groups if _may_be_plain(way, group)}
        self._costs: dict[str, tuple[Group, ...]] = {}
        for group in way.cost_groups:
            if group.holds_at(us):
                self._costs[group.plan.code] = (*self._costs.get(group.plan.code, ()), group)
        # Many locations share a rate of a wider place.
        self._offers: dict[tuple[int, int, int], Offer] = {}
        self._levies: dict[TaxPlace, tuple[Levies | Untaxed | None, bool]] = {}

    def __missing__(self, location: int) -> Found:
        found = self[location] = self._resolve(location)
        return found

    def _resolve(self, location: int) -> Found:
        way, us = self._way, self._us
        if not self._groups:
            return Unrated(UnratedReason.NO_RATE_GROUP, way.tried(us, location))
        lineage = way.places.reach(location)
        places = (*lineage, EVERYWHERE)
        near = rates_at(self._groups, places, us, way.company_zone)
        if not near:
            return Unrated(UnratedReason.NO_RATE, way.tried(us, location))
        levies, one_tax = self._levies_at(location)
        taking = way.takers.at(lineage)
        group, rate = near[0]
        if taking.plain and levies is not None and group.row.id in self._plain and is_plain(rate):
            if isinstance(levies, Untaxed):
                return untaxed(levies)
            if one_tax:
                return self._resolved(group, rate, levies, taking)
        offers = self._ready(near)
        return Choice(
            offers=offers,
            of_stretches=tuple([offer for offer in offers if not is_whole(offer)]),
            costs={
                code: self._ready(rates_at(groups, places, us, way.company_zone))
                for code, groups in self._costs.items()
            },
            levies=levies,
            one_tax=one_tax,
            buckets=taking.order,
            takers=None if taking.plain else taking.takers,
        )

    def _resolved(self, group: Group, rate: RateRow, levies: Levies, taking: Taking) -> Resolved:
        tax_id, rate_ppm = levies.levies[0][:2] if levies.levies else (None, 0)
        price = price_of(rate, self._rounding(rate), group.precision)
        return tuple.__new__(
            Resolved, (group.row.id, rate.id, tax_id, rate_ppm, price, taking.order)
        )

    def _levies_at(self, location: int) -> tuple[Levies | Untaxed | None, bool]:
        """Give what is due, and whether it is one tax on top of the amount, or none."""
        way = self._way
        place = _NOWHERE if location == EVERYWHERE else way.places.countries[location]
        found = self._levies.get(place)
        if found is None:
            levies = None if way.outside_taxes else way.taxes(self._us, location)
            found = levies, isinstance(levies, Levies) and is_one_tax(levies)
            self._levies[place] = found
        return found

    def _ready(self, near: list[tuple[Group, RateRow]]) -> tuple[Offer, ...]:
        return tuple([self._offer(group, rate) for group, rate in near])

    def _offer(self, group: Group, rate: RateRow) -> Offer:
        key = group.plan.id, group.row.id, rate.id
        found = self._offers.get(key)
        if found is None:
            prices = prices_of(rate, self._rounding(rate), group.precision)
            found = self._offers[key] = Offer(group, rate, prices)
        return found

    def _rounding(self, rate: RateRow) -> RoundingRow | None:
        return self._way.roundings[rate.rounding] if rate.rounding else None


def _may_be_plain(way: Way, group: Group) -> bool:
    """Tell whether a plain rate of a group is for every event, and `Resolved` and `Route.facts` hold all of it."""
    row = group.row
    return (
        not group.asked
        and group.plan.code == way.chosen.plan.code
        and not (row.aggregate or row.pass_through or way.usage_class.split or way.cost_groups)
    )
