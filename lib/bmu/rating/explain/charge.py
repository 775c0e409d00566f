"""Why an event costs what it costs, step by step, for whoever pays it and whoever is asked about it."""

from collections.abc import Iterator

from bmu.rating.evidence import Evidence
from bmu.rating.explain.amount import amount_step
from bmu.rating.explain.choice import choice_step
from bmu.rating.explain.identity import kind_step, owner_step
from bmu.rating.explain.included import counted_step, grown_step, included_step
from bmu.rating.explain.prices import price_step
from bmu.rating.explain.step import Step
from bmu.rating.explain.taxes import tax_step
from bmu.rating.recompute import is_in_order
from bmu.rating.tried import Tried


def explain(evidence: Evidence, tried: Tried | None = None) -> tuple[Step, ...]:
    """
    Tell step by step how the charge came about, with every figure exact.

    Shapes:
        tried: what was looked at before the rate was found, as `tried_of` tells it of the charge's revision; none:
            what was passed over is left out.
    """
    return tuple(_steps(evidence, tried))


def _steps(evidence: Evidence, tried: Tried | None) -> Iterator[Step]:
    yield owner_step(evidence)
    yield kind_step(evidence)
    yield choice_step(evidence, tried)
    yield price_step(evidence)
    yield counted_step(evidence)
    if evidence.draws:
        yield included_step(evidence)
    if evidence.grown:
        yield grown_step(evidence)
    yield amount_step(evidence)
    yield tax_step(evidence)
    if not is_in_order(evidence):
        text = "Computed again from what is stored, the figures differ. Please tell us."
        yield Step("Not in order", text, {"in_order": False})


def explanation_data(steps: tuple[Step, ...]) -> list[dict[str, object]]:
    """Give an explanation as JSON data."""
    return [{"title": step.title, "text": step.text, "facts": dict(step.facts)} for step in steps]
