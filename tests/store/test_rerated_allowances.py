"""Usage that draws from every kind of allowance, rated again: nothing changes for nothing, there and back is where it was."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from again import holds, live, rerated
from asking import Asking
from conftest import Database
from offices import Office
from rich_world import CATALOGUE, DAY, GB, HOUR, NOON, Calls, found

# Line, called, seconds, how long after noon of a Monday.
USAGE = (
    # Ten minutes that a group shares; a line of one company uses what another left.
    *((8, GB, 300, n * DAY) for n in range(2)),
    *((9, GB, 60, n * DAY + HOUR) for n in range(3)),
    # Ten minutes a week: 200 seconds are carried to the next, and used there; late usage of the first.
    (10, GB, 300, 0 * DAY),
    (10, GB, 100, 1 * DAY),
    (10, GB, 500, 7 * DAY),
    (10, GB, 400, 8 * DAY),
    (10, GB, 90, 14 * DAY),
    # Steps of five minutes, each with its price, entered anew.
    *((11, GB, seconds, n * HOUR) for n, seconds in enumerate((200, 90, 30, 700, 10))),
    # Two minutes, and the rest by a plan of its own.
    *((12, GB, 50, n * HOUR) for n in range(4)),
    # A pound that two lines use up together.
    *((13 + n % 2, GB, 100 + n, n * HOUR) for n in range(6)),
    # Five minutes, once.
    *((15, GB, 130, n * DAY) for n in range(3)),
)
NAMED = CATALOGUE.replace("Working day", "Day of work")
DEARER = re.sub(r'price = "0\.(\d\d)"', r'price = "0.9\1"', CATALOGUE)
WITHHELD = CATALOGUE.replace('\nclasses = ["voice"]', '\nclasses = ["premium"]').replace(
    '\nclasses = ["voice", "premium"]', '\nclasses = ["premium"]'
)


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with the rich catalogue and its customers."""
    return found(Asking(database))


@pytest.fixture
def office(asking: Asking, tmp_path: Path) -> Iterator[Office]:
    """Give the workers, who have rated a month's usage in the order it was made."""
    calls = Calls()
    for line, called, seconds, later in sorted(USAGE, key=lambda each: each[3]):
        calls.call(line, called, seconds, NOON + later)
    with closing(asking.database.connect()) as connection:
        made = Office(asking.database, connection, tmp_path, parts=1)
        assert made.hand_in("a.csv", calls.lines)["new"] == len(USAGE)
        yield made


def allowances(office: Office) -> list[tuple[object, ...]]:
    """Give all allowances, with what was granted and what is left."""
    return office.all(
        "SELECT account_id, code, during::text, part, granted + added, balance FROM bucket ORDER BY 1, 2, 3, 4"
    )


def load(asking: Asking, document: str) -> None:
    """Load a catalogue that differs from the one before."""
    loaded = asking.staff("catalogue_load", document=document)
    assert loaded.done, loaded.body


FROM = {"from_": "2026-08-01"}


def test_a_changed_name_changes_no_charge(office: Office, asking: Asking) -> None:
    """All is rated again by prices that are the same: no charge is touched, no allowance moves."""
    before = live(office), allowances(office), office.all("SELECT count(*) FROM draw")
    load(asking, NAMED)

    shown = rerated(office, asking, **FROM)

    assert (shown["plan"]["records"], shown["plan"]["changed"]) == (len(USAGE), 0)
    assert (live(office), allowances(office), office.all("SELECT count(*) FROM draw")) == before


def of_those_apart(office: Office) -> list[tuple[object, ...]]:
    """Give the charges that count of accounts that share no allowance with others."""
    group = office.all("SELECT id FROM account WHERE parent_id IS NOT NULL")
    return [row for row in live(office) if row[:1] not in group]


@pytest.mark.parametrize("other", [DEARER, WITHHELD], ids=["dearer", "withheld"])
def test_there_and_back_gives_the_original(office: Office, asking: Asking, other: str) -> None:
    """Other prices, or nothing included, and as before: each charge and each allowance is what it was first."""
    before = of_those_apart(office), allowances(office)
    load(asking, other)
    rerated(office, asking, **FROM)
    between = of_those_apart(office)
    assert holds(office)

    load(asking, CATALOGUE)
    rerated(office, asking, **FROM)

    assert between != before[0]
    assert of_those_apart(office) == before[0]
    assert allowances(office) == before[1]
    assert holds(office)


def test_there_and_back_a_group_has_used_as_much(office: Office, asking: Asking) -> None:
    """Of what accounts draw from together another one may have it then: they are rated again one after the other."""
    used = "SELECT sum(balance) FROM bucket"
    before = allowances(office), office.all(used)
    load(asking, WITHHELD)
    rerated(office, asking, **FROM)
    assert office.all(used) != before[1]

    load(asking, CATALOGUE)
    rerated(office, asking, **FROM)

    assert (allowances(office), office.all(used)) == before
    assert holds(office)


BY_THE_MINUTE = CATALOGUE.replace('rounding = "SEC"', 'rounding = "MIN"')


def test_a_threshold_first_reached_is_told_once(asking: Asking, tmp_path: Path) -> None:
    """250 seconds of ten minutes are less than half; counted by the minute they are half, and the customer hears of it."""
    calls = Calls()
    calls.call(10, GB, 250, NOON)
    with closing(asking.database.connect()) as connection:
        office = Office(asking.database, connection, tmp_path, parts=1)
        office.hand_in("a.csv", calls.lines)
        told = "SELECT payload ->> 'bucket_type', payload -> 'per_cent', payload -> 'left' FROM outbox"
        assert office.all(told) == []

        load(asking, BY_THE_MINUTE)
        rerated(office, asking, **FROM)
        assert office.all(told) == [("TEN-A-WEEK", 50, 300)]
        assert office.all("SELECT warned, balance FROM bucket") == [(50, 300)]

        # Less than half again, and half once more: that was said.
        load(asking, CATALOGUE)
        rerated(office, asking, **FROM)
        load(asking, BY_THE_MINUTE)
        rerated(office, asking, **FROM)
        assert office.all(told) == [("TEN-A-WEEK", 50, 300)]
        assert holds(office)


def taxed(east: str, west: str) -> str:
    """Give the catalogue with two more taxes, each of its rate."""
    rows = "".join(
        f'[[tax]]\ncode = "{code}"\nname = "{code} tax"\nrate = "{rate}"\n\n'
        for code, rate in (("EAST", east), ("WEST", west))
    )
    standard = 'name = "Standard"\ntaxes = ["VAT"]'
    assert standard in CATALOGUE
    with_both = CATALOGUE.replace(standard, 'name = "Standard"\ntaxes = ["VAT", "EAST", "WEST"]')
    return with_both.replace("[[tax_code]]", rows + "[[tax_code]]", 1)


def test_taxes_that_share_their_sum_otherwise_are_charged_anew(
    office: Office, asking: Asking
) -> None:
    """1 % and 3 % become 3 % and 1 %: nobody pays more, and yet each tax is told, and billed, as it is now."""
    load(asking, taxed("0.01", "0.03"))
    rerated(office, asking, **FROM)
    before = live(office), parts(office)
    load(asking, taxed("0.03", "0.01"))

    shown = rerated(office, asking, **FROM)

    assert shown["plan"]["changed"] == len(before[1]) > 0
    assert live(office) == before[0]
    assert parts(office) == [(vat, west, east) for vat, east, west in before[1]]


def parts(office: Office) -> list[tuple[object, ...]]:
    """Give what each tax of the charges that count comes to, where there is something to be taxed."""
    return office.all(
        """
        SELECT t.parts -> 0 -> 2, t.parts -> 1 -> 2, t.parts -> 2 -> 2
        FROM charge AS c CROSS JOIN LATERAL (SELECT c.detail #> '{taxes,3}') AS t (parts)
        WHERE jsonb_array_length(t.parts) = 3 AND NOT EXISTS (
            SELECT FROM charge_reversal AS r WHERE r.account_id = c.account_id AND r.started_at = c.started_at
            AND r.udr_id = c.udr_id AND r.version = c.version
        ) ORDER BY c.started_at, c.udr_id
        """
    )


# Nothing that several accounts draw from, so that each has only its own prices and allowances.
APART = CATALOGUE.replace('scope = "TREE"', 'scope = "ACCOUNT"')
CHANGES = {
    "a name": ([], ('name = "Working day"', 'name = "Day of work"')),
    "a recurring price": ([], ('price = "6.00"', 'price = "7.00"')),
    "an allowance": (
        ["WEEKLY"],
        ('quantity = 600\nrecurrence = "WEEK"', 'quantity = 700\nrecurrence = "WEEK"'),
    ),
    "a step of an allowance": (["STEPS"], ('flat = "0.50"', 'flat = "0.60"')),
    "the price beyond an allowance": (["BEYOND"], ('price = "0.60"', 'price = "0.90"')),
    "the price that a plan falls back to": (
        [None],
        ('group = "REST"', 'group = "REST"\nfree = 1'),
    ),
    "the price of all": ([None], ('rounding = "SEC"', 'rounding = "MIN"')),
    "a tax": ([None], ('rate = "0.20"', 'rate = "0.21"')),
    "a rounding that any rate may have": ([None], ("increment = 60", "increment = 30")),
    "what a whole group draws from": ([None], ('scope = "ACCOUNT"', 'scope = "TREE"')),
}


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_due_for_whom_it_can_concern(asking: Asking, what: str) -> None:
    """A name concerns nobody, an allowance those who have it; what is not told so easily, all."""
    load(asking, APART)
    before = {one["id"] for one in asking.staff("rerate_due").body["due"]}
    accounts, (old, new) = CHANGES[what]
    assert old in APART

    load(asking, APART.replace(old, new))

    due = [one for one in asking.staff("rerate_due").body["due"] if one["id"] not in before]
    assert [one["account"] for one in due] == accounts
    assert {one["cause"] for one in due} <= {"catalogue_load"}


def test_what_is_due_is_rated_again_as_if_all_were(office: Office, asking: Asking) -> None:
    """A dearer plan beyond an allowance: only its account is due, and no other account's charge would have changed."""
    load(asking, APART)
    rerated(office, asking, due="yes")
    _, (old, new) = CHANGES["the price beyond an allowance"]
    load(asking, APART.replace(old, new))

    shown = rerated(office, asking, due="yes")

    assert (shown["plan"]["accounts"], shown["plan"]["changed"] > 0) == (1, True)
    assert rerated(office, asking, **FROM)["plan"]["changed"] == 0


def test_who_shares_an_allowance_keeps_a_part_however_many_are_rated_at_once(
    asking: Asking, tmp_path: Path
) -> None:
    """One company of a group took half of its minutes first: the other, whose turn comes first now, does not get them."""
    with closing(asking.database.connect()) as connection:
        office = Office(asking.database, connection, tmp_path, parts=1)
        calls = Calls()
        calls.call(9, GB, 300, NOON)
        calls.call(8, GB, 500, NOON)
        office.hand_in("a.csv", calls.lines[:1])
        office.hand_in("b.csv", calls.lines[1:])
        drawn = """
            SELECT a.number, c.version, c.rounded - c.billable FROM charge AS c JOIN account AS a ON a.id = c.account_id
            ORDER BY 1, 2
        """
        before = [("BRANCH-1", 1, 300), ("BRANCH-2", 1, 300)]
        assert office.all(drawn) == before

        load(asking, DEARER)
        assert rerated(office, asking, **FROM)["plan"]["accounts"] == 2

        assert {(number, taken) for number, _, taken in office.all(drawn)} == {
            (number, taken) for number, _, taken in before
        }
        assert holds(office)
