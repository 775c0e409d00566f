"""RADIUS accounting: requests a second that are answered once they are durable, by a receiver in a process of its own."""

import hashlib
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

SECRET = b"a shared secret, long"
SOURCE = "bras"
SOCKETS = 16
SECONDS_MAX = 10


def attribute(number: int, value: bytes) -> bytes:
    """Write an attribute."""
    return bytes((number, len(value) + 2)) + value


def number(value: int) -> bytes:
    """Write a number."""
    return struct.pack(">I", value % 2**32)


def request(session: int) -> bytes:
    """Write an interim update as an access concentrator sends it, 17 attributes."""
    attributes = [
        (40, number(3)), (44, b"%08X" % session), (1, b"user%d@isp.example" % (session % 10_000)), (4, bytes((192, 0, 2, 1))),
        (32, b"bras-1"), (5, number(session)), (87, b"ge-0/0/1:%d" % (session % 4096)), (61, number(15)),
        (8, bytes((198, 51, 100, 7))), (31, b"00:00:5e:00:53:01"), (42, number(session)), (52, number(1)),
        (43, number(session)), (53, number(2)), (46, number(600)), (55, number(1_790_000_000)), (41, number(0)),
    ]  # fmt: skip
    body = b"".join(attribute(*each) for each in attributes)
    head = struct.pack(">BBH", 4, session % 256, 20 + len(body))
    return head + hashlib.md5(head + bytes(16) + body + SECRET).digest() + body


@dataclass
class Client:
    """One socket: sends the next request while fewer than so many wait for their answers."""

    requests: list[bytes]
    window: int
    link: socket.socket
    sent: int = 0
    waits: dict[int, float] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)

    def send(self) -> None:
        """Send what may be sent."""
        while len(self.waits) < self.window and self.sent < len(self.requests):
            octets = self.requests[self.sent]
            self.waits[octets[1]] = time.perf_counter()
            self.link.send(octets)
            self.sent += 1

    def receive(self) -> None:
        """Read the answers that are there."""
        try:
            while True:
                identifier = self.link.recv(4096)[1]
                self.took.append(time.perf_counter() - self.waits.pop(identifier))
        except BlockingIOError:
            return


def measure(requests: int, outstanding: int) -> None:
    """Send so many requests, with so many waiting for their answers at a time."""
    directory = Path(tempfile.mkdtemp(prefix="bmuid-radius-", dir="/var/tmp"))
    (directory / SOURCE / "in").mkdir(parents=True)
    code = "import radius, sys; radius.serve(sys.argv[1])"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(directory)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent,
    ) as server:
        try:
            assert server.stdout is not None
            host, _, port = server.stdout.readline().decode().strip().rpartition(":")
            _send(requests, outstanding, (host, int(port)))
        finally:
            server.terminate()
    kept = sum(
        len(path.read_bytes().splitlines()) for path in (directory / SOURCE / "in").iterdir()
    )
    shutil.rmtree(directory)
    assert kept == requests, f"{kept} rows of {requests}"


def _send(requests: int, outstanding: int, address: tuple[str, int]) -> None:
    clients = {}
    # Identifiers of a client's requests that wait must differ.
    window = min(outstanding // SOCKETS, 255)
    for n in range(SOCKETS):
        link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        link.connect(address)
        link.settimeout(0)
        written = [request(n * 1_000_000 + k) for k in range(requests // SOCKETS)]
        clients[link.fileno()] = Client(written, window, link)
    poll = select.epoll()
    for descriptor in clients:
        poll.register(descriptor, select.EPOLLIN)
    began = time.perf_counter()
    done = 0
    while done < requests // SOCKETS * SOCKETS:
        for client in clients.values():
            client.send()
        events = poll.poll(SECONDS_MAX)
        assert events, f"no answer any more after {done}"
        for descriptor, _ in events:
            clients[descriptor].receive()
        done = sum(len(client.took) for client in clients.values())
    seconds = time.perf_counter() - began
    took = sorted(each for client in clients.values() for each in client.took)
    print(
        f"radius           {done / seconds:11,.0f} requests/s answered after their rows were durable; {window * SOCKETS} wait at"
        f" a time: half within {took[len(took) // 2] * 1000:.1f} ms, 99 of 100 within {took[len(took) * 99 // 100] * 1000:.1f} ms"
    )


def serve(directory: str) -> None:
    """Be the receiver until SIGTERM."""
    from twisted.internet import reactor  # noqa: PLC0415 - only the receiver needs what follows

    from bmuid.config import RadiusClient, RadiusDoor, Spool  # noqa: PLC0415
    from bmuid.daemon.accounting import RadiusReceiver  # noqa: PLC0415

    client = RadiusClient("here", ip_network("127.0.0.0/8"), SOURCE, SECRET)
    door = RadiusDoor("127.0.0.1", 0, (client,), 10_000, 64 << 20, 30, 4 << 20)
    spool = Spool(Path(directory), 400, 1 << 20, 0, 1 << 30)
    receiver = RadiusReceiver(door, spool, reactor)
    receiver.startService()
    print(receiver.address, flush=True)
    reactor.addSystemEventTrigger("before", "shutdown", receiver.stopService)
    reactor.run()
