"""What rates of whole periods add up while a file is read, and their prices at its end."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from bmu.period import local_day, month_period, to_us
from bmu.rating import (
    AggregateKey,
    AggregateKind,
    AggregateScope,
    Owner,
    PeriodPrice,
    PeriodTotal,
    PeriodUsage,
    Rated,
    RateRow,
    Shelves,
    Taxes,
    levies_told,
    owners_from,
    period_prices,
)
from bmu.rating.precision import precision_of
from bmu.rating.taxation import TaxPart
from bmu.usage import UDR
from bmuid.cli.offline.customers import Customers, Payer


@dataclass(slots=True)
class _Sum:
    """One key's usage so far; the rest is that of its last event."""

    rate: RateRow
    udr: UDR
    owner: Owner
    rated: Rated
    events: int = 0
    quantity: int = 0
    largest: int = 0
    cost_e11: int = 0
    samples: list[int] = field(default_factory=list)
    accounts: set[int] = field(default_factory=set)
    packages: set[str] = field(default_factory=set)


class Closed(NamedTuple):
    """A key's price, with its last event and how many there were."""

    priced: PeriodPrice
    udr: UDR
    owner: Owner
    rated: Rated
    events: int


class Periods:
    """Adds up, by billing month, what is priced when the month is over."""

    def __init__(self, shelves: Shelves, customers: Customers) -> None:
        self._shelves = shelves
        self._customers = customers
        self._wanted = any(group.aggregate for group in shelves.groups.values())
        self._sums: dict[tuple[int, int], dict[AggregateKey, _Sum]] = {}
        self._charged: dict[tuple[int, AggregateScope, int], int] = {}
        self._months: dict[tuple[str, int], tuple[int, int]] = {}

    def add(self, udr: UDR, owner: Owner, rated: Rated) -> None:
        """Count a rated event."""
        if not self._wanted:
            return
        payer = self._customers.payer(owner)
        owners = {
            AggregateScope.SERVICE: owner.account_service_id,
            AggregateScope.ACCOUNT: owner.account_id,
            AggregateScope.INVOICER: payer.account_id,
        }
        detail = rated.detail
        rate_id = rated.rate_id
        if detail is not None and detail.overage is not None:
            rate_id = detail.overage.rate_id
        rate = self._shelves.rates[rate_id]
        own = self._month(
            Payer(owner.account_id, owner.terms.zone, owner.bill_day), udr.started_us
        )
        months = {
            AggregateScope.SERVICE: own,
            AggregateScope.ACCOUNT: own,
            AggregateScope.INVOICER: self._month(payer, udr.started_us),
        }
        for scope, id_ in owners.items():
            whose = months[scope][0], scope, id_
            self._charged[whose] = self._charged.get(whose, 0) + rated.amount_e11
        if detail is None or detail.aggregate is None:
            return
        month = months[rate.aggregate_scope]
        key = AggregateKey(
            rate.aggregate_scope,
            owners[rate.aggregate_scope],
            rated.usage_class_id,
            rate_id,
            month[0],
        )
        sums = self._sums.setdefault(month, {})
        found = sums.get(key)
        if found is None:
            found = sums[key] = _Sum(rate, udr, owner, rated)
        _count(found, udr, owner, rated)

    def close(self) -> Iterator[Closed]:
        """Price what was added up, month after month, in the order in which it was met."""
        for month, sums in sorted(self._sums.items(), key=lambda item: item[0]):
            charged = {
                (scope, id_): amount
                for (from_us, scope, id_), amount in self._charged.items()
                if from_us == month[0]
            }
            totals = [self._total(key, found, month[1]) for key, found in sums.items()]
            for priced, found in zip(period_prices(totals, charged), sums.values(), strict=True):
                yield Closed(priced, found.udr, found.owner, found.rated, found.events)

    def _total(self, key: AggregateKey, found: _Sum, end_us: int) -> PeriodTotal:
        rated, rate = found.rated, found.rate
        plan_id, group_id = rated.rate_plan_id, rated.rate_group_id
        detail = rated.detail
        if detail is not None and detail.overage is not None:
            plan_id, group_id = detail.overage.rate_plan_id, detail.overage.rate_group_id
        told = detail.taxes if detail is not None else None
        if told is None:
            tax = () if rated.tax_id is None else (TaxPart(rated.tax_id, 0, 0),)
            told = Taxes(0, tax)
        counted = 0
        if rate.aggregation is AggregateKind.COUNTED:
            counted = self._customers.count(found.accounts, found.packages, end_us - 1)
        shelves = self._shelves
        return PeriodTotal(
            key=key,
            owners=owners_from(
                key.scope,
                {
                    AggregateScope.SERVICE: found.owner.account_service_id,
                    AggregateScope.ACCOUNT: found.owner.account_id,
                    AggregateScope.INVOICER: self._customers.payer(found.owner).account_id,
                },
            ),
            rate=rate,
            precision=precision_of(
                shelves.groups[group_id], shelves.plans[plan_id], shelves.company
            ),
            usage=PeriodUsage(
                quantity=found.quantity,
                largest=found.largest,
                samples=tuple(sorted(found.samples)),
                counted=counted,
                cost_e11=found.cost_e11,
            ),
            levies=levies_told(told, shelves.taxes),
        )

    def _month(self, payer: Payer, us: int) -> tuple[int, int]:
        """Give the billing month that an instant lies in."""
        known = self._months.get(payer[1:], (0, 0))
        if known[0] <= us < known[1]:
            return known
        day = local_day(us, payer.zone)
        period = month_period(day, payer.bill_day, payer.zone)
        month = to_us(period.from_), to_us(period.to)
        self._months[payer[1:]] = month
        return month


def _count(found: _Sum, udr: UDR, owner: Owner, rated: Rated) -> None:
    found.events += 1
    found.quantity += rated.billable
    found.largest = max(found.largest, rated.billable)
    found.accounts.add(owner.account_id)
    found.packages.add(owner.terms.package)
    if found.rate.aggregation is AggregateKind.PERCENTILE_95:
        found.samples.append(rated.billable)
    detail = rated.detail
    cost = detail and (detail.overage.cost if detail.overage else detail.cost)
    if cost:
        found.cost_e11 += cost.amount_e11
    if udr.started_us >= found.udr.started_us:
        found.udr, found.owner, found.rated = udr, owner, rated
