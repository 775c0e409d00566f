"""Calls that are told of in pieces: from the files of a switch to one charge each, to the last second."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import psycopg2.errors
import pytest
import usage_world as world
from asking import Asking
from conftest import Database
from offices import NeverStopped, opened
from pieces import CALLS, Exchange, piece
from usage_world import AWAY, MONDAY_NOON

from bmu.mediation import Clock, Instant
from bmuid.intake.spool import Spool
from bmuid.store.assembled import Books
from bmuid.worker.arriving import Arriving


@pytest.fixture
def asking(exchange: Exchange) -> Asking:
    """Give one who asks at the admin door."""
    return Asking(exchange.office.database)


@pytest.fixture
def exchange(database: Database, tmp_path: Path) -> Iterator[Exchange]:
    """Give the company and its switch."""
    with opened(database, tmp_path) as office:
        yield Exchange(office)


class TestACallInPieces:
    """What becomes of it."""

    def test_is_one_charge_when_it_ends(self, exchange: Exchange) -> None:
        """Start, interim and stop in three files: a call of 90 seconds at 60 pence a minute, 90 pence."""
        exchange.hand_in("1", piece("a", "start"))
        exchange.hand_in("2", piece("a", "interim", 60))
        assert (exchange.charged(), exchange.books()) == ([], Books(2, 0, 2, 0))

        exchange.hand_in("3", piece("a", "stop", 90))

        assert exchange.books() == Books(3, 3, 0, 0)
        assert exchange.office.all("SELECT quantity, amount_e11, started_at FROM charge") == [
            (90, 90 * 10**9, MONDAY_NOON)
        ]
        assert exchange.office.all(
            "SELECT assembly, state, lines, new FROM usage_file ORDER BY id"
        ) == [
            *[("PARTIAL", "DONE", 1, 1)] * 3,
            ("ASSEMBLED", "DONE", 1, 1),
        ]

    def test_comes_in_any_order_and_twice(self, exchange: Exchange) -> None:
        """The stop first, the rest with it and again: one charge, and a verdict for every line."""
        pieces = [piece("a", "stop", 90), piece("a", "start"), piece("a", "interim", 60)]
        exchange.hand_in("1", *pieces, pieces[0])
        exchange.hand_in("2", *reversed(pieces))

        assert exchange.charged() == [(1, 90)]
        assert exchange.books() == Books(3, 3, 0, 0)
        assert exchange.office.all(
            "SELECT name, new, duplicate FROM usage_file WHERE assembly = 'PARTIAL' ORDER BY id"
        ) == [("1", 3, 1), ("2", 0, 3)]

    def test_that_says_two_things_of_one_moment_waits_for_a_clerk(
        self, exchange: Exchange
    ) -> None:
        """The same record with other content is kept beside the first, and counts nothing."""
        exchange.hand_in("1", piece("a", "interim", 60))
        exchange.hand_in("2", piece("a", "interim", 70, at=60), piece("a", "stop", 90))

        assert exchange.charged() == [(1, 90)]
        [(reason, detail)] = exchange.office.all("SELECT reason, detail FROM verdict")
        assert reason == "CONFLICT"
        assert '"60"' in str(detail)
        assert '"70"' in str(detail)

    def test_whose_stop_is_lost_is_charged_after_the_time_out(self, exchange: Exchange) -> None:
        """An hour after the last record the call is taken for ended, and charged what was told of it."""
        exchange.hand_in("1", piece("a", "start"), piece("a", "interim", 60))
        exchange.work(after=timedelta(minutes=59))
        assert exchange.charged() == []

        exchange.work(after=timedelta(minutes=61))

        assert exchange.charged() == [(1, 60)]
        assert exchange.books() == Books(2, 2, 0, 0)

    def test_that_can_not_be_ended_keeps_no_other_out(self, exchange: Exchange) -> None:
        """What is kept of one call makes no sense, a fault of the program: it is told of, and other calls are charged."""
        exchange.hand_in("1", piece("a", "interim", 60))
        exchange.office.as_owner("UPDATE usage_session SET detail = '[]'")

        exchange.work(after=timedelta(minutes=61))
        exchange.hand_in("2", piece("b", "start", customer=2), piece("b", "stop", 90, customer=2))

        assert exchange.charged() == [(2, 90)]

    def test_that_goes_on_after_the_time_out_is_charged_the_rest(self, exchange: Exchange) -> None:
        """Records that came late after all: 60 seconds were charged, 30 more are."""
        exchange.hand_in("1", piece("a", "interim", 60))
        exchange.work(after=timedelta(minutes=61))
        exchange.hand_in("2", piece("a", "stop", 90))

        assert exchange.charged() == [(1, 60), (1, 30)]

    def test_ends_when_its_switch_begins_again(self, exchange: Exchange) -> None:
        """The record of the switch ends what it had before; what began since goes on."""
        exchange.hand_in(
            "1",
            piece("a", "interim", 60),
            piece("b", "interim", 70, customer=2),
            piece("", "boot", at=100),
            piece("c", "start", at=110),
            piece("a", "start", at=120),
        )

        assert exchange.charged() == [(1, 60), (2, 70)]
        assert exchange.office.all("SELECT verdict, reason, detail FROM verdict") == [
            ("REJECTED", "FILTERED", "it ends the sessions of s1 from before it, which were 2")
        ]
        assert exchange.office.all("SELECT name, state FROM usage_session ORDER BY name") == [
            ("s1 a", "OPEN"), ("s1 b", "FINISHED"), ("s1 c", "OPEN"),
        ]  # fmt: skip

    def test_is_ended_by_staff(self, exchange: Exchange) -> None:
        """A clerk who knows that nothing more will come has it charged at once."""
        exchange.hand_in("1", piece("a", "interim", 60))
        exchange.office.as_owner("UPDATE usage_session SET close_why = 'CLOSED'")
        exchange.work()

        assert exchange.charged() == [(1, 60)]

    def test_is_forgotten_in_the_end(self, exchange: Exchange) -> None:
        """After as long as records may be late nothing of it is kept but its charge and the counts."""
        exchange.hand_in("1", piece("a", "stop", 90))
        exchange.work(after=timedelta(days=89))
        assert exchange.office.all("SELECT count(*) FROM usage_emission") == [(1,)]

        exchange.work(after=timedelta(days=91))

        assert exchange.office.all("SELECT count(*) FROM usage_session") == [(0,)]
        assert exchange.office.all("SELECT count(*) FROM usage_emission") == [(0,)]
        assert exchange.books() == Books(1, 1, 0, 0)


def test_many_calls_at_once_lose_nothing(exchange: Exchange) -> None:
    """Sixty calls of nine customers, their records mixed over five files and chunks of three lines."""
    lines = [
        piece(f"c{n}", kind, seconds, customer=1 + n % 9)
        for kind, seconds in (("stop", 90), ("interim", 30), ("start", 0), ("interim", 60))
        for n in range(60)
    ]
    for file in range(5):
        exchange.hand_in(f"{file}", *lines[file::5])

    assert sorted(exchange.charged()) == sorted((1 + n % 9, 90) for n in range(60))
    assert exchange.books() == Books(240, 240, 0, 0)


GATHERED = """
extras = { missing = "session.missing", until = "session.until" }
[aggregation]
session = ["p-GWAddress", "chargingID"]
kind = "causeForRecClosing"
stops = ["normalRelease", "abnormalRelease"]
sequence = "recordSequenceNumber"
timeout_s = 86400
at = { field = "recordOpeningTime.epoch", clock = "EPOCH" }
[[aggregation.gather]]
field = "octetsUplink"
take = "SUM"
[[aggregation.gather]]
field = "octetsDownlink"
take = "SUM"
[[aggregation.gather]]
field = "recordOpeningTime.epoch"
take = "FIRST"
"""
DATA_SERVICE = """
    INSERT INTO usage_class (code, name, unit, rater, since) VALUES ('data', 'Data', 'DATA', 'CLASS', 1);
    INSERT INTO rate (code, rate_group, usage_class, rounding, kind, price_e11, per, since)
        VALUES ('ALL/data', 'ALL', 'data', 'SEC', 'STANDARD', 100000000000, 1000000, 1);
    INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)
        SELECT 'phone', '447700900123', account_id, id, during, 1 FROM account_service ORDER BY id LIMIT 1
"""


def test_partial_records_of_3gpp_are_one_charge_a_session(
    exchange: Exchange, asking: Asking
) -> None:
    """
    A file of a gateway in BER, by the profile that comes with bmuid and six lines of how its records are gathered.

    Two records of one session are added up, and it is told that the first is missing; another session goes on until
    its time is over. Octets cost a pound a million, to four decimals.
    """
    ready = files("bmu.mediation").joinpath("ready", "3gpp-pgw.toml").read_text()
    head, layout = ready.replace('"3gpp-pgw"', '"gateway"').split("\n[decoding]")
    keys, tables = GATHERED.split("\n[aggregation]")
    document = f"{head}{keys}\n[decoding]{layout}\n[aggregation]{tables}"
    loaded = asking.staff("profile_load", document=document)
    assert loaded.done, loaded.body
    office = exchange.office
    office.as_owner(f"UPDATE source SET profile = 'gateway';{DATA_SERVICE}")
    sample = Path(__file__).parents[1] / "samples/3gpp/pgw.cdr"
    waiting = world.put(office.spool, ".pgw.cdr", [])
    waiting.write_bytes(sample.read_bytes())
    waiting.rename(waiting.with_name("pgw.cdr"))
    stored = Exchange(office, None)
    office.take_in()
    stored.work()

    assert office.verdicts("pgw.cdr") == {"new": 3, "duplicate": 0, "suspended": 0, "rejected": 2}
    assert stored.books() == Books(3, 2, 1, 0)
    udrs = "SELECT quantity, started_at, extras->>'missing' FROM udr ORDER BY id"
    first = (5_001_000_125, datetime(2026, 8, 3, 16, 30, tzinfo=UTC), "1")
    assert office.all(udrs) == [first]
    assert office.all("SELECT amount_e11 FROM charge") == [(500_100_010_000_000,)]

    stored.work(after=timedelta(days=1, minutes=1))
    assert office.all(udrs) == [first, (9734, datetime(2026, 8, 3, 16, 30, tzinfo=UTC), "stop")]


class TestStaff:
    """What clerks see of calls that go on, and may do."""

    def test_see_which_calls_are_open_and_what_they_have_come_to(
        self, exchange: Exchange, asking: Asking
    ) -> None:
        """One call goes on, one is over: the open one has its last record and its seconds."""
        exchange.hand_in(
            "1", piece("a", "stop", 90), piece("b", "start"), piece("b", "interim", 60)
        )

        [listed] = asking.staff("usage_session_list", state="OPEN").body["sessions"]
        assert (listed["name"], listed["records"], listed["told"]) == ("s1 b", 2, 0)
        assert listed["last_record"] == "2026-08-03T11:01:00Z"
        shown = asking.staff("usage_session_show", id=str(listed["id"])).body
        assert shown["figures"] == [{"field": "seconds", "total": 60, "told": 0}]
        assert {"field": "to", "text": f"+{AWAY}"} in shown["texts"]
        assert shown["emissions"] == []

    def test_end_a_call_that_will_not_end_by_itself(
        self, exchange: Exchange, asking: Asking
    ) -> None:
        """It is charged what was told of it, and can't be ended twice."""
        exchange.hand_in("1", piece("a", "interim", 60))
        [listed] = asking.staff("usage_session_list").body["sessions"]
        asked = asking.staff("usage_session_close", id=str(listed["id"]))
        assert asked.body["session"]["closing"] == "CLOSED"
        exchange.work()

        assert exchange.charged() == [(1, 60)]
        shown = asking.staff("usage_session_show", id=str(listed["id"])).body
        assert [(one["why"], one["records"], one["file"]) for one in shown["emissions"]] == [
            ("CLOSED", 1, 2)
        ]
        assert asking.staff("usage_session_close", id=str(listed["id"])).code == "FINISHED"
        assert asking.staff("usage_session_show", id="77").code == "NOT_FOUND"

    def test_prove_the_books_while_calls_go_on(self, exchange: Exchange, asking: Asking) -> None:
        """Records that wait in calls are neither usage nor lost; one that is taken away is missed."""
        exchange.hand_in("1", piece("a", "stop", 90), piece("b", "interim", 60))
        found = asking.staff("reconcile_show").body

        assert found["verdict"] == "adds up", found["differences"]
        assert found["sessions"] == {"records": 2, "in_usage": 1, "waiting": 1, "unwritten": 0}
        assert found["usage"] == {"udrs": 1, "rated": 1, "suspended": 0, "waiting": 0}
        for file in ("1", "2"):
            assert asking.staff("reconcile_show", file=file).body["verdict"] == "adds up"
        exchange.office.as_owner(
            "ALTER TABLE usage_session DISABLE TRIGGER ALL; DELETE FROM usage_session WHERE name = 's1 b'"
        )
        [differs] = asking.staff("reconcile_show").body["differences"]
        assert (differs["place"], differs["wanted"], differs["found"]) == (
            "all sessions",
            "2",
            "1",
        )


class TestAFileOfPieces:
    """What staff do to such a file."""

    def test_that_is_replayed_charges_nothing_again(
        self, exchange: Exchange, asking: Asking
    ) -> None:
        """Each of its records was taken before, and what was made of them was charged before."""
        exchange.hand_in("1", piece("a", "start"), piece("a", "stop", 90))
        assert asking.staff("file_replay", id="1").done
        assert asking.staff("file_replay", id="2").done
        exchange.hand_in("2", piece("b", "start"))

        assert exchange.charged() == [(1, 90)]
        assert exchange.office.all(
            "SELECT assembly, new, duplicate FROM usage_file WHERE replay = 1 AND state = 'DONE' ORDER BY id"
        ) == [("PARTIAL", 0, 2), ("ASSEMBLED", 0, 1)]
        assert asking.staff("reconcile_show", full="yes").body["verdict"] == "adds up"

    def test_that_was_read_wrongly_is_charged_by_the_mended_profile(
        self, exchange: Exchange, asking: Asking
    ) -> None:
        """The profile took the wrong field for the time: what sessions came to is charged once that is mended."""
        exchange.profile = replace(CALLS, started=Instant("call", Clock.EPOCH))
        exchange.hand_in("1", piece("a", "start"), piece("a", "stop", 90))
        assert exchange.office.all("SELECT verdict FROM verdict") == [("REJECTED",)]
        exchange.profile = CALLS
        assert asking.staff("file_replay", id="2").done
        exchange.hand_in("2", piece("b", "stop", 7))

        assert sorted(exchange.charged()) == [(1, 7), (1, 90)]
        assert asking.staff("reconcile_show", full="yes").body["verdict"] == "adds up"

    def test_that_was_set_aside_is_never_rated_as_it_is(self, exchange: Exchange) -> None:
        """Tried again, its records go on into their sessions."""
        office = exchange.office
        exchange.hand_in("1", piece("b", "start"))
        world.put(office.spool, "2", [piece("a", "start"), piece("a", "stop", 90)])
        profiles = exchange.profiles
        Arriving(Spool(office.spool), 2, NeverStopped(), profiles=profiles).scan(office.connection)
        office.as_owner(
            "UPDATE usage_file_part SET state = 'BLOCKED', blocked = 'x' WHERE file_id = 2"
        )
        exchange.work()
        assert exchange.charged() == []
        office.unblock(2)
        assert office.all("SELECT state FROM usage_file_part WHERE file_id = 2") == [("SESSION",)]
        exchange.work()

        assert exchange.charged() == [(1, 90)]

    def test_whose_conflict_is_tried_again_waits_on(
        self, exchange: Exchange, asking: Asking
    ) -> None:
        """A piece of a call is no usage by itself, whatever a clerk asks for."""
        exchange.hand_in("1", piece("a", "interim", 60), piece("a", "interim", 70, at=60))
        assert asking.staff("suspense_take", line="1-2").done
        assert asking.staff("suspense_retry", reason="CONFLICT").done
        exchange.work()

        assert exchange.charged() == []
        assert exchange.office.all("SELECT resolved_at, reason FROM verdict") == [
            (None, "CONFLICT")
        ]


class TestTheDatabaseRefuses:
    """What must not happen, whatever the program does."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE usage_session SET told = rows + 1",
            "UPDATE usage_session SET state = 'FINISHED'",
            "DELETE FROM usage_session",
            "DELETE FROM usage_emission",
            "INSERT INTO usage_batch (source_id, profile, profile_version, rows, emissions, lines)  VALUES (1, 'x', 0, 7, 1, 1)",
        ],
    )
    def test_what_would_lose_records(self, exchange: Exchange, statement: str) -> None:
        """A session forgotten before its usage is made, or its usage before it is in a file, is refused."""
        exchange.hand_in("1", piece("a", "interim", 60), piece("b", "stop", 90))
        exchange.office.as_owner(
            "INSERT INTO usage_emission SELECT id, 7, source_id, profile, 0, 'LATE', 1, '', now()"
            " FROM usage_session WHERE name = 's1 b'"
        )
        with (
            pytest.raises((psycopg2.errors.CheckViolation, psycopg2.errors.InsufficientPrivilege)),
            closing(exchange.office.database.connect("bmuid")) as connection,
            connection,
            connection.cursor() as txn,
        ):
            txn.execute(statement)

    def test_that_usage_is_put_into_two_files(self, exchange: Exchange) -> None:
        """What is in a batch stays in it."""
        exchange.hand_in("1", piece("a", "stop", 90))
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            exchange.office.as_owner("UPDATE usage_emission SET batch_id = NULL")
