"""The admin door: a unix socket; who asks is what the kernel says of the peer."""

import logging
import os
import pwd
import socket
import struct

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.python.failure import Failure

from bmu.wire import Request
from bmuid.config import AdminDoor as AdminConfig
from bmuid.config import Limits, Members
from bmuid.doors.conversation import Connections, Conversation, ITransport, Terms
from bmuid.doors.desk import Answered, Caller, Desk
from bmuid.doors.framing import admin_session
from bmuid.operations.registry import Door, Role

log = logging.getLogger(__name__)

UCRED = struct.Struct("3i")  # pid, uid, gid, as SO_PEERCRED gives them


def caller_of(uid: int, gid: int, config: AdminConfig) -> Caller:
    """Give the name and the roles of a user of this host; whoever is in no list has no role."""
    try:
        name = pwd.getpwuid(uid).pw_name
        groups = frozenset(os.getgrouplist(name, gid))
    except KeyError:
        name, groups = f"uid {uid}", frozenset({gid})

    def has(members: Members) -> bool:
        return uid in members.uids or not groups.isdisjoint(members.gids)

    lists = (
        (Role.AUDITOR, config.auditors),
        (Role.CLERK, config.clerks),
        (Role.ADMIN, config.admins),
    )
    return Caller(name, Door.ADMIN, frozenset(role for role, members in lists if has(members)))


class AdminConnection(Protocol):
    """One connection of a user of this host."""

    transport: ITransport

    def __init__(self, door: "AdminDoor") -> None:
        self._door = door
        self._conversation: Conversation | None = None

    def connectionMade(self) -> None:
        peer = self.transport.getHandle()
        assert isinstance(peer, socket.socket), peer
        octets = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
        _pid, uid, gid = UCRED.unpack(octets)
        caller = caller_of(uid, gid, self._door.config)
        terms = Terms(self._door.limits, self._door.clock, self._door.ask)
        self._conversation = Conversation(self.transport, admin_session(), caller, terms)
        self._conversation.begin(b"")

    def dataReceived(self, data: bytes) -> None:
        assert self._conversation is not None, "data comes after the connection"
        self._conversation.received(data)

    def stop(self) -> None:
        """End, after the answer if one is awaited."""
        if self._conversation is not None:
            self._conversation.stop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._conversation is not None:
            self._conversation.over()
        self._door.connections.discard(self)


class AdminDoor(ServerFactory):
    """The connections of the admin door, and what they share."""

    noisy = False

    def __init__(
        self, config: AdminConfig, limits: Limits, desk: Desk, clock: IReactorTime
    ) -> None:
        self.config = config
        self.limits = limits
        self.clock = clock
        self.connections: Connections[AdminConnection] = Connections()
        self._desk = desk
        self._is_stopping = False

    def buildProtocol(self, addr: IAddress | None) -> AdminConnection | None:
        if self._is_stopping or len(self.connections) >= self.limits.admin_connections_max:
            log.warning("all %d places are taken", len(self.connections))
            return None
        connection = AdminConnection(self)
        self.connections.add(connection)
        return connection

    def ask(self, caller: Caller, request: Request, answered: Answered) -> None:
        """Hand a request in at the desk; staff is not counted."""
        self._desk.ask(caller, request, None, answered)

    def reload(self, config: AdminConfig, limits: Limits) -> None:
        """Use new lists and limits, for connections to come."""
        self.config = config
        self.limits = limits

    def stop(self) -> None:
        """Let nobody in any more; end the connections, after their answers."""
        self._is_stopping = True
        self.connections.stop()
