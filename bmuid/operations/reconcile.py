"""The books proved: lines, usage and money, as far as they came, at one moment; each difference with where to look."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from bmu.money import decimal_text
from bmu.period import midnight
from bmuid.operations.accounts_load import NO_CATALOGUE
from bmuid.operations.files import ID, no_file
from bmuid.operations.grammar import YES
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import no_source, staff_reads
from bmuid.operations.sources import CODE
from bmuid.operations.statement import UsageDay
from bmuid.store import assembled, billed, books, companies, day_sums, files, recount
from bmuid.store.billed import WrongLine
from bmuid.store.books import Lines, Scope
from bmuid.store.day_sums import Money, Sums
from bmuid.store.recount import OfFile
from bmuid.store.transaction import Transaction

ADDS_UP, DIFFERS = "adds up", "DOES NOT ADD UP"
DIFFERENCES_MAX = 100
UNRATED = "lines that are usage, and usage that is rated, suspended or waiting"


@dataclass(frozen=True, slots=True)
class Show:
    """Which files, and how thoroughly."""

    day: date | None = argument(
        UsageDay(),
        "only files that arrived on this day, in the company's time zone",
        optional=True,
    )
    source: str | None = argument(CODE, "only files of this source", optional=True)
    file: int | None = argument(ID, "only this file", optional=True)
    full: str | None = argument(
        YES, "count all rows again, also where sums prove them", optional=True
    )


@dataclass(frozen=True, slots=True)
class Usage:
    """
    Lines that are usage, and what they are now.

    Shapes:
        udrs: new and suspended lines, as files counted them, without records that are part of a session. rated: with a charge in force.
        suspended: never charged. waiting: charged once, until they lost that by rerating.
    """

    udrs: int
    rated: int
    suspended: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Sessions:
    """
    Records that are part of a session, and what they are now; None where only some files are asked about.

    Shapes:
        records: taken into sessions. in_usage: for which usage was made, or which brought nothing new.
        waiting: of sessions that go on. unwritten: usage made of sessions that is in no file yet.
    """

    records: int
    in_usage: int
    waiting: int
    unwritten: int


@dataclass(frozen=True, slots=True)
class Amounts:
    """
    Charges before tax: in force; on invoices, less what was credited; to come on the next ones.

    Shapes:
        of_periods: besides, what invoices bill of usage that is priced by the period; None where only some files are asked about.
    """

    currency: str
    charged: str
    invoiced: str
    not_yet_invoiced: str
    of_periods: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What does not agree, by how much, and where to look."""

    place: str
    what: str
    wanted: str
    found: str
    look: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The sums of one moment, and whether they add up."""

    verdict: str
    lines: Lines
    usage: Usage
    sessions: Sessions | None
    amounts: tuple[Amounts, ...]
    differences: tuple[Difference, ...]


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Reconciled | Refused:
    """Prove the books of files."""
    books.begin(txn)
    scope = _scope(txn, arguments)
    if isinstance(scope, Refused):
        return scope
    lines = books.lines(txn, scope)
    if scope.file is not None and not lines.files:
        return no_file(scope.file)
    found = [
        _of_file(wrong.file, wrong.source, wrong.fault, wrong.wanted, wrong.found)
        for wrong in books.wrong_files(txn, scope)
    ]
    if scope.is_all:
        usage, amounts, of_all = _all(txn, lines, is_full=arguments.full is not None)
        found += of_all
        if arguments.full is not None or found:
            _, _, of_files = _rows(txn, scope)
            found += of_files
    else:
        usage, amounts, of_files = _rows(txn, scope)
        found += of_files
    sessions = None
    if scope in {Scope(), Scope(source=scope.source)}:
        told = assembled.books(txn, scope.source)
        sessions = Sessions(told.taken, told.told, told.waiting, told.unwritten)
        found += _sessions_differ(sessions)
    return Reconciled(
        verdict=DIFFERS if found else ADDS_UP,
        lines=lines,
        usage=usage,
        sessions=sessions,
        amounts=amounts,
        differences=tuple(found[:DIFFERENCES_MAX]),
    )


def _scope(txn: Transaction, arguments: Show) -> Scope | Refused:
    found = Scope(source=arguments.source, file=arguments.file)
    if arguments.source is not None and files.source(txn, arguments.source) is None:
        return no_source(arguments.source)
    if arguments.day is None:
        return found
    company = companies.company(txn)
    if company is None:
        return NO_CATALOGUE
    from_ = midnight(arguments.day, company.time_zone)
    to = midnight(arguments.day + timedelta(days=1), company.time_zone)
    return replace(found, from_=from_, to=to)


def _all(
    txn: Transaction, lines: Lines, *, is_full: bool
) -> tuple[Usage, tuple[Amounts, ...], list[Difference]]:
    """Prove all there is by the sums of days."""
    waiting, sums = books.waiting(txn), day_sums.sums(txn)
    usage = Usage(
        lines.new - lines.partial + lines.suspended, sums.rated, waiting.suspended, waiting.lost
    )
    found = [*_usage_differs(usage), *_uneven(sums)]
    on_invoices = {one.currency: one for one in billed.billed(txn)}
    found += map(_of_line, billed.wrong_counts(txn))
    amounts = []
    differs = is_full
    for one in sums.money:
        told = on_invoices.pop(one.currency, billed.Billed(one.currency, 0, 0, 0))
        amounts.append(_amounts(one, decimal_text(told.of_periods)))
        found += _money_differs(one, "all files")
        differs = differs or told.of_charges != one.invoiced
        found += _invoices_differ(one, told)
    for told in on_invoices.values():
        found += _invoices_differ(Money(told.currency, 0, 0, 0), told)
    if differs:
        found += map(_of_amount, billed.wrong_amounts(txn))
    return usage, tuple(amounts), found


def _rows(txn: Transaction, scope: Scope) -> tuple[Usage, tuple[Amounts, ...], list[Difference]]:
    """Prove files by their rows."""
    file_ids = books.files(txn, scope)
    days = (None, None) if scope.is_all else books.days_of(txn, file_ids)
    recounted = recount.recounted(txn, file_ids, days)
    counted, money = recounted.files, recounted.money
    usage = Usage(
        udrs=sum(one.events for one in counted),
        rated=sum(one.rated for one in counted),
        suspended=sum(one.waiting for one in counted),
        waiting=sum(one.lost for one in counted),
    )
    found = [difference for one in counted for difference in _file_differs(one)]
    found += [difference for one in money for difference in _money_differs(one, "these files")]
    return usage, tuple(_amounts(one, None) for one in money), found


def _file_differs(one: OfFile) -> Iterator[Difference]:
    rated = one.rated + one.waiting + one.lost
    if one.events != rated:
        yield _of_file(one.file, one.source, UNRATED, one.events, rated)
    for what, counted, kept in zip(
        ("duplicate", "suspended", "rejected"), one.counts, one.verdicts, strict=True
    ):
        if counted != kept:
            yield _of_file(one.file, one.source, f"{what} lines counted, and kept", counted, kept)
    if one.told != one.kept:
        yield _of_file(one.file, one.source, "events told of, and kept", one.told, one.kept)


def _usage_differs(usage: Usage) -> Iterator[Difference]:
    found = usage.rated + usage.suspended + usage.waiting
    if usage.udrs != found:
        look = "the files named below"
        yield Difference("all files", UNRATED, str(usage.udrs), str(found), look)


def _sessions_differ(sessions: Sessions) -> Iterator[Difference]:
    found = sessions.in_usage + sessions.waiting
    if sessions.records != found:
        what = "records taken into sessions, and those in usage or waiting"
        look = "tables usage_session, usage_emission and usage_batch; who has a superuser's rights"
        yield Difference("all sessions", what, str(sessions.records), str(found), look)


def _uneven(sums: Sums) -> Iterator[Difference]:
    for one in sums.uneven:
        what = "charges of the day that replaced others, and those whose usage record is there"
        look = f"table charge_{one.day:%Y%m%d}; the audit and who has a superuser's rights"
        yield Difference(
            f"{one.day} UTC", what, str(one.later), str(one.later - one.orphans), look
        )


def _money_differs(one: Money, place: str) -> Iterator[Difference]:
    found = one.invoiced + one.left
    if one.charged != found:
        what = f"{one.currency}: charged, and invoiced with what is not yet"
        look = "credits of charges that are in force, or on no invoice: invoice_credit"
        yield Difference(place, what, decimal_text(one.charged), decimal_text(found), look)


def _invoices_differ(one: Money, told: billed.Billed) -> Iterator[Difference]:
    pairs = (
        ("charges noted as billed, and lines of invoices", one.invoiced, told.of_charges),
        ("prices of periods, and lines of invoices", told.owed_of_periods, told.of_periods),
    )
    for what, wanted, found in pairs:
        if wanted != found:
            yield Difference(
                "all invoices",
                f"{one.currency}: {what}",
                decimal_text(wanted),
                decimal_text(found),
                "the lines of invoices named below",
            )


def _amounts(one: Money, of_periods: str | None) -> Amounts:
    charged, invoiced, left = map(decimal_text, (one.charged, one.invoiced, one.left))
    return Amounts(one.currency, charged, invoiced, left, of_periods)


def _of_file(file: int, source: str, what: str, wanted: int, found: int) -> Difference:
    return Difference(
        place=f"file {file} of {source}",
        what=what,
        wanted=str(wanted),
        found=str(found),
        look=f"bmadmin file show {file}; bmadmin suspense show --file {file}",
    )


def _of_line(wrong: WrongLine) -> Difference:
    return Difference(
        place=f"invoice {wrong.invoice}, line {wrong.line_no}",
        what=wrong.fault,
        wanted=str(wrong.wanted),
        found=str(wrong.found),
        look=f"bmadmin invoice show {wrong.account} {wrong.invoice}",
    )


def _of_amount(wrong: WrongLine) -> Difference:
    wanted, found = decimal_text(wrong.wanted), decimal_text(wrong.found)
    return replace(_of_line(wrong), wanted=wanted, found=found)


OPERATIONS = (
    replace(
        staff_reads("reconcile_show", "Whether the books add up", Show, Reconciled, show),
        faults="differences",
    ),
)
