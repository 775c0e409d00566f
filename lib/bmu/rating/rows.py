"""The catalogue as it is stored: one frozen row a version, rows name each other by code."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from bmu.money import Rounding
from bmu.usage import Rater, Unit


class RateKind(Enum):
    """How a rate prices an event: by its quantity, or the same for each."""

    STANDARD = "STANDARD"
    FIXED = "FIXED"


class Frequency(Enum):
    """How often something comes again."""

    MONTH = "MONTH"


@dataclass(frozen=True, slots=True)
class UsageClassRow:
    """A kind of usage."""

    id: int
    code: str
    name: str
    unit: Unit
    rater: Rater


@dataclass(frozen=True, slots=True)
class LocationRow:
    """A node of the GeoTree; *parent* is the code of the node above."""

    id: int
    code: str
    name: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class LocationPatternRow:
    """Leading digits (*code*) of the numbers at a location."""

    id: int
    code: str
    location: str


@dataclass(frozen=True, slots=True)
class TimePeriodRow:
    """Hours of the local week, like peak; *windows* as `bmu.period.parse_windows` reads them."""

    id: int
    code: str
    name: str
    zone: str
    windows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoundingRow:
    """How a quantity is rounded up: at least *minimum*, then in steps of *increment*."""

    id: int
    code: str
    minimum: int
    increment: int


@dataclass(frozen=True, slots=True)
class RatePlanRow:
    """Rate groups in the order they are tried; *places* and *rounding_mode* of each amount."""

    id: int
    code: str
    name: str
    currency: str
    places: int
    rounding_mode: Rounding
    rate_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RateGroupRow:
    """
    Rates under one condition: days [valid_from, valid_to) and hours of the week.

    Units:
        valid_from, valid_to: days in the company's time zone; none means unbounded.
    """

    id: int
    code: str
    name: str
    time_period: str | None
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class RateRow:
    """
    A price of one usage class, at a location and below, or without one anywhere.

    Units:
        price_e11: for *per* base units, or for one event where the kind is FIXED.
        connect_e11: added to each event that is not covered whole by buckets.
        minimum_charge_e11: least price of an event, before connect_e11.
    """

    id: int
    code: str
    rate_group: str
    usage_class: str
    location: str | None
    rounding: str | None
    kind: RateKind
    price_e11: int
    per: int
    connect_e11: int
    minimum_charge_e11: int


@dataclass(frozen=True, slots=True)
class BucketTypeRow:
    """An allowance of *quantity* base units; *locations* with all below them, none: anywhere."""

    id: int
    code: str
    name: str
    unit: Unit
    quantity: int
    recurrence: Frequency
    usage_classes: tuple[str, ...]
    locations: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class TaxRow:
    """
    A tax rate over some days; rows of one code follow each other.

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


@dataclass(frozen=True, slots=True)
class PackageRow:
    """What a customer buys: a recurring price, a rate plan, a tax and allowances."""

    id: int
    code: str
    name: str
    price_minor: int
    currency: str
    frequency: Frequency
    rate_plan: str
    tax: str
    bucket_types: tuple[str, ...]


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
