"""Usage held in advance: nobody uses more than is there, whoever asks at the same time, and the rest comes back."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg2
import pytest
import usage_world as world
from asking import NOW, Answered, Asking
from conftest import Database
from offices import Office, opened
from usage_world import ALLOWANCE, AWAY, HOME, UNPRICED, number_of

from bmuid.operations.registry import Door, Role
from bmuid.realtime import holding
from bmuid.store import streams
from bmuid.store.transaction import run

CALLERS = 40
NOON = "2026-08-03T11:00:00Z"
SUMS = """
    SELECT b.account_id, b.id, b.balance, sum(d.quantity) FROM bucket AS b
    JOIN draw AS d ON d.account_id = b.account_id AND d.bucket_id = b.id GROUP BY 1, 2, 3
"""


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


class Switch(Asking):
    """The switch, at the usage door; and a clerk at the admin door."""

    def asks(self, name: str, **texts: str) -> Answered:
        """Ask in the switch's own name."""
        return self.ask(Door.USAGE, name, Role.SOURCE, texts)

    def reserve(self, event: str, customer: int = 1, length: int = 60, **changes: str) -> Answered:
        """Reserve for a call."""
        told = {
            "event": event,
            "class": "voice",
            "uid": number_of(customer),
            "started_at": NOON,
            "quantity": str(length),
            "destination": HOME,
        }
        return self.asks("usage_reserve", **(told | changes))

    def update(self, event: str, step: int, seconds: int, **changes: str) -> Answered:
        """Reserve for all of a call that goes on."""
        return self.asks(
            "usage_update", event=event, step=str(step), quantity=str(seconds), **changes
        )

    def settle(self, event: str, seconds: int, **changes: str) -> Answered:
        """End a call."""
        return self.asks("usage_settle", event=event, quantity=str(seconds), **changes)


@pytest.fixture
def switch(office: Office) -> Switch:
    """Give the switch."""
    return Switch(office.database, name=world.SOURCE)


def adds_up(office: Office) -> bool:
    """Tell whether each balance is the sum of its draws."""
    return all(balance == total for _, _, balance, total in office.all(SUMS))


class TestReserving:
    """What a call may use is held for it."""

    def test_takes_from_the_allowance_at_once(self, office: Office, switch: Switch) -> None:
        """While one call has the last minutes, another pays: and the ledger of draws says why."""
        held = switch.reserve("call 1", 1, 550).body
        quoted = switch.asks(
            "usage_quote", event="x", class_="voice", uid=number_of(1), started_at=NOON,
            quantity="60", destination=HOME,
        ).body  # fmt: skip

        assert (held["state"], held["quantity"], held["amount"]) == ("RESERVED", 550, "0")
        assert (quoted["included"], quoted["billable"]) == (50, 10)
        assert office.balances() == {1: ALLOWANCE - 550}
        assert office.all("SELECT kind, quantity FROM draw ORDER BY 1") == [
            ("GRANT", ALLOWANCE), ("HOLD", -550)]  # fmt: skip
        assert adds_up(office)

    def test_charges_nothing(self, office: Office, switch: Switch) -> None:
        """A reservation is no usage."""
        switch.reserve("call 1", 1, 550)

        assert office.all("SELECT count(*) FROM udr") == [(0,)]
        assert office.all("SELECT count(*) FROM usage_key") == [(0,)]

    def test_again_is_answered_the_same(self, office: Office, switch: Switch) -> None:
        """A switch that got no answer asks again, and holds no more than once."""
        first = switch.reserve("call 1", 1, 100)

        assert switch.reserve("call 1", 1, 100).octets == first.octets
        assert switch.reserve("call 1", 1, 101).code == "NOT_OPEN"
        assert office.balances() == {1: ALLOWANCE - 100}

    def test_for_what_has_no_price_is_refused(self, office: Office, switch: Switch) -> None:
        """The switch hears why before the call is put through; nothing is kept of it."""
        assert (
            switch.reserve("call 1", 1, 60, destination=UNPRICED)
            .body["text"]
            .startswith("NO_RATE")
        )
        assert switch.reserve("call 1", 400).body["text"].startswith("NO_UID")
        assert office.all("SELECT count(*) FROM reservation") == [(0,)]
        assert office.all("SELECT count(*) FROM verdict") == [(0,)]


class TestCredit:
    """Who has paid in advance, or has a limit, gets as much as that pays for."""

    def test_limits_what_is_held(self, switch: Switch) -> None:
        """One pound buys 83 seconds at 60 pence a minute and 20 % tax, and not one more."""
        switch.staff("credit_set", role=Role.CLERK, account="A1", limit="1.00")

        held = switch.reserve("call 1", 1, 3600, destination=AWAY).body

        assert (held["quantity"], held["amount"]) == (83, "0.996")
        assert switch.staff("credit_show", account="A1").body["left"] == "0.004"
        assert switch.reserve("call 2", 1, 60, destination=AWAY).code == "NO_CREDIT"
        assert switch.reserve("call 3", 1, 60).body["quantity"] == 60  # of the allowance

    def test_counts_what_was_used_and_not_yet_billed(self, office: Office, switch: Switch) -> None:
        """What a file brought counts as what was told of: both are used up."""
        switch.staff("credit_set", account="A1", limit="1.00")
        office.hand_in("a.csv", [world.call("1.1", 1, AWAY, 40)])
        switch.reserve("call 1", 1, 30, destination=AWAY)
        switch.settle("call 1", 10)

        assert switch.staff("credit_show", account="A1").body["left"] == "0.4"
        assert switch.reserve("call 2", 1, 60, destination=AWAY).body["quantity"] == 33

    def test_counts_what_a_price_of_the_period_comes_to(
        self, office: Office, switch: Switch
    ) -> None:
        """Requests are priced when the month is over; what they come to by now is not there for a call."""
        office.as_owner(
            "INSERT INTO usage_class (code, name, unit, rater, since) VALUES ('api', 'Requests', 'COUNT', 'CLASS', 1);"
            "INSERT INTO rate_group (code, name, valid, aggregate, since) VALUES ('W', 'Whole', '(,)', true, 1);"
            "INSERT INTO rate (code, rate_group, usage_class, kind, price_e11, per, aggregation, tiers, since) VALUES"
            """ ('W/api', 'W', 'api', 'STANDARD', 0, 1, 'VOLUME', '[{"from": 0, "price_e11": 1000000000}]', 1);"""
            "INSERT INTO revision (actor, note) VALUES ('test', 'requests'); UPDATE rate_plan SET until = 2;"
            "INSERT INTO rate_plan (code, name, currency, places, rounding_mode, rate_groups, since)"
            " VALUES ('PLAN', 'Plan', 'GBP', 4, 'HALF_UP', '{W,ALL}', 2);"
            "UPDATE account_service SET during = '[2026-07-31T23:00Z,)'"
        )
        switch.staff("credit_set", account="A1", limit="1.00")
        used = {"class": "api", "uid": number_of(1), "started_at": NOON, "quantity": "50"}
        assert switch.asks("usage_rate", event="requests", **used).body["amount"] == "0"

        # 50 pence and 10 of tax: 40 are left, which pay for 33 seconds at 1.2 pence.
        assert switch.staff("credit_show", account="A1").body["left"] == "0.4"
        assert switch.reserve("call 1", 1, 60, destination=AWAY).body["quantity"] == 33
        assert switch.update("call 1", 2, 60).body["quantity"] == 33

    def test_counts_allowances_first(self, switch: Switch) -> None:
        """Included seconds cost nothing: a limit of 0 leaves them all."""
        switch.staff("credit_set", account="A1", limit="0")

        assert switch.reserve("call 1", 1, 3600).body["quantity"] == ALLOWANCE
        assert switch.reserve("call 2", 1, 1).code == "NO_CREDIT"

    def test_without_a_limit_is_not_asked_for(self, switch: Switch) -> None:
        """Who pays by invoice is not held up."""
        switch.staff("credit_set", account="A1", limit="0")
        switch.staff("credit_set", account="A1", limit="none")

        assert switch.staff("credit_show", account="A1").body["limit"] is None
        assert switch.reserve("call 1", 1, 36_000, destination=AWAY).body["quantity"] == 36_000


class TestAStep:
    """A call that goes on asks for more."""

    def test_holds_for_all_of_the_call(self, office: Office, switch: Switch) -> None:
        """Ten minutes in all, and then eleven: what is held is for the whole, not for each step."""
        switch.reserve("call 1", 1, 300)
        more = switch.update("call 1", 2, 660).body

        assert (more["step"], more["quantity"], more["amount"]) == (2, 660, "0.072")
        assert office.balances() == {1: 0}
        assert office.all("SELECT kind, version, quantity FROM draw WHERE udr_id > 0 ORDER BY 2, 1") == [
            ("HOLD", 1, -300), ("RELEASE", 1, 300), ("HOLD", 2, -600)]  # fmt: skip
        assert adds_up(office)

    def test_again_is_answered_the_same(self, office: Office, switch: Switch) -> None:
        """A step that is repeated holds no more; one that is left out, or an old one, is refused."""
        switch.reserve("call 1", 1, 100)
        first = switch.update("call 1", 2, 200)

        assert switch.update("call 1", 2, 200).octets == first.octets
        assert switch.update("call 1", 4, 300).code == "NOT_OPEN"
        assert switch.update("call 1", 2, 300).code == "NOT_OPEN"
        assert office.balances() == {1: ALLOWANCE - 200}

    def test_gets_what_is_left_of_the_credit(self, switch: Switch) -> None:
        """The part already held is the call's own, and counts for it."""
        switch.staff("credit_set", account="A1", limit="1.00")
        switch.reserve("call 1", 1, 60, destination=AWAY)

        assert switch.update("call 1", 2, 120).body["quantity"] == 83

    def test_of_what_was_never_reserved_is_refused(self, switch: Switch) -> None:
        """There is nothing to extend."""
        assert switch.update("call 1", 2, 200).code == "NOT_OPEN"


class TestSettling:
    """A call that is over is charged by what it used."""

    def test_charges_what_was_used_and_returns_the_rest(
        self, office: Office, switch: Switch
    ) -> None:
        """Ten minutes held, one used: nine are there again, and the call is explained as any other."""
        switch.reserve("call 1", 1, 600)
        done = switch.settle("call 1", 60).body

        assert (done["state"], done["included"], done["billable"]) == ("RATED", 60, 0)
        assert office.balances() == {1: ALLOWANCE - 60}
        assert office.all("SELECT state, ended_at IS NULL FROM reservation") == [
            ("SETTLED", False)
        ]
        assert adds_up(office)

    def test_charges_also_what_was_not_held(self, office: Office, switch: Switch) -> None:
        """Used is used: a switch that lets a call run on is owed for all of it."""
        switch.reserve("call 1", 1, 60)

        assert switch.settle("call 1", 661).body["billable"] == 61
        assert office.balances() == {1: 0}

    def test_of_nothing_charges_nothing(self, office: Office, switch: Switch) -> None:
        """Nobody answered: what was held is there again."""
        switch.reserve("call 1", 1, 600)

        assert switch.settle("call 1", 0).body["state"] == "RELEASED"
        assert office.balances() == {1: ALLOWANCE}
        assert office.all("SELECT count(*) FROM charge") == [(0,)]

    def test_again_is_answered_the_same(self, office: Office, switch: Switch) -> None:
        """However often the end is told, it is charged once; another end is refused."""
        switch.reserve("call 1", 1, 600)
        first = switch.settle("call 1", 60)

        assert switch.settle("call 1", 60).octets == first.octets
        assert switch.settle("call 1", 61).code == "CONFLICT"
        assert office.all("SELECT count(*) FROM charge") == [(1,)]
        assert office.balances() == {1: ALLOWANCE - 60}

    def test_of_what_was_never_reserved_is_refused(self, switch: Switch) -> None:
        """Such a call is told of with usage_rate."""
        assert switch.settle("call 1", 60).code == "NOT_OPEN"


class TestExpiry:
    """A switch that never comes back leaves nothing held for ever."""

    def test_gives_everything_back_and_charges_nothing(
        self, office: Office, switch: Switch
    ) -> None:
        """When its time is over, the worker ends it by itself."""
        switch.now = NOW - timedelta(days=1)
        switch.reserve("call 1", 1, 600, seconds="60")
        switch.now = NOW + timedelta(days=36_000)
        switch.reserve("call 2", 2, 600)
        office.rate()

        assert office.all("SELECT key, state FROM reservation ORDER BY 1") == [
            ("call 1", "EXPIRED"), ("call 2", "OPEN")]  # fmt: skip
        assert office.balances() == {1: ALLOWANCE, 2: 0}
        assert office.all("SELECT count(*) FROM charge") == [(0,)]
        assert adds_up(office)

    def test_does_not_forgive_what_was_used(self, office: Office, switch: Switch) -> None:
        """A call that ends after its reservation is charged all the same."""
        switch.reserve("call 1", 1, 600, seconds="1")
        with closing(office.database.connect()) as connection:
            assert run(connection, holding.expire, NOW + timedelta(seconds=1)) == 1

        assert switch.settle("call 1", 60).body["state"] == "RATED"
        assert switch.update("call 1", 2, 60).body["text"] == "the reservation is expired"
        assert office.balances() == {1: ALLOWANCE - 60}

    def test_can_be_ordered_by_a_clerk(self, office: Office, switch: Switch) -> None:
        """Seen in the list, looked at, ended: the minutes are back."""
        switch.reserve("call 1", 1, 600)
        [row] = switch.staff("reservation_list", state="OPEN").body["reservations"]
        shown = switch.staff("reservation_show", id=row["id"]).body
        ended = switch.staff("reservation_expire", role=Role.CLERK, id=row["id"]).body

        assert (row["account"], row["event"], row["quantity"]) == ("A1", "call 1", 600)
        assert [held["quantity"] for held in shown["held"]] == [600]
        assert (ended["reservation"]["state"], ended["held"]) == ("EXPIRED", [])
        assert office.balances() == {1: ALLOWANCE}
        assert switch.staff("reservation_expire", id=row["id"]).body == ended
        assert switch.staff("reservation_show", id="1").code == "NOT_FOUND"


@pytest.mark.parametrize(
    ("limit", "place", "there"),
    [("0", HOME, ALLOWANCE), ("5.00", AWAY, 416)],  # 500 pence at 1.2 pence a second
    ids=["of an allowance", "of a credit"],
)
def test_however_many_reserve_at_once_nobody_overdraws(
    office: Office, limit: str, place: str, there: int
) -> None:
    """Forty calls of one customer at the same moment: together they hold all there is, to the unit, and not one more."""
    clerk = Switch(office.database, name=world.SOURCE)
    clerk.staff("credit_set", account="A1", limit=limit)
    clerk.reserve("first", 1, 1, destination=place)
    answers: list[Answered] = []
    start = threading.Barrier(CALLERS)

    def call(number: int) -> None:
        switch = Switch(office.database, name=world.SOURCE)
        start.wait()
        answers.append(
            patiently(lambda: switch.reserve(f"call {number}", 1, 37, destination=place))
        )

    at_once(call)

    assert sum(answer.body["quantity"] for answer in answers if answer.done) == there - 1
    assert {answer.code for answer in answers if not answer.done} == {"NO_CREDIT"}
    assert len(answers) == CALLERS
    assert office.all("SELECT credit_left(1) >= 0") == [(True,)]
    assert adds_up(office)


def test_calls_that_begin_go_on_and_end_at_once_add_up(office: Office) -> None:
    """A busy hour of one customer: reserved, extended, settled; in the end every second is where it belongs."""
    Switch(office.database, name=world.SOURCE).staff("credit_set", account="A1", limit="0")
    used: list[int] = []

    def talk(number: int) -> None:
        chance = random.Random(number)
        for turn in range(3):
            spent = one_call(
                Switch(office.database, name=world.SOURCE), f"{number}/{turn}", chance
            )
            used.append(spent)

    at_once(talk)

    assert 0 < sum(used) <= ALLOWANCE
    assert office.balances() == {1: ALLOWANCE - sum(used)}
    assert office.all("SELECT sum(billable), sum(quantity) FROM charge") == [(0, sum(used))]
    assert office.all("SELECT DISTINCT state FROM reservation") == [("SETTLED",)]
    assert adds_up(office)


def one_call(switch: Switch, event: str, chance: random.Random) -> int:
    """Reserve, ask for more, use some of it; give how much."""
    length = chance.randint(1, 60)
    held = patiently(lambda: switch.reserve(event, 1, length))
    if not held.done:
        return 0
    more = patiently(lambda: switch.update(event, 2, length + 30))
    spent = chance.randint(0, (more if more.done else held).body["quantity"])
    assert patiently(lambda: switch.settle(event, spent)).done
    return spent


def at_once(work: Callable[[int], None]) -> None:
    """Do the work of each caller in a thread of its own."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def patiently(ask: Callable[[], Answered]) -> Answered:
    """Ask, and again where two were in each other's way, as the doors do."""
    while True:
        try:
            return ask()
        except psycopg2.errors.DeadlockDetected:
            continue


def test_a_stream_is_closed_when_its_day_is_over(office: Office, switch: Switch) -> None:
    """Its lines are counted, and add up like a file's; from then on it does not change."""
    switch.now = NOW - timedelta(days=30)
    switch.reserve("call 1", 1, 60)
    switch.settle("call 1", 60)
    switch.asks(
        "usage_rate",
        event="call 2",
        class_="voice",
        uid=number_of(400),
        started_at=NOON,
        quantity="60",
    )
    assert run(office.connection, streams.end_before, NOW.date()) == 1
    office.rate()

    assert office.all(
        "SELECT state, lines, new, duplicate, suspended, rejected FROM usage_file"
    ) == [("DONE", 2, 1, 0, 1, 0)]
