"""Suspended lines taken in again: asked for, watched; the workers do it."""

from dataclasses import dataclass
from datetime import date, datetime

from bmu.mediation.reject import Reason
from bmu.period import midnight
from bmu.rating import UnratedReason
from bmuid.intake.repeats import REPEATED
from bmuid.operations.accounts_document import UID_VALUE
from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.files import ID
from bmuid.operations.grammar import Integer
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, NOT_FOUND, staff_changes, staff_reads
from bmuid.operations.sources import CODE
from bmuid.operations.statement import UsageDay
from bmuid.operations.suspense import PLACE, REASON
from bmuid.store import companies, files, reprocessing, suspense_view, wakeup
from bmuid.store.reprocessing import Filter
from bmuid.store.suspense_view import RetryJob
from bmuid.store.transaction import Transaction

LISTED = 50
LISTED_MAX = 1000

# A line that is tried again may turn out to be none that can be read.
REASONS = {each.value for each in (*UnratedReason, *Reason)} | {REPEATED}
NO_FILTER = Refused(
    "NO_FILTER",
    "say which lines: --reason, --source, --file, --uid, --since, --until; all of them at once is never meant",
)


@dataclass(frozen=True, slots=True)
class Retry:
    """Which suspended lines: those that all of this names."""

    reason: str | None = argument(REASON, "only for this reason", optional=True)
    source: str | None = argument(CODE, "only of this source", optional=True)
    file: int | None = argument(ID, "only of this file", optional=True)
    uid: str | None = argument(UID_VALUE, "only of this identifier", optional=True)
    since: date | None = argument(
        UsageDay(), "only what came into suspense on this day or later", optional=True
    )
    until: date | None = argument(
        UsageDay(), "only what came into suspense before this day", optional=True
    )


@dataclass(frozen=True, slots=True)
class Take:
    """Which line."""

    line: str = argument(PLACE, "the file's id and the line's number, like 17-3")


@dataclass(frozen=True, slots=True)
class List:
    """Which jobs, the newest first."""

    limit: int | None = argument(Integer(1, LISTED_MAX), "how many at most", optional=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """A job; lines: how many waited that it may mean, when it was asked for."""

    job: RetryJob
    lines: int


@dataclass(frozen=True, slots=True)
class Jobs:
    """Jobs, the newest first."""

    jobs: tuple[RetryJob, ...]


def retry(txn: Transaction, actor: Actor, arguments: Retry, now: datetime) -> Asked | Refused:
    """Have suspended lines taken in again; what has a price now is charged, the rest waits on."""
    company = companies.company(txn)
    if company is None:
        return NO_CATALOGUE
    fault = _fault(txn, arguments)
    if fault:
        return Refused("BAD_ARGUMENT", fault)
    since, until = (
        None if day is None else midnight(day, company.time_zone)
        for day in (arguments.since, arguments.until)
    )
    wanted = Filter(
        reason=arguments.reason,
        source=arguments.source,
        file_id=arguments.file,
        uid=arguments.uid,
        since=since,
        until=until,
    )
    return NO_FILTER if wanted == Filter() else _asked(txn, actor, wanted)


def _fault(txn: Transaction, arguments: Retry) -> str | None:
    """Say what of a filter can mean no line at all."""
    if arguments.reason is not None and arguments.reason not in REASONS:
        return f"reason: nothing waits for {arguments.reason}; see `bmadmin suspense list`"
    if arguments.source is not None and files.source(txn, arguments.source) is None:
        return f"source: there is no source {arguments.source}; see `bmadmin source list`"
    if arguments.since and arguments.until and arguments.until <= arguments.since:
        return "until: must lie after since"
    return None


def take(txn: Transaction, actor: Actor, arguments: Take, now: datetime) -> Asked | Refused:
    """Have one suspended line charged, though its event was there before or it came out of its time."""
    file_id, line_no = (int(number) for number in arguments.line.split("-"))
    wanted = Filter(file_id=file_id, line_no=line_no, as_new=True)
    if not reprocessing.count(txn, wanted):
        return NOT_FOUND
    return _asked(txn, actor, wanted)


def _asked(txn: Transaction, actor: Actor, wanted: Filter) -> Asked:
    job_id = reprocessing.ask(txn, actor.name, wanted)
    wakeup.tell(txn, wakeup.AGAIN)
    [job] = suspense_view.jobs(txn, job_id, 1)
    return Asked(job, reprocessing.count(txn, wanted))


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Jobs:
    """List jobs."""
    return Jobs(suspense_view.jobs(txn, None, arguments.limit or LISTED))


OPERATIONS = (
    staff_changes(
        ("suspense_retry", "Take suspended lines in again"), Retry, Asked, retry, CLERKS
    ),
    staff_changes(
        ("suspense_take", "Charge a suspended line as an event of its own"),
        Take,
        Asked,
        take,
        CLERKS,
    ),
    staff_reads("suspense_jobs", "How far retries are, the newest first", List, Jobs, list_),
)
