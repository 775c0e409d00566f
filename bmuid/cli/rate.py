"""The command `bmuid rate`: rate a file of usage by a catalogue in files, without a database."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

from bmu.billing.catalogue import Catalogue
from bmu.rating import AggregateScope, Owner, Rated, Unrated, explain_period
from bmu.usage import UDR
from bmuid.cli.offline.customers import Columns, Customers, UsageError
from bmuid.cli.offline.documents import DocumentError, read_catalogue
from bmuid.cli.offline.periods import Closed, Periods
from bmuid.cli.offline.progress import Progress
from bmuid.cli.offline.rater import Rater, numbered
from bmuid.cli.offline.reasons import reasons
from bmuid.cli.offline.usage import Line, event, lines
from bmuid.cli.offline.written import (
    Book,
    CSVRecords,
    JSONRecords,
    Records,
    Rejects,
    Totals,
    steps_of,
)
from bmuid.cli.telling import complain
from bmuid.gateways.tax import TaxServiceError, open_tax_service

# Events that are rated together; how many does not change what they cost.
BATCH = 1000
SOME_NOT_RATED = 1
COULD_NOT_RUN = 2

EPILOG = """\
examples:
  bmuid rate --catalogue examples/offline/catalogue --usage examples/offline/usage.csv
  bmuid rate --catalogue examples/demo/catalogue.toml --accounts examples/demo/accounts.toml --usage - --summary
  bmuid rate --catalogue DIR --usage calls.jsonl --output jsonl --explain --rejects rejects.csv

The formats are in docs/catalogue.md and docs/offline.md. Events are rated in the order of the file; nothing is
stored. Exit status: 0 all were rated, 1 some were not (see --rejects), 2 nothing could be done.
"""


class Run(NamedTuple):
    """What one run works with."""

    book: Book
    customers: Customers
    rejects: Rejects
    totals: Totals
    periods: Periods
    records: Records | None
    explain: bool


class Known(NamedTuple):
    """An event and whose it is."""

    udr: UDR
    owner: Owner


def main(argv: Sequence[str]) -> int:
    """Rate a file; give the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.tax_setting and not arguments.tax_service:
        parser.error("--tax-setting is for a tax service: name it with --tax-service")
    try:
        with ExitStack() as files:
            return _rate(arguments, files)
    except (DocumentError, UsageError) as error:
        faults = (
            error.faults if isinstance(error, DocumentError) else (f"{arguments.usage}: {error}",)
        )
        return complain("bmuid rate", faults, COULD_NOT_RUN)
    except TaxServiceError as error:
        return complain("bmuid rate", (f"--tax-service: {error}",), COULD_NOT_RUN)
    except BrokenPipeError:
        # Whoever read the output has gone; what is still to be written has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_RUN
    except OSError as error:
        return complain("bmuid rate", (f"{error.filename}: {error.strerror}",), COULD_NOT_RUN)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bmuid rate",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--catalogue", type=Path, required=True, help="a TOML file, or a directory of parts"
    )
    parser.add_argument(
        "--usage", required=True, help="CSV, or JSON lines (*.jsonl); - is standard input"
    )
    parser.add_argument(
        "--input", choices=["csv", "jsonl"], help="what --usage is, whatever its name"
    )
    parser.add_argument(
        "--accounts", type=Path, help="the customers (TOML); else each line names them"
    )
    parser.add_argument("--tax-service", metavar="NAME", help="ask this one for taxes")
    parser.add_argument(
        "--tax-setting",
        type=_setting,
        action="append",
        default=[],
        metavar="KEY=TEXT",
        help="what the tax service is opened with",
    )
    parser.add_argument("--output", choices=["csv", "jsonl"], default="csv", help="default csv")
    parser.add_argument("--explain", action="store_true", help="tell how each amount came about")
    parser.add_argument(
        "--summary", action="store_true", help="write totals instead of each event"
    )
    parser.add_argument("--rejects", type=Path, help="a file for lines that could not be rated")
    return parser


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError("is written KEY=TEXT")
    return key, value


def _rate(arguments: argparse.Namespace, files: ExitStack) -> int:
    catalogue = read_catalogue(arguments.catalogue)
    customers = _customers(arguments.accounts, catalogue)
    ready = numbered(catalogue, open_tax_service(arguments.tax_service, arguments.tax_setting))
    usage, size = _opened(arguments.usage, files)
    wanted = arguments.input or ("jsonl" if arguments.usage.endswith(".jsonl") else "csv")
    rejects = arguments.rejects and files.enter_context(
        arguments.rejects.open("w", encoding="utf-8", newline="")
    )
    records: Records = (CSVRecords if arguments.output == "csv" else JSONRecords)(sys.stdout)
    run = Run(
        book=Book(ready, Rater(ready.tariff, customers)),
        customers=customers,
        rejects=Rejects(rejects, sys.stderr),
        totals=Totals(),
        periods=Periods(ready.shelves, customers),
        records=None if arguments.summary else records,
        explain=arguments.explain,
    )
    progress = Progress(sys.stderr, size)
    count = _all(run, lines(usage, is_json=wanted == "jsonl"), usage, progress)
    for closed in run.periods.close():
        _close(run, closed)
    if arguments.summary:
        for record in run.totals.records():
            records.put(record)
    sys.stdout.flush()
    _tell(run, count, sys.stderr)
    return SOME_NOT_RATED if run.rejects.count else os.EX_OK


def _customers(path: Path | None, catalogue: Catalogue) -> Customers:
    if path is None:
        return Columns(catalogue)
    # What reads accounts comes with the driver of the database; nothing else here needs it.
    from bmuid.cli.offline.accounts import Accounts  # noqa: PLC0415

    return Accounts(path, catalogue.company)


def _opened(name: str, files: ExitStack) -> tuple[BinaryIO, int | None]:
    if name == "-":
        return sys.stdin.buffer, None
    file: BinaryIO = files.enter_context(Path(name).open("rb"))  # noqa: SIM115 - closed with the others
    return file, os.fstat(file.fileno()).st_size


def _all(run: Run, found: Iterator[Line], file: BinaryIO, progress: Progress) -> int:
    count = 0
    try:
        while batch := list(islice(found, BATCH)):
            count += len(batch)
            _batch(run, batch)
            progress.at(file.tell() if file.seekable() else 0, count)
    finally:
        progress.end()
    return count


def _batch(run: Run, batch: Sequence[Line]) -> None:
    """Rate some lines, and write them in their order."""
    known: list[tuple[Line, UDR, Owner]] = []
    lost: dict[int, tuple[str, str]] = {}
    for line in batch:
        found = _known(run, line)
        if isinstance(found, Known):
            known.append((line, *found))
        else:
            lost[line.number] = found
    outcomes = run.book.rater.rate([udr for _, udr, _ in known], [owner for *_, owner in known])
    for (line, udr, owner), outcome in zip(known, outcomes, strict=True):
        if isinstance(outcome, Unrated):
            lost[line.number] = outcome.reason.value, outcome.tried
        else:
            _write(run, line, udr, owner, outcome)
    for line in batch:
        if line.number in lost:
            run.rejects.put(line, *lost[line.number])


def _known(run: Run, line: Line) -> Known | tuple[str, str]:
    """Make an event of a line and find its owner, or say in a word and in words why not."""
    try:
        udr = event(line)
        owner = run.customers.owner(line.fields, udr.started_us)
    except UsageError as error:
        return "BAD_LINE", str(error)
    return (owner.reason.value, owner.tried) if isinstance(owner, Unrated) else Known(udr, owner)


def _write(run: Run, line: Line, udr: UDR, owner: Owner, rated: Rated) -> None:
    account = run.customers.account(owner.account_id)
    run.periods.add(udr, owner, rated)
    run.totals.add(account, udr.usage_class, rated)
    if run.records:
        record = run.book.record(line, udr, account, rated, owner)
        if run.explain:
            steps = reasons(udr, owner, rated, run.book.catalogue, run.book.rater)
            record["explain"] = steps_of(steps)
        run.records.put(record)


def _close(run: Run, closed: Closed) -> None:
    """Write what a period's usage costs at one rate."""
    key = closed.priced.total.key
    of_payer = key.scope is AggregateScope.INVOICER
    account = run.customers.account(key.owner_id if of_payer else closed.owner.account_id)
    usage_class = run.book.catalogue.rows.usage_classes[key.usage_class_id - 1]
    run.totals.add_period(account, usage_class.code, closed)
    if run.records:
        record = run.book.period(account, closed)
        if run.explain:
            steps = explain_period(closed.priced, usage_class.unit, closed.rated.currency)
            record["explain"] = steps_of(steps)
        run.records.put(record)


def _tell(run: Run, count: int, file: TextIO) -> None:
    """Say in a line what became of it."""
    rated = count - run.rejects.count
    totals = run.totals.spoken()
    file.write(
        f"bmuid rate: {count} events, {rated} rated, {run.rejects.count} not"
        f"{'; ' + totals if totals else ''}\n"
    )
