"""Where the parts of a demo lie, whatever directory it was given."""

import fcntl
import hashlib
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from bmuid.cluster import SOCKET_DIRECTORY_OCTETS_MAX

MARK = ".bmuid-demo"
ELSEWHERE = Path("/var/tmp")  # noqa: S108 - its owner and mode are checked


class DemoError(Exception):
    """Raised when the demo can't go on; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Places:
    """
    The parts of one demo.

    Shapes:
        root: what the user named; holds everything but, where it can't, near.
        near: where unix sockets fit and PostgreSQL's user may go: root itself, or a directory in /var/tmp.
    """

    root: Path
    near: Path

    @property
    def database(self) -> Path:
        """The private PostgreSQL server."""
        return self.near / "database"

    @property
    def admin_socket(self) -> Path:
        """The daemon's admin socket."""
        return self.near / "admin.sock"

    @property
    def relay_socket(self) -> Path:
        """The script's way to the daemon."""
        return self.near / "bmuid.sock"

    @property
    def door_pki(self) -> Path:
        """The authority of the public door."""
        return self.root / "pki" / "door"

    @property
    def https_pki(self) -> Path:
        """The authority of the web host."""
        return self.root / "pki" / "https"

    @property
    def spool(self) -> Path:
        """Where usage files arrive."""
        return self.root / "spool"

    @property
    def logs(self) -> Path:
        """What each process writes."""
        return self.root / "log"

    @property
    def conf(self) -> Path:
        """The daemon's configuration."""
        return self.root / "bmuid.conf"

    @property
    def webhost_conf(self) -> Path:
        """The web host's configuration."""
        return self.root / "webhost.conf"

    @property
    def script_conf(self) -> Path:
        """The script's settings."""
        return self.root / "bmui.conf"

    @property
    def secrets(self) -> Path:
        """The pepper and the key against forged forms."""
        return self.root / "secrets"

    def pid_file(self, name: str) -> Path:
        """Give the file that holds the process id of *name*."""
        return self.root / f"{name}.pid"


def places_of(root: Path) -> Places:
    """Say where a demo in *root* has its parts; nothing is made."""
    root = root.absolute()
    longest = root / "database" / "socket"
    if len(os.fsencode(longest)) <= SOCKET_DIRECTORY_OCTETS_MAX and _others_may_pass(root):
        return Places(root, root)
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
    return Places(root, ELSEWHERE / f"bmuid-demo-{os.geteuid()}-{digest}")


def _others_may_pass(root: Path) -> bool:
    """Whether the user that PostgreSQL runs as gets there; only root needs another one."""
    if os.geteuid() != 0:
        return True
    return all(path.stat().st_mode & 0o001 for path in root.parents if path.exists())


def make(places: Places) -> None:
    """
    Make the directories, each of them ours alone.

    Errors:
        DemoError: one is there and is not a demo's.
    """
    for path in {places.root, places.near}:
        if path.exists() and not (path / MARK).exists() and any(path.iterdir()):
            raise DemoError(f"{path} is neither empty nor a demo: choose another --directory")
    for path in {places.root, places.near}:
        path.mkdir(parents=True, exist_ok=True)
        found = path.lstat()
        if path.is_symlink() or found.st_uid != os.geteuid():
            raise DemoError(f"{path} belongs to somebody else: choose another --directory")
        # As root, PostgreSQL's own user must pass on its way to its directory.
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        (path / MARK).touch()
    for path in (places.spool, places.logs, places.secrets, places.root / "pki"):
        path.mkdir(mode=0o700, exist_ok=True)


def remove(places: Places) -> None:
    """Remove all of a demo; what is not one stays."""
    for path in {places.root, places.near}:
        if (path / MARK).exists():
            shutil.rmtree(path)


def lock(places: Places) -> int | None:
    """Claim the demo until this process ends; None: another process has it."""
    descriptor = os.open(places.pid_file("demo"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def short(path: Path) -> str:
    """Give a path as one would type it from here."""
    here = Path.cwd()
    is_below = here != Path("/") and path.is_relative_to(here)
    return str(path.relative_to(here) if is_below else path)


def free_port(wanted: int) -> int:
    """Give *wanted* if it is free on this host, else any port that is."""
    for port in (wanted, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            number = trial.getsockname()[1]
            assert isinstance(number, int)
            return number
    raise DemoError("no port is free on 127.0.0.1")
