"""What a period's usage costs, a second time: each kind by its line in docs/rating.md."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from independent.prices import E11, to_places

from bmu.money import Rounding
from bmu.rating import AggregateKind, RateKind, RateRow, TierRow


class Period(NamedTuple):
    """What was used in a period, event by event, and what else there was."""

    events: Sequence[int]
    services: int
    others_e11: int
    cost_e11: int


def measured(kind: AggregateKind, period: Period) -> int:
    """What a kind goes by."""
    if kind is AggregateKind.PERCENTAGE:
        return period.others_e11
    if not period.events:
        return 0
    if kind is AggregateKind.HIGH_WATERMARK:
        return max(period.events)
    if kind is AggregateKind.PERCENTILE_95:
        falling = sorted(period.events, reverse=True)
        return falling[len(falling) // 20]
    return sum(period.events)


def price_of_period(rate: RateRow, period: Period, places: int, mode: Rounding) -> int:
    """The price of a period's usage, rounded once."""
    kind = rate.aggregation
    assert kind is not None
    used = measured(kind, period)
    if used == 0:
        return 0
    tiers = rate.tiers or (TierRow(0, rate.price_e11, rate.per),)
    price = exact(kind, tiers, used, period.services)
    if rate.kind is RateKind.RATED_MARKUP:
        price += period.cost_e11
    price = max(price, Fraction(rate.minimum_charge_e11))
    if rate.maximum_charge_e11 is not None:
        price = min(price, Fraction(rate.maximum_charge_e11))
    return to_places(price, places, mode)


def exact(kind: AggregateKind, tiers: Sequence[TierRow], used: int, services: int) -> Fraction:
    """The price before cost and limits."""
    reached = tier_at(tiers, services if kind is AggregateKind.COUNTED else used)
    match kind:
        case AggregateKind.GRADUATED:
            total = Fraction(0)
            for number, tier in enumerate(tiers):
                end = tiers[number + 1].from_ if number + 1 < len(tiers) else used
                part = max(0, min(end, used) - tier.from_)
                total += Fraction(tier.price_e11 * part, tier.per)
            return total
        case AggregateKind.PACKAGE:
            blocks = ceil(Fraction(used, reached.per))
            return Fraction(blocks * reached.price_e11)
        case AggregateKind.STAIRSTEP:
            return Fraction(reached.flat_e11)
        case AggregateKind.FLAT_AND_UNIT:
            return reached.flat_e11 + Fraction(reached.price_e11 * used, reached.per)
        case AggregateKind.PERCENTAGE:
            return used * Fraction(reached.price_e11, E11)
        case _:
            return Fraction(reached.price_e11 * used, reached.per)


def tier_at(tiers: Sequence[TierRow], count: int) -> TierRow:
    """The last tier that begins at or below a count."""
    return [tier for tier in tiers if tier.from_ <= count][-1]
