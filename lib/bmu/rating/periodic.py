"""What all usage of a period costs at the rates that price it whole: one price for each key, with its taxes."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from bmu.rating.aggregate import AggregateKey, AggregatePrice, PeriodUsage, aggregate_price
from bmu.rating.kinds import AggregateKind, AggregateScope
from bmu.rating.offers import TaxRow
from bmu.rating.precision import Precision
from bmu.rating.rows import RateRow
from bmu.rating.taxation import Levies, Levy, Taxes, taxes_on

# Each holds all that those before it hold.
_SCOPES = (AggregateScope.SERVICE, AggregateScope.ACCOUNT, AggregateScope.INVOICER)


class PeriodTotal(NamedTuple):
    """
    What was used under one key so far, and what prices it.

    Shapes:
        owners: whose usage it is, of the key's scope and of those above it.
        levies: the taxes of its last event.
    """

    key: AggregateKey
    owners: Mapping[AggregateScope, int]
    rate: RateRow
    precision: Precision
    usage: PeriodUsage
    levies: Levies


class PeriodPrice(NamedTuple):
    """
    What a period's usage costs.

    Shapes:
        total: with the period's other charges, where the price is a part of those.
        taxes: on the price, or divided out of it.
    """

    total: PeriodTotal
    price: AggregatePrice
    taxes: Taxes


def period_prices(
    totals: Iterable[PeriodTotal], charged: Mapping[tuple[AggregateScope, int], int]
) -> tuple[PeriodPrice, ...]:
    """
    Price what was used in one period, in the order given.

    A percentage is of all other charges of the same owner for usage: of events, and of other aggregate rates but those that
    are percentages themselves.

    Shapes:
        charged: of events, by scope and owner, exact and before tax.
    """
    wanted = list(totals)
    plain = {total.key: _priced(total) for total in wanted if not _is_percentage(total)}
    priced = []
    for total in wanted:
        found = plain.get(total.key)
        if found is None:
            whose = total.key.scope, total.key.owner_id
            others = charged.get(whose, 0) + sum(
                each.taxes.net_e11
                for each in plain.values()
                if each.total.owners.get(whose[0]) == whose[1]
            )
            found = _priced(total._replace(usage=replace(total.usage, others_e11=others)))
        priced.append(found)
    return tuple(priced)


def owners_from(
    scope: AggregateScope, owners: Mapping[AggregateScope, int]
) -> dict[AggregateScope, int]:
    """Give those of an event's owners (its service, account, payer) that own all usage that *scope* adds up."""
    return {each: owners[each] for each in _SCOPES[_SCOPES.index(scope) :]}


def levies_told(taxes: Taxes, rows: Mapping[int, TaxRow]) -> Levies:
    """Give the taxes that a charge tells, whatever their amounts; *rows* by id."""
    levies = []
    for tax_id, _, _, certificate, told_ppm in taxes.parts:
        row = rows[tax_id]
        rate_ppm = row.rate_ppm if told_ppm is None else told_ppm
        levies.append(Levy(tax_id, rate_ppm, row.compound, certificate))
    return Levies(tuple(levies), taxes.tax_code_id, taxes.inclusive, taxes.service)


def _is_percentage(total: PeriodTotal) -> bool:
    return total.rate.aggregation is AggregateKind.PERCENTAGE


def _priced(total: PeriodTotal) -> PeriodPrice:
    price = aggregate_price(total.rate, total.usage, *total.precision)
    return PeriodPrice(total, price, taxes_on(price.amount_e11, total.levies))
