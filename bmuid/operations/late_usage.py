"""How late usage of a service that has ended may come."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.grammar import Pattern
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import ADMINS, staff_changes, staff_reads
from bmuid.store import companies
from bmuid.store.transaction import Transaction

ALWAYS = "always"
DAYS = Pattern(
    r"always|[0-9]|[1-9][0-9]|[12][0-9]{2}|3[0-5][0-9]|36[0-5]", "0 to 365 days, or always"
)


@dataclass(frozen=True, slots=True)
class Show:
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class Set:
    """How late."""

    days: str = argument(DAYS, "after the service's end, counted to the arrival of the usage")


@dataclass(frozen=True, slots=True)
class LateUsage:
    """Usage that comes more days after its service's end waits for a person; None: it is always charged."""

    days: int | None


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> LateUsage:
    """Say how late usage may come."""
    return LateUsage(companies.late_usage_days(txn))


def set_(txn: Transaction, actor: Actor, arguments: Set, now: datetime) -> LateUsage | Refused:
    """Set how late usage may come; what waits already is looked at when it is tried again."""
    if companies.company(txn) is None:
        return NO_CATALOGUE
    days = None if arguments.days == ALWAYS else int(arguments.days)
    companies.set_late_usage_days(txn, days)
    return LateUsage(days)


OPERATIONS = (
    staff_reads(
        "late_usage_show", "How late usage of an ended service may come", Show, LateUsage, show
    ),
    staff_changes(
        ("late_usage_set", "Set how late usage of an ended service may come"),
        Set,
        LateUsage,
        set_,
        ADMINS,
    ),
)
