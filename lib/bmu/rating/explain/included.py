"""What is counted of an event, and what of it buckets cover."""

from collections.abc import Iterator

from bmu.money import decimal_text
from bmu.rating.evidence import Evidence, Larger
from bmu.rating.explain.step import Step
from bmu.rating.explain.words import listed, money, quantity
from bmu.rating.kinds import (
    BucketKind,
)
from bmu.rating.quantity import quantity_text


def counted_step(evidence: Evidence) -> Step:
    """Tell what was measured, and how it is rounded up."""
    rule = evidence.rounding
    return Step(
        "What is counted",
        " ".join(_counted(evidence)),
        {
            "measured": evidence.quantity,
            "minimum": rule.minimum if rule else 0,
            "increment": rule.increment if rule else 1,
            "counted": evidence.rounded,
        },
    )


def _counted(evidence: Evidence) -> Iterator[str]:
    yield f"Measured: {quantity(evidence, evidence.quantity)}."
    if not evidence.quantity or not (
        evidence.rounding or any(step.increment for step in evidence.rate.steps)
    ):
        yield "It is counted as measured."
        return
    yield f"Counted {'; '.join(_rules(evidence))}: {quantity(evidence, evidence.rounded)}."


def _rules(evidence: Evidence) -> Iterator[str]:
    rule = evidence.rounding
    steps = f"in steps of {quantity(evidence, rule.increment if rule else 1)}"
    if rule is not None and rule.minimum:
        steps = f"at least {quantity(evidence, rule.minimum)}, then {steps}"
    yield steps
    for step in evidence.rate.steps:
        if step.increment:
            size = quantity(evidence, step.increment)
            yield f"beyond {quantity(evidence, step.after)} in steps of {size}"


def included_step(evidence: Evidence) -> Step:
    """Tell what each bucket gave, of units and of money, and what is left to pay for."""
    return Step(
        "What is included",
        " ".join(_included(evidence)),
        {
            "drawn": [
                {
                    "bucket": drawn.bucket_id,
                    "name": drawn.name,
                    **(
                        {"quantity": drawn.quantity}
                        if drawn.kind is BucketKind.USAGE
                        else {"money": decimal_text(drawn.quantity)}
                    ),
                    **({"granted": drawn.granted} if drawn.granted else {}),
                }
                for drawn in evidence.draws
            ],
            "billable": evidence.billable,
        },
    )


def grown_step(evidence: Evidence) -> Step:
    """Tell what allowances have grown by, whose size usage of the event's class makes."""
    return Step(
        "What grows by it",
        " ".join(
            f"{each.type.name}: {quantity(evidence, each.measured)} more are measured for it, which add"
            f" {_size(evidence, each)}."
            for each in evidence.grown
        ),
        {
            "grown": [
                {
                    "bucket": each.bucket_id,
                    "name": each.type.name,
                    "measured": each.measured,
                    "granted": each.granted,
                }
                for each in evidence.grown
            ]
        },
    )


def _size(evidence: Evidence, grown: Larger) -> str:
    if grown.type.kind is BucketKind.MONEY:
        return money(evidence, grown.granted)
    return quantity_text(grown.type.unit, grown.granted)


def _included(evidence: Evidence) -> Iterator[str]:
    units = [drawn for drawn in evidence.draws if drawn.kind is BucketKind.USAGE]
    paid = [drawn for drawn in evidence.draws if drawn.kind is BucketKind.MONEY]
    left = quantity(evidence, evidence.billable)
    if units:
        parts = listed([f"{quantity(evidence, d.quantity)} from {d.name}" for d in units])
        yield f"Taken {parts}; left to pay for: {left}."
    for drawn in units:
        if drawn.granted:
            again = quantity(evidence, drawn.granted)
            yield f"For that the last tier of {drawn.name} came again: {again}."
    if paid:
        parts = listed([f"{money(evidence, d.quantity)} from {d.name}" for d in paid])
        yield f"Of its price {parts} {'is' if len(paid) == 1 else 'are'} paid."
