"""The catalogue as a book that is looked through page by page: where, when, for whom, at which price."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bmu.rating import (
    CompanyTerms,
    ConditionRow,
    LocationPatternRow,
    Operator,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    Side,
    TariffRows,
    Terms,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.usage import UDR, Rater

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# A place that a rate may be for: a location, a group of locations, or everywhere (None).
Place = tuple[str, str] | None


class WaitsError(Exception):
    """The event has no price, for this reason."""


class Whereabouts(NamedTuple):
    """Where an event took place: the pattern, its location and all above, upwards."""

    pattern: LocationPatternRow | None
    lineage: tuple[str, ...]


class Candidate(NamedTuple):
    """A group that may be asked for an event whenever it holds, with its rates, the nearest first."""

    plan: RatePlanRow
    group: RateGroupRow
    rates: tuple[RateRow, ...]
    fits: bool


class Offer(NamedTuple):
    """The rate that prices an event, or one second of it."""

    plan: RatePlanRow
    group: RateGroupRow
    rate: RateRow

    @property
    def passes_on(self) -> bool:
        """Whether what the record says is charged."""
        return self.group.pass_through or self.rate.kind is RateKind.PASS_THROUGH

    @property
    def is_whole(self) -> bool:
        """Whether it takes events as a whole only."""
        return self.passes_on or self.group.aggregate


class Book:
    """One catalogue and what the company says."""

    def __init__(self, rows: TariffRows, company: CompanyTerms) -> None:
        self.rows = rows
        self.company = company
        self.plans = {row.code: row for row in rows.rate_plans}
        self.groups = {row.code: row for row in rows.rate_groups}
        self.classes = {row.code: row for row in rows.usage_classes}
        self.packages = {row.code: row for row in rows.packages}
        self.price_plans = {row.code: row for row in rows.price_plans}
        self.locations = {row.code: row for row in rows.locations}
        self.periods = {row.code: row for row in rows.time_periods}
        self.calendars = {row.code: row for row in rows.calendars}
        self.roundings = {row.code: row for row in rows.roundings}
        self.bucket_types = {row.code: row for row in rows.bucket_types}
        self.reclasses = {row.code: row for row in rows.reclasses}
        self.rates: dict[tuple[str, str], list[RateRow]] = {}
        for rate in rows.rates:
            self.rates.setdefault((rate.rate_group, rate.usage_class), []).append(rate)
        self._clock: dict[tuple[str, str, int], bool] = {}

    # Where

    def place_of(self, udr: UDR, usage_class: UsageClassRow, us: int) -> Whereabouts | None:
        """Give where an event took place; none where no pattern fits."""
        if usage_class.rater is Rater.CLASS:
            return Whereabouts(None, ())
        number = udr.origin if usage_class.side is Side.ORIGIN else udr.destination
        fits = [
            (length, row)
            for row in self.rows.location_patterns
            if (length := matched(number, row.code)) is not None
            and in_days(us, self.company.zone, row.valid_from, row.valid_to)
        ]
        if not fits:
            return None
        _, pattern = max(fits, key=lambda each: each[0])
        return Whereabouts(pattern, tuple(self.upwards(pattern.location)))

    def upwards(self, location: str | None) -> Iterator[str]:
        """Give a location and all above it."""
        while location is not None:
            yield location
            location = self.locations[location].parent

    def naming(self, location: str) -> list[str]:
        """Give the groups that name a location, the lowest code first."""
        return sorted(g.code for g in self.rows.location_groups if location in g.locations)

    def steps_out(self, lineage: tuple[str, ...]) -> list[Place]:
        """Give the places whose rates may be used, the nearest first, everywhere last."""
        places: list[Place] = []
        for location in lineage:
            places.append(("location", location))
            places += [("group", code) for code in self.naming(location)]
        return [*places, None]

    def is_at(self, lineage: tuple[str, ...], code: str) -> bool:
        """Whether an event took place at a location (or below), or in a group of that name."""
        return any(code == here or code in self.naming(here) for here in lineage)

    # When

    def hours_hold(self, period: TimePeriodRow, us: int, account_zone: str) -> bool:
        """Whether a time period holds at an instant; it is the same throughout a minute."""
        named = {"ACCOUNT": account_zone, "COMPANY": self.company.zone}
        zone = named.get(period.zone, period.zone)
        key = (period.code, zone, us // 60_000_000)
        if key not in self._clock:
            self._clock[key] = self._look_at_clock(period, wall(us, zone))
        return self._clock[key]

    def _look_at_clock(self, period: TimePeriodRow, clock: datetime) -> bool:
        day = clock.date()
        if period.dates and not any(
            first <= day.isoformat() <= last for first, last in map(day_range, period.dates)
        ):
            return False
        name = WEEKDAYS[clock.weekday()]
        if period.calendar is not None and day in self.calendars[period.calendar].days:
            name = "Hol"
        shown = clock.strftime("%H:%M")
        return any(
            name in days and start <= shown < end
            for days, start, end in map(window_of, period.windows)
        )

    def group_holds(self, group: RateGroupRow, us: int, terms: Terms) -> bool:
        """Whether a group's days and hours hold at an instant."""
        if not in_days(us, self.company.zone, group.valid_from, group.valid_to):
            return False
        if group.time_period is None:
            return True
        return self.hours_hold(self.periods[group.time_period], us, terms.zone)

    # Which price

    def chain(self, code: str) -> Iterator[RatePlanRow]:
        """Give a plan and those it falls back on."""
        seen = []
        named: str | None = code
        while named is not None and named not in seen:
            seen.append(named)
            plan = self.plans[named]
            yield plan
            named = plan.fallback_plan

    def candidates(
        self, udr: UDR, terms: Terms, plans: list[RatePlanRow], of: tuple[str, Whereabouts, bool]
    ) -> list[Candidate]:
        """Give the groups that may be used by currency and account, in their order."""
        usage_class, place, for_cost = of
        found = []
        steps = self.steps_out(place.lineage)
        for plan in plans:
            for code in plan.rate_groups:
                group = self.groups[code]
                if group.for_cost is not for_cost:
                    continue
                if (group.currency or plan.currency) != terms.currency:
                    continue
                ours = [row for row in group.conditions if row.field.startswith(ACCOUNT)]
                if not all(holds(row, udr, terms) for row in ours):
                    continue
                fits = all(holds(row, udr, terms) for row in group.conditions)
                rates = self.rates.get((code, usage_class), [])
                near = [rate for step in steps for rate in rates if place_named(rate) == step]
                found.append(Candidate(plan, group, tuple(near), fits))
        return found

    def offer(
        self, candidates: list[Candidate], us: int, terms: Terms, *, parts: bool = False
    ) -> Offer | None:
        """Give the first rate that holds; of those for *parts* of events, the first that may be split."""
        for plan, group, rates, fits in candidates:
            if fits and self.group_holds(group, us, terms):
                for rate in rates:
                    if in_days(us, self.company.zone, rate.valid_from, rate.valid_to):
                        found = Offer(plan, group, rate)
                        if parts and found.is_whole:
                            break
                        return found
        return None

    def sell(
        self, candidates: list[Candidate], us: int, terms: Terms, *, parts: bool = False
    ) -> Offer:
        """Give the rate that an event, or a part of one, is sold at, or the reason why there is none."""
        found = self.offer(candidates, us, terms, parts=parts)
        if found is None:
            usable = any(self.group_holds(each.group, us, terms) for each in candidates)
            raise WaitsError("NO_RATE" if usable else "NO_RATE_GROUP")
        return found


ACCOUNT = ("account.", "service.")


def place_named(rate: RateRow) -> Place:
    """The place that a rate is for."""
    if rate.location is not None:
        return ("location", rate.location)
    return ("group", rate.location_group) if rate.location_group is not None else None


@cache
def matched(number: str, pattern: str) -> int | None:
    """How much of a number or an address a pattern fits; none: it does not."""
    if "." not in pattern and ":" not in pattern:
        is_address = "." in number or ":" in number
        return len(pattern) if number.startswith(pattern) and not is_address else None
    try:
        address = ipaddress.ip_address(number)
    except ValueError:
        return None
    network = ipaddress.ip_network(pattern)
    fits = address.version == network.version and address in network
    return network.prefixlen if fits else None


@cache
def zone_info(zone: str) -> ZoneInfo:
    """A zone by its name."""
    return ZoneInfo(zone)


def wall(us: int, zone: str) -> datetime:
    """What a clock on the wall shows."""
    return (EPOCH + timedelta(microseconds=us)).astimezone(zone_info(zone))


def in_days(us: int, zone: str, first: date | None, end: date | None) -> bool:
    """Whether an instant lies in the days [first, end) of a zone."""
    if first is None and end is None:
        return True
    day = wall(us, zone).date()
    return (first is None or first <= day) and (end is None or day < end)


@cache
def day_range(text: str) -> tuple[str, str]:
    """The first and the last day of "2026-12-24..2026-12-26", or of one day."""
    first, _, last = text.partition("..")
    return first, last or first


@cache
def window_of(text: str) -> tuple[frozenset[str], str, str]:
    """The days, the start and the end of a window like "Mon-Fri,Hol 08:00-19:00"."""
    names, hours = text.split(" ")
    days: set[str] = set()
    for name in names.split(","):
        first, _, last = name.partition("-")
        if last:
            days |= set(WEEKDAYS[WEEKDAYS.index(first) : WEEKDAYS.index(last) + 1])
        else:
            days.add(first)
    start, end = hours.split("-")
    return frozenset(days), start, end


def field_of(name: str, udr: UDR, terms: Terms) -> str:
    """The text of a field; an empty one where it is not there."""
    of_event = ("origin", "destination", "uid", "uid_type", "usage_class", "quantity")
    if name in of_event:
        return str(getattr(udr, name))
    told: dict[str, str | None] = {
        "account.country": terms.country,
        "account.category": terms.category,
        "account.currency": terms.currency,
        "account.zone": terms.zone,
        "service.package": terms.package,
        "service.price_plan": terms.price_plan,
    }
    if name in told:
        return told[name] or ""
    if name.startswith(ACCOUNT):
        return dict(terms.attributes).get(name, "")
    extras: Mapping[str, str] = udr.extras or {}
    return extras.get(name, "")


def holds(row: ConditionRow, udr: UDR, terms: Terms) -> bool:
    """Whether a condition holds."""
    return asked(row, field_of(row.field, udr, terms)) is not row.negated


def asked(row: ConditionRow, text: str) -> bool:
    """Whether a text is as a condition says, not counting "not"."""
    tests: dict[Operator, Any] = {
        Operator.EQUALS: lambda: text == row.values[0],
        Operator.IN: lambda: text in row.values,
        Operator.PREFIX: lambda: any(text.startswith(each) for each in row.values),
        Operator.RANGE: lambda: in_range(text, *row.values),
        Operator.REGEX: lambda: re.fullmatch(row.values[0], text) is not None,
        Operator.EMPTY: lambda: not text,
    }
    return bool(tests[row.operator]())


def in_range(text: str, first: str, last: str) -> bool:
    """Whether a text is from first to last; an empty end is open."""
    return (not first or at_most(first, text)) and (not last or at_most(text, last))


def at_most(one: str, other: str) -> bool:
    """Whether one comes before another, or is the same: numbers as numbers."""
    if one.isdigit() and other.isdigit():
        return int(one) <= int(other)
    return one <= other
