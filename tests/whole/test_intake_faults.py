"""Whatever breaks while files are taken in and rated: nothing is lost, nothing is charged twice."""

import itertools
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
import usage_world as world
from again import holds, live
from asking import Asking
from conftest import Database
from cut_wire import Cut, Wire, wire
from offices import Office
from usage_world import AWAY, HOME, MONDAY_NOON, UNPRICED, call, put

from bmuid.intake.chunk import Bench
from bmuid.intake.spool import Spool
from bmuid.store import wakeup
from bmuid.worker.arriving import Arriving
from bmuid.worker.rating import Rating

CUSTOMERS = 4
TRIES_MAX = 5
SECONDS_MAX = 60
PENCE = 10**9
MOMENTS = range(8, 92, 7)


class NeverStopped:
    """A process that nobody tells to stop."""

    def told(self) -> bool:
        """Nobody did."""
        return False

    def fileno(self) -> int:
        """Nothing to wait for."""
        return 0


@dataclass
class Books:
    """
    What the customers did in one month, and what must be on their accounts for it.

    Shapes:
        left: of each customer's allowance.
    """

    answered: datetime
    files: int = 0
    charges: int = 0
    amount_e11: int = 0
    left: dict[int, int] = field(default_factory=dict)

    def calls(self, tag: str) -> list[str]:
        """Make calls, note what they must cost, and give the switch's lines; one comes twice, one is no usage."""
        lines = []
        self.files += 1
        for n in range(6):
            customer, called, seconds = 1 + n % CUSTOMERS, (HOME, AWAY)[n % 3 == 0], 150 + n
            lines.append(call(f"{tag}.{n}", customer, called, seconds, self.answered))
            left = self.left.setdefault(customer, world.ALLOWANCE)
            covered = min(left, seconds) if called == HOME else 0
            self.left[customer] = left - covered
            self.charges += 1
            self.amount_e11 += (seconds - covered) * (10**8 if called == HOME else 10**9)
        return [*lines, lines[0], call(f"{tag}.x", 1, disposition="BUSY")]

    def check(self, connection: psycopg2.extensions.connection) -> None:
        """Compare with what the database has of the month."""
        with connection, connection.cursor() as txn:
            month = {
                "from_": self.answered - timedelta(days=3),
                "to": self.answered + timedelta(days=3),
            }
            txn.execute(
                "SELECT count(*), sum(amount_e11) FROM charge WHERE started_at BETWEEN %(from_)s AND %(to)s",
                month,
            )
            assert txn.fetchone() == (self.charges, self.amount_e11)
            txn.execute(
                "SELECT count(*) FROM udr WHERE started_at BETWEEN %(from_)s AND %(to)s", month
            )
            assert txn.fetchone() == (self.charges,)
            txn.execute(
                "SELECT account_id, balance FROM bucket WHERE during @> %(answered)s",
                {"answered": self.answered},
            )
            assert dict(txn.fetchall()) == self.left
            txn.execute(
                "SELECT account_id, sum(quantity) FROM draw"
                " WHERE started_at BETWEEN %(from_)s AND %(to)s GROUP BY account_id",
                month,
            )
            assert dict(txn.fetchall()) == self.left


def all_files_are_done(connection: psycopg2.extensions.connection, files: int) -> None:
    """Check that each file has the verdicts it must have."""
    with connection, connection.cursor() as txn:
        txn.execute(
            "SELECT state, new, duplicate, suspended, rejected, count(*) FROM usage_file GROUP BY 1, 2, 3, 4, 5"
        )
        assert txn.fetchall() == [("DONE", 6, 1, 0, 1, files)]


@dataclass
class Town:
    """The small company, reached over a wire that can be cut."""

    database: Database
    wire: Wire
    spool: Path
    watching: psycopg2.extensions.connection

    @property
    def dsn(self) -> str:
        """The connection string through the wire."""
        return (
            f"host={self.wire.directory} dbname={self.database.name} user=bmuid gssencmode=disable"
        )

    def work(self, kind: str) -> None:
        """Take in or rate all there is, connecting again when the wire was cut."""
        for _ in range(TRIES_MAX):
            try:
                with closing(wakeup.connect(self.dsn)) as connection:
                    if kind == "intake":
                        Arriving(Spool(self.spool), 1, NeverStopped()).scan(connection)
                        return
                    bench = Bench(Spool(self.spool), chunk_lines=5, days_back=36_500)
                    while Rating(bench, NeverStopped()).step(connection):
                        pass
                    return
            except wakeup.LOST:
                continue
        raise AssertionError("the wire was cut once")

    def work_the_rest(self) -> None:
        """Work what is left, without the wire: a server that still ends a cut session keeps its part for a moment."""
        bench = Bench(Spool(self.spool), chunk_lines=5, days_back=36_500)
        while True:
            Arriving(Spool(self.spool), 1, NeverStopped()).scan(self.watching)
            Rating(bench, NeverStopped()).step(self.watching)
            with self.watching, self.watching.cursor() as txn:
                txn.execute("SELECT count(*) FROM usage_file WHERE state = 'OPEN'")
                if txn.fetchone() == (0,):
                    return

    @contextmanager
    def process(self, kind: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a worker process over the wire; in the end it is gone."""
        code = (
            "import sys; from pathlib import Path; from bmuid.intake.spool import Spool;"
            "from bmuid.worker.main import KINDS, Settings; kind, dsn, spool = sys.argv[1:];"
            "KINDS[kind](Settings(dsn, Spool(Path(spool)), parts=1, chunk_lines=5, days_back=36_500))"
        )
        words = (sys.executable, "-c", code, kind, self.dsn, str(self.spool))
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def wait_until_done(self, files: int) -> None:
        """Wait until so many files are done."""
        with self.watching, self.watching.cursor() as txn:
            txn.execute("LISTEN bmu_done")
        while True:
            with self.watching, self.watching.cursor() as txn:
                txn.execute("SELECT count(*) FROM usage_file WHERE state = 'DONE'")
                if txn.fetchone() == (files,):
                    return
            assert select.select([self.watching], [], [], SECONDS_MAX)[0], "no file was finished"
            self.watching.poll()


@pytest.fixture
def town(database: Database, short_path: Path, tmp_path: Path) -> Iterator[Town]:
    """Give the company and the wire."""
    with closing(database.connect("postgres")) as owner:
        world.found(owner, CUSTOMERS)
    with (
        wire(short_path, database.cluster.socket) as made,
        closing(database.connect()) as watching,
    ):
        yield Town(database, made, tmp_path / "spool", watching)


def month(n: int) -> Books:
    """Open the books of the n-th month, whose days and allowances are new."""
    return Books(MONDAY_NOON.replace(year=2001 + n // 12, month=1 + n % 12, day=3))


class TestAWireThatIsCut:
    """At every message of the work on one file, before the server has it and after it has done it."""

    @pytest.mark.parametrize("kind", ["intake", "rating"])
    def test_loses_nothing_and_doubles_nothing(self, town: Town, kind: str) -> None:
        """However the connection breaks, the work is done once it is back, and done once."""
        all_books: dict[int, Books] = {}
        for at in itertools.count(1):
            for cut in (Cut.BEFORE, Cut.AFTER):
                # New days and allowances have to be made, in their turn, at every third message.
                books = all_books.setdefault(at // 3, month(at // 3))
                put(town.spool, f"{at}", books.calls(f"{at}{cut}"))
                if kind == "rating":
                    town.work("intake")
                town.wire.plan(at, cut)
                town.work(kind)
                cut_there = town.wire.reached.is_set()
                town.wire.plan(None)
                town.work_the_rest()
                books.check(town.watching)
            if not cut_there:
                break
        all_files_are_done(town.watching, 2 * at)
        assert at > {"intake": 5, "rating": 60}[kind]


class TestAProcessThatIsKilled:
    """kill -9 at any moment; another process goes on where the first one was."""

    def test_loses_nothing_and_doubles_nothing(self, town: Town) -> None:
        """A rating worker killed in the middle of its work is followed by one that finishes it."""
        moments = range(9, 99, 11)
        for files, at in enumerate(moments, 1):
            books = month(at)
            put(town.spool, f"{at}", books.calls(f"{at}"))
            town.work("intake")
            town.wire.plan(at, Cut.AFTER if at % 2 else Cut.BEFORE, kill=True)
            with town.process("rating") as killed:
                assert killed.wait(SECONDS_MAX) == -signal.SIGKILL
            with town.process("rating") as next_:
                town.wait_until_done(files)
                next_.terminate()
                assert next_.wait(SECONDS_MAX) == 0
            books.check(town.watching)
        all_files_are_done(town.watching, len(moments))

    def test_is_followed_by_one_that_takes_in_what_it_had_begun(self, town: Town) -> None:
        """An intake worker killed at its work leaves no file behind, and takes none in twice."""
        books = month(0)
        for at in range(1, 8):
            put(town.spool, f"{at}", books.calls(f"{at}"))
            town.wire.plan(at, Cut.AFTER if at % 2 else Cut.BEFORE, kill=True)
            with town.process("intake") as killed:
                assert killed.wait(SECONDS_MAX) == -signal.SIGKILL
            town.wire.plan(None)
            town.work_the_rest()
        books.check(town.watching)
        all_files_are_done(town.watching, 7)


class TestAProcessToldToStop:
    """SIGTERM lets a transaction finish."""

    def test_finishes_the_transaction_and_no_other(self, town: Town) -> None:
        """Told to stop in the middle of a chunk, a worker writes that chunk whole, and ends with status 0."""
        books = month(0)
        put(town.spool, "a", books.calls("a"))
        town.work("intake")
        town.wire.plan(60, Cut.HOLD)
        with town.process("rating") as told:
            assert town.wire.reached.wait(SECONDS_MAX)
            told.terminate()
            town.wire.go_on()
            assert told.wait(SECONDS_MAX) == 0
        with town.watching, town.watching.cursor() as txn:
            txn.execute("SELECT state, next_line FROM usage_file_part")
            assert txn.fetchall() == [("OPEN", 6)]
        town.work_the_rest()
        books.check(town.watching)


@pytest.fixture
def office(town: Town) -> Office:
    """Give workers of the same company, whose wire is whole."""
    return Office(town.database, town.watching, town.spool, parts=1)


@pytest.fixture
def asking(town: Town) -> Asking:
    """Give one who asks at the admin door."""
    return Asking(town.database)


def price(office: Office, place: str, pence: int) -> None:
    """Have a minute to a place cost that from now on; for nothing it has no price."""
    office.as_owner(
        "INSERT INTO revision (actor, note) VALUES ('test', 'price');"
        f"UPDATE rate SET until = (SELECT max(id) FROM revision) WHERE location = '{place}' AND until IS NULL;"
        "INSERT INTO rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since)"
        f" SELECT 'ALL/voice/{place}', 'ALL', 'voice', '{place}', 'SEC', 'STANDARD', {pence * PENCE}, 60, max(id)"
        f" FROM revision HAVING {pence} > 0"
    )


def killed(town: Town, at: int) -> None:
    """Have a rating worker killed at its at-th message to the database."""
    town.wire.plan(at, Cut.AFTER if at % 2 else Cut.BEFORE, kill=True)
    with town.process("rating") as worker:
        assert worker.wait(SECONDS_MAX) == -signal.SIGKILL
    town.wire.plan(None)


def test_a_worker_killed_at_rating_again_is_followed_by_one_that_finishes(
    town: Town, office: Office, asking: Asking
) -> None:
    """The price changes each time, and each time a worker dies of it: every call is charged once, at the last price."""
    lines = [
        call(f"1.{n}", 1 + n // 2, (AWAY, HOME)[n % 2], 60 + 540 * (n % 2))
        for n in range(2 * CUSTOMERS)
    ]
    office.hand_in("a.csv", lines)
    for number, at in enumerate(MOMENTS, 1):
        price(office, "33", 60 + number)
        price(office, "44", 6 + number)
        plan = asking.staff("rerate_plan", from_="2026-08-01").body["plan"]
        office.rate()
        asking.staff("rerate_run", id=str(plan["id"]), accounts_a_second="10000")
        killed(town, at)
        worker = Rating(Bench(Spool(town.spool), office.days_back), NeverStopped())
        while asking.staff("rerate_show", id=str(plan["id"])).body["plan"]["state"] != "DONE":
            worker.step(town.watching)

        assert holds(office)
        assert sorted(int(str(row[6])) for row in live(office)) == (
            [0] * CUSTOMERS + [(60 + number) * PENCE] * CUSTOMERS
        )
        assert office.balances() == dict.fromkeys(range(1, CUSTOMERS + 1), 0)


def test_a_worker_killed_at_trying_again_is_followed_by_one_that_finishes(
    town: Town, office: Office, asking: Asking
) -> None:
    """Calls wait for a price; when they have one, a worker dies of them: every call is charged, and once."""
    for number, at in enumerate(MOMENTS, 1):
        price(office, "881", 0)
        lines = [call(f"{at}.{n}", 1 + n, UNPRICED, 60) for n in range(CUSTOMERS)]
        assert office.hand_in(f"{at}.csv", lines)["suspended"] == CUSTOMERS
        price(office, "881", 300)
        asking.staff("suspense_retry", reason="NO_RATE")
        killed(town, at)
        while asking.staff("suspense_list").body["groups"]:
            office.rate()

        assert holds(office)
        assert [row[6] for row in live(office)] == [300 * PENCE] * (CUSTOMERS * number)
