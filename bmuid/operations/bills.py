"""Bill runs: asked for, watched."""

from dataclasses import dataclass
from datetime import date, datetime

from bmu.money import money_text
from bmu.period import local_day, to_us
from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import ADMINS, NOT_FOUND, staff_changes, staff_reads
from bmuid.operations.statement import UsageDay
from bmuid.store import bills, companies, wakeup
from bmuid.store.bills import BillRun, Issued
from bmuid.store.transaction import Transaction

LISTED_MAX = 500


@dataclass(frozen=True, slots=True)
class Run:
    """Up to which day."""

    as_of: date = argument(UsageDay(), "bill the periods that end on or before this day")


@dataclass(frozen=True, slots=True)
class List:
    """All of them."""


@dataclass(frozen=True, slots=True)
class Show:
    """Which one."""

    as_of: date = argument(UsageDay(), "the day of the bill run")


@dataclass(frozen=True, slots=True)
class Runs:
    """The bill runs, the newest first."""

    runs: tuple[BillRun, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """What was invoiced in one currency."""

    currency: str
    invoices: int
    net: str
    tax: str
    total: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A bill run and what it has invoiced so far."""

    run: BillRun
    issued: tuple[Sum, ...]


def run(txn: Transaction, actor: Actor, arguments: Run, now: datetime) -> Shown | Refused:
    """
    Ask for a bill run; the workers begin at once. Asking again while it is under way changes nothing;
    asked again once it is done, it bills what came since.
    """
    company = companies.company(txn)
    if company is None:
        return NO_CATALOGUE
    if arguments.as_of > local_day(to_us(now), company.time_zone):
        return Refused("BAD_ARGUMENT", "as_of: this day has not come; its periods are not over")
    if bills.ask(txn, arguments.as_of, actor.name):
        wakeup.tell(txn, wakeup.BILLING)
    return _shown(txn, arguments.as_of)


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Runs:
    """List bill runs."""
    return Runs(bills.runs(txn, None, LISTED_MAX))


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Show a bill run."""
    return _shown(txn, arguments.as_of)


def _shown(txn: Transaction, as_of: date) -> Shown | Refused:
    found = bills.runs(txn, as_of, 1)
    if not found:
        return NOT_FOUND
    return Shown(found[0], tuple(_sum(one) for one in bills.issued(txn, found[0].id)))


def _sum(one: Issued) -> Sum:
    return Sum(
        currency=one.currency,
        invoices=one.invoices,
        net=money_text(one.net_minor, one.currency),
        tax=money_text(one.tax_minor, one.currency),
        total=money_text(one.total_minor, one.currency),
    )


OPERATIONS = (
    staff_changes(("bill_run", "Invoice the periods that are over"), Run, Shown, run, ADMINS),
    staff_reads("bill_list", "The bill runs, the newest first", List, Runs, list_),
    staff_reads("bill_show", "How far a bill run is", Show, Shown, show),
)
