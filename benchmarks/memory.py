"""
What a rating worker's reference data cost: memory, loading, the first sight of a number, a change of one owner.

    python benchmarks/memory.py                                   # a quick look
    python benchmarks/memory.py --uids 1000000 --prefixes 200000  # the figures of the issue; minutes, to fill the database

A private PostgreSQL server holds the company; workers load it as `bmuid worker --kind rating` does, at the same time.
Memory is PSS: what processes share is split among them, so that their sum is what they take together.
"""

import argparse
import gc
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path

import machine
import psycopg2
import world
from end_to_end import HERE, SEED, SOURCE, execute, server

from bmu.mediation import BUILT_IN, Mediator, SourceSettings
from bmuid.cluster import Cluster, create, start, stop
from bmuid.intake.homes import Homes
from bmuid.intake.lines import Lines
from bmuid.intake.snapshot import Snapshots
from bmuid.store.transaction import run

WORKERS = 2
CHUNK_LINES = 100_000
ONE_CHANGE = """
    INSERT INTO bmu.revision (actor, note) VALUES ('benchmark', 'one change');
    UPDATE bmu.uid_history SET until = (SELECT max(id) FROM bmu.revision)
    WHERE id = (SELECT min(id) FROM bmu.uid_history WHERE until IS NULL)
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading a revision took, in seconds of the clock and of the processor, of a worker."""

    revision: int
    seconds: float
    processor: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What a glance at a line of a number took, in microseconds of the processor: for the first time, and again."""

    first: float
    again: float


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--uids", type=int, default=100_000, help="one an account")
    parser.add_argument("--prefixes", type=int, default=20_000)
    parser.add_argument(
        "--keep", type=Path, help="keep the server's data here, or use what is there"
    )
    return parser.parse_args()


@contextmanager
def company(given: argparse.Namespace) -> Iterator[Cluster]:
    """Run a server with a company of that size."""
    size = world.Size(0, given.uids, given.prefixes)
    if given.keep is None:
        with server(Path(tempfile.gettempdir())) as cluster:
            found(cluster, size)
            yield cluster
        return
    is_there = (given.keep / "data").exists()
    given.keep.mkdir(mode=0o755, exist_ok=True)
    cluster = create(given.keep)
    start(cluster, {"jit": "off", "shared_buffers": "256MB"})
    try:
        if not is_there:
            found(cluster, size)
        yield cluster
    finally:
        stop(cluster)


def found(cluster: Cluster, size: world.Size) -> None:
    """Fill the database; a million numbers go in without the checks that hold real ones, which would take minutes."""
    execute(cluster.dsn("postgres", "postgres"), "CREATE DATABASE company TEMPLATE template0")
    with closing(psycopg2.connect(cluster.dsn("company", "postgres"))) as connection:
        with connection, connection.cursor() as txn:
            txn.execute((HERE.parent / "schema.sql").read_text(encoding="utf-8"))
            txn.execute("ALTER TABLE bmu.uid_history DROP CONSTRAINT uid_one_owner")
        with connection, connection.cursor() as txn:
            txn.execute("SET session_replication_role TO replica")
        world.load(connection, size, SEED)
    execute(
        cluster.dsn("postgres", "postgres"),
        "ALTER DATABASE company SET search_path TO bmu",
        "ALTER DATABASE company SET timezone TO 'UTC'",
    )


def line(number: int) -> bytes:
    """Write the beginning of a call record, which is all that a glance looks at."""
    uid = f"4477{number * 7919 % 100_000_000:08d}"
    return (
        f'"A{number}","+{uid}","+4420","outbound","","","","","","","","",1,1,"","","",""'.encode()
    )


def work(dsn: str, part: int, uids: int, parent: Connection) -> None:
    """Be a worker: load when told to, then look at numbers."""
    gc.set_threshold(500_000, 100, 1000)
    snapshots = Snapshots()
    settings = SourceSettings(SOURCE, "Europe/London", "44", "0", "00")
    mediator = Mediator(BUILT_IN["asterisk-master-csv"], settings)
    with closing(psycopg2.connect(dsn)) as connection:
        while True:
            asked = parent.recv()
            if asked is None:
                return
            if isinstance(asked, int):
                began = time.perf_counter(), time.process_time()
                snapshot = run(connection, snapshots.at, asked)
                parent.send(
                    Loaded(asked, time.perf_counter() - began[0], time.process_time() - began[1])
                )
                continue
            homes = Homes(mediator, snapshot.owners, WORKERS)
            parent.send(Seen(_glances(homes, part, uids), _glances(homes, part, uids)))


def _glances(homes: Homes, part: int, uids: int) -> float:
    took, mine = 0.0, 0
    for first in range(1, uids + 1, CHUNK_LINES):
        some = [line(number) for number in range(first, min(uids + 1, first + CHUNK_LINES))]
        file = BytesIO(b"".join(each + b"\n" for each in some))
        lines = Lines(file, 0)
        while lines.more():
            began = time.process_time()
            glanced = homes.glance(lines, CHUNK_LINES, first + lines.count, part)
            took += time.process_time() - began
            mine += len(glanced[0])
    # But for those that earlier measurements took their owners.
    assert abs(mine - uids / WORKERS) < 100
    return took / uids * 1e6


def tell(what: str, said: str, pids: list[int]) -> None:
    """Print a step, and what the workers take after it."""
    each = [machine.share_kib(pid) >> 10 for pid in pids]
    print(f"{what:<34}{said:<44}{' + '.join(map(str, each))} = {sum(each)} MiB", flush=True)


def measure(cluster: Cluster, uids: int) -> None:
    """Let workers load, look, and load again after one change."""
    database, owner = cluster.dsn("company", "bmuid"), cluster.dsn("company", "postgres")
    spawn = multiprocessing.get_context("spawn")
    pipes = [spawn.Pipe() for _ in range(WORKERS)]
    workers = [
        spawn.Process(target=work, args=(database, part, uids, pipe[1]), daemon=True)
        for part, pipe in enumerate(pipes)
    ]
    for worker, (_, there) in zip(workers, pipes, strict=True):
        worker.start()
        # Theirs alone: who has died is noticed.
        there.close()
    pids = [worker.pid or 0 for worker in workers]

    def ask(what: object) -> list[object]:
        for here, _ in pipes:
            here.send(what)
        return [here.recv() for here, _ in pipes]

    def load(revision: int, what: str) -> None:
        found = [each for each in ask(revision) if isinstance(each, Loaded)]
        spent = max(each.seconds for each in found), sum(each.processor for each in found)
        most = max(map(peak_kib, pids)) >> 10
        tell(what, f"{spent[0]:.2f} s, processors {spent[1]:.2f} s; peak {most} MiB", pids)

    newest = "SELECT max(id) FROM bmu.revision"
    load(number(owner, newest), "load all")
    sights = [each for each in ask("look") if isinstance(each, Seen)]
    said = ", ".join(f"{each.first:.2f} and {each.again:.2f}" for each in sights)
    tell(f"glance at {uids:,} numbers, twice", f"{said} us a line", pids)
    for _ in range(2):
        execute(owner, ONE_CHANGE)
        load(number(owner, newest), "load after one change")
    ask_end(pipes)
    for worker in workers:
        worker.join()


def ask_end(pipes: list[tuple[Connection, Connection]]) -> None:
    """Tell the workers to end."""
    for here, _ in pipes:
        here.send(None)


def peak_kib(pid: int) -> int:
    """Give the most resident memory that a process ever had."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(row.split()[1]) for row in text.splitlines() if row.startswith("VmHWM"))


def number(dsn: str, query: str) -> int:
    """Give the number that a query gives."""
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as txn:
        txn.execute(query)
        row = txn.fetchone()
    assert row is not None
    return int(row[0])


def main() -> None:
    """Measure and tell."""
    given = arguments()
    with company(given) as cluster:
        with closing(psycopg2.connect(cluster.dsn("postgres", "postgres"))) as connection:
            print(machine.describe(connection), flush=True)
        print(
            f"{given.uids:,} UIDs, {given.prefixes:,} prefixes, {WORKERS} workers; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        measure(cluster, given.uids)


if __name__ == "__main__":
    main()
