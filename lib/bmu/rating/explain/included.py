"""What is counted of an event, and what of it buckets cover."""

from collections.abc import Iterator

from bmu.money import decimal_text
from bmu.rating.evidence import Evidence
from bmu.rating.explain.step import Step
from bmu.rating.explain.words import listed, money, quantity
from bmu.rating.kinds import (
    BucketKind,
)


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
                }
                for drawn in evidence.draws
            ],
            "billable": evidence.billable,
        },
    )


def _included(evidence: Evidence) -> Iterator[str]:
    units = [drawn for drawn in evidence.draws if drawn.kind is BucketKind.USAGE]
    paid = [drawn for drawn in evidence.draws if drawn.kind is BucketKind.MONEY]
    left = quantity(evidence, evidence.billable)
    if units:
        parts = listed([f"{quantity(evidence, d.quantity)} from {d.name}" for d in units])
        yield f"Taken {parts}; left to pay for: {left}."
    if paid:
        parts = listed([f"{money(evidence, d.quantity)} from {d.name}" for d in paid])
        yield f"Of its price {parts} {'is' if len(paid) == 1 else 'are'} paid."
