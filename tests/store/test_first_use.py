"""Allowances that begin with their first use: begun by it, once, whatever arrives how, at once or again."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg2.errors
import pytest
from again import holds, live, rerated
from asking import Answered, Asking
from conftest import Database
from offices import Office
from rich_world import CATALOGUE, DAY, FR, GB, HOUR, NOON, found, lines_of
from usage_world import SOURCE

from bmuid.operations.registry import Door, Role

PASS = """
[[bucket]]
code = "PASS"
name = "Ten minutes for a week, from the first call on"
unit = "TIME"
classes = ["voice"]
locations = ["GB"]
quantity = 600
recurrence = "NEVER"
on_first_use = true
expires_after = 7
expires_unit = "DAY"
"""
WITH_PASS = (CATALOGUE + PASS).replace('buckets = ["TWO"]', 'buckets = ["TWO", "PASS"]')
# The line of the customer whose package has it, after two minutes a month.
LINE = 12


def asking_for(database: Database, catalogue: str) -> Asking:
    """Found the company, with a catalogue of its own."""
    asking = found(Asking(database))
    loaded = asking.staff("catalogue_load", document=catalogue)
    assert loaded.done, loaded.body
    return asking


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with the pass in the catalogue."""
    return asking_for(database, WITH_PASS)


@pytest.fixture
def office(asking: Asking, tmp_path: Path) -> Iterator[Office]:
    """Give the workers that rate for it."""
    with closing(asking.database.connect()) as connection:
        yield Office(asking.database, connection, tmp_path, parts=2)


def hand_in(office: Office, name: str, *calls: tuple[str, int, timedelta]) -> None:
    """Let the line make calls: who was called, how many seconds, how long after noon of Monday, 3 August."""
    lines = lines_of(name, *((LINE, *call) for call in calls))
    assert office.hand_in(name, lines)["new"] == len(calls)


def passes(office: Office) -> list[tuple[object, ...]]:
    """Give the passes there are: their days in London, what was granted and what is left."""
    return office.all(
        "SELECT to_char(lower(during) AT TIME ZONE 'Europe/London', 'MM-DD'),"
        " to_char(upper(during) AT TIME ZONE 'Europe/London', 'MM-DD'), granted + added, balance"
        " FROM bucket WHERE code = 'PASS' AND granted + added > 0 ORDER BY during"
    )


def test_it_begins_with_the_call_that_needs_it(office: Office) -> None:
    """Not when the service began, nor with calls that go elsewhere or that other minutes cover: with the first beyond them."""
    hand_in(office, "a", (FR, 60, 0 * DAY), (GB, 40, 1 * DAY))
    assert passes(office) == []

    hand_in(office, "b", (GB, 50, 3 * DAY), (GB, 60, 9 * DAY), (GB, 60, 10 * DAY))

    # 20 seconds of the two minutes were left; the week is over before the last.
    assert passes(office) == [("08-06", "08-13", 600, 600 - 30 - 60)]
    assert holds(office)


def test_it_begins_once_and_not_again_when_its_week_is_over(office: Office) -> None:
    """A pass that has ended is used up: the next month's calls do not begin another."""
    hand_in(office, "a", (GB, 200, 0 * DAY))
    hand_in(office, "b", (GB, 200, 40 * DAY))

    assert passes(office) == [("08-03", "08-10", 600, 600 - 80)]


@pytest.mark.parametrize("chunk_lines", [1, 3, 100])
def test_however_a_file_is_cut_it_begins_with_the_same_call(
    office: Office, chunk_lines: int
) -> None:
    """Lines one by one or all at once: the same charges, the same week."""
    office.chunk_lines = chunk_lines
    chosen = random.Random(7)
    calls = [(chosen.choice((GB, FR)), 10 * chosen.randint(1, 9), n * 7 * HOUR) for n in range(40)]
    hand_in(office, "a", *calls)

    [(first, _, granted, _)] = passes(office)
    assert (first, granted) == ("08-04", 600)
    assert holds(office)
    assert office.all("SELECT sum(amount_e11) FROM charge") == [(12 * 10**11,)]


def test_late_usage_rated_again_begins_it_earlier(office: Office, asking: Asking) -> None:
    """A call of Tuesday comes after one of Thursday has begun the week: rated again, the week is from Tuesday on, once."""
    hand_in(office, "a", (GB, 300, 3 * DAY), (GB, 60, 8 * DAY))
    hand_in(office, "b", (GB, 90, 1 * DAY), (GB, 240, 2 * DAY))
    assert passes(office) == [("08-06", "08-13", 600, 600 - 180 - 60)]
    loaded = asking.staff("catalogue_load", document=WITH_PASS.replace("0.10", "0.11"))
    assert loaded.done, loaded.body

    shown = rerated(office, asking, from_="2026-08-01")

    assert shown["plan"]["state"] == "DONE"
    # In event order: 90 and 30 s from the two minutes, then the pass: 210 s, 300 s, and the call after the week none.
    assert passes(office) == [("08-05", "08-12", 600, 600 - 210 - 300 - 60)]
    assert holds(office)


OTHER = WITH_PASS.replace(
    'locations = ["GB"]\nquantity = 600\nrecurrence = "NEVER"',
    'locations = ["FR"]\nquantity = 600\nrecurrence = "NEVER"',
)


def test_another_catalogue_and_back_gives_the_original(office: Office, asking: Asking) -> None:
    """The pass is for other calls for a while: it begins with those, and then as it did; each grant and lapse is on record."""
    hand_in(
        office, "a", (GB, 300, 0 * DAY), (FR, 60, 2 * DAY), (GB, 100, 3 * DAY), (FR, 90, 12 * DAY)
    )
    before = live(office), passes(office)
    assert before[1] == [("08-03", "08-10", 600, 320)]
    seen = []
    for document in (OTHER, WITH_PASS):
        loaded = asking.staff("catalogue_load", document=document)
        assert loaded.done, loaded.body
        rerated(office, asking, from_="2026-08-01")
        seen.append(passes(office))
        assert holds(office)

    assert seen == [[("08-05", "08-12", 600, 540)], before[1]]
    assert live(office) == before[0]
    kinds = office.all(
        "SELECT kind, version, quantity FROM draw WHERE udr_id = 0 AND bucket_id ="
        " (SELECT id FROM bucket WHERE code = 'PASS' AND lower(during) < '2026-08-04') ORDER BY version, kind"
    )
    assert kinds == [("GRANT", 0, 600), ("EXPIRY", 1, -600), ("GRANT", 1, 600)]


def test_a_plan_of_rerating_begins_nothing(office: Office, asking: Asking) -> None:
    """A plan says what would change; it grants nothing."""
    loaded = asking.staff("catalogue_load", document=OTHER)
    assert loaded.done, loaded.body
    hand_in(office, "a", (GB, 300, 0 * DAY), (GB, 100, 3 * DAY))
    assert passes(office) == []
    loaded = asking.staff("catalogue_load", document=WITH_PASS)
    assert loaded.done, loaded.body

    assert asking.staff("rerate_plan", from_="2026-08-01").done
    office.rate()
    assert passes(office) == []

    rerated(office, asking, from_="2026-08-01")
    assert passes(office) == [("08-03", "08-10", 600, 320)]


class Switch(Asking):
    """The switch, at the usage door."""

    def asks(self, name: str, event: str, **texts: str) -> Answered:
        """Tell or ask of a call of the line, on a Monday unless told."""
        told = {
            "event": event,
            "class": "voice",
            "uid": f"{441632960000 + LINE}",
            "started_at": NOON.isoformat().replace("+00:00", "Z"),
            "quantity": "60",
            "destination": GB,
        }
        while True:
            try:
                return self.ask(Door.USAGE, name, Role.SOURCE, told | texts)
            except psycopg2.errors.DeadlockDetected:
                continue


def at_once(work: Callable[[int], None], callers: int) -> None:
    """Do the work of each caller in a thread of its own."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_calls_at_once_begin_it_once(office: Office) -> None:
    """Twenty calls in the same moment, told of at once or reserved for: one pass, and not a second more than is in it."""
    start = threading.Barrier(20)
    given: list[int] = []

    def call(number: int) -> None:
        switch = Switch(office.database, name=SOURCE)
        start.wait()
        name = "usage_reserve" if number % 4 == 0 else "usage_rate"
        answer = switch.asks(name, f"call {number}")
        assert answer.done, answer.body
        given.append(number)

    at_once(call, 20)

    assert len(given) == 20
    # 1200 seconds: two minutes a month, ten from the pass; whoever reserved holds for as long as it takes.
    assert passes(office) == [("08-03", "08-10", 600, 0)]
    assert office.all("SELECT count(*) FROM bucket WHERE code = 'PASS'") == [(1,)]
    assert holds(office)


def test_who_may_begin_it_waits_for_who_is_about_to(office: Office, asking: Asking) -> None:
    """A call of Tuesday is told of while one of Monday begins the week, and is not committed: there is one week, Monday's."""
    switch = Switch(office.database, name=SOURCE)
    later = (NOON + DAY).isoformat().replace("+00:00", "Z")
    answers: list[Answered] = []
    office.all("SELECT ensure_day('2026-08-02')")
    tuesday = threading.Thread(
        target=lambda: answers.append(
            switch.asks("usage_reserve", "Tuesday", started_at=later, quantity="300")
        )
    )
    with closing(office.database.connect()) as monday, monday, monday.cursor() as txn:
        txn.execute("SELECT id FROM account WHERE number = 'BEYOND' FOR NO KEY UPDATE")
        tuesday.start()
        while tuesday.is_alive() and not waiting(asking):
            pass
        assert tuesday.is_alive()
        txn.execute(
            "INSERT INTO bucket (account_id, account_service_id, code, during, unit, granted)"
            " SELECT account_id, id, 'PASS', '[2026-08-03 00:00 Europe/London, 2026-08-10 00:00 Europe/London)',"
            " 'TIME', 600 FROM account_service WHERE package = 'BEYOND'"
        )
    tuesday.join()

    assert answers[0].done, answers[0].body
    assert passes(office) == [("08-03", "08-10", 600, 600 - 180)]
    assert holds(office)


def waiting(asking: Asking) -> bool:
    """Tell whether somebody waits for another's lock."""
    [(count,)] = asking.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return count > 0


def test_a_quote_begins_nothing_and_a_reservation_does(office: Office) -> None:
    """Who only asks what it would cost is told of the pass, and keeps it whole; held minutes are nobody else's."""
    switch = Switch(office.database, name=SOURCE)

    quoted = switch.asks("usage_quote", "a", quantity="300").body
    assert (quoted["included"], quoted["billable"]) == (300, 0)
    assert passes(office) == []

    held = switch.asks("usage_reserve", "a", quantity="300").body
    assert (held["quantity"], held["amount"]) == (300, "0")
    assert passes(office) == [("08-03", "08-10", 600, 420)]
    settled = switch.ask(
        Door.USAGE, "usage_settle", Role.SOURCE, {"event": "a", "quantity": "150"}
    ).body
    assert (settled["included"], settled["billable"]) == (150, 0)
    assert passes(office) == [("08-03", "08-10", 600, 570)]
    assert holds(office)
