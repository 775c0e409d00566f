"""Clients of the SFTP door for the tests: OpenSSH's own, each with a key of a source; and lines that break."""

import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from conftest import Database
from daemons import SECONDS_MAX, Running

SSHD = Path("/usr/sbin/sshd")


def make_key(path: Path, kind: str = "ed25519") -> Path:
    """Make a pair of keys; give the private half's file, beside which the public one lies."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "test", "-f", str(path)], check=True
    )
    return path


def add_key(database: Database, key: Path, source: str) -> None:
    """Let a source in with a key."""
    kind, blob = key.with_suffix(".pub").read_text(encoding="ascii").split()[:2]
    with closing(database.connect("postgres")) as owner, owner, owner.cursor() as txn:
        txn.execute(
            "INSERT INTO bmu.source_key (id, source_id, kind, note, fingerprint, public_key, created_by)"
            " SELECT substr(md5(%(blob)s), 1, 16), id, 'SSH', '', 'SHA256:' || rpad(md5(%(blob)s), 43, 'x'),"
            " %(public)s, 'test' FROM bmu.source WHERE code = %(source)s",
            {"blob": blob, "public": f"{kind} {blob}", "source": source},
        )


@dataclass(frozen=True, slots=True)
class Client:
    """A source at a server; known: which host keys it trusts."""

    port: int
    user: str
    key: Path
    known: Path

    def options(self) -> list[str]:
        """Give what every OpenSSH client here is told."""
        settings = (
            f"UserKnownHostsFile={self.known}",
            "GlobalKnownHostsFile=/dev/null",
            "StrictHostKeyChecking=yes",
            "IdentitiesOnly=yes",
            "IdentityAgent=none",
            "BatchMode=yes",
            "ConnectTimeout=10",
            "LogLevel=ERROR",
        )
        words = ["-F", "/dev/null", "-i", str(self.key)]
        return words + [word for one in settings for word in ("-o", one)]

    def sftp(self, *lines: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Have sftp do these lines; a line that begins with a dash may fail."""
        return subprocess.run(
            ["sftp", *self.options(), *options, "-P", str(self.port), "-b", "-",
             self.where],
            input="".join(f"{line}\n" for line in lines),
            capture_output=True, text=True, timeout=SECONDS_MAX,
        )  # fmt: skip

    def ssh(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Have ssh ask for something."""
        return subprocess.run(
            ["ssh", *self.options(), "-p", str(self.port), self.where, *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX,
        )  # fmt: skip

    @contextmanager
    def open(self, *lines: str) -> Iterator[subprocess.Popen[bytes]]:
        """Have sftp do these lines; then it waits for more."""
        words = ["sftp", *self.options(), "-P", str(self.port), "-b", "-", self.where]
        with _running(words) as process:
            assert process.stdin is not None
            process.stdin.write("".join(f"{line}\n" for line in lines).encode())
            process.stdin.flush()
            yield process

    @contextmanager
    def stay(self) -> Iterator[subprocess.Popen[bytes]]:
        """Log in, ask for nothing, and stay until the door ends it."""
        words = ["ssh", *self.options(), "-p", str(self.port), "-s", self.where, "sftp"]
        with _running(words) as process:
            yield process

    @property
    def where(self) -> str:
        """Who it is at which host."""
        return f"{self.user}@127.0.0.1"


@contextmanager
def _running(words: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.kill()


class Cut:
    """A line to a port, which breaks after so many octets from the client; or it holds them back."""

    def __init__(self, port: int, octets_max: int | None = None, *, holds: bool = False) -> None:
        self.octets = 0
        self._to = port
        self._max = octets_max
        self._holds = holds
        self._told = threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._server]
        self._threads = [threading.Thread(target=self._accept)]

    @property
    def port(self) -> int:
        """Where it is entered."""
        port: int = self._server.getsockname()[1]
        return port

    def __enter__(self) -> "Cut":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in self._open:
            one.close()

    def wait(self) -> None:
        """Wait until more has come."""
        self._told.wait()
        self._told.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                return
            self._open += [client, server]
            for arguments in ((client, server, True), (server, client, False)):
                thread = threading.Thread(target=self._carry, args=arguments)
                self._threads.append(thread)
                thread.start()

    def _carry(self, source: socket.socket, target: socket.socket, counts: bool) -> None:  # noqa: FBT001
        with suppress(OSError):
            while octets := source.recv(65536):
                if counts:
                    octets = self._count(octets)
                target.sendall(octets)
                if counts and self.octets == self._max and not self._holds:
                    break
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _count(self, octets: bytes) -> bytes:
        if self._max is not None:
            octets = octets[: self._max - self.octets]
        self.octets += len(octets)
        self._told.set()
        return octets


@dataclass(frozen=True, slots=True)
class Sshd:
    """An SSH server of somebody else, which lets in whoever runs the tests."""

    port: int
    host_key: Path
    key: Path

    @classmethod
    @contextmanager
    def serving(cls, directory: Path) -> Iterator["Sshd"]:
        """Run it with keys in a directory."""
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        host_key, key = make_key(directory / "partner_host"), make_key(directory / "ours")
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = (
            f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {host_key}", "PidFile none", "UsePAM no",
            f"AuthorizedKeysFile {key.with_suffix('.pub')}", "StrictModes no", "Subsystem sftp internal-sftp",
        )  # fmt: skip
        conf = directory / "partner_sshd"
        conf.write_text("".join(f"{line}\n" for line in settings))
        with sshd_running(conf):
            yield cls(port, host_key, key)


@contextmanager
def sshd_running(conf: Path) -> Iterator[None]:
    """Run OpenSSH's server."""
    assert SSHD.exists(), f"{SSHD} is missing: apt-get install openssh-server"
    with subprocess.Popen(
        [str(SSHD), "-D", "-e", "-f", str(conf)], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            said = ""
            while "Server listening" not in (line := process.stderr.readline()):
                assert line, said
                said += line
            yield
        finally:
            process.terminate()
            process.communicate(timeout=SECONDS_MAX)


def through(client: Client, line: Cut) -> Client:
    """Give the client, at the other end of a line; it trusts whom it trusted."""
    known = client.known.with_name(f"known_{line.port}")
    host_key = client.known.read_text(encoding="ascii").split(maxsplit=1)[1]
    known.write_text(f"[127.0.0.1]:{line.port} {host_key}", encoding="ascii")
    return replace(client, port=line.port, known=known)


def trust(daemon: Running, known: Path) -> int:
    """Trust the daemon's host key; give the port of its SFTP door."""
    address = str(daemon.events[-1]["sftp"])
    host, _, port = address.rpartition(":")
    public = (daemon.site.directory / "sftp_host_key.pub").read_text(encoding="ascii")
    known.write_text(f"[{host}]:{port} {public}", encoding="ascii")
    return int(port)
