"""The unit prices that the units of an event fall under: free ones first, then the rate's price, then its steps."""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from bmu.rating.rows import RateRow, RateStep


class Piece(NamedTuple):
    """
    Base units at one unit price.

    Units:
        price_e11: for *per* base units.
    """

    quantity: int
    price_e11: int
    per: int
    is_free: bool

    @property
    def amount_e11(self) -> Fraction:
        """What they come to, exactly."""
        return Fraction(0 if self.is_free else self.price_e11 * self.quantity, self.per)


def pieces(rate: RateRow, first: int, end: int) -> Iterator[Piece]:
    """Cut the base units [first, end) of what is left to pay of an event by the price they have."""
    steps = (RateStep(0, rate.price_e11, rate.per), *rate.steps)
    bends = sorted({0, rate.free, *(step.after for step in steps)})
    for start, stop in zip(bends, [*bends[1:], max(end, bends[-1])], strict=True):
        quantity = min(stop, end) - max(start, first)
        if quantity > 0:
            step = next(step for step in reversed(steps) if step.after <= start)
            yield Piece(quantity, step.price_e11, step.per, is_free=start < rate.free)
