"""What an event costs where more than one plain rate is in play: conditions, splits, costs, every kind of bucket."""

from collections.abc import Sequence
from typing import NamedTuple

from bmu.rating.bucket import BucketState, draw
from bmu.rating.detail import Cost, Detail, Overage, Part
from bmu.rating.drawing import drawing, take
from bmu.rating.draws import Drawing
from bmu.rating.group import Offer, Resolved, first_fitting, is_whole
from bmu.rating.kinds import BucketKind
from bmu.rating.outcome import Rated, Unrated, UnratedReason
from bmu.rating.owner import Owner
from bmu.rating.price import INT64_MAX, amount_of, counted
from bmu.rating.route import Route
from bmu.rating.routing import overage_route
from bmu.rating.sale import Sale, cost_of, sale_of
from bmu.rating.sharing import Participation
from bmu.rating.split import SECONDS_MAX, Stretch, Unpriced, stretches
from bmu.rating.tariff import Tariff
from bmu.rating.taxation import Levies, Taxes, Untaxed, taxes_on
from bmu.rating.way import Choice, is_one_tax, untaxed
from bmu.usage import UDR

_SECOND_US = 1_000_000
_NOTHING = (None,) * 7


class Asking(NamedTuple):
    """
    An event and all that its price follows from.

    Shapes:
        location: an index, or EVERYWHERE; pattern_id: what led there.
        was: the class that the record names, where it was made another's.
    """

    udr: UDR
    owner: Owner
    tariff: Tariff
    route: Route
    pattern_id: int | None
    location: int
    was: str | None = None


class Covered(NamedTuple):
    """
    What is left to pay of an event after its buckets.

    Shapes:
        drawing: none where all buckets are plain.
        overage: the rate of the plan that a bucket names; aggregate: the code of that rate, where it prices a period.

    Units:
        tax_e11: of all taxes together.
    """

    billable: int
    taxes: Taxes
    tax_e11: int
    draws: tuple[tuple[int, int], ...]
    drawing: Drawing | None = None
    overage: Overage | None = None
    aggregate: str | None = None


class Priced(NamedTuple):
    """A quantity priced by a bucket's own plan."""

    amount_e11: int
    overage: Overage
    aggregate: str | None = None


def rate_whole(
    asking: Asking,
    choice: Choice,
    buckets: Sequence[BucketState],
    participations: Sequence[Participation],
) -> Rated | Unrated:
    """Price an event by the first rate whose group wants it, with all that goes with that rate."""
    udr, route = asking.udr, asking.route
    sale = _sale(asking, choice)
    if isinstance(sale, Unrated):
        return sale
    if choice.levies is None:
        choice = _with_outside_taxes(asking, choice)
    if isinstance(choice.levies, Untaxed):
        return untaxed(choice.levies)
    offer, rounded = sale.stretches[0].offer, sale.rounded
    rated, cost = sale.price(rounded), cost_of(udr, sale)
    if max(rated, rounded, cost.amount_e11 if cost else 0) > INT64_MAX:
        return _too_large(asking, offer)
    if choice.takers is None:
        covered = _cover(asking, choice, sale, rated, buckets)
    else:
        covered = _cover_by_all(asking, choice, sale, rated, buckets, participations)
    if isinstance(covered, Unrated):
        return covered
    taxes = covered.taxes
    class_id, level, _, currency = route.facts
    # Straight to the tuple: the constructor of a named tuple takes twice as long.
    return tuple.__new__(
        Rated,
        (
            class_id,
            level,
            offer.group.plan.id,
            offer.group.row.id,
            offer.rate.id,
            asking.pattern_id,
            taxes.parts[0].tax_id if taxes.parts else None,
            udr.quantity,
            rounded,
            covered.billable,
            rated,
            taxes.net_e11,
            covered.tax_e11,
            currency,
            covered.draws,
            _detail(asking, sale, cost, covered, None if choice.one_tax else taxes),
        ),
    )


def _detail(
    asking: Asking, sale: Sale, cost: Cost | None, covered: Covered, taxes: Taxes | None
) -> Detail | None:
    """Give all that goes beyond the plain figures; none where nothing does."""
    offer = sale.stretches[0].offer
    chosen = asking.route.way.chosen.plan.code
    fallback_from = chosen if offer.group.plan.code != chosen else None
    aggregate = covered.aggregate if covered.overage else _aggregate(offer)
    beyond = (cost, taxes, covered.drawing, covered.overage, fallback_from, asking.was, aggregate)
    if len(sale.stretches) == 1 and beyond == _NOTHING and sale.recorded_e11 is None:
        return None
    return Detail(
        reclassified_from=asking.was,
        fallback_from=fallback_from,
        aggregate=aggregate,
        recorded_e11=sale.recorded_e11,
        cost=cost,
        parts=_parts(sale, sale.rounded - covered.billable),
        overage=covered.overage,
        drawing=covered.drawing,
        taxes=taxes,
    )


def price_by_plan(asking: Asking, rounded: int, quantity: int, plan: str) -> Priced | Unrated:
    """
    Price the last units of an event, which was counted already, by the plan that a bucket names for them.

    Units:
        rounded, quantity: base units of all of the event, and of those; no rounding rule is applied to them again.
    """
    udr, usage_class = asking.udr, asking.route.way.usage_class
    route = overage_route(asking.tariff, asking.owner.terms, usage_class.code, plan)
    if isinstance(route, Unrated):
        return route
    found = route.rate_at(udr.started_us, asking.location)
    if isinstance(found, Unrated):
        return found
    if isinstance(found, Resolved):
        overage = Overage(route.way.chosen.plan.id, found.rate_group_id, found.rate_id)
        return Priced(amount_of(found.price, quantity), overage)
    offer = first_fitting(found.offers, udr)
    if offer is None:
        tried = route.tried(udr.started_us, asking.location, udr)
        return Unrated(UnratedReason.NO_RATE, tried)
    sale = sale_of(udr, (Stretch(offer, rounded),), found.costs)
    if isinstance(sale, Unrated):
        return sale
    overage = Overage(
        offer.group.plan.id,
        offer.group.row.id,
        offer.rate.id,
        cost_of(udr, sale) if offer.prices.marked_up else None,
        sale.recorded_e11,
    )
    return Priced(sale.price(quantity), overage, _aggregate(offer))


def _sale(asking: Asking, choice: Choice) -> Sale | Unrated:
    """Find the rate, cut the event where the class is split, count it, and find what the rates need."""
    udr = asking.udr
    offer = first_fitting(choice.offers, udr)
    if offer is None:
        tried = asking.route.tried(udr.started_us, asking.location, udr)
        return Unrated(UnratedReason.NO_RATE, tried)
    cut = _cut(asking, offer)
    if isinstance(cut, Unrated):
        return cut
    return sale_of(udr, _rounded_on(cut, counted(offer.prices, udr.quantity)), choice.costs)


def _cut(asking: Asking, offer: Offer) -> tuple[Stretch, ...] | Unrated:
    """Cut an event of a class that is split where its price changes."""
    udr, route, location = asking.udr, asking.route, asking.location
    started_us = udr.started_us
    ended_us = started_us + udr.quantity * _SECOND_US
    if not route.splits or is_whole(offer) or route.is_alike(started_us, ended_us):
        return (Stretch(offer, udr.quantity),)
    if udr.quantity > SECONDS_MAX:
        return Unrated(UnratedReason.BAD_EVENT, f"lasts {udr.quantity} s, more than a year")

    def offer_at(us: int) -> Offer | None:
        return route.offer_at(us, location, udr)

    edges = route.edges(started_us, ended_us)
    found = stretches(started_us, udr.quantity, offer, edges, offer_at)
    if not isinstance(found, Unpriced):
        return found
    if found.us is None:
        return Unrated(UnratedReason.BAD_EVENT, f"lasts {udr.quantity} s, over too many prices")
    then = route.rate_at(found.us, location)
    if isinstance(then, Unrated):
        return then
    return Unrated(UnratedReason.NO_RATE, route.tried(found.us, location, udr))


def _rounded_on(cut: tuple[Stretch, ...], rounded: int) -> tuple[Stretch, ...]:
    """Give the last stretch what rounding added."""
    last = cut[-1]
    if len(cut) == 1:
        return (Stretch(last.offer, rounded),)
    before = sum([stretch.quantity for stretch in cut[:-1]])
    return (*cut[:-1], Stretch(last.offer, rounded - before))


def _cover(
    asking: Asking, choice: Choice, sale: Sale, rated: int, buckets: Sequence[BucketState]
) -> Covered | Unrated:
    """Draw what plain buckets cover; they are as before where the taxes of the rest are too large."""
    billable, amount = sale.rounded, rated
    draws: tuple[tuple[int, int], ...] = ()
    if sale.recorded_e11 is None and buckets and choice.buckets and billable:
        draws = draw(buckets, choice.buckets, asking.udr.started_us, billable)
        if draws:
            billable -= sum([taken for _, taken in draws])
            amount = sale.price(billable)
    taxes, tax = _taxes(choice, amount)
    if tax > INT64_MAX:
        taken_from = dict(draws)
        for bucket in buckets:
            bucket.balance += taken_from.get(bucket.id, 0)
        return _too_large(asking, sale.stretches[0].offer)
    return Covered(billable, taxes, tax, draws)


def _cover_by_all(
    asking: Asking,
    choice: Choice,
    sale: Sale,
    rated: int,
    buckets: Sequence[BucketState],
    participations: Sequence[Participation],
) -> Covered | Unrated:
    """
    Draw from buckets of all kinds; what a record prices itself is paid for by money alone.

    Buckets are lowered only where there is a price for the rest, and taxes that fit.
    """
    started_us, rounded = asking.udr.started_us, sale.rounded
    takers = choice.takers or {}
    failed: list[Unrated] = []
    beyond: list[Priced] = []
    if sale.recorded_e11 is not None:
        takers = {code: each for code, each in takers.items() if each.row.kind is BucketKind.MONEY}

    def pricing(quantity: int, plan: str | None) -> int | None:
        if plan is None or not quantity:
            return rated if quantity == rounded else sale.price(quantity)
        priced = price_by_plan(asking, rounded, quantity, plan)
        if isinstance(priced, Unrated):
            failed.append(priced)
            return None
        beyond[:] = [priced]
        return priced.amount_e11

    made = drawing(buckets, takers, started_us, rounded, pricing, participations)
    due = pricing(made.billable, made.overage_plan) if made else None
    if made is None or due is None:
        return failed[0]
    amount = due - made.paid_e11 + made.flat_e11
    taxes, tax = _taxes(choice, amount)
    if max(due, amount, tax) > INT64_MAX:
        return _too_large(asking, sale.stretches[0].offer)
    take(made, buckets, started_us, participations)
    return Covered(
        billable=made.billable,
        taxes=taxes,
        tax_e11=tax,
        draws=made.units,
        drawing=made if made.draws else None,
        overage=beyond[0].overage if beyond else None,
        aggregate=beyond[0].aggregate if beyond else None,
    )


def _with_outside_taxes(asking: Asking, choice: Choice) -> Choice:
    """Have the outside service say which taxes hold for an event."""
    ask = asking.route.way.outside_taxes
    assert ask is not None, "levies of each event are those of a service"
    levies = ask(asking.udr, asking.location)
    plain = isinstance(levies, Levies) and levies.service is None and is_one_tax(levies)
    return choice._replace(levies=levies, one_tax=plain)


def _taxes(choice: Choice, amount_e11: int) -> tuple[Taxes, int]:
    """Give the taxes on what is left to pay, and what they come to."""
    assert isinstance(choice.levies, Levies)
    taxes = taxes_on(amount_e11, choice.levies)
    return taxes, sum([part.tax_e11 for part in taxes.parts])


def _parts(sale: Sale, covered: int) -> tuple[Part, ...]:
    """Tell what is billable of each stretch: buckets cover the beginning of an event."""
    if len(sale.stretches) == 1:
        return ()
    parts = []
    for offer, quantity in sale.stretches:
        skipped = min(covered, quantity)
        covered -= skipped
        parts.append(Part(offer.group.row.id, offer.rate.id, quantity, quantity - skipped))
    return tuple(parts)


def _aggregate(offer: Offer) -> str | None:
    """Give the code of a rate that prices a period's usage."""
    return offer.rate.code if offer.group.row.aggregate else None


def _too_large(asking: Asking, offer: Offer) -> Unrated:
    tried = f"rate {offer.rate.id}: {asking.udr.quantity} come to more than an amount holds"
    return Unrated(UnratedReason.AMOUNT_TOO_LARGE, tried)
