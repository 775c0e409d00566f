"""Whatever an event was charged, the same comes from its evidence, and its explanation leaves nothing out."""

import json
from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from pure.rating.everything import Everything, events, everything

from bmu.money import decimal_text
from bmu.rating import (
    Evidence,
    Rated,
    Tried,
    Unrated,
    compile_tariff,
    explain,
    explanation_data,
    gather,
    is_in_order,
    rate,
    recompute,
    shelved,
    tried_of,
    validate,
)
from bmu.rating.detail import detail_of
from bmu.usage import UDR


def charged(world: Everything, udr: UDR) -> tuple[Evidence, Tried] | Unrated:
    """Rate an event, and gather what it was rated by."""
    tariff = compile_tariff(world.rows, 7, world.company)
    buckets = [replace(bucket) for bucket in world.buckets]
    rated = rate(udr, world.owner, tariff, buckets)
    if isinstance(rated, Unrated):
        return rated
    codes = {bucket.id: bucket.code for bucket in world.buckets}
    evidence = gather(shelved(world.rows, 7, world.company), udr, world.owner, rated, codes)
    assert isinstance(rated, Rated)
    tried = tried_of(udr, world.owner.terms, tariff, evidence.usage_class.code)
    assert isinstance(tried, Tried)
    return evidence, tried


def exempt(evidence: Evidence) -> bool:
    """Whether some tax that the price held is not owed."""
    return any(part.certificate for part in evidence.taxes_told.parts)


@given(everything())
def test_what_is_tried_could_be_a_catalogue(world: Everything) -> None:
    """The generated catalogues are such as may be loaded."""
    assert validate(world.rows) == ()


@settings(max_examples=400)
@given(everything(), events)
def test_the_stored_figures_follow_from_the_evidence(world: Everything, udr: UDR) -> None:
    """Every charge, of whatever kind, is computed again to the last place, and kept as data without loss."""
    found = charged(world, udr)
    if isinstance(found, Unrated):
        assert found.tried
        return
    evidence, _ = found
    assert recompute(evidence) == (
        evidence.rounded,
        evidence.rated_e11,
        evidence.amount_e11,
        evidence.tax_e11,
    )
    assert is_in_order(evidence)
    kept = detail_of(json.loads(json.dumps(evidence.detail.data())))
    assert is_in_order(replace(evidence, detail=kept))


@settings(max_examples=400)
@given(everything(), events)
def test_the_explanation_leaves_nothing_out(world: Everything, udr: UDR) -> None:
    """Each figure that isn't nothing is told, in words and as data, and what is added up comes to the amount."""
    found = charged(world, udr)
    if isinstance(found, Unrated):
        return
    evidence, tried = found
    steps = explain(evidence, tried)
    said = " ".join(step.text for step in steps)
    facts = {step.title: step.facts for step in steps}
    assert all(step.text.endswith(".") for step in steps), said
    assert "Not in order" not in facts
    for drawn in evidence.draws:
        assert drawn.name in said
    for part in evidence.taxes_told.parts:
        assert decimal_text(part.tax_e11) in said or part.certificate in said
    for pricing in evidence.charged:
        assert pricing.group.name in said
    amount = facts["The amount"]
    assert isinstance(amount["terms"], list)
    terms = sum((Fraction(term["amount"]) for term in amount["terms"]), start=Fraction(0))
    assert terms == Fraction(str(amount["amount"]))
    if not exempt(evidence):
        held = evidence.tax_e11 if evidence.taxes_told.inclusive else 0
        assert terms * 10**11 == evidence.amount_e11 + held
    assert json.loads(json.dumps(explanation_data(steps)))[0]["title"] == "Whose it is"


@given(everything(), events)
def test_what_was_passed_over_is_told(world: Everything, udr: UDR) -> None:
    """Eight levels, one taken; every group of the plan, one taken: the one that the charge names."""
    found = charged(world, udr)
    if isinstance(found, Unrated):
        return
    evidence, tried = found
    assert [each.level for each in tried.levels] == [1, 2, 3, 4, 5, 6, 7, 8]
    [level] = [each for each in tried.levels if each.reason is None]
    assert level.level == evidence.plan_level
    [group] = [each for each in tried.groups if each.reason is None]
    assert (group.plan, group.group) == (evidence.rate_plan.code, evidence.rate_group.code)
    assert all(each.plan is None for each in tried.levels[: level.level - 1])
