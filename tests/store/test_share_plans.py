"""Share plans: joined and left by days, enlarged by who joins, drawn by many at once and by nobody beyond a limit."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import psycopg2.errors
import pytest
from again import holds, live, rerated
from asking import Answered, Asking
from conftest import Database
from offices import Office
from rich_world import CATALOGUE, DAY, FR, GB, HOUR, NOON, Calls, found, lines_of
from usage_world import SOURCE

from bmuid.operations.registry import Door, Role

POOL = """
[[bucket]]
code = "POOL"
name = "Minutes of all lines"
unit = "TIME"
classes = ["voice"]
locations = ["GB"]
quantity = 300
recurrence = "MONTH"
scope = "SHARE_PLAN"
thresholds = [50]

[[share_plan]]
code = "TEAM"
name = "Minutes of a team"
level = "INVOICER"
rank = 1
buckets = ["POOL"]
participants = [{ package = "TEAM-A", quantity = 100 }, { package = "TEAM-B", quantity = 150, limit = 120 }]
"""
PACKAGE = """
[[package]]
code = "{code}"
name = "A line of a team"
price = "6.00"
frequency = "MONTH"
buckets = [{buckets}]
rate_plan = "RETAIL"
"""
DOCUMENT = (
    CATALOGUE
    + POOL
    + PACKAGE.format(code="TEAM-A", buckets="")
    + PACKAGE.format(code="TEAM-B", buckets="")
)
# Account, package, the end of the line's number.
TEAM = (("HEAD", "TEAM-A", 71), ("ONE", "TEAM-B", 72), ("TWO", "TEAM-B", 73))
ACCOUNTS = "".join(
    f"""
[[account]]
number = "{number}"
name = "{number} of a team"
{'usage_invoicer = "HEAD"' if number != "HEAD" else ""}
[[account.service]]
package = "{package}"
from = 2026-01-01
uids = [{{ type = "phone", value = "4416329600{line}" }}]
"""
    for number, package, line in TEAM
)


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with a team, which has a share plan that nobody has joined."""
    asking = found(Asking(database))
    for name, document in (("catalogue_load", DOCUMENT), ("accounts_load", ACCOUNTS)):
        loaded = asking.staff(name, document=document)
        assert loaded.done, loaded.body
    made = asking.staff("share_plan_create", account="HEAD", plan="TEAM", from_="2026-08-01")
    assert made.done, made.body
    return asking


@pytest.fixture
def office(asking: Asking, tmp_path: Path) -> Iterator[Office]:
    """Give the workers that rate for it."""
    with closing(asking.database.connect()) as connection:
        yield Office(asking.database, connection, tmp_path, parts=2)


def join(asking: Asking, account: str, from_: str = "2026-08-01", **texts: str) -> Answered:
    """Let an account join."""
    return asking.staff("share_plan_join", share="1", account=account, from_=from_, **texts)


def joined(asking: Asking, *accounts: str) -> None:
    """Let accounts join from the first day on."""
    for account in accounts:
        assert join(asking, account).done


def hand_in(office: Office, name: str, *calls: tuple[int, int, timedelta]) -> None:
    """Let lines call: which, how many seconds, how long after noon of Monday, 3 August."""
    lines = lines_of(name, *((line, GB, seconds, later) for line, seconds, later in calls))
    assert office.hand_in(name, lines)["new"] == len(calls)


def pool(office: Office) -> list[tuple[object, ...]]:
    """Give the pool's buckets: from which day, how they came to be, what was in them, what is left."""
    return office.all(
        "SELECT to_char(lower(during) AT TIME ZONE 'Europe/London', 'MM-DD'), part, granted + added, balance"
        " FROM bucket WHERE share_id = 1 ORDER BY lower(during), id"
    )


def included(office: Office) -> list[tuple[object, ...]]:
    """Give of each call in the order of time what was included."""
    return [
        (int(included),)
        for (included,) in office.all(
            "SELECT rounded - billable FROM charge AS c WHERE NOT EXISTS (SELECT FROM charge_reversal AS r"
            " WHERE r.account_id = c.account_id AND r.started_at = c.started_at AND r.udr_id = c.udr_id"
            " AND r.version = c.version) ORDER BY started_at"
        )
    ]


def test_who_is_there_at_the_start_enlarges_it(office: Office, asking: Asking) -> None:
    """300 of the plan, 100 and 150 of two lines; one pool for all of them, whoever calls first."""
    joined(asking, "HEAD", "ONE")

    hand_in(office, "a", (72, 100, 0 * DAY))
    hand_in(office, "b", (71, 400, 1 * DAY), (71, 100, 2 * DAY))

    assert pool(office) == [("08-01", "ALLOTMENT", 550, 0)]
    assert included(office) == [(100,), (400,), (50,)]
    assert holds(office)


def test_who_joins_later_brings_a_bucket_of_its_own_once(office: Office, asking: Asking) -> None:
    """A line joins on the 10th and brings all of its 150; leaving and joining again brings nothing more until September."""
    joined(asking, "HEAD")
    hand_in(office, "a", (71, 10, 0 * DAY))
    assert join(asking, "ONE", "2026-08-10", to="2026-08-15").done
    assert join(asking, "ONE", "2026-08-20").done

    hand_in(
        office, "b", (72, 10, 0 * DAY), (72, 10, 8 * DAY), (72, 10, 13 * DAY), (72, 10, 20 * DAY)
    )
    hand_in(office, "c", (72, 10, 40 * DAY))

    # Not before it joined, nor while it was away; what joined is drawn first.
    assert included(office) == [(10,), (0,), (10,), (0,), (10,), (10,)]
    assert pool(office) == [
        ("08-01", "ALLOTMENT", 400, 390),
        ("08-10", "JOINED", 150, 130),
        ("09-01", "ALLOTMENT", 550, 540),
    ]
    assert holds(office)


def test_who_leaves_takes_nothing_away_until_the_next_period(
    office: Office, asking: Asking
) -> None:
    """What was brought in August stays for the others; September's pool is made without it."""
    joined(asking, "HEAD", "ONE")
    hand_in(office, "a", (72, 10, 0 * DAY))
    left = asking.staff("share_plan_leave", share="1", account="ONE", to="2026-08-05")
    assert left.body["members"] == [
        {"account": "HEAD", "from": "2026-08-01", "to": None, "contribution": None},
        {"account": "ONE", "from": "2026-08-01", "to": "2026-08-05", "contribution": None},
    ]

    hand_in(office, "b", (72, 10, 3 * DAY), (71, 500, 4 * DAY), (71, 10, 40 * DAY))

    assert included(office) == [(10,), (0,), (500,), (10,)]
    assert pool(office) == [("08-01", "ALLOTMENT", 550, 40), ("09-01", "ALLOTMENT", 400, 390)]


def test_who_has_left_pays_as_ever(office: Office, asking: Asking) -> None:
    """What goes beyond the pool has a plan of its own, for those who take part: others pay by theirs."""
    beyond = DOCUMENT.replace(
        'scope = "SHARE_PLAN"', 'scope = "SHARE_PLAN"\noverage_plan = "OVER"'
    )
    assert asking.staff("catalogue_load", document=beyond).done
    joined(asking, "HEAD")
    assert join(asking, "ONE", to="2026-08-05").done

    hand_in(office, "a", (72, 180, 0 * DAY), (72, 60, 3 * DAY))

    # 120 seconds is its limit: the minute beyond is 60p by that plan; then a minute of a working day.
    paid = office.all("SELECT amount_e11 / 1000000000 FROM charge ORDER BY started_at")
    assert paid == [(60,), (12,)]


def test_an_account_may_bring_what_it_agreed_on(office: Office, asking: Asking) -> None:
    """In place of what its lines bring by the catalogue."""
    joined(asking, "HEAD")
    assert join(asking, "ONE", contribution="1000").done

    hand_in(office, "a", (71, 10, 0 * DAY))

    assert pool(office) == [("08-01", "ALLOTMENT", 1400, 1390)]
    shown = asking.staff("share_plan_show", share="1").body
    assert [
        (one["account"], one["service"] is None, one["brought"]) for one in shown["positions"]
    ] == [
        ("HEAD", False, 100),
        ("ONE", True, 1000),
    ]


def test_a_service_draws_no_more_than_its_limit(office: Office, asking: Asking) -> None:
    """120 seconds a period of all that is there, in files, in real time and reserved; each period anew."""
    joined(asking, "HEAD", "ONE")
    switch = Switch(office.database, name=SOURCE)

    hand_in(office, "a", (72, 50, 0 * DAY), (72, 30, 1 * DAY))
    held = switch.asks("usage_reserve", "held", 72, 30).body
    assert (held["quantity"], held["amount"]) == (30, "0")
    quoted = switch.asks("usage_quote", "x", 72, 60).body
    assert (quoted["included"], quoted["billable"]) == (10, 50)
    rated = switch.asks("usage_rate", "y", 72, 60).body
    assert (rated["included"], rated["billable"]) == (10, 50)
    settled = switch.ask(
        Door.USAGE, "usage_settle", Role.SOURCE, {"event": "held", "quantity": "5"}
    ).body
    assert settled["included"] == 5
    hand_in(office, "b", (72, 60, 2 * DAY), (72, 200, 40 * DAY))

    assert included(office)[-2:] == [(25,), (120,)]
    assert office.all(
        "SELECT code, drawn FROM participation WHERE drawn > 0 ORDER BY from_at"
    ) == [
        ("POOL", 120),
        ("POOL", 120),
    ]
    assert holds(office)


def test_own_minutes_come_first(office: Office, asking: Asking) -> None:
    """T55: a line with minutes of its own draws from them before those of the team."""
    document = DOCUMENT.replace(
        'code = "TEAM-A"\nname = "A line of a team"\nprice = "6.00"\nfrequency = "MONTH"\nbuckets = []',
        'code = "TEAM-A"\nname = "A line of a team"\nprice = "6.00"\nfrequency = "MONTH"\nbuckets = ["TWO"]',
    )
    assert asking.staff("catalogue_load", document=document).done
    joined(asking, "HEAD")

    hand_in(office, "a", (71, 100, 0 * DAY), (71, 100, 1 * DAY))

    left = dict(office.all("SELECT code, balance FROM bucket"))
    assert left == {"TWO": 0, "POOL": 400 - 80}


class Switch(Asking):
    """The switch, at the usage door."""

    def asks(
        self, name: str, event: str, line: int, seconds: int, at: datetime = NOON
    ) -> Answered:
        """Tell or ask of a call of a line, on a Monday unless told."""
        told = {
            "event": event,
            "class": "voice",
            "uid": f"{441632960000 + line}",
            "started_at": at.isoformat().replace("+00:00", "Z"),
            "quantity": str(seconds),
            "destination": GB,
        }
        while True:
            try:
                return self.ask(Door.USAGE, name, Role.SOURCE, told)
            except psycopg2.errors.DeadlockDetected:
                continue


def at_once(work: Callable[[int], None], callers: int) -> None:
    """Do the work of each caller in a thread of its own."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_calls_at_once_make_one_pool_and_never_overdraw_it(office: Office, asking: Asking) -> None:
    """Three accounts' lines call in the same moment, as the first of the month: what is there is given once."""
    joined(asking, "HEAD", "ONE", "TWO")
    start = threading.Barrier(24)
    given: list[int] = []

    def call(number: int) -> None:
        switch = Switch(office.database, name=SOURCE)
        start.wait()
        answer = switch.asks("usage_rate", f"call {number}", (71, 72, 73)[number % 3], 60)
        given.append(answer.body["included"])

    at_once(call, 24)

    # 300 + 100 + 150 + 150 are there: each limited line takes its 120, the other one the rest it asks for.
    assert pool(office) == [("08-01", "ALLOTMENT", 700, 700 - sum(given))]
    assert sum(given) == 120 + 120 + 8 * 60 - 20
    assert holds(office)


def test_what_is_brought_is_brought_once_whoever_is_about_to(
    office: Office, asking: Asking
) -> None:
    """Two calls in the same moment find that a line has joined: the second waits, and brings nothing again."""
    joined(asking, "HEAD")
    hand_in(office, "a", (71, 10, 0 * DAY), (71, 10, 9 * DAY))
    assert join(asking, "ONE", "2026-08-10").done
    office.all("SELECT ensure_day('2026-08-09')")
    switch = Switch(office.database, name=SOURCE)
    answers: list[Answered] = []
    second = threading.Thread(
        target=lambda: answers.append(switch.asks("usage_rate", "x", 72, 10, NOON + 9 * DAY))
    )
    with closing(office.database.connect()) as first, first, first.cursor() as txn:
        txn.execute("SELECT id FROM share FOR NO KEY UPDATE")
        second.start()
        while second.is_alive() and not waiting(asking):
            pass
        txn.execute(
            "INSERT INTO bucket (account_id, share_id, code, during, unit, granted, part)"
            " SELECT account_id, 1, 'POOL', tstzrange('2026-08-10 00:00 Europe/London', upper(during)), 'TIME', 150,"
            " 'JOINED' FROM bucket WHERE share_id = 1"
        )
        txn.execute(
            "INSERT INTO participation SELECT 1, 'POOL', '2026-08-01 00:00 Europe/London', account_id, id, 150, 0"
            " FROM account_service WHERE account_id = (SELECT id FROM account WHERE number = 'ONE')"
        )
    second.join()

    assert answers[0].body["included"] == 10
    assert pool(office) == [("08-01", "ALLOTMENT", 400, 380), ("08-10", "JOINED", 150, 140)]


def waiting(asking: Asking) -> bool:
    """Tell whether somebody waits for another's lock."""
    [(count,)] = asking.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return count > 0


def test_usage_rated_again_gives_back_and_draws_alike(office: Office, asking: Asking) -> None:
    """Dearer and back, for all members: every charge, every bucket and every limit is what it was."""
    joined(asking, "HEAD", "ONE", "TWO")
    hand_in(
        office,
        "a",
        *((line, 70, n * DAY + line * HOUR) for n in range(4) for line in (71, 72, 73)),
    )
    counted = "SELECT account_id, drawn FROM participation ORDER BY 1"
    before = live(office), pool(office), office.all(counted)
    none = DOCUMENT.replace(
        'locations = ["GB"]\nquantity = 300', 'locations = ["FR"]\nquantity = 300'
    )
    assert asking.staff("catalogue_load", document=none).done
    rerated(office, asking, from_="2026-08-01")
    assert set(included(office)) == {(0,)}
    assert pool(office) == [("08-01", "ALLOTMENT", 700, 700)]

    assert asking.staff("catalogue_load", document=DOCUMENT).done
    rerated(office, asking, from_="2026-08-01")

    assert (live(office), pool(office), office.all(counted)) == before
    assert holds(office)


def test_rated_again_no_account_takes_what_another_has_used(
    office: Office, asking: Asking
) -> None:
    """The pool is for calls to France, too: they get what is left, and nobody's minutes, however accounts are put together."""
    joined(asking, "HEAD", "ONE")
    hand_in(office, "a", (72, 120, 0 * DAY))
    hand_in(office, "b", (71, 400, 1 * DAY))
    calls = Calls()
    calls.call(71, FR, 100, NOON + 2 * DAY)
    assert office.hand_in("c", calls.lines)["new"] == 1
    assert included(office) == [(120,), (400,), (0,)]
    wider = DOCUMENT.replace(
        'locations = ["GB"]\nquantity = 300', 'locations = ["GB", "FR"]\nquantity = 300'
    )
    assert asking.staff("catalogue_load", document=wider).done

    rerated(office, asking, from_="2026-08-01")

    assert included(office) == [(120,), (400,), (30,)]
    assert pool(office) == [("08-01", "ALLOTMENT", 550, 0)]
    assert holds(office)


def test_who_joined_in_hindsight_is_rated_again(office: Office, asking: Asking) -> None:
    """An account that joins from a day on that is over is told of as due, and draws then."""
    joined(asking, "HEAD")
    hand_in(office, "a", (71, 10, 0 * DAY), (72, 60, 1 * DAY))
    assert included(office) == [(10,), (0,)]
    assert join(asking, "ONE").done
    [due] = asking.staff("rerate_due").body["due"]
    assert (due["account"], due["cause"]) == ("ONE", "join share plan 1")

    rerated(office, asking, from_="2026-08-01")

    assert included(office) == [(10,), (60,)]
    assert pool(office) == [("08-01", "ALLOTMENT", 400, 390), ("08-01", "JOINED", 150, 90)]
    assert holds(office)


def test_a_customer_sees_what_the_team_has_left(office: Office, asking: Asking) -> None:
    """Also one who only takes part; a customer who does not sees nothing of it."""
    joined(asking, "HEAD", "ONE")
    hand_in(office, "a", (72, 50, 0 * DAY))

    for number, sees in (("ONE", True), ("HEAD", True), ("TWO", False), ("LINE", False)):
        token = session(asking, number)
        shown = asking.customer("overview_show", token=token, day="2026-08-03").body
        found_ = [
            (one["name"], one["granted"], one["balance"])
            for one in shown["buckets"]
            if one["name"] == "Minutes of all lines"
        ]
        assert found_ == ([("Minutes of all lines", 550, 500)] if sees else [])


def session(asking: Asking, number: str) -> str:
    """Log the customer of an account in, and give the token."""
    token = f"{number:A<43}"
    asking.sql(
        "WITH l AS (INSERT INTO login (account_id, name, password) SELECT id, lower(number) || '@example.org',"
        f" '$argon2id$x' FROM account WHERE number = '{number}' RETURNING id, account_id)"
        " INSERT INTO session (token_hash, login_id, account_id, created_at, seen_at, ends_at)"
        f" SELECT sha256('{token}'), id, account_id, now(), now(), now() + interval '1 hour' FROM l RETURNING 1"
    )
    return token


def test_a_charge_from_the_pool_is_explained_to_who_made_the_call(
    office: Office, asking: Asking
) -> None:
    """The member reads whose minutes they were, though the bucket is another account's."""
    joined(asking, "HEAD", "ONE")
    hand_in(office, "a", (72, 50, 0 * DAY))
    token = session(asking, "ONE")
    [row] = asking.customer("usage_list", token=token, from_="2026-08-01", to="2026-09-01").body[
        "items"
    ]

    told = asking.customer("charge_explain", token=token, id=row["id"])

    assert told.done, told.body
    assert [one["name"] for one in told.body["evidence"]["draws"]] == ["Minutes of all lines"]


class TestJoining:
    """Who may, and when."""

    def test_is_for_whose_usage_the_account_pays(self, asking: Asking) -> None:
        """An account that pays for itself is refused, with the reason."""
        refused = join(asking, "LINE")

        assert (refused.code, refused.body["text"]) == (
            "BAD_ARGUMENT",
            "account: HEAD does not pay for its usage",
        )

    def test_is_once_at_a_time(self, asking: Asking) -> None:
        """Nobody takes part twice on one day; after leaving, anew."""
        assert join(asking, "ONE", to="2026-08-10").done
        assert join(asking, "ONE", "2026-08-09").code == "ALREADY_JOINED"
        assert join(asking, "ONE", "2026-08-10").done

    def test_is_not_before_the_plan_nor_backwards(self, asking: Asking) -> None:
        """Days that can't be are refused."""
        assert join(asking, "ONE", "2026-07-31").code == "BAD_ARGUMENT"
        assert join(asking, "ONE", "2026-08-05", to="2026-08-05").code == "BAD_ARGUMENT"
        assert asking.staff(
            "share_plan_leave", share="1", account="ONE", to="2026-08-05"
        ).code == ("BAD_ARGUMENT")
        assert asking.staff("share_plan_show", share="2").code == "NOT_FOUND"

    def test_is_of_plans_that_there_are(self, asking: Asking) -> None:
        """A code of the catalogue, and each once an account."""
        texts = {"account": "ONE", "from_": "2026-08-01"}
        assert asking.staff("share_plan_create", plan="NONE", **texts).code == "BAD_ARGUMENT"
        texts["account"] = "HEAD"
        assert asking.staff("share_plan_create", plan="TEAM", **texts).code == "SHARE_EXISTS"
        assert [
            one["plan"] for one in asking.staff("share_plan_list", account="HEAD").body["shares"]
        ] == ["TEAM"]


@pytest.mark.parametrize(
    ("operation", "texts", "text"),
    [
        ("share_plan_create", {"account": "NONE", "plan": "TEAM"}, "there is no account NONE"),
        ("share_plan_join", {"share": "7", "account": "ONE"}, "there is no share plan 7;"),
        ("share_plan_join", {"share": "1", "account": "NONE"}, "there is no account NONE"),
        ("share_plan_list", {"account": "NONE"}, "there is no account NONE"),
    ],
)
def test_what_is_not_there_is_named(
    asking: Asking, operation: str, texts: dict[str, str], text: str
) -> None:
    """A clerk who mistypes one of two names reads which of them it is."""
    joined(asking, "HEAD")
    if operation != "share_plan_list":
        texts = texts | {"from_": "2026-08-01"}
    answer = asking.staff(operation, **texts)
    assert answer.code == "NOT_FOUND"
    assert answer.body["text"].startswith(text)


def test_what_a_pool_has_left_is_carried_anew(office: Office, asking: Asking) -> None:
    """Three lines use August's minutes, one of them what is left in September: by the minute, and by the second as before."""
    kept = DOCUMENT.replace("thresholds = [50]\n", "rollover = true\n")
    assert kept != DOCUMENT
    documents = kept.replace('rounding = "SEC"', 'rounding = "MIN"'), kept
    assert asking.staff("catalogue_load", document=kept).done
    joined(asking, "HEAD", "ONE")
    assert join(asking, "TWO", "2026-08-10").done
    calls = [(71, 31, n * HOUR) for n in range(5)] + [(72, 31, DAY), (73, 50, 10 * DAY)]
    hand_in(office, "a", *calls)
    hand_in(office, "b", (71, 500, 31 * DAY), (71, 40, 32 * DAY))
    before = pool(office), live(office)
    # Of 550 in August 186 were used, of the 150 that came later 50; all the rest is there in September, and used up.
    assert [row[2:] for row in before[0] if row[1] == "CARRIED"] == [(364, 0), (100, 0)]

    seen = []
    for document in documents:
        assert asking.staff("catalogue_load", document=document).done
        rerated(office, asking, from_="2026-08-01")
        seen.append(sum(int(left) for _, _, _, left in pool(office)))
        assert holds(office)

    # Six calls of a minute, one more, and ten minutes in September; but HEAD, which is rated again first, has by then used
    # 39 seconds of what the others' August would have needed.
    assert seen == [1400 - 6 * 60 - 60 - 600 + 39, 1400 - 186 - 50 - 540]
    assert (pool(office), live(office)) == before
