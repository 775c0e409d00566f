"""What a quantity counts as, and what it costs: every number a fraction until it is rounded."""

from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from bmu.money import Rounding
from bmu.rating import RateKind, RateRow, RoundingRow

E11 = 10**11


def counted(rate: RateRow, rule: RoundingRow | None, quantity: int) -> int:
    """What is counted of a quantity: never less than it; nothing for nothing."""
    if quantity == 0:
        return 0
    minimum, increment = (rule.minimum, rule.increment) if rule else (0, 1)
    if quantity <= minimum:
        return minimum
    sections = [(0, minimum, increment)]
    sections += [(step.after, 0, step.increment) for step in rate.steps if step.increment]
    ends: list[int | None] = [begin for begin, _, _ in sections[1:]]
    for (begin, least, step), end in zip(sections, [*ends, None], strict=True):
        if end is None or quantity <= end:
            whole = begin + round_up(quantity - begin, least, step)
            return whole if end is None else min(whole, end)
    raise AssertionError


def round_up(quantity: int, minimum: int, increment: int) -> int:
    """At least the minimum, then whole increments from there."""
    if quantity <= minimum:
        return minimum
    times = ceil(Fraction(quantity - minimum, increment))
    return minimum + times * increment


def by_quantity(rate: RateRow, first: int, end: int) -> Fraction:
    """The price of the units [first, end) of an event, in 10^-11."""
    prices = [(0, rate.price_e11, rate.per)]
    prices += [(step.after, step.price_e11, step.per) for step in rate.steps]
    total = Fraction(0)
    for (begins, price, per), (ends, _, _) in pairwise([*prices, (end, 0, 1)]):
        units = min(ends, end) - max(begins, first, rate.free)
        if units > 0:
            total += Fraction(price * units, per)
    return total


def usage_price(rate: RateRow, first: int, end: int, cost: Fraction) -> Fraction:
    """The price of some units of an event, before limits and fee."""
    match rate.kind:
        case RateKind.STANDARD:
            return by_quantity(rate, first, end)
        case RateKind.FIXED:
            return Fraction(rate.price_e11)
        case RateKind.MARKUP:
            return cost * Fraction(rate.price_e11, E11)
        case RateKind.FIXED_MARKUP:
            return cost + rate.price_e11
        case RateKind.RATED_MARKUP:
            return cost + by_quantity(rate, first, end)
        case RateKind.PASS_THROUGH:
            raise AssertionError("asked of its record")


def with_limits(rate: RateRow, price: Fraction) -> Fraction:
    """The price within a rate's limits, and the fee on top."""
    price = max(price, Fraction(rate.minimum_charge_e11))
    if rate.maximum_charge_e11 is not None:
        price = min(price, Fraction(rate.maximum_charge_e11))
    return price + rate.connect_e11


def to_places(amount: Fraction, places: int, mode: Rounding) -> int:
    """Round an amount of 0 or more, in 10^-11, to so many places."""
    step = 10 ** (11 - places)
    scaled = amount / step
    whole: int = floor(scaled)
    rest = scaled - whole
    half = Fraction(1, 2)
    up = {
        Rounding.UP: rest > 0,
        Rounding.DOWN: False,
        Rounding.HALF_UP: rest >= half,
        Rounding.HALF_EVEN: rest > half or (rest == half and whole % 2 == 1),
    }[mode]
    return (whole + int(up)) * int(step)


def half_up(amount: Fraction) -> int:
    """Round to 11 places."""
    return to_places(amount, 11, Rounding.HALF_UP)


MARKUPS = (RateKind.MARKUP, RateKind.FIXED_MARKUP, RateKind.RATED_MARKUP)
