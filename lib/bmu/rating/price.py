"""From a quantity to an amount: round the quantity up, price it, round the amount once."""

from typing import NamedTuple

from bmu.money import SCALE, Rounding, divide
from bmu.rating.kinds import (
    RateKind,
)
from bmu.rating.rows import (
    RatePlanRow,
    RateRow,
    RoundingRow,
)

# What a column of the database holds; amounts and quantities beyond wait for a clerk.
INT64_MAX = 2**63 - 1


class Price(NamedTuple):
    """
    A rate made ready: amount = round((connect + max(slope * quantity, floor)) / denominator).

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


def price_of(rate: RateRow, rounding: RoundingRow | None, plan: RatePlanRow) -> Price:
    """Make a rate of a plan ready to price events; without rounding the quantity stays."""
    step = int("1" + "0" * (SCALE - plan.places))
    if rate.kind is RateKind.FIXED:
        per, slope, floor = 1, 0, max(rate.price_e11, rate.minimum_charge_e11)
    else:
        per, slope, floor = rate.per, rate.price_e11, rate.minimum_charge_e11 * rate.per
    denominator = per * step
    lifts = {Rounding.HALF_UP: denominator // 2, Rounding.UP: denominator - 1, Rounding.DOWN: 0}
    return Price(
        minimum=rounding.minimum if rounding else 0,
        increment=rounding.increment if rounding else 1,
        slope=slope,
        connect=rate.connect_e11 * per,
        floor=floor,
        denominator=denominator,
        step=step,
        lift=lifts.get(plan.rounding_mode, -1),
        mode=plan.rounding_mode,
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
        Result: 10^-11 of the currency, a multiple of the plan's least step.
    """
    if not quantity:
        return 0
    _, _, slope, connect, floor, denominator, step, lift, mode = price
    cost = max(slope * quantity, floor)
    if lift < 0:
        return divide(connect + cost, denominator, mode) * step
    return (connect + cost + lift) // denominator * step
