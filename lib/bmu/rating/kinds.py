"""The named kinds of things in the catalogue, as they are stored and written."""

from enum import Enum


class Side(Enum):
    """Which number of an event tells its location."""

    DESTINATION = "DESTINATION"
    ORIGIN = "ORIGIN"


class RateKind(Enum):
    """
    How a rate prices an event.

    STANDARD: by its quantity. FIXED: the same for each. MARKUP: its cost times a multiplier. FIXED_MARKUP: its cost
    and an amount for each. RATED_MARKUP: its cost and a price by quantity. PASS_THROUGH: what its record says.
    """

    STANDARD = "STANDARD"
    FIXED = "FIXED"
    MARKUP = "MARKUP"
    FIXED_MARKUP = "FIXED_MARKUP"
    RATED_MARKUP = "RATED_MARKUP"
    PASS_THROUGH = "PASS_THROUGH"  # noqa: S105 - no password


class AggregateKind(Enum):
    """
    How a rate of an aggregate group prices the usage of a whole period.

    GRADUATED: each tier's part at its own price. VOLUME: all of it at the price of the tier reached. PACKAGE: by
    blocks begun. STAIRSTEP: the flat price of the tier reached. FLAT_AND_UNIT: a flat price and one by quantity.
    PERCENTAGE: a part of the period's other charges. HIGH_WATERMARK: its largest event. PERCENTILE_95: the largest
    after the top twentieth is left out. COUNTED: VOLUME, with the tier reached by a count of services.
    """

    GRADUATED = "GRADUATED"
    VOLUME = "VOLUME"
    PACKAGE = "PACKAGE"
    STAIRSTEP = "STAIRSTEP"
    FLAT_AND_UNIT = "FLAT_AND_UNIT"
    PERCENTAGE = "PERCENTAGE"
    HIGH_WATERMARK = "HIGH_WATERMARK"
    PERCENTILE_95 = "PERCENTILE_95"
    COUNTED = "COUNTED"


class AggregateScope(Enum):
    """Whose usage of a period is priced as one: of a service, of an account, of all that one account pays for."""

    SERVICE = "SERVICE"
    ACCOUNT = "ACCOUNT"
    INVOICER = "INVOICER"


class Operator(Enum):
    """What a condition asks of a text."""

    EQUALS = "EQUALS"
    IN = "IN"
    PREFIX = "PREFIX"
    RANGE = "RANGE"
    REGEX = "REGEX"
    EMPTY = "EMPTY"


class BucketKind(Enum):
    """What a bucket holds: units of usage, or money."""

    USAGE = "USAGE"
    MONEY = "MONEY"


class BucketScope(Enum):
    """Whose usage draws from a bucket."""

    SERVICE = "SERVICE"
    ACCOUNT = "ACCOUNT"
    TREE = "TREE"
    SHARE_PLAN = "SHARE_PLAN"


class Frequency(Enum):
    """How often something comes again; NEVER: it is there once."""

    NEVER = "NEVER"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    YEAR = "YEAR"
