"""What to do with a demo that runs."""

import shlex
import sys
from pathlib import Path

from bmuid.demo.examples import Examples
from bmuid.demo.places import Places, short
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
    bmadmin = [short(programs / "bmadmin"), "--socket", short(places.admin_socket)]
    clean = [short(programs / "bmuid"), "demo", "--clean", "--directory", short(places.root)]
    return TEXT.format(
        port=ports.portal,
        authority=short(places.https_pki / "ca.pem"),
        logins=("\n" + " " * 12).join(logins),
        bmadmin=shlex.join(bmadmin),
        logs=short(places.logs),
        clean=shlex.join(clean),
    )
