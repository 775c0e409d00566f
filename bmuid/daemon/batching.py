"""Batches by HTTP as a receiver: its port, its gate, its end."""

from datetime import UTC, datetime

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IReactorTCP, IReactorTime

from bmuid.config import BatchDoor, Config
from bmuid.daemon.pool import Pool
from bmuid.daemon.readiness import batch_gate_of
from bmuid.doors.batch import Batches
from bmuid.doors.batch_site import Front, listener


class BatchReceiver:
    """The port for batches."""

    name = "batch"

    def __init__(self, config: Config, door: BatchDoor, pool: Pool, reactor: object) -> None:
        self._config = config
        self._door = door
        self._tcp = IReactorTCP(reactor)
        self._clock = IReactorTime(reactor)
        self._batches = Batches((door, config.spool), config.secrets.source_key, pool, reactor)
        self._front = Front(self._batches, door, self._clock)
        self._port: IListeningPort | None = None

    @property
    def address(self) -> str:
        """Where it is bound."""
        assert self._port is not None, "it has started"
        address = self._port.getHost()
        assert isinstance(address, IPv4Address | IPv6Address), address
        return f"{address.host}:{address.port}"

    def startService(self) -> None:
        """
        Bind the port.

        Errors:
            CannotListenError: it is taken, or may not be bound.
            StartError: certificates that don't fit together.
        """
        gate = batch_gate_of(self._door, self._now())
        ours = listener(self._front, gate)
        self._port = self._tcp.listenTCP(self._door.port, ours, interface=self._door.address)

    def stopService(self) -> Deferred[None]:
        """Answer what was begun."""
        return Deferred.fromCoroutine(self._stop())

    def reload(self, config: Config) -> None:
        """Use other certificates, lists and limits; the port stays."""
        if config.batch is not None:
            self._front.gate = batch_gate_of(config.batch, self._now())
            self._front.config = config.batch
            self._batches.limit(config.batch)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.seconds(), UTC)

    async def _stop(self) -> None:
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        await self._front.drain()
