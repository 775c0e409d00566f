"""What is wrong with a catalogue, all of it at once: rows that don't fit each other."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from itertools import chain, pairwise
from typing import NamedTuple, Protocol, TypeVar

from bmu.money import SCALE, exponent
from bmu.period import parse_windows, zone_of
from bmu.rating.offers import (
    BucketTypeRow,
    PackageRow,
    TariffRows,
    TaxRow,
)
from bmu.rating.price import INT64_MAX
from bmu.rating.rows import (
    LocationPatternRow,
    LocationRow,
    RateGroupRow,
    RatePlanRow,
    RateRow,
    RoundingRow,
    TimePeriodRow,
)
from bmu.rating.tax import PPM
from bmu.usage import Rater

_PATTERN = re.compile(r"[0-9]{1,15}")


class Fault(NamedTuple):
    """One thing to mend: in which table, in the row of which code, and what."""

    table: str
    code: str
    what: str


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


_Row = TypeVar("_Row", bound=_Coded)


def validate(rows: TariffRows) -> tuple[Fault, ...]:
    """Find all that keeps a catalogue from being used; ids are not looked at."""
    fit = _Fit(rows)
    return tuple(
        chain(
            _once("usage_class", rows.usage_classes),
            _once("location", rows.locations),
            _once("location_pattern", rows.location_patterns),
            _once("time_period", rows.time_periods),
            _once("rounding", rows.roundings),
            _once("rate_plan", rows.rate_plans),
            _once("rate_group", rows.rate_groups),
            _once("rate", rows.rates),
            _once("bucket_type", rows.bucket_types),
            _once("package", rows.packages),
            _each("location", rows.locations, fit.location),
            _each("location_pattern", rows.location_patterns, fit.pattern),
            _each("time_period", rows.time_periods, fit.time_period),
            _each("rounding", rows.roundings, fit.rounding),
            _each("rate_plan", rows.rate_plans, fit.rate_plan),
            _each("rate_group", rows.rate_groups, fit.rate_group),
            _each("rate", rows.rates, fit.rate),
            _same_rate(rows.rates),
            _each("bucket_type", rows.bucket_types, fit.bucket_type),
            _each("tax", rows.taxes, fit.tax),
            _overlapping(rows.taxes),
            _each("package", rows.packages, fit.package),
        )
    )


class _Fit:
    """Whether one row of a catalogue fits the others."""

    def __init__(self, rows: TariffRows) -> None:
        self.usage_classes = {row.code: row for row in rows.usage_classes}
        self.parents = {row.code: row.parent for row in rows.locations}
        self.time_periods = {row.code for row in rows.time_periods}
        self.roundings = {row.code for row in rows.roundings}
        self.plans = {row.code: row for row in rows.rate_plans}
        self.groups = {row.code for row in rows.rate_groups}
        self.bucket_types = {row.code for row in rows.bucket_types}
        self.taxes = {row.code for row in rows.taxes}

    def location(self, row: LocationRow) -> Iterator[str]:
        yield from _unknown([row.parent], self.parents, "location")
        seen = {row.code}
        above = row.parent
        while above is not None and above not in seen:
            seen.add(above)
            above = self.parents.get(above)
        if above == row.code:
            yield "lies below itself"

    def pattern(self, row: LocationPatternRow) -> Iterator[str]:
        yield from _unknown([row.location], self.parents, "location")
        if not _PATTERN.fullmatch(row.code):
            yield "is not 1 to 15 digits"

    def time_period(self, row: TimePeriodRow) -> Iterator[str]:
        yield from _refused(lambda: zone_of(row.zone))
        yield from _refused(lambda: parse_windows(row.windows))
        if not row.windows:
            yield "has no windows"

    def rounding(self, row: RoundingRow) -> Iterator[str]:
        yield from _outside("minimum", row.minimum, 0, INT64_MAX)
        yield from _outside("increment", row.increment, 1, INT64_MAX)

    def rate_plan(self, row: RatePlanRow) -> Iterator[str]:
        yield from _refused(lambda: exponent(row.currency))
        yield from _outside("places", row.places, 0, SCALE)
        yield from _unknown(row.rate_groups, self.groups, "rate group")
        for code, times in Counter(row.rate_groups).items():
            if times > 1:
                yield f"names the rate group {code!r} {times} times"

    def rate_group(self, row: RateGroupRow) -> Iterator[str]:
        yield from _unknown([row.time_period], self.time_periods, "time period")
        yield from _backwards(row.valid_from, row.valid_to)

    def rate(self, row: RateRow) -> Iterator[str]:
        yield from _unknown([row.rate_group], self.groups, "rate group")
        yield from _unknown([row.usage_class], self.usage_classes, "usage class")
        yield from _unknown([row.location], self.parents, "location")
        yield from _unknown([row.rounding], self.roundings, "rounding")
        yield from _outside("price", row.price_e11, 0, INT64_MAX)
        yield from _outside("per", row.per, 1, INT64_MAX)
        yield from _outside("connect", row.connect_e11, 0, INT64_MAX)
        yield from _outside("minimum charge", row.minimum_charge_e11, 0, INT64_MAX)
        usage_class = self.usage_classes.get(row.usage_class)
        if row.location is not None and usage_class and usage_class.rater is Rater.CLASS:
            yield f"has a location, but {row.usage_class!r} is rated without"

    def bucket_type(self, row: BucketTypeRow) -> Iterator[str]:
        yield from _outside("quantity", row.quantity, 1, INT64_MAX)
        yield from _unknown(row.usage_classes, self.usage_classes, "usage class")
        yield from _unknown(row.locations or (), self.parents, "location")
        for code in row.usage_classes:
            usage_class = self.usage_classes.get(code)
            if usage_class and usage_class.unit is not row.unit:
                yield f"counts {row.unit.value}, but {code!r} counts {usage_class.unit.value}"

    def tax(self, row: TaxRow) -> Iterator[str]:
        yield from _outside("rate in parts per million", row.rate_ppm, 0, PPM)
        yield from _backwards(row.valid_from, row.valid_to)

    def package(self, row: PackageRow) -> Iterator[str]:
        yield from _refused(lambda: exponent(row.currency))
        yield from _outside("price", row.price_minor, 0, INT64_MAX)
        yield from _unknown([row.rate_plan], self.plans, "rate plan")
        yield from _unknown([row.tax], self.taxes, "tax")
        yield from _unknown(row.bucket_types, self.bucket_types, "bucket type")
        plan = self.plans.get(row.rate_plan)
        if plan and plan.currency != row.currency:
            yield f"is in {row.currency}, but its rate plan in {plan.currency}"


def _once(table: str, rows: Iterable[_Coded]) -> Iterator[Fault]:
    for code, times in Counter(row.code for row in rows).items():
        if times > 1:
            yield Fault(table, code, f"is there {times} times")


def _each(
    table: str, rows: Iterable[_Row], check: Callable[[_Row], Iterator[str]]
) -> Iterator[Fault]:
    return (Fault(table, row.code, what) for row in rows for what in check(row))


def _same_rate(rows: Iterable[RateRow]) -> Iterator[Fault]:
    """Find rates of which nothing tells which one is meant."""
    seen: dict[tuple[str, str, str | None], str] = {}
    for row in rows:
        other = seen.setdefault((row.rate_group, row.usage_class, row.location), row.code)
        if other != row.code:
            yield Fault("rate", row.code, f"prices what {other!r} prices already")


def _overlapping(rows: Iterable[TaxRow]) -> Iterator[Fault]:
    """Find days with two rates of one tax."""
    ordered = sorted(rows, key=lambda row: (row.code, row.valid_from or date.min))
    for row, later in pairwise(ordered):
        if row.code == later.code and (
            row.valid_to is None or later.valid_from is None or row.valid_to > later.valid_from
        ):
            yield Fault("tax", row.code, f"has two rates from {later.valid_from or 'ever'} on")


def _unknown(names: Iterable[str | None], known: Collection[str], noun: str) -> Iterator[str]:
    for name in names:
        if name is not None and name not in known:
            yield f"names the {noun} {name!r}, which does not exist"


def _refused(read: Callable[[], object]) -> Iterator[str]:
    """Say what a reader refuses."""
    try:
        read()
    except ValueError as error:
        yield str(error)


def _outside(noun: str, number: int, least: int, most: int) -> Iterator[str]:
    if number < least:
        yield f"{noun} is {number}, less than {least}"
    if number > most:
        yield f"{noun} is {number}, more than {most}"


def _backwards(first: date | None, end: date | None) -> Iterator[str]:
    if first is not None and end is not None and first >= end:
        yield f"ends on {end}, not after it starts on {first}"
