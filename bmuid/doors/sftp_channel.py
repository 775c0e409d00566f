"""One SSH channel of files: what comes in is put to work in threads, one piece at a time, and what is answered goes out."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from twisted.conch.ssh.channel import SSHChannel
from twisted.conch.ssh.common import getNS
from twisted.conch.ssh.connection import SSHConnection
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from bmuid.doors.sftp_session import Session
from bmuid.doors.sftp_wire import LENGTH, PacketError, Packets

log = logging.getLogger(__name__)

# What a client may send ahead, and in one piece: larger pieces cost less of a processor each, and OpenSSH sends what
# it is told it may.
WINDOW_OCTETS = 2 << 20
PIECE_OCTETS_MAX = 128 << 10
BATCH_MAX = 64

MakeSession = Callable[[str], Session]
InThread = Callable[[Callable[[], Any]], "Deferred[Any]"]


class Carries(Protocol):
    """The connection that a channel is one of."""

    peer: str

    def cut(self) -> None:
        """End at once."""

    def rested(self) -> None:
        """See whether nothing is at work any more."""

    def forget(self, channel: "Channel") -> None:
        """Count it no more."""


class Channel(SSHChannel):
    """A session for files, once its client asks for that; nothing else may be asked for."""

    name = b"session"
    conn: SSHConnection

    def __init__(
        self,
        make: Callable[[], Session],
        in_thread: InThread,
        carrier: Carries,
        theirs: tuple[int, int],
    ) -> None:
        window, piece = theirs
        super().__init__(WINDOW_OCTETS, PIECE_OCTETS_MAX, window, piece)
        self.works = False
        self._make = make
        self._in_thread = in_thread
        self._carrier = carrier
        self._session: Session | None = None
        self._packets = Packets()
        self._waiting: deque[bytes] = deque()
        self._waiting_octets = 0
        self._has_all = False
        self._is_over = False

    @property
    def is_behind(self) -> bool:
        """Whether more waits to be kept than should."""
        return self._waiting_octets > WINDOW_OCTETS // 2

    def request_subsystem(self, data: bytes) -> bool:
        """Begin the one thing that can be begun here."""
        if self._session is not None or getNS(data)[0] != b"sftp":
            return False
        self._session = self._make()
        return True

    def dataReceived(self, data: bytes) -> None:
        if self._session is None:
            self._carrier.cut()
            return
        try:
            for packet in self._packets.feed(data):
                self._waiting.append(packet)
                self._waiting_octets += len(packet)
        except PacketError as error:
            self._fail(Failure(error))
            return
        self._go_on()

    def eofReceived(self) -> None:
        self._has_all = True
        self._go_on()

    def closed(self) -> None:
        self._is_over = True
        self._waiting.clear()
        self._go_on()

    def stop(self) -> None:
        """Begin nothing more."""
        self._waiting.clear()
        self._waiting_octets = 0

    def _go_on(self) -> None:
        if self.works:
            return
        session = self._session
        if self._is_over:
            self._session = None
            if session is None:
                self._carrier.forget(self)
            else:
                self._begin(session.end, self._ended)
        elif self._waiting and session is not None:
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            self._waiting_octets -= sum(map(len, batch))
            self._begin(lambda: b"".join(map(session.answer, batch)), self._answered)
        elif self._has_all:
            # In order: then a client's own exit status is good, too.
            self.conn.sendRequest(self, b"exit-status", LENGTH.pack(0))
            self.loseConnection()

    def _begin(self, work: Callable[[], object], done: Callable[[Any], None]) -> None:
        self.works = True
        _ = self._in_thread(work).addCallback(done).addErrback(self._fail)

    def _answered(self, answers: bytes) -> None:
        self.works = False
        if not self._is_over:
            self.write(answers)
            spent = self.localWindowSize - self.localWindowLeft
            if spent > WINDOW_OCTETS // 2 and not self.is_behind:
                self.conn.adjustWindow(self, spent)
        self._go_on()
        self._carrier.rested()

    def _ended(self, _nothing: object) -> None:
        self.works = False
        self._carrier.forget(self)

    def _fail(self, failure: Failure) -> None:
        """End the connection: what it says can't be followed, or we have a fault."""
        self.works = False
        error = failure.value
        if isinstance(error, PacketError):
            log.warning("sftp: that was no SFTP: %s", error, extra={"peer": self._carrier.peer})
        else:
            log.error("sftp: failed", exc_info=error)
        self._waiting.clear()
        self._carrier.cut()
        if self._is_over:
            self._go_on()
