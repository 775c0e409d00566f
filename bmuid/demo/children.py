"""The processes that the demo starts: each with a log and a pid file, told ready by itself, ended in order."""

import contextlib
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bmuid.demo.places import DemoError, Places

READY_SECONDS_MAX = 60
STOP_SECONDS_MAX = 45
LOOK_SECONDS = 0.2
READY = b"READY=1"


@dataclass(frozen=True, slots=True)
class Child:
    """A process of ours, and the socket on which it tells how it is."""

    process: subprocess.Popen[bytes]
    heard: socket.socket


@dataclass(slots=True)
class Children:
    """What runs for this demo, in the order it was started."""

    places: Places
    _running: dict[str, Child] = field(default_factory=dict)

    def start(self, name: str, *arguments: str) -> None:
        """
        Start `bmuid ARGUMENTS` as *name* and wait until it says that it is ready.

        It speaks as to systemd (sd_notify), and is out of reach of the terminal: a Ctrl-C is for the demo alone.

        Errors:
            DemoError: it ended, or was not ready in time; with the last line it wrote.
        """
        log = self.places.logs / f"{name}.err"
        # Kept open while the child lives: it tells of its end, too. In the abstract name space, where a long path
        # to the demo does not matter.
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        address = f"bmuid-demo-{os.getpid()}-{secrets.token_hex(8)}"
        heard.bind("\0" + address)
        with log.open("wb") as errors:
            child = subprocess.Popen(
                [sys.executable, "-m", "bmuid", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                env={**_environment(), "NOTIFY_SOCKET": "@" + address},
                start_new_session=True,
            )
        self._running[name] = Child(child, heard)
        self.places.pid_file(name).write_text(f"{child.pid}\n", encoding="ascii")
        _await_ready(self._running[name], name, log)

    def pause(self, seconds: float | None = None) -> None:
        """
        Wait so long, or without end, while all are there.

        Errors:
            DemoError: one has ended by itself.
        """
        ends = [os.pidfd_open(child.process.pid) for child in self._running.values()]
        try:
            select.select(ends, [], [], seconds)
        finally:
            for descriptor in ends:
                os.close(descriptor)
        for name, child in self._running.items():
            if child.process.poll() is not None:
                raise DemoError(f"{name} ended by itself; see {self.places.logs}")

    def stop(self) -> None:
        """End all, the last one first, each in order; what does not end in time is killed."""
        for name, child in reversed(self._running.items()):
            if child.process.poll() is None:
                child.process.terminate()
            try:
                child.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            child.heard.close()
            self.places.pid_file(name).unlink(missing_ok=True)
        self._running.clear()


def _environment() -> dict[str, str]:
    """Give the children what a process needs, and nothing that could make them behave otherwise."""
    kept = ("BMUID_PG_BINDIR", "HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}  # noqa: TID251


def _await_ready(child: Child, name: str, log: Path) -> None:
    ends = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < ends:
        told = select.select([child.heard], [], [], LOOK_SECONDS)[0]
        if told and child.heard.recv(4096).startswith(READY):
            return
        if child.process.poll() is not None:
            raise DemoError(f"{name} did not start: {last_line(log)}")
    raise DemoError(f"{name} was not ready within {READY_SECONDS_MAX} seconds; see {log}")


def last_line(log: Path) -> str:
    """Give the last line of a process's log."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def end_leftover(places: Places, name: str) -> None:
    """End what a demo that was killed left running, if its pid file still means it."""
    path = places.pid_file(name)
    try:
        pid = int(path.read_text(encoding="ascii"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        path.unlink(missing_ok=True)
        return
    # The number may belong to somebody else by now.
    if os.fsencode(places.root) in command:
        with contextlib.suppress(ProcessLookupError):
            end(pid)
    path.unlink(missing_ok=True)


def end(pid: int) -> None:
    """
    End a process that is not a child of ours, and wait until it is gone.

    Errors:
        ProcessLookupError: there is none.
        DemoError: it does not end.
    """
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        if not select.select([descriptor], [], [], STOP_SECONDS_MAX * 2)[0]:
            raise DemoError(f"process {pid} does not end: see what it waits for, or kill -9 {pid}")
    finally:
        os.close(descriptor)
