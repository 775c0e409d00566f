"""
Whom the server runs as: PostgreSQL refuses root, so root lends it an ordinary user; anybody else runs it themselves.

What is the server's user's own may be swapped under us: root makes files there only before giving them away.
"""

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bmuid.cluster.error import ClusterError

UNPRIVILEGED_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Lent:
    """The ordinary user that root lends to the server."""

    name: str
    uid: int
    gid: int


def lent_user() -> Lent | None:
    """Give the user to lend; None: we are an ordinary one ourselves."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Lent(name, found.pw_uid, found.pw_gid)
    raise ClusterError(
        "PostgreSQL refuses to run as root, and there is no user postgres or nobody"
    )


def make_directory(path: Path) -> None:
    """Make *path* for the server's user alone."""
    path.mkdir(mode=0o700)
    lent = lent_user()
    if lent is not None:
        os.chown(path, lent.uid, lent.gid, follow_symlinks=False)


def owner() -> int:
    """Give the uid of whom the server runs as."""
    lent = lent_user()
    return os.geteuid() if lent is None else lent.uid


def run(program: Path, *arguments: str, home: Path) -> tuple[int, str]:
    """Run *program* as the server's user; give its exit code and what it said."""
    lent = lent_user()
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(home)}
    # A file, not a pipe: a server that is started would hold a pipe open.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        try:
            done = subprocess.run(
                [str(program), *arguments], env=environment, cwd="/", check=False,
                stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                user=None if lent is None else lent.uid,
                group=None if lent is None else lent.gid,
                extra_groups=None if lent is None else [],
            )  # fmt: skip
        except OSError as error:
            return os.EX_UNAVAILABLE, f"{program}: {error.strerror}"
        said.seek(0)
        return done.returncode, said.read()


def may_enter(directory: Path) -> bool:
    """Tell whether the server's user gets to *directory*: the kernel's own answer, for all above it too."""
    return run(Path("/usr/bin/test"), "-x", str(directory), home=Path("/"))[0] == 0
