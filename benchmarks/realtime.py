"""
How long a switch waits for a call to be rated and charged for good, through the TLS line protocol.

Starts a private server, a made-up company and `bmuid run --only realtime`; tells of calls on one connection, then on
many, each the next as soon as the last is answered; and prints medians over the rounds with the machine.

    python benchmarks/realtime.py [--connections 1,32,256] [--seconds 10] [--rounds 3] [--accounts 2000]
"""

import argparse
import itertools
import selectors
import shutil
import socket
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg2

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # a daemon is started as the tests start it

import machine  # noqa: E402
import world  # noqa: E402
from daemons import SERVER_NAME, Running, Site, make_site, running  # noqa: E402

from bmuid import cluster as clusters  # noqa: E402
from bmuid import pki  # noqa: E402
from bmuid.cluster import Cluster  # noqa: E402

SEED = 7
SOURCE = "pbx"
DATABASE = "bmuid"
GREETING = b"BMU 1\n"
PREFIXES = 10_000
# What does not hang on whatever else the machine does: processor time a request, of the three.
HEADINGS = "  a second   p50 ms   p99 ms   door us server us client us"

Line = Callable[[], bytes]


def lines(accounts: int, called: list[str], begun: str, operation: str = "usage_rate") -> Line:
    """Give what makes the line of one call after the other, each of the next account."""
    numbers = itertools.count(1)

    def line() -> bytes:
        number = next(numbers)
        uid = f"4477{(number % accounts + 1) * 7919 % 100000000:08d}"
        destination = called[number % len(called)]
        return (
            f"{number:016x} {operation} class=voice destination={destination} event={begun}-{number}"
            f" quantity={number % 300 + 1} started_at={begun} uid={uid}\n"
        ).encode()

    return line


class Caller:
    """One connection, and when its question was sent."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        plain = socket.create_connection(address)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname=SERVER_NAME)
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
        head, _, body = self.answer.partition(b"\n")
        words = head.split(b" ")
        return len(words) == 3 and len(body) == int(words[2])


def measure(
    address: tuple[str, int], context: ssl.SSLContext, connections: int, line: Line, seconds: float
) -> tuple[float, list[float]]:
    """Ask on so many connections for so long; give requests a second, and how long each waited in milliseconds."""
    callers = [Caller(address, context) for _ in range(connections)]
    waits: list[float] = []
    with selectors.DefaultSelector() as selector:
        for caller in callers:
            selector.register(caller.socket, selectors.EVENT_READ, caller)
        begun = time.perf_counter()
        for caller in callers:
            caller.ask(line())
        waiting = len(callers)
        while waiting:
            for key, _ in selector.select():
                caller = key.data
                if not caller.is_answered():
                    continue
                now = time.perf_counter()
                assert b" ok " in caller.answer, caller.answer
                assert b"SUSPENDED" not in caller.answer, caller.answer
                waits.append((now - caller.asked) * 1000)
                if now - begun < seconds:
                    caller.ask(line())
                else:
                    waiting -= 1
    took = time.perf_counter() - begun
    for caller in callers:
        caller.socket.close()
    return len(waits) / took, sorted(waits)


@contextmanager
def served(
    folder: Path, accounts: int
) -> Iterator[tuple[Running, ssl.SSLContext, list[str], Cluster]]:
    """Run the usage door over a made-up company."""
    cluster = clusters.create(folder / "cluster")
    clusters.start(cluster, {"fsync": "on", "synchronous_commit": "on", "shared_buffers": "512MB"})
    try:
        with closing(psycopg2.connect(cluster.dsn("postgres", "postgres"))) as connection:
            connection.autocommit = True
            connection.cursor().execute(
                f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0"
            )
        with closing(psycopg2.connect(cluster.dsn(DATABASE, "postgres"))) as owner:
            with owner, owner.cursor() as txn:
                txn.execute((ROOT / "schema.sql").read_text(encoding="utf-8"))
            found = world.load(owner, world.Size(0, accounts, PREFIXES), SEED)
            with owner, owner.cursor() as txn:
                txn.execute(
                    "INSERT INTO bmu.source (code, name, profile, time_zone, country_code, trunk_prefix,"
                    " international_prefix) VALUES (%s, 'S', 'asterisk-master-csv', 'Europe/London', '44', '0', '00')",
                    (SOURCE,),
                )
        site = make_site(folder, cluster.dsn(DATABASE, "bmuid").replace(" user=bmuid", ""))
        leaf = pki.issue(site.authority, SOURCE, pki.Purpose.CLIENT, (), datetime.now(UTC))
        write(site)
        with running(site, "--only", "realtime") as daemon:
            host, _, port = str(daemon.events[-1]["usage"]).rpartition(":")
            daemon.address = (host, int(port))
            called = [f"{digits}{'5551234'}"[:14] for digits in found]
            yield daemon, site.client_context(leaf), called, cluster
    finally:
        clusters.stop(cluster)


def write(site: Site) -> None:
    """Write a configuration with a usage door that does not hold back."""
    keys = ("port", "certificate", "key", "client_ca", "client_crl")
    usage = {key: site.settings["public"][key] for key in keys}
    site.write(usage=usage, **{f"usage.sources.{SOURCE}": {"requests_a_second": 100_000}})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", default="1,32,256")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--accounts", type=int, default=2000)
    options = parser.parse_args()
    counts = [int(text) for text in options.connections.split(",")]
    folder = Path(tempfile.mkdtemp(prefix="bmuid-bench-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        daemon, context, called, cluster = stack.enter_context(served(folder, options.accounts))
        with closing(psycopg2.connect(cluster.dsn(DATABASE, "postgres"))) as connection:
            print(machine.describe(connection))
        begun = datetime.now(UTC).strftime("%Y-%m-%dT%H%%3A%M%%3A%SZ")
        rate = lines(options.accounts, called, begun)
        quote = lines(options.accounts, called, begun, "usage_quote")
        # Each account's buckets of the month are granted once; that is not measured here.
        measure(daemon.address, context, 64, rate, max(3.0, options.accounts / 1000))
        postmaster = int((folder / "cluster" / "data" / "postmaster.pid").read_text().split()[0])
        print(f"{'median of ' + str(options.rounds):24}{HEADINGS}")
        for name, line, count in [
            *(("rated and committed", rate, count) for count in counts),
            *(("quoted", quote, count) for count in counts[:1]),
        ]:
            found = []
            for _ in range(options.rounds):
                before = processors(daemon, postmaster)
                each, waits = measure(daemon.address, context, count, line, options.seconds)
                spent = [
                    (after - then) * 1_000_000 / len(waits)
                    for after, then in zip(processors(daemon, postmaster), before, strict=True)
                ]
                found.append((each, waits[len(waits) // 2], waits[len(waits) * 99 // 100], *spent))
            middle = [statistics.median(values) for values in zip(*found, strict=True)]
            print(
                f"{name + f', {count}':24}{middle[0]:10.0f}{middle[1]:9.2f}{middle[2]:9.2f}"
                + "".join(f"{value:10.0f}" for value in middle[3:])
            )


def processors(daemon: Running, postmaster: int) -> tuple[float, float, float]:
    """Give the processor seconds that the door, the database server and this client have taken so far."""
    server = [postmaster, *machine.children_of(postmaster)]
    return (
        machine.processor_seconds([daemon.process.pid]),
        machine.processor_seconds(server),
        time.process_time(),
    )


if __name__ == "__main__":
    main()
