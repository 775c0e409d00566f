"""The database server dies and comes back while files come in: what was acknowledged is there, nothing is there twice."""

import itertools
import os
import select
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
from bad_files import Truth, Writer
from workplace import DATABASE, SECONDS_MAX, Workplace, check, lay, server_of_its_own

from bmuid import cluster as clusters
from bmuid.cluster import Cluster

CUSTOMERS = 4
SEED = 11
FILES_A_ROUND = 8
DEATHS = (signal.SIGQUIT, signal.SIGKILL, signal.SIGQUIT, signal.SIGKILL)
SETTINGS = {"fsync": "on", "synchronous_commit": "on", "shared_buffers": "32MB"}


def die(server: Cluster, number: signal.Signals) -> None:
    """Kill the server in the middle of what it does, with all its processes where it can't tell them itself."""
    postmaster = int((server.data / "postmaster.pid").read_text().partition("\n")[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    with ExitStack() as dying:
        processes = []
        for pid in (postmaster, *map(int, children)):
            with suppress(ProcessLookupError):
                processes.append(os.pidfd_open(pid))
                dying.callback(os.close, processes[-1])
        for process in processes if number is signal.SIGKILL else processes[:1]:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, number)
        for process in processes:
            assert select.select([process], [], [], SECONDS_MAX)[0], "a process of it lives on"


@pytest.fixture
def server(short_path: Path) -> Iterator[Cluster]:
    """Give a server of its own, with the small company on it."""
    with server_of_its_own(short_path / "server", CUSTOMERS, SETTINGS) as made:
        yield made


def test_the_books_are_right_after_every_death_of_the_server(
    server: Cluster, tmp_path: Path
) -> None:
    """The server dies while workers rate, every other time by kill -9 of all it is: each line ends once, each call is charged once."""

    def connect() -> psycopg2.extensions.connection:
        return psycopg2.connect(server.dsn(DATABASE, "postgres"))

    place = Workplace(server.dsn(DATABASE, "bmuid"), tmp_path / "spool", connect)
    truth = Truth(CUSTOMERS)
    written = Writer(SEED, CUSTOMERS).files(FILES_A_ROUND * (len(DEATHS) + 1))
    files = list({file.octets: file for file in written}.values())
    expected = [truth.verdicts(file) for file in files]
    names = itertools.count()
    with ExitStack() as workers:
        for kind in ("intake", "rating", "rating"):
            workers.enter_context(place.worker(kind))
        for number, death in enumerate(DEATHS):
            first = number * FILES_A_ROUND
            for file in files[first : first + FILES_A_ROUND]:
                lay(place.spool, file, f"{next(names):04}.csv")
            place.wait_until_done(first + FILES_A_ROUND // 2)
            die(server, death)
            clusters.start(server, SETTINGS)
        for file in files[len(DEATHS) * FILES_A_ROUND :]:
            lay(place.spool, file, f"{next(names):04}.csv")
        place.wait_until_done(len(files))

    check(connect, truth, expected)
