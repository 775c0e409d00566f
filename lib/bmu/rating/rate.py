"""What one event costs: the same way for one as for a million, exact to the last place."""

from collections.abc import Callable, Mapping, Sequence

from bmu.rating.bucket import BucketState, draw
from bmu.rating.outcome import Rated, Unrated, UnratedReason
from bmu.rating.owner import Owner, Terms
from bmu.rating.price import INT64_MAX, amount_of, rounded_up
from bmu.rating.route import EVERYWHERE, Memory, Resolved, Route
from bmu.rating.tariff import Tariff
from bmu.rating.tax import tax_of
from bmu.usage import UDR

Compiled = Callable[
    [
        list[UDR],
        list[Owner],
        Callable[[Terms, str], Memory | None],
        dict[int, Sequence[BucketState]],
        Callable[[UDR, Owner], Rated | Unrated],
        type[Rated],
        type[Resolved],
    ],
    list[Rated | Unrated],
]


def _built() -> Compiled | None:
    """Give the compiled form, which is there where a compiler was; nothing but time hangs on it."""
    try:
        from bmu.rating._batch import rate_batch as compiled  # noqa: PLC0415
    except ImportError:
        return None
    return compiled


_compiled = _built()


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
    return route if isinstance(route, Unrated) else _rate(udr, route, buckets)


def rate_batch(
    udrs: Sequence[UDR],
    owners: Sequence[Owner],
    tariff: Tariff,
    buckets_by_service: Mapping[int, Sequence[BucketState]],
) -> list[Rated | Unrated]:
    """
    Price events in the order given, each with its owner, as `rate` does.

    Shapes:
        owners: as many as *udrs*.
        buckets_by_service: as `by_service` makes it, of all services that have any.
    """

    def one(udr: UDR, owner: Owner) -> Rated | Unrated:
        return rate(udr, owner, tariff, buckets_by_service.get(owner.account_service_id, ()))

    def memory_of(terms: Terms, usage_class: str) -> Memory | None:
        route = tariff.route(terms, usage_class)
        return route.memory if isinstance(route, Route) else None

    if _compiled is None:
        return [one(udr, owner) for udr, owner in zip(udrs, owners, strict=True)]
    buckets = dict(buckets_by_service)
    return _compiled(list(udrs), list(owners), memory_of, buckets, one, Rated, Resolved)


def _rate(udr: UDR, route: Route, buckets: Sequence[BucketState]) -> Rated | Unrated:
    """Find the rate, price what was measured; this and what it calls is the hot path."""
    started_us, quantity = udr.started_us, udr.quantity
    pattern_id, location = None, EVERYWHERE
    if route.longest is not None:
        place = route.longest(udr.destination)
        if place is None:
            tried = f"no pattern begins the number {udr.destination[:40]!r}"
            return Unrated(UnratedReason.NO_LOCATION, tried)
        pattern_id, location = place
    found = route.rate_at(started_us, location)
    if isinstance(found, Unrated):
        return found
    assert quantity >= 0, udr
    group_id, rate_id, tax_id, rate_ppm, price, codes = found
    billable = rounded = rounded_up(price, quantity)
    amount = rated = amount_of(price, rounded)
    if rated > INT64_MAX or rounded > INT64_MAX:
        tried = f"rate {rate_id}: {quantity} come to more than an amount holds"
        return Unrated(UnratedReason.AMOUNT_TOO_LARGE, tried)
    draws: tuple[tuple[int, int], ...] = ()
    if buckets and codes and rounded:
        draws = draw(buckets, codes, started_us, rounded)
        if draws:
            billable = rounded - sum([taken for _, taken in draws])
            amount = amount_of(price, billable)
    class_id, level, plan_id, currency = route.facts
    # Straight to the tuple: the constructor of a named tuple takes twice as long.
    return tuple.__new__(
        Rated,
        (
            class_id,
            level,
            plan_id,
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
            currency,
            draws,
        ),
    )
