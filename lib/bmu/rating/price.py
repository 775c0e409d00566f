"""From a quantity to an amount: round the quantity up, price it exactly, round the amount once."""

from bisect import bisect_left, bisect_right
from math import lcm
from typing import NamedTuple

from bmu.money import ONE_E11, SCALE, Rounding, divide
from bmu.rating.kinds import (
    RateKind,
)
from bmu.rating.precision import Precision
from bmu.rating.rows import (
    RateRow,
    RateStep,
    RoundingRow,
)

# What a column of the database holds; amounts and quantities beyond wait for a clerk.
INT64_MAX = 2**63 - 1

# An amount before it is rounded: numerator in 10^-11 of the currency, and denominator.
Exact = tuple[int, int]
NOTHING: Exact = (0, 1)

# Looked up once: a member of an enum takes as long to name as to price by.
_STANDARD, _FIXED, _MARKUP = RateKind.STANDARD, RateKind.FIXED, RateKind.MARKUP
_FIXED_MARKUP, _RATED_MARKUP = RateKind.FIXED_MARKUP, RateKind.RATED_MARKUP
_HALF_UP, _UP, _DOWN = Rounding.HALF_UP, Rounding.UP, Rounding.DOWN
_STEPS = tuple(int("1" + "0" * (SCALE - places)) for places in range(SCALE + 1))
MARKUPS = frozenset({_MARKUP, _FIXED_MARKUP, _RATED_MARKUP})


class Price(NamedTuple):
    """
    A plain rate made ready: amount = round((connect + max(slope * quantity, floor)) / denominator).

    Units:
        slope, connect, floor: 10^-11 of the currency times the rate's `per`.
        denominator: `per` times *step*.
        step: the least amount apart from none, in 10^-11 of the currency.
        lift: added before the division, so that its floor rounds by *mode*; -1: no lift can.
    """

    minimum: int
    increment: int
    slope: int
    connect: int
    floor: int
    denominator: int
    step: int
    lift: int
    mode: Rounding


class Curve(NamedTuple):
    """
    The price of the first so many base units of an event, as a line with a few bends.

    Shapes:
        starts: base units where each piece begins, the first at 0; sums, slopes: numerators there, and by unit on.
    """

    starts: tuple[int, ...]
    sums: tuple[int, ...]
    slopes: tuple[int, ...]
    denominator: int


class Prices(NamedTuple):
    """
    Any rate made ready.

    Shapes:
        marked_up: whether the price hangs on the cost.
        turns: (base units, increment) from where on another increment counts, in order.

    Units:
        price_e11: as the rate's; connect_e11, least_e11, most_e11: of an event.
        step: the least amount apart from none, in 10^-11 of the currency.
    """

    kind: RateKind
    marked_up: bool
    minimum: int
    increment: int
    turns: tuple[tuple[int, int], ...]
    price_e11: int
    curve: Curve
    connect_e11: int
    least_e11: int
    most_e11: int | None
    step: int
    mode: Rounding


def is_plain(rate: RateRow) -> bool:
    """Tell whether `Price` holds all that a rate says."""
    return (
        (rate.kind is _STANDARD or rate.kind is _FIXED)
        and not rate.steps
        and not rate.free
        and rate.maximum_charge_e11 is None
    )


def price_of(rate: RateRow, rounding: RoundingRow | None, precision: Precision) -> Price:
    """Make a plain rate ready to price events; without rounding the quantity stays."""
    step, mode = _STEPS[precision.places], precision.mode
    if rate.kind is _FIXED:
        per, slope, floor = 1, 0, max(rate.price_e11, rate.minimum_charge_e11)
    else:
        per, slope = rate.per, rate.price_e11
        floor = rate.minimum_charge_e11 * per
    denominator = per * step
    if mode is _HALF_UP:
        lift = denominator // 2
    else:
        lift = denominator - 1 if mode is _UP else 0 if mode is _DOWN else -1
    minimum, increment = (rounding.minimum, rounding.increment) if rounding else (0, 1)
    connect = rate.connect_e11 * per
    # Straight to the tuple: a tariff may have 200,000 of them.
    return tuple.__new__(
        Price, (minimum, increment, slope, connect, floor, denominator, step, lift, mode)
    )


def rounded_up(price: Price, quantity: int) -> int:
    """Round a measured quantity up by the rate's rule; nothing measured stays nothing."""
    minimum = price.minimum
    if quantity > minimum:
        increment = price.increment
        return minimum - (minimum - quantity) // increment * increment
    return minimum if quantity else 0


def amount_of(price: Price, quantity: int) -> int:
    """
    Price a quantity; nothing costs nothing.

    Units:
        Result: 10^-11 of the currency, a multiple of the least step.
    """
    if not quantity:
        return 0
    _, _, slope, connect, floor, denominator, step, lift, mode = price
    cost = max(slope * quantity, floor)
    if lift < 0:
        return divide(connect + cost, denominator, mode) * step
    return (connect + cost + lift) // denominator * step


def prices_of(rate: RateRow, rounding: RoundingRow | None, precision: Precision) -> Prices:
    """Make any rate ready to price events."""
    return Prices(
        kind=rate.kind,
        marked_up=rate.kind in MARKUPS,
        minimum=rounding.minimum if rounding else 0,
        increment=rounding.increment if rounding else 1,
        turns=tuple((step.after, step.increment) for step in rate.steps if step.increment),
        price_e11=rate.price_e11,
        curve=curve_of(rate),
        connect_e11=rate.connect_e11,
        least_e11=rate.minimum_charge_e11,
        most_e11=rate.maximum_charge_e11,
        step=_STEPS[precision.places],
        mode=precision.mode,
    )


def curve_of(rate: RateRow) -> Curve:
    """Lay out what the first so many base units of an event cost by the rate's unit prices."""
    steps = (RateStep(0, rate.price_e11, rate.per), *rate.steps)
    denominator = lcm(*(step.per for step in steps))
    starts, sums, slopes = [0], [0], [0]
    bends = sorted({0, rate.free, *(step.after for step in steps)})
    for bend in bends:
        step = next(step for step in reversed(steps) if step.after <= bend)
        slope = 0 if bend < rate.free else step.price_e11 * (denominator // step.per)
        sums.append(sums[-1] + slopes[-1] * (bend - starts[-1]))
        starts.append(bend)
        slopes.append(slope)
    return Curve(tuple(starts[1:]), tuple(sums[1:]), tuple(slopes[1:]), denominator)


def counted(prices: Prices, quantity: int) -> int:
    """
    Round a measured quantity up by the rate's rule; nothing measured stays nothing.

    From where a step has an increment of its own, counting begins anew: what is below is rounded no further.
    """
    if quantity <= prices.minimum:
        return prices.minimum if quantity else 0
    turns = prices.turns
    if not turns:
        minimum, increment = prices.minimum, prices.increment
        return minimum - (minimum - quantity) // increment * increment
    # The turns that lie below the quantity; one that it just reaches is not begun.
    number = bisect_left(turns, (quantity,))
    base, increment = turns[number - 1] if number else (prices.minimum, prices.increment)
    rounded = base - (base - quantity) // increment * increment
    return min(rounded, turns[number][0]) if number < len(turns) else rounded


def usage_price(prices: Prices, first: int, end: int, cost: Exact) -> Exact:
    """
    Price the base units [first, end) of an event, which are not none and whose cost is *cost*.

    What is charged for an event, not for its units, comes whole.
    """
    kind = prices.kind
    if kind is _STANDARD:
        return _stretch(prices.curve, first, end)
    if kind is _FIXED:
        return prices.price_e11, 1
    if kind is _MARKUP:
        return cost[0] * prices.price_e11, cost[1] * ONE_E11
    if kind is _FIXED_MARKUP:
        return plus(cost, (prices.price_e11, 1))
    assert kind is _RATED_MARKUP, kind
    return plus(cost, _stretch(prices.curve, first, end))


def event_price(prices: Prices, usage: Exact) -> Exact:
    """Make the price of an event's usage the price of the event: at least, at most, and to connect."""
    numerator, denominator = usage
    least = prices.least_e11 * denominator
    numerator = max(numerator, least)
    if prices.most_e11 is not None:
        numerator = min(numerator, prices.most_e11 * denominator)
    return numerator + prices.connect_e11 * denominator, denominator


def rounded_amount(prices: Prices, amount: Exact) -> int:
    """Round an amount, 0 or more, to the places of the rate: the one rounding there is."""
    numerator, denominator = amount
    step, mode = prices.step, prices.mode
    divisor = denominator * step
    if mode is _HALF_UP:
        return (2 * numerator + divisor) // (2 * divisor) * step
    return divide(numerator, divisor, mode) * step


def plus(one: Exact, other: Exact) -> Exact:
    """Add two exact amounts."""
    if one[1] == other[1]:
        return one[0] + other[0], one[1]
    return one[0] * other[1] + other[0] * one[1], one[1] * other[1]


def _stretch(curve: Curve, first: int, end: int) -> Exact:
    price = _up_to(curve, end) - (_up_to(curve, first) if first else 0)
    return price, curve.denominator


def _up_to(curve: Curve, quantity: int) -> int:
    starts, sums, slopes, _ = curve
    piece = bisect_right(starts, quantity) - 1
    return sums[piece] + slopes[piece] * (quantity - starts[piece])
