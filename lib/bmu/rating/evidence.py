"""What a charge stores of its making: its figures, and every row of the catalogue that they follow from."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bmu.rating.detail import PLAIN, Detail
from bmu.rating.kinds import (
    BucketKind,
)
from bmu.rating.offers import (
    BucketTypeRow,
    PackageRow,
    TaxCodeRow,
    TaxRow,
)
from bmu.rating.plan import CompanyTerms
from bmu.rating.precision import Precision, precision_of
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
from bmu.rating.taxation import Taxes, TaxPart


class Drawn(NamedTuple):
    """
    What came from one bucket; *name* is its type's.

    Units:
        quantity: base units, of a MONEY bucket 10^-11 of the currency.
        granted: what its last tier, which repeats, granted for it.
    """

    bucket_id: int
    name: str
    quantity: int
    kind: BucketKind = BucketKind.USAGE
    granted: int = 0


class Larger(NamedTuple):
    """
    What an allowance grew by with the event, whose usage makes its size; *name* is its type's.

    Shapes:
        type: as it was.

    Units:
        measured: base units of the event's class; granted: of the bucket.
    """

    bucket_id: int
    type: BucketTypeRow
    measured: int
    granted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRows:
    """
    A rate with the rows it names, as they were.

    Shapes:
        time_period, rounding: those the group and the rate name, if any.
        location, location_group: where the rate is set; none where it holds everywhere.
    """

    plan: RatePlanRow
    group: RateGroupRow
    time_period: TimePeriodRow | None
    rate: RateRow
    rounding: RoundingRow | None
    location: LocationRow | None = None
    location_group: LocationGroupRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """
    A charge's figures and the rows of the catalogue it names, as they were at its revision.

    Shapes:
        pattern, location: what the number matched; none where the class has no GeoTree.
        tax: the one tax on top; none where the detail tells the taxes.
        draws: of all buckets, in the order drawn, of money buckets, too.
        company: what rounds amounts where neither group nor plan says; none: 11 places, half up.
        parts, cost_rate, overage_rate, overage_cost_rate: the rates that the detail names.
        taxes, tax_code: that the detail's taxes name.
        grown: the allowances that grew by the event.

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
    tax: TaxRow | None
    quantity: int
    rounded: int
    billable: int
    rated_e11: int
    amount_e11: int
    tax_e11: int
    currency: str
    draws: tuple[Drawn, ...]
    detail: Detail = PLAIN
    company: CompanyTerms | None = None
    rate_location_group: LocationGroupRow | None = None
    parts: tuple[RateRows, ...] = ()
    cost_rate: RateRows | None = None
    overage_rate: RateRows | None = None
    overage_cost_rate: RateRows | None = None
    taxes: tuple[TaxRow, ...] = ()
    tax_code: TaxCodeRow | None = None
    grown: tuple[Larger, ...] = ()

    @property
    def pricing(self) -> RateRows:
        """The rate that priced the event, or its first part."""
        return RateRows(
            plan=self.rate_plan,
            group=self.rate_group,
            time_period=self.time_period,
            rate=self.rate,
            rounding=self.rounding,
            location=self.rate_location,
            location_group=self.rate_location_group,
        )

    @property
    def charged(self) -> tuple[RateRows, ...]:
        """The rates of the event's parts in order, one where it was not split."""
        return self.parts or (self.pricing,)

    @property
    def paid_by(self) -> RateRows:
        """The rate that prices what buckets left, and rounds the amount."""
        return self.overage_rate or self.pricing

    def precision_of(self, pricing: RateRows) -> Precision:
        """Tell how amounts at a rate are rounded."""
        nearest = (pricing.group, pricing.plan, self.company)
        return precision_of(*(each for each in nearest if each is not None))

    @property
    def taxes_told(self) -> Taxes:
        """The taxes as they were charged, also where it is one on top."""
        if self.detail.taxes is not None:
            return self.detail.taxes
        parts = (TaxPart(self.tax.id, self.amount_e11, self.tax_e11),) if self.tax else ()
        return Taxes(self.amount_e11, parts)

    def tax_row(self, tax_id: int) -> TaxRow:
        """Find the tax of an id that the taxes name."""
        rows = (*self.taxes, self.tax) if self.tax else self.taxes
        return next(row for row in rows if row.id == tax_id)
