"""The workers of one database and spool, run by a test, a step at a time."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2.extensions
import usage_world as world
from conftest import Database
from usage_world import put

from bmu.rating import TaxService
from bmuid.intake.chunk import Bench
from bmuid.intake.snapshot import Snapshots
from bmuid.intake.spool import Spool
from bmuid.store import files_view
from bmuid.worker.arriving import Arriving
from bmuid.worker.rating import Rating

CUSTOMERS = 9


class NeverStopped:
    """A process that nobody tells to stop."""

    def told(self) -> bool:
        """Nobody did."""
        return False

    def fileno(self) -> int:
        """Nothing to wait for."""
        return 0


@dataclass
class Office:
    """The workers of one database and spool, run in this process, a step at a time; *taxed_by* says the taxes."""

    database: Database
    connection: psycopg2.extensions.connection
    spool: Path
    parts: int = 2
    chunk_lines: int = 100_000
    days_back: int = 36_500  # the calls below are of a day that does not move
    taxed_by: TaxService | None = None

    def take_in(self) -> None:
        """Look into the spool once."""
        Arriving(Spool(self.spool), self.parts, NeverStopped()).scan(self.connection)

    def rate(self) -> None:
        """Rate until there is nothing left to rate."""
        snapshots = Snapshots(self.taxed_by)
        bench = Bench(Spool(self.spool), self.days_back, self.chunk_lines, snapshots)
        worker = Rating(bench, NeverStopped())
        while worker.step(self.connection):
            pass

    def hand_in(self, name: str, lines: Sequence[str]) -> dict[str, int]:
        """Hand in a file, have it worked, and give its verdicts."""
        put(self.spool, name, lines)
        self.take_in()
        self.rate()
        return self.verdicts(name)

    def as_owner(self, statement: str) -> None:
        """Change reference data, as an administrator does meanwhile."""
        with closing(self.database.connect("postgres")) as owner, owner, owner.cursor() as txn:
            txn.execute("SET search_path TO bmu;" + statement)

    def unblock(self, file_id: int) -> None:
        """Let a blocked file be tried again, by the admin door's role."""
        with closing(self.database.connect("bmuid_admin")) as admin, admin, admin.cursor() as txn:
            assert files_view.unblock(txn, file_id) > 0

    def names(self, stage: str) -> list[str]:
        """Give the names in one of the source's directories."""
        return sorted(path.name for path in (self.spool / world.SOURCE / stage).iterdir())

    def all(self, statement: str, **values: object) -> list[tuple[object, ...]]:
        """Give the rows of a query."""
        with self.connection, self.connection.cursor() as txn:
            txn.execute(statement, values)
            return txn.fetchall()

    def verdicts(self, name: str) -> dict[str, int]:
        """Give the verdict counts of a file that is done."""
        [(state, *counts)] = self.all(
            "SELECT state, new, duplicate, suspended, rejected FROM usage_file WHERE name = %(name)s",
            name=name,
        )
        assert state == "DONE"
        return dict(zip(("new", "duplicate", "suspended", "rejected"), counts, strict=True))

    def balances(self) -> dict[int, int]:
        """Give what is left in each customer's allowance."""
        return dict(self.all("SELECT account_id, balance FROM bucket ORDER BY 1"))

    def charged(self) -> list[tuple[object, ...]]:
        """Give every charge, without what differs between any two runs."""
        return self.all(
            "SELECT c.account_id, c.started_at, u.uid_id, c.quantity, rounded, billable, rated_e11, amount_e11, tax_e11,"
            " rate_id, location_pattern_id, (SELECT coalesce(sum(d.quantity), 0) FROM draw AS d"
            "  WHERE d.account_id = c.account_id AND d.started_at = c.started_at AND d.udr_id = c.udr_id)"
            " FROM charge AS c JOIN udr AS u ON u.account_id = c.account_id AND u.started_at = c.started_at"
            " AND u.id = c.udr_id ORDER BY c.account_id, c.started_at, u.file_id, u.line_no"
        )


@contextmanager
def opened(database: Database, parent: Path) -> Iterator[Office]:
    """Open an office of the small company."""
    with closing(database.connect("postgres")) as owner:
        world.found(owner, CUSTOMERS)
    with closing(database.connect()) as connection:
        yield Office(database, connection, Path(tempfile.mkdtemp(dir=parent)))
