"""What a source may tell of: its window of times, its services, how much; by files and in real time alike."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asking import NOW, SECRETS, Asking
from conftest import Database
from offices import Office, opened
from usage_world import AWAY, HOME, SOURCE, call, number_of, put

from bmuid.intake import limits
from bmuid.intake.ours import window_of_us
from bmuid.operations.perform import perform
from bmuid.operations.registry import Actor, Door, Role
from bmuid.operations.single_events import OPERATIONS
from bmuid.realtime.counter import Counter
from bmuid.realtime.reference import LookedUp
from bmuid.store import files

DAYS_BACK = 400
BY_SOURCES = {row.name: row for row in OPERATIONS if Door.USAGE in row.doors}


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


@pytest.fixture
def asking(office: Office) -> Asking:
    """Give a clerk at the admin door."""
    return Asking(office.database)


def limited(asking: Asking, **texts: str) -> dict[str, object]:
    """Set limits of the switch, and give what it is then."""
    found = asking.staff("source_set", role=Role.CLERK, code=SOURCE, **texts)
    assert found.done, found.body
    return found.body


def reasons(office: Office) -> list[tuple[object, ...]]:
    """Give each suspended line with its reason and what is told of it."""
    return office.all(
        "SELECT line_no, reason, detail FROM verdict WHERE verdict = 'SUSPENDED' AND resolved_at IS NULL ORDER BY 1"
    )


def tell(asking: Asking, operation: str, event: str, customer: int = 1, **changes: str) -> object:
    """Tell of a call in real time as the switch itself; give the state, the reason it waits for or the refusal."""
    texts = {
        "event": event, "class": "voice", "uid": number_of(customer), "started_at": NOW.isoformat(),
        "quantity": "60", "destination": HOME, **changes,
    }  # fmt: skip
    counter = Counter(LookedUp(), lambda now_us: window_of_us(now_us, DAYS_BACK))
    source = frozenset({Role.SOURCE})
    actor = Actor(SOURCE, Door.USAGE, source, "0" * 16, SECRETS, counter=counter)
    with closing(asking.database.connect()) as connection, connection, connection.cursor() as txn:
        answer = perform(txn, BY_SOURCES[operation], actor, texts, NOW)
    body = json.loads(answer.body)
    return body.get("reason") or body.get("state") or body["code"]


class TestWhatASourceMayTellOf:
    """Usage outside of it waits for a person, with its reason."""

    def test_of_its_own_window_of_times(self, office: Office, asking: Asking) -> None:
        """A switch may tell of three days back and two minutes ahead; a day more on either side waits."""
        limited(asking, days_back="3", minutes_ahead="2")
        now = datetime.now(UTC).replace(microsecond=0)
        times = (-timedelta(days=2), -timedelta(days=4), timedelta(minutes=1), timedelta(minutes=20))  # fmt: skip
        office.hand_in("a.csv", [call(f"1.{n}", 1, AWAY, 60, now + each) for n, each in enumerate(times)])  # fmt: skip

        assert [row[:2] for row in reasons(office)] == [(2, "OUT_OF_WINDOW"), (4, "OUT_OF_WINDOW")]
        limited(asking, days_back="none", minutes_ahead="none")
        asking.staff("suspense_retry", reason="OUT_OF_WINDOW")
        office.rate()
        assert reasons(office) == []

    def test_of_its_own_services(self, office: Office, asking: Asking) -> None:
        """A switch that may speak for offices only says nothing of homes: its calls wait, until it may or a clerk says so."""
        office.as_owner("UPDATE account_service SET package = 'OFFICE' WHERE account_id = 2;"
            "INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types, since)"
            " VALUES ('OFFICE', 'Office', 1000, 'GBP', 'MONTH', 'PLAN', 'VAT', '{}', 1)")  # fmt: skip
        limited(asking, services="OFFICE")

        assert office.hand_in("a.csv", [call(f"1.{n}", n, AWAY) for n in (1, 2, 3)])["new"] == 1

        told = "a service of PACKAGE; its source may speak for OFFICE only"
        assert reasons(office) == [(1, "NOT_ITS_SERVICE", told), (3, "NOT_ITS_SERVICE", told)]
        asking.staff("suspense_take", line="1-1")
        limited(asking, services="OFFICE,PACKAGE")
        asking.staff("suspense_retry", reason="NOT_ITS_SERVICE")
        office.rate()
        assert reasons(office) == []
        assert office.all("SELECT count(*) FROM udr") == [(3,)]

    def test_of_its_own_types_of_identifiers(self, office: Office, asking: Asking) -> None:
        """A source of data sessions has nothing to tell of telephone numbers, known or not."""
        limited(asking, uid_types="imsi,ip")
        office.hand_in("a.csv", [call("1.1", 1), call("1.2", 400)])

        told = "usage of a phone; its source may speak for imsi,ip only"
        assert reasons(office) == [(1, "NOT_ITS_SERVICE", told), (2, "NOT_ITS_SERVICE", told)]

    def test_also_in_real_time(self, office: Office, asking: Asking) -> None:
        """At the usage door the same holds for quotes, events and reservations; what may be told of is charged."""
        assert tell(asking, "usage_rate", "e1") == "RATED"
        limited(asking, days_back="3", uid_types="imsi")
        assert tell(asking, "usage_quote", "e2") == "NOT_ITS_SERVICE"
        assert tell(asking, "usage_rate", "e3") == "NOT_ITS_SERVICE"
        limited(asking, uid_types="")
        early = (NOW - timedelta(days=4)).isoformat()
        assert tell(asking, "usage_rate", "e4", started_at=early) == "OUT_OF_WINDOW"
        assert tell(asking, "usage_rate", "e5") == "RATED"
        assert office.all("SELECT new, suspended FROM usage_file_part") == [(2, 2)]


class TestHowMuch:
    """Files and events beyond a limit are not taken on the quiet."""

    def test_a_file_beyond_its_octets_is_to_be_held(self, office: Office, asking: Asking) -> None:
        """A file of one octet more than allowed is held, and told what to do; one of just as many is not."""
        limited(asking, octets_max="1000")

        assert self.why_held(office, 1000, 10) is None
        assert str(self.why_held(office, 1001, 10)).startswith(
            "it has 1001 octets, and a file of pbx has at most 1000"
        )
        limited(asking, octets_max="none")
        assert self.why_held(office, 10**12, 10) is None

    def test_a_file_beyond_the_lines_of_a_day_is_to_be_held(
        self, office: Office, asking: Asking
    ) -> None:
        """Of ten lines a day eight have come: two more may, three may not, tomorrow they may."""
        office.hand_in("a.csv", [call(f"1.{n}", 1) for n in range(8)])
        limited(asking, lines_a_day_max="10")

        assert self.why_held(office, 1, 2) is None
        assert "has handed in 11 lines today" in str(self.why_held(office, 1, 3))
        assert self.why_held(office, 1, 3, timedelta(days=1)) is None

    def test_what_is_held_is_worked_once_somebody_lets_it_go_on(
        self, office: Office, asking: Asking
    ) -> None:
        """A file beyond a limit stands still with its reason, others go on; released it is charged; the books add up all the while."""
        limited(asking, octets_max="600", lines_a_day_max="3")
        for name, lines in (("wide.csv", 4), ("long.csv", 2), ("many.csv", 2)):
            put(office.spool, name, [call(f"{name}.{n}", 1) for n in range(lines)])
            office.take_in()
        office.rate()

        assert office.all("SELECT name, state FROM usage_file ORDER BY id") == [
            ("wide.csv", "HELD"), ("long.csv", "DONE"), ("many.csv", "HELD"),
        ]  # fmt: skip
        assert asking.staff("reconcile_show", full="yes").body["verdict"] == "adds up"
        for (file,) in office.all("SELECT id FROM usage_file WHERE state = 'HELD' ORDER BY id"):
            assert asking.staff("file_release", id=str(file)).done
        office.take_in()
        office.rate()
        assert office.all("SELECT count(*) FROM charge") == [(8,)]
        assert asking.staff("reconcile_show", full="yes").body["verdict"] == "adds up"

    def test_events_beyond_a_day_are_refused_and_those_told_of_are_answered(
        self, office: Office, asking: Asking
    ) -> None:
        """Two events a day: the third is refused and leaves nothing behind; asked again, the second is answered as it was."""
        limited(asking, lines_a_day_max="2")

        told = [tell(asking, "usage_rate", event) for event in ("e1", "e2", "e3", "e2", "e3")]

        assert told == ["RATED", "RATED", "LIMIT_REACHED", "RATED", "LIMIT_REACHED"]
        assert office.all("SELECT count(*) FROM usage_key") == [(2,)]
        limited(asking, lines_a_day_max="3")
        assert tell(asking, "usage_rate", "e3") == "RATED"

    @staticmethod
    def why_held(
        office: Office, octets: int, lines: int, later: timedelta = timedelta(0)
    ) -> str | None:
        """Ask whether a file of the switch would be held, now or later."""
        with office.connection, office.connection.cursor() as txn:
            source = files.source(txn, SOURCE)
            assert source is not None
            now = datetime.now(UTC) + later
            return limits.why_held(txn, (source.id, source.code), octets, lines, now)


class TestSettingLimits:
    """Limits as staff say them."""

    def test_in_a_document_and_by_hand_are_the_same(self, asking: Asking) -> None:
        """What was set by hand is what a document says; loaded again it changes nothing; left out it is no limit."""
        shown = limited(
            asking, octets_max="1000", lines_a_day_max="5", days_back="3", minutes_ahead="0", uid_types="phone",
            services="PACKAGE", sequence_pattern="cdr-#.csv", sequence_range="0-9999", late_minutes="5", silent_minutes="60",
        )  # fmt: skip
        document = """
            [[source]]
            code = "pbx"
            name = "Switch"
            profile = "asterisk-master-csv"
            time_zone = "Europe/London"
            country = "44"
            trunk_prefix = "0"
            international_prefix = "00"
        """
        with_limits = (
            document
            + """
            octets_max = 1000
            lines_a_day_max = 5
            days_back = 3
            minutes_ahead = 0
            uid_types = "phone"
            services = "PACKAGE"
            sequence_pattern = "cdr-#.csv"
            sequence_range = "0-9999"
            late_minutes = 5
            silent_minutes = 60
        """
        )

        assert asking.staff("source_show", code=SOURCE).body == shown
        assert asking.staff("sources_load", document=with_limits).body["left"] == [SOURCE]
        assert asking.staff("sources_load", document=document).body["changed"] == [SOURCE]
        assert asking.staff("source_show", code=SOURCE).body["limits"] == {
            "octets_max": None, "lines_a_day_max": None, "days_back": None, "minutes_ahead": None,
            "uid_types": "", "services": "",
        }  # fmt: skip

    @pytest.mark.parametrize(
        "texts",
        [
            {"octets_max": "0"},
            {"minutes_ahead": "61"},
            {"uid_types": "Phone"},
            {"services": "NOBODY"},
            {"sequence_pattern": "cdr.csv"},
            {"sequence_range": "9-9"},
            {"routing_prefixes": "1400,1400"},
        ],
    )
    @pytest.mark.usefixtures("office")
    def test_that_nobody_can_mean_are_refused(self, asking: Asking, texts: dict[str, str]) -> None:
        """A limit beyond what holds for all, a package that is not there, a prefix told twice: nothing changes."""
        before = asking.staff("source_show", code=SOURCE).body

        assert asking.staff("source_set", code=SOURCE, **texts).code == "BAD_ARGUMENT"
        assert asking.staff("source_show", code=SOURCE).body == before
