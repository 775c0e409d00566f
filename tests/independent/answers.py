"""What the engine said, in the words of the second rater, so that the two can be laid side by side."""

from independent.rater import Answer

from bmu.rating import BucketKind, Draw, Rated, Unrated
from bmu.rating.detail import PLAIN, Cost


def answer_of(said: Rated | Unrated) -> Answer | str:
    """Put an outcome of the engine in the words of the second rater."""
    if isinstance(said, Unrated):
        return said.reason.value
    detail = said.detail or PLAIN
    taxes: tuple[tuple[int, int, int, str | None], ...] = ()
    if detail.taxes is not None:
        assert all(part.rate_ppm is None for part in detail.taxes.parts)
        taxes = tuple(part[:4] for part in detail.taxes.parts)
        assert detail.taxes.net_e11 == said.amount_e11
        assert detail.taxes.tax_e11 == said.tax_e11
        assert said.tax_id == (taxes[0][0] if taxes else None)
    elif said.tax_id is not None:
        taxes = ((said.tax_id, said.amount_e11, said.tax_e11, None),)
    else:
        assert said.tax_e11 == 0
    drawn = detail.drawing.draws if detail.drawing else ()
    if detail.drawing:
        assert detail.drawing.units == said.draws
        assert detail.drawing.billable == said.billable
    assert sum(quantity for _, quantity in said.draws) == said.rounded - said.billable
    over = detail.overage
    return Answer(
        usage_class=said.usage_class_id,
        level=said.plan_level,
        plan=said.rate_plan_id,
        group=said.rate_group_id,
        rate=said.rate_id,
        pattern=said.location_pattern_id,
        quantity=said.quantity,
        rounded=said.rounded,
        billable=said.billable,
        rated=said.rated_e11,
        amount=said.amount_e11,
        currency=said.currency,
        taxes=taxes,
        units=said.draws,
        money=tuple((d.bucket_id, d.quantity) for d in drawn if d.kind is BucketKind.MONEY),
        entered=entered_of(drawn),
        reached=tuple((r.bucket_id, r.per_cent) for r in detail.drawing.reached)
        if detail.drawing
        else (),
        reclassified_from=detail.reclassified_from,
        fallback_from=detail.fallback_from,
        aggregate=detail.aggregate,
        recorded=detail.recorded_e11,
        cost=cost_of(detail.cost),
        parts=tuple(tuple(part) for part in detail.parts),  # type: ignore[misc]
        overage=(*over[:3], cost_of(over.cost), over.recorded_e11) if over else None,
    )


def cost_of(cost: Cost | None) -> tuple[int, int | None, int | None] | None:
    """The same as a tuple."""
    return (cost.amount_e11, cost.rate_group_id, cost.rate_id) if cost else None


def entered_of(draws: tuple[Draw, ...]) -> tuple[tuple[int, int, int, int], ...]:
    """Bucket, tier, flat charge and how often, of each tier with a flat charge."""
    found: dict[tuple[int, int, int], int] = {}
    for draw in draws:
        for each in draw.entered:
            if each.flat_e11:
                key = (draw.bucket_id, each.tier, each.flat_e11)
                found[key] = found.get(key, 0) + each.times
    return tuple((*key, times) for key, times in found.items())
