"""What rating says of one event: what it costs, or why that can't be told."""

from enum import Enum
from typing import NamedTuple

from bmu.rating.detail import Detail


class UnratedReason(Enum):
    """Why an event waits in suspense, in the order of the checks; the last four are intake's."""

    BAD_EVENT = "BAD_EVENT"
    NO_UID = "NO_UID"
    UID_NOT_IN_PERIOD = "UID_NOT_IN_PERIOD"
    NO_USAGE_CLASS = "NO_USAGE_CLASS"
    NO_PACKAGE = "NO_PACKAGE"
    NO_PLAN = "NO_PLAN"
    NO_LOCATION = "NO_LOCATION"
    NO_RATE_GROUP = "NO_RATE_GROUP"
    NO_RATE = "NO_RATE"
    NO_COST = "NO_COST"
    NO_AMOUNT = "NO_AMOUNT"
    NO_TAX = "NO_TAX"
    TAX_SERVICE = "TAX_SERVICE"
    AMOUNT_TOO_LARGE = "AMOUNT_TOO_LARGE"
    OUT_OF_WINDOW = "OUT_OF_WINDOW"
    NOT_ITS_SERVICE = "NOT_ITS_SERVICE"
    FINAL_BILLED = "FINAL_BILLED"
    CONFLICT = "CONFLICT"


class Unrated(NamedTuple):
    """No price, for one reason; *tried* tells a clerk what was looked for, and where."""

    reason: UnratedReason
    tried: str


class Rated(NamedTuple):
    """
    The price of one event, with all that it was made of.

    Shapes:
        location_pattern_id: none where the usage class has no GeoTree.
        tax_id: of the first tax; none where there is none.
        draws: (bucket id, quantity) in the order drawn; they sum to rounded - billable.
        detail: all that goes beyond that; none in the plain case.

    Units:
        quantity, rounded, billable: base units as measured, after rounding up, after buckets.
        rated_e11, amount_e11: price of *rounded* and of *billable*, before tax; of the latter, what money
            buckets paid is taken off, flat charges of tiers are in it, taxes that the price held are not.
    """

    usage_class_id: int
    plan_level: int
    rate_plan_id: int
    rate_group_id: int
    rate_id: int
    location_pattern_id: int | None
    tax_id: int | None
    quantity: int
    rounded: int
    billable: int
    rated_e11: int
    amount_e11: int
    tax_e11: int
    currency: str
    draws: tuple[tuple[int, int], ...]
    detail: Detail | None = None
