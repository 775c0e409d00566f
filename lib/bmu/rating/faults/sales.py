"""What is wrong with allowances, taxes, packages and what customers agreed."""

from collections import Counter
from collections.abc import Iterator

from bmu.money import exponent
from bmu.rating.faults.fault import (
    Fault,
    backwards,
    each,
    once,
    outside,
    overlapping,
    refused,
    repeated,
    unknown,
)
from bmu.rating.faults.known import Known
from bmu.rating.kinds import BucketKind, BucketScope, Frequency
from bmu.rating.offers import (
    BucketTypeRow,
    PackageRow,
    PricePlanRow,
    SharePlanRow,
    TariffRows,
    TaxCodeRow,
    TaxRow,
)
from bmu.rating.price import INT64_MAX
from bmu.rating.tax import PPM

# Whose services may take part in a share plan: its account's own; or those of all whose usage that account pays.
LEVELS = ("ACCOUNT", "INVOICER")


def sale_faults(rows: TariffRows, known: Known) -> Iterator[Fault]:
    """Find them all."""
    fit = _Fit(known)
    yield from once("bucket_type", rows.bucket_types)
    yield from once("tax_code", rows.tax_codes)
    yield from once("price_plan", rows.price_plans)
    yield from once("package", rows.packages)
    yield from once("share_plan", rows.share_plans)
    yield from each("bucket_type", rows.bucket_types, fit.bucket_type)
    yield from each("tax", rows.taxes, _tax)
    for _, later in overlapping(rows.taxes, lambda row: row.code):
        yield Fault("tax", later.code, f"has two rates from {later.valid_from or 'ever'} on")
    yield from each("tax_code", rows.tax_codes, fit.tax_code)
    defaults = [row.code for row in rows.tax_codes if row.default]
    yield from (
        Fault("tax_code", code, f"is a default as {defaults[0]!r} is") for code in defaults[1:]
    )
    yield from each("price_plan", rows.price_plans, fit.price_plan)
    yield from each("package", rows.packages, fit.package)
    yield from each("share_plan", rows.share_plans, fit.share_plan)


class _Fit:
    """Whether one row fits the others."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def bucket_type(self, row: BucketTypeRow) -> Iterator[str]:
        known = self._known
        yield from unknown(row.usage_classes, known.usage_classes, "usage class")
        yield from unknown(row.locations or (), known.anywhere, "location")
        yield from unknown([row.time_period], known.time_periods, "time period")
        yield from unknown([row.overage_plan], known.plans, "rate plan")
        yield from unknown([row.size_by], known.usage_classes, "usage class")
        for each_ in row.exclusions:
            yield from unknown([each_.usage_class], known.usage_classes, "usage class")
            yield from unknown([each_.location], known.anywhere, "location")
            if each_.usage_class is None and each_.location is None:
                yield "has an exclusion of nothing; name a class, a location or both"
        for code in row.usage_classes if row.kind is BucketKind.USAGE else ():
            unit = known.unit_of(code)
            if unit and unit is not row.unit:
                yield f"counts {row.unit.value}, but {code!r} counts {unit.value}"
        yield from _quantities(row)
        yield from _periods(row)
        yield from _combined(row)

    def tax_code(self, row: TaxCodeRow) -> Iterator[str]:
        yield from unknown(row.taxes, self._known.taxes, "tax")
        yield from repeated(row.taxes, "tax")

    def price_plan(self, row: PricePlanRow) -> Iterator[str]:
        yield from unknown([row.rate_plan], self._known.plans, "rate plan")

    def package(self, row: PackageRow) -> Iterator[str]:
        known = self._known
        yield from refused(lambda: exponent(row.currency))
        yield from outside("price", row.price_minor, 0, INT64_MAX)
        if row.frequency is not Frequency.MONTH:
            yield f"has the frequency {row.frequency.value}; bills know MONTH only"
        yield from unknown([row.rate_plan, row.frequency_rate_plan], known.plans, "rate plan")
        yield from unknown([row.tax], known.taxes, "tax")
        yield from unknown([row.reclass], known.reclasses, "reclass")
        yield from unknown(row.bucket_types, known.bucket_types, "bucket type")
        yield from repeated(row.bucket_types, "bucket type")
        if row.tax is None and not known.has_tax_codes:
            yield "names no tax, and there is no tax code to tell it by"
        if row.uids is not None:
            yield from outside("uids", row.uids, 0, INT64_MAX)
        for code in (row.rate_plan, row.frequency_rate_plan):
            plan = known.plans.get(code or "")
            if plan and plan.currency != row.currency:
                yield f"is in {row.currency}, but its rate plan in {plan.currency}"

    def share_plan(self, row: SharePlanRow) -> Iterator[str]:
        known = self._known
        yield from unknown(row.bucket_types, known.bucket_types, "bucket type")
        yield from repeated(row.bucket_types, "bucket type")
        if row.level not in LEVELS:
            yield f"has the level {row.level!r}; {' and '.join(LEVELS)} are known"
        for code in row.bucket_types:
            kind = known.bucket_types.get(code)
            if kind and kind.scope is not BucketScope.SHARE_PLAN:
                yield f"names the bucket type {code!r}, whose scope is {kind.scope.value}"
        packages = [one.package for one in row.participants]
        yield from unknown(packages, known.packages, "package")
        yield from repeated(packages, "package")
        for one in row.participants:
            yield from outside("a contribution", one.quantity, 0, INT64_MAX)
            if one.limit is not None:
                yield from outside("a limit", one.limit, 0, INT64_MAX)


def _quantities(row: BucketTypeRow) -> Iterator[str]:
    # A share plan's may hold only what services bring to it.
    least = 0 if row.scope is BucketScope.SHARE_PLAN else 1
    yield from outside("quantity", row.quantity, least, INT64_MAX)
    yield from outside("flat", row.flat_e11, 0, INT64_MAX)
    for tier in row.tiers:
        yield from outside("a tier's quantity", tier.quantity, 1, INT64_MAX)
        yield from outside("a tier's flat price", tier.flat_e11, 0, INT64_MAX)
    for threshold, times in Counter(row.thresholds).items():
        yield from outside("a threshold", threshold, 1, 100)
        if times > 1:
            yield f"has the threshold {threshold} {times} times"
    if (row.size_by is None) != (row.size_per is None):
        yield "needs size_by and size_per together, or neither"
    if row.size_per is not None:
        yield from outside("size_per", row.size_per, 1, INT64_MAX)
    if row.size_by is not None and (row.tiers or row.flat_e11 or row.repeat_last):
        yield "has a size by other usage, which tiers have not"


def _periods(row: BucketTypeRow) -> Iterator[str]:
    yield from outside("every", row.every, 1, INT64_MAX)
    for noun, number in (
        ("rollover_max", row.rollover_max),
        ("rollover_periods", row.rollover_periods),
        ("expires_after", row.expires_after),
    ):
        if number is not None:
            yield from outside(noun, number, 0 if noun == "rollover_max" else 1, INT64_MAX)
    if not row.rollover and (row.rollover_max is not None or row.rollover_periods is not None):
        yield "bounds its rollover, but does not roll over"
    if row.expires_unit is not None and row.expires_after is None:
        yield "has a unit to expire in, but does not expire"
    if row.expires_unit is Frequency.NEVER:
        yield "expires in a unit of NEVER"
    if row.rollover and row.recurrence is Frequency.NEVER:
        yield "rolls over, but does not come again"


def _combined(row: BucketTypeRow) -> Iterator[str]:
    """Say what of a type has no meaning together."""
    if row.size_by is not None and row.on_first_use:
        yield "begins with its first use, but has nothing in it before other usage has made its size"
    if row.scope is BucketScope.SHARE_PLAN:
        if row.size_by is not None:
            yield "is a share plan's, whose size contributions make, not other usage"
        if row.on_first_use:
            yield "is a share plan's, which begins when the plan does, not with its first use"


def _tax(row: TaxRow) -> Iterator[str]:
    yield from outside("rate in parts per million", row.rate_ppm, 0, PPM)
    yield from backwards(row.valid_from, row.valid_to)
