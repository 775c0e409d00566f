"""From what rating said of an event to the evidence of its charge: every row that it names, as it is in the catalogue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bmu.period import from_us
from bmu.rating.detail import PLAIN, Cost
from bmu.rating.evidence import Drawn, Evidence, Larger, RateRows
from bmu.rating.offers import BucketTypeRow, PackageRow, TariffRows, TaxCodeRow, TaxRow
from bmu.rating.outcome import Rated
from bmu.rating.owner import Owner
from bmu.rating.plan import CompanyTerms
from bmu.rating.rows import (
    LocationGroupRow,
    LocationPatternRow,
    LocationRow,
    RateGroupRow,
    RatePlanRow,
    RateRow,
    RoundingRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.usage import UDR


class _Numbered(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def code(self) -> str: ...


_Row = TypeVar("_Row", bound=_Numbered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelves:
    """The rows of one revision of the catalogue, by id where charges name them by id, else by code."""

    revision: int
    company: CompanyTerms
    usage_classes: Mapping[int, UsageClassRow]
    plans: Mapping[int, RatePlanRow]
    groups: Mapping[int, RateGroupRow]
    rates: Mapping[int, RateRow]
    patterns: Mapping[int, LocationPatternRow]
    taxes: Mapping[int, TaxRow]
    tax_codes: Mapping[int, TaxCodeRow]
    packages: Mapping[str, PackageRow]
    time_periods: Mapping[str, TimePeriodRow]
    roundings: Mapping[str, RoundingRow]
    locations: Mapping[str, LocationRow]
    location_groups: Mapping[str, LocationGroupRow]
    bucket_types: Mapping[str, BucketTypeRow]


def shelved(rows: TariffRows, revision: int, company: CompanyTerms) -> Shelves:
    """Make the rows of a catalogue ready to be found by what charges name."""
    return Shelves(
        revision=revision,
        company=company,
        usage_classes=_by_id(rows.usage_classes),
        plans=_by_id(rows.rate_plans),
        groups=_by_id(rows.rate_groups),
        rates=_by_id(rows.rates),
        patterns=_by_id(rows.location_patterns),
        taxes=_by_id(rows.taxes),
        tax_codes=_by_id(rows.tax_codes),
        packages=_by_code(rows.packages),
        time_periods=_by_code(rows.time_periods),
        roundings=_by_code(rows.roundings),
        locations=_by_code(rows.locations),
        location_groups=_by_code(rows.location_groups),
        bucket_types=_by_code(rows.bucket_types),
    )


def gather(
    shelves: Shelves, udr: UDR, owner: Owner, rated: Rated, buckets: Mapping[int, str]
) -> Evidence:
    """
    Give the evidence of a charge.

    Shapes:
        shelves: of the revision that the event was rated by.
        buckets: from the id of each bucket drawn from to the code of its type.
    """
    detail = rated.detail or PLAIN
    first = _rate_rows(shelves, rated.rate_plan_id, rated.rate_group_id, rated.rate_id)
    id_ = rated.location_pattern_id
    pattern = None if id_ is None else shelves.patterns[id_]
    taxes, overage = detail.taxes, detail.overage
    return Evidence(
        account_zone=owner.terms.zone,
        started_at=from_us(udr.started_us),
        uid_type=udr.uid_type,
        uid=udr.uid,
        origin=udr.origin,
        destination=udr.destination,
        revision=shelves.revision,
        plan_level=rated.plan_level,
        usage_class=shelves.usage_classes[rated.usage_class_id],
        package=shelves.packages[owner.terms.package],
        rate_plan=first.plan,
        rate_group=first.group,
        time_period=first.time_period,
        rate=first.rate,
        rounding=first.rounding,
        pattern=pattern,
        location=None if pattern is None else shelves.locations[pattern.location],
        rate_location=first.location,
        rate_location_group=first.location_group,
        tax=None if rated.tax_id is None else shelves.taxes[rated.tax_id],
        quantity=rated.quantity,
        rounded=rated.rounded,
        billable=rated.billable,
        rated_e11=rated.rated_e11,
        amount_e11=rated.amount_e11,
        tax_e11=rated.tax_e11,
        currency=rated.currency,
        draws=_draws(shelves, rated, buckets),
        detail=detail,
        company=shelves.company,
        parts=tuple(
            _rate_rows(shelves, rated.rate_plan_id, part.rate_group_id, part.rate_id)
            for part in detail.parts
        ),
        cost_rate=_cost_rate(shelves, rated.rate_plan_id, detail.cost),
        overage_rate=overage and _rate_rows(shelves, *overage[:3]),
        overage_cost_rate=overage and _cost_rate(shelves, overage.rate_plan_id, overage.cost),
        taxes=tuple(shelves.taxes[part.tax_id] for part in taxes.parts) if taxes else (),
        tax_code=shelves.tax_codes[taxes.tax_code_id]
        if taxes is not None and taxes.tax_code_id is not None
        else None,
        grown=tuple(
            Larger(bucket_id, shelves.bucket_types[buckets[bucket_id]], measured, granted)
            for bucket_id, measured, granted in detail.grown
        ),
    )


def _rate_rows(shelves: Shelves, plan_id: int, group_id: int, rate_id: int) -> RateRows:
    group, rate = shelves.groups[group_id], shelves.rates[rate_id]
    return RateRows(
        plan=shelves.plans[plan_id],
        group=group,
        time_period=_named(shelves.time_periods, group.time_period),
        rate=rate,
        rounding=_named(shelves.roundings, rate.rounding),
        location=_named(shelves.locations, rate.location),
        location_group=_named(shelves.location_groups, rate.location_group),
    )


def _cost_rate(shelves: Shelves, plan_id: int, cost: Cost | None) -> RateRows | None:
    if cost is None or cost.rate_group_id is None or cost.rate_id is None:
        return None
    return _rate_rows(shelves, plan_id, cost.rate_group_id, cost.rate_id)


def _draws(shelves: Shelves, rated: Rated, buckets: Mapping[int, str]) -> tuple[Drawn, ...]:
    def name(bucket_id: int) -> str:
        return shelves.bucket_types[buckets[bucket_id]].name

    drawing = rated.detail.drawing if rated.detail else None
    if drawing is None:
        return tuple(Drawn(number, name(number), quantity) for number, quantity in rated.draws)
    return tuple(
        Drawn(draw.bucket_id, name(draw.bucket_id), draw.quantity, draw.kind, draw.granted)
        for draw in drawing.draws
    )


def _named(rows: Mapping[str, _Row], code: str | None) -> _Row | None:
    return None if code is None else rows[code]


def _by_id(rows: Iterable[_Row]) -> dict[int, _Row]:
    return {row.id: row for row in rows}


def _by_code(rows: Iterable[_Row]) -> dict[str, _Row]:
    return {row.code: row for row in rows}
