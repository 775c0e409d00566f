"""The limit: how fast PostgreSQL takes finished charges, with nothing to check and nothing to compute."""

import statistics
import threading
import time
from pathlib import Path

import psycopg2
import psycopg2.extensions

PIECE_OCTETS = 1 << 20
TIMES = 3


def dump(dsn: str, directory: Path, parts: int, which: str) -> list[Path]:
    """Write the finished charges as COPY BINARY, in as many files; *which*: a condition."""
    paths = []
    with psycopg2.connect(dsn) as connection, connection.cursor() as txn:
        for part in range(parts):
            path = directory / f"charges-{parts}-{part}"
            with path.open("wb") as file:
                txn.copy_expert(
                    f"COPY (SELECT * FROM bmu.charge WHERE account_id % {parts} = {part} AND {which})"
                    " TO STDOUT BINARY",
                    file,
                )
            paths.append(path)
    return paths


def make_table(dsn: str) -> None:
    """Make a table like charge: the same columns, checks, days and indexes; no foreign keys, no triggers."""
    with psycopg2.connect(dsn) as connection, connection.cursor() as txn:
        txn.execute("DROP TABLE IF EXISTS public.limit_charge")
        txn.execute(
            "CREATE TABLE public.limit_charge (LIKE bmu.charge INCLUDING CONSTRAINTS INCLUDING INDEXES)"
            " PARTITION BY RANGE (started_at)"
        )
        txn.execute(
            "SELECT right(relname, 8), pg_get_expr(relpartbound, oid) FROM pg_class"
            " WHERE relname ~ '^charge_[0-9]{8}$'"
        )
        for day, bounds in txn.fetchall():
            txn.execute(
                f"CREATE TABLE public.limit_charge_{day} PARTITION OF public.limit_charge {bounds}"
            )


def copy_all(dsn: str, paths: list[Path]) -> float:
    """Copy each file over a connection of its own, all at once; give the seconds until all is durable."""
    with psycopg2.connect(dsn) as connection:
        connection.autocommit = True
        connection.cursor().execute("CHECKPOINT")
    connection.close()

    def copy(path: Path) -> None:
        with psycopg2.connect(dsn) as own, own.cursor() as txn, path.open("rb") as file:
            txn.copy_expert("COPY public.limit_charge FROM STDIN BINARY", file, PIECE_OCTETS)
        own.close()

    threads = [threading.Thread(target=copy, args=(path,)) for path in paths]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def measure(dsn: str, directory: Path, connections: int, which: str = "true") -> float:
    """Give the seconds that all finished charges take over so many connections: the median, since they vary by a sixth."""
    paths = dump(dsn, directory, connections, which)
    taken = []
    for _ in range(TIMES):
        make_table(dsn)
        taken.append(copy_all(dsn, paths))
    for path in paths:
        path.unlink()
    return statistics.median(taken)
