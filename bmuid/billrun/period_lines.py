"""Lines for the prices of periods: of the one that is billed, and of earlier ones by what came or went since."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from bmu.billing.invoice import UsageSum
from bmu.period import Period, local_day, month_period, to_us
from bmu.rating import UsageClassRow
from bmu.usage import Unit
from bmuid.billrun.periods import Owed, Payer, owed_in
from bmuid.billrun.taxes import Taxing
from bmuid.store import period_usage, tables
from bmuid.store.billruns import Billable
from bmuid.store.period_usage import Before, Billed
from bmuid.store.transaction import Transaction


class PeriodLine(NamedTuple):
    """A line, and what it follows from; none of one that takes back what had other taxes before it is billed anew."""

    usage: UsageSum
    billed: Billed | None


class _Change(NamedTuple):
    """What a period costs at a rate now, and what was billed of it."""

    during: Period
    now: Owed | None
    before: Before | None


def period_lines(
    txn: Transaction, account: Billable, payer: Payer, during: Period, earliest: datetime
) -> list[PeriodLine]:
    """Give the lines of a bill, those of earlier periods first; *earliest*: of usage that is new since the last bill."""
    taxing = Taxing(txn, account)
    lines: list[PeriodLine] = []
    months = [*_months(account, earliest, during), during]
    known = period_usage.billed_before(txn, account.id, months[0].from_)
    for month in months:
        before = {
            (one.scope, one.owner_id, one.rate_id): one
            for one in known
            if one.from_ == month.from_
        }
        now = {owed.whose: owed for owed in owed_in(txn, payer, month)}
        for whose in (*before, *(key for key in now if key not in before)):
            change = _Change(month, now.get(whose), before.get(whose))
            lines += _lines(txn, change, account, taxing, is_late=month != during)
    return lines


def _months(account: Billable, earliest: datetime, during: Period) -> Iterator[Period]:
    """Give the billing months before one, from that in which an instant lies."""
    if earliest >= during.from_:
        return
    month = _month(account, earliest)
    while month.from_ < during.from_:
        yield month
        month = _month(account, month.to)


def _month(account: Billable, at: datetime) -> Period:
    day = local_day(to_us(at), account.time_zone)
    return month_period(day, account.bill_day, account.time_zone)


def _lines(
    txn: Transaction, change: _Change, account: Billable, taxing: Taxing, *, is_late: bool
) -> Iterator[PeriodLine]:
    during, now, before = change
    net = now.priced.taxes.net_e11 if now else 0
    had = before.net_e11 if before else 0
    if now and before and taxing.told(now.last.taxes) != taxing.told(before.taxes):
        # What was billed had other taxes: it is taken back with those, and billed anew.
        if had:
            back = change._replace(now=None)
            usage = _usage(txn, back, -had, account, taxing, is_late=is_late)
            # Where nothing follows, it is this line that keeps what is owed now, or it would be taken back again.
            yield PeriodLine(usage, None if net else _billed(change, net))
        had, before = 0, None
    if net != had:
        change = _Change(during, now, before)
        usage = _usage(txn, change, net - had, account, taxing, is_late=is_late)
        yield PeriodLine(usage, _billed(change, net))


def _usage(
    txn: Transaction,
    change: _Change,
    amount_e11: int,
    account: Billable,
    taxing: Taxing,
    *,
    is_late: bool,
) -> UsageSum:
    during, now, before = change
    told = now.last.taxes if now else before.taxes if before else ()
    name, unit = _named(txn, change)
    text = f"{name}, price of the period"
    if is_late:
        text += f" from {local_day(to_us(during.from_), account.time_zone)}"
    if before:
        text += ", by what has changed since it was billed"
    events = (now.events if now else 0) - (before.events if before else 0)
    quantity = (now.priced.total.usage.quantity if now else 0) - (before.quantity if before else 0)
    of_service = change.now and change.now.whose[0] == "SERVICE"
    return UsageSum(
        account_service_id=change.now.whose[1] if change.now and of_service else None,
        description=text,
        during=during,
        unit=unit,
        events=events if events >= 0 else None,
        quantity=quantity if quantity >= 0 else None,
        included=0 if quantity >= 0 else None,
        amount_e11=amount_e11,
        taxes=taxing.told(told),
    )


def _named(txn: Transaction, change: _Change) -> tuple[str, Unit]:
    if change.now:
        return change.now.name, change.now.usage_class.unit
    assert change.before is not None, "something was used, or was billed"
    row = tables.by_id(txn, UsageClassRow, change.before.usage_class_id)
    return row.name, row.unit


def _billed(change: _Change, net_e11: int) -> Billed:
    """Give what the price follows from; the line's number comes later."""
    now, before = change.now, change.before
    if now is None:
        assert before is not None, "something was used, or was billed"
        return Billed(
            line_no=0,
            during=change.during,
            scope=before.scope,
            owner_id=before.owner_id,
            usage_class_id=before.usage_class_id,
            rate_plan_id=before.rate_plan_id,
            rate_group_id=before.rate_group_id,
            rate_id=before.rate_id,
            revision=before.revision,
            usage={"events": 0, "quantity": 0, "taxes": list(before.taxes)},
            price={},
            net_e11=0,
        )
    total, usage = now.priced.total, now.priced.total.usage
    scope, owner_id, rate_id = now.whose
    return Billed(
        line_no=0,
        during=change.during,
        scope=scope,
        owner_id=owner_id,
        usage_class_id=total.key.usage_class_id,
        rate_plan_id=now.last.rate_plan_id,
        rate_group_id=now.last.rate_group_id,
        rate_id=rate_id,
        revision=now.last.revision,
        usage={
            "events": now.events,
            "quantity": usage.quantity,
            "largest": usage.largest,
            "counted": usage.counted,
            "others_e11": usage.others_e11,
            "cost_e11": usage.cost_e11,
            "inclusive": now.last.inclusive,
            "taxes": list(now.last.taxes),
        },
        price=now.priced.price.data(),
        net_e11=net_e11,
    )
