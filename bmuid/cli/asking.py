"""One request over the admin socket."""

import socket
from pathlib import Path

from bmu.wire import Answer, ClientSession, Request, WireError
from bmuid.doors.framing import LINE_OCTETS_MAX, admin_line

OCTETS_A_READ = 65536


class DaemonAwayError(Exception):
    """Raised when the daemon can't be asked, or does not answer; the message says why."""


class SocketClosedToUsError(Exception):
    """Raised when the socket's mode keeps this user out."""


def ask(path: Path, request: Request) -> Answer:
    """
    Ask, and wait for the answer however long the work takes.

    Errors:
        SocketClosedToUsError: this user may not connect.
        DaemonAwayError: nobody listens, or the connection broke; then nobody knows whether it was done.
    """
    session = ClientSession(greeting=b"", write=admin_line)
    line = session.ask(request)
    if len(line) > LINE_OCTETS_MAX:
        raise DaemonAwayError(
            f"the request is of {len(line)} octets, at most {LINE_OCTETS_MAX} are taken"
        )
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except PermissionError as error:
            raise SocketClosedToUsError(
                f"{path}: you may not connect; ask for its group"
            ) from error
        except OSError as error:
            raise DaemonAwayError(
                f"{path}: {error.strerror or error}; is bmuid running?"
            ) from error
        try:
            connection.sendall(line)
            while octets := connection.recv(OCTETS_A_READ):
                answer = session.feed(octets)
                if answer is not None:
                    return answer
        except (OSError, WireError) as error:
            raise DaemonAwayError(f"{path}: {error}") from error
    raise DaemonAwayError(f"{path}: the connection ended before the answer")
