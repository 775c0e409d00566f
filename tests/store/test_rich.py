"""The rich catalogue at work: from documents and a switch's file to charges that are explained, and computed again."""

import csv
import io
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asking import Asking
from conftest import Database
from offices import Office
from rich_world import FR, GB, NOON, PREMIUM, RICH, US, Calls, found

from bmu.money import parse_e11
from bmu.rating import Evidence, explain, is_in_order
from bmuid import billrun
from bmuid.cli.rate import main
from bmuid.operations.usage import charge_id
from bmuid.store import accounts, evidence
from bmuid.store.customer_usage import ChargeKey

PENNY = 10**9


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with the rich catalogue and its customers."""
    return found(Asking(database))


@pytest.fixture
def office(asking: Asking, tmp_path: Path) -> Iterator[Office]:
    """Give the workers that rate for it."""
    with closing(asking.database.connect()) as connection:
        yield Office(asking.database, connection, Path(tempfile.mkdtemp(dir=tmp_path)), parts=1)


def evidences(office: Office) -> dict[int, tuple[str, Evidence]]:
    """Give the account and the evidence of each charge, by the line it came from."""
    found = {}
    with office.connection, office.connection.cursor() as txn:
        txn.execute(
            "SELECT u.line_no, a.id, a.number, u.started_at, u.id FROM udr AS u JOIN account AS a ON a.id = u.account_id"
        )
        for line_no, _, number, started_at, udr_id in txn.fetchall():
            account = accounts.by_number(txn, number)
            assert account is not None
            charge = evidence.charged(txn, account.id, ChargeKey(started_at, udr_id, 1))
            assert charge is not None
            found[line_no] = number, evidence.evidence(txn, account, charge)
    return found


# Account, line, called, seconds, how long after noon of Monday, and pence.
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CASES = (
    # By a condition on the customer; by hours; over their end; on a bank holiday.
    ("GOLD", 1, GB, 60, timedelta(), 1),
    ("LINE", 2, GB, 60, timedelta(), 12),
    ("LINE", 2, GB, 120, timedelta(hours=6, minutes=59), 18),
    ("LINE", 2, GB, 60, 28 * DAY, 6),
    # By steps: 5p to connect, 10 s free, 50 s at 30p, then 30 s more at 20p a minute; never more than 2 pounds.
    ("LINE", 2, FR, 75, timedelta(), 40),
    ("LINE", 2, FR, 3600, timedelta(), 205),
    # By another class, its price with tax; by the plan that is tried last.
    ("LINE", 2, PREMIUM, 600, timedelta(), 125),
    ("LINE", 2, US, 61, timedelta(), 200),
    # With two taxes, one of them not owed a week later; without any.
    ("CITY", 3, GB, 60, timedelta(), 12),
    ("CITY", 3, GB, 60, 7 * DAY, 12),
    ("CHARITY", 4, GB, 60, timedelta(), 12),
    # By the month; on what it costs; by the company's plan.
    ("AGREED", 5, GB, 60, timedelta(), 0),
    ("COST", 6, GB, 61, timedelta(), 6),
    ("OPEN", 7, GB, 60, timedelta(), 100),
    # By the plan of the account above, from its minutes; by the payer's, when they are used up.
    ("BRANCH-1", 8, GB, 300, timedelta(), 0),
    ("BRANCH-2", 9, GB, 300, timedelta(), 0),
    ("BRANCH-2", 9, GB, 60, HOUR, 12),
    # From ten minutes a week, with what the week before left.
    ("WEEKLY", 10, GB, 400, timedelta(), 0),
    ("WEEKLY", 10, GB, 800, 7 * DAY, 0),
    ("WEEKLY", 10, GB, 60, 7 * DAY + HOUR, 12),
    # In steps of five minutes, each with its price.
    ("STEPS", 11, GB, 200, timedelta(), 50),
    ("STEPS", 11, GB, 500, HOUR, 100),
    # Two minutes, and the rest by a plan of its own.
    ("BEYOND", 12, GB, 180, timedelta(), 60),
    # A pound that two lines use up together.
    ("MONEY", 13, GB, 300, timedelta(), 0),
    ("MONEY", 14, GB, 360, HOUR, 32),
    # Five minutes, once; then, on a Saturday, as ever.
    ("NEW", 15, GB, 300, timedelta(), 0),
    ("NEW", 15, GB, 60, 40 * DAY, 6),
)


def test_every_feature_is_charged_as_it_is_written(office: Office) -> None:
    """One customer, one feature, one amount that I can work out by hand."""
    calls = Calls()
    for _, line, called, seconds, later, _ in CASES:
        calls.call(line, called, seconds, NOON + later)
    verdicts = office.hand_in("rich.csv", calls.lines)
    found = evidences(office)

    assert verdicts == {"new": len(CASES), "duplicate": 0, "suspended": 0, "rejected": 0}
    assert [(found[n][0], found[n][1].amount_e11) for n in sorted(found)] == [
        (account, pence * PENNY) for account, *_, pence in CASES
    ]
    assert [number for number, each in found.values() if not is_in_order(each)] == []
    assert all(explain(each) for _, each in found.values())


def test_staff_read_what_was_passed_over(asking: Asking, office: Office) -> None:
    """Which level names the plan, and which do not; which groups stood before the one that had the price, and why not."""
    calls = Calls()
    calls.call(2, GB, 60, NOON + 28 * DAY)
    calls.call(5, GB, 60)
    calls.call(2, US, 60)
    office.hand_in("rich.csv", calls.lines)
    rows = office.all(
        "SELECT a.number, c.started_at, c.udr_id FROM charge AS c JOIN account AS a ON a.id = c.account_id ORDER BY c.udr_id"
    )
    said = {}
    for number, started_at, udr_id in rows:
        id_ = charge_id(ChargeKey(started_at, udr_id, 1))
        body = asking.staff("charge_explain", account=number, id=id_).body
        told = {step["title"]: step["text"] for step in body["steps"]}
        said[number, body["charge"]["destination"]] = told["Which prices apply"]

    assert (
        "Looked for in this order: bucket: prices only what goes beyond a bucket; price plan: names none;"
        " package: RETAIL, taken; package of the account: names none; package frequency: names none;"
        " account: names none; paying account: names none; company: LAST, a nearer one is taken."
    ) in said["LINE", GB]
    assert "GOLD: not for this account.segment" in said["LINE", GB]
    assert "PEAK: not at this time" in said["LINE", GB]
    assert (
        "price plan: VOLUME, taken; package: RETAIL, a nearer one is taken" in said["AGREED", GB]
    )
    assert "OFFPEAK: no rate" in said["LINE", US]


def test_staff_and_customers_read_why(asking: Asking, office: Office) -> None:
    """Whatever was drawn, taxed or passed over, each charge comes with its steps, also from minutes of an account above."""
    calls = Calls()
    for line, called in ((2, FR), (2, PREMIUM), (3, GB), (6, GB), (8, GB), (11, GB), (13, GB)):
        calls.call(line, called, 700)
    office.hand_in("why.csv", calls.lines)
    found = {
        number: asking.staff("charge_explain", account=number, id=charge_id(key)).body
        for number, key in keys(office)
    }

    assert len(found) == 6
    assert all(len(one["steps"]) >= 3 for one in found.values()), found
    drawn = {number: one["evidence"]["draws"] for number, one in found.items()}
    assert [one["name"] for one in drawn["BRANCH-1"]] == [
        "Ten minutes for a whole group of companies"
    ]
    token = session(asking, "BRANCH-1")
    [key] = [charge_id(key) for number, key in keys(office) if number == "BRANCH-1"]
    own = asking.customer("charge_explain", token=token, id=key).body
    assert own["evidence"] == found["BRANCH-1"]["evidence"]
    # What was passed over, prices of others among it, is the staff's.
    which = "Which prices apply"
    theirs, ours = (
        {step["title"]: step["text"] for step in one["steps"]} for one in (own, found["BRANCH-1"])
    )
    assert "Looked for" in ours[which]
    assert "Looked for" not in theirs[which]
    assert ours | {which: ""} == theirs | {which: ""}
    assert [one["name"] for one in drawn["STEPS"]] == ["Five minutes at a time"]
    assert [one["name"] for one in drawn["MONEY"]] == ["A pound for all lines"]


def test_minutes_of_a_group_are_given_once_however_many_work(office: Office) -> None:
    """Companies of a group are rated by several workers, and share ten minutes to the second."""
    office.parts = 3
    calls = Calls()
    for n in range(40):
        calls.call(8 + n % 2, GB, 30, NOON + timedelta(minutes=n))
    office.hand_in("group.csv", calls.lines)

    [(drawn, events)] = office.all(
        "SELECT -sum(quantity) FILTER (WHERE kind = 'DRAW'), count(*) FILTER (WHERE kind = 'DRAW') FROM draw"
    )
    assert (drawn, events) == (600, 20)
    assert office.all("SELECT sum(amount_e11), count(*) FROM charge") == [(20 * 6 * PENNY, 40)]
    assert all(is_in_order(each) for _, each in evidences(office).values())


def test_a_threshold_is_told_once(office: Office) -> None:
    """Half of the week's minutes, then all of them: each is kept with the charge that reached it, and with the bucket."""
    calls = Calls()
    for minutes in (4, 2, 2, 3):
        calls.call(10, GB, 60 * minutes, NOON + timedelta(minutes=len(calls.lines)))
    office.hand_in("first.csv", calls.lines[:2])
    office.hand_in("second.csv", calls.lines[2:])

    told = office.all("SELECT detail #> '{drawing,reached}' FROM charge ORDER BY started_at")
    assert [one and [each["per_cent"] for each in one] for (one,) in told] == [
        None,
        [50],
        None,
        [100],
    ]
    assert office.all("SELECT warned, balance FROM bucket") == [(100, 0)]
    # So that the customer is told, whoever carries the messages: each threshold once, with what was left then.
    assert office.all(
        "SELECT kind, payload ->> 'bucket_type', payload -> 'per_cent', payload -> 'left' FROM outbox ORDER BY id"
    ) == [("WEBHOOK", "TEN-A-WEEK", 50, 240), ("WEBHOOK", "TEN-A-WEEK", 100, 0)]


def keys(office: Office) -> list[tuple[str, ChargeKey]]:
    """Give account and key of each charge."""
    found = office.all(
        "SELECT a.number, c.started_at, c.udr_id FROM charge AS c JOIN account AS a ON a.id = c.account_id"
    )
    return [(str(number), ChargeKey(at, udr_id, 1)) for number, at, udr_id in found]


def test_customers_see_what_is_left_of_every_kind(asking: Asking, office: Office) -> None:
    """Money that lines share is told once, as money; minutes that are given once have no month of their own."""
    calls = Calls()
    for line in (13, 14, 15):
        calls.call(line, GB, 60)
    office.hand_in("left.csv", calls.lines)
    shown = {
        number: asking.customer(
            "overview_show", token=session(asking, number), day="2026-08-03"
        ).body
        for number in ("MONEY", "NEW")
    }

    assert [
        (one["name"], one["kind"], one["balance"], one["granted"])
        for one in shown["MONEY"]["buckets"]
    ] == [("A pound for all lines", "MONEY", 76 * PENNY, 100 * PENNY)]
    assert [(one["balance"], one["granted"]) for one in shown["NEW"]["buckets"]] == [(240, 300)]


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


def offline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    """Rate all cases by files alone; give what each account owes before tax."""
    usage = tmp_path / "usage.csv"
    with usage.open("w", encoding="utf-8") as file:
        file.write("uid,class,started_at,quantity,origin,destination\n")
        for _, line, called, seconds, later, _ in CASES:
            number = 441632960000 + line
            at = (NOON + later).isoformat()
            file.write(f"{number},voice,{at},{seconds},{number},{called}\n")
    words = [
        "--catalogue",
        str(RICH / "catalogue.toml"),
        "--accounts",
        str(RICH / "accounts.toml"),
    ]
    assert main([*words, "--usage", str(usage), "--summary"]) == 0
    owed: dict[str, int] = {}
    for row in csv.DictReader(io.StringIO(capsys.readouterr().out)):
        owed[row["account"]] = owed.get(row["account"], 0) + parse_e11(row["amount"])
    return owed


def test_bills_come_to_what_the_same_calls_cost_offline(
    asking: Asking, office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every feature, taxes, allowances and a price of a period among them: two ways, one amount, to the last unit."""
    calls = Calls()
    for _, line, called, seconds, later, _ in CASES:
        calls.call(line, called, seconds, NOON + later)
    office.hand_in("all.csv", calls.lines)
    office.as_owner("INSERT INTO bill_run (as_of, actor) VALUES ('2026-10-01', 'test')")
    with closing(asking.database.connect("bmuid")) as connection:
        while billrun.step(connection, datetime(2026, 10, 2, tzinfo=UTC)):
            pass
    billed = office.all(
        "SELECT a.number, sum(l.amount_e11)::bigint FROM invoice_line AS l JOIN account AS a ON a.id = l.account_id"
        " WHERE l.kind = 'USAGE' GROUP BY a.number"
    )
    whole = office.all(
        "SELECT description, amount_minor FROM invoice_line WHERE description LIKE '%%price of the period'"
    )

    assert dict(billed) == offline(tmp_path, capsys)
    assert len(whole) == 1
    assert office.all("SELECT count(*) FROM invoice_charge") == [(len(CASES),)]
    assert office.all("SELECT sum(amount_minor) FROM posting") == [(0,)]
