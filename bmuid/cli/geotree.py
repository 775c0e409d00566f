"""The command `bmuid geotree`: a tree of the world's telephone numbers for a catalogue."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bmu.billing.catalogue import dump_tables
from bmu.rating import TariffRows
from bmuid.cli.offline.documents import DocumentError, write_parts
from bmuid.cli.telling import complain

EPILOG = """\
examples:
  bmuid geotree world > world.csv
  bmuid geotree world --without region --directory world

Countries, kinds of numbers (fixed, mobile, toll-free, ...), operators and regions, each with its prefixes, from the
data of the phonenumbers library. Without --directory: a table of locations with their prefixes, to be named
locations*.csv in a catalogue's directory. With it: locations-world.csv and patterns-world.csv.
"""


def main(argv: Sequence[str]) -> int:
    """Write the tree; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="bmuid geotree",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("tree", choices=["world"], help="which tree")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=["operator", "region"],
        help="leave a level out",
    )
    parser.add_argument(
        "--directory", type=Path, help="write two tables there, to be made or empty"
    )
    arguments = parser.parse_args(argv)
    # Its data is of some megabytes.
    from bmuid.cli.world.tree import world  # noqa: PLC0415

    made = world(
        operators="operator" not in arguments.without, regions="region" not in arguments.without
    )
    locations, patterns = made.rows()
    rows = TariffRows(locations=tuple(locations), location_patterns=tuple(patterns))
    try:
        if arguments.directory is None:
            sys.stdout.write(dump_tables(rows, in_one=True)["locations.csv"])
        else:
            tables = dump_tables(rows, in_one=False)
            named = {name.replace(".csv", "-world.csv"): text for name, text in tables.items()}
            write_parts(arguments.directory, named)
    except DocumentError as error:
        return complain("bmuid geotree", error.faults, 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return os.EX_OK
