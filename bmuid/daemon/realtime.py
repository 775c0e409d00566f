"""Real time as a service: the usage door, the groups behind it, and the one connection that commits them."""

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IReactorTCP, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

from bmu.rating import TaxService
from bmu.wire import Answer
from bmuid.config import Config
from bmuid.config import UsageDoor as UsageConfig
from bmuid.daemon import port
from bmuid.daemon.pool import OneLane, Pool
from bmuid.daemon.quick import QuickWay
from bmuid.daemon.readiness import StartError
from bmuid.doors.desk import NotPerformedError
from bmuid.doors.gate import Gate
from bmuid.doors.grouping import Grouping
from bmuid.doors.usage import UsageDoor, limits_of
from bmuid.intake.ours import window_of_us
from bmuid.operations.perform import Asked, perform_together
from bmuid.operations.table import OPERATIONS
from bmuid.realtime import holding
from bmuid.realtime.counter import Counter
from bmuid.realtime.quick import Quick
from bmuid.realtime.reference import Newest
from bmuid.store.transaction import Transaction

log = logging.getLogger(__name__)

EXPIRY_SECONDS = 5.0


class Realtime(Service):
    """The usage door: bound when the service starts, drained when it stops."""

    def __init__(
        self,
        config: Config,
        usage: tuple[UsageConfig, Gate],
        reactor: object,
        tax_service: TaxService | None = None,
    ) -> None:
        door, gate = usage
        database, days_back = config.database, config.spool.days_back_max
        dsn = database.of(database.engine_user)
        self._usage = door
        self._stop_seconds = config.process.stop_seconds_max
        self._reactor = reactor
        self._clock = IReactorTime(reactor)
        # One connection commits; the other loads what is newer, and ends what has expired, beside it.
        self._pool = OneLane(reactor, dsn)
        self._beside = Pool(reactor, dsn, 1, 1)
        self._newest = Newest(tax_service)
        self._loads = False
        self._counter = Counter(self._newest, lambda now_us: window_of_us(now_us, days_back))
        self._quick = QuickWay(reactor, dsn, Quick(self._newest, self._counter))
        self._desk = Grouping(
            OPERATIONS, self._perform, self._counter, config.secrets, self._clock
        )
        self._desk.limit(door.sources, door.group_max)
        self._door = UsageDoor(gate, door, config.limits, self._desk, self._clock)
        self._port: IListeningPort | None = None
        self._expiry = LoopingCall(self._expire)
        self._expiry.clock = self._clock

    def startService(self) -> None:
        """
        Bind the door.

        Errors:
            StartError: the port is taken, or may not be bound.
        """
        try:
            self._port = port.listen(
                IReactorTCP(self._reactor),
                self._usage.port,
                self._door.listener(),
                self._usage.address,
            )
        except CannotListenError as error:
            fault = f"usage: {self._usage.address} port {self._usage.port}: {error.socketError}"
            raise StartError(os.EX_CANTCREAT, (fault,)) from error
        self.running = True
        _ = self._expiry.start(EXPIRY_SECONDS, now=False)

    def stopService(self) -> Deferred[None]:
        self.running = False
        return Deferred.fromCoroutine(self._stop())

    @property
    def address(self) -> str:
        """Where the door is bound."""
        assert self._port is not None, "the service has started"
        address = self._port.getHost()
        assert isinstance(address, IPv4Address | IPv6Address), address
        return f"{address.host}:{address.port}"

    def reload(self, config: Config, usage: UsageConfig, gate: Gate) -> None:
        """Use new certificates, sources and limits from now on."""
        self._desk.limit(usage.sources, usage.group_max)
        self._door.admit(usage)
        self._door.reload(gate, limits_of(usage, config.limits))

    async def _perform(self, asked: Sequence[Asked]) -> Sequence[Answer]:
        if len(asked) == 1:
            alone = await self._quick.perform(asked[0], self._now())
            if alone is not None:
                return [alone]
        answers = await self._pool.run_repeatable(self._group, asked, self._now())
        self._counter.committed()
        if self._newest.is_stale and not self._loads:
            self._loads = True
            _ = Deferred.fromCoroutine(self._load()).addErrback(self._complain)
        return answers

    def _group(self, txn: Transaction, asked: Sequence[Asked], now: datetime) -> list[Answer]:
        # Maybe run again after a lost race: what that transaction made is not there.
        self._counter.begin()
        return perform_together(txn, asked, now)

    async def _load(self) -> None:
        try:
            await self._beside.run_repeatable(self._newest.load)
        finally:
            self._loads = False

    def _expire(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._expired()).addErrback(self._complain)

    async def _expired(self) -> None:
        expired = await self._beside.run_repeatable(holding.expire, self._now())
        if expired:
            log.info("reservations expired", extra={"reservations": expired})

    def _complain(self, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, NotPerformedError):
            log.warning("not done beside the usage door: %s", error.refused.text)
        else:
            log.error("failed beside the usage door", exc_info=error)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.seconds(), UTC)

    async def _stop(self) -> None:
        self._expiry.stop()
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        self._door.stop()
        drained = Deferred.fromCoroutine(self._desk.drain())
        limit = self._clock.callLater(self._stop_seconds, self._cancel)
        await drained
        if limit.active():
            limit.cancel()
        await self._door.connections.gone()
        self._quick.close()
        self._pool.close()
        self._beside.close()

    def _cancel(self) -> None:
        self._quick.cancel()
        self._pool.cancel()
