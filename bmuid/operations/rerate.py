"""Usage rated again: planned, looked at, carried out; and what is due for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bmu.money import decimal_text
from bmu.period import midnight
from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.grammar import YES, Integer, Pattern
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import ADMINS, staff_changes, staff_reads
from bmuid.operations.sources import CODE
from bmuid.operations.statement import UsageDay
from bmuid.store import accounts, companies, reference, reratings_view, revisions, sources, wakeup
from bmuid.store.reratings_view import Due, Plan, Wanted
from bmuid.store.transaction import Transaction

LISTED = 50
LISTED_MAX = 1000

ACCOUNTS = Pattern(
    r"[A-Z0-9-]{1,32}(,[A-Z0-9-]{1,32}){0,99}", "account numbers, with commas between them"
)
CLASS = Pattern(r"[A-Za-z0-9_.-]{1,64}", "the code of a usage class")
PLAN = Integer(1, 2**63 - 1)
PACE = Integer(1, 10000)

NOT_PLANNED = Refused(
    "NOT_PLANNED", "only a plan that is PLANNED or PAUSED can be run; see `bmadmin rerate list`"
)
NOT_RUNNING = Refused("NOT_RUNNING", "only a plan that is RUNNING can be paused")
STALE = Refused("PLAN_STALE", "the catalogue was changed since it was planned; plan it again")
WHICH = Refused("BAD_ARGUMENT", "say --from, or --due yes without any other filter")
NOTHING_DUE = Refused("NOTHING_DUE", "nothing that was rated has been touched by a change since")


@dataclass(frozen=True, slots=True)
class MakePlan:
    """Which accounts, and from which day on all their usage is rated again."""

    from_: date | None = argument(
        UsageDay(), "all usage from this day on, in the company's time zone", optional=True
    )
    accounts: str | None = argument(ACCOUNTS, "only these accounts", optional=True)
    usage_class: str | None = argument(CLASS, "only accounts with such usage since", optional=True)
    source: str | None = argument(CODE, "only accounts with usage of it since", optional=True)
    due: str | None = argument(YES, "all that `rerate due` lists", optional=True)
    accounts_a_second: int | None = argument(PACE, "at most so many, else 20", optional=True)


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Which plan, and how fast."""

    id: int = argument(PLAN, "the plan's id")
    accounts_a_second: int | None = argument(PACE, "at most so many", optional=True)


@dataclass(frozen=True, slots=True)
class OnePlan:
    """Which plan."""

    id: int = argument(PLAN, "the plan's id")


@dataclass(frozen=True, slots=True)
class ShowPlan:
    """Which plan."""

    id: int = argument(PLAN, "the plan's id")
    limit: int | None = argument(Integer(1, LISTED_MAX), "how many accounts", optional=True)


@dataclass(frozen=True, slots=True)
class List:
    """Which plans, the newest first."""

    limit: int | None = argument(Integer(1, LISTED_MAX), "how many at most", optional=True)


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class Total:
    """What is charged before and after, and the difference, before tax and of it."""

    account: str
    currency: str
    records: int
    changed: int
    unratable: int
    old: str
    new: str
    difference: str
    old_tax: str
    new_tax: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan, its totals, and the accounts that it changes most."""

    plan: Plan
    totals: tuple[Total, ...]
    accounts: tuple[Total, ...]


@dataclass(frozen=True, slots=True)
class Plans:
    """Plans, the newest first."""

    plans: tuple[Plan, ...]


@dataclass(frozen=True, slots=True)
class Dues:
    """What was changed that touches usage rated before, the oldest change first."""

    due: tuple[Due, ...]


def plan(txn: Transaction, actor: Actor, arguments: MakePlan, now: datetime) -> Shown | Refused:
    """Have computed what rating again would change; nothing is changed by it."""
    company = companies.company(txn)
    if company is None:
        return NO_CATALOGUE
    numbers = arguments.accounts.split(",") if arguments.accounts else None
    due_to = None
    if arguments.due:
        if arguments.from_ or numbers or arguments.usage_class or arguments.source:
            return WHICH
        entries = reratings_view.due(txn)
        if not entries:
            return NOTHING_DUE
        due_to = entries[-1].id
    elif arguments.from_ is None:
        return WHICH
    unknown = _unknown(txn, arguments, numbers or ())
    if unknown:
        return Refused("NOT_FOUND", f"there is no {', '.join(unknown)}")
    wanted = Wanted(
        accounts=numbers,
        from_=midnight(arguments.from_, company.time_zone) if arguments.from_ else None,
        usage_class=arguments.usage_class,
        source=arguments.source,
        due_to=due_to,
        accounts_a_second=arguments.accounts_a_second,
    )
    plan_id = reratings_view.ask(txn, actor.name, wanted)
    wakeup.tell(txn, wakeup.AGAIN)
    return _shown(txn, plan_id, LISTED)


def _no_plan(id_: int) -> Refused:
    return Refused("NOT_FOUND", f"there is no plan {id_}; see `bmadmin rerate list`")


def _unknown(txn: Transaction, arguments: MakePlan, numbers: Sequence[str]) -> list[str]:
    unknown = [f"account {each}" for each in numbers if accounts.by_number(txn, each) is None]
    usage_class, source = arguments.usage_class, arguments.source
    if usage_class and not reratings_view.has_class(txn, usage_class):
        unknown.append(f"usage class {usage_class}")
    if source and source not in {one.code for one in sources.known(txn)}:
        unknown.append(f"source {source}")
    return unknown


def run(txn: Transaction, actor: Actor, arguments: RunPlan, now: datetime) -> Shown | Refused:
    """Carry a plan out, or go on with one that was paused."""
    found = reratings_view.plans(txn, arguments.id, 1, simulations=False)
    if not found:
        return _no_plan(arguments.id)
    planned = found[0].revision
    revisions.lock(txn)
    if planned is not None and reference.catalogue_revision(txn) > planned:
        return STALE
    newest, pace = revisions.newest(txn), arguments.accounts_a_second
    if not reratings_view.run(txn, arguments.id, actor.name, newest, pace):
        return NOT_PLANNED
    wakeup.tell(txn, wakeup.AGAIN)
    return _shown(txn, arguments.id, LISTED)


def pause(txn: Transaction, actor: Actor, arguments: OnePlan, now: datetime) -> Shown | Refused:
    """Let a plan rest; what is carried out stays."""
    if not reratings_view.plans(txn, arguments.id, 1, simulations=False):
        return _no_plan(arguments.id)
    if not reratings_view.pause(txn, arguments.id):
        return NOT_RUNNING
    return _shown(txn, arguments.id, LISTED)


def show(txn: Transaction, actor: Actor, arguments: ShowPlan, now: datetime) -> Shown | Refused:
    """Show a plan."""
    return _shown(txn, arguments.id, arguments.limit or LISTED)


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Plans:
    """List plans."""
    limit = arguments.limit or LISTED
    return Plans(reratings_view.plans(txn, None, limit, simulations=False))


def due(txn: Transaction, actor: Actor, arguments: Nothing, now: datetime) -> Dues:
    """List what is due."""
    return Dues(reratings_view.due(txn))


def _shown(txn: Transaction, plan_id: int, limit: int) -> Shown | Refused:
    found = reratings_view.plans(txn, plan_id, 1, simulations=False)
    if not found:
        return _no_plan(plan_id)
    return Shown(
        found[0],
        tuple(_total(one) for one in reratings_view.totals(txn, plan_id)),
        tuple(_total(one) for one in reratings_view.accounts(txn, plan_id, limit)),
    )


def _total(one: reratings_view.Total) -> Total:
    return Total(
        account=one.account,
        currency=one.currency,
        records=one.records,
        changed=one.changed,
        unratable=one.unratable,
        old=decimal_text(one.old_e11),
        new=decimal_text(one.new_e11),
        difference=decimal_text(one.new_e11 - one.old_e11),
        old_tax=decimal_text(one.old_tax_e11),
        new_tax=decimal_text(one.new_tax_e11),
    )


OPERATIONS = (
    staff_changes(
        ("rerate_plan", "Compute what rating usage again would change"),
        MakePlan,
        Shown,
        plan,
        ADMINS,
    ),
    staff_changes(("rerate_run", "Carry a plan of rerating out"), RunPlan, Shown, run, ADMINS),
    staff_changes(("rerate_pause", "Let a plan of rerating rest"), OnePlan, Shown, pause, ADMINS),
    staff_reads("rerate_show", "A plan of rerating: old and new totals", ShowPlan, Shown, show),
    staff_reads("rerate_list", "The plans of rerating, the newest first", List, Plans, list_),
    staff_reads("rerate_due", "Changes that touch usage rated before", Nothing, Dues, due),
)
