"""Rating a second time, slowly and with fractions, by the words of the rules alone: the judge of the tests."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from bmu.money import Rounding
from bmu.rating import BucketState, Owner, RateKind, RatePlanRow, RateRow, RoundingRow, TariffRows
from bmu.usage import UDR, Rater

WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
LARGEST = 2**63 - 1


class MissingError(Exception):
    """There is no price, for this reason."""


class Book:
    """One catalogue and the company's time zone."""

    def __init__(self, rows: TariffRows, company_zone: str) -> None:
        self.rows = rows
        self.company_zone = company_zone

    def rate(self, udr: UDR, owner: Owner, buckets: list[BucketState]) -> tuple[object, ...] | str:
        """Give the ids and all figures of an event, or the reason why there are none."""
        try:
            return self.figures(udr, owner, buckets)
        except MissingError as error:
            return error.args[0]

    def figures(self, udr: UDR, owner: Owner, buckets: list[BucketState]) -> tuple[object, ...]:
        """Give the ids of rate, pattern and tax, and all figures."""
        rows = self.rows
        began = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=udr.started_us)
        usage_class = need(pick(rows.usage_classes, udr.usage_class), "NO_USAGE_CLASS")
        package = need(pick(rows.packages, owner.terms.package), "NO_PACKAGE")
        plan = pick(rows.rate_plans, package.rate_plan)
        pattern, places = self.place(udr.destination, usage_class.rater)
        need(plan.currency == owner.terms.currency or None, "NO_RATE_GROUP")
        groups = [code for code in plan.rate_groups if self.holds(code, began)]
        need(groups or None, "NO_RATE_GROUP")
        rate = need(next(self.rates(groups, usage_class.code, places), None), "NO_RATE")
        tax = need(self.tax(package.tax, began, owner.terms.zone), "NO_TAX")
        rounded = round_up(udr.quantity, pick(rows.roundings, rate.rounding))
        rated = amount(rate, rounded, plan) * 10**11
        need(max(rounded, rated) <= LARGEST or None, "AMOUNT_TOO_LARGE")
        allowed = {
            code: self.nearness(code, places)
            for code in package.bucket_types
            if self.covers(code, usage_class.code, places)
        }
        draws = take(buckets, allowed, udr.started_us, rounded)
        billable = rounded - sum(taken for _, taken in draws)
        cost = amount(rate, billable, plan)
        taxed = to_places(cost * Fraction(tax.rate_ppm, 10**6), 11, Rounding.HALF_UP)
        ids = (rate.id, pattern.id if pattern else None, tax.id)
        return (*ids, rounded, billable, rated, cost * 10**11, taxed * 10**11, tuple(draws))

    def place(self, number: str, rater: Rater) -> tuple[Any, list[str | None]]:
        """Give the pattern of a number, and the places whose rates may be used, nearest first."""
        if rater is Rater.CLASS:
            return None, [None]
        fits = [row for row in self.rows.location_patterns if number.startswith(row.code)]
        pattern = need(max(fits, key=lambda row: len(row.code), default=None), "NO_LOCATION")
        return pattern, [*self.upwards(pattern.location), None]

    def upwards(self, location: str | None) -> Iterator[str]:
        """A location, and those above it."""
        while location is not None:
            yield location
            location = pick(self.rows.locations, location).parent

    def holds(self, code: str, began: datetime) -> bool:
        """Whether a group holds at an instant."""
        group = pick(self.rows.rate_groups, code)
        if not in_days(began, self.company_zone, group.valid_from, group.valid_to):
            return False
        if group.time_period is None:
            return True
        period = pick(self.rows.time_periods, group.time_period)
        wall = began.astimezone(ZoneInfo(period.zone))
        return any(in_window(wall, window) for window in period.windows)

    def rates(
        self, groups: list[str], usage_class: str, places: list[str | None]
    ) -> Iterator[RateRow]:
        """All rates that fit, the one to take first."""
        for group in groups:
            for place in places:
                for rate in self.rows.rates:
                    if (rate.rate_group, rate.usage_class, rate.location) == (
                        group,
                        usage_class,
                        place,
                    ):
                        yield rate

    def tax(self, code: str, began: datetime, zone: str) -> Any:
        """The tax row of an instant."""
        for row in self.rows.taxes:
            if row.code == code and in_days(began, zone, row.valid_from, row.valid_to):
                return row
        return None

    def nearness(self, code: str, places: list[str | None]) -> int:
        """How far up from where an event took place the place of an allowance is; anywhere is farthest."""
        named = pick(self.rows.bucket_types, code).locations
        return min(
            (height for height, place in enumerate(places) if place in (named or ())),
            default=len(places),
        )

    def covers(self, code: str, usage_class: str, places: list[str | None]) -> bool:
        """Whether an allowance is for a class at a place."""
        row = pick(self.rows.bucket_types, code)
        return usage_class in row.usage_classes and (
            row.locations is None or any(place in row.locations for place in places if place)
        )


def need(found: Any, reason: str) -> Any:
    """What was found, or the reason why the event has no price."""
    if found is None:
        raise MissingError(reason)
    return found


def pick(rows: tuple[Any, ...], code: str | None) -> Any:
    """The row of a code."""
    return next((row for row in rows if row.code == code), None)


def in_days(began: datetime, zone: str, first: date | None, end: date | None) -> bool:
    """Whether an instant lies in the days [first, end) of a zone."""
    day = began.astimezone(ZoneInfo(zone)).date()
    return (first is None or first <= day) and (end is None or day < end)


def in_window(wall: datetime, window: str) -> bool:
    """Whether a clock on the wall shows a time in a window like "Mon-Fri 08:00-19:00"."""
    days, hours = window.split(" ")
    first, last = days.split("-")
    start, end = hours.split("-")
    names = [WEEKDAYS[(WEEKDAYS.index(first) + step) % 7] for step in range(7)]
    names = names[: names.index(last) + 1]
    return WEEKDAYS[wall.weekday()] in names and start <= wall.strftime("%H:%M") < end


def round_up(quantity: int, rule: RoundingRow | None) -> int:
    """Count a quantity by a rule."""
    if rule is None or quantity == 0:
        return quantity
    if quantity <= rule.minimum:
        return rule.minimum
    steps = Fraction(quantity - rule.minimum, rule.increment)
    return rule.minimum + -(-steps // 1) * rule.increment


def amount(rate: RateRow, quantity: int, plan: RatePlanRow) -> Fraction:
    """Price a quantity, in units of the currency."""
    if quantity == 0:
        return Fraction(0)
    price = Fraction(rate.price_e11, 10**11)
    if rate.kind is RateKind.STANDARD:
        price = price * quantity / rate.per
    price = max(price, Fraction(rate.minimum_charge_e11, 10**11))
    price += Fraction(rate.connect_e11, 10**11)
    return to_places(price, plan.places, plan.rounding_mode)


def to_places(amount: Fraction, places: int, mode: Rounding) -> Fraction:
    """Round an amount of 0 or more."""
    scaled = amount * 10**places
    whole = scaled // 1
    rest = scaled - whole
    half = Fraction(1, 2)
    up = {
        Rounding.UP: rest > 0,
        Rounding.DOWN: False,
        Rounding.HALF_UP: rest >= half,
        Rounding.HALF_EVEN: rest > half or (rest == half and whole % 2 == 1),
    }[mode]
    return Fraction(whole + up, 10**places)


def take(
    buckets: list[BucketState], near: dict[str, int], started_us: int, quantity: int
) -> list[tuple[int, int]]:
    """Draw from the bucket that ends first; of those from the one for the nearest place, then the oldest."""
    draws = []
    fitting = [bucket for bucket in buckets if bucket.code in near]
    for bucket in sorted(
        fitting, key=lambda each: (each.to_us, near[each.code], each.from_us, each.id)
    ):
        if bucket.from_us <= started_us < bucket.to_us:
            taken = min(quantity, bucket.balance)
            if taken:
                draws.append((bucket.id, taken))
                bucket.balance -= taken
                quantity -= taken
    return draws


def copies(buckets: list[BucketState]) -> list[BucketState]:
    """Buckets to spend without spending these."""
    return [replace(bucket) for bucket in buckets]
