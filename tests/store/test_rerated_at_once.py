"""Usage that is charged while the same account's is rated again: each keeps what it draws."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from again import holds, live, planned
from asking import Asking
from conftest import Database
from offices import NeverStopped, Office, opened
from psycopg2.extensions import cursor
from usage_world import ALLOWANCE, HOME, call

from bmuid.intake.chunk import Bench
from bmuid.intake.spool import Spool
from bmuid.worker.rating import Rating

BY_THE_MINUTE = """
    INSERT INTO revision (actor, note) VALUES ('test', 'rounding');
    UPDATE rounding SET until = (SELECT max(id) FROM revision) WHERE code = 'SEC' AND until IS NULL;
    INSERT INTO rounding (code, minimum, increment, since) SELECT 'SEC', 60, 60, max(id) FROM revision
"""


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


def interrupting(after: str, happens: Callable[[], object]) -> type[cursor]:
    """Give cursors after one of whose reads something happens, once."""
    waiting = [happens]

    class Interrupted(cursor):
        """Goes on when that is done."""

        def copy_expert(self, sql: bytes, file: object, *size: int) -> None:
            """Copy, and let it happen."""
            super().copy_expert(sql, file, *size)
            if waiting and f" FROM {after} " in f"{bytes(sql).decode()} ".replace("\n", " "):
                waiting.pop()()

    return Interrupted


@pytest.mark.parametrize("after", ["charge AS c", "charge_reversal", "draw"])
def test_usage_that_comes_while_an_account_is_read_keeps_its_draws(
    office: Office, database: Database, after: str
) -> None:
    """Two calls of 90 seconds; both take two minutes, the other of them from the start."""
    asking = Asking(database)
    office.hand_in("a.csv", [call("1.1", 1, HOME, 90)])
    office.as_owner(BY_THE_MINUTE)
    plan_id = str(planned(office, asking)["plan"]["id"])
    assert asking.staff("rerate_run", id=plan_id).done

    def comes() -> None:
        with closing(database.connect()) as other:
            others = replace(office, connection=other)
            assert others.hand_in("b.csv", [call("1.2", 1, HOME, 90)])["new"] == 1

    worker = Rating(Bench(Spool(office.spool), office.days_back), NeverStopped())
    office.connection.cursor_factory = interrupting(after, comes)
    while asking.staff("rerate_show", id=plan_id).body["plan"]["state"] != "DONE":
        worker.step(office.connection)

    assert [row[3:5] + row[8:] for row in live(office)] == [(120, 0, -120)] * 2
    assert office.balances() == {1: ALLOWANCE - 240}
    assert holds(office)
