"""What an account used, item by item, for the customer and for the staff."""

from dataclasses import dataclass
from datetime import date, datetime

from bmu.money import decimal_text
from bmu.period import Period, from_us, to_us, zone_of
from bmu.usage import Unit
from bmuid.operations.accounts_document import ACCOUNT
from bmuid.operations.grammar import Integer, Pattern
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import customer_reads, no_account, staff_reads
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
)
from bmuid.store import accounts, customer_usage, overview, sessions
from bmuid.store.accounts import Account
from bmuid.store.customer_usage import ChargeKey, Priced, Used
from bmuid.store.transaction import Transaction

DAYS_MAX = 366
ITEMS = 50
ITEMS_MAX = 500

CHARGE = Pattern(r"(0|[1-9][0-9]{0,18})-[1-9][0-9]{0,18}", "the id of a charge")
LAST_US = 7_258_118_400_000_000  # 2200-01-01, where usage ends
ID_MAX = 2**63 - 1

BAD_RANGE = Refused(
    "BAD_ARGUMENT", f"to: must lie after from, by at most {DAYS_MAX} days; both days are local"
)


@dataclass(frozen=True, slots=True)
class List:
    """Which days [from, to); an end left out is that of the billing month."""

    from_: date | None = argument(UsageDay(), "the first local day", optional=True)
    to: date | None = argument(UsageDay(), "the local day after the last", optional=True)
    cursor: str | None = argument(CHARGE, "where the page before ended", optional=True)
    limit: int | None = argument(Integer(1, ITEMS_MAX), "how many items at most", optional=True)


@dataclass(frozen=True, slots=True)
class ListOf:
    """Which account, which days [from, to); an end left out is that of the billing month."""

    account: str = argument(ACCOUNT, "the account's number")
    from_: date | None = argument(UsageDay(), "the first local day", optional=True)
    to: date | None = argument(UsageDay(), "the local day after the last", optional=True)
    cursor: str | None = argument(CHARGE, "where the page before ended", optional=True)
    limit: int | None = argument(Integer(1, ITEMS_MAX), "how many items at most", optional=True)


@dataclass(frozen=True, slots=True)
class Item:
    """One event and what it cost; quantities are in the base unit of its class."""

    id: str
    started_at: datetime
    started_local: str
    class_: str
    uid: str
    origin: str
    destination: str
    location: str | None
    unit: Unit
    quantity: int
    rounded: int
    billable: int
    amount: str
    tax: str


@dataclass(frozen=True, slots=True)
class Usage:
    """A page of items, the newest first; total is of all the days."""

    account: Heading
    from_: date
    to: date
    items: tuple[Item, ...]
    cursor: str | None
    total: Total


def list_own(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Usage | Refused:
    """List what the customer used."""
    return _listed(txn, accounts.by_id(txn, sessions.entered(txn)), arguments, now)


def list_of(txn: Transaction, actor: Actor, arguments: ListOf, now: datetime) -> Usage | Refused:
    """List what an account used."""
    account = accounts.by_number(txn, arguments.account)
    return _listed(txn, account, arguments, now) if account else no_account(arguments.account)


def item(priced: Priced, used: Used, zone: str) -> Item:
    """Write a charge with what its UDR says."""
    started_at = priced.key.started_at
    local = started_at.astimezone(zone_of(zone)).replace(tzinfo=None)
    return Item(
        id=charge_id(priced.key),
        started_at=started_at,
        started_local=local.isoformat(timespec="seconds"),
        class_=priced.usage_class,
        uid=used.uid,
        origin=used.origin,
        destination=used.destination,
        location=priced.location,
        unit=priced.unit,
        quantity=priced.quantity,
        rounded=priced.rounded,
        billable=priced.billable,
        amount=decimal_text(priced.amount_e11),
        tax=decimal_text(priced.tax_e11),
    )


def charge_id(key: ChargeKey) -> str:
    """Name a charge for the world outside."""
    return f"{to_us(key.started_at)}-{key.udr_id}"


def key_of(text: str) -> ChargeKey | None:
    """Read the name of a charge, of no version; None: no charge can have it."""
    started_us, udr_id = (int(number) for number in text.split("-"))
    if started_us >= LAST_US or udr_id > ID_MAX:
        return None
    return ChargeKey(from_us(started_us), udr_id, 0)


def _listed(
    txn: Transaction, account: Account, arguments: List | ListOf, now: datetime
) -> Usage | Refused:
    found = _days(txn, account, arguments, now)
    if found is None:
        return BAD_RANGE
    before: ChargeKey | None = ChargeKey(found.period.to, 0, 0)
    if arguments.cursor is not None:
        before = key_of(arguments.cursor)
    limit = arguments.limit or ITEMS
    live = _page(txn, account, found.period, before, limit + 1) if before else []
    shown = live[:limit]
    used = customer_usage.used(txn, account.id, tuple(priced.key for priced in shown))
    return Usage(
        account=heading(account),
        from_=found.days.from_,
        to=found.days.to,
        items=tuple(item(one, used[one.key.udr_id], account.time_zone) for one in shown),
        cursor=charge_id(shown[-1].key) if len(live) > limit else None,
        total=total(found.sums),
    )


def _days(
    txn: Transaction, account: Account, arguments: List | ListOf, now: datetime
) -> Spent | None:
    """Sum the days asked for; without any, those of the newest month in which anything was used."""
    first, end = arguments.from_, arguments.to
    given = first or end
    if given is None:
        periods = months(account, overview.first_service(txn, account.id), now)
        return newest_spent(txn, account, periods)
    month = month_of(account, given)
    first, end = first or month.from_, end or month.to
    if not 0 < (end - first).days <= DAYS_MAX:
        return None
    return spent(txn, account, Days(first, end))


def _page(
    txn: Transaction, account: Account, period: Period, before: ChargeKey, wanted: int
) -> list[Priced]:
    """Read on, leaving out what was reversed, until there are as many as wanted or no more."""
    live: list[Priced] = []
    while True:
        found = customer_usage.priced(txn, account.id, period, before, wanted)
        if found:
            newest, oldest = found[0].key.started_at, found[-1].key.started_at
            gone = customer_usage.reversals(txn, account.id, oldest, newest)
            live += [priced for priced in found if priced.key not in gone]
        if len(found) < wanted or len(live) >= wanted:
            return live[:wanted]
        before = found[-1].key


OPERATIONS = (
    customer_reads(
        "usage_list", "What was used and what it cost, item by item", List, Usage, list_own
    ),
    staff_reads("usage_list", "What an account used and what it cost", ListOf, Usage, list_of),
)
