"""What a charge stores of its making, and the same figures computed from that again."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bmu.rating.offers import (
    PackageRow,
    TaxRow,
)
from bmu.rating.precision import precision_of
from bmu.rating.price import amount_of, price_of, rounded_up
from bmu.rating.rows import (
    LocationPatternRow,
    LocationRow,
    RateGroupRow,
    RatePlanRow,
    RateRow,
    RoundingRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.rating.tax import tax_of


class Drawn(NamedTuple):
    """What came from one bucket; *name* is its type's."""

    bucket_id: int
    name: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """
    A charge's figures and the rows of the catalogue it names, as they were at its revision.

    Shapes:
        time_period, rounding: those the rate group and the rate name, if any.
        pattern, location: what the number matched; none where the class has no GeoTree.
        rate_location: where the rate is set; none where it holds everywhere.

    Units:
        account_zone: the IANA time zone of the account.
        started_at: an aware instant.
        The figures: as those of `Rated`.
    """

    account_zone: str
    started_at: datetime
    uid_type: str
    uid: str
    origin: str
    destination: str
    revision: int
    plan_level: int
    usage_class: UsageClassRow
    package: PackageRow
    rate_plan: RatePlanRow
    rate_group: RateGroupRow
    time_period: TimePeriodRow | None
    rate: RateRow
    rounding: RoundingRow | None
    pattern: LocationPatternRow | None
    location: LocationRow | None
    rate_location: LocationRow | None
    tax: TaxRow
    quantity: int
    rounded: int
    billable: int
    rated_e11: int
    amount_e11: int
    tax_e11: int
    currency: str
    draws: tuple[Drawn, ...]


class Figures(NamedTuple):
    """The figures of a charge that follow from its evidence; units as of `Rated`."""

    rounded: int
    rated_e11: int
    amount_e11: int
    tax_e11: int


def recompute(evidence: Evidence) -> Figures:
    """Compute a charge's figures again, from what was measured, its rows and its draws alone."""
    price = price_of(
        evidence.rate,
        evidence.rounding,
        precision_of(evidence.rate_group, evidence.rate_plan),
    )
    rounded = rounded_up(price, evidence.quantity)
    amount = amount_of(price, rounded - sum(drawn.quantity for drawn in evidence.draws))
    tax = tax_of(amount, evidence.tax.rate_ppm)
    return Figures(rounded, amount_of(price, rounded), amount, tax)


def is_in_order(evidence: Evidence) -> bool:
    """Tell whether the figures that a charge holds are those that follow from its evidence."""
    drawn = sum(drawn.quantity for drawn in evidence.draws)
    return evidence.rounded - drawn == evidence.billable and recompute(evidence) == (
        evidence.rounded,
        evidence.rated_e11,
        evidence.amount_e11,
        evidence.tax_e11,
    )
