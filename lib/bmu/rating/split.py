"""Events over a change of price, cut where the prices change: each second is of the stretch it begins in."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bmu.rating.group import Offer

_SECOND_US = 1_000_000
# Longer events than this, or with more prices, are no usage but a mistake.
SECONDS_MAX = 366 * 86_400
CHANGES_MAX = 400


class Stretch(NamedTuple):
    """Whole seconds of an event that one rate prices."""

    offer: Offer
    quantity: int


class Unpriced(NamedTuple):
    """The instant from which a part of an event has no price, or none where there are too many."""

    us: int | None


def stretches(
    started_us: int,
    quantity: int,
    first: Offer,
    edges: Iterable[int],
    offer_at: Callable[[int], Offer | None],
) -> tuple[Stretch, ...] | Unpriced:
    """
    Cut an event of so many seconds where the rate that prices it changes.

    Shapes:
        edges: instants after the start at which it may change, in order.
        offer_at: finds the rate from an instant on.
        Result: one or more; of two in a row the rates differ.
    """
    found: list[Stretch] = []
    offer, begun = first, 0
    for edge in edges:
        # A second that has begun is not cut.
        passed = -((started_us - edge) // _SECOND_US)
        if passed >= quantity:
            break
        following = offer_at(edge)
        if following is None:
            return Unpriced(edge)
        if _is_same(following, offer):
            continue
        if passed > begun:
            found.append(Stretch(offer, passed - begun))
        offer, begun = following, passed
        if len(found) > CHANGES_MAX:
            return Unpriced(None)
    found.append(Stretch(offer, quantity - begun))
    return _joined(found)


def _is_same(one: Offer, other: Offer) -> bool:
    return (
        one.rate is other.rate
        and one.group.row is other.group.row
        and one.group.plan is other.group.plan
    )


def _joined(found: list[Stretch]) -> tuple[Stretch, ...]:
    """Join neighbours of one rate: what lay between them was less than a second."""
    joined: list[Stretch] = []
    for stretch in found:
        if joined and _is_same(joined[-1].offer, stretch.offer):
            joined[-1] = Stretch(stretch.offer, joined[-1].quantity + stretch.quantity)
        else:
            joined.append(stretch)
    return tuple(joined)
