"""One private server: made once, started, stopped."""

import os
import select
import shlex
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bmuid.cluster import user
from bmuid.cluster.error import ClusterError
from bmuid.cluster.programs import find_binaries

# The kernel's limit on the path of a unix socket, less the name that PostgreSQL adds to the directory.
SOCKET_DIRECTORY_OCTETS_MAX = 107 - len("/.s.PGSQL.65535")
# The port is only part of the socket's name; said everywhere, so that no PGPORT changes it.
PORT = 5432
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30


@dataclass(frozen=True, slots=True)
class Cluster:
    """
    Where one private server lives.

    Shapes:
        directory: holds data/, log and the socket (socket/); mode 0700, of the user the server runs as.
        binaries: the directory of initdb, pg_ctl and psql.
    """

    directory: Path
    binaries: Path

    @property
    def data(self) -> Path:
        """The server's data directory."""
        return self.directory / "data"

    @property
    def socket(self) -> Path:
        """The directory of the server's unix socket."""
        return self.directory / "socket"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.directory / "log"

    def dsn(self, database: str, role: str) -> str:
        """Give the connection string of *database* for *role*."""
        host = str(self.socket).replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{host}' port={PORT} dbname={database} user={role}"


def create(directory: Path) -> Cluster:
    """
    Give the server of *directory*, made on the first call.

    Errors:
        ClusterError: no programs, a path too long for a socket or closed to the server's user, or data
            of a version whose programs are not here.
    """
    directory = directory.resolve()
    made_by = _version_of_data(directory / "data")
    cluster = Cluster(directory, find_binaries(made_by))
    if len(os.fsencode(cluster.socket)) > SOCKET_DIRECTORY_OCTETS_MAX:
        raise ClusterError(
            f"the path {cluster.socket} is too long for a unix socket; choose a shorter one"
        )
    _make_room(cluster)
    if not user.may_enter(cluster.binaries):
        cluster = Cluster(directory, _copy_programs(cluster))
    if made_by is None:
        _initialise(cluster)
    return cluster


def start(cluster: Cluster, settings: Mapping[str, str] | None = None) -> None:
    """
    Start the server, unless it runs; *settings* are PostgreSQL's own (fsync stays on unless told).

    Errors:
        ClusterError: it would not start; the message holds the server's last words.
    """
    if is_running(cluster):
        return
    _drop_stale_claims(cluster)
    wanted = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(cluster.socket),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        **(settings or {}),
    }
    options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in wanted.items())
    code, said = user.run(
        cluster.binaries / "pg_ctl", "-D", str(cluster.data), "-w", "-t", str(START_SECONDS_MAX),
        "-l", str(cluster.log), "-o", options, "start", home=cluster.directory,
    )  # fmt: skip
    if code != 0:
        raise ClusterError(f"PostgreSQL would not start: {_last_words(cluster, said)}")


def stop(cluster: Cluster) -> None:
    """
    Stop the server, if it runs: open transactions are broken off, none that was done is lost.

    Errors:
        ClusterError: it does not end.
    """
    number = _postmaster(cluster.data)
    if number is None:
        return
    process = os.pidfd_open(number)
    try:
        for request in (signal.SIGINT, signal.SIGQUIT):
            signal.pidfd_send_signal(process, request)
            if select.select([process], [], [], STOP_SECONDS_MAX)[0]:
                return
    except ProcessLookupError:
        return
    finally:
        os.close(process)
    raise ClusterError(f"PostgreSQL (process {number}) does not stop; see {cluster.log}")


def is_running(cluster: Cluster) -> bool:
    """Tell whether the server runs; a pid file left by a crash is not taken for one."""
    return _postmaster(cluster.data) is not None


def _version_of_data(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text(encoding="ascii"))
    except FileNotFoundError:
        return None


def _make_room(cluster: Cluster) -> None:
    directory = cluster.directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    if not user.may_enter(directory.parent):
        raise ClusterError(
            f"{directory.parent} can't be entered by the user that PostgreSQL runs as, since it refuses"
            " root: choose a directory elsewhere, such as one in /var/tmp"
        )
    if not directory.is_dir():
        user.make_directory(directory)
    found = directory.lstat()
    if found.st_uid not in {user.owner(), os.geteuid()}:
        raise ClusterError(f"{directory} belongs to somebody else: choose another directory")
    if found.st_uid != user.owner():
        os.chown(directory, user.owner(), -1, follow_symlinks=False)
    directory.chmod(0o700)
    if not cluster.socket.is_dir():
        user.make_directory(cluster.socket)


def _copy_programs(cluster: Cluster) -> Path:
    """Copy programs from where the server's user can't go (the home of root, say); the wheel has libraries beside."""
    install = cluster.binaries.parent
    package = install.parent
    target = cluster.directory / "programs" / package.name
    if not (target / install.name).exists():
        shutil.copytree(install, target / install.name, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, target.with_name(libraries.name), symlinks=True)
    return target / install.name / cluster.binaries.name


def _initialise(cluster: Cluster) -> None:
    """Make the data directory whole or not at all: a broken-off initdb leaves only what the next one removes."""
    part = cluster.directory / "data.part"
    shutil.rmtree(part, ignore_errors=True)
    code, said = user.run(
        cluster.binaries / "initdb", "-D", str(part), "-U", "postgres", "-A", "trust", "-E", "UTF8",
        "--locale=C.UTF-8", "--data-checksums", "--no-instructions", home=cluster.directory,
    )  # fmt: skip
    if code != 0:
        raise ClusterError(f"initdb failed: {' '.join(said.split())[-400:]}")
    part.rename(cluster.data)


def _postmaster(data: Path) -> int | None:
    """Give the process that serves *data*; its own command line says so, whatever the pid file claims."""
    number = _pid_in_file(data / "postmaster.pid")
    if number is None:
        return None
    try:
        command = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    return number if os.fsencode(data) in command else None


def _pid_in_file(file: Path) -> int | None:
    try:
        first = file.read_text(encoding="utf-8").partition("\n")[0]
    except FileNotFoundError:
        return None
    return int(first) if first.isdigit() else None


def _drop_stale_claims(cluster: Cluster) -> None:
    """
    Remove what a killed server left if its number is another process's by now: PostgreSQL would refuse to start.

    A dead number is left to PostgreSQL, which then also looks whether children of the dead still run.
    """
    for claim in (cluster.data / "postmaster.pid", cluster.socket / f".s.PGSQL.{PORT}.lock"):
        number = _pid_in_file(claim)
        if number is not None and Path(f"/proc/{number}").exists():
            claim.unlink()


def _last_words(cluster: Cluster, said: str) -> str:
    try:
        lines = cluster.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    fatal = [line for line in lines[-20:] if "FATAL:" in line or "ERROR:" in line]
    words = fatal[-1] if fatal else " ".join(said.split())[-400:]
    return f"{words}; see {cluster.log}"
