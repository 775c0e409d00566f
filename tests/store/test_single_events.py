"""Events told of one by one: each is charged once, its source hears the same however often it asks, nothing is dropped."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import usage_world as world
from asking import NOW, Answered, Asking
from conftest import Database
from offices import Office, opened
from usage_world import AWAY, HOME, UNPRICED, number_of

from bmuid.operations.registry import Role
from bmuid.realtime import reference
from bmuid.realtime.reference import Newest
from bmuid.store import revisions, sparing
from bmuid.store import streams as store_streams
from bmuid.store.files import Source, Verdicts
from bmuid.store.keys import Earlier
from bmuid.store.streams import Claim, Stream, Taken, Told

STRANGER = 400
TELLERS = 3
EVENTS = 6
NOON = "2026-08-03T11:00:00Z"


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


@pytest.fixture
def asking(office: Office) -> Asking:
    """Give a clerk at the admin door."""
    return Asking(office.database)


def told(event: str, customer: int = 1, seconds: int = 60, **changes: str) -> dict[str, str]:
    """Give what is told of a call."""
    return {
        "source": world.SOURCE,
        "event": event,
        "class": "voice",
        "uid": number_of(customer),
        "started_at": NOON,
        "quantity": str(seconds),
        "destination": HOME,
        **changes,
    }


def rate(
    asking: Asking, event: str, customer: int = 1, seconds: int = 60, **changes: str
) -> Answered:
    """Have a call rated and charged."""
    return asking.staff("usage_rate", role=Role.CLERK, **told(event, customer, seconds, **changes))


def streams(office: Office) -> list[tuple[object, ...]]:
    """Give the streams of the source: name, state, lines, new, suspended."""
    return office.all(
        "SELECT f.name, f.state, f.lines, p.new, p.suspended FROM usage_file AS f"
        " JOIN usage_file_part AS p ON p.file_id = f.id WHERE f.stream_day IS NOT NULL"
    )


class TestAnEventThatIsRated:
    """One call, told of at its end."""

    def test_is_charged_as_it_would_be_from_a_file(self, office: Office, asking: Asking) -> None:
        """The same call, once in a file and once told of: the same figures, the same minutes gone."""
        office.hand_in("a.csv", [world.call("1.1", 1, HOME, 601), world.call("1.2", 1, AWAY, 61)])

        home = rate(asking, "call 1", 2, 601).body
        away = rate(asking, "call 2", 2, 61, destination=AWAY).body

        assert (home["state"], home["account"], home["included"], home["billable"]) == (
            "RATED", "A2", 600, 1)  # fmt: skip
        assert (home["amount"], away["amount"], away["tax"], away["currency"]) == (
            "0.001", "0.61", "0.122", "GBP")  # fmt: skip
        of_files, of_events = (
            office.all(
                "SELECT quantity, rounded, billable, rated_e11, amount_e11, tax_e11, rate_id,"
                " location_pattern_id, revision FROM charge WHERE account_id = %(id)s ORDER BY 1",
                id=account,
            )
            for account in (1, 2)
        )
        assert of_events == of_files
        assert office.balances() == {1: 0, 2: 0}

    def test_is_explained_by_its_charge(self, asking: Asking) -> None:
        """What the source was answered leads to the explanation of the charge."""
        answer = rate(asking, "call 1").body

        explained = asking.staff("charge_explain", account="A1", id=answer["charge"]).body

        assert explained["charge"]["amount"] == answer["amount"] == "0"
        assert explained["evidence"]["billable"] == answer["billable"] == 0

    def test_reads_numbers_as_the_source_dials_them(self, asking: Asking) -> None:
        """A national number is the customer's own, an international one finds its country."""
        answer = rate(asking, "call 1", uid="0770090001", destination="0033199001234").body

        assert (answer["account"], answer["amount"]) == ("A1", "0.6")

    def test_counts_in_the_stream_of_its_day(self, office: Office, asking: Asking) -> None:
        """Events are lines of their source's stream, which bills and sums find as they find files."""
        rate(asking, "call 1")
        rate(asking, "call 2")
        rate(asking, "call 3", STRANGER)

        assert streams(office) == [("real time 2026-09-20", "OPEN", 0, 2, 1)]
        assert office.all("SELECT line_no FROM udr ORDER BY 1") == [(1,), (2,)]
        assert office.all(
            "SELECT oldest_day::text FROM usage_file_part WHERE state = 'STREAM'"
        ) == [("2026-08-03",)]

    def test_is_billed_as_any_other(self, office: Office, asking: Asking) -> None:
        """Also one that is told of after its month was billed: the next bill looks back to it."""
        office.as_owner("UPDATE account_service SET during = '[2026-07-31T23:00Z,)'")
        asking.now = NOW - timedelta(days=10)
        rate(asking, "call 1", destination=AWAY)
        asking.staff("bill_run", as_of="2026-09-01")
        office.rate()
        asking.now = NOW + timedelta(days=20)
        rate(asking, "call 2", destination=AWAY)
        asking.staff("bill_run", as_of="2026-10-01")
        office.rate()

        assert office.all(
            "SELECT l.description, l.events FROM invoice_line AS l JOIN invoice AS i ON i.id = l.invoice_id"
            " WHERE l.kind = 'USAGE' ORDER BY i.id, l.line_no"
        ) == [("Calls, Away", 1), ("Calls, Away, used before this period", 1)]


class TestTheSameEventAgain:
    """A source that got no answer asks again."""

    def test_is_answered_as_it_was_first(self, office: Office, asking: Asking) -> None:
        """Word for word, though the minutes are gone by now; and nothing is charged."""
        first = rate(asking, "call 1", 1, 500)
        rate(asking, "call 2", 1, 500)

        assert rate(asking, "call 1", 1, 500).octets == first.octets
        assert office.all("SELECT count(*), sum(quantity) FROM charge") == [(2, 1000)]
        assert streams(office) == [("real time 2026-09-20", "OPEN", 0, 2, 0)]

    def test_is_answered_so_after_a_change_of_prices(self, office: Office, asking: Asking) -> None:
        """What was answered was answered: a new tariff does not change it."""
        first = rate(asking, "call 1", destination=AWAY)
        office.as_owner(
            "INSERT INTO revision (actor, note) VALUES ('test', 'dearer');"
            "UPDATE rate SET until = 2 WHERE location = '33';"
            "INSERT INTO rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since)"
            " VALUES ('ALL/voice/33', 'ALL', 'voice', '33', 'SEC', 'STANDARD', 900000000000, 60, 2)"
        )

        assert rate(asking, "call 1", destination=AWAY).octets == first.octets
        assert rate(asking, "call 2", destination=AWAY).body["amount"] == "9"

    def test_that_is_not_the_same_is_refused(self, office: Office, asking: Asking) -> None:
        """Another event under a key that was used: refused, and neither charged nor kept."""
        rate(asking, "call 1", 1, 60)

        assert rate(asking, "call 1", 1, 61).code == "CONFLICT"
        assert rate(asking, "call 1", 2, 60).code == "CONFLICT"
        assert office.all("SELECT count(*) FROM charge") == [(1,)]
        assert streams(office) == [("real time 2026-09-20", "OPEN", 0, 1, 0)]

    def test_of_another_source_is_another_event(self, office: Office, asking: Asking) -> None:
        """Sources choose their keys without knowing of each other."""
        asking.staff(
            "source_add", code="sms", name="SMS centre", profile="kamailio-acc", country_code="44",
            time_zone="Europe/London", trunk_prefix="0", international_prefix="00",
        )  # fmt: skip
        rate(asking, "1")

        assert rate(asking, "1", source="sms").done
        assert office.all("SELECT count(*) FROM charge") == [(2,)]


class TestAnEventWithoutAPrice:
    """It is kept, and says why."""

    def test_waits_in_suspense_with_its_text(self, asking: Asking) -> None:
        """The source hears the reason; the clerk finds the event as it was told."""
        answer = rate(asking, "call 1", STRANGER).body

        assert (answer["state"], answer["reason"]) == ("SUSPENDED", "NO_UID")
        assert "44770090400" in answer["detail"]
        [line] = asking.staff("suspense_show").body["lines"]
        assert (line["file_name"], line["reason"]) == ("real time 2026-09-20", "NO_UID")
        assert '"key": "call 1"' in line["text"]
        assert rate(asking, "call 1", STRANGER).body == answer

    def test_is_charged_once_its_cause_is_mended(self, office: Office, asking: Asking) -> None:
        """A retry takes it in again as it takes a line of a file."""
        rate(asking, "call 1", 1, 60, destination=UNPRICED)
        office.as_owner(
            "INSERT INTO revision (actor, note) VALUES ('test', 'satellite');"
            "INSERT INTO rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since)"
            " VALUES ('ALL/voice/881', 'ALL', 'voice', '881', 'SEC', 'STANDARD', 300000000000, 60, 2)"
        )

        asking.staff("suspense_retry", reason="NO_RATE")
        office.rate()

        assert office.all("SELECT line_no, amount_e11 FROM charge") == [
            (1, 300 * 10**9)
        ]  # fmt: skip
        assert asking.staff("suspense_list").body["groups"] == []

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"class": "gold"}, "NO_USAGE_CLASS"),
            ({"started_at": "2199-12-31T00:00:00Z", "uid": number_of(STRANGER)}, "NO_UID"),
            ({"started_at": "2000-01-01T00:00:00+14:00"}, "UID_NOT_IN_PERIOD"),
            ({"quantity": str(2**62)}, "AMOUNT_TOO_LARGE"),
            ({"destination": "999888777666"}, "NO_LOCATION"),
        ],
    )
    def test_says_what_is_wrong(
        self, office: Office, asking: Asking, changes: dict[str, str], reason: str
    ) -> None:
        """Each cause has its reason, and each such event is kept."""
        answer = rate(asking, "call 1", **changes)

        assert (answer.body["state"], answer.body["reason"]) == ("SUSPENDED", reason)
        assert office.all("SELECT reason FROM verdict") == [(reason,)]


class TestAQuote:
    """What would it cost?"""

    def test_is_what_the_event_costs_then(self, asking: Asking) -> None:
        """Quoted and then rated: the same figures, the minutes of the month considered."""
        rate(asking, "call 1", 1, 590)
        quoted = asking.staff("usage_quote", role=Role.AUDITOR, **told("call 2", 1, 61)).body
        rated = rate(asking, "call 2", 1, 61).body

        assert quoted["state"] == "QUOTED"
        assert (quoted["included"], quoted["amount"]) == (10, "0.051")
        assert {**rated, "state": "QUOTED", "charge": None} == quoted

    def test_stores_nothing(self, office: Office, asking: Asking) -> None:
        """Not even the month's minutes are granted by it."""
        before = office.all("SELECT count(*) FROM bucket")
        answer = asking.staff("usage_quote", **told("call 1"))

        assert (answer.done, answer.body["included"]) == (True, 60)
        assert office.all("SELECT count(*) FROM bucket") == before == [(0,)]
        assert streams(office) == []
        assert office.all("SELECT count(*) FROM usage_key") == [(0,)]
        assert office.all("SELECT count(*) FROM usage_event") == [(0,)]

    def test_says_why_there_is_no_price(self, office: Office, asking: Asking) -> None:
        """The reason that the event would have, without keeping anything."""
        answer = asking.staff("usage_quote", **told("call 1", STRANGER)).body

        assert (answer["state"], answer["reason"]) == ("UNRATED", "NO_UID")
        assert office.all("SELECT count(*) FROM verdict") == [(0,)]


@pytest.mark.parametrize("operation", ["usage_quote", "usage_rate"])
def test_an_unknown_source_is_refused(office: Office, asking: Asking, operation: str) -> None:
    """Nobody invents a source by telling of its events."""
    answer = asking.staff(operation, **told("call 1", source="ghost"))

    assert answer.code == "NO_SOURCE"
    assert office.all("SELECT count(*) FROM usage_file") == [(0,)]


def test_a_database_led_back_to_an_earlier_day_is_rated_by_its_own_prices(asking: Asking) -> None:
    """A revision of the same number may hold other prices there: none of those before are used."""
    before = asking.staff("usage_quote", **told("call 1", destination=AWAY)).body
    asking.sql(
        "SET session_replication_role = replica;"
        "UPDATE rate SET price_e11 = price_e11 * 2, connect_e11 = connect_e11 * 2;"
        "UPDATE revision SET at = at - interval '1 day'"
    )
    after = asking.staff("usage_quote", **told("call 1", destination=AWAY)).body

    assert before["state"] == after["state"] == "QUOTED"
    assert Decimal(after["amount"]) == 2 * Decimal(before["amount"]) > 0


def test_several_that_tell_of_the_same_events_at_once_never_wait_in_a_circle(
    office: Office, asking: Asking
) -> None:
    """A source's links fail over: each call is charged once, all hear the same, and none is told to try again."""
    rate(asking, "first")
    start = threading.Barrier(TELLERS)
    heard: list[dict[str, str]] = []

    def tell(teller: int) -> None:
        clerk = Asking(office.database)
        start.wait()
        # Each begins elsewhere, and has one call of its own.
        order = [*range(teller * 2, EVENTS), *range(teller * 2)]
        rate(clerk, f"own {teller}", teller + 1, 1)
        heard.append(
            {
                str(event): rate(clerk, f"call {event}", event % 4 + 1, 1).octets.decode()
                for event in order
            }
        )

    threads = [threading.Thread(target=tell, args=(teller,)) for teller in range(TELLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(heard) == TELLERS
    assert all(each == heard[0] for each in heard)
    count = 1 + TELLERS + EVENTS
    [(_, _, _, new, suspended)] = streams(office)
    assert (new, suspended) == (count, 0)
    assert office.all(
        "SELECT count(*), count(DISTINCT u.line_no), count(DISTINCT k.line_no) FROM udr AS u"
        " JOIN usage_key AS k USING (file_id, line_no) JOIN usage_event AS e USING (file_id, line_no)"
    ) == [(count, count, count)]


def test_who_waits_for_the_end_of_a_stream_goes_on_behind_it(
    office: Office, asking: Asking
) -> None:
    """Two doors write to one stream: the second finds the lines and the keys of the first, once those are committed."""
    rate(asking, "call 1")
    [(file_id,)] = office.all("SELECT id FROM usage_file WHERE stream_day IS NOT NULL")
    assert isinstance(file_id, int)
    source = Source(1, world.SOURCE, "", "", "", "", "")
    stream = Stream(file_id, 0, source)
    keys = [bytes([number]) * 16 for number in range(3)]
    taken: list[Taken | None] = []
    with (
        closing(sparing.connect(office.database.dsn("bmuid"))) as first,
        closing(sparing.connect(office.database.dsn("bmuid"))) as second,
        first.cursor() as ours,
        second.cursor() as theirs,
    ):
        before = store_streams.take(ours, stream, [Claim(keys[0], 7, 0), Claim(keys[1], 8, 1)])
        assert before is not None
        told_of = [Told(before.stream.next_line + place, b"{}", "{}") for place in range(2)]
        store_streams.extend(ours, before.stream, told_of, (Verdicts(new=2), None))

        def take() -> None:
            claims = [Claim(keys[2], 9, 0), Claim(keys[1], 8, 1)]
            taken.append(store_streams.take(theirs, stream, claims))

        waiting = threading.Thread(target=take)
        waiting.start()
        pid = second.info.backend_pid
        while office.all(f"SELECT cardinality(pg_blocking_pids({pid}))") == [(0,)]:
            assert waiting.is_alive()
        first.commit()
        waiting.join()
        second.commit()

    [after] = taken
    assert after is not None
    assert after.stream.next_line == before.stream.next_line + 2
    assert after.earlier == {keys[1]: Earlier(8, file_id, before.stream.next_line + 1)}


def test_a_catalogue_that_takes_long_to_load_holds_up_nobody(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the newer one is loaded beside it, events are rated by the one before; then by the newer."""
    monkeypatch.setattr(reference, "WAIT_SECONDS_MAX", 0.0)
    newest = Newest()
    with office.connection, office.connection.cursor() as txn:
        assert newest(txn, revisions.newest(txn), ()).tariff.revision == 1
    office.as_owner("INSERT INTO revision (actor, note) VALUES ('test', 'large')")
    with office.connection, office.connection.cursor() as txn:
        assert (newest(txn, revisions.newest(txn), ()).tariff.revision, newest.is_stale) == (
            1,
            True,
        )
        newest.load(txn)
        assert (newest(txn, revisions.newest(txn), ()).tariff.revision, newest.is_stale) == (
            2,
            False,
        )
