"""RADIUS accounting as a receiver: its port, its buffers, its clock."""

import logging
import socket

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTime, IReactorUDP
from twisted.internet.task import LoopingCall
from twisted.internet.udp import Port

from bmuid.config import Config, RadiusDoor, Spool
from bmuid.doors.radius import Accounting

log = logging.getLogger(__name__)

TICK_SECONDS = 1.0
TOLD_SECONDS = 5.0
# More than the packet may have, so that one that is longer shows as such.
DATAGRAM_OCTETS_MAX = 8192
# Of Linux, where the process may exceed the system's limit.
SO_RCVBUFFORCE = 33


class RadiusReceiver:
    """The port of RADIUS accounting."""

    name = "radius"

    def __init__(self, config: RadiusDoor, spool: Spool, reactor: object) -> None:
        self._config = config
        self._udp = IReactorUDP(reactor)
        self._accounting = Accounting(config, spool, reactor)
        self._port: Port | None = None
        self._loops = [LoopingCall(self._accounting.tick), LoopingCall(self._accounting.told)]
        for loop in self._loops:
            loop.clock = IReactorTime(reactor)

    @property
    def address(self) -> str:
        """Where it is bound."""
        assert self._port is not None, "it has started"
        address = self._port.getHost()
        assert isinstance(address, IPv4Address | IPv6Address), address
        return f"{address.host}:{address.port}"

    def startService(self) -> None:
        """
        Hand in what a crash left, and bind the port.

        Errors:
            CannotListenError: it is taken, or may not be bound.
        """
        handed = self._accounting.recover()
        if handed:
            log.warning("RADIUS: files of an earlier run handed in", extra={"files": handed})
        port = self._udp.listenUDP(
            self._config.port, self._accounting, self._config.address, DATAGRAM_OCTETS_MAX
        )
        assert isinstance(port, Port), port
        self._port = port
        _enlarge(port.socket, self._config.receive_octets)
        for loop, seconds in zip(self._loops, (TICK_SECONDS, TOLD_SECONDS), strict=True):
            _ = loop.start(seconds, now=False)

    def stopService(self) -> Deferred[None]:
        """Answer what was taken, and hand the files in."""
        return Deferred.fromCoroutine(self._stop())

    def reload(self, config: Config) -> None:
        """Use other clients and limits; the port stays."""
        if config.radius is not None:
            self._accounting.serve(config.radius)

    async def _stop(self) -> None:
        for loop in self._loops:
            loop.stop()
        await self._accounting.drain()
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)


def _enlarge(port: socket.socket, octets: int) -> None:
    """Have the kernel keep what comes while a group is written, as far as it lets us."""
    try:
        port.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, octets)
    except OSError:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, octets)
    # Linux counts its own expense too, and tells twice what was asked for.
    found = port.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
    if found < octets:
        log.warning(
            "RADIUS: the kernel gives a buffer of %d octets, not %d: set net.core.rmem_max",
            found,
            octets,
        )
