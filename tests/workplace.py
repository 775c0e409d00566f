"""Worker processes of the small company, and what its database says of the files in the end."""

import itertools
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import psycopg2.extensions
import usage_world as world
from bad_files import File, Truth
from conftest import ROOT

from bmuid import cluster as clusters
from bmuid.cluster import Cluster

DATABASE = "bmuid"
SECONDS_MAX = 60
# From the first years of the century on: the calls are of days that do not move.
DAYS_BACK = 8500
Connect = Callable[[], psycopg2.extensions.connection]


@contextmanager
def server_of_its_own(
    directory: Path, customers: int, settings: Mapping[str, str]
) -> Iterator[Cluster]:
    """Run a server in that directory, with the small company on it."""
    made = clusters.create(directory)
    clusters.start(made, settings)
    with closing(psycopg2.connect(made.dsn("postgres", "postgres"))) as owner:
        owner.autocommit = True
        owner.cursor().execute(f"CREATE DATABASE {DATABASE} ENCODING 'UTF8' TEMPLATE template0")
    with closing(psycopg2.connect(made.dsn(DATABASE, "postgres"))) as owner:
        with owner:
            owner.cursor().execute((ROOT / "schema.sql").read_text(encoding="utf-8"))
        world.found(owner, customers)
    yield made
    clusters.stop(made)


def lay(spool: Path, file: File, name: str) -> None:
    """Have the switch hand in a file."""
    path = world.put(spool, f"{name}.part", [])
    path.write_bytes(file.octets)
    path.rename(path.with_name(name))


@dataclass(frozen=True, slots=True)
class Workplace:
    """
    Where worker processes run.

    Shapes:
        connect: opens a connection to the company's database as its superuser.
        environment: of the processes; none: that of the tests.
    """

    dsn: str
    spool: Path
    connect: Connect
    environment: Mapping[str, str] | None = None

    @contextmanager
    def worker(self, kind: str) -> Iterator[None]:
        """Run a worker process; in the end it is told to stop, and does."""
        code = (
            "import sys; from pathlib import Path; from bmuid.intake.spool import Spool;"
            "from bmuid.worker.main import KINDS, Settings; kind, dsn, spool = sys.argv[1:];"
            f"KINDS[kind](Settings(dsn, Spool(Path(spool)), parts=2, chunk_lines=2, days_back={DAYS_BACK}))"
        )
        words = (sys.executable, "-c", code, kind, self.dsn, str(self.spool))
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL, env=self.environment)
        try:
            yield
            process.terminate()
            assert process.wait(SECONDS_MAX) == 0
        finally:
            process.kill()
            process.wait()

    def wait_until_done(self, files: int) -> None:
        """Wait until so many files are done."""
        with closing(self.connect()) as watching:
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


def check(connect: Connect, truth: Truth, expected: list[list[tuple[str, str]]]) -> None:
    """Compare what is on the books with the truth: the verdict of each line, file by file, charges, allowances."""
    with closing(connect()) as owner, owner, owner.cursor() as txn:
        txn.execute(
            "SET search_path TO bmu; SELECT count(*) FROM usage_file WHERE state <> 'DONE'"
        )
        assert txn.fetchone() == (0,)
        txn.execute(
            "SELECT file_id, line_no, verdict, reason FROM verdict"
            " UNION ALL SELECT file_id, line_no, 'NEW', '' FROM udr ORDER BY 1, 2"
        )
        lines = itertools.groupby(txn.fetchall(), key=lambda line: line[0])
        assert [[(line[2], line[3]) for line in of_file] for _, of_file in lines] == expected
        txn.execute(
            "SELECT account_id, quantity, billable, amount_e11 FROM charge ORDER BY 1, 2, 3, 4"
        )
        assert txn.fetchall() == sorted(truth.charged)
        txn.execute("SELECT account_id, balance FROM bucket")
        assert dict(txn.fetchall()) == truth.left
