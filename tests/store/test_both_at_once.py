"""A file that is rated while others draw from the same allowances, or give back to them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
import usage_world as world
from asking import Answered, Asking
from conftest import Database
from offices import Office, opened
from usage_world import ALLOWANCE, AWAY, HOME, MONDAY_NOON, call, number_of

from bmuid.operations.registry import Door, Role
from bmuid.store import buckets

# Days of one month; the file's calls are of the first.
MONDAY, NOON, TUESDAY = "charge_20260803", "2026-08-03T11:00:00Z", "2026-08-04T11:00:00Z"
CHARGES = "SELECT started_at::date::text, billable FROM charge WHERE account_id = 1 AND started_at < '2026-08-05' ORDER BY 1, udr_id"


@pytest.fixture(params=[32, 0], ids=["few", "many"])
def office(
    database: Database,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Office]:
    """Give the office of the small company, for which a file's accounts are few, or many."""
    monkeypatch.setattr(buckets, "FEW_ACCOUNTS", request.param)
    with opened(database, tmp_path) as made:
        made.parts = 1
        made.all("SELECT ensure_day('2026-08-03'), ensure_day('2026-08-04')")
        yield made


class Switch(Asking):
    """The switch, which tells of a call at once."""

    def tells(self, name: str, **texts: str) -> Answered:
        """Tell of a call of customer 1 on Tuesday."""
        about = {"event": "x", "class": "voice", "uid": number_of(1), "started_at": TUESDAY}
        told = self.ask(Door.USAGE, name, Role.SOURCE, {**about, "destination": HOME, **texts})
        assert told.done, told
        return told


@pytest.fixture
def switch(office: Office) -> Switch:
    """Give the switch."""
    return Switch(office.database, name=world.SOURCE)


def rated_while(office: Office, seconds: int, happens: Callable[[], object]) -> None:
    """Have a file with a call of customer 1 on Monday rated; once its price is known, and nothing written, that happens."""
    world.put(office.spool, "a.csv", [call("1.1", 1, HOME, seconds), call("1.2", 2, HOME, 1)])
    office.take_in()
    with (
        closing(office.database.connect("postgres")) as stopping,
        closing(office.database.connect()) as connection,
        stopping.cursor() as txn,
    ):
        txn.execute(f"LOCK TABLE bmu.{MONDAY} IN SHARE MODE")
        worker = threading.Thread(target=replace(office, connection=connection).rate)
        worker.start()
        pid = connection.info.backend_pid
        while office.all(f"SELECT cardinality(pg_blocking_pids({pid}))") == [(0,)]:
            assert worker.is_alive()
        happens()
        stopping.rollback()
        worker.join()
    assert office.verdicts("a.csv") == {"new": 2, "duplicate": 0, "suspended": 0, "rejected": 0}


def adds_up(office: Office) -> bool:
    """Tell whether each balance is the sum of its draws."""
    return office.all("SELECT account_id, balance FROM bucket ORDER BY 1") == office.all(
        "SELECT account_id, sum(quantity)::bigint FROM draw GROUP BY 1 ORDER BY 1"
    )


def granted(office: Office) -> None:
    """Let the allowances be there."""
    later = MONDAY_NOON + timedelta(days=2)
    calls = [call(f"0.{customer}", customer, AWAY, 60, later) for customer in (1, 2)]
    office.hand_in("before.csv", calls)


def test_both_are_included_where_there_is_enough_for_both(office: Office, switch: Switch) -> None:
    """Nobody waits for the other, and nothing is lost: 600 less 300 less 200."""
    granted(office)

    rated_while(office, 300, lambda: switch.tells("usage_rate", quantity="200"))

    assert set(office.all(CHARGES)) == {("2026-08-03", 0), ("2026-08-04", 0)}
    assert office.balances() == {1: ALLOWANCE - 500, 2: ALLOWANCE - 1}
    assert adds_up(office)


def test_what_one_has_drawn_the_other_pays_for(
    office: Office, switch: Switch, caplog: pytest.LogCaptureFixture
) -> None:
    """The call that was told of came first: of the file's, only what it left is included."""
    granted(office)

    rated_while(office, 500, lambda: switch.tells("usage_rate", quantity="200"))

    assert "A CHUNK FAILED" not in caplog.text
    assert [paid for day, paid in office.all(CHARGES) if day == "2026-08-04"] == [0]
    assert sum(paid for _, paid in office.all(CHARGES)) == 500 + 200 - ALLOWANCE  # type: ignore[misc]
    assert office.balances() == {1: 0, 2: ALLOWANCE - 1}
    assert adds_up(office)


def test_what_is_given_back_meanwhile_is_drawn(office: Office, switch: Switch) -> None:
    """All was held for a call that comes to nothing: the file's call has it, and pays nothing."""
    granted(office)
    switch.tells("usage_reserve", quantity=str(ALLOWANCE))
    assert office.balances()[1] == 0

    rated_while(office, 500, lambda: switch.ask(
        Door.USAGE, "usage_settle", Role.SOURCE, {"event": "x", "quantity": "100"}
    ))  # fmt: skip

    assert set(office.all(CHARGES)) == {("2026-08-03", 0), ("2026-08-04", 0)}
    assert office.balances() == {1: ALLOWANCE - 600, 2: ALLOWANCE - 1}
    assert adds_up(office)


def test_a_file_does_not_make_others_wait_before_it_draws(office: Office, switch: Switch) -> None:
    """While a file is rated, calls of two of its customers are told of, and answered."""
    granted(office)
    order: list[str] = []

    def tell() -> None:
        switch.tells("usage_rate", quantity="10")
        switch.tells("usage_rate", event="y", uid=number_of(2), quantity="10")
        order.append("told")

    rated_while(office, 10, tell)

    assert order == ["told"]
    assert office.balances() == {1: ALLOWANCE - 20, 2: ALLOWANCE - 11}


def test_a_file_and_others_take_allowances_in_one_order(office: Office) -> None:
    """The first by its customer is waited for first, though its call is of a later day: so no two wait for each other."""
    granted(office)
    later = MONDAY_NOON + timedelta(days=1)
    calls = [call("1.1", 1, AWAY), call("1.2", 2, HOME, 10), call("1.3", 1, HOME, 10, later)]
    world.put(office.spool, "a.csv", calls)
    office.take_in()
    taken = "SELECT FROM bmu.bucket WHERE account_id = {} FOR NO KEY UPDATE NOWAIT"
    with (
        closing(office.database.connect("postgres")) as other,
        closing(office.database.connect()) as connection,
        other.cursor() as txn,
    ):
        txn.execute(taken.format(1))
        worker = threading.Thread(target=replace(office, connection=connection).rate)
        worker.start()
        pid = connection.info.backend_pid
        while office.all(f"SELECT cardinality(pg_blocking_pids({pid}))") == [(0,)]:
            assert worker.is_alive()
        txn.execute(taken.format(2))
        other.rollback()
        worker.join()

    assert office.verdicts("a.csv")["new"] == 3
    assert office.balances() == {1: ALLOWANCE - 10, 2: ALLOWANCE - 10}
    assert adds_up(office)


@pytest.mark.parametrize(("seconds", "paid"), [(300, 0), (500, 100)])
def test_a_draw_that_is_not_committed_yet_is_waited_for(
    office: Office, seconds: int, paid: int
) -> None:
    """Somebody is about to have drawn 200: the file's call has what that leaves."""
    granted(office)
    world.put(office.spool, "a.csv", [call("1.1", 1, HOME, seconds)])
    office.take_in()
    with (
        closing(office.database.connect()) as other,
        closing(office.database.connect()) as connection,
        other.cursor() as txn,
    ):
        txn.execute(
            "INSERT INTO draw (account_id, started_at, bucket_id, kind, udr_id, version, quantity)"
            " SELECT 1, %s, id, 'DRAW', 1, 1, -200 FROM bucket WHERE account_id = 1",
            (TUESDAY,),
        )
        worker = threading.Thread(target=replace(office, connection=connection).rate)
        worker.start()
        pid = connection.info.backend_pid
        while office.all(f"SELECT cardinality(pg_blocking_pids({pid}))") == [(0,)]:
            assert worker.is_alive()
        other.commit()
        worker.join()

    assert office.all(CHARGES) == [("2026-08-03", paid)]
    assert office.balances()[1] == ALLOWANCE - 200 - seconds + paid
    assert adds_up(office)


class TestDrawsOfSeveralDays:
    """Written in one statement, past the table that customers read."""

    def draw(self, office: Office, whose: int, taken: tuple[int, int]) -> None:
        """Draw on Monday and on Tuesday, as customer 1, from a customer's bucket."""
        [(bucket,)] = office.all(
            "SELECT coalesce(max(id) FILTER (WHERE account_id = %(whose)s), 0) FROM bucket",
            whose=whose,
        )
        with office.connection, office.connection.cursor() as txn:
            txn.execute(
                "INSERT INTO draw_by_day (account_id, started_at, bucket_id, kind, udr_id, version, quantity)"
                " SELECT 1, at, %s, 'DRAW', udr_id, 1, quantity FROM unnest(%s::timestamptz[], '{1,2}'::bigint[],"
                " %s::bigint[]) AS d (at, udr_id, quantity)",
                (bucket, [NOON, TUESDAY], [-each for each in taken]),
            )

    def test_move_the_balance_by_all_of_them(self, office: Office) -> None:
        """400 on Monday and 200 on Tuesday are 600; and they are read where all are."""
        granted(office)

        self.draw(office, 1, (400, 200))

        assert office.balances()[1] == 0
        assert adds_up(office)

    @pytest.mark.parametrize(
        ("whose", "second", "refused"),
        [
            (1, 201, psycopg2.errors.CheckViolation),
            (2, 1, psycopg2.errors.ForeignKeyViolation),
            (9, 1, psycopg2.errors.ForeignKeyViolation),
        ],
    )
    def test_are_refused_beyond_the_balance_or_of_another_account(
        self, office: Office, whose: int, second: int, refused: type[Exception]
    ) -> None:
        """One second too many, another's bucket, and one that is not there: nothing of it is written."""
        granted(office)

        with pytest.raises(refused):
            self.draw(office, whose, (400, second))

        assert office.balances()[1] == ALLOWANCE
        assert adds_up(office)

    def test_are_not_shown_to_customers_there_nor_changed(self, office: Office) -> None:
        """Customers read their own where row level security is, in the table above; nobody changes one."""
        granted(office)

        with closing(office.database.connect("bmuid_public")) as portal:
            for statement in ("SELECT FROM bmu.draw_by_day", "SELECT FROM bmu.draw_20260803"):
                with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                    portal.cursor().execute(statement)
                portal.rollback()
        with pytest.raises(psycopg2.Error, match="refused"):
            office.as_owner("UPDATE draw_by_day SET quantity = quantity - 1")
