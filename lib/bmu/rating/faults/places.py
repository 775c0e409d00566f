"""What is wrong with usage classes and their re-classing, with locations, their groups and patterns."""

import re
from collections.abc import Iterator
from ipaddress import ip_network

from bmu.rating.condition import condition_faults
from bmu.rating.faults.fault import (
    Fault,
    backwards,
    circle,
    each,
    once,
    overlapping,
    repeated,
    unknown,
)
from bmu.rating.faults.known import Known
from bmu.rating.offers import TariffRows
from bmu.rating.rows import (
    LocationGroupRow,
    LocationPatternRow,
    LocationRow,
    ReclassRow,
    ReclassRule,
    UsageClassRow,
)
from bmu.usage import Rater, Unit

_DIGITS = re.compile(r"[0-9]{1,15}")


def place_faults(rows: TariffRows, known: Known) -> Iterator[Fault]:
    """Find them all."""
    fit = _Fit(known)
    yield from once("usage_class", rows.usage_classes)
    yield from once("location", rows.locations)
    yield from once("location_group", rows.location_groups)
    yield from once("reclass", rows.reclasses)
    yield from each("usage_class", rows.usage_classes, fit.usage_class)
    yield from each("location", rows.locations, fit.location)
    yield from each("location_group", rows.location_groups, fit.location_group)
    yield from each("location_pattern", rows.location_patterns, fit.pattern)
    yield from _same_pattern(rows)
    yield from each("reclass", rows.reclasses, fit.reclass)


class _Fit:
    """Whether one row fits the others."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._parents = known.parents

    def usage_class(self, row: UsageClassRow) -> Iterator[str]:
        if row.split and row.unit is not Unit.TIME:
            yield f"counts {row.unit.value}; only time is split where prices change"

    def location(self, row: LocationRow) -> Iterator[str]:
        if row.parent is not None:
            yield from unknown([row.parent], self._parents, "location")
            if circle(row.code, self._parents.get):
                yield "lies below itself"

    def location_group(self, row: LocationGroupRow) -> Iterator[str]:
        yield from unknown(row.locations, self._parents, "location")
        yield from repeated(row.locations, "location")
        if not row.locations:
            yield "has no locations"
        if row.code in self._parents:
            yield "has the code of a location; buckets could not tell them apart"

    def pattern(self, row: LocationPatternRow) -> Iterator[str]:
        if row.location not in self._parents:
            yield from unknown([row.location], self._parents, "location")
        if not _DIGITS.fullmatch(row.code):
            yield from _network_faults(row.code)
        if row.valid_to is not None:
            yield from backwards(row.valid_from, row.valid_to)

    def reclass(self, row: ReclassRow) -> Iterator[str]:
        if not row.rules:
            yield "has no rules"
        for number, rule in enumerate(row.rules, 1):
            yield from (f"rule {number} {what}" for what in self._rule(rule))

    def _rule(self, rule: ReclassRule) -> Iterator[str]:
        classes = self._known.usage_classes
        yield from unknown([rule.usage_class, rule.becomes], classes, "usage class")
        yield from unknown(rule.locations or (), self._known.anywhere, "location")
        if rule.usage_class == rule.becomes:
            yield f"makes {rule.becomes!r} of itself"
        first, second = classes.get(rule.usage_class), classes.get(rule.becomes)
        if first and second and first.unit is not second.unit:
            yield f"makes {second.unit.value} ({second.code}) of {first.unit.value} ({first.code})"
        if rule.locations is not None and first and first.rater is Rater.CLASS:
            yield f"has locations, but {first.code!r} is rated without"
        for condition in rule.conditions:
            yield from condition_faults(condition)


def _network_faults(code: str) -> Iterator[str]:
    if "." not in code and ":" not in code:
        yield "is not 1 to 15 digits, nor a network like 10.0.0.0/8 or 2001:db8::/32"
        return
    try:
        ip_network(code)
    except ValueError as error:
        yield f"is no network: {error}"


def _same_pattern(rows: TariffRows) -> Iterator[Fault]:
    """Find patterns that are there twice on one day."""
    for _, row in overlapping(rows.location_patterns, _meant):
        yield Fault("location_pattern", row.code, "is there twice on one day")


def _meant(row: LocationPatternRow) -> object:
    """Give what a pattern means, however it is written."""
    if row.code.isdecimal():
        return row.code
    try:
        return ip_network(row.code)
    except ValueError:
        return row.code
