"""How things stand."""

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from bmu.billing.catalogue import Company
from bmuid.operations.registry import Actor, Refused
from bmuid.operations.rows import NOT_FOUND, staff_reads
from bmuid.store import companies, status
from bmuid.store.status import Queue, Totals, Versions
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Show:
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class Status:
    """What waits, what there is, and which versions are at work."""

    program: str
    versions: Versions
    queue: Queue
    totals: Totals


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Status:
    """Say how things stand."""
    return Status(
        program=version("bmuid"),
        versions=status.versions(txn),
        queue=status.queue(txn),
        totals=status.totals(txn),
    )


def company(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Company | Refused:
    """Say who runs this installation."""
    return companies.company(txn) or NOT_FOUND


OPERATIONS = (
    staff_reads("status_show", "How things stand", Show, Status, show),
    staff_reads("company_show", "Who runs this installation", Show, Company, company),
)
