"""What an account's usage of a period costs at the rates that price it whole: when it is billed, and so far."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from bmu.period import Period, to_us
from bmu.rating import (
    AggregateKey,
    AggregateKind,
    AggregateScope,
    LocationRow,
    PeriodPrice,
    PeriodTotal,
    PeriodUsage,
    RateGroupRow,
    RatePlanRow,
    RateRow,
    Taxes,
    TaxRow,
    UsageClassRow,
    levies_told,
    owners_from,
    period_prices,
)
from bmu.rating.precision import precision_of
from bmu.rating.taxation import TaxPart
from bmuid.store import companies, period_usage, tables
from bmuid.store.period_usage import Used
from bmuid.store.transaction import Transaction

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Payer:
    """
    An account whose periods are priced.

    Shapes:
        pays: it pays for its own usage. others: accounts that it pays for, too.
    """

    id: int
    currency: str
    pays: bool = True
    others: tuple[int, ...] = ()

    @property
    def all(self) -> tuple[int, ...]:
        """Itself and those that it pays for."""
        return (self.id, *self.others)


class Owed(NamedTuple):
    """
    The price of a period's usage under one key.

    Shapes:
        last: what was used last of it. usage_class, location: as they were then.
    """

    priced: PeriodPrice
    last: Used
    events: int
    usage_class: UsageClassRow
    location: LocationRow | None

    @property
    def whose(self) -> tuple[str, int, int]:
        """Scope, owner and rate: what makes it the same when it is billed again."""
        key = self.priced.total.key
        return key.scope.value, key.owner_id, key.rate_id

    @property
    def name(self) -> str:
        """What was used, in words."""
        if self.location is None:
            return self.usage_class.name
        return f"{self.usage_class.name}, {self.location.name}"


def payer_of(txn: Transaction, account_id: int, currency: str) -> Payer:
    """Tell for whom an account pays, as of now."""
    pays, others = period_usage.paid_for(txn, account_id)
    return Payer(account_id, currency, pays, others)


class Books(Protocol):
    """Where it is read what accounts have used in a period."""

    def used_in(self, payer: Payer, period: Period, /) -> list[Used]:
        """Sum what is priced by the period, the latest last."""

    def charged_in(self, payer: Payer, period: Period, /) -> dict[tuple[int, int], int]:
        """Sum what events were charged, before tax, by account and service."""

    def services_at(
        self, account_ids: Collection[int], packages: Collection[str], at: datetime, /
    ) -> int:
        """Count the services of accounts that have one of these packages at an instant."""


class Charges:
    """What is charged in fact; *until*: no later events."""

    def __init__(self, txn: Transaction, until: datetime | None = None) -> None:
        self._txn, self._until = txn, until

    def used_in(self, payer: Payer, period: Period) -> list[Used]:
        """Read what is priced by the period."""
        span = self._so_far(period)
        return period_usage.used_in(self._txn, payer.all, payer.currency, span) if span else []

    def charged_in(self, payer: Payer, period: Period) -> dict[tuple[int, int], int]:
        """Read what events were charged."""
        span = self._so_far(period)
        return period_usage.charged_in(self._txn, payer.all, payer.currency, span) if span else {}

    def services_at(
        self, account_ids: Collection[int], packages: Collection[str], at: datetime
    ) -> int:
        """Count services as they are."""
        return period_usage.services_at(self._txn, account_ids, packages, at)

    def _so_far(self, period: Period) -> Period | None:
        if self._until is None or self._until >= period.to:
            return period
        return Period(period.from_, self._until) if period.from_ < self._until else None


def owed_in(
    txn: Transaction, payer: Payer, period: Period, books: Books | None = None
) -> list[Owed]:
    """
    Price what the account's bill of a period has to price whole; the same so far where the period goes on.

    Shapes:
        books: what was used; none: what is charged in fact.
    """
    books = books or Charges(txn)
    sums: dict[tuple[AggregateScope, int, int], list[Used]] = {}
    rates: dict[int, RateRow] = {}
    for used in books.used_in(payer, period):
        rate = rates.get(used.rate_id)
        if rate is None:
            rate = rates[used.rate_id] = tables.by_id(txn, RateRow, used.rate_id)
        owners = _owners(payer, used)
        if _is_billed(payer, used, rate):
            key = rate.aggregate_scope, owners[rate.aggregate_scope], rate.id
            sums.setdefault(key, []).append(used)
    if not sums:
        return []
    wanted = sorted(sums.items(), key=lambda item: (item[0][0].value, *item[0][1:]))
    kinds = {rates[rate_id].aggregation for _, _, rate_id in sums}
    totals = [_total(txn, payer, period, rates[key[2]], found, books) for key, found in wanted]
    charged = (
        _charged(payer, books.charged_in(payer, period))
        if AggregateKind.PERCENTAGE in kinds
        else {}
    )
    prices = period_prices(totals, charged)
    return [
        Owed(
            priced, found[-1], sum(used.events for used in found), *_named(txn, priced, found[-1])
        )
        for priced, (_, found) in zip(prices, wanted, strict=True)
    ]


def _is_billed(payer: Payer, used: Used, rate: RateRow) -> bool:
    """What is added up for a payer is on the payer's bill, all else on the own one."""
    if rate.aggregate_scope is AggregateScope.INVOICER:
        return payer.pays or used.account_id != payer.id
    return used.account_id == payer.id


def _owners(payer: Payer, used: Used) -> dict[AggregateScope, int]:
    return {
        AggregateScope.SERVICE: used.account_service_id,
        AggregateScope.ACCOUNT: used.account_id,
        AggregateScope.INVOICER: payer.id,
    }


def _total(
    txn: Transaction,
    payer: Payer,
    period: Period,
    rate: RateRow,
    found: Sequence[Used],
    books: Books,
) -> PeriodTotal:
    last = found[-1]
    owners = owners_from(rate.aggregate_scope, _owners(payer, last))
    usage = PeriodUsage()
    for used in found:
        usage += PeriodUsage(
            quantity=used.quantity,
            largest=used.largest,
            samples=used.samples,
            cost_e11=used.cost_e11,
        )
    if rate.aggregation is AggregateKind.COUNTED:
        accounts = payer.all if rate.aggregate_scope is AggregateScope.INVOICER else (payer.id,)
        packages = {used.package for used in found}
        at = period.to - _INSTANT
        counted = books.services_at(accounts, packages, at)
        usage = replace(usage, counted=counted)
    company = companies.terms_at(txn, last.revision)
    assert company is not None, "a charge follows from a catalogue, which has a company"
    group = tables.by_id(txn, RateGroupRow, last.rate_group_id)
    plan = tables.by_id(txn, RatePlanRow, last.rate_plan_id)
    told = tuple(
        TaxPart(tax_id, 0, 0, certificate, rate_ppm)
        for tax_id, certificate, rate_ppm in last.taxes
    )
    rows = {tax.tax_id: tables.by_id(txn, TaxRow, tax.tax_id) for tax in told}
    return PeriodTotal(
        key=AggregateKey(
            rate.aggregate_scope,
            owners[rate.aggregate_scope],
            last.usage_class_id,
            rate.id,
            to_us(period.from_),
        ),
        owners=owners,
        rate=rate,
        precision=precision_of(group, plan, company),
        usage=usage,
        levies=levies_told(Taxes(0, told, inclusive=last.inclusive), rows),
    )


def _charged(
    payer: Payer, found: Mapping[tuple[int, int], int]
) -> dict[tuple[AggregateScope, int], int]:
    sums: dict[tuple[AggregateScope, int], int] = {}
    for (account_id, service_id), amount in found.items():
        for whose in (
            (AggregateScope.SERVICE, service_id),
            (AggregateScope.ACCOUNT, account_id),
            (AggregateScope.INVOICER, payer.id),
        ):
            sums[whose] = sums.get(whose, 0) + amount
    return sums


def _named(
    txn: Transaction, priced: PeriodPrice, last: Used
) -> tuple[UsageClassRow, LocationRow | None]:
    code = priced.total.rate.location
    location = None if code is None else tables.by_code(txn, LocationRow, code, last.revision)
    return tables.by_id(txn, UsageClassRow, last.usage_class_id), location
