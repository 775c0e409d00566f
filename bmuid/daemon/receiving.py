"""Receivers as one service: each takes files over a network and hands them, whole, into the spool."""

import os
from collections.abc import Callable, Iterable, Mapping

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.error import CannotListenError

from bmuid.config import Config
from bmuid.daemon import pulling, sftp
from bmuid.daemon.accounting import RadiusReceiver
from bmuid.daemon.batching import BatchReceiver
from bmuid.daemon.pool import Pool
from bmuid.daemon.readiness import StartError
from bmuid.daemon.receiver import Ground, Receiver
from bmuid.intake import handing
from bmuid.intake.spool import Spool

# Of the receivers together: they ask who may come in, and what was fetched before.
CONNECTIONS_MAX = 2
WAITING_MAX = 1000


def radius_receivers(config: Config, ground: Ground) -> Iterable[Receiver]:
    """Give the port of RADIUS accounting, where there is one."""
    if config.radius is not None:
        yield RadiusReceiver(config.radius, config.spool, ground.reactor)


def batch_receivers(config: Config, ground: Ground) -> Iterable[Receiver]:
    """Give the port for batches, where there is one."""
    if config.batch is not None:
        yield BatchReceiver(config, config.batch, ground.pool, ground.reactor)


Maker = Callable[[Config, Ground], Iterable[Receiver]]
# Each gives the receivers that its sections of the configuration ask for, maybe none.
MAKERS: tuple[Maker, ...] = (
    sftp.receivers,
    pulling.receivers,
    radius_receivers,
    batch_receivers,
)


class Receiving(Service):
    """All receivers that are configured."""

    def __init__(self, config: Config, reactor: object) -> None:
        database = config.database
        dsn = database.of(database.engine_user)
        self._pool = Pool(reactor, dsn, CONNECTIONS_MAX, WAITING_MAX)
        self._spool = Spool(config.spool.directory)
        ground = Ground(reactor, self._spool, self._pool)
        self._receivers = [receiver for make in MAKERS for receiver in make(config, ground)]

    def startService(self) -> None:
        """
        Start all of them.

        Errors:
            StartError: there is none, or one of them can't start.
        """
        if not self._receivers:
            fault = "receiving: no section of the configuration names a way in, like [sftp]"
            raise StartError(os.EX_CONFIG, (fault,))
        handing.sweep(self._spool.root)
        for receiver in self._receivers:
            try:
                receiver.startService()
            except CannotListenError as error:
                where = f"{error.interface or '*'} port {error.port!s}"
                fault = f"{receiver.name}: {where}: {error.socketError}"
                raise StartError(os.EX_CANTCREAT, (fault,)) from error
        self.running = True

    def stopService(self) -> Deferred[None]:
        self.running = False
        return Deferred.fromCoroutine(self._stop())

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where each receiver is bound, by its name."""
        return {receiver.name: receiver.address for receiver in self._receivers}

    def reload(self, config: Config) -> None:
        """Have each use what may change without a new start."""
        for receiver in self._receivers:
            receiver.reload(config)

    async def _stop(self) -> None:
        await gatherResults(maybeDeferred(receiver.stopService) for receiver in self._receivers)
        self._pool.close()
