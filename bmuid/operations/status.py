"""How things stand."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version

from bmu.billing.catalogue import Company
from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.document import instant_text
from bmuid.operations.registry import Actor, Refused
from bmuid.operations.rows import staff_reads
from bmuid.store import companies, status
from bmuid.store.status import Queue, Totals, Versions
from bmuid.store.transaction import Transaction

# How long work may wait before somebody should look.
PATIENCE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Show:
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class Status:
    """What waits, what there is, and which versions are at work; warnings: what somebody should look at."""

    warnings: tuple[str, ...]
    program: str
    versions: Versions
    queue: Queue
    totals: Totals


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Status:
    """Say how things stand."""
    queue, totals, versions = status.queue(txn), status.totals(txn), status.versions(txn)
    return Status(
        warnings=tuple(_warnings(queue, totals, versions, now)),
        program=version("bmuid"),
        versions=versions,
        queue=queue,
        totals=totals,
    )


def _warnings(queue: Queue, totals: Totals, versions: Versions, now: datetime) -> Iterator[str]:
    """Say what keeps usage from being charged and charges from being billed."""
    if not versions.revision:
        yield "there is no catalogue: load one"
    if not totals.sources:
        yield "there is no source: no usage file can come in"
    yield from _files(queue, now)
    if queue.oldest_bill_run and now - queue.oldest_bill_run > PATIENCE:
        since = instant_text(queue.oldest_bill_run)
        yield f"a bill run has waited since {since}: do the rating workers run?"
    yield from _concerns(totals)


def _concerns(totals: Totals) -> Iterator[str]:
    """Say what somebody should look at though work goes on."""
    if totals.short_of_uids:
        yield f"services with fewer usage identifiers than their package says, not to be billed: {totals.short_of_uids}; see `bmadmin uid short`"
    if totals.alarms:
        yield f"alarms of sources: {totals.alarms}; see `bmadmin alarm list`"
    if totals.unread:
        yield f"files of the last {status.UNREAD_DAYS} days without one line that could be read: {totals.unread}; see `bmadmin file list --state DONE`, and the profile of their source"
    if totals.suspended:
        yield f"lines in suspense: {totals.suspended}; see `bmadmin suspense list`"


def _files(queue: Queue, now: datetime) -> Iterator[str]:
    """Say what keeps files from being worked."""
    if queue.blocked:
        yield f"files that are blocked: {queue.blocked}; see `bmadmin file list --state OPEN`"
    if queue.held:
        yield f"files that are held: {queue.held}; see `bmadmin file list --state HELD`"
    if queue.oldest_not_taken and now - queue.oldest_not_taken > PATIENCE:
        since = instant_text(queue.oldest_not_taken)
        yield f"files that are not taken: {queue.not_taken}, since {since}; see `bmadmin file list`"
    if queue.oldest_file and now - queue.oldest_file > PATIENCE:
        yield f"a file has waited since {instant_text(queue.oldest_file)}: do the rating workers run?"


def company(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Company | Refused:
    """Say who runs this installation."""
    return companies.company(txn) or NO_CATALOGUE


OPERATIONS = (
    staff_reads("status_show", "How things stand", Show, Status, show),
    staff_reads("company_show", "Who runs this installation", Show, Company, company),
)
