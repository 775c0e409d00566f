"""What the rate that was found says: its price, its steps, what an event costs at least and at most."""

from collections.abc import Iterator

from bmu.money import decimal_text
from bmu.rating.evidence import Evidence, RateRows
from bmu.rating.explain.step import Step
from bmu.rating.explain.words import event_noun, money, quantity
from bmu.rating.kinds import RateKind
from bmu.rating.quantity import per_text
from bmu.rating.rows import RateRow


def price_step(evidence: Evidence) -> Step:
    """Tell the price of the event, or of each part of it."""
    return Step(
        "The price",
        " ".join(_text(evidence)),
        {
            "rates": [_facts(pricing) for pricing in evidence.charged],
            "overage": _facts(evidence.paid_by) if evidence.overage_rate else None,
        },
    )


def _facts(pricing: RateRows) -> dict[str, object]:
    rate = pricing.rate
    return {
        "plan": pricing.plan.code,
        "group": pricing.group.code,
        "rate": rate.code,
        "kind": rate.kind.value,
        "location": rate.location or rate.location_group,
        "price": decimal_text(rate.price_e11),
        "per": rate.per,
        "free": rate.free,
        "steps": [
            {
                "after": step.after,
                "price": decimal_text(step.price_e11),
                "per": step.per,
                "increment": step.increment,
            }
            for step in rate.steps
        ],
        "aggregation": rate.aggregation.value if rate.aggregation else None,
        "tiers": [
            {
                "from": tier.from_,
                "price": decimal_text(tier.price_e11),
                "per": tier.per,
                "flat": decimal_text(tier.flat_e11),
            }
            for tier in rate.tiers
        ],
        "least": decimal_text(rate.minimum_charge_e11),
        "most": None if rate.maximum_charge_e11 is None else decimal_text(rate.maximum_charge_e11),
        "connect": decimal_text(rate.connect_e11),
    }


def _text(evidence: Evidence) -> Iterator[str]:
    first, *others = evidence.charged
    yield from _place(evidence, first)
    yield from _unit_price(evidence, first)
    yield from _bounds(evidence, first)
    for pricing in others:
        yield f'Then, by the rate group "{pricing.group.name}":'
        yield from _place(evidence, pricing)
        yield from _unit_price(evidence, pricing)
    if evidence.overage_rate is not None:
        pricing = evidence.paid_by
        yield f"What goes beyond the bucket is priced by the rate plan {pricing.plan.name}:"
        yield from _place(evidence, pricing)
        yield from _unit_price(evidence, pricing)
        yield from _bounds(evidence, pricing)
    if evidence.draws:
        yield "Nothing where all of it is included."


def _place(evidence: Evidence, pricing: RateRows) -> Iterator[str]:
    where = pricing.location
    if pricing.location_group is not None:
        yield f"The price is the one for {pricing.location_group.name}, which this place is one of."
    elif where is not None and where != evidence.location:
        yield f"The price is the one for {where.name}, which this place belongs to."


def _unit_price(evidence: Evidence, pricing: RateRows) -> Iterator[str]:
    rate, event = pricing.rate, event_noun(evidence)
    unit = evidence.usage_class.unit
    if pricing.group.aggregate:
        yield from _tiers(evidence, rate)
        return
    each = f"{money(evidence, rate.price_e11)} per {per_text(unit, rate.per)}"
    match rate.kind:
        case RateKind.STANDARD:
            yield f"{each}."
        case RateKind.FIXED:
            yield f"{money(evidence, rate.price_e11)} for one {event}, however long or large."
        case RateKind.MARKUP:
            yield f"What it costs the company, times {decimal_text(rate.price_e11)}."
        case RateKind.FIXED_MARKUP:
            added = money(evidence, rate.price_e11)
            yield f"What it costs the company, and {added} for one {event}."
        case RateKind.RATED_MARKUP:
            yield f"What it costs the company, and {each}."
        case RateKind.PASS_THROUGH:
            yield "What its record says."
    yield from _from_unit_on(evidence, rate)


def _tiers(evidence: Evidence, rate: RateRow) -> Iterator[str]:
    """Tell the tiers that price a period's usage."""
    how = rate.aggregation.value.replace("_", " ").lower() if rate.aggregation else "whole"
    yield f"The usage of a period is priced as a whole ({how})."
    for tier in rate.tiers:
        price = f"{money(evidence, tier.price_e11)} per {per_text(evidence.usage_class.unit, tier.per)}"
        flat = f", and {money(evidence, tier.flat_e11)} once" if tier.flat_e11 else ""
        yield f"From {quantity(evidence, tier.from_)} on: {price}{flat}."


def _from_unit_on(evidence: Evidence, rate: RateRow) -> Iterator[str]:
    """Tell the prices that begin or end at a unit of each event."""
    for step in rate.steps:
        price = f"{money(evidence, step.price_e11)} per {per_text(evidence.usage_class.unit, step.per)}"
        yield f"Beyond {quantity(evidence, step.after)}: {price}."
    if rate.free:
        yield f"The first {quantity(evidence, rate.free)} cost nothing."


def _bounds(evidence: Evidence, pricing: RateRows) -> Iterator[str]:
    rate = pricing.rate
    if pricing.group.aggregate:
        return
    if rate.minimum_charge_e11:
        yield f"At least {money(evidence, rate.minimum_charge_e11)}."
    if rate.maximum_charge_e11 is not None:
        yield f"At most {money(evidence, rate.maximum_charge_e11)}."
    if rate.connect_e11:
        yield f"And {money(evidence, rate.connect_e11)} to connect."
