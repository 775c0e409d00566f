"""The figures of a charge computed again, from its evidence alone, by what computed them first."""

from typing import NamedTuple

from bmu.period import FOREVER_US
from bmu.rating.detail import Cost
from bmu.rating.evidence import Evidence, RateRows
from bmu.rating.group import Group, Offer
from bmu.rating.kinds import (
    BucketKind,
)
from bmu.rating.periodic import levies_told
from bmu.rating.price import counted, prices_of, rounded_amount
from bmu.rating.sale import Sale, exact_cost
from bmu.rating.span import NEVER_US
from bmu.rating.split import Stretch
from bmu.rating.taxation import Levies, Levy, Taxes, taxes_on


class Figures(NamedTuple):
    """The figures of a charge that follow from its evidence; units as of `Rated`."""

    rounded: int
    rated_e11: int
    amount_e11: int
    tax_e11: int


def recompute(evidence: Evidence) -> Figures:
    """Compute a charge's figures again, from what was measured, its rows and its draws alone."""
    sale = sale_of_all(evidence)
    taxes = taxes_again(evidence)
    return Figures(sale.rounded, sale.price(sale.rounded), taxes.net_e11, taxes.tax_e11)


def is_in_order(evidence: Evidence) -> bool:
    """Tell whether the figures that a charge holds are those that follow from its evidence."""
    taxes = evidence.detail.taxes
    return (
        evidence.rounded - drawn_units(evidence) == evidence.billable
        and (taxes is None or taxes == taxes_again(evidence))
        and cost_again(evidence) == (evidence.detail.cost and evidence.detail.cost.amount_e11)
        and recompute(evidence)
        == (evidence.rounded, evidence.rated_e11, evidence.amount_e11, evidence.tax_e11)
    )


def drawn_units(evidence: Evidence) -> int:
    """Add up what buckets gave in base units."""
    return sum(each.quantity for each in evidence.draws if each.kind is BucketKind.USAGE)


def sale_of_all(evidence: Evidence) -> Sale:
    """Give the sale of all of the event at the rates that were found for it."""
    detail = evidence.detail
    offers = [_offer(evidence, each) for each in evidence.charged]
    rounded = counted(offers[0].prices, evidence.quantity)
    # What rounding adds is the last part's.
    stretches = [
        Stretch(offer, part.rounded)
        for offer, part in zip(offers[:-1], detail.parts[:-1], strict=True)
    ]
    stretches.append(Stretch(offers[-1], rounded - sum(each.quantity for each in stretches)))
    return _sale(evidence, tuple(stretches), evidence.cost_rate, detail.cost, detail.recorded_e11)


def sale_of_rest(evidence: Evidence) -> Sale:
    """Give the sale that prices what buckets left: by a bucket's own plan, where that is so."""
    sale, overage = sale_of_all(evidence), evidence.detail.overage
    if overage is None or evidence.overage_rate is None:
        return sale
    stretch = Stretch(_offer(evidence, evidence.overage_rate), sale.rounded)
    cost_rate = evidence.overage_cost_rate
    return _sale(evidence, (stretch,), cost_rate, overage.cost, overage.recorded_e11)


def _sale(
    evidence: Evidence,
    stretches: tuple[Stretch, ...],
    cost_rate: RateRows | None,
    cost: Cost | None,
    recorded_e11: int | None,
) -> Sale:
    """Make a sale; a cost without a rate is one that the record said."""
    return Sale(
        stretches,
        sum(each.quantity for each in stretches),
        None if cost_rate is None else _offer(evidence, cost_rate),
        cost.amount_e11 if cost is not None and cost_rate is None else None,
        recorded_e11,
    )


def amount_again(evidence: Evidence) -> int:
    """Give what is left to pay, less what money paid, with the flat charges of tiers; with taxes that it holds."""
    rounded = sale_of_all(evidence).rounded
    due = sale_of_rest(evidence).price(rounded - drawn_units(evidence))
    drawing = evidence.detail.drawing
    return due if drawing is None else due - drawing.paid_e11 + drawing.flat_e11


def taxes_again(evidence: Evidence) -> Taxes:
    """Give the taxes on what is left to pay."""
    kept = evidence.detail.taxes
    if kept is not None:
        due = levies_told(
            kept, {part.tax_id: evidence.tax_row(part.tax_id) for part in kept.parts}
        )
    elif evidence.tax is not None:
        due = Levies((Levy(evidence.tax.id, evidence.tax.rate_ppm),))
    else:
        due = Levies()
    return taxes_on(amount_again(evidence), due)


def cost_again(evidence: Evidence) -> int | None:
    """Give what the event cost the company, where a rate tells it; else what its record said."""
    if evidence.cost_rate is not None:
        offer = _offer(evidence, evidence.cost_rate)
        return rounded_amount(offer.prices, exact_cost(offer, evidence.quantity))
    return evidence.detail.cost and evidence.detail.cost.amount_e11


def _offer(evidence: Evidence, pricing: RateRows) -> Offer:
    """Make a rate ready, as if it held always: that it did is what the charge says."""
    precision = evidence.precision_of(pricing)
    group = Group(
        row=pricing.group,
        plan=pricing.plan,
        from_us=NEVER_US,
        to_us=FOREVER_US,
        hours=None,
        asked=(),
        rates={},
        precision=precision,
    )
    return Offer(group, pricing.rate, prices_of(pricing.rate, pricing.rounding, precision))
