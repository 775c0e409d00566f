"""
Sources at the usage door, all in this process: each connection asks, waits for its answer, and asks again.

Reads what to do from the standard input, and writes what it found to the standard output, both as one JSON object.
"""

import itertools
import json
import select
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

GREETING = b"BMU 1\n"

Line = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Calling:
    """
    What is to be done.

    Shapes:
        name: of the server; ca, certificate, key: files.
        first: the number of the first request, and of its event; no two runs may share one.
        called: numbers that are called, one after the other; begun: when every call began, percent-encoded.
    """

    host: str
    port: int
    name: str
    ca: str
    certificate: str
    key: str
    connections: int
    seconds: float
    operation: str
    first: int
    accounts: int
    called: list[str]
    begun: str


@dataclass(frozen=True, slots=True)
class Found:
    """
    What was measured.

    Units:
        p50_ms, p99_ms, most_ms: from a question's first octet to its answer's last.
        processor_us: of this process, a request.
    """

    requests: int
    a_second: float
    p50_ms: float
    p99_ms: float
    most_ms: float
    processor_us: float


def lines(calling: Calling) -> Iterator[bytes]:
    """Give the line of one call after the other, each of the next account."""
    for number in itertools.count(calling.first):
        uid = f"4477{(number % calling.accounts + 1) * 7919 % 100000000:08d}"
        destination = calling.called[number % len(calling.called)]
        yield (
            f"{number:016x} {calling.operation} class=voice destination={destination}"
            f" event={calling.begun}-{number} quantity={number % 300 + 1}"
            f" started_at={calling.begun} uid={uid}\n"
        ).encode()


class Caller:
    """One connection, and when its question was sent."""

    def __init__(self, calling: Calling, context: ssl.SSLContext) -> None:
        plain = socket.create_connection((calling.host, calling.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname=calling.name)
        while self.socket.recv(len(GREETING)) != GREETING:
            pass
        self.socket.setblocking(False)  # noqa: FBT003
        self.asked = 0.0
        self.answer = b""

    def ask(self, line: bytes) -> None:
        """Send a question."""
        self.answer = b""
        self.asked = time.perf_counter()
        self.socket.send(line)

    def is_answered(self) -> bool:
        """Read what there is; tell whether the answer is whole."""
        try:
            self.answer += self.socket.recv(65536)
        except ssl.SSLWantReadError:
            return False
        end = self.answer.find(b"\n")
        return end > 0 and len(self.answer) - end - 1 == int(self.answer[20:end])


def call(calling: Calling) -> Found:
    """Ask on so many connections for so long."""
    context = ssl.create_default_context(cafile=calling.ca)
    context.load_cert_chain(calling.certificate, calling.key)
    callers = [Caller(calling, context) for _ in range(calling.connections)]
    by_number = {caller.socket.fileno(): caller for caller in callers}
    line = lines(calling)
    waits: list[float] = []
    with select.epoll() as ready:
        for number in by_number:
            ready.register(number, select.EPOLLIN)
        spent, begun = time.process_time(), time.perf_counter()
        for caller in callers:
            caller.ask(next(line))
        waiting = len(callers)
        while waiting:
            for number, _ in ready.poll():
                caller = by_number[number]
                if not caller.is_answered():
                    continue
                now = time.perf_counter()
                assert caller.answer[17:20] == b"ok ", caller.answer
                assert b"SUSPENDED" not in caller.answer, caller.answer
                waits.append(now - caller.asked)
                if now - begun < calling.seconds:
                    caller.ask(next(line))
                else:
                    waiting -= 1
    took, spent = time.perf_counter() - begun, time.process_time() - spent
    waits.sort()
    return Found(
        requests=len(waits),
        a_second=len(waits) / took,
        p50_ms=waits[len(waits) // 2] * 1000,
        p99_ms=waits[len(waits) * 99 // 100] * 1000,
        most_ms=waits[-1] * 1000,
        processor_us=spent * 1_000_000 / len(waits),
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(call(Calling(**json.load(sys.stdin))))))
