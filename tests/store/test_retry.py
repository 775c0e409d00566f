"""Suspended lines taken in again: nothing is dropped, nothing is charged twice, whatever happens meanwhile."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
import usage_world as world
from asking import Asking
from conftest import Database
from offices import CUSTOMERS, NeverStopped, Office, opened
from usage_world import AWAY, HOME, MONDAY_NOON, UNPRICED, call

from bmuid.intake import retry
from bmuid.intake.chunk import Bench
from bmuid.intake.spool import Spool
from bmuid.operations.registry import Role
from bmuid.store.transaction import run
from bmuid.worker.rating import Rating

STRANGER = 400
ASSIGN = """
    INSERT INTO revision (actor, note) VALUES ('test', 'assign');
    INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)
        SELECT 'phone', 44770090000 + 400, 1, 1, '[2000-01-01,)', max(id) FROM revision;
"""
PRICE = """
    INSERT INTO revision (actor, note) VALUES ('test', 'satellite');
    INSERT INTO rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since)
        SELECT 'ALL/voice/881', 'ALL', 'voice', '881', 'SEC', 'STANDARD', 300000000000, 60, max(id) FROM revision;
"""


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at the admin door."""
    return Asking(database)


def reasons(office: Office) -> list[tuple[object, ...]]:
    """Give the suspended lines: place, reason, whether tried again, whether resolved."""
    return office.all(
        "SELECT file_id, line_no, reason, tried_at IS NOT NULL, resolved_at IS NOT NULL FROM verdict"
        " WHERE verdict = 'SUSPENDED' ORDER BY 1, 2"
    )


def proof(office: Office) -> list[tuple[object, ...]]:
    """Give the files whose lines and usage records don't add up: usage is what was new and what was resolved."""
    return office.all(
        """
        SELECT f.id FROM usage_file AS f WHERE f.state <> 'DONE'
        OR f.lines <> f.new + f.duplicate + f.suspended + f.rejected
        OR f.new + (SELECT count(*) FROM verdict AS v WHERE v.file_id = f.id AND v.resolved_at IS NOT NULL)
            <> (SELECT count(DISTINCT u.line_no) FROM udr AS u WHERE u.file_id = f.id)
        OR (SELECT count(*) FROM charge) <> (SELECT count(*) FROM udr)
        """
    )


class TestARetry:
    """What becomes of a suspended line once its cause is mended."""

    def test_charges_what_has_an_owner_now(self, office: Office, asking: Asking) -> None:
        """A number assigned too late: its calls are charged as if it had been there, minutes and all."""
        office.hand_in("a.csv", [call("1.1", 1), call("1.2", STRANGER, HOME, 600)])
        office.as_owner(ASSIGN)

        asked = asking.staff("suspense_retry", role=Role.CLERK, reason="NO_UID")
        office.rate()

        assert asked.body["lines"] == 1
        assert office.all("SELECT line_no, account_id, rounded, billable FROM charge ORDER BY 1"
        ) == [(1, 1, 60, 0), (2, 1, 600, 60)]  # fmt: skip
        assert office.balances() == {1: 0}
        assert reasons(office) == [(1, 2, "NO_UID", True, True)]
        [job] = asking.staff("suspense_jobs").body["jobs"]
        assert (job["state"], job["tried"], job["resolved"]) == ("DONE", 1, 1)
        assert proof(office) == []
        assert office.verdicts("a.csv") == {"new": 1, "duplicate": 0, "suspended": 1, "rejected": 0}  # fmt: skip

    def test_leaves_what_has_still_no_price_with_the_reason_of_now(
        self, office: Office, asking: Asking
    ) -> None:
        """A call whose number has an owner now, but whose place has no price, says so."""
        office.hand_in("a.csv", [call("1.1", STRANGER, UNPRICED)])
        office.as_owner(ASSIGN)

        asking.staff("suspense_retry", source=world.SOURCE)
        office.rate()
        assert reasons(office) == [(1, 1, "NO_RATE", True, False)]

        office.as_owner(PRICE)
        asking.staff("suspense_retry", reason="NO_RATE")
        office.rate()
        assert reasons(office) == [(1, 1, "NO_RATE", True, True)]
        assert office.all("SELECT amount_e11 FROM charge") == [(300 * 10**9,)]

    def test_tries_only_what_the_filter_means(self, office: Office, asking: Asking) -> None:
        """By number, by file, by day: others stay untouched and have not been tried."""
        office.hand_in("a.csv", [call("1.1", STRANGER), call("1.2", STRANGER + 1)])
        office.hand_in("b.csv", [call("1.3", STRANGER), call("1.4", STRANGER + 1)])
        office.as_owner(ASSIGN)

        asking.staff("suspense_retry", until="2026-01-01")
        office.rate()
        assert {tried for *_, tried, _ in reasons(office)} == {False}
        asking.staff("suspense_retry", file="2", uid=world.number_of(STRANGER))
        office.rate()

        assert reasons(office) == [
            (1, 1, "NO_UID", False, False),
            (1, 2, "NO_UID", False, False),
            (2, 1, "NO_UID", True, True),
            (2, 2, "NO_UID", False, False),
        ]

    def test_without_a_filter_is_refused(self, office: Office, asking: Asking) -> None:
        """Nobody sets everything in motion by leaving out a word."""
        office.hand_in("a.csv", [call("1.1", STRANGER)])
        assert asking.staff("suspense_retry").code == "NO_FILTER"
        assert asking.staff("suspense_jobs").body["jobs"] == []

    def test_reads_the_line_by_the_settings_of_now(self, office: Office, asking: Asking) -> None:
        """A source whose country was wrong: mended, its kept lines are read anew."""
        office.as_owner("UPDATE source SET country_code = '49'")
        national = call("1.1", 1, AWAY, 60).replace("+44", "0")
        office.hand_in("a.csv", [national])
        office.as_owner("UPDATE source SET country_code = '44'")

        asking.staff("suspense_retry", source=world.SOURCE)
        office.rate()

        assert office.all("SELECT account_id, amount_e11 FROM charge") == [(1, 60 * 10**9)]
        assert proof(office) == []

    def test_reads_a_ported_number_once_its_prefix_is_known(
        self, office: Office, asking: Asking
    ) -> None:
        """A routing prefix that nobody told of leads nowhere; once it is set, the call is the one that was made."""
        ported = call("1.1", 1, AWAY).replace(f"+{AWAY}", f"D04400{AWAY}")
        office.hand_in("a.csv", [ported])
        assert office.all("SELECT reason FROM verdict") == [("NO_LOCATION",)]

        assert asking.staff("source_set", code=world.SOURCE, routing_prefixes="Dxxx").done
        asking.staff("suspense_retry", reason="NO_LOCATION")
        office.rate()
        office.hand_in("b.csv", [ported.replace('"1.1"', '"1.2"')])

        assert office.all("SELECT destination, file_id FROM udr ORDER BY 2") == [
            (AWAY, 1),
            (AWAY, 2),
        ]

    def test_leaves_rejected_lines_alone(self, office: Office, asking: Asking) -> None:
        """What was no usage is sent anew when it is mended; a retry never touches it."""
        office.hand_in("a.csv", ["what is this", call("1.1", 1, disposition="BUSY")])

        asked = asking.staff("suspense_retry", source=world.SOURCE)
        office.rate()

        assert asked.body["lines"] == 0
        assert office.all("SELECT count(*) FROM charge") == [(0,)]

    def test_of_the_same_event_sent_meanwhile_charges_one(
        self, office: Office, asking: Asking
    ) -> None:
        """The switch sends the file again while a line of it waits: once it is charged, once a duplicate."""
        lines = [call("1.1", STRANGER), call("1.2", STRANGER)]
        office.hand_in("a.csv", lines)
        office.as_owner(ASSIGN)
        asking.staff("suspense_retry", file="1")
        again = office.hand_in("b.csv", [*lines, call("1.3", 1)])

        assert again == {"new": 1, "duplicate": 2, "suspended": 0, "rejected": 0}
        assert office.all("SELECT count(*) FROM charge") == [(3,)]
        assert proof(office) == []

    def test_does_not_charge_a_conflict(self, office: Office, asking: Asking) -> None:
        """Two records of one call that disagree: trying again changes nothing, both bodies stay to be seen."""
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 60), call("1.1", 1, AWAY, 70)])
        [before] = office.all("SELECT detail FROM verdict")

        asking.staff("suspense_retry", reason="CONFLICT")
        office.rate()

        assert reasons(office) == [(1, 2, "CONFLICT", True, False)]
        assert office.all("SELECT detail FROM verdict") == [before]
        assert office.all("SELECT count(*) FROM charge") == [(1,)]


class TestTaking:
    """A person says that a line is to be charged."""

    def test_a_conflict_as_new_charges_it_once(self, office: Office, asking: Asking) -> None:
        """A clerk finds that both records are calls of their own: the second is charged too, and no third time."""
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 60), call("1.1", 1, AWAY, 70)])

        for _ in range(2):
            asking.staff("suspense_take", role=Role.CLERK, line="1-2")
        office.rate()

        assert asking.staff("suspense_take", line="1-2").code == "NOT_FOUND"
        assert office.all("SELECT amount_e11 FROM charge ORDER BY 1") == [
            (60 * 10**9,),
            (70 * 10**9,),
        ]
        assert proof(office) == []

    def test_a_line_out_of_its_time(self, office: Office, asking: Asking) -> None:
        """A call too old to be taken by itself is charged when a clerk says so."""
        office.days_back = 30
        [(now,)] = office.all("SELECT date_trunc('second', transaction_timestamp())")
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 60, now - timedelta(days=40))])
        asking.staff("suspense_retry", file="1")
        office.rate()
        assert reasons(office) == [(1, 1, "OUT_OF_WINDOW", True, False)]

        asking.staff("suspense_take", line="1-1")
        office.rate()
        assert reasons(office) == [(1, 1, "OUT_OF_WINDOW", True, True)]

    def test_a_rejected_line_is_refused(self, office: Office, asking: Asking) -> None:
        """What could not be read can't be charged, whoever says so."""
        office.hand_in("a.csv", ["what is this"])

        assert asking.staff("suspense_take", line="1-1").code == "NOT_FOUND"


class TestWhateverHappens:
    """Crashes and others at work."""

    LINES = tuple(
        call(f"9.{n}", STRANGER if n % 3 else 1 + n % CUSTOMERS, HOME if n % 2 else AWAY, 30 + n)
        for n in range(60)
    )

    @pytest.mark.parametrize("at", range(6))
    def test_a_crash_at_any_step_loses_and_doubles_nothing(
        self, office: Office, asking: Asking, at: int
    ) -> None:
        """A worker that dies between taking the lines and the commit leaves all as it was; the next goes on."""
        office.hand_in("a.csv", self.LINES)
        waiting = office.all("SELECT count(*) FROM verdict WHERE reason = 'NO_UID'")
        office.as_owner(ASSIGN)
        asking.staff("suspense_retry", reason="NO_UID")
        bench = Bench(Spool(office.spool), office.days_back)
        worker = Rating(bench, NeverStopped())
        for _ in range(at):
            worker.step(office.connection)
        with psycopg2.connect(office.connection.dsn) as dying, dying.cursor() as txn:
            retry.work(txn, Bench(Spool(office.spool), office.days_back), 10)
            # The connection goes as in a kill -9: without a commit.
            dying.rollback()
        dying.close()
        fresh = Bench(Spool(office.spool), office.days_back)
        with closing(psycopg2.connect(office.connection.dsn)) as other:
            while (found := run(other, retry.work, fresh, 7)) is not None:
                if isinstance(found, retry.Missing):
                    Rating(fresh, NeverStopped())._provide(other, found)

        assert office.all("SELECT count(*) FROM verdict WHERE resolved_at IS NOT NULL") == waiting
        assert proof(office) == []

    def test_two_jobs_at_once_charge_each_line_once(self, office: Office, asking: Asking) -> None:
        """Two clerks ask for the same lines, two workers take a job each: every call is charged once."""
        office.hand_in("a.csv", self.LINES)
        office.as_owner(ASSIGN)
        asking.staff("suspense_retry", reason="NO_UID")
        asking.staff("suspense_retry", file="1")
        faults: list[BaseException] = []

        def work() -> None:
            bench = Bench(Spool(office.spool), office.days_back)
            try:
                with closing(psycopg2.connect(office.connection.dsn)) as connection:
                    while (found := run(connection, retry.work, bench, 7)) is not None:
                        if isinstance(found, retry.Missing):
                            Rating(bench, NeverStopped())._provide(connection, found)
            except BaseException as error:  # noqa: BLE001 - told to the test
                faults.append(error)

        workers = [threading.Thread(target=work) for _ in range(2)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
        office.rate()

        assert faults == []
        assert proof(office) == []
        jobs = asking.staff("suspense_jobs").body["jobs"]
        assert {job["state"] for job in jobs} == {"DONE"}
        assert sum(job["resolved"] for job in jobs) == 40

    def test_the_order_of_the_lines_is_that_of_the_file(
        self, office: Office, asking: Asking
    ) -> None:
        """Who draws from an allowance first does not hang on how many lines a step takes."""
        office.hand_in("a.csv", [call(f"1.{n}", STRANGER, HOME, 100) for n in range(9)])
        office.as_owner(ASSIGN)
        asking.staff("suspense_retry", file="1")
        bench = Bench(Spool(office.spool), office.days_back)
        while (found := run(office.connection, retry.work, bench, 2)) is not None:
            if isinstance(found, retry.Missing):
                Rating(bench, NeverStopped())._provide(office.connection, found)

        assert (
            office.all("SELECT billable FROM charge ORDER BY line_no") == [(0,)] * 6 + [(100,)] * 3
        )


class TestLateUsage:
    """Usage of a service that has ended (E27, T41)."""

    @pytest.mark.parametrize(
        ("days", "late", "reason"),
        [
            (None, 364, None),
            ("30", 25, None),
            ("30", 31, "FINAL_BILLED"),
            ("0", 1, "FINAL_BILLED"),
        ],
    )
    def test_is_charged_within_the_threshold(
        self, office: Office, asking: Asking, days: str | None, late: int, reason: str | None
    ) -> None:
        """Threshold 30 days: what arrives 25 days after the end is charged, after 31 it waits; of itself always."""
        if days is not None:
            assert asking.staff("late_usage_set", days=days).body == {"days": int(days)}
        end = f"transaction_timestamp() - interval '{late} days'"
        office.as_owner(
            f"UPDATE account_service SET during = tstzrange('2000-01-01', {end}) WHERE id = 1;"
            "INSERT INTO revision (actor, note) VALUES ('test', 'end');"
            "UPDATE uid_history SET until = 2 WHERE account_id = 1;"
            "INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)"
            f" SELECT uid_type, value, 1, 1, tstzrange('2000-01-01', {end}), 2 FROM uid_history WHERE account_id = 1"
        )
        [(now,)] = office.all("SELECT date_trunc('second', transaction_timestamp())")
        office.hand_in(
            "a.csv",
            [
                call("1.1", 1, AWAY, 60, now - timedelta(days=late, hours=1)),
                call("1.2", 2, AWAY, 60, now - timedelta(days=late, hours=1)),
            ],
        )

        assert office.all("SELECT reason FROM verdict") == ([(reason,)] if reason else [])
        if reason:
            asking.staff("suspense_retry", file="1")
            office.rate()
            assert reasons(office) == [(1, 1, reason, True, False)]
            asking.staff("late_usage_set", days="always")
            asking.staff("suspense_retry", reason=reason)
            office.rate()
            assert reasons(office) == [(1, 1, reason, True, True)]
        assert office.all("SELECT count(*) FROM charge") == [(2,)]

    def test_of_a_number_that_moved_is_charged(self, office: Office, asking: Asking) -> None:
        """A number given up long ago by a service that goes on: the service can still be billed."""
        asking.staff("late_usage_set", days="30")
        office.as_owner(
            "INSERT INTO revision (actor, note) VALUES ('test', 'end');"
            "UPDATE uid_history SET until = 2 WHERE account_id = 1;"
            "INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)"
            " SELECT uid_type, value, 1, 1, '[2000-01-01,2026-08-04)', 2 FROM uid_history WHERE account_id = 1"
        )

        assert office.hand_in("a.csv", [call("1.1", 1, AWAY, 60, MONDAY_NOON)])["new"] == 1


class TestTheBill:
    """Usage that is charged after its month was billed."""

    def test_of_the_next_month_has_it_as_late_usage(self, office: Office, asking: Asking) -> None:
        """August is invoiced; a call of August leaves suspense in September: it is on September's invoice, once."""
        office.as_owner(
            "UPDATE account_service SET during = tstzrange('2026-08-01 00:00+01', NULL)"
        )
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 60), call("1.2", STRANGER, AWAY, 90)])
        asking.staff("bill_run", as_of="2026-09-01")
        office.rate()
        # The worker bills by the clock of this machine; its invoices are of long ago.
        office.as_owner(
            "ALTER TABLE invoice DISABLE TRIGGER ALL; UPDATE invoice SET issued_at = '2026-09-01 06:00+01';"
            "ALTER TABLE usage_file DISABLE TRIGGER ALL; UPDATE usage_file SET done_at = '2026-08-04'"
        )
        office.as_owner(ASSIGN)
        asking.staff("suspense_retry", reason="NO_UID")
        office.rate()
        office.as_owner("INSERT INTO bill_run (as_of, actor) VALUES ('2026-10-01', 'test')")
        office.rate()

        assert office.all(
            "SELECT i.number, l.description, l.amount_minor FROM invoice_line AS l JOIN invoice AS i ON i.id = invoice_id"
            " WHERE l.account_id = 1 AND l.kind = 'USAGE' ORDER BY 1"
        ) == [
            ("2026-000001", "Calls, Away", 60),
            ("2026-000010", "Calls, Away, used before this period", 90),
        ]
        assert office.all("SELECT count(*) FROM invoice_charge") == [(2,)]
