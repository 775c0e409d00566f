"""What usage costs: a compiled tariff, one rate an event, exact figures and the reasons for them."""

from bmu.rating.bucket import BucketState, Grant, by_service
from bmu.rating.compile import compile_tariff
from bmu.rating.evidence import Drawn, Evidence, Figures, is_in_order, recompute
from bmu.rating.explain import Step, explain
from bmu.rating.faults import Fault, validate
from bmu.rating.geotree import GeoTree
from bmu.rating.outcome import Rated, Unrated, UnratedReason
from bmu.rating.owner import Owner, OwnerRow, Owners, Terms
from bmu.rating.rate import rate, rate_batch
from bmu.rating.rows import (
    BucketTypeRow,
    Frequency,
    LocationPatternRow,
    LocationRow,
    PackageRow,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RoundingRow,
    TariffRows,
    TaxRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.rating.tariff import Tariff, buckets_wanted, plan_of

__all__ = [
    "BucketState",
    "BucketTypeRow",
    "Drawn",
    "Evidence",
    "Fault",
    "Figures",
    "Frequency",
    "GeoTree",
    "Grant",
    "LocationPatternRow",
    "LocationRow",
    "Owner",
    "OwnerRow",
    "Owners",
    "PackageRow",
    "RateGroupRow",
    "RateKind",
    "RatePlanRow",
    "RateRow",
    "Rated",
    "RoundingRow",
    "Step",
    "Tariff",
    "TariffRows",
    "TaxRow",
    "Terms",
    "TimePeriodRow",
    "Unrated",
    "UnratedReason",
    "UsageClassRow",
    "buckets_wanted",
    "by_service",
    "compile_tariff",
    "explain",
    "is_in_order",
    "plan_of",
    "rate",
    "rate_batch",
    "recompute",
    "validate",
]
