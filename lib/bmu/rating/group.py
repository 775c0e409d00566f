"""Rate groups as a route walks them: which hold at an instant, and the nearest rate that each has for a place."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bmu.rating.fields import Asked
from bmu.rating.hours import Hours
from bmu.rating.kinds import RateKind
from bmu.rating.precision import Precision
from bmu.rating.price import Price, Prices
from bmu.rating.rows import RateGroupRow, RatePlanRow, RateRow
from bmu.rating.span import NEVER_US, day_span
from bmu.usage import UDR


class Group(NamedTuple):
    """
    A rate group's rates of one usage class, and when and for what they hold.

    Shapes:
        rates: by place, the rates there, of which the days don't overlap.
        asked: conditions that each event must meet.
        precision: of its amounts.
        passed: why it is never used on the route's terms; none: it may be.
    """

    row: RateGroupRow
    plan: RatePlanRow
    from_us: int
    to_us: int
    hours: Hours | None
    asked: tuple[Asked, ...]
    rates: Mapping[int, tuple[RateRow, ...]]
    precision: Precision
    passed: str | None = None

    def holds_at(self, us: int) -> bool:
        """Tell whether the group may be used at an instant."""
        if self.passed is not None or not self.from_us <= us < self.to_us:
            return False
        return self.hours is None or self.hours.holds_at(us)


class Resolved(NamedTuple):
    """
    The one rate of a plain event, ready to price it.

    Shapes:
        buckets: codes of types it may draw from, with how near their places are, 0 the nearest.
        tax_id: none where there is no tax.
    """

    rate_group_id: int
    rate_id: int
    tax_id: int | None
    rate_ppm: int
    price: Price
    buckets: Mapping[str, int]


class Offer(NamedTuple):
    """A rate that prices an event, if the event is as its group wants it."""

    group: Group
    rate: RateRow
    prices: Prices


def is_whole(offer: Offer) -> bool:
    """Tell whether a rate is for whole events only, so that none of its events is split."""
    return _takes_whole(offer.group, offer.rate)


def rates_at(
    groups: Iterable[Group], places: tuple[int, ...], us: int, company_zone: str
) -> list[tuple[Group, RateRow]]:
    """
    Give the nearest rate of each group in order, up to the first that prices any event, and any part of one.

    Shapes:
        groups: those that hold at *us*.
        places: nearest first, EVERYWHERE last.
    """
    found = []
    for group in groups:
        rate = _nearest(group.rates, places, us, company_zone)
        if rate is not None:
            found.append((group, rate))
            if not group.asked and not _takes_whole(group, rate):
                break
    return found


def first_fitting(offers: Iterable[Offer], udr: UDR) -> Offer | None:
    """Give the first offer whose group wants an event like this one."""
    # Many groups ask about the same field; its text is read once.
    texts: dict[str, str] = {}
    for offer in offers:
        for field, read, fits in offer.group.asked:
            text = texts.get(field)
            if text is None:
                text = texts[field] = read(udr)
            if not fits(text):
                break
        else:
            return offer
    return None


def _takes_whole(group: Group, rate: RateRow) -> bool:
    row = group.row
    return row.aggregate or row.pass_through or rate.kind is RateKind.PASS_THROUGH


def _nearest(
    rates: Mapping[int, tuple[RateRow, ...]], places: tuple[int, ...], us: int, company_zone: str
) -> RateRow | None:
    for place in places:
        if place in rates:
            for rate in rates[place]:
                if rate.valid_from is None and rate.valid_to is None:
                    return rate
                start, end = day_span(rate.valid_from, rate.valid_to, company_zone)
                if start <= us < end:
                    return rate
    return None


def edges_of(groups: Iterable[Group]) -> set[int]:
    """Give the instants at which the days of groups begin or end."""
    spans = [edge for group in groups for edge in (group.from_us, group.to_us)]
    return {edge for edge in spans if abs(edge) < abs(NEVER_US)}
