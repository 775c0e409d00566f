"""Allowances that grow while they are used: what is granted on one day may be drawn on any other of the same work."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import again
import pytest
from asking import NOW, Asking
from conftest import Database
from offices import Office
from rich_world import DAY, GB, NOON, found, lines_of
from usage_world import SOURCE

from bmu.period import FOREVER_US, to_us
from bmuid.intake.events import PHONE, Event
from bmuid.realtime import single
from bmuid.realtime.counter import Counter
from bmuid.realtime.reference import LookedUp

# One customer calls on Monday and Wednesday. Another uses 250 of five minutes on Monday, enters five more on Tuesday
# by a call of 60 s, and uses 200 s of them on Wednesday.
CALLS = (
    (2, GB, 60, timedelta()),
    (2, GB, 60, 2 * DAY),
    (11, GB, 250, timedelta()),
    (11, GB, 60, DAY),
    (11, GB, 200, 2 * DAY),
)


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at the rich catalogue's company."""
    return found(Asking(database))


@pytest.fixture
def office(asking: Asking, tmp_path: Path) -> Iterator[Office]:
    """Give its workers."""
    with closing(asking.database.connect()) as connection:
        yield Office(asking.database, connection, Path(tempfile.mkdtemp(dir=tmp_path)), parts=1)


def assert_drawn(office: Office) -> None:
    """Ten minutes were granted in two steps, of which 510 s are gone; all is on the books."""
    assert office.all("SELECT balance, added FROM bucket") == [(90, 300)]
    assert again.holds(office)


def test_a_file_of_three_days(office: Office) -> None:
    """Whatever the order in which its days are met, all of it is charged."""
    assert office.hand_in("a.csv", lines_of("a", *CALLS))["new"] == len(CALLS)
    assert_drawn(office)


def test_a_group_of_single_events(office: Office) -> None:
    """The same calls told of at once are charged as those of the file."""
    events = [
        Event(
            key=f"call {place}",
            uid_type=PHONE,
            uid=str(441632960000 + line),
            usage_class="voice",
            started_us=to_us(NOON + later),
            quantity=seconds,
            origin="",
            destination=called,
            extras=None,
        )
        for place, (line, called, seconds, later) in enumerate(CALLS)
    ]
    counter = Counter(LookedUp(), lambda _now: (-FOREVER_US, FOREVER_US))
    with office.connection, office.connection.cursor() as txn:
        counter.begin()
        answers = single.rate_all(txn, counter, SOURCE, events, NOW)

    assert [answer.state for answer in answers] == ["RATED"] * len(CALLS)
    assert_drawn(office)


def test_calls_that_lost_their_charge_and_have_one_again(office: Office, asking: Asking) -> None:
    """A month without a price for them, rated again and mended: taken in again from suspense, day by day or not."""
    office.hand_in("a.csv", lines_of("a", *CALLS))
    catalogue = str(asking.staff("catalogue_dump").body["document"])
    priced = 'code = "voice"\nname = "Telephone calls"'
    assert priced in catalogue
    unpriced = catalogue.replace('rate_plan = "RETAIL"', 'rate_plan = "VOID"') + (
        '[[rate_plan]]\ncode = "VOID"\nname = "Void"\ngroups = ["VOID"]\n'
        '[[rate_group]]\ncode = "VOID"\nname = "Void"\n'
        '[[rate]]\ngroup = "VOID"\nclass = "premium"\ntype = "FIXED"\nprice = "1"\nper = "1"\n'
    )
    assert asking.staff("catalogue_load", document=unpriced).done
    again.rerated(office, asking)
    assert again.live(office) == []
    assert asking.staff("catalogue_load", document=catalogue).done
    assert asking.staff("suspense_retry", reason="NO_RATE").done
    office.rate()

    assert len(again.live(office)) == len(CALLS)
    assert office.all("SELECT balance FROM bucket") == [(90,)]
    assert again.holds(office)
