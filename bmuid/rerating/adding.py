"""What is added up over a billing month while usage is tried, as bills would read it of charges."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bmu.period import Period, from_us, local_day, month_period, to_us
from bmu.rating import AggregateKind, Owner, Rated, RateRow, Unrated
from bmu.usage import UDR
from bmuid.billrun import Payer
from bmuid.rerating.trial import Tried
from bmuid.store import tables
from bmuid.store.accounts import Account
from bmuid.store.period_usage import Used
from bmuid.store.subscriptions import Subscription
from bmuid.store.transaction import Transaction


@dataclass(slots=True)
class _Sum:
    """Usage at one rate so far, and when the last of it began."""

    last_us: int = 0
    events: int = 0
    quantity: int = 0
    largest: int = 0
    cost_e11: int = 0
    samples: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Key:
    account_id: int
    account_service_id: int
    package: str
    usage_class_id: int
    rate_plan_id: int
    rate_group_id: int
    rate_id: int
    marked: str
    inclusive: bool


@dataclass(slots=True)
class _Month:
    """What counts for one account's bill of a month."""

    used: dict[_Key, _Sum] = field(default_factory=dict)
    charged: dict[tuple[int, int], int] = field(default_factory=dict)


class Adding:
    """
    Adds up, by billing month, what tried usage comes to; `Books` of a bill.

    Shapes:
        payers: the account that pays for each, where it does not itself.
        held: all services, with the packages that are tried.
    """

    def __init__(
        self,
        txn: Transaction,
        accounts: dict[int, Account],
        payers: dict[int, int],
        held: Sequence[Subscription],
        revision: int,
    ) -> None:
        self._txn, self._accounts, self._payers = txn, accounts, payers
        self._held, self._revision = held, revision
        self._months: dict[tuple[int, datetime], _Month] = defaultdict(_Month)
        self._calendar: dict[int, Period] = {}
        self._rates: dict[int, RateRow] = {}

    def add(self, tried: Tried) -> None:
        """Count an event, if it has a price."""
        udr, owner, rated = tried.live.udr, tried.owner, tried.outcome
        if isinstance(owner, Unrated) or isinstance(rated, Unrated):
            return
        at = from_us(udr.started_us)
        key = _key(owner, rated) if rated.detail and rated.detail.aggregate else None
        whose = owner.account_id, owner.account_service_id
        for account_id in {owner.account_id, self._payers.get(owner.account_id, owner.account_id)}:
            month = self._months[account_id, self._month(account_id, at).from_]
            month.charged[whose] = month.charged.get(whose, 0) + rated.amount_e11
            if key is not None:
                self._count(month.used.setdefault(key, _Sum()), key.rate_id, udr, rated)

    def used_in(self, payer: Payer, period: Period) -> list[Used]:
        """Give what is priced by the period, the latest last."""
        found = [
            self._used(key, sums)
            for key, sums in self._months[payer.id, period.from_].used.items()
            if key.account_id in payer.all
        ]
        return sorted(
            found,
            key=lambda one: (
                one.last_at,
                one.account_id,
                one.account_service_id,
                one.rate_id,
                one.marked,
            ),
        )

    def charged_in(self, payer: Payer, period: Period) -> dict[tuple[int, int], int]:
        """Give what events would be charged, by account and service."""
        found = self._months[payer.id, period.from_].charged
        return {whose: amount for whose, amount in found.items() if whose[0] in payer.all}

    def services_at(
        self, account_ids: Collection[int], packages: Collection[str], at: datetime
    ) -> int:
        """Count the services that have one of these packages at an instant."""
        us = to_us(at)
        return sum(
            each.account_id in account_ids and each.package in packages
            for each in self._held
            if each.from_us <= us < each.to_us
        )

    def _month(self, account_id: int, at: datetime) -> Period:
        """Give the billing month of an account that an instant lies in."""
        found = self._calendar.get(account_id)
        if found is None or not found.from_ <= at < found.to:
            found = self._calendar[account_id] = month_of(self._accounts[account_id], at)
        return found

    def _count(self, sums: _Sum, rate_id: int, udr: UDR, rated: Rated) -> None:
        sums.last_us = max(sums.last_us, udr.started_us)
        sums.events += 1
        sums.quantity += rated.billable
        sums.largest = max(sums.largest, rated.billable)
        rate = self._rates.get(rate_id)
        if rate is None:
            rate = self._rates[rate_id] = tables.by_id(self._txn, RateRow, rate_id)
        if rate.aggregation is AggregateKind.PERCENTILE_95:
            sums.samples.append(rated.billable)
        detail = rated.detail
        cost = detail and (detail.overage.cost if detail.overage else detail.cost)
        if cost:
            sums.cost_e11 += cost.amount_e11

    def _used(self, key: _Key, sums: _Sum) -> Used:
        return Used(
            account_id=key.account_id,
            account_service_id=key.account_service_id,
            package=key.package,
            usage_class_id=key.usage_class_id,
            rate_plan_id=key.rate_plan_id,
            rate_group_id=key.rate_group_id,
            rate_id=key.rate_id,
            revision=self._revision,
            marked=key.marked,
            inclusive=key.inclusive,
            last_at=from_us(sums.last_us),
            events=sums.events,
            quantity=sums.quantity,
            largest=sums.largest,
            cost_e11=sums.cost_e11,
            samples=tuple(sorted(sums.samples)),
        )


def month_of(account: Account, at: datetime) -> Period:
    """Give the billing month of an account that an instant lies in."""
    return month_period(
        local_day(to_us(at), account.time_zone), account.bill_day, account.time_zone
    )


def _key(owner: Owner, rated: Rated) -> _Key:
    detail = rated.detail
    taxes, overage = (detail.taxes, detail.overage) if detail else (None, None)
    if taxes is not None:
        told: list[list[object]] = [
            [part.tax_id, part.certificate, part.rate_ppm] for part in taxes.parts
        ]
    else:
        told = [] if rated.tax_id is None else [[rated.tax_id, None, None]]
    return _Key(
        account_id=owner.account_id,
        account_service_id=owner.account_service_id,
        package=owner.terms.package,
        usage_class_id=rated.usage_class_id,
        rate_plan_id=overage.rate_plan_id if overage else rated.rate_plan_id,
        rate_group_id=overage.rate_group_id if overage else rated.rate_group_id,
        rate_id=overage.rate_id if overage else rated.rate_id,
        marked=json.dumps(told),
        inclusive=taxes is not None and taxes.inclusive,
    )
