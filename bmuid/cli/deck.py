"""The command `bmuid deck`: what an operator's rate deck changes in a catalogue in files, and the changed catalogue."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from bmu.billing.catalogue import dump_parts
from bmu.billing.deck import Change, DeckChange, Merged, Target, merge, read_deck
from bmu.billing.deck.lines import NAMES, DeckLine
from bmu.money import decimal_text
from bmu.rating import TariffRows, validate
from bmuid.cli.offline.documents import DocumentError, read_catalogue, read_text, write_parts
from bmuid.cli.telling import complain

FAULTY = 2
SHOWN_MAX = 20

EPILOG = """\
examples:
  bmuid deck --catalogue examples/offline/catalogue --deck examples/offline/deck.csv --group ALWAYS --class voice --from 2026-12-01
  bmuid deck --catalogue DIR --deck DECK.csv --group COST --class voice --column price="USD/min" --write NEW

Columns are found by their names (prefix, name, price, increments like 60/6, connect, effective) or told by --column.
Nothing is changed without --write, which takes a directory that is empty or not there. See docs/catalogue.md.
"""


def main(argv: Sequence[str]) -> int:
    """Show what a deck changes, and write it where that is wanted; give the exit status."""
    arguments = _parser().parse_args(argv)
    try:
        catalogue = read_catalogue(arguments.catalogue)
        target = Target(
            arguments.group,
            arguments.usage_class,
            arguments.per,
            arguments.day,
            not arguments.partial,
        )
        _check(catalogue.rows, target)
        found = merge(_deck(arguments), catalogue.rows, target)
        faults = [f"{one.table} {one.code}: {one.what}" for one in validate(found.rows)]
        if faults:
            return complain("bmuid deck", faults, FAULTY)
        _show(found, None if arguments.all else SHOWN_MAX)
        if arguments.write:
            write_parts(arguments.write, dump_parts(replace(catalogue, rows=found.rows)))
    except DocumentError as error:
        return complain("bmuid deck", error.faults, FAULTY)
    return os.EX_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bmuid deck",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--catalogue", type=Path, required=True, help="a file, or a directory of parts"
    )
    parser.add_argument("--deck", type=Path, required=True, help="CSV with a header")
    parser.add_argument("--group", required=True, help="the rate group that it is for")
    parser.add_argument("--class", dest="usage_class", required=True, help="the usage class")
    parser.add_argument(
        "--per", type=int, default=60, help="base units a price is for (default 60)"
    )
    parser.add_argument(
        "--from", dest="day", type=date.fromisoformat, help="first day, where a line has none"
    )
    parser.add_argument("--partial", action="store_true", help="keep what the deck does not have")
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="FIELD=NAME",
        help="what a column is called",
    )
    parser.add_argument("--all", action="store_true", help=f"show all changes, not {SHOWN_MAX}")
    parser.add_argument("--write", type=Path, metavar="DIR", help="write the changed catalogue")
    return parser


def _check(rows: TariffRows, target: Target) -> None:
    for noun, code, known in (
        ("rate group", target.rate_group, rows.rate_groups),
        ("usage class", target.usage_class, rows.usage_classes),
    ):
        if code not in {row.code for row in known}:
            raise DocumentError(f"the catalogue has no {noun} {code!r}")


def _deck(arguments: argparse.Namespace) -> tuple[DeckLine, ...]:
    columns = dict(said.partition("=")[::2] for said in arguments.column)
    wrong = sorted(columns.keys() - NAMES.keys())
    if wrong:
        raise DocumentError(f"--column: {wrong[0]!r} is none of {', '.join(NAMES)}")
    lines, faults = [], []
    for one in read_deck(arguments.deck.name, read_text(arguments.deck), columns):
        if isinstance(one, DeckLine):
            lines.append(one)
        else:
            faults.append(one)
    if faults:
        raise DocumentError(*faults)
    return tuple(lines)


def _show(found: Merged, most: int | None) -> None:
    for change in found.changes[:most]:
        print(_said(change))
    left = len(found.changes) - len(found.changes[:most])
    if left:
        print(f"... and {left} more (--all)")
    counts = {kind: sum(1 for one in found.changes if one.change is kind) for kind in Change}
    print(
        ", ".join(f"{count} {kind.value.lower()}" for kind, count in counts.items())
        + f", {found.unchanged} unchanged"
    )


def _said(change: DeckChange) -> str:
    old, new = (
        "-" if price is None else decimal_text(price) for price in (change.old_e11, change.new_e11)
    )
    since = f" from {change.effective}" if change.effective else ""
    return f"{change.change.value:<8}{change.prefix:<16}{old} -> {new}{since}  {change.name}"
