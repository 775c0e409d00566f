"""A wire to PostgreSQL that can be cut, or held, at any message: every message is a place to fail."""

import os
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path

# Source: PostgreSQL documentation, "Message Formats": what a front end sends once it is let in, but Terminate.
COUNTED = b"QPBESdcCfFHD"
# What the server says when it waits for the client: it is ready for a query, or for COPY data.
WAITS = b"ZG"
# After these the server does something and says that it waits; after a piece of COPY data it says nothing.
ANSWERED = b"QSc"
SECONDS_MAX = 30


class Cut(Enum):
    """
    What happens at the message.

    BEFORE: the wire is cut before the server has it. AFTER: the server finishes what was asked, and the
    wire is cut before the client hears of it. HOLD: it waits until told to go on.
    """

    BEFORE = "before"
    AFTER = "after"
    HOLD = "hold"


class Wire:
    """
    A unix socket in front of the server's.

    Shapes:
        count: messages that clients have sent since the last plan.
        reached: set when the planned message has come.
    """

    def __init__(self, directory: Path, server: Path) -> None:
        self.directory = directory
        self._server = server / ".s.PGSQL.5432"
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(directory / ".s.PGSQL.5432"))
        (directory / ".s.PGSQL.5432").chmod(0o777)
        self._listening.listen(50)
        self._lock = threading.Lock()
        self.count = 0
        self.reached = threading.Event()
        self._go_on = threading.Event()
        self._at: int | None = None
        self._cut = Cut.BEFORE
        self._kill = False
        threading.Thread(target=self._accept, daemon=True).start()

    def plan(self, at: int | None, cut: Cut = Cut.BEFORE, *, kill: bool = False) -> None:
        """Cut at the *at*-th message from now on, once; with *kill*, kill the client's process too."""
        with self._lock:
            self._at, self._cut, self._kill, self.count = at, cut, kill, 0
            self.reached.clear()
            self._go_on.clear()

    def go_on(self) -> None:
        """Let a held message pass."""
        self._go_on.set()

    def close(self) -> None:
        """Let nobody in any more."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listening.accept()[0]
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._server))
        mute, ready = threading.Event(), threading.Event()
        back = threading.Thread(target=_back, args=(server, client, mute, ready), daemon=True)
        back.start()
        with suppress(EOFError, OSError):
            length = _read(client, 4)
            server.sendall(length + _read(client, struct.unpack(">I", length)[0] - 4))
            while self._pass_one(client, server, mute, ready):
                pass
        for end in (server, client):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        back.join(SECONDS_MAX)
        server.close()
        client.close()

    def _pass_one(
        self,
        client: socket.socket,
        server: socket.socket,
        mute: threading.Event,
        ready: threading.Event,
    ) -> bool:
        """Pass one message on; False when the wire is cut at it."""
        head, message = _message(client)
        if head[:1] not in COUNTED or not self._is_planned():
            server.sendall(message)
            return True
        if self._cut is Cut.HOLD:
            self.reached.set()
            assert self._go_on.wait(SECONDS_MAX)
            server.sendall(message)
            return True
        if self._cut is Cut.AFTER:
            mute.set()
            ready.clear()
            server.sendall(message)
            if head[:1] in ANSWERED:
                ready.wait(SECONDS_MAX)
        if self._kill:
            os.kill(_process_of(client), signal.SIGKILL)
        self.reached.set()
        return False

    def _is_planned(self) -> bool:
        with self._lock:
            self.count += 1
            return self.count == self._at


def _back(
    server: socket.socket, client: socket.socket, mute: threading.Event, ready: threading.Event
) -> None:
    """Pass on what the server says, until muted."""
    with suppress(EOFError, OSError):
        while True:
            head, message = _message(server)
            if not mute.is_set():
                client.sendall(message)
            if head[:1] in WAITS:
                ready.set()
    ready.set()


def _message(connection: socket.socket) -> tuple[bytes, bytes]:
    head = _read(connection, 5)
    return head, head + _read(connection, struct.unpack(">I", head[1:])[0] - 4)


def _read(connection: socket.socket, octets: int) -> bytes:
    found = bytearray()
    while len(found) < octets:
        piece = connection.recv(octets - len(found))
        if not piece:
            raise EOFError
        found += piece
    return bytes(found)


def _process_of(client: socket.socket) -> int:
    """Give the process at the other end of a unix socket."""
    found = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", found)[0])


@contextmanager
def wire(directory: Path, server: Path) -> Iterator[Wire]:
    """Give a wire to the server whose socket is in that directory."""
    made = Wire(directory, server)
    try:
        yield made
    finally:
        made.close()
