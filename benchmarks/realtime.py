"""
How long a switch waits for a call to be rated and charged for good, through the TLS line protocol.

Starts a private server, a made-up company and `bmuid run --only realtime`; sources in a process of their own tell of
calls on one connection, then on many, each the next as soon as the last is answered. Prints medians over the rounds
with the machine, and how long it takes to flush a page to its disk, which every single commit waits for.

    python benchmarks/realtime.py [--connections 1,32,256] [--seconds 10] [--rounds 3] [--accounts 2000]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg2

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # a daemon is started as the tests start it

import machine  # noqa: E402
import world  # noqa: E402
from callers import Calling, Found  # noqa: E402
from daemons import SERVER_NAME, Running, Site, make_site, running  # noqa: E402

from bmuid import cluster as clusters  # noqa: E402
from bmuid import pki  # noqa: E402
from bmuid.cluster import Cluster  # noqa: E402

SEED = 7
SOURCE = "pbx"
DATABASE = "bmuid"
FLUSHES = 500
CALLERS = Path(__file__).with_name("callers.py")
PREFIXES = 10_000
# What does not hang on whatever else the machine does: processor time a request, of the three.
HEADINGS = "  a second   p50 ms   p99 ms   door us server us client us"


@contextmanager
def served(folder: Path, accounts: int) -> Iterator[tuple[Running, pki.Leaf, list[str], Cluster]]:
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
            yield daemon, leaf, called, cluster
    finally:
        clusters.stop(cluster)


def write(site: Site) -> None:
    """Write a configuration with a usage door that does not hold back."""
    keys = ("port", "certificate", "key", "client_ca", "client_crl")
    usage = {key: site.settings["public"][key] for key in keys}
    site.write(usage=usage, **{f"usage.sources.{SOURCE}": {"requests_a_second": 100_000}})


@dataclass(slots=True)
class Sources:
    """Sources at the door of a daemon; what they call, and the number of the next call."""

    daemon: Running
    postmaster: int
    leaf: pki.Leaf
    called: list[str]
    begun: str
    accounts: int
    next: int = 1

    def call(self, operation: str, connections: int, seconds: float) -> list[float]:
        """Call for so long; give requests a second, p50, p99, and the processor time a request of all three."""
        host, port = self.daemon.address
        calling = Calling(
            host=host,
            port=port,
            name=SERVER_NAME,
            ca=str(self.daemon.site.authority.certificate),
            certificate=str(self.leaf.certificate),
            key=str(self.leaf.key),
            connections=connections,
            seconds=seconds,
            operation=operation,
            first=self.next,
            accounts=self.accounts,
            called=self.called,
            begun=self.begun,
        )
        before = processors(self.daemon, self.postmaster)
        ran = subprocess.run(
            [sys.executable, str(CALLERS)],
            input=json.dumps(asdict(calling)).encode(),
            stdout=subprocess.PIPE,
            check=True,
        )
        after = processors(self.daemon, self.postmaster)
        found = Found(**json.loads(ran.stdout))
        self.next += found.requests + connections
        spent = [
            (now - then) * 1_000_000 / found.requests
            for now, then in zip(after, before, strict=True)
        ]
        return [found.a_second, found.p50_ms, found.p99_ms, *spent, found.processor_us]


def flush_ms(folder: Path) -> tuple[float, float]:
    """Give how long it takes to flush a page to the disk: half of the times at most, and 99 of 100."""
    took = []
    with (folder / "flushed").open("wb", buffering=0) as file:
        for _ in range(FLUSHES):
            file.write(bytes(8192))
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    return took[len(took) // 2], took[len(took) * 99 // 100]


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
        daemon, leaf, called, cluster = stack.enter_context(served(folder, options.accounts))
        with closing(psycopg2.connect(cluster.dsn(DATABASE, "postgres"))) as connection:
            print(machine.describe(connection))
        print("a page flushed to its disk: p50 {:.2f} ms, p99 {:.2f} ms".format(*flush_ms(folder)))
        postmaster = int((folder / "cluster" / "data" / "postmaster.pid").read_text().split()[0])
        begun = datetime.now(UTC).strftime("%Y-%m-%dT%H%%3A%M%%3A%SZ")
        sources = Sources(daemon, postmaster, leaf, called, begun, options.accounts)
        # Each account's buckets of the month are granted once; that is not measured here.
        sources.call("usage_rate", 64, max(3.0, options.accounts / 1000))
        print(f"{'median of ' + str(options.rounds):24}{HEADINGS}")
        for name, operation, count in [
            *(("rated and committed", "usage_rate", count) for count in counts),
            *(("quoted", "usage_quote", count) for count in counts[:1]),
        ]:
            found = [
                sources.call(operation, count, options.seconds) for _ in range(options.rounds)
            ]
            middle = [statistics.median(values) for values in zip(*found, strict=True)]
            print(
                f"{name + f', {count}':24}{middle[0]:10.0f}{middle[1]:9.2f}{middle[2]:9.2f}"
                + "".join(f"{value:10.0f}" for value in middle[3:])
            )


def processors(daemon: Running, postmaster: int) -> tuple[float, float]:
    """Give the processor seconds that the door and the database server have taken so far."""
    server = [postmaster, *machine.children_of(postmaster)]
    return machine.processor_seconds([daemon.process.pid]), machine.processor_seconds(server)


if __name__ == "__main__":
    main()
