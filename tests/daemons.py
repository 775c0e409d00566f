"""Real daemons for the tests: their certificates, configuration, process, and clients of both doors."""

import json
import os
import queue
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bmu.wire import Answer, ClientSession, Request
from bmuid import pki
from bmuid.doors.framing import admin_line

SECONDS_MAX = 30
SERVER_NAME = "db.example"


class CutOffError(Exception):
    """The connection ended before an answer came."""


@dataclass(frozen=True, slots=True)
class Site:
    """
    One installation in a directory: keys, certificates, spool, configuration.

    Shapes:
        authority: of the public door; server, web: its leaves.
        settings: section -> key -> value, as written to bmuid.conf.
    """

    directory: Path
    authority: pki.Authority
    server: pki.Leaf
    web: pki.Leaf
    settings: Mapping[str, Mapping[str, object]]

    @property
    def conf(self) -> Path:
        """The configuration file."""
        return self.directory / "bmuid.conf"

    @property
    def admin_socket(self) -> Path:
        """The socket of the admin door."""
        return self.directory / "admin.sock"

    def write(self, **changes: Mapping[str, object]) -> None:
        """Write bmuid.conf, with some sections' keys changed."""
        lines = []
        for section in sorted({*self.settings, *changes}):
            lines.append(f"[{section}]")
            table = {**self.settings.get(section, {}), **changes.get(section, {})}
            lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        self.conf.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def client_context(self, leaf: pki.Leaf | None) -> ssl.SSLContext:
        """Give what a web host's TLS has: our authority, and the certificate of *leaf*."""
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        if leaf is not None:
            context.load_cert_chain(leaf.certificate, leaf.key)
        return context


def make_site(directory: Path, dsn: str) -> Site:
    """Make everything a daemon needs, but the database that *dsn* names."""
    now = datetime.now(UTC)
    authority = pki.init_ca(directory / "ca", "test door", now)
    server = pki.issue(authority, "db", pki.Purpose.SERVER, (SERVER_NAME, "127.0.0.1"), now)
    web = pki.issue(authority, "web", pki.Purpose.CLIENT, (), now)
    for name in ("spool",):
        (directory / name).mkdir()
    for name in ("pepper", "csrf", "sources"):
        (directory / name).write_bytes(secrets.token_bytes(32))
        (directory / name).chmod(0o600)
    settings: dict[str, dict[str, object]] = {
        "database": {"dsn": dsn},
        "public": {
            "port": 0,
            "certificate": str(server.certificate),
            "key": str(server.key),
            "client_ca": str(authority.certificate),
            "client_crl": str(authority.crl),
        },
        "admin": {"socket": "admin.sock", "admins": [str(os.getuid())]},
        "spool": {"directory": "spool", "days_back_max": 36500},
        "process": {"rating_workers": 1, "pid_file": "bmuid.pid", "stop_seconds_max": 10},
        "log": {"format": "json"},
        "secrets": {
            "pepper_file": "pepper",
            "csrf_key_file": "csrf",
            "source_key_file": "sources",
        },
    }
    site = Site(directory, authority, server, web, settings)
    site.write()
    return site


class Running:
    """A daemon that serves."""

    def __init__(self, site: Site, process: subprocess.Popen[bytes]) -> None:
        self.site = site
        self.process = process
        self.events: list[dict[str, object]] = []
        # Read all the time: a daemon whose log nobody reads would stand still before long.
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        serving = self.event("bmuid serves")
        host, _, port = str(serving["public"]).rpartition(":")
        self.address = (host, int(port)) if host else ("", 0)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line)
        self._lines.put(b"")

    def _next(self) -> bool:
        line = self._lines.get(timeout=SECONDS_MAX)
        if line:
            self.events.append(json.loads(line))
        return line != b""

    def event(self, message: str) -> dict[str, object]:
        """Wait for an event of that message in the log, from here on."""
        while self._next():
            if self.events[-1]["message"] == message:
                return self.events[-1]
        raise AssertionError((message, self.events))

    def connect(self, leaf: pki.Leaf | None = None) -> "PublicClient":
        """Connect to the public door as a web host, with its certificate or another."""
        return PublicClient(self, self.site.client_context(leaf or self.site.web))

    def ask(self, operation: str, **texts: str) -> tuple[bool, dict[str, object]]:
        """Ask one thing through the public door: whether it was done, and the document."""
        with self.connect() as client:
            return client.ask(operation, **texts)

    def ask_admin(self, operation: str, **texts: str) -> tuple[bool, dict[str, object]]:
        """Ask one thing through the admin socket."""
        with AdminClient(self.site.admin_socket) as client:
            return client.ask(operation, **texts)

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """Tell it to stop, and give its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait until it is gone, and read the rest of its log."""
        status = self.process.wait(SECONDS_MAX)
        while self._next():
            pass
        self._lines.put(b"")
        return status

    def close(self) -> None:
        """End it, however it is."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()


class Client:
    """One connection of either door."""

    def __init__(self, connection: socket.socket, session: ClientSession) -> None:
        self.connection = connection
        self.session = session
        self._numbers = iter(range(1, 1_000_000))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def ask(self, operation: str, **texts: str) -> tuple[bool, dict[str, object]]:
        """Ask one thing; CutOffError when the connection ends before the answer."""
        names = {name.removesuffix("_"): text for name, text in texts.items()}
        request = Request(f"{next(self._numbers):016x}", operation, names)
        self.send(self.session.ask(request))
        return self.answer()

    def answer(self) -> tuple[bool, dict[str, object]]:
        """Read the answer to what was asked."""
        while True:
            octets = self.receive()
            if not octets:
                raise CutOffError
            answer: Answer | None = self.session.feed(octets)
            if answer is not None:
                return answer.done, json.loads(answer.body)

    def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        try:
            self.connection.sendall(octets)
        except OSError as error:
            raise CutOffError from error

    def receive(self) -> bytes:
        """Give what comes next; nothing: the connection has ended."""
        try:
            return self.connection.recv(65536)
        except OSError:
            return b""

    def ends(self) -> bytes:
        """Give all that comes until the connection ends."""
        said = b""
        while octets := self.receive():
            said += octets
        return said


class PublicClient(Client):
    """A connection to the public door, as a web host has it."""

    def __init__(self, running: Running, context: ssl.SSLContext) -> None:
        plain = socket.create_connection(running.address, timeout=SECONDS_MAX)
        try:
            secure = context.wrap_socket(plain, server_hostname=SERVER_NAME)
        except OSError as error:
            plain.close()
            raise CutOffError(str(error)) from error
        super().__init__(secure, ClientSession())


class AdminClient(Client):
    """A connection to the admin socket."""

    def __init__(self, path: Path) -> None:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS_MAX)
        connection.connect(str(path))
        super().__init__(connection, ClientSession(greeting=b"", write=admin_line))


def command(*words: str) -> list[str]:
    """Give the command line of bmuid, as this Python has it."""
    return [sys.executable, "-m", "bmuid", *words]


def refused_start(site: Site, *words: str) -> tuple[int, list[str]]:
    """Try to run a daemon that can't; give its exit status and what it says."""
    done = subprocess.run(
        command("run", "--config", str(site.conf), *words),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


@contextmanager
def running(site: Site, *words: str, **environment: str) -> Iterator[Running]:
    """Run a daemon; whatever is left of it at the end is killed."""
    process = subprocess.Popen(
        command("run", "--config", str(site.conf), *words),
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    with process:
        try:
            daemon = Running(site, process)
        except BaseException:
            process.kill()
            raise
        try:
            yield daemon
        finally:
            daemon.close()
