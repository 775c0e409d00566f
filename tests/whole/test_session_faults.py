"""Whatever breaks while calls are told of in pieces: each is charged once, and to the last second."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg2.extensions
import pytest
import usage_world as world
from conftest import Database
from cut_wire import Cut, Wire, wire
from offices import NeverStopped
from pieces import CALLS, piece
from usage_world import put

from bmu.mediation import document_of
from bmuid.intake.assembly import Sessions
from bmuid.intake.chunk import Bench
from bmuid.intake.profiles import Profiles
from bmuid.intake.spool import Spool
from bmuid.store import assembled, wakeup
from bmuid.store.transaction import run
from bmuid.worker.arriving import Arriving
from bmuid.worker.assembling import Assembling
from bmuid.worker.rating import Rating

CUSTOMERS = 4
SECONDS_MAX = 60
MESSAGES_MAX = 400
KILLED_AT = range(2, 100, 7)
PROFILES = Profiles({CALLS.code: CALLS})
# As the intake worker does it, but for the time that it waits between two looks.
WORKER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from bmu.mediation import profile_of
from bmuid.intake.assembly import Sessions
from bmuid.intake.profiles import Profiles
from bmuid.intake.spool import Spool
from bmuid.store import wakeup
from bmuid.worker.assembling import Assembling
dsn, spool, document = sys.argv[1:]
profile = profile_of(document)
sessions = Sessions(Spool(Path(spool)), 36_500, 3, Profiles({profile.code: profile}))
worker, connection = Assembling(sessions, 1), wakeup.connect(dsn)
worker.put_away(connection)
while worker.step(connection, datetime.now(UTC)):
    pass
"""


@dataclass
class Works:
    """Who takes the pieces, behind a wire that is cut."""

    database: Database
    wire: Wire
    spool: Path
    watching: psycopg2.extensions.connection
    told: dict[str, int] = field(default_factory=dict)

    @property
    def dsn(self) -> str:
        """The connection string through the wire."""
        return (
            f"host={self.wire.directory} dbname={self.database.name} user=bmuid gssencmode=disable"
        )

    def hand_in(self, tag: str) -> None:
        """Have the switch tell of four calls, their pieces mixed, one twice; and that it began again while one went on."""
        calls = {f"{tag}.{n}": 60 + 10 * n for n in range(4)}
        lines = [
            *(piece(each, "stop", seconds) for each, seconds in calls.items()),
            *(piece(each, "interim", 30, customer=1) for each in calls),
            piece(f"{tag}.0", "stop", 60),
            piece(f"{tag}.x", "interim", 45),
            piece("", "boot", at=200 + len(self.told)),
            piece(f"{tag}.1", "start"),
        ]
        self.told |= {**calls, f"{tag}.x": 45}
        put(self.spool, tag, lines)
        Arriving(Spool(self.spool), 1, NeverStopped(), profiles=PROFILES).scan(self.watching)

    def assemble(self, connection: psycopg2.extensions.connection) -> None:
        """Take what there is, as a worker that knows nothing of the one before."""
        worker = Assembling(Sessions(Spool(self.spool), 36_500, 3, Profiles(PROFILES.ready)), 1)
        worker.put_away(connection)
        while worker.step(connection, datetime.now(UTC)):
            pass

    def cut_at(self, at: int, cut: Cut) -> bool:
        """Work over a wire that is cut at a message; False: there were not so many."""
        self.wire.plan(at, cut)
        try:
            with closing(wakeup.connect(self.dsn)) as connection:
                self.assemble(connection)
        except wakeup.LOST:
            pass
        reached = self.wire.reached.is_set()
        self.ended()
        return reached

    def kill_at(self, at: int) -> None:
        """Have a process killed at its at-th message to the database."""
        self.wire.plan(at, Cut.AFTER if at % 2 else Cut.BEFORE, kill=True)
        words = (sys.executable, "-c", WORKER, self.dsn, str(self.spool), document_of(CALLS))
        process = subprocess.run(words, stderr=subprocess.DEVNULL, timeout=SECONDS_MAX)
        assert process.returncode == -signal.SIGKILL
        self.wire.plan(None)
        self.ended()

    def ended(self) -> None:
        """Return once the server has ended what was cut: until then it keeps its locks."""
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

    def check(self) -> None:
        """Finish what is left, and compare with what was told."""
        self.assemble(self.watching)
        worker = Rating(Bench(Spool(self.spool), 36_500, 3, profiles=PROFILES), NeverStopped())
        while worker.step(self.watching):
            pass
        assert self.all("SELECT count(*) FROM usage_file WHERE state <> 'DONE'") == [(0,)]
        assert sorted(self.all("SELECT quantity FROM udr")) == sorted(
            (seconds,) for seconds in self.told.values()
        )
        books = run(self.watching, assembled.books, None)
        assert (books.hold, books.waiting, books.unwritten) == (True, 0, 0)
        assert list((self.spool / world.SOURCE / "assembled").iterdir()) == []


@pytest.fixture
def works(database: Database, short_path: Path, tmp_path: Path) -> Iterator[Works]:
    """Give the workers."""
    with closing(database.connect("postgres")) as owner:
        world.found(owner, CUSTOMERS)
    with (
        wire(short_path, database.cluster.socket) as made,
        closing(database.connect()) as watching,
    ):
        yield Works(database, made, tmp_path / "spool", watching)


@pytest.mark.parametrize("cut", list(Cut)[:2])
def test_nothing_is_lost_or_doubled_wherever_the_wire_is_cut(works: Works, cut: Cut) -> None:
    """At every message of taking records, making usage of them, writing and registering its file."""
    points = 0
    for number in range(2):
        works.hand_in(f"{number}")
        for at in range(1, MESSAGES_MAX):
            if not works.cut_at(at, cut):
                break
            points += 1
    works.check()

    assert points > 40


def test_a_process_that_is_killed_is_followed_by_one_that_finishes(works: Works) -> None:
    """kill -9 at any moment, between the file and its row too: each call is charged once."""
    for at in KILLED_AT:
        works.hand_in(f"{at}")
        works.kill_at(at)
    works.check()
