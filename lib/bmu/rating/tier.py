"""Tiers of a period's usage: which one a quantity reaches, and what of it lies in each."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from bmu.rating.rows import (
    TierRow,
)


class Slice(NamedTuple):
    """What of a quantity lies in one tier."""

    tier: TierRow
    quantity: int


def reached(tiers: Sequence[TierRow], quantity: int) -> TierRow:
    """
    Give the tier that a quantity reaches; one that is just a tier's start reaches that tier.

    So tiers of counts that people write 0-100, 101-200 begin at 0 and 101, and 100 is the first one's.
    """
    place = bisect_right(tiers, quantity, key=lambda tier: tier.from_)
    return tiers[max(0, place - 1)]


def slices(tiers: Sequence[TierRow], quantity: int) -> tuple[Slice, ...]:
    """Cut a quantity at the starts of tiers; those it does not enter are left out."""
    ends = [tier.from_ for tier in tiers[1:]] + [quantity]
    cut = (
        Slice(tier, min(end, quantity) - tier.from_) for tier, end in zip(tiers, ends, strict=True)
    )
    return tuple(each for each in cut if each.quantity > 0)
