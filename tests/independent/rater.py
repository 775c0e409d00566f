"""
A second rater: slow, with fractions and the calendar's own clocks, by the words of docs/rating.md alone.

It shares the rows with the engine, and nothing else. Where the two differ, one of them misreads the words.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from independent.book import Book, Candidate, Offer, WaitsError, Whereabouts, holds
from independent.due import Collector, bill
from independent.included import Included, Shelf
from independent.prices import (
    MARKUPS,
    counted,
    to_places,
    usage_price,
    with_limits,
)

from bmu.money import Rounding, parse_e11
from bmu.rating import (
    BucketKind,
    BucketState,
    CompanyTerms,
    Owner,
    PackageRow,
    Participation,
    RatePlanRow,
    ReclassRule,
    TariffRows,
    Terms,
    UsageClassRow,
)
from bmu.usage import UDR

LARGEST = 2**63 - 1
LAST_US = 221_845_392_000 * 10**6  # 9000-01-01
DAY_SECONDS = 86_400
MINUTE_US = 60 * 10**6
SECOND_US = 10**6


@dataclass(frozen=True)
class Answer:
    """All that a charge must say."""

    usage_class: int
    level: int
    plan: int
    group: int
    rate: int
    pattern: int | None
    quantity: int
    rounded: int
    billable: int
    rated: int
    amount: int
    currency: str
    taxes: tuple[tuple[int, int, int, str | None], ...]
    units: tuple[tuple[int, int], ...]
    money: tuple[tuple[int, int], ...]
    entered: tuple[tuple[int, int, int, int], ...]
    reached: tuple[tuple[int, int], ...]
    reclassified_from: str | None = None
    fallback_from: str | None = None
    aggregate: str | None = None
    recorded: int | None = None
    # What it costs the company: amount, then the group and the rate that say so.
    cost: tuple[int, int | None, int | None] | None = None
    # Of each part its group, rate, and what of it was counted and is billable.
    parts: tuple[tuple[int, int, int, int], ...] = ()
    # Of what goes beyond a bucket: plan, group, rate, cost, and the amount its record says.
    overage: tuple[object, ...] | None = None


class Stretch(NamedTuple):
    """A stretch of an event's counted units, [first, end), at one rate."""

    offer: Offer
    first: int
    end: int


@dataclass
class CostOf:
    """What an event costs the company: by a rate, or as recorded."""

    book: Book
    measured: int
    rounded: int
    offer: Offer | None = None
    recorded: int | None = None

    def exact(self, quantity: int) -> Fraction:
        """The cost of some of the units that were counted."""
        if quantity == 0:
            return Fraction(0)
        if self.offer is None:
            return Fraction(self.recorded or 0) * quantity / self.rounded
        rate = self.offer.rate
        of_cost = counted(rate, self.book.roundings.get(rate.rounding or ""), quantity)
        return with_limits(rate, usage_price(rate, 0, of_cost, Fraction(0)))

    def told(self) -> tuple[int, int | None, int | None]:
        """The cost of all of it, as the charge tells it."""
        if self.offer is None:
            return (self.recorded or 0, None, None)
        amount = to_places(self.exact(self.measured), *precision(self.book, self.offer))
        return (amount, self.offer.group.id, self.offer.rate.id)


@dataclass
class Event:
    """One event, as far as it was looked at."""

    udr: UDR
    terms: Terms
    package: PackageRow
    usage_class: UsageClassRow
    place: Whereabouts

    @property
    def us(self) -> int:
        """When it began."""
        return self.udr.started_us


@dataclass
class Sold:
    """What an event is sold at: its stretches, its cost, the amount that its record says."""

    book: Book
    stretches: tuple[Stretch, ...]
    rounded: int
    cost: CostOf | None = None
    recorded: int | None = None
    shares: list[tuple[int, int]] = field(default_factory=list)

    @property
    def offer(self) -> Offer:
        """The first stretch's rate."""
        return self.stretches[0].offer

    def left(self, billable: int) -> list[tuple[int, int]]:
        """Give [first, end) of each stretch, counted from the first unit that is left to pay for."""
        covered = self.rounded - billable
        return [
            (max(0, each.first - covered), max(0, each.end - covered)) for each in self.stretches
        ]

    def price(self, billable: int) -> int:
        """The price of what is left to pay for."""
        offer = self.offer
        if offer.group.aggregate:
            return 0
        if offer.passes_on:
            exact = Fraction(self.recorded or 0)
        elif billable == 0:
            return 0
        else:
            cost = self.cost.exact(billable) if self.cost else Fraction(0)
            total = Fraction(0)
            for each, (first, end) in zip(self.stretches, self.left(billable), strict=True):
                if end > first:
                    share = cost * (end - first) / billable
                    total += usage_price(each.offer.rate, first, end, share)
            exact = with_limits(offer.rate, total)
        return to_places(exact, *precision(self.book, offer))


def precision(book: Book, offer: Offer) -> tuple[int, Rounding]:
    """Places and rounding of an amount: the group's, else the plan's, else the company's."""
    says = (offer.group, offer.plan, book.company)
    places = next((each.places for each in says if each.places is not None), 11)
    mode = next((each.rounding_mode for each in says if each.rounding_mode), Rounding.HALF_UP)
    return places, mode


class Rater:
    """Prices events by one catalogue."""

    def __init__(self, rows: TariffRows, company: CompanyTerms) -> None:
        self.book = Book(rows, company)
        self.collector = Collector(self.book)

    def rate(
        self,
        udr: UDR,
        owner: Owner,
        buckets: Sequence[BucketState],
        limits: Sequence[Participation] = (),
    ) -> Answer | str:
        """Give all that a charge must say and draw from the buckets, or the reason why there is none."""
        shelf = Shelf(self.book, buckets, limits)
        try:
            return self._rate(udr, owner.terms, shelf)
        except WaitsError as error:
            return str(error)

    def _rate(self, udr: UDR, terms: Terms, shelf: Shelf) -> Answer:
        book = self.book
        event, former = self.look_at(udr, terms)
        level, chosen = self.plan_of(event)
        event = self.located(event)
        plans = list(book.chain(chosen.code))
        of = (event.usage_class.code, event.place, False)
        candidates = book.candidates(udr, terms, plans, of)
        offer = book.sell(candidates, event.us, terms)
        sold = self.sold(event, candidates, offer, None)
        tells_cost = self.costs(event, sold)
        recorded = self.recorded(event, sold)
        due, inclusive = self.collector.due(
            event.us, terms, event.place.lineage, event.usage_class.category
        )
        rated = sold.price(sold.rounded)
        fits_column(sold.rounded, rated, *(tells_cost or (0,))[:1])

        beyond: list[Sold] = []

        def price(billable: int, plan: str | None) -> int:
            if plan is None or not billable:
                return sold.price(billable)
            if not beyond:
                beyond.append(self.overage(event, plan, billable, sold.rounded))
            return beyond[0].price(billable)

        made = shelf.draw(
            event.us,
            (event.usage_class.code, event.place.lineage, terms.zone),
            sold.rounded,
            units=not sold.offer.passes_on,
            price=price,
        )
        owed = made.owed
        if owed is None:
            owed = price(made.billable, made.overage_plan)
        total = bill(owed + made.flat_e11, due, inclusive=inclusive)
        fits_column(owed + made.flat_e11, sum(tax for _, _, tax, _ in total.taxes))
        shelf.settle(made, event.us)
        offer = sold.offer
        return Answer(
            usage_class=event.usage_class.id,
            level=level,
            plan=offer.plan.id,
            group=offer.group.id,
            rate=offer.rate.id,
            pattern=event.place.pattern.id if event.place.pattern else None,
            quantity=udr.quantity,
            rounded=sold.rounded,
            billable=made.billable,
            rated=rated,
            amount=total.net,
            currency=terms.currency,
            taxes=total.taxes,
            units=made.draws(BucketKind.USAGE),
            money=made.draws(BucketKind.MONEY),
            entered=tuple((t.bucket.id, *each) for t in made.taken for each in t.entered),
            reached=tuple((t.bucket.id, each) for t in made.taken for each in t.reached),
            reclassified_from=former,
            fallback_from=chosen.code if offer.plan is not chosen else None,
            aggregate=aggregate_of(sold, beyond),
            recorded=recorded,
            cost=tells_cost,
            parts=parts_of(sold, made),
            overage=self.told_overage(beyond),
        )

    # What, whose, where

    def look_at(self, udr: UDR, terms: Terms) -> tuple[Event, str | None]:
        """Check the event, find its class and package, and make it another's class where rules say so."""
        book = self.book
        if not 0 <= udr.quantity <= LARGEST or not 0 <= udr.started_us < LAST_US:
            raise WaitsError("BAD_EVENT")
        usage_class = book.classes.get(udr.usage_class)
        if usage_class is None:
            raise WaitsError("NO_USAGE_CLASS")
        package = book.packages.get(terms.package)
        if package is None:
            raise WaitsError("NO_PACKAGE")
        event = Event(udr, terms, package, usage_class, Whereabouts(None, ()))
        for rule in book.reclasses[package.reclass].rules if package.reclass else ():
            if rule.usage_class == usage_class.code and self.is_changed(event, rule):
                return replace(event, usage_class=book.classes[rule.becomes]), usage_class.code
        return event, None

    def is_changed(self, event: Event, rule: ReclassRule) -> bool:
        """Whether a rule makes an event another class's, by its place and its record."""
        if rule.locations is not None:
            place = self.book.place_of(event.udr, event.usage_class, event.us)
            lineage = place.lineage if place else ()
            if not any(self.book.is_at(lineage, code) for code in rule.locations):
                return False
        return all(holds(row, event.udr, event.terms) for row in rule.conditions)

    def plan_of(self, event: Event) -> tuple[int, RatePlanRow]:
        """Choose the plan: the lowest level that names one."""
        terms, package = event.terms, event.package
        agreed = self.book.price_plans.get(terms.price_plan or "")
        levels = (
            (2, agreed.rate_plan if agreed else None),
            (3, package.rate_plan),
            (4, terms.account_rate_plan),
            (5, package.frequency_rate_plan),
            (6, terms.own_rate_plan),
            (7, terms.invoicer_rate_plan),
            (8, self.book.company.rate_plan),
        )
        for level, code in levels:
            if code is not None:
                if code not in self.book.plans:
                    break
                return level, self.book.plans[code]
        raise WaitsError("NO_PLAN")

    def located(self, event: Event) -> Event:
        """Find where it took place."""
        place = self.book.place_of(event.udr, event.usage_class, event.us)
        if place is None:
            raise WaitsError("NO_LOCATION")
        return replace(event, place=place)

    # What it is sold at

    def sold(
        self, event: Event, candidates: list[Candidate], offer: Offer, counted_as: int | None
    ) -> Sold:
        """Cut an event into stretches, and count it; what goes beyond a bucket is neither cut nor counted."""
        if counted_as is not None:
            return Sold(self.book, (Stretch(offer, 0, counted_as),), counted_as)
        quantity = event.udr.quantity
        rule = self.book.roundings.get(offer.rate.rounding or "")
        rounded = counted(offer.rate, rule, quantity)
        cut = [(offer, 0)]
        if event.usage_class.split and not offer.is_whole:
            cut = self.cut(event, candidates, offer)
        ends = [first for _, first in cut[1:]] + [rounded]
        stretches = tuple(
            Stretch(each, first, end) for (each, first), end in zip(cut, ends, strict=True)
        )
        return Sold(self.book, stretches, rounded)

    def cut(
        self, event: Event, candidates: list[Candidate], offer: Offer
    ) -> list[tuple[Offer, int]]:
        """Look at the clock in each minute of an event; give each rate with the second that it begins at."""
        if event.udr.quantity > 366 * DAY_SECONDS:
            raise WaitsError("BAD_EVENT")
        cut = [(offer, 0)]
        # The first second that begins in the next minute: nothing changes within one.
        second = ceil(Fraction(MINUTE_US - event.us % MINUTE_US, SECOND_US))
        while second < event.udr.quantity:
            at = event.us + second * SECOND_US
            found = self.book.sell(candidates, at, event.terms, parts=True)
            if found != cut[-1][0]:
                cut.append((found, second))
            if len(cut) > 401:
                raise WaitsError("BAD_EVENT")
            second += 60
        return cut

    def costs(self, event: Event, sold: Sold) -> tuple[int, int | None, int | None] | None:
        """Find what an event costs the company, where its price hangs on that or its plan tells it."""
        book = self.book
        is_markup = any(
            each.offer.rate.kind in MARKUPS and not each.offer.passes_on for each in sold.stretches
        )
        plan = sold.offer.plan
        tells = any(book.groups[code].for_cost for code in plan.rate_groups)
        if not is_markup and not tells:
            return None
        of = (event.usage_class.code, event.place, True)
        candidates = book.candidates(event.udr, event.terms, [plan], of)
        offer = book.offer(candidates, event.us, event.terms)
        said = None if offer else decimal(event.udr, "cost")
        if offer is None and said is None:
            if is_markup:
                raise WaitsError("NO_COST")
            return None
        sold.cost = CostOf(book, event.udr.quantity, sold.rounded, offer, said)
        return sold.cost.told()

    def recorded(self, event: Event, sold: Sold) -> int | None:
        """Read the amount that a record says, where that is charged."""
        if not sold.offer.passes_on:
            return None
        sold.recorded = decimal(event.udr, "amount")
        if sold.recorded is None:
            raise WaitsError("NO_AMOUNT")
        return sold.recorded

    def overage(self, event: Event, plan: str, billable: int, rounded: int) -> Sold:
        """Find the rate of what goes beyond a bucket with a plan of its own."""
        plans = list(self.book.chain(plan))
        of = (event.usage_class.code, event.place, False)
        candidates = self.book.candidates(event.udr, event.terms, plans, of)
        offer = self.book.sell(candidates, event.us, event.terms)
        sold = self.sold(event, candidates, offer, rounded)
        if offer.rate.kind in MARKUPS and not offer.passes_on:
            self.costs(event, sold)
        self.recorded(event, sold)
        fits_column(sold.price(billable))
        return sold

    def told_overage(self, beyond: list[Sold]) -> tuple[object, ...] | None:
        """What a charge tells of it."""
        if not beyond:
            return None
        sold = beyond[0]
        plan, group, rate = sold.offer
        told = sold.cost.told() if sold.cost else None
        return (plan.id, group.id, rate.id, told, sold.recorded)


def decimal(udr: UDR, name: str) -> int | None:
    """The amount in a field of a record; none where there is none, or one below nothing."""
    try:
        amount = parse_e11((udr.extras or {}).get(name, ""))
    except ValueError:
        return None
    return amount if amount >= 0 else None


def aggregate_of(sold: Sold, beyond: list[Sold]) -> str | None:
    """The rate that prices the period's usage."""
    offer = beyond[0].offer if beyond else sold.offer
    return offer.rate.code if offer.group.aggregate else None


def parts_of(sold: Sold, made: Included) -> tuple[tuple[int, int, int, int], ...]:
    """Each stretch, with what is left to pay for of it."""
    if len(sold.stretches) < 2:
        return ()
    return tuple(
        (each.offer.group.id, each.offer.rate.id, each.end - each.first, end - first)
        for each, (first, end) in zip(sold.stretches, sold.left(made.billable), strict=True)
    )


def fits_column(*amounts: int) -> None:
    """Check that amounts can be kept."""
    if any(each > LARGEST for each in amounts):
        raise WaitsError("AMOUNT_TOO_LARGE")
