"""What a whole period costs: tiers to the last unit, parts of other charges, taxes, and the reasons in words."""

from dataclasses import replace

from bmu.money import ONE_E11, Rounding
from bmu.rating import (
    AggregateKey,
    AggregateKind,
    AggregateScope,
    PeriodTotal,
    PeriodUsage,
    RateKind,
    RateRow,
    TaxRow,
    TierRow,
    explain_period,
    levies_told,
    owners_from,
    period_prices,
)
from bmu.rating.precision import Precision
from bmu.rating.taxation import Levies, Levy, Taxes, TaxPart
from bmu.usage import Unit

OWNERS = {AggregateScope.SERVICE: 7, AggregateScope.ACCOUNT: 3, AggregateScope.INVOICER: 2}
RATE = RateRow(
    1, "G/data/", "G", "data", None, None, RateKind.STANDARD, 0, 1, 0, 0,
    aggregation=AggregateKind.GRADUATED,
    tiers=(TierRow(0, 2 * ONE_E11), TierRow(100, ONE_E11 * 3 // 2), TierRow(200, ONE_E11)),
)  # fmt: skip
EXACT = Precision(11, Rounding.HALF_UP)
VAT = Levies((Levy(9, 200_000),))


def total(
    rate: RateRow, usage: PeriodUsage, service: int = 7, levies: Levies = VAT
) -> PeriodTotal:
    """Give usage of a service at a rate, in the period that begins at 0."""
    owners = owners_from(rate.aggregate_scope, OWNERS | {AggregateScope.SERVICE: service})
    key = AggregateKey(rate.aggregate_scope, owners[rate.aggregate_scope], 1, rate.id, 0)
    return PeriodTotal(key, owners, rate, EXACT, usage, levies)


def test_each_service_has_its_own_tiers() -> None:
    """Two services with 250 units each pay 400 each; one with 500 would pay less."""
    both = [total(RATE, PeriodUsage(250)), total(RATE, PeriodUsage(250), service=8)]

    assert [each.price.amount_e11 for each in period_prices(both, {})] == [400 * ONE_E11] * 2
    assert [each.taxes.tax_e11 for each in period_prices(both, {})] == [80 * ONE_E11] * 2


def test_a_percentage_is_of_all_other_charges_of_its_owner() -> None:
    """5 % of an account's charges for events and of its services' periods, not of itself nor of others' charges."""
    part = replace(
        RATE, id=2, code="G/fee/", aggregation=AggregateKind.PERCENTAGE,
        aggregate_scope=AggregateScope.ACCOUNT, tiers=(TierRow(0, ONE_E11 // 20),),
    )  # fmt: skip
    charged = {(AggregateScope.ACCOUNT, 3): 100 * ONE_E11, (AggregateScope.SERVICE, 7): ONE_E11}
    totals = [total(part, PeriodUsage(1)), total(RATE, PeriodUsage(250))]
    fee, data = period_prices(totals, charged)

    assert data.price.amount_e11 == 400 * ONE_E11
    assert fee.price.amount_e11 == 25 * ONE_E11
    assert fee.total.usage.others_e11 == 500 * ONE_E11


def test_a_service_is_within_its_account_and_its_payer() -> None:
    """What is added up for a service counts for the account; what is added up for a payer counts for no account."""
    assert owners_from(AggregateScope.SERVICE, OWNERS) == OWNERS
    assert owners_from(AggregateScope.INVOICER, OWNERS) == {AggregateScope.INVOICER: 2}


def test_taxes_in_the_price_are_divided_out_of_it() -> None:
    """Where prices hold 20 %, 400 are 333.33333333333 and 66.66666666667 tax."""
    held = Levies((Levy(9, 200_000),), 1, inclusive=True)
    [priced] = period_prices([total(RATE, PeriodUsage(250), levies=held)], {})

    assert priced.taxes.net_e11 == 33_333_333_333_333
    assert priced.taxes.tax_e11 == 6_666_666_666_667


def test_the_taxes_of_a_charge_are_asked_again_whatever_it_came_to() -> None:
    """A charge of nothing tells which taxes it would have had, with the certificate of what is not owed."""
    rows = {9: TaxRow(9, "VAT", "VAT", 200_000, None, None), 10: TaxRow(10, "X", "X", 5, None, None, compound=True)}  # fmt: skip
    told = Taxes(0, (TaxPart(9, 0, 0, "C-1"), TaxPart(10, 0, 0)), 4, inclusive=True)

    assert levies_told(told, rows) == Levies(
        (Levy(9, 200_000, certificate="C-1"), Levy(10, 5, compound=True)), 4, inclusive=True
    )


def test_the_reasons_name_each_tier() -> None:
    """A customer reads how much lay in which tier, and what that came to."""
    [priced] = period_prices([total(RATE, PeriodUsage(250))], {})
    counted, amount = explain_period(priced, Unit.COUNT, "GBP")

    assert counted.text == "All of the period: 250."
    assert amount.text == (
        "From 0: 2 × 100 ÷ 1 = 200 GBP. From 100: 1.5 × 100 ÷ 1 = 150 GBP. From 200: 1 × 50 ÷ 1 = 50 GBP."  # noqa: RUF001
        " Its tax: 80 GBP."
    )
    assert amount.facts["amount"] == "400"


def test_the_reasons_of_a_percentile_name_what_is_left_out() -> None:
    """Of 21 samples the largest one is left out."""
    rate = replace(
        RATE, aggregation=AggregateKind.PERCENTILE_95, tiers=(TierRow(0, ONE_E11, 60, 5),)
    )
    samples = tuple(range(1, 22))
    [priced] = period_prices([total(rate, PeriodUsage(sum(samples), 21, samples))], {})
    counted, amount = explain_period(priced, Unit.TIME, "GBP")

    assert counted.text == "20 s, the largest of 21 once the top 1 are left out."
    said = "From 0 s: 1 × 20 s ÷ 60 s = 0.33333333333… GBP."  # noqa: RUF001
    assert amount.text.startswith(said)
