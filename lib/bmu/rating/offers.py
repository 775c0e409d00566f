"""What customers buy and pay on it, as it is stored: allowances, taxes, packages; and all rows of a catalogue."""

from dataclasses import dataclass
from datetime import date

from bmu.rating.kinds import (
    BucketKind,
    BucketScope,
    Frequency,
)
from bmu.rating.rows import (
    HolidayCalendarRow,
    LocationGroupRow,
    LocationPatternRow,
    LocationRow,
    RateGroupRow,
    RatePlanRow,
    RateRow,
    ReclassRow,
    RoundingRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.usage import Unit


@dataclass(frozen=True, slots=True)
class BucketTier:
    """A further tier of a bucket, entered when those before are used up; *flat_e11* is charged at its first unit."""

    quantity: int
    flat_e11: int = 0


@dataclass(frozen=True, slots=True)
class BucketExclusion:
    """Usage that never draws from a bucket: of a class, at a location or in a location group, or both."""

    usage_class: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class BucketTypeRow:
    """
    An allowance of *quantity* base units; *locations* with all below them, none: anywhere.

    Shapes:
        locations: codes of locations and of location groups.
        quantity, flat_e11: of the first tier; *tiers* are those after it; repeat_last: the last one again and again.
        recurrence: NEVER: granted once.
        every: so many of *recurrence* are one period.
        rollover: what is left is added to the next period's; rollover_max: at most so much of it;
            rollover_periods: so many periods long. None: without end.
        thresholds: per cent used at which an event is raised, once a period.
        expires_unit: what expires_after counts, from the day that the service began; none: its own periods, of what is
            granted once, months.
        size_by: a usage class whose quantity in the period makes the size: *quantity* for each *size_per* of it.

    Units:
        quantity: base units; of a MONEY bucket 10^-11 of the account's currency.
        expires_after: nothing is granted, and nothing drawn, so long after the service began; none: without end.
    """

    id: int
    code: str
    name: str
    unit: Unit
    quantity: int
    recurrence: Frequency
    usage_classes: tuple[str, ...]
    locations: tuple[str, ...] | None
    kind: BucketKind = BucketKind.USAGE
    scope: BucketScope = BucketScope.SERVICE
    every: int = 1
    flat_e11: int = 0
    tiers: tuple[BucketTier, ...] = ()
    repeat_last: bool = False
    rollover: bool = False
    rollover_max: int | None = None
    rollover_periods: int | None = None
    overage_plan: str | None = None
    exclusions: tuple[BucketExclusion, ...] = ()
    time_period: str | None = None
    prorated: bool = False
    on_first_use: bool = False
    expires_after: int | None = None
    thresholds: tuple[int, ...] = ()
    size_by: str | None = None
    size_per: int | None = None
    expires_unit: Frequency | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a service of a package adds to a share plan's buckets; nothing: it draws only."""

    package: str
    quantity: int = 0
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class SharePlanRow:
    """Buckets that several services draw from, in the order of *rank* among an account's plans, the lower first."""

    id: int
    code: str
    name: str
    level: str
    rank: int
    bucket_types: tuple[str, ...]
    participants: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class TaxRow:
    """
    A tax rate over some days; rows of one code follow each other. A compound one is on the taxes before it, too.

    Units:
        rate_ppm: parts per million, 20 % is 200,000.
        valid_from, valid_to: days [from, to) in the account's time zone; none means unbounded.
    """

    id: int
    code: str
    name: str
    rate_ppm: int
    valid_from: date | None
    valid_to: date | None
    compound: bool = False


@dataclass(frozen=True, slots=True)
class TaxCodeRow:
    """
    The taxes of what it fits best, in their order.

    Shapes:
        account_category, service_category, country, state: none fits any; of_event: the country is the event's.
        default: for what no other fits.
        inclusive: prices hold the taxes already.
    """

    id: int
    code: str
    name: str
    taxes: tuple[str, ...]
    account_category: str | None = None
    service_category: str | None = None
    country: str | None = None
    state: str | None = None
    of_event: bool = False
    default: bool = False
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class PricePlanRow:
    """Prices that one customer has agreed, over those of the catalogue."""

    id: int
    code: str
    name: str
    rate_plan: str | None


@dataclass(frozen=True, slots=True)
class PackageRow:
    """
    What a customer buys: a recurring price, a rate plan, a tax and allowances.

    Shapes:
        rate_plan: of its service; frequency_rate_plan: of the package itself; either may be none.
        tax: the one tax; none: the taxes of the tax code that fits best, by tax_category.
        uids: so many distinct usage identifiers a service has: no more are given, and fewer are not billed; none: any number.
    """

    id: int
    code: str
    name: str
    price_minor: int
    currency: str
    frequency: Frequency
    rate_plan: str | None
    tax: str | None
    bucket_types: tuple[str, ...]
    frequency_rate_plan: str | None = None
    tax_category: str | None = None
    reclass: str | None = None
    uids: int | None = None


@dataclass(frozen=True, slots=True)
class TariffRows:
    """All rows of the catalogue in force at one revision."""

    usage_classes: tuple[UsageClassRow, ...] = ()
    locations: tuple[LocationRow, ...] = ()
    location_patterns: tuple[LocationPatternRow, ...] = ()
    time_periods: tuple[TimePeriodRow, ...] = ()
    roundings: tuple[RoundingRow, ...] = ()
    rate_plans: tuple[RatePlanRow, ...] = ()
    rate_groups: tuple[RateGroupRow, ...] = ()
    rates: tuple[RateRow, ...] = ()
    bucket_types: tuple[BucketTypeRow, ...] = ()
    taxes: tuple[TaxRow, ...] = ()
    packages: tuple[PackageRow, ...] = ()
    location_groups: tuple[LocationGroupRow, ...] = ()
    calendars: tuple[HolidayCalendarRow, ...] = ()
    reclasses: tuple[ReclassRow, ...] = ()
    share_plans: tuple[SharePlanRow, ...] = ()
    tax_codes: tuple[TaxCodeRow, ...] = ()
    price_plans: tuple[PricePlanRow, ...] = ()
