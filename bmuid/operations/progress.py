"""How far a file is that is worked now, and what sources hand in day by day."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bmu.period import local_day, midnight, to_us
from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.files import ID, no_file
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import no_source, staff_reads
from bmuid.operations.sources import CODE
from bmuid.operations.statement import UsageDay
from bmuid.store import books, companies, files, files_view, progress
from bmuid.store.books import Scope
from bmuid.store.progress import OfDay, PartProgress
from bmuid.store.transaction import Transaction

DAYS_TOLD = 7
DAYS_MAX = 366
PERCENT = 100
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Show:
    """Which file."""

    id: int = argument(ID, "the file's id")


@dataclass(frozen=True, slots=True)
class PartRow:
    """A part: how many of the file's lines it has passed, and how fast."""

    part: int
    state: str
    passed: int
    per_cent: int
    lines_a_second: int | None


@dataclass(frozen=True, slots=True)
class Progress:
    """
    How far a file is: each part goes through all its lines, and works those that are its own.

    Shapes:
        worked: lines that have their verdict. seconds_left: if it goes on as it went since it began; None: it has not begun.
    """

    id: int
    source: str
    name: str
    state: str
    lines: int
    worked: int
    per_cent: int
    lines_a_second: int | None
    seconds_left: int | None
    began_at: datetime | None
    moved_at: datetime | None
    parts: tuple[PartRow, ...]


@dataclass(frozen=True, slots=True)
class Days:
    """Which sources, and days [from, to) in the company's time zone; left out: the last week."""

    source: str | None = argument(CODE, "only this source", optional=True)
    from_: date | None = argument(UsageDay(), "the first day", optional=True)
    to: date | None = argument(UsageDay(), "the day after the last", optional=True)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What sources handed in, by day, the newest first."""

    days: tuple[OfDay, ...]


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Progress | Refused:
    """Tell how far a file is."""
    file = files_view.file(txn, arguments.id)
    if file is None:
        return no_file(arguments.id)
    parts = progress.parts(txn, file.id)
    began = [one.began_at for one in parts if one.began_at is not None]
    moved = [one.moved_at for one in parts if one.moved_at is not None]
    took = max(moved) - min(began) if began and moved else timedelta(0)
    worked = file.new + file.duplicate + file.suspended + file.rejected
    passed, all_ = sum(one.passed for one in parts), len(parts) * file.lines
    left = None
    if passed and took:
        left = -(-took * (all_ - passed) // (passed * SECOND))
    return Progress(
        id=file.id,
        source=file.source,
        name=file.name,
        state=file.state,
        lines=file.lines,
        worked=worked,
        per_cent=_per_cent(passed, all_),
        lines_a_second=_speed(worked, took),
        seconds_left=0 if file.state == "DONE" else left,
        began_at=min(began, default=None),
        moved_at=max(moved, default=None),
        parts=tuple(_row(one, file.lines) for one in parts),
    )


def _row(one: PartProgress, lines: int) -> PartRow:
    took = one.moved_at - one.began_at if one.moved_at and one.began_at else timedelta(0)
    return PartRow(
        part=one.part,
        state=one.state,
        passed=one.passed,
        per_cent=_per_cent(one.passed, lines),
        lines_a_second=_speed(one.passed, took),
    )


def _per_cent(done: int, of: int) -> int:
    return PERCENT if of == 0 else min(PERCENT, done * PERCENT // of)


def _speed(lines: int, took: timedelta) -> int | None:
    return lines * SECOND // took if took else None


def statistics(
    txn: Transaction, actor: Actor, arguments: Days, now: datetime
) -> Statistics | Refused:
    """Tell what sources handed in, day by day."""
    books.begin(txn)
    company = companies.company(txn)
    if company is None:
        return NO_CATALOGUE
    if arguments.source is not None and files.source(txn, arguments.source) is None:
        return no_source(arguments.source)
    to = arguments.to or local_day(to_us(now), company.time_zone) + timedelta(days=1)
    from_ = arguments.from_ or to - timedelta(days=DAYS_TOLD)
    if not timedelta(0) < to - from_ <= timedelta(days=DAYS_MAX):
        return Refused("BAD_ARGUMENT", f"to: must lie after from, at most {DAYS_MAX} days")
    zone = company.time_zone
    scope = Scope(source=arguments.source, from_=midnight(from_, zone), to=midnight(to, zone))
    return Statistics(progress.by_day(txn, scope, zone))


OPERATIONS = (
    staff_reads("file_progress", "How far a file is, and how fast", Show, Progress, show),
    staff_reads(
        "source_statistics", "What sources handed in, day by day", Days, Statistics, statistics
    ),
)
