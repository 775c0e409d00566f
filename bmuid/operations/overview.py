"""Where an account stands in one billing month."""

from dataclasses import dataclass
from datetime import date, datetime

from bmu.money import decimal_text, money_text
from bmu.period import Period, local_day, to_us
from bmu.rating import BucketKind, BucketPart
from bmu.usage import Unit
from bmuid.operations.interim import SoFar, own_so_far
from bmuid.operations.invoices import InvoiceRow, invoice_row
from bmuid.operations.registry import Actor, argument
from bmuid.operations.rows import customer_reads
from bmuid.operations.statement import (
    Days,
    Heading,
    Spent,
    Total,
    UsageDay,
    heading,
    month_of,
    months,
    newest_spent,
    spent,
    total,
    unbilled,
)
from bmuid.store import accounts, invoices_view, overview, sessions
from bmuid.store.accounts import Account
from bmuid.store.overview import Allowance, Granted, Subscription
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Show:
    """Which month; without a day the newest in which anything was used, else the present one."""

    day: date | None = argument(UsageDay(), "any day of the billing month wanted", optional=True)


@dataclass(frozen=True, slots=True)
class DaySum:
    """What the usage of one local day cost before tax."""

    day: date
    amount: str
    events: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """An allowance of a service, and what is left of it; of money: 10^-11 of the account's currency."""

    name: str
    kind: BucketKind
    part: BucketPart
    unit: Unit
    granted: int
    balance: int
    from_: date
    to: date
    service: str


@dataclass(frozen=True, slots=True)
class UID:
    """A usage identifier."""

    type: str
    value: str


@dataclass(frozen=True, slots=True)
class HeldService:
    """A service, its recurring price before tax, and its usage identifiers."""

    package: str
    name: str
    price: str
    uids: tuple[UID, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """
    One billing month of an account.

    Shapes:
        used: all of the month; unbilled: what of it is on no invoice yet.
        days: those on which anything was used.
        periods: the months that can be asked for, the newest first.
        by_period: what usage priced by the period comes to, so far where the month goes on; it is not in the others.
    """

    account: Heading
    period: Days
    used: Total
    unbilled: Total
    days: tuple[DaySum, ...]
    buckets: tuple[Bucket, ...]
    services: tuple[HeldService, ...]
    last_invoice: InvoiceRow | None
    periods: tuple[Days, ...]
    by_period: tuple[SoFar, ...]


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Overview:
    """Say where the customer's account stands."""
    account = accounts.by_id(txn, sessions.entered(txn))
    periods = months(account, overview.first_service(txn, account.id), now)
    if arguments.day is None:
        found = newest_spent(txn, account, periods)
    else:
        found = spent(txn, account, month_of(account, arguments.day))
    held = overview.subscriptions(txn, account.id, found.period)
    last = invoices_view.heads(txn, account.id, 1)
    return Overview(
        account=heading(account),
        period=found.days,
        used=total(found.sums),
        unbilled=total(unbilled(txn, account, found)),
        days=_days(found),
        buckets=_buckets(txn, account, found, held),
        services=_services(txn, account, found.period, held),
        last_invoice=invoice_row(last[0]) if last else None,
        periods=periods,
        by_period=own_so_far(txn, account, found.days),
    )


def _days(found: Spent) -> tuple[DaySum, ...]:
    return tuple(
        DaySum(day, decimal_text(sums.amount_e11), sums.events)
        for day, sums in sorted(found.by_day.items())
    )


def _services(
    txn: Transaction, account: Account, period: Period, held: tuple[Subscription, ...]
) -> tuple[HeldService, ...]:
    numbers = overview.numbers(txn, account.id, period)
    return tuple(
        HeldService(
            package=one.package,
            name=one.name,
            price=money_text(one.price_minor, one.currency),
            uids=tuple(UID(n.type, n.value) for n in numbers if n.account_service_id == one.id),
        )
        for one in held
    )


def _buckets(
    txn: Transaction, account: Account, found: Spent, held: tuple[Subscription, ...]
) -> tuple[Bucket, ...]:
    """Give the allowances of the month; one that nothing has asked for yet is full."""
    granted = overview.granted(txn, account.id, found.period)
    wanted = {code for one in held for code in one.bucket_types}
    kinds = overview.allowances(txn, tuple(wanted | {one.code for one in granted}))
    names = {one.id: one.name for one in held}
    shown = [
        _granted(
            one, kinds[one.code], names.get(one.account_service_id or 0, ""), account.time_zone
        )
        for one in granted
    ]
    known = {(one.account_service_id, one.code) for one in granted}
    shown += [
        _full(kinds[code], one.name, found.days)
        for one in held
        for code in one.bucket_types
        if code in kinds and kinds[code].is_monthly and not known & {(one.id, code), (None, code)}
    ]
    return tuple(shown)


def _granted(one: Granted, kind: Allowance, service: str, zone: str) -> Bucket:
    return Bucket(
        name=kind.name,
        kind=kind.kind,
        part=one.part,
        unit=one.unit,
        granted=one.granted,
        balance=one.balance,
        from_=local_day(to_us(one.from_), zone),
        to=local_day(to_us(one.to), zone),
        service=service,
    )


def _full(kind: Allowance, service: str, days: Days) -> Bucket:
    return Bucket(
        name=kind.name,
        kind=kind.kind,
        part=BucketPart.ALLOTMENT,
        unit=kind.unit,
        granted=kind.quantity,
        balance=kind.quantity,
        from_=days.from_,
        to=days.to,
        service=service,
    )


OPERATIONS = (
    customer_reads(
        "overview_show", "Where the account stands in a billing month", Show, Overview, show
    ),
)
