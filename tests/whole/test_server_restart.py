"""The database server dies and comes back while files come in: what was acknowledged is there, nothing is there twice."""

import itertools
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
import usage_world as world
from bad_files import File, Truth, Writer
from conftest import ROOT

from bmuid import cluster as clusters
from bmuid.cluster import Cluster

CUSTOMERS = 4
SEED = 11
FILES_A_ROUND = 8
DEATHS = 4
DAYS_BACK = 8500
SECONDS_MAX = 60
DATABASE = "bmuid"
SETTINGS = {"fsync": "on", "synchronous_commit": "on", "shared_buffers": "32MB"}
KINDS = ("intake", "rating", "rating")


@dataclass(frozen=True, slots=True)
class Host:
    """A server of its own, and workers that go on through its deaths."""

    cluster: Cluster
    spool: Path

    def connect(self, role: str) -> psycopg2.extensions.connection:
        """Connect to the company's database."""
        return psycopg2.connect(self.cluster.dsn(DATABASE, role))

    def lay(self, file: File, name: str) -> None:
        """Have the switch hand in a file."""
        path = world.put(self.spool, f"{name}.part", [])
        path.write_bytes(file.octets)
        path.rename(path.with_name(name))

    @contextmanager
    def worker(self, kind: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker process; in the end it is told to stop, and does."""
        code = (
            "import sys; from pathlib import Path; from bmuid.intake.spool import Spool;"
            "from bmuid.worker.main import KINDS, Settings; kind, dsn, spool = sys.argv[1:];"
            f"KINDS[kind](Settings(dsn, Spool(Path(spool)), parts=2, chunk_lines=2, days_back={DAYS_BACK}))"
        )
        dsn = self.cluster.dsn(DATABASE, "bmuid")
        words = (sys.executable, "-c", code, kind, dsn, str(self.spool))
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        try:
            yield process
            process.terminate()
            assert process.wait(SECONDS_MAX) == 0
        finally:
            process.kill()
            process.wait()

    def wait_until_done(self, files: int) -> None:
        """Wait until so many files are done."""
        with closing(self.connect("postgres")) as watching:
            watching.autocommit = True
            txn = watching.cursor()
            txn.execute("LISTEN bmu_done")
            while True:
                txn.execute(
                    "SELECT count(*) >= %(files)s FROM bmu.usage_file WHERE state = 'DONE'",
                    {"files": files},
                )
                if txn.fetchone() == (True,):
                    return
                assert select.select([watching], [], [], SECONDS_MAX)[0], "no file was finished"
                watching.poll()

    def die(self, number: signal.Signals) -> None:
        """Kill the server in the middle of what it does, with all its processes where it can't tell them itself."""
        postmaster = int((self.cluster.data / "postmaster.pid").read_text().partition("\n")[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        dying = []
        for pid in (postmaster, *map(int, children)):
            try:
                dying.append(os.pidfd_open(pid))
            except ProcessLookupError:
                continue
        for process in dying if number is signal.SIGKILL else dying[:1]:
            try:
                signal.pidfd_send_signal(process, number)
            except ProcessLookupError:
                continue
        for process in dying:
            assert select.select([process], [], [], SECONDS_MAX)[0], (
                "a process of the server lives on"
            )
            os.close(process)


@pytest.fixture
def host(short_path: Path, tmp_path: Path) -> Iterator[Host]:
    """Give the small company on a server of its own."""
    made = clusters.create(short_path / "server")
    clusters.start(made, SETTINGS)
    with closing(psycopg2.connect(made.dsn("postgres", "postgres"))) as owner:
        owner.autocommit = True
        owner.cursor().execute(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0")
    with closing(psycopg2.connect(made.dsn(DATABASE, "postgres"))) as owner:
        with owner:
            owner.cursor().execute((ROOT / "schema.sql").read_text(encoding="utf-8"))
        world.found(owner, CUSTOMERS)
    yield Host(made, tmp_path / "spool")
    clusters.stop(made)


def test_the_books_are_right_after_every_death_of_the_server(host: Host) -> None:
    """The server dies while workers rate, every other time by kill -9 of all it is: each line ends once, each call is charged once."""
    truth = Truth(CUSTOMERS)
    files = list(Writer(SEED, CUSTOMERS).files(FILES_A_ROUND * (DEATHS + 1)))
    distinct = list({file.octets: file for file in files}.values())
    expected = [truth.verdicts(file) for file in distinct]
    names, done = itertools.count(), 0
    with ExitStack() as workers:
        for kind in KINDS:
            workers.enter_context(host.worker(kind))
        for death in range(DEATHS + 1):
            batch = distinct[death * FILES_A_ROUND : (death + 1) * FILES_A_ROUND]
            for file in batch if death < DEATHS else distinct[death * FILES_A_ROUND :]:
                host.lay(file, f"{next(names):04}.csv")
            if death < DEATHS:
                host.wait_until_done(done + FILES_A_ROUND // 2)
                host.die((signal.SIGQUIT, signal.SIGKILL)[death % 2])
                clusters.start(host.cluster, SETTINGS)
                done += FILES_A_ROUND
        host.wait_until_done(len(distinct))

    with closing(host.connect("postgres")) as owner, owner, owner.cursor() as txn:
        txn.execute("SET search_path TO bmu")
        txn.execute(
            "SELECT file_id, line_no, verdict, reason FROM verdict"
            " UNION ALL SELECT file_id, line_no, 'NEW', '' FROM udr ORDER BY 1, 2"
        )
        lines = itertools.groupby(txn.fetchall(), key=lambda line: line[0])
        found = [[(line[2], line[3]) for line in of_file] for _, of_file in lines]
        txn.execute(
            "SELECT account_id, quantity, billable, amount_e11 FROM charge ORDER BY 1, 2, 3, 4"
        )
        charged = txn.fetchall()
        txn.execute("SELECT account_id, balance FROM bucket")
        left = dict(txn.fetchall())
    assert found == expected
    assert charged == sorted(truth.charged)
    assert left == truth.left
