"""How far a file is and what sources hand in: figures that one counts by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asking import Asking
from conftest import Database
from offices import NeverStopped, Office, opened
from usage_world import AWAY, HOME, SOURCE, UNPRICED, call, number_of, put

from bmuid.intake.chunk import Bench
from bmuid.intake.spool import Spool
from bmuid.operations.registry import Role
from bmuid.worker.rating import Rating


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at the admin door."""
    return Asking(database)


def test_a_long_file_tells_how_far_it_is(office: Office, asking: Asking) -> None:
    """Before it is begun nothing is known; half way 50 per cent and as much time left as it took; done, none is left."""
    office.parts = 1
    put(office.spool, "long.csv", [call(f"1.{n}", 1 + n % 9, AWAY) for n in range(100)])
    office.take_in()
    worker = Rating(Bench(Spool(office.spool), office.days_back, 25), NeverStopped())

    def told() -> dict[str, object]:
        return asking.staff("file_progress", role=Role.AUDITOR, id="1").body

    assert [told()[name] for name in ("worked", "per_cent", "seconds_left", "began_at")] == [0, 0, None, None]  # fmt: skip
    while told()["worked"] != 50:
        worker.step(office.connection)
    office.as_owner("UPDATE usage_file_part SET began_at = moved_at - interval '100 seconds'")
    half = told()
    assert {name: half[name] for name in ("state", "per_cent", "lines_a_second", "seconds_left")} == {
        "state": "OPEN", "per_cent": 50, "lines_a_second": 0, "seconds_left": 100,
    }  # fmt: skip
    office.as_owner("UPDATE usage_file_part SET began_at = moved_at - interval '5 seconds'")
    assert told()["parts"] == [
        {"part": 0, "state": "OPEN", "passed": 50, "per_cent": 50, "lines_a_second": 10}
    ]
    assert told()["seconds_left"] == 5
    office.rate()
    assert [told()[name] for name in ("state", "worked", "per_cent", "seconds_left")] == ["DONE", 100, 100, 0]  # fmt: skip
    assert asking.staff("file_progress", id="9").code == "NOT_FOUND"


def test_statistics_tell_what_came_of_a_day(office: Office, asking: Asking) -> None:
    """Two files and an event in real time: lines, verdicts, reasons, seconds that are charged, the last file."""
    office.hand_in("a.csv", [call("1.1", 1, AWAY, 90), call("1.1", 1, AWAY, 90), call("1.2", 400), call("1.3", 400), "bad"])  # fmt: skip
    office.hand_in("b.csv", [call("2.1", 2, HOME, 600), call("2.2", 2, UNPRICED)])
    asking.staff("usage_rate", source=SOURCE, event="e1", class_="voice", uid=number_of(4),
        started_at="2026-08-05T11:00:00Z", quantity="30", destination=AWAY)  # fmt: skip
    [(octets, today)] = office.all(
        "SELECT sum(octets)::bigint, (max(received_at) AT TIME ZONE 'Europe/London')::date::text FROM usage_file"
    )
    span = {"from_": str(today), "to": "2199-01-01"}
    assert asking.staff("source_statistics", **span).code == "BAD_ARGUMENT"

    office.as_owner(
        "SET session_replication_role = replica; UPDATE usage_file_part SET began_at = '2026-08-04 00:00:00',"
        " moved_at = '2026-08-04 00:00:01' WHERE moved_at IS NOT NULL"
    )
    asking.now = datetime.now(UTC)
    [day] = asking.staff("source_statistics", role=Role.AUDITOR, source=SOURCE).body["days"]
    assert {name: day[name] for name in day if name != "last_at"} == {
        "day": today, "source": "pbx", "files": 3, "lines": 8, "new": 3, "duplicate": 1, "suspended": 3, "rejected": 1,
        "reasons": "NO_UID 2, MALFORMED_LINE 1, NO_RATE 1", "octets": octets, "seconds": 720, "octets_used": 0,
        "counted": 0, "last_file": "real time 2026-09-20", "lines_a_second": 4,
    }  # fmt: skip
    assert (
        asking.staff("source_statistics", from_="2026-08-01", to="2026-08-08").body["days"] == []
    )
    assert asking.staff("source_statistics", source="nobody").code == "NOT_FOUND"
