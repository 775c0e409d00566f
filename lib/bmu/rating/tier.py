"""Tiers of a period's usage: which one a quantity reaches, and what of it lies in each."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
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


def unfit(tiers: Sequence[TierRow]) -> Iterator[str]:
    """Say what keeps tiers from being used."""
    if not tiers or tiers[0].from_ != 0:
        yield "has no tier that begins at 0"
    for tier, following in pairwise(tiers):
        if following.from_ <= tier.from_:
            yield f"has a tier from {following.from_} on after one from {tier.from_} on"
    for tier in tiers:
        if tier.per < 1:
            yield f"has a tier with a price for {tier.per}, less than 1"
        if tier.price_e11 < 0 or tier.flat_e11 < 0:
            yield f"has a tier from {tier.from_} on with a price below 0"
