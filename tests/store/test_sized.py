"""Allowances whose size usage of another class makes: they grow call by call, and shrink when calls are rated again."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg2.errors
import pytest
from again import holds, live, rerated
from asking import Asking
from conftest import Database
from offices import Office
from rich_world import CATALOGUE, DAY, GB, NOON, PREMIUM, found, lines_of
from usage_world import SOURCE

from bmuid.operations.registry import Door, Role
from bmuid.operations.usage import charge_id
from bmuid.store.customer_usage import ChargeKey

SIZED = """
[[bucket]]
code = "BONUS"
name = "A minute for ten of premium"
unit = "TIME"
classes = ["voice"]
locations = ["GB"]
quantity = 60
recurrence = "MONTH"
size_by = "premium"
size_per = 600

[[package]]
code = "BONUS"
name = "A line with minutes for premium calls"
price = "6.00"
frequency = "MONTH"
buckets = ["BONUS"]
rate_plan = "RETAIL"
reclass = "DEAR"
"""
DOCUMENT = CATALOGUE + SIZED
ACCOUNT = """
[[account]]
number = "BONUS"
name = "Customer with a bonus"
[[account.service]]
package = "BONUS"
from = 2026-01-01
uids = [{ type = "phone", value = "441632960081" }]
"""
LINE = 81


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with a customer who has a bonus."""
    asking = found(Asking(database))
    for name, document in (("catalogue_load", DOCUMENT), ("accounts_load", ACCOUNT)):
        loaded = asking.staff(name, document=document)
        assert loaded.done, loaded.body
    return asking


@pytest.fixture
def office(asking: Asking, tmp_path: Path) -> Iterator[Office]:
    """Give the workers that rate for it."""
    with closing(asking.database.connect()) as connection:
        yield Office(asking.database, connection, tmp_path, parts=2)


def hand_in(office: Office, name: str, *calls: tuple[str, int, timedelta]) -> None:
    """Let the line make calls: who was called, how many seconds, how long after noon of Monday, 3 August."""
    lines = lines_of(name, *((LINE, *call) for call in calls))
    assert office.hand_in(name, lines)["new"] == len(calls)


def bonus(office: Office) -> list[tuple[object, ...]]:
    """Give the bonus of each month: what was measured, what is in it by that, what is left."""
    return office.all(
        "SELECT measured, granted + added, balance FROM bucket WHERE code = 'BONUS' ORDER BY during"
    )


def included(office: Office) -> list[int]:
    """Give of each call, in the order of time, what was included."""
    return [
        int(seconds)
        for (seconds,) in office.all(
            "SELECT rounded - billable FROM charge AS c WHERE NOT EXISTS (SELECT FROM charge_reversal AS r"
            " WHERE r.account_id = c.account_id AND r.started_at = c.started_at AND r.udr_id = c.udr_id"
            " AND r.version = c.version) ORDER BY started_at"
        )
    ]


CALLS = (
    (GB, 30, 0 * DAY),
    (PREMIUM, 300, 1 * DAY),
    (GB, 20, 2 * DAY),
    (PREMIUM, 305, 3 * DAY),
    (GB, 60, 4 * DAY),
)


@pytest.mark.parametrize("chunk_lines", [1, 2, 100])
def test_it_grows_with_each_call(office: Office, chunk_lines: int) -> None:
    """Nothing at first; half a minute for five; the rest with the next: however the file is cut."""
    office.chunk_lines = chunk_lines

    hand_in(office, "a", *CALLS)

    assert included(office) == [0, 0, 20, 0, 41]
    # 605 seconds make 60.5, which are 61.
    assert bonus(office) == [(605, 61, 0)]
    assert office.all(
        "SELECT kind, quantity FROM draw WHERE bucket_id = (SELECT id FROM bucket WHERE code = 'BONUS') ORDER BY started_at"
    ) == [("GRANT", 30), ("DRAW", -20), ("GRANT", 31), ("DRAW", -41)]
    assert holds(office)


def test_the_call_that_made_it_grow_says_by_how_much(office: Office, asking: Asking) -> None:
    """Five minutes of premium calls: half a minute more of the others, and the charge says so."""
    hand_in(office, "a.csv", (PREMIUM, 300, DAY))
    [(started_at, udr_id)] = office.all("SELECT started_at, udr_id FROM charge")
    id_ = charge_id(ChargeKey(started_at, udr_id, 1))
    steps = asking.staff("charge_explain", account="BONUS", id=id_).body["steps"]

    assert {step["title"]: step["text"] for step in steps}["What grows by it"] == (
        "A minute for ten of premium: 300 s more are measured for it, which add 30 s."
    )


def test_each_month_has_its_own(office: Office) -> None:
    """What August's calls make is not there in September."""
    hand_in(office, "a", (PREMIUM, 600, 0 * DAY), (GB, 10, 1 * DAY), (GB, 10, 40 * DAY))
    hand_in(office, "b", (PREMIUM, 60, 41 * DAY))

    assert included(office) == [0, 10, 0, 0]
    assert bonus(office) == [(600, 60, 50), (60, 6, 6)]


OTHERWISE = DOCUMENT.replace("size_per = 600", "size_per = 300")
WITHOUT = DOCUMENT.replace('buckets = ["BONUS"]', "buckets = []")


@pytest.mark.parametrize("other", [OTHERWISE, WITHOUT], ids=["twice as much", "none"])
def test_another_size_and_back_gives_the_original(
    office: Office, asking: Asking, other: str
) -> None:
    """Twice the minutes, or none, and then as before: each charge and the bonus are what they were."""
    hand_in(office, "a", *CALLS)
    before = live(office), bonus(office), included(office)
    assert asking.staff("catalogue_load", document=other).done
    rerated(office, asking, from_="2026-08-01")
    between = included(office)
    assert holds(office)

    assert asking.staff("catalogue_load", document=DOCUMENT).done
    rerated(office, asking, from_="2026-08-01")

    assert between == ([0, 0, 20, 0, 60] if other == OTHERWISE else [0, 0, 0, 0, 0])
    assert (live(office), bonus(office), included(office)) == before
    assert holds(office)


def test_an_unchanged_size_changes_nothing(office: Office, asking: Asking) -> None:
    """A name that changes makes no charge anew, and no entry in the bonus."""
    hand_in(office, "a", *CALLS)
    draws = office.all("SELECT count(*) FROM draw")
    assert asking.staff("catalogue_load", document=DOCUMENT.replace("Working day", "Day")).done

    shown = rerated(office, asking, from_="2026-08-01")

    assert shown["plan"]["changed"] == 0
    assert office.all("SELECT count(*) FROM draw") == draws
    assert bonus(office) == [(605, 61, 0)]


def test_what_was_used_of_it_stays_when_what_made_it_goes(office: Office, asking: Asking) -> None:
    """An early call that came late has drawn from it; later premium calls turn out to be none: it is kept what it drew."""
    hand_in(office, "a", (PREMIUM, 600, 10 * DAY))
    hand_in(office, "b", (GB, 40, 1 * DAY))
    assert bonus(office) == [(600, 60, 20)]
    none = DOCUMENT.replace(
        'buckets = ["BONUS"]\nrate_plan = "RETAIL"\nreclass = "DEAR"',
        'buckets = ["BONUS"]\nrate_plan = "RETAIL"',
    )
    assert none != DOCUMENT
    assert asking.staff("catalogue_load", document=none).done

    rerated(office, asking, from_="2026-08-10")

    assert included(office) == [40, 0]
    assert bonus(office) == [(0, 40, 0)]
    assert holds(office)

    rerated(office, asking, from_="2026-08-01")
    assert holds(office)


def test_what_lost_its_charge_comes_back_as_what_its_record_named(
    office: Office, asking: Asking
) -> None:
    """A call is told to be a premium one by where it went; unpriced for a time and priced again, it still is, by the same rule."""
    classes = (
        "SELECT k.code, c.detail ->> 'reclassified_from' FROM charge AS c JOIN usage_class AS k ON k.id = c.usage_class_id"
        " WHERE NOT EXISTS (SELECT FROM charge_reversal AS r WHERE r.account_id = c.account_id"
        " AND r.started_at = c.started_at AND r.udr_id = c.udr_id AND r.version = c.version)"
    )
    hand_in(office, "a", (PREMIUM, 600, DAY))
    assert office.all(classes) == [("premium", "voice")]
    office.as_owner(
        "INSERT INTO revision (actor, note) VALUES ('test', 'gone');"
        "UPDATE rate SET until = (SELECT max(id) FROM revision) WHERE usage_class = 'premium' AND until IS NULL"
    )
    rerated(office, asking, from_="2026-08-01")
    assert office.all(classes) == []
    assert asking.staff("catalogue_load", document=DOCUMENT).done

    asking.staff("suspense_retry", reason="NO_RATE")
    office.rate()

    assert office.all(classes) == [("premium", "voice")]
    assert bonus(office) == [(600, 60, 60)]


def test_calls_at_once_are_all_measured(office: Office) -> None:
    """Premium calls and others in the same moment, in real time: each counts once, and nothing is drawn that is not there."""
    start = threading.Barrier(16)

    def call(number: int) -> None:
        switch = Asking(office.database, name=SOURCE)
        told = {
            "event": f"call {number}",
            "class": "voice",
            "uid": f"{441632960000 + LINE}",
            "started_at": NOON.isoformat().replace("+00:00", "Z"),
            "quantity": "60",
            "destination": PREMIUM if number % 2 else GB,
        }
        start.wait()
        while True:
            try:
                assert switch.ask(Door.USAGE, "usage_rate", Role.SOURCE, told).done
            except psycopg2.errors.DeadlockDetected:
                continue
            break

    threads = [threading.Thread(target=call, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert bonus(office) == [(480, 48, 48 - sum(included(office)))]
    assert holds(office)
