"""
The composition root: look whether all is as it must be, start the parts, serve until told to stop.

Whatever keeps the daemon from starting is found before its reactor turns; so nothing is ever half started.
"""

import logging
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.interfaces import IReactorCore, IReactorThreads, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import STDLibLogObserver, globalLogBeginner
from twisted.python.failure import Failure

from bmuid import logs
from bmuid.config import Config, ConfigError, load
from bmuid.daemon.notify import Notify
from bmuid.daemon.parts import SINGLE, Part
from bmuid.daemon.readiness import (
    StartError,
    check_database,
    gate_of,
    tax_service_of,
    usage_gate_of,
)
from bmuid.daemon.realtime import Realtime
from bmuid.daemon.serving import Doors
from bmuid.daemon.workers import Workers, worker_command
from bmuid.operations import single_events
from bmuid.operations import tax_service as tax_service_shown
from bmuid.store.claim import Claim
from bmuid.store.transaction import DatabaseError

if TYPE_CHECKING:
    from bmuid.daemon.receiving import Receiving

log = logging.getLogger(__name__)

CLAIM_SECONDS = 10.0


class Daemon:
    """One process tree: what was started, and how it is told to read anew, or to stop."""

    def __init__(
        self,
        config: Config,
        parts: frozenset[Part],
        reactor: object,
        notify: Notify,
        told_ready: Callable[[], None],
    ) -> None:
        self._config = config
        self._parts = parts
        self._reactor = reactor
        self._core = IReactorCore(reactor)
        self._threads = IReactorThreads(reactor)
        self._notify = notify
        self._told_ready = told_ready
        self._doors: Doors | None = None
        self._realtime: Realtime | None = None
        # Alone they are this process; beside other parts a process of their own, so that nobody holds up their answers.
        self._is_realtime = parts == {Part.REALTIME}
        self._is_receiving = parts == {Part.RECEIVING}
        self._receiving: Receiving | None = None
        self._workers: Workers | None = None
        self._loops: list[LoopingCall] = []
        self._claims = [
            Claim(config.database.engine_dsn, part.value) for part in parts if part in SINGLE
        ]
        self._is_stopping = False
        self.status = os.EX_OK

    def start(self) -> None:
        """
        Check, claim, bind; what follows happens once the reactor turns.

        Errors:
            StartError: bmuid can't run; nothing was started.
        """
        now = datetime.fromtimestamp(IReactorTime(self._reactor).seconds(), UTC)
        gate = gate_of(self._config, now) if Part.DOORS in self._parts else None
        usage = usage_gate_of(self._config, now) if self._has_usage_door(self._config) else None
        tax_service = tax_service_of(self._config)
        check_database(self._config, self._parts)
        for claim in self._claims:
            if not claim.hold():
                raise StartError(os.EX_TEMPFAIL, ("another bmuid runs on this database already",))
        if gate is not None:
            single_events.ask(tax_service)
            tax_service_shown.use(tax_service)
            self._doors = Doors(self._config, gate, self._reactor)
            self._doors.startService()
        if usage is not None and self._is_realtime:
            self._realtime = Realtime(self._config, usage, self._reactor, tax_service)
            self._realtime.startService()
        if self._is_receiving:
            # Only where it is needed: it brings SSH, and all that goes with that.
            from bmuid.daemon.receiving import Receiving  # noqa: PLC0415

            self._receiving = Receiving(self._config, self._reactor)
            self._receiving.startService()
        self._core.addSystemEventTrigger("before", "shutdown", self._shut_down)
        self._core.callWhenRunning(self._begin)

    def stop(self) -> None:
        """Begin to stop in order; told again, stop at once."""
        if self._is_stopping:
            os._exit(os.EX_TEMPFAIL)
        self._is_stopping = True
        self._core.stop()

    def reload(self) -> None:
        """Read the configuration and what it names anew; with a fault in it, go on with the old."""
        self._notify.reloading()
        try:
            config = load(self._config.path)
            now = datetime.fromtimestamp(IReactorTime(self._reactor).seconds(), UTC)
            if self._doors is not None:
                self._doors.reload(config, gate_of(config, now))
            if self._realtime is not None:
                self._realtime.reload(config, *usage_gate_of(config, now))
            if self._receiving is not None:
                self._receiving.reload(config)
            if self._workers is not None:
                self._workers.reload()
        except (ConfigError, StartError) as error:
            for fault in error.faults:
                log.error("not reloaded: %s", fault)  # noqa: TRY400 - the fault is all there is to say
        else:
            logs.configure(config.log.format, config.log.file, "bmuid")
            log.info("configuration, certificates and lists were read anew")
            self._tell_of_new_receivers(config)
        self._notify.ready()

    def _tell_of_new_receivers(self, config: Config) -> None:
        # Said once: by the process that has receivers, or by the one that would have started it.
        if self._is_receiving or (Part.RECEIVING in self._parts and not self._config.receives):
            for section in sorted(config.receivers - self._config.receivers):
                log.warning("%s is new: it takes effect at the next start of bmuid", section)

    def _has_usage_door(self, config: Config) -> bool:
        """Tell whether there is a usage door, here or in a process of its own."""
        return self._is_realtime or (Part.REALTIME in self._parts and config.usage is not None)

    def _heed(self, number: int, told: Callable[[], None]) -> None:
        signal.signal(number, lambda _number, _frame: self._threads.callFromThread(told))

    def _begin(self) -> None:
        # Left to itself, the reactor would log a fault here and go on turning, half started.
        _ = maybeDeferred(self._running).addErrback(self._broke_off)

    def _broke_off(self, failure: Failure) -> None:
        log.critical("bmuid could not begin", exc_info=failure.value)
        self.status = os.EX_SOFTWARE
        self.stop()

    def _running(self) -> None:
        # Only now: the reactor sets handlers of its own when it begins to turn.
        self._heed(signal.SIGTERM, self.stop)
        self._heed(signal.SIGINT, self.stop)
        self._heed(signal.SIGHUP, self.reload)
        process = self._config.process
        commands = tuple(worker_command(part, self._config.path) for part in self._worked())
        self._workers = Workers(commands, self._reactor, process.stop_seconds_max)
        self._workers.startService()
        if self._claims:
            self._repeat(CLAIM_SECONDS, self._keep_claims)
        if self._notify.watchdog_seconds:
            self._repeat(self._notify.watchdog_seconds / 2, self._notify.alive)
        log.info(
            "bmuid serves",
            extra={
                "parts": ",".join(sorted(part.value for part in self._parts)),
                "public": self._doors.public_address if self._doors else "-",
                "usage": self._realtime.address if self._realtime else "-",
                **(self._receiving.addresses if self._receiving else {}),
                "admin": str(self._config.admin.socket) if self._doors else "-",
            },
        )
        self._notify.ready()
        self._told_ready()

    def _worked(self) -> list[Part]:
        """Give what is done by processes of their own, each as often as there shall be such processes."""
        found = [Part.INTAKE] if Part.INTAKE in self._parts else []
        if Part.RATING in self._parts:
            found += [Part.RATING] * self._config.process.rating_workers
        if self._has_usage_door(self._config) and not self._is_realtime:
            found.append(Part.REALTIME)
        if Part.RECEIVING in self._parts and self._config.receives and not self._is_receiving:
            found.append(Part.RECEIVING)
        return found

    def _shut_down(self) -> Deferred[None]:
        log.info("stopping: what was begun is finished")
        self._notify.stopping()
        return Deferred.fromCoroutine(self._end())

    async def _end(self) -> None:
        for loop in self._loops:
            loop.stop()
        parts = (self._doors, self._realtime, self._receiving, self._workers)
        services = [service for service in parts if service is not None]
        await gatherResults(service.stopService() for service in services)
        for claim in self._claims:
            claim.release()
        log.info("stopped")

    def _keep_claims(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._look_at_claims())

    async def _look_at_claims(self) -> None:
        pool = self._threads.getThreadPool()
        for claim in self._claims:
            try:
                ours = await deferToThreadPool(self._threads, pool, claim.hold)
            except DatabaseError as error:
                log.warning("the database is away: %s", " ".join(str(error).split()))
                return
            if not ours and not self._is_stopping:
                log.error("another bmuid has taken over this database; stopping")
                self.status = os.EX_TEMPFAIL
                self.stop()

    def _repeat(self, seconds: float, what: Callable[[], object]) -> None:
        loop = LoopingCall(what)
        loop.clock = IReactorTime(self._reactor)
        self._loops.append(loop)
        _ = loop.start(seconds, now=False)


def run(config: Config, parts: frozenset[Part], told_ready: Callable[[], None]) -> int:
    """
    Serve until told to stop; give the exit status.

    Errors:
        StartError: bmuid can't run; nothing was started.
    """
    # Only here: a fork after its import would leave the child a broken one.
    from twisted.internet import reactor  # noqa: PLC0415

    logs.configure(config.log.format, config.log.file, "bmuid")
    globalLogBeginner.beginLoggingTo([STDLibLogObserver()], redirectStandardIO=False)
    logging.getLogger("twisted").setLevel(logging.WARNING)
    # The service manager speaks through the environment, not through the configuration.
    daemon = Daemon(config, parts, reactor, Notify(os.environ), told_ready)  # noqa: TID251
    daemon.start()
    IReactorCore(reactor).run()
    return daemon.status
