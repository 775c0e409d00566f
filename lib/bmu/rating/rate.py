"""What one event costs: the same way for one as for a million, exact to the last place."""

from collections.abc import Mapping, Sequence

from bmu.rating.bucket import BucketState, draw
from bmu.rating.outcome import Rated, Unrated, UnratedReason
from bmu.rating.owner import Owner
from bmu.rating.price import INT64_MAX, amount_of, rounded_up
from bmu.rating.route import EVERYWHERE, Resolved, Route
from bmu.rating.tariff import Tariff
from bmu.rating.tax import tax_of
from bmu.usage import UDR

_NO_DRAWS: tuple[tuple[int, int], ...] = ()


def rate(
    udr: UDR, owner: Owner, tariff: Tariff, buckets: Sequence[BucketState]
) -> Rated | Unrated:
    """
    Price one event by the one rate that fits, after what its owner's buckets cover.

    Shapes:
        buckets: of the owner's account service, in the order of `by_service`; lowered by what
            is drawn, and only where the event is rated.
    """
    route = tariff.route(owner.terms, udr.usage_class)
    if isinstance(route, Unrated):
        return route
    pattern_id, location = None, EVERYWHERE
    if route.geotree is not None:
        place = route.geotree.longest(udr.destination)
        if place is None:
            tried = f"no pattern begins the number {udr.destination[:40]!r}"
            return Unrated(UnratedReason.NO_LOCATION, tried)
        pattern_id, location = place
    found = route.rate_at(udr.started_us, location)
    if isinstance(found, Unrated):
        return found
    return _charge(udr, route, found, pattern_id, buckets)


def rate_batch(
    udrs: Sequence[UDR],
    owners: Sequence[Owner],
    tariff: Tariff,
    buckets_by_service: Mapping[int, Sequence[BucketState]],
) -> list[Rated | Unrated]:
    """
    Price events in the order given, each with its owner.

    Shapes:
        owners: as many as *udrs*.
        buckets_by_service: as `by_service` makes it, of all services that have any.
    """
    return [
        rate(udr, owner, tariff, buckets_by_service.get(owner.account_service_id, ()))
        for udr, owner in zip(udrs, owners, strict=True)
    ]


def _charge(
    udr: UDR, route: Route, found: Resolved, pattern_id: int | None, buckets: Sequence[BucketState]
) -> Rated | Unrated:
    """Round, price, draw, price what is left, tax."""
    group_id, rate_id, tax_id, rate_ppm, price, codes = found
    quantity = udr.quantity
    assert quantity >= 0, udr
    rounded = billable = rounded_up(price, quantity)
    amount = rated = amount_of(price, rounded)
    if rated > INT64_MAX or rounded > INT64_MAX:
        tried = f"rate {rate_id}: {quantity} come to more than an amount holds"
        return Unrated(UnratedReason.AMOUNT_TOO_LARGE, tried)
    draws = _NO_DRAWS
    if rounded and codes and buckets:
        draws = draw(buckets, codes, udr.started_us, rounded)
        if draws:
            billable = rounded - sum(taken for _, taken in draws)
            amount = amount_of(price, billable)
    return Rated(
        route.way.usage_class.id,
        route.level,
        route.plan_id,
        group_id,
        rate_id,
        pattern_id,
        tax_id,
        quantity,
        rounded,
        billable,
        rated,
        amount,
        tax_of(amount, rate_ppm),
        route.currency,
        draws,
    )
