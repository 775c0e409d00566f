"""The machine a benchmark ran on, and the memory that its processes took."""

import os
import platform
import threading
from collections.abc import Iterable
from pathlib import Path

import psycopg2.extensions

SAMPLE_SECONDS = 1.0


def describe(connection: psycopg2.extensions.connection | None) -> str:
    """Give processor, memory and versions in one line; that of PostgreSQL where one takes part."""
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) >> 20
    found = (
        f"{cpu}, {os.cpu_count()} cores, {memory} GiB, {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}"
    )
    if connection is None:
        return found
    with connection, connection.cursor() as txn:
        txn.execute("SHOW server_version")
        row = txn.fetchone()
    assert row is not None
    return f"{found}, PostgreSQL {row[0]}"


def children_of(parent: int) -> list[int]:
    """Give the processes that a process has started."""
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def share_kib(pid: int) -> int:
    """Give the memory of a process in KiB; what it shares with others is split among them (PSS)."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))


def processor_seconds(pids: Iterable[int]) -> float:
    """Give the processor time that processes have taken so far; of one that has ended, nothing."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


class Memory:
    """
    Samples the memory of the workers and of the database server, until told to end.

    Shapes:
        most_kib: of the moment at which all together took most, by name.
    """

    def __init__(self, workers: dict[str, int], postmaster: int) -> None:
        self._workers, self._postmaster = workers, postmaster
        self._ended = threading.Event()
        self.most_kib: dict[str, int] = {}
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            now = {name: share_kib(pid) for name, pid in self._workers.items()}
            now["postgres"] = sum(map(share_kib, self._server()))
            if sum(now.values()) > sum(self.most_kib.values()):
                self.most_kib = now

    def _server(self) -> Iterable[int]:
        return [self._postmaster, *children_of(self._postmaster)]
