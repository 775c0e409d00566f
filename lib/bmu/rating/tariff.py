"""One version of the catalogue, made ready for rating: fixed, but for what it remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bmu.period import local_day, month_period, to_us
from bmu.rating.bucket import Grant
from bmu.rating.geotree import GeoTree
from bmu.rating.offers import (
    BucketTypeRow,
    PackageRow,
    TaxRow,
)
from bmu.rating.outcome import Unrated, UnratedReason
from bmu.rating.owner import Owner, Terms
from bmu.rating.route import Group, Hours, Route, Way
from bmu.rating.rows import (
    RateGroupRow,
    RatePlanRow,
    RateRow,
    RoundingRow,
    UsageClassRow,
)
from bmu.rating.span import day_span
from bmu.rating.tax import tax_spans
from bmu.usage import Rater

# Where a rate plan may come from, the lowest wins; a charge keeps the number.
PLAN_LEVELS = {
    1: "bucket",
    2: "price plan",
    3: "package",
    4: "package of the account",
    5: "package frequency",
    6: "account",
    7: "paying account",
    8: "company",
}
PACKAGE_LEVEL = 3


class Chosen(NamedTuple):
    """The one plan an event is rated by, the level it comes from, and that in words."""

    plan: RatePlanRow
    level: int
    tried: str


class Allowances(NamedTuple):
    """What a package grants in one billing month."""

    from_us: int
    to_us: int
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """
    The catalogue of one revision, by code.

    Shapes:
        rates: by (rate group, usage class), then by the location's index or EVERYWHERE.
        lineages: for each location's index, itself and the locations above, upwards.
        routes, allowances: what was asked before; an answer never depends on them.
    """

    revision: int
    company_zone: str
    usage_classes: Mapping[str, UsageClassRow]
    usage_class_ids: Mapping[str, int]
    packages: Mapping[str, PackageRow]
    plans: Mapping[str, RatePlanRow]
    groups: Mapping[str, RateGroupRow]
    roundings: Mapping[str, RoundingRow]
    bucket_types: Mapping[str, BucketTypeRow]
    taxes: Mapping[str, tuple[TaxRow, ...]]
    hours: Mapping[str, Hours]
    rates: Mapping[tuple[str, str], Mapping[int, RateRow]]
    geotree: GeoTree
    location_index: Mapping[str, int]
    location_codes: tuple[str, ...]
    lineages: tuple[tuple[int, ...], ...]
    routes: dict[tuple[Terms, str], Route] = field(default_factory=dict, repr=False, compare=False)
    allowances: dict[tuple[Terms, int], list[Allowances]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def route(self, terms: Terms, usage_class: str) -> Route | Unrated:
        """Give the way to the rates of a usage class on given terms, or say why there is none."""
        found = self.routes.get((terms, usage_class))
        if found is not None:
            return found
        made = _route(self, terms, usage_class)
        if isinstance(made, Route):
            self.routes[terms, usage_class] = made
        return made


def plan_of(terms: Terms, tariff: Tariff) -> Chosen:
    """Choose the one plan for usage on these terms; there is no falling through to another."""
    package = tariff.packages[terms.package]
    plan = tariff.plans[package.rate_plan]
    tried = f"plan {plan.code} of the {PLAN_LEVELS[PACKAGE_LEVEL]} {package.code}"
    return Chosen(plan, PACKAGE_LEVEL, tried)


def buckets_wanted(owner: Owner, tariff: Tariff, started_us: int) -> tuple[Grant, ...]:
    """Tell which allowances the owner is due for the billing month that *started_us* lies in."""
    terms = owner.terms
    known = tariff.allowances.setdefault((terms, owner.bill_day), [])
    for month in known:
        if month.from_us <= started_us < month.to_us:
            return month.grants
    package = tariff.packages.get(terms.package)
    period = month_period(local_day(started_us, terms.zone), owner.bill_day, terms.zone)
    start, end = to_us(period.from_), to_us(period.to)
    types = [tariff.bucket_types[code] for code in package.bucket_types] if package else []
    grants = tuple(Grant(row.code, start, end, row.quantity, row.unit) for row in types)
    known.append(Allowances(start, end, grants))
    return grants


def _route(tariff: Tariff, terms: Terms, code: str) -> Route | Unrated:
    usage_class = tariff.usage_classes.get(code)
    if usage_class is None:
        return Unrated(UnratedReason.NO_USAGE_CLASS, f"no usage class {code[:60]!r}")
    package = tariff.packages.get(terms.package)
    if package is None:
        return Unrated(UnratedReason.NO_PACKAGE, f"no package {terms.package} in the catalogue")
    chosen = plan_of(terms, tariff)
    if chosen.plan.currency != terms.currency:
        said = f"{chosen.tried} is in {chosen.plan.currency}, the account in {terms.currency}"
        return Unrated(UnratedReason.NO_RATE_GROUP, said)
    types = [tariff.bucket_types[name] for name in package.bucket_types]
    return Route(
        Way(
            usage_class=usage_class,
            plan=chosen.plan,
            level=chosen.level,
            tried=chosen.tried,
            groups=tuple(_group(tariff, name, code) for name in chosen.plan.rate_groups),
            taxes=tax_spans(tariff.taxes[package.tax], terms.zone),
            tax_code=package.tax,
            geotree=tariff.geotree if usage_class.rater is Rater.GEOTREE else None,
            lineages=tariff.lineages,
            location_index=tariff.location_index,
            location_codes=tariff.location_codes,
            roundings=tariff.roundings,
            bucket_types=tuple(row for row in types if code in row.usage_classes),
        )
    )


def _group(tariff: Tariff, code: str, usage_class: str) -> Group:
    row = tariff.groups[code]
    start, end = day_span(row.valid_from, row.valid_to, tariff.company_zone)
    return Group(
        row.id,
        code,
        start,
        end,
        tariff.hours[row.time_period] if row.time_period else None,
        tariff.rates.get((code, usage_class), {}),
    )
