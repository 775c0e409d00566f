"""The doors as a service: ports and sockets, the desk behind them, and the pools behind that."""

import os
import socket
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import (
    IListeningPort,
    IReactorTCP,
    IReactorTime,
    IReactorUNIX,
)

from bmu.wire import Answer
from bmuid.config import AdminDoor as AdminConfig
from bmuid.config import Config
from bmuid.daemon.pool import Pool
from bmuid.daemon.readiness import StartError
from bmuid.doors.admin import AdminDoor
from bmuid.doors.desk import Desk
from bmuid.doors.gate import Gate
from bmuid.doors.public import PublicDoor
from bmuid.operations.perform import perform
from bmuid.operations.registry import Actor, Audit, DatabaseRole, Door, Operation
from bmuid.operations.table import OPERATIONS

ADMIN_SOCKET_MODE = 0o660
OWN_ROLE = {
    Door.PUBLIC: DatabaseRole.PUBLIC,
    Door.ADMIN: DatabaseRole.ADMIN,
    Door.USAGE: DatabaseRole.ENGINE,
}


class Pools:
    """A pool for each database role that operations run with."""

    def __init__(self, config: Config, reactor: object) -> None:
        database = config.database
        users = {
            DatabaseRole.PUBLIC: database.public_user,
            DatabaseRole.AUTH: database.auth_user,
            DatabaseRole.ADMIN: database.admin_user,
            DatabaseRole.ENGINE: database.engine_user,
        }
        waiting_max = config.limits.requests_waiting_max
        self._pools = {
            role: Pool(reactor, database.of(user), database.connections_max, waiting_max)
            for role, user in users.items()
        }

    async def perform(
        self, operation: Operation, actor: Actor, texts: Mapping[str, str], now: datetime
    ) -> Answer:
        """Perform the operation in a transaction of its role; where its door is another, of the door's own."""
        at_home = actor.door in operation.doors
        pool = self._pools[operation.database_role if at_home else OWN_ROLE[actor.door]]
        if operation.audit is Audit.NONE or (operation.keyed and "key" in texts):
            return await pool.run_repeatable(perform, operation, actor, texts, now)
        return await pool.run(perform, operation, actor, texts, now)

    def cancel(self) -> None:
        """Break off every statement that runs."""
        for pool in self._pools.values():
            pool.cancel()

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.close()


class Doors(Service):
    """Both doors: bound when the service starts, drained when it stops."""

    def __init__(self, config: Config, gate: Gate, reactor: object) -> None:
        self._config = config
        self._reactor = reactor
        self._clock = IReactorTime(reactor)
        self._pools = Pools(config, reactor)
        self._desk = Desk(OPERATIONS, self._pools.perform, config.secrets, self._clock)
        self._public = PublicDoor(gate, config.limits, self._desk, self._clock)
        self._admin = AdminDoor(config.admin, config.limits, self._desk, self._clock)
        self._ports: list[IListeningPort] = []

    def startService(self) -> None:
        """
        Bind both doors.

        Errors:
            StartError: a port or socket is taken, or may not be bound.
        """
        public = self._config.public
        try:
            self._ports.append(
                IReactorTCP(self._reactor).listenTCP(
                    public.port, self._public.listener(), interface=public.address
                )
            )
            self._ports.append(self._listen_admin(self._config.admin))
        except (CannotListenError, OSError) as error:
            raise StartError(os.EX_CANTCREAT, (_cannot(error),)) from error
        self.running = True

    def stopService(self) -> Deferred[None]:
        self.running = False
        return Deferred.fromCoroutine(self._stop())

    @property
    def public_address(self) -> str:
        """Where the public door is bound."""
        address = self._ports[0].getHost()
        assert isinstance(address, IPv4Address | IPv6Address), address
        return f"{address.host}:{address.port}"

    def reload(self, config: Config, gate: Gate) -> None:
        """Use new certificates, lists and limits from now on."""
        self._public.reload(gate, config.limits)
        self._admin.reload(config.admin, config.limits)

    def _listen_admin(self, config: AdminConfig) -> IListeningPort:
        _remove_stale(config.socket)
        port = IReactorUNIX(self._reactor).listenUNIX(
            str(config.socket), self._admin, mode=ADMIN_SOCKET_MODE
        )
        if config.gid is not None:
            os.chown(config.socket, -1, config.gid)
        return port

    async def _stop(self) -> None:
        for port in self._ports:
            await maybeDeferred(port.stopListening)
        self._public.stop()
        self._admin.stop()
        drained = Deferred.fromCoroutine(self._desk.drain())
        limit = self._clock.callLater(self._config.process.stop_seconds_max, self._pools.cancel)
        await drained
        if limit.active():
            limit.cancel()
        # The answers must have left before the reactor may stop.
        await self._public.connections.gone()
        await self._admin.connections.gone()
        self._pools.close()


def _remove_stale(path: Path) -> None:
    """Remove the socket of a daemon that was killed; one that answers stays, and the bind will fail."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        except OSError:
            return


def _cannot(error: CannotListenError | OSError) -> str:
    if not isinstance(error, CannotListenError):
        return f"admin.socket: {error}"
    if isinstance(error.port, int):
        return f"public: {error.interface or '*'} port {error.port}: {_reason(error.socketError)}"
    return f"admin.socket: {os.fsdecode(error.port)}: {_reason(error.socketError)}"


def _reason(error: object) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
