"""
How fast a file of call records becomes durable charges, against how fast PostgreSQL takes the finished charges.

In one run: a private PostgreSQL server (fsync on), a made-up company, an intake and two rating workers as shipped;
a first small file, so that the workers have loaded tariff and owners as they have on any day but their first; then
the file that is measured, from its rename in the spool to the moment it is done. Then the finished charges are
copied into a table of the same columns, days and indexes without foreign keys and triggers: that is the limit.

    python benchmarks/end_to_end.py --records 1000000 --runs 3
"""

import argparse
import json
import os
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import limit
import machine
import psycopg2
import world

from bmuid import cluster as clusters
from bmuid.cluster import Cluster
from bmuid.intake.spool import Spool

HERE = Path(__file__).parent
SOURCE = "switch"
SEED = 20261121
SETTINGS = {
    "shared_buffers": "256MB",
    "min_wal_size": "4GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "jit": "off",
}
WARM_UP_RECORDS = 2000
WATCH_SECONDS = 10
# As much as a run writes, so that neither it nor the limit has to make files for it: a server that has run for a
# day has them.
WAL_MIB = 1536
RATIO_AIM = 0.5
MEMORY_AIM_KIB = 1 << 20


@dataclass
class Run:
    """What one run measured, in seconds and KiB."""

    seconds: float = 0.0
    limit_one: float = 0.0
    limit_two: float = 0.0
    memory_kib: dict[str, int] = field(default_factory=dict)
    stages: list[dict[str, tuple[float, float]]] = field(default_factory=list)
    cpu_workers: float = 0.0
    cpu_server: float = 0.0


def arguments() -> argparse.Namespace:
    """Read the command line; the defaults give a first idea in about a minute."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument(
        "--accounts",
        type=int,
        default=0,
        help="accounts, each with one UID; default a tenth of the records",
    )
    parser.add_argument(
        "--prefixes",
        type=int,
        default=0,
        help="number patterns; default a twentieth of the records",
    )
    parser.add_argument("--runs", type=int, default=1, help="the median is told")
    parser.add_argument("--workers", type=int, default=2, help="rating workers")
    parser.add_argument(
        "--directory", type=Path, default=Path("/var/tmp"), help="where the server's data lie"
    )
    return parser.parse_args()


@contextmanager
def server(parent: Path) -> Iterator[Cluster]:
    """Run a private server."""
    directory = Path(tempfile.mkdtemp(prefix="bmuid-bench-", dir=parent))
    directory.chmod(0o755)
    try:
        made = clusters.create(directory)
        clusters.start(made, SETTINGS)
        try:
            yield made
        finally:
            clusters.stop(made)
    finally:
        shutil.rmtree(directory)


def execute(dsn: str, *statements: str) -> None:
    """Run statements, each in a transaction of its own or none."""
    with closing(psycopg2.connect(dsn)) as connection:
        connection.autocommit = True
        for statement in statements:
            connection.cursor().execute(statement)


def found_company(cluster: Cluster, size: world.Size) -> dict[str, str]:
    """Make the database that each run starts from; give the number patterns."""
    execute(cluster.dsn("postgres", "postgres"), "CREATE DATABASE company TEMPLATE template0")
    with closing(psycopg2.connect(cluster.dsn("company", "postgres"))) as connection:
        with connection, connection.cursor() as txn:
            txn.execute((HERE.parent / "schema.sql").read_text(encoding="utf-8"))
        found = world.load(connection, size, SEED)
        with connection, connection.cursor() as txn:
            txn.execute(
                "INSERT INTO bmu.source (code, name, profile, time_zone, country_code, trunk_prefix, international_prefix)"
                " VALUES (%s, 'Switch', 'asterisk-master-csv', 'Europe/London', '44', '0', '00')",
                (SOURCE,),
            )
    return found


@contextmanager
def worker(
    kind: str, dsn: str, spool: Path, parts: int
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run a worker process; in the end it has written its times."""
    times = spool.parent / f"times-{kind}-{os.urandom(4).hex()}"
    command = (
        sys.executable,
        str(HERE / "timed_worker.py"),
        kind,
        dsn,
        str(spool),
        str(parts),
        str(times),
    )
    process = subprocess.Popen(command)
    try:
        yield process, times
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        process.kill()
        process.wait()


def hand_in(spool: Path, path: Path) -> float:
    """Hand in a file; give the moment."""
    # It was written just now; one that was sent has been on its way to the disk meanwhile.
    os.sync()
    arriving = spool / SOURCE / "in" / f".{path.name}"
    os.link(path, arriving)
    began = time.perf_counter()
    arriving.rename(arriving.with_name(path.name))
    return began


def wait_until_done(
    connection: psycopg2.extensions.connection,
    files: int,
    processes: list[subprocess.Popen[bytes]],
) -> float:
    """Wait until so many files are done; give the moment."""
    while all(process.poll() is None for process in processes):
        with connection, connection.cursor() as txn:
            txn.execute("LISTEN bmu_done")
            txn.execute("SELECT count(*) FROM bmu.usage_file WHERE state = 'DONE'")
            if txn.fetchone() == (files,):
                return time.perf_counter()
        select.select([connection], [], [], WATCH_SECONDS)
        connection.poll()
        connection.notifies.clear()
    raise RuntimeError("a worker has ended")


def measure(cluster: Cluster, directory: Path, calls: list[Path], workers: int) -> Run:
    """Measure once, in a fresh copy of the company."""
    run = Run()
    execute(
        cluster.dsn("postgres", "postgres"),
        "DROP DATABASE IF EXISTS run",
        "CREATE DATABASE run TEMPLATE company",
        "ALTER DATABASE run SET search_path TO bmu",
        "ALTER DATABASE run SET timezone TO 'UTC'",
        "CHECKPOINT",
    )
    owner, dsn = cluster.dsn("run", "postgres"), cluster.dsn("run", "bmuid")
    spool = Path(tempfile.mkdtemp(prefix="spool-", dir=directory))
    Spool(spool).make(SOURCE)
    postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
    with ExitStack() as stack:
        watching = stack.enter_context(closing(psycopg2.connect(owner)))
        processes = [
            stack.enter_context(worker(kind, dsn, spool, workers))
            for kind in ["intake"] + ["rating"] * workers
        ]
        alive = [process for process, _ in processes]
        names = ["intake"] + [f"rating {n + 1}" for n in range(workers)]
        began = hand_in(spool, calls[0])
        print(f"  warm-up: {wait_until_done(watching, 1, alive) - began:.1f} s", flush=True)
        execute(
            owner,
            "SELECT count(pg_logical_emit_message(false, 'fill', repeat('x', 1048576)))"
            f" FROM generate_series(1, {WAL_MIB})",
            "CHECKPOINT",
        )
        pids = {name: process.pid for name, (process, _) in zip(names, processes, strict=True)}
        # The workers' connections last from the warm-up to the end, so all that worked is among these.
        server = [postmaster, *machine.children_of(postmaster)]
        with machine.Memory(pids, postmaster) as memory:
            spent = -machine.processor_seconds(pids.values()), -machine.processor_seconds(server)
            began = hand_in(spool, calls[1])
            run.seconds = wait_until_done(watching, 2, alive) - began
            run.cpu_workers = spent[0] + machine.processor_seconds(pids.values())
            run.cpu_server = spent[1] + machine.processor_seconds(server)
        run.memory_kib = memory.most_kib
        check(watching, calls[1])
    for _, times in processes[1:]:
        told = json.loads(times.read_text(encoding="utf-8"))
        run.stages.append(told["stages"])
    run.limit_one = limit.measure(owner, directory, 1)
    run.limit_two = limit.measure(owner, directory, 2)
    shutil.rmtree(spool)
    return run


def check(connection: psycopg2.extensions.connection, path: Path) -> None:
    """See that every record was charged once, and that the balances are the sums of the draws."""
    with connection, connection.cursor() as txn:
        txn.execute("SELECT new, lines FROM bmu.usage_file WHERE name = %s", (path.name,))
        row = txn.fetchone()
        assert row is not None
        assert row[0] == row[1], row
        txn.execute("SELECT count(*), sum(billable), sum(amount_e11) FROM bmu.charge")
        charged = txn.fetchone()
        txn.execute(
            "SELECT (SELECT sum(balance) FROM bmu.bucket), (SELECT sum(quantity) FROM bmu.draw),"
            " (SELECT count(*) FROM bmu.draw WHERE kind = 'DRAW'), (SELECT count(*) FROM bmu.bucket)"
        )
        balances = txn.fetchone()
        assert balances is not None
        assert balances[0] == balances[1]
        print(
            f"  charges, seconds paid for, amount: {charged}; draws {balances[2]}, buckets {balances[3]}",
            flush=True,
        )


def tell(runs: list[Run], records: int) -> None:
    """Print what was measured: the medians."""

    def median(values: list[float]) -> float:
        return statistics.median(values)

    seconds = median([run.seconds for run in runs])
    one, two = median([run.limit_one for run in runs]), median([run.limit_two for run in runs])
    ratio = median([run.limit_one / run.seconds for run in runs])
    print(f"file in to durable charges: {records / seconds:,.0f} records/s ({seconds:.2f} s)")
    print(f"limit, one connection:      {records / one:,.0f} charges/s ({one:.2f} s)")
    print(f"limit, two connections:     {records / two:,.0f} charges/s ({two:.2f} s)")
    print(
        f"ratio to the limit of one:  {ratio:.3f} (aim {RATIO_AIM}); of two: {median([r.limit_two / r.seconds for r in runs]):.3f}"
    )
    heaviest = max(runs, key=lambda run: sum(run.memory_kib.values())).memory_kib
    each = ", ".join(f"{name} {kib >> 10}" for name, kib in heaviest.items())
    print(
        f"memory, most at a time:     {sum(heaviest.values()) >> 10} MiB ({each}; aim {MEMORY_AIM_KIB >> 10})"
    )
    last = runs[-1]
    print(
        "stages of the last run, warm-up included: seconds, and of the worker's own processor time"
    )
    total: dict[str, tuple[float, float]] = {}
    for stages in last.stages:
        for stage, (took, worked) in stages.items():
            before = total.get(stage, (0.0, 0.0))
            total[stage] = (before[0] + took, before[1] + worked)
    for stage, (took, worked) in sorted(total.items(), key=lambda item: -item[1][0]):
        print(f"  {stage:<24}{took:8.2f}{worked:8.2f}")
    print(
        f"  (both rating workers together: {sum(took for took, _ in total.values()):.2f} s)\n"
        f"processor time of that run: workers {last.cpu_workers:.2f} s, server {last.cpu_server:.2f} s"
    )


def main() -> None:
    """Measure and tell."""
    given = arguments()
    size = world.Size(
        given.records, given.accounts or given.records // 10, given.prefixes or given.records // 20
    )
    with server(given.directory) as cluster:
        with closing(psycopg2.connect(cluster.dsn("postgres", "postgres"))) as connection:
            print(machine.describe(connection), flush=True)
        print(f"{size.records:,} records, {size.accounts:,} accounts and UIDs, {size.prefixes:,} prefixes,"
              f" {given.workers} rating workers; server: {SETTINGS}, fsync on", flush=True)  # fmt: skip
        found = found_company(cluster, size)
        calls = []
        for name, records, seed in (
            ("warm-up", WARM_UP_RECORDS, SEED + 1),
            ("calls", size.records, SEED),
        ):
            calls.append(cluster.directory / name)
            world.write_calls(
                calls[-1], world.Size(records, size.accounts, size.prefixes), found, seed
            )
        runs = []
        for number in range(given.runs):
            print(f"run {number + 1}", flush=True)
            runs.append(measure(cluster, cluster.directory, calls, given.workers))
            print(
                f"  {runs[-1].seconds:.2f} s; limit {runs[-1].limit_one:.2f} s and {runs[-1].limit_two:.2f} s",
                flush=True,
            )
        tell(runs, size.records)


if __name__ == "__main__":
    main()
