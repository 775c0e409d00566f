"""Which plan, group and rate price an event, and why no other."""

from collections.abc import Iterator
from datetime import timedelta

from bmu.rating.evidence import Evidence, RateRows
from bmu.rating.explain.step import Step
from bmu.rating.explain.words import calendar_day, clock, event_noun
from bmu.rating.hours import ACCOUNT_ZONE, COMPANY_ZONE
from bmu.rating.plan import PLAN_LEVELS
from bmu.rating.rows import RateGroupRow, TimePeriodRow
from bmu.rating.tried import Tried

_NAMED_BY = {
    1: "What goes beyond the bucket",
    2: "By the prices agreed with this account, its usage",
    3: "The package {package}",
    4: "The package {package}, as this account has it,",
    5: "The package {package}, by its frequency,",
    6: "Usage of this account",
    7: "Usage that this account's payer pays for",
    8: "All usage without a nearer rate plan",
}


def choice_step(evidence: Evidence, tried: Tried | None) -> Step:
    """Tell which plan was chosen and by whom, which of its groups, and what was passed over on the way."""
    facts: dict[str, object] = {
        "plan": evidence.rate_plan.code,
        "level": evidence.plan_level,
        "level_name": PLAN_LEVELS[evidence.plan_level],
        "fallback_from": evidence.detail.fallback_from,
        "group": evidence.rate_group.code,
        "time_period": evidence.time_period.code if evidence.time_period else None,
    }
    if tried is not None:
        facts["levels"] = [
            {"name": PLAN_LEVELS[each.level], **each._asdict()} for each in tried.levels
        ]
        facts["groups"] = [each._asdict() for each in tried.groups]
    return Step("Which prices apply", " ".join(_text(evidence, tried)), facts)


def _text(evidence: Evidence, tried: Tried | None) -> Iterator[str]:
    event = event_noun(evidence)
    whose = _NAMED_BY[evidence.plan_level].format(package=evidence.package.name)
    fallback_from = evidence.detail.fallback_from
    if fallback_from is None:
        yield f"{whose} is priced by the rate plan {evidence.rate_plan.name}."
    else:
        yield (
            f"{whose} is priced by the rate plan {fallback_from}. It has no price for this {event}, so its"
            f" fallback plan {evidence.rate_plan.name} is taken."
        )
    if tried is not None:
        yield from _levels(tried)
    yield f'Its first rate group with a price for this {event} is "{evidence.rate_group.name}".'
    yield from _holds(evidence, evidence.pricing)
    if tried is not None:
        yield from _groups(tried)


def _levels(tried: Tried) -> Iterator[str]:
    """Tell each level, nearest first, and what it names."""
    said = [
        f"{PLAN_LEVELS[each.level]}: {f'{each.plan}, ' if each.plan else ''}{each.reason or 'taken'}"
        for each in tried.levels
    ]
    yield f"Looked for in this order: {'; '.join(said)}."


def _groups(tried: Tried) -> Iterator[str]:
    said = [f"{each.group}: {each.reason}" for each in tried.groups if each.reason is not None]
    if said:
        yield f"Other groups: {'; '.join(said)}."


def _holds(evidence: Evidence, pricing: RateRows) -> Iterator[str]:
    """Tell the days, hours and conditions under which a group holds."""
    group, period = pricing.group, pricing.time_period
    if group.valid_from is not None:
        yield f"Its first day is {calendar_day(group.valid_from)}."
    if group.valid_to is not None:
        yield f"Its last day is {calendar_day(group.valid_to - timedelta(days=1))}."
    if period is not None:
        zone = _zone(evidence, period)
        yield (
            f"It is for {period.name} ({', '.join((*period.windows, *period.dates))}, {zone}); the"
            f" {event_noun(evidence)} began on {clock(evidence.started_at, zone)}."
        )
    yield from _conditions(group)


def _conditions(group: RateGroupRow) -> Iterator[str]:
    for each in group.conditions:
        negated = "not " if each.negated else ""
        values = " ".join(each.values)
        yield f"It asks: {each.field} {negated}{each.operator.value} {values}".rstrip() + "."


def _zone(evidence: Evidence, period: TimePeriodRow) -> str:
    if period.zone == ACCOUNT_ZONE:
        return evidence.account_zone
    if period.zone == COMPANY_ZONE:
        # Nothing was rated without the company's zone, but charges from before it was kept may lack it.
        return evidence.company.zone if evidence.company else evidence.account_zone
    return period.zone
