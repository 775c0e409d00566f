"""What is wrong with rounding rules, rate plans, rate groups and rates."""

from collections.abc import Iterator

from bmu.money import SCALE, exponent
from bmu.rating.condition import condition_faults
from bmu.rating.faults.fault import (
    Fault,
    backwards,
    circle,
    each,
    once,
    outside,
    overlapping,
    refused,
    repeated,
    rising,
    unknown,
)
from bmu.rating.faults.known import Known
from bmu.rating.kinds import AggregateKind, RateKind
from bmu.rating.offers import TariffRows
from bmu.rating.price import INT64_MAX
from bmu.rating.rows import (
    RateGroupRow,
    RatePlanRow,
    RateRow,
    RateStep,
    RoundingRow,
    TierRow,
)
from bmu.usage import Rater

_WITH_STEPS = [kind for kind in RateKind if kind.value in ("STANDARD", "RATED_MARKUP")]
# Priced without tiers: by the largest events alone.
_WITHOUT_TIERS = (
    AggregateKind.HIGH_WATERMARK,
    AggregateKind.PERCENTILE_95,
    AggregateKind.PERCENTAGE,
)


def price_faults(rows: TariffRows, known: Known) -> Iterator[Fault]:
    """Find them all."""
    fit = _Fit(known)
    yield from once("rounding", rows.roundings)
    yield from once("rate_plan", rows.rate_plans)
    yield from once("rate_group", rows.rate_groups)
    yield from once("rate", rows.rates)
    yield from each("rounding", rows.roundings, _rounding)
    yield from each("rate_plan", rows.rate_plans, fit.rate_plan)
    yield from each("rate_group", rows.rate_groups, fit.rate_group)
    yield from each("rate", rows.rates, fit.rate)
    for one, other in overlapping(rows.rates, _what_is_priced):
        if one.code != other.code:
            yield Fault("rate", other.code, f"prices what {one.code!r} prices already")


def _what_is_priced(row: RateRow) -> object:
    return row.rate_group, row.usage_class, row.location, row.location_group


def _rounding(row: RoundingRow) -> Iterator[str]:
    yield from outside("minimum", row.minimum, 0, INT64_MAX)
    yield from outside("increment", row.increment, 1, INT64_MAX)


class _Fit:
    """Whether one row fits the others."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def rate_plan(self, row: RatePlanRow) -> Iterator[str]:
        known = self._known
        yield from refused(lambda: exponent(row.currency))
        if row.places is not None:
            yield from outside("places", row.places, 0, SCALE)
        yield from unknown(row.rate_groups, known.groups, "rate group")
        yield from repeated(row.rate_groups, "rate group")
        yield from unknown([row.fallback_plan], known.plans, "rate plan")
        fallback = known.plans.get(row.fallback_plan or "")
        if fallback and circle(row.code, self._fallback):
            yield "falls back on itself"
        if fallback and fallback.currency != row.currency:
            yield f"is in {row.currency}, but its fallback plan in {fallback.currency}"
        yield from self._selling(row)

    def _selling(self, row: RatePlanRow) -> Iterator[str]:
        """Say that a plan has nothing to sell by, or only where something is asked first."""
        groups = [
            self._known.groups[code] for code in row.rate_groups if code in self._known.groups
        ]
        selling = [group for group in groups if not group.for_cost]
        if row.fallback_plan is not None or len(groups) < len(row.rate_groups):
            return
        if not selling:
            yield "has no rate group that sells, and no fallback plan"
        elif all(group.conditions for group in selling):
            yield "has no rate group without conditions: what fits none of them could not be rated"
        elif all((group.currency or row.currency) != row.currency for group in selling):
            yield f"is in {row.currency}, but none of its rate groups is"

    def _fallback(self, code: str) -> str | None:
        plan = self._known.plans.get(code)
        return plan.fallback_plan if plan else None

    def rate_group(self, row: RateGroupRow) -> Iterator[str]:
        yield from unknown([row.time_period], self._known.time_periods, "time period")
        yield from backwards(row.valid_from, row.valid_to)
        if row.currency is not None:
            yield from refused(lambda: exponent(row.currency or ""))
        if row.places is not None:
            yield from outside("places", row.places, 0, SCALE)
        flags = [
            name
            for name, is_set in (
                ("for_cost", row.for_cost),
                ("aggregate", row.aggregate),
                ("pass_through", row.pass_through),
            )
            if is_set
        ]
        if len(flags) > 1:
            yield f"can't be {' and '.join(flags)} at once"
        for condition in row.conditions:
            yield from condition_faults(condition)

    def rate(self, row: RateRow) -> Iterator[str]:
        known = self._known
        group, usage_class = (
            known.groups.get(row.rate_group),
            known.usage_classes.get(row.usage_class),
        )
        if group is None:
            yield from unknown([row.rate_group], known.groups, "rate group")
        if usage_class is None:
            yield from unknown([row.usage_class], known.usage_classes, "usage class")
        if row.rounding is not None:
            yield from unknown([row.rounding], known.roundings, "rounding")
        yield from _figures(row)
        if row.location is not None or row.location_group is not None:
            yield from self._place(row)
        if row.valid_to is not None:
            yield from backwards(row.valid_from, row.valid_to)
        if row.steps:
            yield from _steps(row)
        if group is not None and (group.aggregate or row.tiers or row.aggregation is not None):
            yield from _aggregate(row, group)

    def _place(self, row: RateRow) -> Iterator[str]:
        known = self._known
        if row.location is not None and row.location not in known.parents:
            yield from unknown([row.location], known.parents, "location")
        if row.location_group is not None:
            yield from unknown([row.location_group], known.location_groups, "location group")
        if row.location is not None and row.location_group is not None:
            yield "has a location and a location group; one of them is enough"
        usage_class = known.usage_classes.get(row.usage_class)
        if usage_class and usage_class.rater is Rater.CLASS:
            yield f"has a location, but {row.usage_class!r} is rated without"


def _figures(row: RateRow) -> Iterator[str]:
    """Say which figures are out of bounds; rates are many, so what is right is passed quickly."""
    if not (0 <= row.price_e11 <= INT64_MAX and 1 <= row.per <= INT64_MAX):
        yield from outside("price", row.price_e11, 0, INT64_MAX)
        yield from outside("per", row.per, 1, INT64_MAX)
    if row.connect_e11 or row.minimum_charge_e11 or row.free:
        yield from outside("connect", row.connect_e11, 0, INT64_MAX)
        yield from outside("minimum charge", row.minimum_charge_e11, 0, INT64_MAX)
        yield from outside("free", row.free, 0, INT64_MAX)
    most = row.maximum_charge_e11
    if most is not None:
        yield from outside("maximum charge", most, 0, INT64_MAX)
        if most < row.minimum_charge_e11:
            yield "has a maximum charge below its minimum charge"


def _steps(row: RateRow) -> Iterator[str]:
    if row.kind not in _WITH_STEPS:
        yield f"has steps, but {row.kind.value} has no price by quantity"
    for step in row.steps:
        yield from _step(step)
    yield from rising("the step after", [step.after for step in row.steps])


def _step(step: RateStep) -> Iterator[str]:
    yield from outside("a step's after", step.after, 1, INT64_MAX)
    yield from outside("a step's price", step.price_e11, 0, INT64_MAX)
    yield from outside("a step's per", step.per, 1, INT64_MAX)
    if step.increment is not None:
        yield from outside("a step's increment", step.increment, 1, INT64_MAX)


def _aggregate(row: RateRow, group: RateGroupRow) -> Iterator[str]:
    if not group.aggregate:
        yield f"has tiers or an aggregation, but the rate group {group.code!r} prices each event"
        return
    if row.aggregation is None:
        yield f"has no aggregation, but the rate group {group.code!r} prices a period's usage"
        return
    if not row.tiers and row.aggregation not in _WITHOUT_TIERS:
        yield f"has no tiers, which {row.aggregation.value} needs"
    if row.tiers and row.tiers[0].from_ != 0:
        yield f"has a first tier from {row.tiers[0].from_}; it must be from 0"
    for tier in row.tiers:
        yield from _tier(tier)
    yield from rising("tiers overlap: the one from", [tier.from_ for tier in row.tiers])


def _tier(tier: TierRow) -> Iterator[str]:
    yield from outside("a tier's price", tier.price_e11, 0, INT64_MAX)
    yield from outside("a tier's per", tier.per, 1, INT64_MAX)
    yield from outside("a tier's flat price", tier.flat_e11, 0, INT64_MAX)
