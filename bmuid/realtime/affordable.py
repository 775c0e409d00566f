"""How much of an event what is left can pay for."""

from collections.abc import Callable
from typing import NamedTuple

from bmu.rating import Rated, Unrated


class Affordable(NamedTuple):
    """A quantity that can be paid for, and what it costs."""

    quantity: int
    rated: Rated


def cost_e11(rated: Rated) -> int:
    """Give what an event costs, with its tax."""
    return rated.amount_e11 + rated.tax_e11


def most(
    price: Callable[[int], Rated | Unrated], wanted: int, left_e11: int | None
) -> Affordable | Unrated | None:
    """
    Give the largest quantity, up to the one wanted, that costs no more than is left.

    It never costs more, whatever the prices; it is the largest where more never costs less.

    Shapes:
        price: rates a quantity, and changes nothing.
        left_e11: none: there is no limit.
        Result: None where not even one unit can be paid for.
    """

    def paid(quantity: int) -> Affordable | Unrated | None:
        rated = price(quantity)
        if isinstance(rated, Unrated):
            return rated
        within = left_e11 is None or cost_e11(rated) <= left_e11
        return Affordable(quantity, rated) if within else None

    found = paid(wanted)
    if found is not None or left_e11 is None:
        return found
    best: Affordable | None = None
    low, high = 1, wanted - 1
    while low <= high:
        middle = (low + high) // 2
        tried = paid(middle)
        if isinstance(tried, Unrated):
            return tried
        if tried is None:
            high = middle - 1
        else:
            best, low = tried, middle + 1
    return best
