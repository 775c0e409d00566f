"""What an event sells for at the rates that were found for it, whatever part of it is left to pay."""

from collections.abc import Mapping
from typing import NamedTuple

from bmu.money import parse_e11
from bmu.rating.detail import Cost
from bmu.rating.group import Offer, first_fitting
from bmu.rating.kinds import RateKind
from bmu.rating.outcome import Unrated, UnratedReason
from bmu.rating.price import (
    INT64_MAX,
    NOTHING,
    Exact,
    counted,
    event_price,
    plus,
    rounded_amount,
    usage_price,
)
from bmu.rating.split import Stretch
from bmu.usage import UDR

# Where a record may say what its usage cost the company, and what it is charged at.
_COST = "cost"
_AMOUNT = "amount"
_COSTING = (RateKind.STANDARD, RateKind.FIXED)
_PASS_THROUGH = RateKind.PASS_THROUGH


class Share(NamedTuple):
    """Units [first, end) of those left to pay, the rate that prices them, and what they cost the company."""

    offer: Offer
    first: int
    end: int
    cost: Exact


class Sale(NamedTuple):
    """
    An event's rates, one for each stretch of it; the first one's rounding, fees and limits are the event's.

    Shapes:
        stretches: their quantities sum up to *rounded*.
        cost_offer, cost_e11: what it costs the company: by a rate, or as its record says; at most one of them.
        recorded_e11: what its record says it is charged at, where that is charged.
    """

    stretches: tuple[Stretch, ...]
    rounded: int
    cost_offer: Offer | None
    cost_e11: int | None
    recorded_e11: int | None

    def price(self, billable: int) -> int:
        """
        Price what is left to pay, the last *billable* units of the event; nothing costs nothing.

        Units:
            Result: 10^-11 of the currency, rounded.
        """
        offer = self.stretches[0].offer
        if offer.group.row.aggregate:
            return 0
        if self.recorded_e11 is not None:
            return rounded_amount(offer.prices, (self.recorded_e11, 1))
        if not billable:
            return 0
        prices = offer.prices
        if len(self.stretches) == 1:
            cost = self._cost(billable) if prices.marked_up else NOTHING
            usage = usage_price(prices, 0, billable, cost)
        else:
            usage = self._usage(billable)
        return rounded_amount(prices, event_price(prices, usage))

    def shares(self, billable: int) -> tuple["Share", ...]:
        """Tell which rate has which of the last *billable* units; free units and steps count from the first of them."""
        cost = self._cost(billable)
        covered, at, found = self.rounded - billable, 0, []
        for offer, quantity in self.stretches:
            left = max(0, quantity - covered)
            covered -= quantity - left
            if left:
                share = (cost[0] * left, cost[1] * billable) if left != billable else cost
                found.append(Share(offer, at, at + left, share))
                at += left
        return tuple(found)

    def _usage(self, billable: int) -> Exact:
        """Add up what the stretches cost."""
        total = NOTHING
        for offer, first, end, cost in self.shares(billable):
            total = plus(total, usage_price(offer.prices, first, end, cost))
        return total

    def _cost(self, quantity: int) -> Exact:
        """Tell what a quantity costs the company, exactly; of what a record says, its share."""
        if self.cost_offer is not None:
            return exact_cost(self.cost_offer, quantity)
        if self.cost_e11 is not None:
            return self.cost_e11 * quantity, self.rounded
        return NOTHING


def exact_cost(offer: Offer, quantity: int) -> Exact:
    """Price a quantity by a rate that tells what usage costs the company, by its own rounding rule."""
    prices = offer.prices
    rounded = counted(prices, quantity)
    if not rounded:
        return NOTHING
    return event_price(prices, usage_price(prices, 0, rounded, NOTHING))


def sale_of(
    udr: UDR, cut: tuple[Stretch, ...], costs: Mapping[str, tuple[Offer, ...]]
) -> Sale | Unrated:
    """
    Find what else an event's rates need: its cost, or the amount its record says.

    Shapes:
        costs: by the code of the plan that sells, rates of what the company pays, in order.
    """
    offer = cut[0].offer
    rounded = sum([stretch.quantity for stretch in cut])
    marked_up = any(stretch.offer.prices.marked_up for stretch in cut)
    cost, cost_offer = None, None
    if costs:
        cost_offer = first_fitting(costs.get(offer.group.plan.code, ()), udr)
        if cost_offer is not None and cost_offer.rate.kind not in _COSTING:
            cost_offer = None
    if cost_offer is None and (marked_up or costs):
        cost = recorded(udr, _COST)
        if cost is None and marked_up:
            return Unrated(UnratedReason.NO_COST, _no_cost(udr, offer))
    if not (offer.group.row.pass_through or offer.prices.kind is _PASS_THROUGH):
        return Sale(cut, rounded, cost_offer, cost, None)
    amount = recorded(udr, _AMOUNT)
    if amount is None:
        tried = f"rate {offer.rate.code}: {_said(udr, _AMOUNT)}"
        return Unrated(UnratedReason.NO_AMOUNT, tried)
    return Sale(cut, rounded, cost_offer, cost, amount)


def cost_of(udr: UDR, sale: Sale) -> Cost | None:
    """Tell what all of an event costs the company, where that is known, rounded as its cost rate's group says."""
    offer = sale.cost_offer
    if offer is not None:
        amount = rounded_amount(offer.prices, exact_cost(offer, udr.quantity))
        return Cost(amount, offer.group.row.id, offer.rate.id)
    return None if sale.cost_e11 is None else Cost(sale.cost_e11)


def recorded(udr: UDR, field: str) -> int | None:
    """Read an amount, 0 or more, that a record says; none where it says none, or no amount."""
    text = (udr.extras or {}).get(field, "")
    try:
        amount = parse_e11(text)
    except ValueError:
        return None
    return amount if 0 <= amount <= INT64_MAX else None


def _no_cost(udr: UDR, offer: Offer) -> str:
    code = offer.group.plan.code
    return (
        f"rate {offer.rate.code}: no cost group of the plan {code} has a rate; {_said(udr, _COST)}"
    )


def _said(udr: UDR, field: str) -> str:
    text = (udr.extras or {}).get(field, "")
    return (
        f"the record's {field} is no amount: {text[:40]!r}"
        if text
        else f"the record has no {field}"
    )
