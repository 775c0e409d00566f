"""One version of the catalogue, made ready for rating: fixed, but for what it remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bmu.period import LocalMinutes, local_day, month_period, to_us
from bmu.rating.bucket import Grant
from bmu.rating.geotree import GeoTree
from bmu.rating.hours import ACCOUNT_ZONE, COMPANY_ZONE, Hours, hours_of
from bmu.rating.kinds import BucketScope
from bmu.rating.offers import (
    BucketTypeRow,
    PackageRow,
    PricePlanRow,
)
from bmu.rating.outcome import Unrated
from bmu.rating.owner import Owner, Terms
from bmu.rating.places import Places
from bmu.rating.plan import CompanyTerms
from bmu.rating.reclass import Rule, rules_of
from bmu.rating.route import Route
from bmu.rating.rows import (
    HolidayCalendarRow,
    RateGroupRow,
    RatePlanRow,
    RateRow,
    ReclassRow,
    RoundingRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.rating.taxrules import TaxRules
from bmu.rating.taxservice import OutsideTaxes


class Allowances(NamedTuple):
    """What a package grants in one billing month."""

    from_us: int
    to_us: int
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was asked of a tariff before; an answer never depends on it."""

    routes: dict[tuple[Terms, str], Route | Unrated] = field(default_factory=dict)
    overage_routes: dict[tuple[Terms, str, str], Route | Unrated] = field(default_factory=dict)
    rules: dict[tuple[Terms, str], tuple[Rule, ...]] = field(default_factory=dict)
    hours: dict[tuple[str, str], Hours] = field(default_factory=dict)
    clocks: dict[str, LocalMinutes] = field(default_factory=dict)
    allowances: dict[tuple[Terms, int], list[Allowances]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """
    The catalogue of one revision, by code.

    Shapes:
        rates: by (rate group, usage class), then by the number of a place or EVERYWHERE; dated: of which of these
            some hold on some days only, with the instants at which they change.
        outside_taxes: of the outside service that is asked first; none: the rules alone say what is due.
        known: what was asked before.
    """

    revision: int
    company: CompanyTerms
    usage_classes: Mapping[str, UsageClassRow]
    usage_class_ids: Mapping[str, int]
    packages: Mapping[str, PackageRow]
    price_plans: Mapping[str, PricePlanRow]
    plans: Mapping[str, RatePlanRow]
    groups: Mapping[str, RateGroupRow]
    roundings: Mapping[str, RoundingRow]
    bucket_types: Mapping[str, BucketTypeRow]
    time_periods: Mapping[str, TimePeriodRow]
    calendars: Mapping[str, HolidayCalendarRow]
    reclasses: Mapping[str, ReclassRow]
    tax_rules: TaxRules
    rates: Mapping[tuple[str, str], Mapping[int, tuple[RateRow, ...]]]
    dated: Mapping[tuple[str, str], frozenset[int]]
    geotree: GeoTree
    places: Places
    reclassifies: bool
    outside_taxes: OutsideTaxes | None = None
    known: Known = field(default_factory=Known, repr=False, compare=False)

    def rules(self, terms: Terms, usage_class: str) -> tuple[Rule, ...]:
        """Give the rules by which usage of a class on given terms becomes another's."""
        found = self.known.rules.get((terms, usage_class))
        if found is None:
            package = self.packages.get(terms.package)
            row = self.reclasses.get(package.reclass) if package and package.reclass else None
            found = rules_of(row, usage_class, terms, self.places) if row else ()
            self.known.rules[terms, usage_class] = found
        return found

    def hours(self, code: str, account_zone: str) -> Hours:
        """Give when a time period holds for an account in a zone."""
        row = self.time_periods[code]
        zones = {ACCOUNT_ZONE: account_zone, COMPANY_ZONE: self.company.zone}
        zone = zones.get(row.zone, row.zone)
        found = self.known.hours.get((code, zone))
        if found is None:
            clock = self.known.clocks.setdefault(zone, LocalMinutes(zone))
            holidays = self.calendars[row.calendar].days if row.calendar else ()
            found = self.known.hours[code, zone] = hours_of(row, clock, holidays)
        return found


def buckets_wanted(owner: Owner, tariff: Tariff, started_us: int) -> tuple[Grant, ...]:
    """Tell which allowances the owner is due for the billing month that *started_us* lies in."""
    terms = owner.terms
    known = tariff.known.allowances.setdefault((terms, owner.bill_day), [])
    for month in known:
        if month.from_us <= started_us < month.to_us:
            return month.grants
    package = tariff.packages.get(terms.package)
    period = month_period(local_day(started_us, terms.zone), owner.bill_day, terms.zone)
    start, end = to_us(period.from_), to_us(period.to)
    types = [tariff.bucket_types[code] for code in package.bucket_types] if package else []
    # What a share plan grants, or other usage makes, no package does.
    grants = tuple(
        Grant(row.code, start, end, row.quantity, row.unit)
        for row in types
        if row.scope is not BucketScope.SHARE_PLAN and row.size_by is None
    )
    known.append(Allowances(start, end, grants))
    return grants
