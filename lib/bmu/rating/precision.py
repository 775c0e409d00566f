"""To how many places an amount is rounded, and how: as the nearest of group, plan and company says."""

from typing import NamedTuple, Protocol

from bmu.money import SCALE, Rounding


class Precision(NamedTuple):
    """To how many decimal places an amount is rounded, and how."""

    places: int
    mode: Rounding


class Says(Protocol):
    """What may say how amounts are rounded; none: it doesn't."""

    @property
    def places(self) -> int | None:
        """0 to 11."""

    @property
    def rounding_mode(self) -> Rounding | None:
        """As amounts are rounded."""


def precision_of(*nearest_first: Says) -> Precision:
    """Take places and mode each from the first that says them; who says neither wants 11 places, half up."""
    places = (each.places for each in nearest_first if each.places is not None)
    modes = (each.rounding_mode for each in nearest_first if each.rounding_mode is not None)
    return Precision(next(places, SCALE), next(modes, Rounding.HALF_UP))
