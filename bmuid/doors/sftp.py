"""
The SFTP door: sources log in with their SSH keys, and hand files into their own directory.

SSH is Twisted Conch's; nothing of it is offered but this one subsystem: no shell, no commands, no terminal, no forwarding,
no passwords, no compression.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from twisted.conch.avatar import ConchUser
from twisted.conch.error import ConchError
from twisted.conch.interfaces import IConchUser
from twisted.conch.ssh.connection import OPEN_RESOURCE_SHORTAGE, SSHConnection
from twisted.conch.ssh.factory import SSHFactory
from twisted.conch.ssh.keys import Key
from twisted.conch.ssh.transport import SSHServerTransport
from twisted.conch.ssh.userauth import SSHUserAuthServer
from twisted.cred.credentials import ISSHPrivateKey, SSHPrivateKey
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import ServerFactory
from twisted.python.failure import Failure
from zope.interface import Interface

from bmuid.config import SftpDoor as SftpConfig
from bmuid.doors.ciphers import CIPHERS, KEY_EXCHANGES, MACS, SIGNATURES
from bmuid.doors.conversation import Connections, Deadline, ITransport
from bmuid.doors.sftp_channel import Channel, InThread, MakeSession
from bmuid.doors.sftp_keys import Keyring, source_of

log = logging.getLogger(__name__)

CHANNELS_MAX = 4
ATTEMPTS_MAX = 6
# For the last answers to be read by a client that is told to go.
FAREWELL_SECONDS = 2.0


class Avatar(ConchUser):
    """A source that has logged in, on one connection."""

    def __init__(self, door: "SftpDoor", source: str, key: str) -> None:
        super().__init__()
        self.source = source
        self.key = key
        self._door = door
        self.channels: set[Channel] = set()

    def lookupChannel(
        self, channelType: bytes, windowSize: int, maxPacket: int, data: bytes
    ) -> Channel:
        if channelType != b"session" or len(self.channels) >= CHANNELS_MAX:
            raise ConchError(OPEN_RESOURCE_SHORTAGE, "only sessions for files, and few of them")
        transport: Transport = self.conn.transport
        channel = Channel(
            lambda: self._door.session(self.source),
            self._door.in_thread,
            transport,
            (windowSize, maxPacket),
        )
        self.channels.add(channel)
        return channel


class Login(SSHUserAuthServer):
    """The log-in of one connection."""

    transport: "Transport"
    attemptsBeforeDisconnect = ATTEMPTS_MAX

    def serviceStarted(self) -> None:
        door: SftpDoor = self.transport.factory.door
        self.clock = door.clock
        self.loginTimeout = door.config.login_seconds_max
        super().serviceStarted()


class Connection(SSHConnection):
    """What goes on over one connection, once its source is known."""

    transport: "Transport"

    def serviceStarted(self) -> None:
        super().serviceStarted()
        self.transport.welcome()

    def adjustWindow(self, channel: Channel, bytesToAdd: int) -> None:
        # Who writes faster than it is kept waits, instead of filling memory.
        if not channel.is_behind:
            super().adjustWindow(channel, bytesToAdd)


class Transport(SSHServerTransport):
    """One connection; what is no SSH ends it."""

    factory: "_Factory"
    transport: ITransport
    avatar: Avatar
    ourVersionString = b"SSH-2.0-bmuid"
    supportedKeyExchanges = list(KEY_EXCHANGES)
    supportedCiphers = list(CIPHERS)
    supportedMACs = list(MACS)
    supportedCompressions = [b"none"]

    def __init__(self, door: "SftpDoor", peer: str) -> None:
        self.peer = peer
        self.source: str | None = None
        self._door = door
        self._deadline = Deadline(door.clock, self.cut)
        self._is_lost = False
        self._is_stopping = False

    def connectionMade(self) -> None:
        self.transport.setTcpNoDelay(True)
        self.transport.setTcpKeepAlive(True)
        self._deadline.set(self._door.config.login_seconds_max)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        if self.source is not None and not self._is_stopping:
            self._deadline.set(self._door.config.idle_seconds_max)
        try:
            super().dataReceived(data)
        except Exception as error:  # noqa: BLE001 - Conch raises whatever it stumbles over in what a stranger sends
            told = {"peer": self.peer, "error": f"{type(error).__name__}: {error}"[:200]}
            log.warning("sftp: that was no SSH", extra=told)
            self.cut()

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._deadline.clear()
        self._is_lost = True
        super().connectionLost(reason)
        self.rested()

    def sendExtInfo(self, extensions: Sequence[tuple[bytes, bytes]]) -> None:
        # Conch names the kinds of its host keys; asked for is how clients may sign.
        super().sendExtInfo([(b"server-sig-algs", b",".join(SIGNATURES))])

    def receiveError(self, reasonCode: int, description: bytes) -> None:
        # Clients take their leave like this, too.
        told = {"peer": self.peer, "code": reasonCode, "said": description[:200]}
        log.info("sftp: the client ended it", extra=told)

    def welcome(self) -> None:
        """Serve the source that has logged in."""
        self.source = self.avatar.source
        self._deadline.set(self._door.config.idle_seconds_max)
        log.info("sftp: logged in", extra={"source": self.source, "peer": self.peer})

    def rested(self) -> None:
        """See whether nothing is at work any more, where that was waited for."""
        if any(channel.works for channel in self._channels()):
            return
        if self._is_lost:
            self._door.connections.discard(self)
        elif self._is_stopping:
            self.transport.loseConnection()

    def forget(self, channel: Channel) -> None:
        """Count a channel that has ended no more."""
        self.avatar.channels.discard(channel)
        self.rested()

    def stop(self) -> None:
        """End, after the answers to what is at work; uploads that are not closed are not handed in."""
        self._is_stopping = True
        for channel in self._channels():
            channel.stop()
        self._deadline.set(FAREWELL_SECONDS)
        self.rested()

    def cut(self) -> None:
        """End at once."""
        self.transport.abortConnection()

    def _channels(self) -> Sequence[Channel]:
        return tuple(self.avatar.channels) if hasattr(self, "avatar") else ()


class _Entrance:
    """Who may come in, as Conch asks for it."""

    def __init__(self, door: "SftpDoor") -> None:
        self._door = door

    def listCredentialsInterfaces(self) -> Iterator[type[Interface]]:
        yield ISSHPrivateKey

    def login(
        self, shown: SSHPrivateKey, _mind: object, *_interfaces: object
    ) -> Deferred[tuple[Any, Avatar, Any]]:
        return Deferred.fromCoroutine(self._login(shown))

    async def _login(self, shown: SSHPrivateKey) -> tuple[Any, Avatar, Any]:
        source, key = await source_of(self._door.keyring, shown)
        if self._door.connections_of(source) >= self._door.config.source_connections_max:
            log.warning("sftp: too many connections", extra={"source": source})
            raise UnauthorizedLogin("too many connections of this source")
        return IConchUser, Avatar(self._door, source, key), _nothing


class _Factory(SSHFactory):
    noisy = False
    services = {b"ssh-userauth": Login, b"ssh-connection": Connection}

    def __init__(self, door: "SftpDoor", host_key: Key) -> None:
        self.door = door
        self.portal = _Entrance(door)
        self.privateKeys = {host_key.sshType(): host_key}
        self.publicKeys = {host_key.sshType(): host_key.public()}
        self._algorithms = host_key.supportedSignatureAlgorithms()

    def buildProtocol(self, addr: IAddress | None) -> Transport | None:  # type: ignore[override]
        if not self.door.has_room():
            return None
        transport = Transport(self.door, str(getattr(addr, "host", addr)))
        transport.factory = self
        transport.supportedPublicKeys = self._algorithms
        self.door.connections.add(transport)
        return transport


class SftpDoor:
    """The connections of the SFTP door, and what they share."""

    def __init__(
        self,
        config: SftpConfig,
        keyring: Keyring,
        session: MakeSession,
        in_thread: InThread,
        clock: IReactorTime,
    ) -> None:
        self.config = config
        self.keyring = keyring
        self.clock = clock
        self.session = session
        self.in_thread = in_thread
        self.connections: Connections[Transport] = Connections()
        self._is_stopping = False

    def listener(self, host_key: Key) -> ServerFactory:
        """Give what a port hands its connections to."""
        # Conch's factory says otherwise what it builds.
        return _Factory(self, host_key)  # type: ignore[return-value]

    def has_room(self) -> bool:
        """Tell whether one more may come; who has not logged in gives way to who comes."""
        if len(self.connections) < self.config.connections_max:
            return not self._is_stopping
        strangers = [one for one in self.connections if one.source is None]
        if strangers:
            strangers[0].cut()
        else:
            log.warning("sftp: all %d places are taken", len(self.connections))
        return bool(strangers) and not self._is_stopping

    def connections_of(self, source: str) -> int:
        """Tell how many connections a source has."""
        return sum(one.source == source for one in self.connections)

    def reload(self, config: SftpConfig) -> None:
        """Use other limits for what comes from now on."""
        self.config = config

    async def look_again(self) -> None:
        """Read the keys anew; cut whom they no longer let in."""
        await self.keyring.read()
        for one in self.connections:
            if one.source is not None and not self.keyring.is_good(one.source, one.avatar.key):
                log.warning("sftp: its key was taken back", extra={"source": one.source})
                one.cut()

    async def stop(self) -> None:
        """Let nobody in any more; end what is there, after what is at work."""
        self._is_stopping = True
        self.connections.stop()
        await self.connections.gone()


def _nothing() -> None:
    """Do nothing on leaving: what is left is done when the connection ends."""
