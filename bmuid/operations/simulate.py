"""What past usage would have cost under other packages; nothing is charged."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from bmu.money import decimal_text
from bmu.period import midnight
from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.grammar import Integer, Pattern
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rerate import ACCOUNTS, LISTED, LISTED_MAX, PLAN, List, Plans
from bmuid.operations.rows import CLERKS, NOT_FOUND, staff_changes, staff_reads
from bmuid.operations.statement import UsageDay
from bmuid.store import accounts, companies, reratings_view, wakeup
from bmuid.store.reratings_view import Plan, Total, Wanted
from bmuid.store.transaction import Transaction

PACKAGES = Pattern(
    r"[A-Za-z0-9_.-]{1,64}(,[A-Za-z0-9_.-]{1,64}){0,19}",
    "codes of packages, with commas between them",
)


@dataclass(frozen=True, slots=True)
class Simulate:
    """Which packages to try on whose usage."""

    packages: str = argument(PACKAGES, "the packages to try")
    from_: date = argument(UsageDay(), "the first day, in the company's time zone")
    to: date = argument(UsageDay(), "the day after the last")
    accounts: str | None = argument(ACCOUNTS, "only these accounts", optional=True)


@dataclass(frozen=True, slots=True)
class Show:
    """Which simulation."""

    id: int = argument(PLAN, "the simulation's id")
    limit: int | None = argument(Integer(1, LISTED_MAX), "how many rows", optional=True)


@dataclass(frozen=True, slots=True)
class Cost:
    """
    What usage and the package itself cost under a package; "own": the packages as they are, by the catalogue of now.

    usage, recurring, total and charged are before tax. charged: what the usage was charged in fact. tax: of the total,
    and with it total_with_tax; None: that of a recurring price can't be told, by the catalogue or by the tax service.
    """

    account: str
    package: str
    currency: str
    records: int
    unratable: int
    usage: str
    recurring: str
    total: str
    tax: str | None
    total_with_tax: str | None
    charged: str
    charged_tax: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A simulation: the packages with what all usage would have cost, the cheapest first; then by account."""

    simulation: Plan
    packages: tuple[Cost, ...]
    accounts: tuple[Cost, ...]


def simulate(
    txn: Transaction, actor: Actor, arguments: Simulate, now: datetime
) -> Shown | Refused:
    """Have past usage rated under other packages; only the sums are kept."""
    company = companies.company(txn)
    if company is None:
        return NO_CATALOGUE
    if arguments.to <= arguments.from_:
        return Refused("BAD_ARGUMENT", "to: must lie after from")
    packages = arguments.packages.split(",")
    known = companies.packages(txn)
    unknown = [each for each in packages if each not in known]
    numbers = arguments.accounts.split(",") if arguments.accounts else None
    unknown += [each for each in numbers or () if accounts.by_number(txn, each) is None]
    if unknown:
        return Refused("NOT_FOUND", f"there is no {', '.join(unknown)}")
    wanted = Wanted(
        accounts=numbers,
        from_=midnight(arguments.from_, company.time_zone),
        to=midnight(arguments.to, company.time_zone),
        packages=packages,
    )
    simulation_id = reratings_view.ask(txn, actor.name, wanted)
    wakeup.tell(txn, wakeup.AGAIN)
    return _shown(txn, simulation_id, LISTED)


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Show a simulation."""
    return _shown(txn, arguments.id, arguments.limit or LISTED)


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Plans:
    """List simulations."""
    limit = arguments.limit or LISTED
    found = reratings_view.plans(txn, None, limit, simulations=True)
    return Plans(tuple(map(_told, found)))


def _told(plan: Plan) -> Plan:
    """A plan that is computed waits to be carried out; a simulation that is, is done."""
    return replace(plan, state="DONE") if plan.state == "PLANNED" else plan


def _shown(txn: Transaction, simulation_id: int, limit: int) -> Shown | Refused:
    found = reratings_view.plans(txn, simulation_id, 1, simulations=True)
    if not found:
        return NOT_FOUND
    return Shown(
        _told(found[0]),
        tuple(_cost(one) for one in reratings_view.totals(txn, simulation_id)),
        tuple(_cost(one) for one in reratings_view.accounts(txn, simulation_id, limit)),
    )


def _cost(one: Total) -> Cost:
    total, tax = one.new_e11 + one.recurring_e11, None
    if one.recurring_tax_e11 is not None:
        tax = one.new_tax_e11 + one.recurring_tax_e11
    return Cost(
        account=one.account,
        package=one.package or "own",
        currency=one.currency,
        records=one.records,
        unratable=one.unratable,
        usage=decimal_text(one.new_e11),
        recurring=decimal_text(one.recurring_e11),
        total=decimal_text(total),
        tax=None if tax is None else decimal_text(tax),
        total_with_tax=None if tax is None else decimal_text(total + tax),
        charged=decimal_text(one.old_e11),
        charged_tax=decimal_text(one.old_tax_e11),
    )


OPERATIONS = (
    staff_changes(
        ("simulation_run", "Try other packages on past usage"), Simulate, Shown, simulate, CLERKS
    ),
    staff_reads("simulation_show", "What packages would have cost", Show, Shown, show),
    staff_reads("simulation_list", "The simulations, the newest first", List, Plans, list_),
)
