"""Worker processes: started, started again when they end, told to stop, and killed when they don't."""

import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from bmuid.daemon.parts import RELOADED, Part

log = logging.getLogger(__name__)

PAUSE_SECONDS_FIRST = 0.5
PAUSE_SECONDS_MAX = 60.0
# Who lived so long did not fail at its start: its next pause is a short one again.
SETTLED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, and what it is called in the log."""

    name: str
    arguments: tuple[str, ...]
    is_reloaded: bool = False


def worker_command(part: Part, config: Path) -> Command:
    """Give the command of a worker that ends when this process does."""
    options = ("--config", str(config), "--kind", part.value)
    arguments = (sys.executable, "-m", "bmuid", "worker", "--parent", str(os.getpid()), *options)
    return Command(part.value, arguments, part in RELOADED)


class Worker(ProcessProtocol):
    """One place among the workers: whoever ends in it is followed by another."""

    def __init__(self, command: Command, reactor: object) -> None:
        self._command = command
        self._processes = IReactorProcess(reactor)
        self._clock = IReactorTime(reactor)
        self._pause = PAUSE_SECONDS_FIRST
        self._begun = 0.0
        self._next: IDelayedCall | None = None
        self._kill: IDelayedCall | None = None
        self._ended: Deferred[None] | None = None
        self._runs = False

    def start(self) -> None:
        """Start a process in this place."""
        self._next = None
        self._begun = self._clock.seconds()
        self._runs = True
        process = self._processes.spawnProcess(
            self,
            sys.executable,
            self._command.arguments,
            env=None,
            childFDs={0: "w", 1: 2, 2: 2},
        )
        log.info("worker started", extra={"worker": self._command.name, "pid": process.pid})

    def stop(self, seconds: float) -> Deferred[None]:
        """Tell the process to finish; kill it after *seconds*. Fires when it is gone."""
        self._ended = Deferred()
        if self._next is not None:
            self._next.cancel()
        if not self._runs:
            self._ended.callback(None)
            return self._ended
        self._signal("TERM")
        self._kill = self._clock.callLater(seconds, self._signal, "KILL")
        return self._ended

    def reload(self) -> None:
        """Tell the process to read its configuration anew, if it is one that does."""
        if self._runs and self._command.is_reloaded:
            self._signal("HUP")

    def processEnded(self, reason: Failure) -> None:
        self._runs = False
        if self._kill is not None and self._kill.active():
            self._kill.cancel()
        if self._ended is not None:
            self._ended.callback(None)
            return
        if self._clock.seconds() - self._begun > SETTLED_SECONDS:
            self._pause = PAUSE_SECONDS_FIRST
        how = {"worker": self._command.name, "how": str(reason.value)}
        log.error("worker ended", extra={**how, "next_try_seconds": self._pause})
        self._next = self._clock.callLater(self._pause, self.start)
        self._pause = min(2 * self._pause, PAUSE_SECONDS_MAX)

    def _signal(self, name: str) -> None:
        assert self.transport is not None, "a process that runs has a transport"
        try:
            self.transport.signalProcess(name)
        except ProcessExitedAlready:
            return


class Workers(Service):
    """Every worker of this daemon."""

    def __init__(
        self, commands: tuple[Command, ...], reactor: object, stop_seconds: float
    ) -> None:
        self._workers = tuple(Worker(command, reactor) for command in commands)
        self._stop_seconds = stop_seconds

    def startService(self) -> None:
        self.running = True
        for worker in self._workers:
            worker.start()

    def stopService(self) -> Deferred[None]:
        self.running = False
        return Deferred.fromCoroutine(self._stop())

    def reload(self) -> None:
        """Let those that have doors read the configuration anew."""
        for worker in self._workers:
            worker.reload()

    async def _stop(self) -> None:
        await gatherResults(worker.stop(self._stop_seconds) for worker in self._workers)
