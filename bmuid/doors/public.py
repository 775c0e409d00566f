"""The public door: the line protocol over TLS, for the web hosts whose certificates are let in."""

import logging

from cryptography import x509
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import (
    IAddress,
    IHandshakeListener,
    IOpenSSLServerConnectionCreator,
    IReactorTime,
)
from twisted.internet.protocol import Factory, Protocol, ServerFactory, connectionDone
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from bmu.wire import GREETING, Request, ServerSession
from bmuid.config import Limits
from bmuid.doors.conversation import Connections, Conversation, Deadline, ITransport, Terms
from bmuid.doors.desk import Answered, Asks, Caller
from bmuid.doors.gate import Gate
from bmuid.doors.limits import allowances
from bmuid.operations.registry import Door, Role

log = logging.getLogger(__name__)

# A handshake takes a few milliseconds, in a rush some more.
SLOW_SECONDS = 1.0

VISITOR = frozenset({Role.VISITOR})


@implementer(IHandshakeListener)
class PublicConnection(Protocol):
    """One connection: nothing is said or read before the handshake is done and the certificate let in."""

    transport: ITransport

    def __init__(self, door: "PublicDoor", peer: str) -> None:
        self._door = door
        self._peer = peer
        self._conversation: Conversation | None = None
        self._handshake = Deadline(door.clock, self.cut)

    def connectionMade(self) -> None:
        # Greeting and answer are small, and said one after the other: Nagle's algorithm would hold the second back
        # until the first is acknowledged, 40 ms later.
        self.transport.setTcpNoDelay(True)
        self._handshake.set(self._door.limits.handshake_seconds_max)

    def handshakeCompleted(self) -> None:
        self._handshake.clear()
        self._door.handshakes.pop(self, None)
        name = self.admitted()
        if name is not None:
            caller = self._door.caller(name)
            terms = Terms(self._door.limits, self._door.clock, self._door.ask)
            self._conversation = Conversation(self.transport, ServerSession(), caller, terms)
            self._conversation.begin(GREETING)

    def admitted(self) -> str | None:
        """Give the certificate's name; cut the connection when it may not come in, or no more."""
        shown = self.transport.getPeerCertificate()
        assert isinstance(shown, crypto.X509), "the handshake ends only with a certificate"
        certificate = shown.to_cryptography()
        name = self._door.name_of(certificate)
        if name is None:
            subject = certificate.subject.rfc4514_string()
            log.warning("%s of %s is not let in", subject, self._peer)
            self.cut()
        return name

    def dataReceived(self, data: bytes) -> None:
        if self._conversation is not None:
            self._conversation.received(data)

    def stop(self) -> None:
        """End, after the answer if one is awaited."""
        if self._conversation is None:
            self.cut()
        else:
            self._conversation.stop()

    def cut(self) -> None:
        """End at once."""
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._handshake.clear()
        if self._conversation is not None:
            self._conversation.over()
        self._door.forget(self)


@implementer(IOpenSSLServerConnectionCreator)
class PublicDoor(Factory[PublicConnection]):
    """
    The connections of the public door, and what they share.

    When all places are taken, or too many are slow in their handshake, the oldest of those gives way: a real
    one takes milliseconds, so it is the silent that lose. Who comes when all have shown their
    certificates is turned away.
    """

    noisy = False

    def __init__(self, gate: Gate, limits: Limits, desk: Asks, clock: IReactorTime) -> None:
        self.gate = gate
        self.limits = limits
        self.clock = clock
        self.connections: Connections[PublicConnection] = Connections()
        # When each began; the oldest first.
        self.handshakes: dict[PublicConnection, float] = {}
        self._desk = desk
        self._allowance = allowances(limits, clock.seconds())
        self._is_stopping = False

    def listener(self) -> ServerFactory:
        """Give what a port hands its connections to."""
        return _Entrance(self)

    def name_of(self, certificate: x509.Certificate) -> str | None:
        """Give the name of a client whose chain was verified; None: it may not come in."""
        return self.gate.name_of(certificate)

    def caller(self, name: str) -> Caller:
        """Say who a client of that name is."""
        return Caller(name, Door.PUBLIC, VISITOR)

    def has_room(self) -> bool:
        """Tell whether one more may come; make room among those still in their handshake."""
        is_full = len(self.connections) >= self.limits.public_connections_max
        if self.handshakes and (is_full or self._too_many_are_slow()):
            oldest = next(iter(self.handshakes))
            self.forget(oldest)
            oldest.cut()
        elif is_full:
            log.warning("all %d places are taken", len(self.connections))
            return False
        return not self._is_stopping

    def _too_many_are_slow(self) -> bool:
        begun = list(self.handshakes.values())[: self.limits.public_handshakes_max]
        is_slow = begun[-1] <= self.clock.seconds() - SLOW_SECONDS
        return len(begun) == self.limits.public_handshakes_max and is_slow

    def buildProtocol(self, addr: IAddress | None) -> PublicConnection:
        connection = PublicConnection(self, str(getattr(addr, "host", addr)))
        self.connections.add(connection)
        self.handshakes[connection] = self.clock.seconds()
        return connection

    def serverConnectionForTLS(self, protocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        return SSL.Connection(self.gate.context, None)

    def ask(self, caller: Caller, request: Request, answered: Answered) -> None:
        """Hand a request in at the desk."""
        self._desk.ask(caller, request, self._allowance, answered)

    def forget(self, connection: PublicConnection) -> None:
        """Free the place of a connection."""
        self.connections.discard(connection)
        self.handshakes.pop(connection, None)

    def reload(self, gate: Gate, limits: Limits) -> None:
        """Use new certificates, lists and limits; cut whom they no longer let in."""
        self.gate = gate
        self.limits = limits
        self._allowance = allowances(limits, self.clock.seconds())
        for connection in self.connections:
            if connection not in self.handshakes:
                connection.admitted()

    def stop(self) -> None:
        """Let nobody in any more; end the connections, after their answers."""
        self._is_stopping = True
        self.connections.stop()


class _Tls(TLSMemoryBIOFactory):
    # Whatever is said is said in one piece; to wait for more of it would take longer than to say it.
    protocol = TLSMemoryBIOProtocol


class _Entrance(ServerFactory):
    noisy = False

    def __init__(self, door: PublicDoor) -> None:
        self._door = door
        self._tls = _Tls(door, isClient=False, wrappedFactory=door, clock=door.clock)

    def buildProtocol(self, addr: IAddress | None) -> TLSMemoryBIOProtocol | None:
        return self._tls.buildProtocol(addr) if self._door.has_room() else None
