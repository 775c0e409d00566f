"""
How fast usage is rated again, against how fast PostgreSQL takes the finished charges.

In one run: a private PostgreSQL server (fsync on), a made-up company, an intake and two rating workers as shipped; a
file of call records that they rate; then a new price for each of the company's rates, so that every charge changes; a
plan of all accounts, computed; and what is measured: the plan carried out, from the order to its end. Each record is
read, its charge reversed, what it drew returned, and it is rated, drawn and written anew. Then the new charges are
copied into a table of the same columns, days and indexes without foreign keys and triggers: that is the limit.

    python benchmarks/rerating.py --records 250000 --runs 3
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import end_to_end
import limit
import machine
import psycopg2
import world

from bmuid.cluster import Cluster
from bmuid.intake.spool import Spool

# The most that a plan may say: the pace is not what is measured.
ACCOUNTS_A_SECOND = 10_000
RATIO_AIM = 0.2
LOOK_SECONDS = 0.05
AGAIN = "SELECT pg_notify('bmu_again', '')"
DEARER = """
    INSERT INTO bmu.revision (actor, note) VALUES ('benchmark', 'dearer');
    UPDATE bmu.rate SET until = 2;
    INSERT INTO bmu.rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since)
        SELECT code, rate_group, usage_class, location, rounding, kind, price_e11 + 1000000000, per, 2 FROM bmu.rate;
    ANALYZE
"""


@dataclass
class Run:
    """What one run measured, in seconds and KiB."""

    planned: float = 0.0
    seconds: float = 0.0
    limit_one: float = 0.0
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
    parser.add_argument("--accounts", type=int, default=0, help="default a tenth of the records")
    parser.add_argument("--prefixes", type=int, default=5000, help="number patterns")
    parser.add_argument("--runs", type=int, default=1, help="the median is told")
    parser.add_argument("--workers", type=int, default=2, help="rating workers")
    parser.add_argument(
        "--directory", type=Path, default=Path("/var/tmp"), help="where the server's data lie"
    )
    return parser.parse_args()


def wait_for(connection: psycopg2.extensions.connection, state: str) -> float:
    """Wait until the plan has a state; give the moment."""
    while True:
        with connection, connection.cursor() as txn:
            txn.execute("SELECT state FROM bmu.rerating")
            if txn.fetchone() == (state,):
                return time.perf_counter()
        time.sleep(LOOK_SECONDS)


def measure(cluster: Cluster, directory: Path, calls: Path, workers: int) -> Run:
    """Measure once, in a fresh copy of the company."""
    run = Run()
    end_to_end.execute(
        cluster.dsn("postgres", "postgres"),
        "DROP DATABASE IF EXISTS run",
        "CREATE DATABASE run TEMPLATE company",
        "ALTER DATABASE run SET search_path TO bmu",
        "ALTER DATABASE run SET timezone TO 'UTC'",
        "CHECKPOINT",
    )
    owner, dsn = cluster.dsn("run", "postgres"), cluster.dsn("run", "bmuid")
    spool = Path(tempfile.mkdtemp(prefix="spool-", dir=directory))
    Spool(spool).make(end_to_end.SOURCE)
    postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
    with ExitStack() as stack:
        watching = stack.enter_context(closing(psycopg2.connect(owner)))
        processes = [
            stack.enter_context(end_to_end.worker(kind, dsn, spool, workers))
            for kind in ["intake"] + ["rating"] * workers
        ]
        began = end_to_end.hand_in(spool, calls)
        took = end_to_end.wait_until_done(watching, 1, [each for each, _ in processes]) - began
        print(f"  rated for the first time: {took:.2f} s", flush=True)
        # As with the files of the whole path: a server that has run for a day has its write-ahead log.
        end_to_end.execute(
            owner,
            *DEARER.split(";"),
            "SELECT count(pg_logical_emit_message(false, 'fill', repeat('x', 1048576)))"
            f" FROM generate_series(1, {end_to_end.WAL_MIB})",
            "CHECKPOINT",
        )
        pids = {f"worker {n}": process.pid for n, (process, _) in enumerate(processes)}
        rate_again(run, owner, watching, pids, postmaster)
        check(watching)
    for _, times in processes[1:]:
        run.stages.append(json.loads(times.read_text(encoding="utf-8"))["stages"])
    run.limit_one = limit.measure(owner, directory, 1, "version = 2")
    shutil.rmtree(spool)
    return run


def rate_again(
    run: Run,
    owner: str,
    watching: psycopg2.extensions.connection,
    pids: dict[str, int],
    postmaster: int,
) -> None:
    """Have a plan of all accounts computed, and carried out."""
    began = time.perf_counter()
    end_to_end.execute(
        owner,
        "INSERT INTO bmu.rerating (actor, from_at, accounts_a_second)"
        f" VALUES ('benchmark', '2026-07-01', {ACCOUNTS_A_SECOND})",
        AGAIN,
    )
    run.planned = wait_for(watching, "PLANNED") - began
    server = [postmaster, *machine.children_of(postmaster)]
    spent = -machine.processor_seconds(pids.values()), -machine.processor_seconds(server)
    began = time.perf_counter()
    end_to_end.execute(
        owner, "UPDATE bmu.rerating SET state = 'RUNNING', run_by = 'benchmark'", AGAIN
    )
    run.seconds = wait_for(watching, "DONE") - began
    run.cpu_workers = spent[0] + machine.processor_seconds(pids.values())
    run.cpu_server = spent[1] + machine.processor_seconds(server)
    # Looked at in the end alone: to look takes a part of a processor.
    run.memory_kib = {name: most_kib(pid) for name, pid in pids.items()} | {
        "postgres": sum(map(machine.share_kib, server))
    }


def most_kib(pid: int) -> int:
    """Give the most memory that a process has had."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM:"))


def check(connection: psycopg2.extensions.connection) -> None:
    """See that every record has one charge that counts, a new one, and that the balances are the sums of the draws."""
    with connection, connection.cursor() as txn:
        txn.execute(
            "SELECT (SELECT count(*) FROM bmu.udr), count(*), count(*) FILTER (WHERE version = 2),"
            " (SELECT count(*) FROM bmu.charge_reversal WHERE version = 1),"
            " sum(amount_e11) FILTER (WHERE version = 1), sum(amount_e11) FILTER (WHERE version = 2)"
            " FROM bmu.charge"
        )
        row = txn.fetchone()
        assert row is not None
        records, charges, new, reversals, before, after = row
        txn.execute(
            "SELECT (SELECT sum(balance) FROM bmu.bucket), sum(quantity),"
            " count(*) FILTER (WHERE kind = 'RETURN'), count(*) FILTER (WHERE kind = 'DRAW') FROM bmu.draw"
        )
        row = txn.fetchone()
        assert row is not None
        balance, drawn, returns, draws = row
        assert balance == drawn, row
        assert 2 * records == charges == 2 * new == 2 * reversals, (
            records,
            charges,
            new,
            reversals,
        )
        print(
            f"  {records:,} charges, from {before:,} to {after:,}; {returns:,} returns, {draws:,} draws",
            flush=True,
        )


def tell(runs: list[Run], records: int) -> None:
    """Print what was measured: the medians."""
    seconds = statistics.median(run.seconds for run in runs)
    planned = statistics.median(run.planned for run in runs)
    one = statistics.median(run.limit_one for run in runs)
    ratio = statistics.median(run.limit_one / run.seconds for run in runs)
    print(f"a plan computed:            {records / planned:,.0f} records/s ({planned:.2f} s)")
    print(f"rated again:                {records / seconds:,.0f} records/s ({seconds:.2f} s)")
    print(f"limit, one connection:      {records / one:,.0f} charges/s ({one:.2f} s)")
    print(f"ratio to the limit:         {ratio:.3f} (aim {RATIO_AIM})")
    heaviest = max(runs, key=lambda run: sum(run.memory_kib.values())).memory_kib
    each = ", ".join(f"{name} {kib >> 10}" for name, kib in heaviest.items())
    print(f"memory, most of each:        {sum(heaviest.values()) >> 10} MiB ({each})")
    last = runs[-1]
    print(
        f"processor time of the last: workers {last.cpu_workers:.2f} s, server {last.cpu_server:.2f} s;"
        f" {(last.cpu_workers + last.cpu_server) / records * 1e6:.1f} us a record"
    )
    print(
        "stages of the last run, first rating and plan included, seconds and us a record; of them processor time:"
    )
    for stage in {stage for stages in last.stages for stage in stages}:
        took, worked = (
            sum(stages.get(stage, (0.0, 0.0))[n] for stages in last.stages) for n in (0, 1)
        )
        print(f"  {stage:<28}{took:8.2f}{took / records * 1e6:8.2f}{worked:8.2f}")


def main() -> None:
    """Measure and tell."""
    given = arguments()
    size = world.Size(given.records, given.accounts or given.records // 10, given.prefixes)
    with end_to_end.server(given.directory) as cluster:
        with closing(psycopg2.connect(cluster.dsn("postgres", "postgres"))) as connection:
            print(machine.describe(connection), flush=True)
        print(
            f"{size.records:,} records, {size.accounts:,} accounts and UIDs, {size.prefixes:,} prefixes,"
            f" {given.workers} rating workers; server: {end_to_end.SETTINGS}, fsync on",
            flush=True,
        )
        found = end_to_end.found_company(cluster, size)
        calls = cluster.directory / "calls"
        world.write_calls(calls, size, found, end_to_end.SEED)
        runs = []
        for number in range(given.runs):
            print(f"run {number + 1}", flush=True)
            runs.append(measure(cluster, cluster.directory, calls, given.workers))
            last = runs[-1]
            print(f"  {last.seconds:.2f} s; limit {last.limit_one:.2f} s", flush=True)
        tell(runs, size.records)


if __name__ == "__main__":
    main()
