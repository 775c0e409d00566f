"""The command `bmuid webhost`: serve the customers' pages by HTTPS, where no Apache is wanted."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from bmuid.cli.telling import complain
from bmuid.config import ConfigError
from bmuid.doors import webhost

DEFAULT_PATH = Path("/etc/bmuid/webhost.conf")
EPILOG = """\
It runs cgi-bin/bmui.py for each request, as Apache would, and leads it to the daemon's public door. For trying
out and for small sites; docs/deployment.md tells of Apache and stunnel.
"""


def main(argv: Sequence[str]) -> int:
    """Serve until told to stop; give the exit status."""
    parser = argparse.ArgumentParser(
        prog="bmuid webhost",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_PATH, help="its configuration file")
    arguments = parser.parse_args(argv)
    try:
        webhost.serve(webhost.load(arguments.config))
    except ConfigError as error:
        return complain("bmuid webhost", error.faults, os.EX_CONFIG)
    except webhost.PortTakenError as error:
        return complain("bmuid webhost", (str(error),), os.EX_CANTCREAT)
    return os.EX_OK
