"""The command `bmuid run`: serve in the foreground."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from bmuid.cli.telling import complain
from bmuid.config import DEFAULT_PATH, ConfigError, load
from bmuid.daemon.main import run
from bmuid.daemon.parts import EVERY_PART, Part
from bmuid.daemon.readiness import StartError

EPILOG = """\
examples:
  bmuid run                          doors, intake, rating, real time and receivers, in one process tree
  bmuid run --only rating            rating workers alone, on this host or another

Ends in order on SIGTERM or Ctrl-C; a second one ends it at once. SIGHUP reads certificates, lists, limits and
log file anew. What keeps it from starting is told on standard error, one line each; then nothing was started.
"""


def main(argv: Sequence[str]) -> int:
    """Serve until told to stop; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="bmuid run",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, help="the configuration file")
    parser.add_argument("--only", choices=[part.value for part in Part], help="this part alone")
    arguments = parser.parse_args(argv)
    parts = frozenset({Part(arguments.only)}) if arguments.only else EVERY_PART
    try:
        return run(load(arguments.config), parts, told_ready=lambda: None)
    except ConfigError as error:
        return complain("bmuid", error.faults, os.EX_CONFIG)
    except StartError as error:
        return complain("bmuid", error.faults, error.status)
