"""What prices usage, as it is stored: one frozen row a version, rows name each other by code."""

from dataclasses import dataclass
from datetime import date

from bmu.money import Rounding
from bmu.rating.kinds import (
    AggregateKind,
    AggregateScope,
    Operator,
    RateKind,
    Side,
)
from bmu.usage import Rater, Unit


@dataclass(frozen=True, slots=True)
class UsageClassRow:
    """A kind of usage."""

    id: int
    code: str
    name: str
    unit: Unit
    rater: Rater
    side: Side = Side.DESTINATION
    split: bool = False
    category: str | None = None


@dataclass(frozen=True, slots=True)
class ConditionRow:
    """
    Something asked of one field of an event, of its account, service or usage identifier.

    Shapes:
        values: none for EMPTY, one for EQUALS and REGEX, two for RANGE ("" is open), else any number.
    """

    field: str
    operator: Operator
    values: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class ReclassRule:
    """Usage of one class that is another's where it takes place and its record looks so."""

    usage_class: str
    becomes: str
    locations: tuple[str, ...] | None = None
    conditions: tuple[ConditionRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ReclassRow:
    """Rules in their order; the first that fits an event decides."""

    id: int
    code: str
    name: str
    rules: tuple[ReclassRule, ...]


@dataclass(frozen=True, slots=True)
class LocationRow:
    """A node of the GeoTree; *parent* is the code of the node above; *kind* is a word for people."""

    id: int
    code: str
    name: str
    parent: str | None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class LocationGroupRow:
    """Locations, each with all below it, under one code."""

    id: int
    code: str
    name: str
    locations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LocationPatternRow:
    """
    What the numbers or addresses at a location begin with: digits, or an IP network.

    Units:
        valid_from, valid_to: days in the company's time zone; none means unbounded.
    """

    id: int
    code: str
    location: str
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class HolidayCalendarRow:
    """Days that are holidays."""

    id: int
    code: str
    name: str
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class TimePeriodRow:
    """
    Hours of the local week, like peak; *windows* as `bmu.period.parse_windows` reads them.

    Shapes:
        zone: an IANA name, or ACCOUNT or COMPANY for theirs.
        dates: days like 2026-12-24 or 2026-12-24..2026-12-26; none means any.
        calendar: whose days have the windows of the day ``Hol``, and no others.
    """

    id: int
    code: str
    name: str
    zone: str
    windows: tuple[str, ...]
    dates: tuple[str, ...] = ()
    calendar: str | None = None


@dataclass(frozen=True, slots=True)
class RoundingRow:
    """How a quantity is rounded up: at least *minimum*, then in steps of *increment*."""

    id: int
    code: str
    minimum: int
    increment: int


@dataclass(frozen=True, slots=True)
class RatePlanRow:
    """
    Rate groups in the order they are tried; *places* and *rounding_mode* of each amount.

    Shapes:
        places, rounding_mode: none means the company's.
        fallback_plan: tried where this one has no rate.
    """

    id: int
    code: str
    name: str
    currency: str
    places: int | None
    rounding_mode: Rounding | None
    rate_groups: tuple[str, ...]
    fallback_plan: str | None = None


@dataclass(frozen=True, slots=True)
class RateGroupRow:
    """
    Rates under one condition: days [valid_from, valid_to), hours of the week, what the event is like.

    Shapes:
        currency, places, rounding_mode: none means the plan's.
        for_cost: its rates tell what usage costs the company, and sell nothing.
        aggregate: its rates price a period's usage, not each event.
        pass_through: its events cost what their records say.

    Units:
        valid_from, valid_to: days in the company's time zone; none means unbounded.
    """

    id: int
    code: str
    name: str
    time_period: str | None
    valid_from: date | None
    valid_to: date | None
    currency: str | None = None
    conditions: tuple[ConditionRow, ...] = ()
    for_cost: bool = False
    aggregate: bool = False
    pass_through: bool = False
    places: int | None = None
    rounding_mode: Rounding | None = None


@dataclass(frozen=True, slots=True)
class RateStep:
    """
    Another price from a quantity of one event on.

    Units:
        after: base units; increment: base units, counted from *after*, none: the rounding's.
        price_e11: for *per* base units.
    """

    after: int
    price_e11: int
    per: int
    increment: int | None = None


@dataclass(frozen=True, slots=True)
class TierRow:
    """
    One tier of a period's usage.

    Units:
        from_: base units (or services counted) at which it begins; the next one's end it.
        price_e11: for *per* base units. flat_e11: once.
    """

    from_: int
    price_e11: int = 0
    per: int = 1
    flat_e11: int = 0


@dataclass(frozen=True, slots=True)
class RateRow:
    """
    A price of one usage class, at a location and below, in a group of locations, or anywhere.

    Shapes:
        location, location_group: at most one of them.
        aggregation, tiers, aggregate_scope: of a rate in an aggregate group.

    Units:
        price_e11: for *per* base units; for one event where the kind is FIXED or FIXED_MARKUP; for MARKUP the
            multiplier, times 10^11.
        connect_e11: added to each event that is not covered whole by buckets.
        minimum_charge_e11, maximum_charge_e11: least and most price of an event, before connect_e11.
        free: base units of each event that cost nothing.
        valid_from, valid_to: days in the company's time zone; none means unbounded.
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
    maximum_charge_e11: int | None = None
    location_group: str | None = None
    free: int = 0
    steps: tuple[RateStep, ...] = ()
    aggregation: AggregateKind | None = None
    tiers: tuple[TierRow, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    aggregate_scope: AggregateScope = AggregateScope.SERVICE
