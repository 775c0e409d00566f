"""From what is left to pay to the amount: each product, sum, limit and rounding in its turn."""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from bmu.money import Rounding, decimal_text
from bmu.rating.evidence import Evidence
from bmu.rating.explain.pieces import pieces
from bmu.rating.explain.step import Step
from bmu.rating.explain.words import event_noun, exact, fact, money, quantity
from bmu.rating.kinds import RateKind
from bmu.rating.price import MARKUPS
from bmu.rating.recompute import amount_again, sale_of_rest
from bmu.rating.rows import RateRow
from bmu.rating.sale import Share

ROUNDINGS = {
    Rounding.HALF_UP: "half up",
    Rounding.UP: "up",
    Rounding.DOWN: "down",
    Rounding.HALF_EVEN: "half to the even digit",
}


class Term(NamedTuple):
    """One thing that adds to an amount, or takes from it: what, how much, and how that comes about."""

    noun: str
    amount_e11: Fraction
    text: str


def amount_step(evidence: Evidence) -> Step:
    """Tell how the amount comes about from the price and from what is left to pay for."""
    price, after = tuple(_price(evidence)), tuple(_after(evidence))
    precision = evidence.precision_of(evidence.paid_by)
    texts = [term.text for term in (*price, *after)]
    if after:
        texts.append(f"Together: {money(evidence, amount_again(evidence))}.")
    return Step(
        "The amount",
        " ".join(texts),
        {
            "billable": evidence.billable,
            "aggregate": evidence.detail.aggregate,
            "terms": [
                {"of": term.noun, "amount": fact(term.amount_e11)}
                for term in (*price, *after)
                if term.amount_e11
            ],
            "places": precision.places,
            "rounding": precision.mode.value,
            "amount": decimal_text(amount_again(evidence)),
        },
    )


def _price(evidence: Evidence) -> Iterator[Term]:
    """Go from units to the rounded price of what is left to pay."""
    sale, event = sale_of_rest(evidence), event_noun(evidence)
    priced = sale.price(evidence.billable)
    if sale.stretches[0].offer.group.row.aggregate:
        yield _said(
            f"Nothing for this {event} alone: its rate prices the usage of the whole period, when that ends. What it"
            " comes to so far can be seen at any time."
        )
        return
    if sale.recorded_e11 is not None:
        recorded = Fraction(sale.recorded_e11)
        yield Term("record", recorded, f"Its record says {money(evidence, sale.recorded_e11)}.")
        yield from _rounded(evidence, recorded, priced)
        return
    if not evidence.billable:
        yield _said(f"Nothing is left to pay for: {money(evidence, 0)}.")
        return
    usage = [term for share in sale.shares(evidence.billable) for term in _usage(evidence, share)]
    yield from usage
    total = sum((term.amount_e11 for term in usage), start=Fraction(0))
    if len(usage) > 1:
        yield _said(f"Together: {exact(total)}.")
    for term in _limits(sale.stretches[0].offer.rate, total):
        yield term
        total += term.amount_e11
    yield from _rounded(evidence, total, priced)


def _usage(evidence: Evidence, share: Share) -> Iterator[Term]:
    """Price the units of one rate: its cost first, then what is added to that."""
    rate, event, code = share.offer.rate, event_noun(evidence), evidence.currency
    cost = Fraction(*share.cost)
    if rate.kind in MARKUPS:
        left = quantity(evidence, share.end - share.first)
        text = f"What {left} cost the company: {exact(cost)} {code}"
        if rate.kind is RateKind.MARKUP:
            sold = Fraction(rate.price_e11, 10**11) * cost
            by = decimal_text(rate.price_e11)
            yield Term("markup", sold, f"{text}, times {by} = {exact(sold)} {code}.")
            return
        yield Term("cost", cost, f"{text}.")
    if rate.kind in (RateKind.FIXED, RateKind.FIXED_MARKUP):
        price = money(evidence, rate.price_e11)
        yield Term("event", Fraction(rate.price_e11), f"One {event}: {price}.")
        return
    for piece in pieces(rate, share.first, share.end):
        counted = quantity(evidence, piece.quantity)
        if piece.is_free:
            yield Term("free", Fraction(0), f"{counted} cost nothing.")
            continue
        price, per = decimal_text(piece.price_e11), quantity(evidence, piece.per)
        product = f"{price} × {counted} ÷ {per}"  # noqa: RUF001 - the sign
        amount = piece.amount_e11
        yield Term("usage", amount, f"{product} = {exact(amount)} {code}.")


def _limits(rate: RateRow, usage: Fraction) -> Iterator[Term]:
    """Lift to the least price, cut to the most, add what connecting costs."""
    total = usage
    if total < rate.minimum_charge_e11:
        lift = rate.minimum_charge_e11 - total
        total += lift
        yield Term("least", lift, f"That is below the least price, so it is {exact(total)}.")
    if rate.maximum_charge_e11 is not None and total > rate.maximum_charge_e11:
        cut = rate.maximum_charge_e11 - total
        total += cut
        yield Term("most", cut, f"That is above the most it may cost, so it is {exact(total)}.")
    if rate.connect_e11:
        fee = Fraction(rate.connect_e11)
        connect = decimal_text(rate.connect_e11)
        yield Term("connect", fee, f"With {connect} to connect: {exact(total + fee)}.")


def _rounded(evidence: Evidence, total: Fraction, rounded_e11: int) -> Iterator[Term]:
    places, mode = evidence.precision_of(evidence.paid_by)
    yield Term(
        "rounding",
        rounded_e11 - total,
        f"Rounded to {places} places, {ROUNDINGS[mode]}: {money(evidence, rounded_e11)}.",
    )


def _after(evidence: Evidence) -> Iterator[Term]:
    """Take off what money buckets paid, and add the flat charges of the tiers that were entered."""
    drawing = evidence.detail.drawing
    if drawing is None:
        return
    if drawing.paid_e11:
        paid = money(evidence, drawing.paid_e11)
        yield Term("paid", Fraction(-drawing.paid_e11), f"Of that, buckets paid {paid}.")
    names = {drawn.bucket_id: drawn.name for drawn in evidence.draws}
    for draw in drawing.draws:
        for each in draw.entered:
            if each.flat_e11:
                flat = each.times * each.flat_e11
                times = f" {each.times} times" if each.times > 1 else ""
                said = f"Tier {each.tier} of {names[draw.bucket_id]} was entered{times}"
                yield Term("tier", Fraction(flat), f"{said}: {money(evidence, flat)}.")


def _said(text: str) -> Term:
    """Say something that adds nothing."""
    return Term("note", Fraction(0), text)
