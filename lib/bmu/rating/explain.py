"""Why an event costs what it costs, in words for whoever pays it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from bmu.money import ONE_E11, Rounding, decimal_text
from bmu.period import zone_of
from bmu.rating.evidence import Evidence, is_in_order
from bmu.rating.kinds import (
    RateKind,
)
from bmu.rating.quantity import per_text, quantity_text
from bmu.usage import Unit

_ROUNDINGS = {
    Rounding.HALF_UP: "half up",
    Rounding.UP: "up",
    Rounding.DOWN: "down",
    Rounding.HALF_EVEN: "half to the even digit",
}


class Step(NamedTuple):
    """One step of the reasoning."""

    title: str
    text: str


def explain(evidence: Evidence) -> tuple[Step, ...]:
    """Tell step by step how the charge came about, with every figure exact."""
    steps = [
        Step("Whose it is", _owner(evidence)),
        Step("What it is", _kind(evidence)),
        Step("Which prices apply", " ".join(_prices(evidence))),
        Step("The price", " ".join(_price(evidence))),
        Step("What is counted", _counted(evidence)),
    ]
    if evidence.draws:
        steps.append(Step("What is included", _included(evidence)))
    steps.append(Step("The amount", " ".join(_amount(evidence))))
    steps.append(Step("Tax", _tax(evidence)))
    if not is_in_order(evidence):
        text = "Computed again from what is stored, the figures differ. Please tell us."
        steps.append(Step("Not in order", text))
    return tuple(steps)


def _owner(evidence: Evidence) -> str:
    noun = "number" if evidence.uid_type == "phone" else evidence.uid_type
    began = _clock(evidence.started_at, evidence.account_zone)
    return (
        f"The {noun} {evidence.uid} belonged to this account when the {_event(evidence)} began,"
        f" on {began}."
    )


def _kind(evidence: Evidence) -> str:
    name = evidence.usage_class.name
    if evidence.pattern is None or evidence.location is None:
        return f"{name}."
    return (
        f"{name}. Called {evidence.destination}: the longest matching prefix"
        f" {evidence.pattern.code} is {evidence.location.name}."
    )


def _prices(evidence: Evidence) -> Iterator[str]:
    group, period, event = evidence.rate_group, evidence.time_period, _event(evidence)
    yield (
        f"The package {evidence.package.name} is priced by the rate plan"
        f" {evidence.rate_plan.name}. Its first rate group with a price for this {event} is"
        f' "{group.name}".'
    )
    if group.valid_from is not None:
        yield f"Its first day is {_day(group.valid_from)}."
    if group.valid_to is not None:
        yield f"Its last day is {_day(group.valid_to - timedelta(days=1))}."
    if period is not None:
        yield (
            f"It is for {period.name} ({', '.join(period.windows)}, {period.zone}); the {event}"
            f" began on {_clock(evidence.started_at, period.zone)}."
        )


def _price(evidence: Evidence) -> Iterator[str]:
    rate, event = evidence.rate, _event(evidence)
    where = evidence.rate_location
    if where is not None and where != evidence.location:
        yield f"The price is the one for {where.name}, which this place belongs to."
    if rate.kind is RateKind.FIXED:
        yield f"{_money(evidence, rate.price_e11)} for one {event}, however long or large."
    else:
        per = per_text(evidence.usage_class.unit, rate.per)
        yield f"{_money(evidence, rate.price_e11)} per {per}."
    if rate.minimum_charge_e11:
        yield f"At least {_money(evidence, rate.minimum_charge_e11)}."
    if rate.connect_e11:
        yield f"And {_money(evidence, rate.connect_e11)} to connect."
    if evidence.draws:
        yield "Nothing where all of it is included."


def _counted(evidence: Evidence) -> str:
    rule = evidence.rounding
    measured = f"Measured: {_quantity(evidence, evidence.quantity)}."
    if rule is None or not evidence.quantity:
        return f"{measured} It is counted as measured."
    steps = f"in steps of {_quantity(evidence, rule.increment)}"
    if rule.minimum:
        steps = f"at least {_quantity(evidence, rule.minimum)}, then {steps}"
    return f"{measured} Counted {steps}: {_quantity(evidence, evidence.rounded)}."


def _included(evidence: Evidence) -> str:
    parts = " and ".join(
        f"{_quantity(evidence, drawn.quantity)} from {drawn.name}" for drawn in evidence.draws
    )
    return f"Taken {parts}; left to pay for: {_quantity(evidence, evidence.billable)}."


def _amount(evidence: Evidence) -> Iterator[str]:
    rate, amount = evidence.rate, _money(evidence, evidence.amount_e11)
    if not evidence.billable:
        yield f"Nothing is left to pay for: {amount}."
        return
    per = 1 if rate.kind is RateKind.FIXED else rate.per
    quantity = 1 if rate.kind is RateKind.FIXED else evidence.billable
    cost = rate.price_e11 * quantity
    if rate.kind is RateKind.STANDARD:
        price = decimal_text(rate.price_e11)
        shown = quantity_text(evidence.usage_class.unit, rate.per)
        yield (
            f"{price} × {_quantity(evidence, quantity)} ÷ {shown} ="  # noqa: RUF001 - the sign
            f" {_quotient(cost, per)} {evidence.currency}."
        )
    else:
        yield f"One {_event(evidence)}: {_money(evidence, cost)}."
    if cost < rate.minimum_charge_e11 * per:
        cost = rate.minimum_charge_e11 * per
        yield f"That is below the least price, so it is {_quotient(cost, per)}."
    if rate.connect_e11:
        cost += rate.connect_e11 * per
        yield f"With {decimal_text(rate.connect_e11)} to connect: {_quotient(cost, per)}."
    plan = evidence.rate_plan
    yield f"Rounded to {plan.places} places, {_ROUNDINGS[plan.rounding_mode]}: {amount}."


def _tax(evidence: Evidence) -> str:
    tax = evidence.tax
    percent = decimal_text(tax.rate_ppm * ONE_E11 // 10_000)
    total = _money(evidence, evidence.amount_e11 + evidence.tax_e11)
    return (
        f"{tax.name}: {percent} % of {_money(evidence, evidence.amount_e11)} is"
        f" {_money(evidence, evidence.tax_e11)}. Together: {total}."
    )


def _event(evidence: Evidence) -> str:
    """Name the event as a customer would."""
    unit = evidence.usage_class.unit
    if unit is Unit.COUNT:
        return "event"
    return "call" if unit is Unit.TIME and evidence.pattern is not None else "session"


def _money(evidence: Evidence, amount_e11: int) -> str:
    return f"{decimal_text(amount_e11)} {evidence.currency}"


def _quantity(evidence: Evidence, quantity: int) -> str:
    return quantity_text(evidence.usage_class.unit, quantity)


def _quotient(numerator_e11: int, denominator: int) -> str:
    """Write a quotient exactly, or cut it where 11 places can't hold it, and say so."""
    quotient, rest = divmod(numerator_e11, denominator)
    return f"{decimal_text(quotient)}…" if rest else decimal_text(quotient)


def _clock(instant: datetime, zone: str) -> str:
    local = instant.astimezone(zone_of(zone))
    return f"{local:%A} {_day(local.date())}, {local:%H:%M:%S} ({zone})"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
