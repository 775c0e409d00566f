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

As staff    {bmadmin} suspense list      what could not be rated, and why
            {bmadmin} status
            {bmadmin} invoice list --account {account}
            {bmadmin} --help

Logs        {logs}

Ctrl-C stops everything. The next start takes seconds and changes nothing; `{clean}` removes it all.
"""


def hints(places: Places, given: Examples, ports: Ports) -> str:
    """Give the text that tells where to look, and as whom."""
    width = max(len(login.name) for login in given.logins)
    logins = [f"{one.name:<{width}}   {one.password}" for one in given.logins]
    bmadmin = [str(Path(sys.prefix) / "bin" / "bmadmin"), "--socket", str(places.admin_socket)]
    clean = ["bmuid", "demo", "--clean", "--directory", str(places.root)]
    return TEXT.format(
        port=ports.portal,
        authority=places.https_pki / "ca.pem",
        logins=("\n" + " " * 12).join(logins),
        bmadmin=shlex.join(bmadmin),
        account="A1001",
        logs=places.logs,
        clean=shlex.join(clean),
    )
