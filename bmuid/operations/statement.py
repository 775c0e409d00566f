"""What an account used in a stretch of days: sums of live charges, and which days to show."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bmu.money import decimal_text
from bmu.period import Period, local_day, midnight, month_start, next_month, to_us
from bmuid.operations.grammar import ArgumentError, Day
from bmuid.store import customer_usage
from bmuid.store.accounts import Account
from bmuid.store.customer_usage import Marks, Sums
from bmuid.store.transaction import Transaction

MONTHS_BACK_MAX = 12
FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2199, 12, 31)


@dataclass(frozen=True, slots=True)
class UsageDay:
    """A calendar day on which there can be usage."""

    described: str = f"a date from {FIRST_DAY} to {LAST_DAY}"

    def parse(self, text: str) -> date:
        """Give the day."""
        day = Day().parse(text)
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ArgumentError(f"must be {self.described}")
        return day


@dataclass(frozen=True, slots=True)
class Heading:
    """The account that an answer is about."""

    number: str
    name: str
    currency: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Days:
    """A stretch of local days [from, to)."""

    from_: date
    to: date


@dataclass(frozen=True, slots=True)
class Total:
    """Charges in one figure, exact."""

    amount: str
    tax: str
    total: str
    events: int


@dataclass(frozen=True, slots=True)
class Spent:
    """An account's live charges of some days: by day, and how many were reversed or invoiced."""

    days: Days
    period: Period
    by_day: dict[date, Sums]
    marks: Marks

    @property
    def sums(self) -> Sums:
        """All days together."""
        together = Sums()
        for sums in self.by_day.values():
            together = together.plus(sums)
        return together


def heading(account: Account) -> Heading:
    """Give what every page says of its account."""
    return Heading(account.number, account.name, account.currency, account.time_zone)


def total(sums: Sums) -> Total:
    """Write sums."""
    return Total(
        amount=decimal_text(sums.amount_e11),
        tax=decimal_text(sums.tax_e11),
        total=decimal_text(sums.amount_e11 + sums.tax_e11),
        events=sums.events,
    )


def period_of(account: Account, days: Days) -> Period:
    """Give the time from local midnight to local midnight."""
    return Period(midnight(days.from_, account.time_zone), midnight(days.to, account.time_zone))


def month_of(account: Account, day: date) -> Days:
    """Give the account's billing month that holds *day*."""
    start = month_start(day, account.bill_day)
    return Days(start, next_month(start))


def month_before(account: Account, month: Days) -> Days:
    """Give the billing month before."""
    return month_of(account, month.from_ - timedelta(days=1))


def today(account: Account, now: datetime) -> date:
    """Give the day it is for the account."""
    return local_day(to_us(now), account.time_zone)


def months(account: Account, start: datetime | None, now: datetime) -> tuple[Days, ...]:
    """Give the billing months from *start*, when the first service began, until now; the newest first."""
    month = month_of(account, today(account, now))
    found = [month]
    if start is None:
        return tuple(found)
    first = local_day(to_us(start), account.time_zone)
    while month.from_ > first and len(found) <= MONTHS_BACK_MAX:
        month = month_before(account, month)
        found.append(month)
    return tuple(found)


def spent(txn: Transaction, account: Account, days: Days) -> Spent:
    """Sum the live charges of those days."""
    period = period_of(account, days)
    by_day = customer_usage.by_day(txn, account.id, period, account.time_zone)
    marks = customer_usage.marks(txn, account.id, period) if by_day else Marks(0, 0)
    if marks.reversed:
        gone = customer_usage.reversed_by_day(txn, account.id, period, account.time_zone)
        live = {day: sums.minus(gone.get(day, Sums())) for day, sums in by_day.items()}
        by_day = {day: sums for day, sums in live.items() if sums.events}
    return Spent(days, period, by_day, marks)


def newest_spent(txn: Transaction, account: Account, candidates: tuple[Days, ...]) -> Spent:
    """Sum the newest of the months in which anything was used; the newest of all if there is none."""
    newest = spent(txn, account, candidates[0])
    found = newest
    for month in candidates[1:]:
        if found.by_day:
            return found
        found = spent(txn, account, month)
    return found if found.by_day else newest


def unbilled(txn: Transaction, account: Account, found: Spent) -> Sums:
    """Sum what of it is on no invoice."""
    sums = found.sums
    if not found.marks.reversed and found.marks.invoiced in {0, sums.events}:
        return Sums() if found.marks.invoiced else sums
    return customer_usage.unbilled(txn, account.id, found.period)
