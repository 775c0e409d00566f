"""What one event costs: the same way for one as for a million, exact to the last place."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from bmu.rating.bucket import BucketState, draw
from bmu.rating.detail import Detail
from bmu.rating.group import Resolved
from bmu.rating.kinds import Side
from bmu.rating.outcome import Rated, Unrated, UnratedReason
from bmu.rating.owner import Owner, Terms
from bmu.rating.places import EVERYWHERE
from bmu.rating.price import INT64_MAX, amount_of, rounded_up
from bmu.rating.reclass import reclassified
from bmu.rating.route import Route
from bmu.rating.routing import overage_route, route_of
from bmu.rating.sharing import Participation
from bmu.rating.tariff import Tariff
from bmu.rating.tax import tax_of
from bmu.rating.way import Choice, Found
from bmu.rating.whole import Asking, rate_whole
from bmu.usage import UDR

if TYPE_CHECKING:
    from bmu.rating._batch import Memory

# What a route remembers, how it finds what it does not, where events took place if numbers alone don't tell, and
# whether they are split.
Known = tuple[
    "Memory",
    Callable[[int, int], Found],
    Callable[[UDR], tuple[int | None, int] | Unrated] | None,
    bool,
]
Compiled = Callable[
    [
        list[UDR],
        list[Owner],
        Callable[[Terms, str, str | None], Known | None],
        dict[int, Sequence[BucketState]],
        dict[int, Sequence[Participation]],
        Callable[[UDR, Owner], Rated | Unrated],
        type[Rated],
        int,
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

# No event is of before 1970 or of the year 9000 and after: such a time is a mistake of its record.
_END_US = 221_845_392_000_000_000


def rate(
    udr: UDR,
    owner: Owner,
    tariff: Tariff,
    buckets: Sequence[BucketState],
    participations: Sequence[Participation] = (),
) -> Rated | Unrated:
    """
    Price one event by the one rate that fits, after what its owner's buckets cover.

    Shapes:
        buckets: those the owner's account service may draw from, in the order of `by_service` or `shelves`; lowered
            by what is drawn, and only where the event is rated.
        participations: of the account service in share plans; raised likewise.
    """
    if not (0 <= udr.quantity <= INT64_MAX and 0 <= udr.started_us < _END_US):
        return Unrated(UnratedReason.BAD_EVENT, _bad(udr))
    usage_class, was = udr.usage_class, None
    if tariff.reclassifies:
        becomes = _becomes(udr, owner.terms, tariff)
        if becomes is not None:
            usage_class, was = becomes, usage_class
    route = route_of(tariff, owner.terms, usage_class)
    if isinstance(route, Unrated):
        return route
    place = route.place_of(udr)
    if isinstance(place, Unrated):
        return place
    found = route.rate_at(udr.started_us, place[1])
    if isinstance(found, Unrated):
        return found
    if isinstance(found, Choice):
        asking = Asking(udr, owner, tariff, route, *place, was)
        return rate_whole(asking, found, buckets, participations)
    outcome = _rate_plain(udr, route, place[0], found, buckets)
    return outcome if was is None else _with_former_class(outcome, was)


def rate_batch(
    udrs: Sequence[UDR],
    owners: Sequence[Owner],
    tariff: Tariff,
    buckets_by_service: Mapping[int, Sequence[BucketState]],
    participations_by_service: Mapping[int, Sequence[Participation]] | None = None,
) -> list[Rated | Unrated]:
    """
    Price events in the order given, each with its owner, as `rate` does.

    Shapes:
        owners: as many as *udrs*.
        buckets_by_service: as `by_service` or `shelves` makes it, of all services that have any.
        participations_by_service: likewise, of services that take part in share plans within limits.
    """
    limits = participations_by_service or {}

    def one(udr: UDR, owner: Owner) -> Rated | Unrated:
        service = owner.account_service_id
        return rate(
            udr, owner, tariff, buckets_by_service.get(service, ()), limits.get(service, ())
        )

    def known_of(terms: Terms, usage_class: str, plan: str | None) -> Known | None:
        return remembered(tariff, terms, usage_class, plan)

    if _compiled is None:
        return [one(udr, owner) for udr, owner in zip(udrs, owners, strict=True)]
    # A batch may come in many parts: what all of them draw from is not copied for each.
    buckets = _dict(buckets_by_service)
    return _compiled(
        list(udrs), list(owners), known_of, buckets, _dict(limits), one, Rated, _END_US
    )


def remembered(tariff: Tariff, terms: Terms, usage_class: str, plan: str | None) -> Known | None:
    """Give the route for usage, or for what of it goes beyond a bucket that names a plan, for the compiled form."""
    if plan is not None:
        route = overage_route(tariff, terms, usage_class, plan)
    else:
        route = route_of(tariff, terms, usage_class)
    if isinstance(route, Unrated) or route.memory is None:
        return None
    # What may become another class's anywhere, or by where it took place though that does not price it.
    rules = tariff.rules(terms, usage_class) if tariff.reclassifies else ()
    if rules and (route.way.geotree is None or any(rule.places is None for rule in rules)):
        return None
    geotree = route.way.geotree
    is_told = geotree is None or geotree.index is not None
    return route.memory, route.rate_at, None if is_told else route.place_of, route.splits


_Value = TypeVar("_Value")


def _dict(mapping: Mapping[int, _Value]) -> dict[int, _Value]:
    return mapping if isinstance(mapping, dict) else dict(mapping)


def _bad(udr: UDR) -> str:
    if not 0 <= udr.quantity <= INT64_MAX:
        return f"a quantity of {str(udr.quantity)[:40]}"
    return f"began {udr.started_us} microseconds after 1970"


def _with_former_class(outcome: Rated | Unrated, usage_class: str) -> Rated | Unrated:
    """Keep which class the record named."""
    if isinstance(outcome, Unrated):
        return outcome
    return outcome._replace(detail=Detail(reclassified_from=usage_class))


def _becomes(udr: UDR, terms: Terms, tariff: Tariff) -> str | None:
    """Give the class that the owner's package makes of the event's; none: its own."""
    rules = tariff.rules(terms, udr.usage_class)
    row = tariff.usage_classes.get(udr.usage_class)
    if not rules or row is None:
        return None
    place = None
    if any(rule.places is not None for rule in rules):
        number = udr.origin if row.side is Side.ORIGIN else udr.destination
        place = tariff.geotree.longest(number, udr.started_us)
    location = EVERYWHERE if place is None else place[1]
    return reclassified(rules, udr, tariff.places.reach(location))


def _rate_plain(
    udr: UDR, route: Route, pattern_id: int | None, found: Resolved, buckets: Sequence[BucketState]
) -> Rated | Unrated:
    """Price what was measured at the one plain rate; this and what it calls is the hot path."""
    started_us, quantity = udr.started_us, udr.quantity
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
            None,
        ),
    )
