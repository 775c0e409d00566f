"""A partner reached by SFTP: its host key is one that was written down, and we show a key."""

import os
import posixpath
from collections.abc import Awaitable, Callable
from typing import Any

from twisted.conch.error import ConchError
from twisted.conch.ssh.channel import SSHChannel
from twisted.conch.ssh.common import NS
from twisted.conch.ssh.connection import SSHConnection
from twisted.conch.ssh.filetransfer import FXF_READ, FileTransferClient, SFTPError
from twisted.conch.ssh.keys import BadKeyError, Key
from twisted.conch.ssh.transport import SSHClientTransport
from twisted.conch.ssh.userauth import SSHUserAuthClient
from twisted.internet import defer
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import ConnectError, ConnectionLost, DNSLookupError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from bmuid.config import Pull, Ssh
from bmuid.doors.ciphers import CIPHERS, KEY_EXCHANGES, MACS, SIGNATURES
from bmuid.doors.conversation import Deadline, ITransport
from bmuid.doors.partner import FileError, Offered, PartnerError
from bmuid.intake.handing import Handing
from bmuid.store.pulls import Version

CONNECT_SECONDS_MAX = 30
IDLE_SECONDS_MAX = 120
FAREWELL_SECONDS = 2
READS = 16
LISTED_MAX = 100_000
ANSWER_OCTETS_MAX = 16 << 20
READ_OCTETS = 32 << 10
WINDOW_OCTETS = 4 << 20
PIECE_OCTETS_MAX = 64 << 10
FILE_KIND, PLAIN_FILE = 0o170000, 0o100000


class _Login(SSHUserAuthClient):
    def __init__(self, user: str, key: Key, connection: SSHConnection) -> None:
        super().__init__(user.encode(), connection)
        self._key = key
        self._is_shown = False

    def getPublicKey(self) -> Key | None:
        shown, self._is_shown = self._is_shown, True
        return None if shown else self._key.public()

    def getPrivateKey(self) -> Deferred[Key]:
        return defer.succeed(self._key)

    def tryAuth(self, kind: bytes) -> Deferred[bool] | None:
        # Nothing but the key: we have no password, and nobody to ask for one.
        return super().tryAuth(kind) if kind == b"publickey" else None


class _Files(SSHChannel):
    name = b"session"
    conn: "_Connection"

    def __init__(self) -> None:
        super().__init__(WINDOW_OCTETS, PIECE_OCTETS_MAX)
        self.client = FileTransferClient()

    def channelOpen(self, _specific: bytes) -> None:
        asked = self.conn.sendRequest(self, b"subsystem", NS(b"sftp"), wantReply=True)
        asked.addCallbacks(self._begin, self.conn.transport.failed)

    def openFailed(self, reason: object) -> None:
        self.conn.transport.failed(Failure(PartnerError("it gives no session")))

    def dataReceived(self, data: bytes) -> None:
        self.client.dataReceived(data)
        if len(self.client.buf) > ANSWER_OCTETS_MAX:
            self.conn.transport.failed(Failure(PartnerError("an answer without end")))

    def closed(self) -> None:
        self.client.connectionLost(Failure(ConnectionLost()))

    def _begin(self, _answer: object) -> None:
        self.client.makeConnection(self)
        self.conn.transport.ready(self.client)


class _Connection(SSHConnection):
    transport: "_Transport"

    def serviceStarted(self) -> None:
        super().serviceStarted()
        self.openChannel(_Files())


class _Transport(SSHClientTransport):
    """The connection; it ends when nothing is said for too long."""

    transport: ITransport
    supportedKeyExchanges = list(KEY_EXCHANGES)
    supportedCiphers = list(CIPHERS)
    supportedMACs = list(MACS)
    supportedCompressions = [b"none"]

    def __init__(self, way: Ssh, key: Key, clock: IReactorTime) -> None:
        self._way = way
        self._key = key
        # The kind of key that was written down, where it has several.
        kinds = {one.partition(" ")[0] for one in way.host_keys}
        self.supportedPublicKeys = [one for one in SIGNATURES if _kind(one) in kinds]
        self.opened: Deferred[FileTransferClient] = Deferred()
        self.lost: Deferred[None] = Deferred()
        self._why = "it ended the connection"
        self._deadline = Deadline(clock, self._silent)

    def connectionMade(self) -> None:
        self._deadline.set(IDLE_SECONDS_MAX)
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        self._deadline.set(IDLE_SECONDS_MAX)
        try:
            super().dataReceived(data)
        except Exception as error:  # noqa: BLE001 - Conch raises whatever it stumbles over in what a stranger says
            self._why = f"it says what is no SSH: {type(error).__name__}"
            self.transport.abortConnection()

    def verifyHostKey(self, hostKey: bytes, fingerprint: bytes) -> Deferred[bool]:
        shown = Key.fromString(hostKey).toString("openssh").decode("ascii").strip()
        if shown in self._way.host_keys:
            return defer.succeed(True)  # noqa: FBT003 - Conch asks for it so
        self._why = f"its host key is not one of host_key_file: {shown}"
        return defer.fail(ConchError(self._why))

    def connectionSecure(self) -> None:
        self.requestService(_Login(self._way.user, self._key, _Connection()))

    def receiveError(self, reasonCode: int, description: bytes) -> None:
        said = description.decode("utf-8", "replace")[:200]
        self._why = f"it ended the connection: {said}"

    def sendDisconnect(self, reason: int, desc: bytes) -> None:
        if reason == 14:
            self._why = "it does not let us in with this key"
        super().sendDisconnect(reason, desc)

    def ready(self, client: FileTransferClient) -> None:
        """Tell that files can be asked for."""
        self.opened.callback(client)

    def failed(self, _failure: Failure) -> None:
        """Tell that none can."""
        self._why = "it gives no files over SSH"
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure | None = None) -> None:
        self._deadline.clear()
        super().connectionLost(reason)
        if not self.opened.called:
            self.opened.errback(Failure(PartnerError(self._why)))
        self.lost.callback(None)

    def leave(self) -> None:
        """End, soon."""
        self._deadline.set(FAREWELL_SECONDS)
        self.transport.loseConnection()

    @property
    def why(self) -> str:
        """Why it ended."""
        return self._why

    def _silent(self) -> None:
        self._why = f"it has said nothing for {IDLE_SECONDS_MAX} seconds"
        self.transport.abortConnection()


class SftpPartner:
    """The files of a directory there."""

    def __init__(self, pull: Pull, transport: _Transport, client: FileTransferClient) -> None:
        self._pull = pull
        self._transport = transport
        self._client = client

    async def offered(self) -> list[Offered]:
        directory = await self._ask(self._client.openDirectory, self._pull.place.path.encode())
        found: list[Offered] = []
        while True:
            try:
                entries = await self._ask(directory.read)
            except EOFError:
                break
            if len(found) > LISTED_MAX:
                raise PartnerError(
                    f"it has more than {LISTED_MAX} files: have it clear away old ones"
                )
            found += [
                Offered(name.decode(), _version(attributes))
                for name, _, attributes in entries
                if _is_name(name)
                and attributes.get("permissions", PLAIN_FILE) & FILE_KIND == PLAIN_FILE
            ]
        await self._ask(directory.close)
        return found

    async def version(self, name: str) -> Version:
        return _version(await self._of_file(self._client.getAttrs, self._path(name)))

    async def fetch(self, name: str, version: Version, handing: Handing) -> int:
        file = await self._of_file(self._client.openFile, self._path(name), FXF_READ, {})
        offsets = iter(range(0, version.size, READ_OCTETS))

        async def read() -> None:
            for offset in offsets:
                await self._piece(file, offset, min(READ_OCTETS, version.size - offset), handing)

        try:
            _ = await gatherResults(
                [Deferred.fromCoroutine(read()) for _ in range(READS)], consumeErrors=True
            )
        except defer.FirstError as error:
            cause = error.subFailure.value
            assert cause is not None, "it failed"
            raise cause from error
        await self._of_file(file.close)
        return version.size

    async def dispose(self, name: str) -> None:
        if self._pull.after == "delete":
            await self._of_file(self._client.removeFile, self._path(name))
        else:
            new = self._path(f"{name}{self._pull.suffix}")
            await self._of_file(self._client.renameFile, self._path(name), new)

    async def close(self) -> None:
        self._transport.leave()
        await self._transport.lost

    async def _piece(self, file: Any, offset: int, length: int, handing: Handing) -> None:
        while length:
            try:
                octets = await self._of_file(file.readChunk, offset, length)
            except EOFError:
                raise FileError("it became smaller while it was read") from None
            if not 0 < len(octets) <= length:
                raise PartnerError("it gives other octets than were asked for")
            os.pwrite(handing.fileno(), octets, offset)
            offset += len(octets)
            length -= len(octets)

    def _path(self, name: str) -> bytes:
        return posixpath.join(self._pull.place.path, name).encode()

    async def _of_file(self, ask: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
        try:
            return await self._ask(ask, *arguments)
        except SFTPError as error:
            raise FileError(f"it says: {error.message}") from error

    async def _ask(self, ask: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
        try:
            return await ask(*arguments)
        except ConnectionLost as error:
            raise PartnerError(self._transport.why) from error
        except SFTPError as error:
            if ask == self._client.openDirectory:
                raise PartnerError(f"{self._pull.place.path}: it says: {error.message}") from error
            raise


async def connect(pull: Pull, way: Ssh, reactor: Any) -> SftpPartner:
    """
    Connect to a partner.

    Errors:
        PartnerError: it can't be reached, is not who it should be, or does not let us in.
    """
    try:
        key = Key.fromString(way.key)
    except (BadKeyError, ValueError) as error:
        raise PartnerError(f"key_file holds no key that can be read: {error}") from error
    transport = _Transport(way, key, IReactorTime(reactor))
    endpoint = HostnameEndpoint(
        reactor, pull.place.host.encode("idna"), pull.place.port, timeout=CONNECT_SECONDS_MAX
    )
    try:
        await endpoint.connect(Factory.forProtocol(lambda: transport))
    except (ConnectError, DNSLookupError) as error:
        raise PartnerError(f"{pull.place.host} port {pull.place.port}: {error}") from error
    return SftpPartner(pull, transport, await transport.opened)


def _kind(signature: bytes) -> str:
    return "ssh-rsa" if signature.startswith(b"rsa-") else signature.decode("ascii")


def _version(attributes: dict[str, int]) -> Version:
    if "size" not in attributes:
        raise FileError("it does not say how large it is")
    return Version(attributes["size"], attributes.get("mtime"))


def _is_name(name: bytes) -> bool:
    """Tell whether a name is that of a file in this directory, and of one that can be told of."""
    try:
        return name.decode().isprintable() and b"/" not in name and name not in {b".", b".."}
    except UnicodeDecodeError:
        return False
