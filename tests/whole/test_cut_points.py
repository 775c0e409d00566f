"""Two thousand cut wires: at every message of taking files in and of rating them, before it arrives and after it was done."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg2.extensions
import pytest
import usage_world as world
from bad_files import Truth, Writer
from conftest import Database
from cut_wire import Cut, Wire, wire
from offices import NeverStopped
from workplace import DAYS_BACK, check, lay

from bmuid.intake.chunk import Bench
from bmuid.intake.spool import Spool
from bmuid.store import wakeup
from bmuid.worker.arriving import Arriving
from bmuid.worker.rating import Rating

CUSTOMERS = 4
SEED = 5
POINTS_MIN = 2000
CHUNK_LINES = 3
# More messages than any transaction of the work has: then the work goes on uncut.
MESSAGES_MAX = 400


@dataclass
class Works:
    """The workers of the small company behind a wire that is cut again and again."""

    database: Database
    wire: Wire
    spool: Path
    watching: psycopg2.extensions.connection
    points: int = 0

    @property
    def dsn(self) -> str:
        """The connection string through the wire."""
        return (
            f"host={self.wire.directory} dbname={self.database.name} user=bmuid gssencmode=disable"
        )

    def cut_through(self, work: Callable[[psycopg2.extensions.connection], None]) -> None:
        """
        Work until there is nothing left, the connection cut at its first message, then at its second, and so on.

        Where the work stands is only known to the database: each try begins where the last commit was.
        """
        for cut in (Cut.BEFORE, Cut.AFTER):
            for at in range(1, MESSAGES_MAX):
                self.wire.plan(at, cut)
                self._try(work)
                if not self.wire.reached.is_set():
                    break
                self.points += 1
                self._ended()
        self.wire.plan(None)
        self._try(work)

    def _try(self, work: Callable[[psycopg2.extensions.connection], None]) -> None:
        try:
            with closing(wakeup.connect(self.dsn)) as connection:
                work(connection)
        except wakeup.LOST:
            return

    def _ended(self) -> None:
        """Return once the server has ended the sessions that were cut: until then they keep their locks."""
        while self.all(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        ):
            pass

    def all(self, statement: str) -> list[tuple[object, ...]]:
        """Give the rows of a query, asked beside the wire."""
        with self.watching, self.watching.cursor() as txn:
            txn.execute(statement)
            return txn.fetchall()

    def take_in(self, connection: psycopg2.extensions.connection) -> None:
        """Look into the spool once."""
        Arriving(Spool(self.spool), 1, NeverStopped()).scan(connection)

    def rate(self, connection: psycopg2.extensions.connection) -> None:
        """Rate all there is, as a worker that knows nothing of the one before."""
        worker = Rating(Bench(Spool(self.spool), DAYS_BACK, CHUNK_LINES), NeverStopped())
        while worker.step(connection):
            pass


@pytest.fixture
def works(database: Database, short_path: Path, tmp_path: Path) -> Iterator[Works]:
    """Give the workers."""
    with closing(database.connect("postgres")) as owner:
        world.found(owner, CUSTOMERS)
    with (
        wire(short_path, database.cluster.socket) as made,
        closing(database.connect("postgres")) as watching,
    ):
        yield Works(database, made, tmp_path / "spool", watching)


def test_nothing_is_lost_or_doubled_wherever_the_wire_is_cut(works: Works) -> None:
    """
    Good and bad files come in, and no message to the database is safe: in the end each line has its one verdict.

    The charges and what is left of the allowances are those of calls that nothing ever happened to.
    """
    truth, seen = Truth(CUSTOMERS), set[bytes]()
    expected: list[list[tuple[str, str]]] = []
    for number, file in enumerate(Writer(SEED, CUSTOMERS).files(10_000)):
        lay(works.spool, file, f"{number:05}.csv")
        works.cut_through(works.take_in)
        works.cut_through(works.rate)
        if file.octets not in seen:
            seen.add(file.octets)
            expected.append(truth.verdicts(file))
        if works.points >= POINTS_MIN:
            break

    check(lambda: works.database.connect("postgres"), truth, expected)
