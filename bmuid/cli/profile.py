"""The command `bmuid profile`: documents of data profiles checked, tried on a sample, proposed for an unknown one."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bmu.mediation import BUILT_IN, Profile, SourceSettings, profile_of
from bmu.mediation.proposal import propose
from bmu.mediation.proposal.propose import OCTETS_MAX
from bmuid.cli.offline.documents import DocumentError, read_text
from bmuid.cli.offline.tried import Written
from bmuid.cli.offline.trying import try_file
from bmuid.cli.telling import complain
from bmuid.intake.unpacking import Limits, UnpackError, unpacked

NOT_GOOD = 1
FAULTY = 2

EPILOG = """\
examples:
  bmuid profile propose calls.csv > acme.toml
  bmuid profile check acme.toml
  bmuid profile try acme.toml calls.csv --country 44 --time-zone Europe/London
  bmuid profile try asterisk-master-csv Master.csv --json

Nothing is stored. See docs/mediation.md. Exit status: 0 good; 1 of try: rows were rejected that no filter is for,
there are none, or such a file would be held; 1 of propose: something that is needed could not be told, and is to be
put in by hand (guesses to be looked at are told on standard error with 0, too); 2 nothing could be done.
"""


def main(argv: Sequence[str]) -> int:
    """Check, try or propose; give the exit status."""
    arguments = _parser().parse_args(argv)
    do = {"check": _check, "try": _try, "propose": _propose}[arguments.verb]
    try:
        return do(arguments)
    except DocumentError as error:
        faults = error.faults
    except UnpackError as error:
        faults = (f"{arguments.sample}: {error}",)
    except BrokenPipeError:
        # Whoever read the output has gone; what is still to be written has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAULTY
    except OSError as error:
        faults = (f"{error.filename}: {error.strerror}",)
    return complain("bmuid profile", faults, FAULTY)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bmuid profile",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("check", help="list every fault of documents")
    check.add_argument("files", type=Path, nargs="+", metavar="FILE")
    trying = verbs.add_parser("try", help="show what each stage makes of each row of a sample")
    trying.add_argument("profile", help="a document (*.toml), or the code of a built-in profile")
    trying.add_argument("sample", type=Path, help="a file as the source hands it in")
    trying.add_argument("--lines", type=int, default=1000, help="as many at most (default 1000)")
    trying.add_argument("--json", action="store_true", help="an object a line")
    trying.add_argument("--time-zone", default="UTC", help="of the source (default UTC)")
    trying.add_argument("--country", default="", help="its country code, like 44")
    trying.add_argument("--trunk-prefix", default="0", help="before a national number (default 0)")
    trying.add_argument(
        "--international-prefix", default="00", help="before one of another country (default 00)"
    )
    proposing = verbs.add_parser("propose", help="guess a profile for a file of calls")
    proposing.add_argument("sample", type=Path)
    proposing.add_argument("--code", help="of the profile (default: of the file's name)")
    return parser


def _check(arguments: argparse.Namespace) -> int:
    faults = []
    for path in arguments.files:
        found = profile_of(read_text(path))
        if isinstance(found, Profile):
            print(f"{path}: {found.code} is in order")
        else:
            faults += [f"{path}: {fault}" for fault in found]
    return complain("bmuid profile", faults, FAULTY) if faults else os.EX_OK


def _profile(name: str) -> Profile:
    """
    Give the profile of a document, or a built-in one.

    Errors:
        DocumentError: it is neither.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    path = Path(name)
    if not path.exists() and not path.suffix:
        raise DocumentError(f"{name}: neither a document nor one of {', '.join(BUILT_IN)}")
    found = profile_of(read_text(path))
    if not isinstance(found, Profile):
        raise DocumentError(*(f"{path}: {fault}" for fault in found))
    return found


def _try(arguments: argparse.Namespace) -> int:
    profile = _profile(arguments.profile)
    source = SourceSettings(
        "try",
        arguments.time_zone,
        arguments.country,
        arguments.trunk_prefix,
        arguments.international_prefix,
    )
    written = Written(sys.stdout, arguments.json)
    try:
        octets = partial(unpacked, arguments.sample, Limits())
        is_good = try_file(profile, source, octets, arguments.lines, written)
    except ValueError as error:
        raise DocumentError(f"{arguments.sample}: {error}") from error
    return os.EX_OK if is_good else NOT_GOOD


def _propose(arguments: argparse.Namespace) -> int:
    octets = b""
    for block in unpacked(arguments.sample, Limits()):
        octets += block
        if len(octets) >= OCTETS_MAX:
            break
    stem = re.sub(r"[^a-z0-9]+", "-", arguments.sample.name.lower().partition(".")[0]).strip("-")
    found = propose(octets[:OCTETS_MAX], arguments.code or stem or "calls")
    if isinstance(found, str):
        return complain("bmuid profile", (f"{arguments.sample}: {found}",), FAULTY)
    print(found.document, end="")
    return complain("bmuid profile", found.doubts, NOT_GOOD if found.gaps else os.EX_OK)
