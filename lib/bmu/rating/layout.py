"""All that may price events at a moment and place, laid out as the compiled batch reads it, where it can."""

from collections.abc import Callable
from typing import NamedTuple

from bmu.money import Rounding
from bmu.rating.drawing import Taker
from bmu.rating.fields import Asked
from bmu.rating.group import Offer, is_whole
from bmu.rating.kinds import BucketKind, RateKind
from bmu.rating.price import Prices
from bmu.rating.taxation import Levies, Levy
from bmu.rating.way import Choice, Way

# By their numbers in _prices.h.
KINDS = {
    RateKind.STANDARD: 0,
    RateKind.FIXED: 1,
    RateKind.MARKUP: 2,
    RateKind.FIXED_MARKUP: 3,
    RateKind.RATED_MARKUP: 4,
    RateKind.PASS_THROUGH: 5,
}
MODES = {Rounding.HALF_UP: 0, Rounding.UP: 1, Rounding.DOWN: 2, Rounding.HALF_EVEN: 3}
_NO_MOST = -1


class LaidOffer(NamedTuple):
    """
    An offer; its order is that of laid_offer in _laid.c.

    Shapes:
        odd: what it prices is left to the plain form. whole: as `is_whole` tells it.
        numbers: kind, mode, minimum, increment, price, denominator, connect, least, most, step; turns: as in `Prices`.
        pieces: start, sum and slope of each of its curve.
        costs: offers of the company's cost where this one sells.
    """

    asked: tuple[Asked, ...]
    plan_id: int
    group_id: int
    rate_id: int
    fallback_from: str | None
    odd: bool
    whole: bool
    numbers: tuple[int, ...]
    turns: tuple[tuple[int, int], ...]
    pieces: tuple[tuple[int, int, int], ...]
    costs: "tuple[LaidOffer, ...]"


class LaidTaker(NamedTuple):
    """A type of bucket that takes the usage; its order is that of laid_taker in _laid.c."""

    code: str
    kind: BucketKind
    is_money: bool
    numbers: tuple[int, int, int]
    holds_at: Callable[[int], bool] | None
    overage_plan: str | None
    thresholds: tuple[int, ...]


class Laid(NamedTuple):
    """
    A `Choice`; its order is that of laid_of in _laid.c.

    Shapes:
        has_costs: whether costs are known there. takers: none where all are plain.
    """

    offers: tuple[LaidOffer, ...]
    has_costs: bool
    takers: tuple[LaidTaker, ...] | None
    levies: tuple[Levy, ...]
    one_tax: bool
    inclusive: bool
    tax_code_id: int | None


# By the identity of an offer, with the offer itself, so that no other has it.
_Known = dict[int, tuple[Offer, LaidOffer]]


def laid_out(way: Way, known: _Known, choice: Choice) -> Laid | None:
    """
    Lay out what a route found; none: all events there are left to the plain form.

    Shapes:
        known: offers laid out before; many places share them.
    """
    levies = choice.levies
    if not isinstance(levies, Levies) or levies.service is not None:
        return None
    return Laid(
        tuple([_known(way, known, offer, choice) for offer in choice.offers]),
        bool(choice.costs),
        None if choice.takers is None else tuple(map(_taker, choice.takers.values())),
        levies.levies,
        choice.one_tax,
        levies.inclusive,
        levies.tax_code_id,
    )


def _known(way: Way, known: _Known, offer: Offer, choice: Choice | None) -> LaidOffer:
    costs = () if choice is None else choice.costs.get(offer.group.plan.code, ())
    found = known.get(id(offer))
    if found is None:
        found = known[id(offer)] = offer, _offer(way, offer)
    if not costs:
        return found[1]
    return found[1]._replace(costs=tuple([_known(way, known, cost, None) for cost in costs]))


def _offer(way: Way, offer: Offer) -> LaidOffer:
    group, rate, prices = offer
    chosen = way.chosen.plan.code
    return LaidOffer(
        asked=group.asked,
        plan_id=group.plan.id,
        group_id=group.row.id,
        rate_id=rate.id,
        fallback_from=chosen if group.plan.code != chosen else None,
        odd=group.row.aggregate or group.row.pass_through or prices.kind is RateKind.PASS_THROUGH,
        whole=is_whole(offer),
        numbers=_numbers(prices),
        turns=prices.turns,
        pieces=tuple(zip(*prices.curve[:3], strict=True)),
        costs=(),
    )


def _numbers(prices: Prices) -> tuple[int, ...]:
    return (
        KINDS[prices.kind],
        MODES[prices.mode],
        prices.minimum,
        prices.increment,
        prices.price_e11,
        prices.curve.denominator,
        prices.connect_e11,
        prices.least_e11,
        _NO_MOST if prices.most_e11 is None else prices.most_e11,
        prices.step,
    )


def _taker(taker: Taker) -> LaidTaker:
    row = taker.row
    return LaidTaker(
        code=row.code,
        kind=row.kind,
        is_money=row.kind is BucketKind.MONEY,
        numbers=(taker.scope, taker.sort, taker.nearness),
        holds_at=taker.holds_at,
        overage_plan=row.overage_plan,
        thresholds=tuple(sorted(set(row.thresholds))),
    )
