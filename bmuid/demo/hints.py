"""What to do with a demo that runs."""

import shlex
import sys
from pathlib import Path

from bmuid.demo.examples import Examples
from bmuid.demo.places import Places
from bmuid.demo.prepare import Ports

TEXT = """
Open        https://localhost:{port}/
            The certificate is of this demo's own making: the browser warns once. To do without the warning, trust
            {authority}

Log in as   {logins}

As staff    {bmadmin} status
            {bmadmin} suspense list
            {bmadmin} invoice list A1001
            {bmadmin} --help

Logs        {logs}

Ctrl-C stops everything. The next start takes seconds and changes nothing; `{clean}` removes it all.
"""


def hints(places: Places, given: Examples, ports: Ports) -> str:
    """Give the text that tells where to look, and as whom."""
    width = max(len(login.name) for login in given.logins)
    logins = [f"{one.name:<{width}}   {one.password}" for one in given.logins]
    programs = Path(sys.prefix) / "bin"
    bmadmin = [_short(programs / "bmadmin"), "--socket", _short(places.admin_socket)]
    clean = [_short(programs / "bmuid"), "demo", "--clean", "--directory", _short(places.root)]
    return TEXT.format(
        port=ports.portal,
        authority=_short(places.https_pki / "ca.pem"),
        logins=("\n" + " " * 12).join(logins),
        bmadmin=shlex.join(bmadmin),
        logs=_short(places.logs),
        clean=shlex.join(clean),
    )


def _short(path: Path) -> str:
    """Give a path as one would type it from here."""
    here = Path.cwd()
    is_below = here != Path("/") and path.is_relative_to(here)
    return str(path.relative_to(here) if is_below else path)
