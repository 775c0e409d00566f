"""The SFTP door as a receiver: its port, its threads, and the keys it reads."""

import logging
import os
from collections.abc import Callable, Iterator

from twisted.application.service import Service
from twisted.conch.ssh.keys import BadKeyError, Key
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReactorTCP, IReactorThreads, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.internet.tcp import Port
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from bmuid import pki
from bmuid.config import Config
from bmuid.config import SftpDoor as SftpConfig
from bmuid.daemon import port
from bmuid.daemon.readiness import StartError
from bmuid.daemon.receiver import Ground, Receiver
from bmuid.doors.sftp import SftpDoor
from bmuid.doors.sftp_folder import Folder
from bmuid.doors.sftp_keys import Keyring
from bmuid.doors.sftp_session import Session
from bmuid.doors.sftp_uploads import Terms
from bmuid.store import source_keys

log = logging.getLogger(__name__)

# A key that was taken back ends what it opened within this time.
KEYS_SECONDS = 2.0
# Disks don't get faster by more of them.
THREADS_MAX = 8


class SftpReceiver(Service):
    """The door: bound when the service starts, drained when it stops."""

    name = "sftp"

    def __init__(self, config: Config, door: SftpConfig, ground: Ground) -> None:
        self._config = config
        self._door_config = door
        self._ground = ground
        self._clock = IReactorTime(ground.reactor)
        self._threads = ThreadPool(0, THREADS_MAX, "sftp")
        self._keyring = Keyring(
            lambda: ground.pool.run_repeatable(source_keys.uploaders), self._clock
        )
        self._door = SftpDoor(door, self._keyring, self._session, self._in_thread, self._clock)
        self._look = LoopingCall(self._look_again)
        self._look.clock = self._clock
        self._port: Port | None = None

    @property
    def address(self) -> str:
        """Where it is bound."""
        assert self._port is not None, "the service has started"
        host = self._port.getHost()
        return f"{host.host}:{host.port}"

    def startService(self) -> None:
        """
        Bind the port.

        Errors:
            StartError: EX_CONFIG, since there is no good host key.
            CannotListenError: the port is taken, or may not be bound.
        """
        config = self._door_config
        self._port = port.listen(
            IReactorTCP(self._ground.reactor),
            config.port,
            self._door.listener(_host_key(config)),
            config.address,
        )
        self._threads.start()
        _ = self._look.start(KEYS_SECONDS, now=True)
        self.running = True

    def stopService(self) -> Deferred[None]:
        self.running = False
        return Deferred.fromCoroutine(self._stop())

    def reload(self, config: Config) -> None:
        """Use other limits; address, port and host key stay."""
        if config.sftp is not None:
            self._config = config
            self._door_config = config.sftp
            self._door.reload(config.sftp)

    async def _stop(self) -> None:
        if self._port is not None:
            await maybeDeferred(self._port.stopListening)
        if self._look.running:
            self._look.stop()
        await self._door.stop()
        if self._threads.started:
            self._threads.stop()

    def _look_again(self) -> Deferred[None]:
        # A fault told to the loop would end it, and keys taken back would go on opening.
        return Deferred.fromCoroutine(self._door.look_again()).addErrback(
            lambda failure: log.error("sftp: keys were not read", exc_info=failure.value)
        )

    def _session(self, source: str) -> Session:
        own, most = self._keyring.octets_max(source), self._door_config.file_octets_max
        terms = Terms(most if own is None else min(own, most), self._config.spool.room_octets_min)
        self._ground.spool.make(source)
        return Session(Folder(self._config.spool.directory / source / "in", terms), source)

    def _in_thread(self, work: Callable[[], object]) -> Deferred[object]:
        return deferToThreadPool(IReactorThreads(self._ground.reactor), self._threads, work)


def receivers(config: Config, ground: Ground) -> Iterator[Receiver]:
    """Give the SFTP door, if it is configured."""
    if config.sftp is not None:
        yield SftpReceiver(config, config.sftp, ground)


def _host_key(config: SftpConfig) -> Key:
    try:
        key: Key = Key.fromString(pki.host_key(config.host_key))
    except (pki.PKIError, BadKeyError, ValueError) as error:
        raise StartError(os.EX_CONFIG, (f"sftp.host_key: {error}",)) from error
    if key.isPublic():
        raise StartError(
            os.EX_CONFIG, ("sftp.host_key: it is the public half; the other is needed",)
        )
    return key
