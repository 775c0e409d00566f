"""Fields of the company's own, from a switch's record or a source's word to the price that hangs on them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import usage_world as world
from again import FROM, holds, planned, rerated
from asking import Asking
from conftest import Database
from offices import Office, opened
from usage_world import AWAY, number_of

from bmu.rating import is_in_order
from bmuid.operations.registry import Door, Role
from bmuid.store import accounts, evidence
from bmuid.store.customer_usage import ChargeKey

# Calls over trunk 7 cost 1.20 a minute; those that say what they cost are sold with half as much again; fees are
# charged as the record says; all others as ever.
CATALOGUE = """
    INSERT INTO rate_group (code, name, valid, conditions, pass_through, since) VALUES
        ('TRUNK', 'Over trunk 7', '(,)', '[{"field": "trunk", "operator": "EQUALS", "values": ["7"], "negated": false}]', false, 1),
        ('COST', 'On what it costs', '(,)', '[{"field": "cost", "operator": "EMPTY", "values": [], "negated": true}]', false, 1),
        ('FEE', 'Fees of others', '(,)', '[{"field": "amount", "operator": "EMPTY", "values": [], "negated": true}]', true, 1);
    INSERT INTO rate_group (code, name, valid, since) VALUES ('NONE', 'Nothing', '(,)', 1);
    INSERT INTO rate (code, rate_group, usage_class, kind, price_e11, per, since) VALUES
        ('TRUNK/voice', 'TRUNK', 'voice', 'STANDARD', 120000000000, 60, 1),
        ('COST/voice', 'COST', 'voice', 'MARKUP', 150000000000, 1, 1),
        ('FEE/voice', 'FEE', 'voice', 'PASS_THROUGH', 0, 1, 1);
    INSERT INTO revision (actor, note) VALUES ('test', 'no allowance');
    UPDATE package SET until = 2;
    INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types, since)
        VALUES ('PACKAGE', 'Package', 1000, 'GBP', 'MONTH', 'PLAN', 'VAT', '{}', 2)
"""
NEWEST = "(SELECT max(id) FROM revision)"
KEPT = "trunk=dcontext,cost=userfield,amount=accountcode"


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give an office whose prices hang on such fields, and whose switch writes them."""
    with opened(database, tmp_path) as made:
        made.as_owner(CATALOGUE)
        sell_by(made, "TRUNK", "COST", "FEE", "ALL")
        asked = Asking(database).staff("source_set", code=world.SOURCE, extras=KEPT)
        assert asked.done, asked.body
        yield made


def sell_by(office: Office, *groups: str) -> None:
    """Have the plan consist of these groups from now on."""
    office.as_owner(
        "INSERT INTO revision (actor, note) VALUES ('test', 'groups');"
        f"UPDATE rate_plan SET until = {NEWEST} WHERE until IS NULL;"
        "INSERT INTO rate_plan (code, name, currency, places, rounding_mode, rate_groups, since)"
        f" VALUES ('PLAN', 'Plan', 'GBP', 4, 'HALF_UP', '{{{','.join(groups)}}}', {NEWEST})"
    )


def call(unique: str, trunk: str = "1", cost: str = "", amount: str = "") -> str:
    """Give the line of a call of a minute abroad over a trunk, with what else the switch writes of it."""
    line = world.call(unique, 1, AWAY, 60)
    assert line.endswith(',""')
    return (
        line.replace('"A1"', f'"{amount}"', 1).replace('"outbound"', f'"{trunk}"')[:-1]
        + f'{cost}"'
    )


CALLS = [call("1.1"), call("1.2", "7"), call("1.3", cost="0.30"), call("1.4", amount="2.5")]
PENCE = [60, 120, 45, 250]


def pence(office: Office) -> list[object]:
    """Give the price of each charge in the order of the lines."""
    return [
        pence
        for (pence,) in office.all(
            "SELECT (c.amount_e11 / 1e9)::int FROM charge AS c JOIN udr AS u ON u.account_id = c.account_id"
            " AND u.started_at = c.started_at AND u.id = c.udr_id ORDER BY u.file_id, u.line_no, c.version"
        )
    ]


def test_a_price_hangs_on_a_field_of_the_record(office: Office) -> None:
    """From a file: by its trunk, on top of what it cost, as the record charges, and as ever."""
    assert office.hand_in("a.csv", CALLS)["new"] == 4
    assert pence(office) == PENCE
    assert office.all("SELECT extras FROM udr ORDER BY line_no") == [
        ({"trunk": "1"},),
        ({"trunk": "7"},),
        ({"trunk": "1", "cost": "0.30"},),
        ({"trunk": "1", "amount": "2.5"},),
    ]


def test_every_such_charge_is_computed_again(office: Office) -> None:
    """What a charge was made of is kept with it: cost, amount and the group that its fields led to."""
    office.hand_in("a.csv", CALLS)
    with office.connection, office.connection.cursor() as txn:
        account = accounts.by_number(txn, "A1")
        assert account is not None
        txn.execute("SELECT started_at, udr_id FROM charge")
        for started_at, udr_id in txn.fetchall():
            charge = evidence.charged(txn, account.id, ChargeKey(started_at, udr_id, 1))
            assert charge is not None
            assert is_in_order(evidence.evidence(txn, account, charge))


def test_rating_again_finds_the_fields(office: Office) -> None:
    """Where trunk 7 is no longer dearer, rating again changes the call over it and no other."""
    office.hand_in("a.csv", CALLS)
    asking = Asking(office.database)
    assert not any(one["changed"] for one in planned(office, asking, from_=FROM)["accounts"])
    sell_by(office, "COST", "FEE", "ALL")
    rerated(office, asking, from_=FROM)
    assert pence(office) == [60, 120, 60, 45, 250]
    assert holds(office)


def test_a_bad_field_is_kept_with_its_line(office: Office) -> None:
    """A cost that is no amount waits in suspense; a field that can't be kept is told of with the line."""
    assert office.hand_in("a.csv", [call("1.1", cost="?"), call("1.2", cost="x" * 300)]) == {
        "new": 0, "duplicate": 0, "suspended": 1, "rejected": 1}  # fmt: skip
    assert office.all("SELECT reason FROM verdict ORDER BY line_no") == [
        ("NO_COST",),
        ("BAD_FIELD",),
    ]


def test_what_waits_is_read_with_the_fields_of_now(office: Office) -> None:
    """A source that was not told to keep the cost: once it is, its lines are charged by it."""
    asking = Asking(office.database)
    asking.staff("source_set", code=world.SOURCE, extras="")
    sell_by(office, "COST", "NONE")
    office.hand_in("a.csv", CALLS[2:3])
    assert office.all("SELECT reason FROM verdict") == [("NO_RATE",)]

    asking.staff("source_set", code=world.SOURCE, extras=KEPT)
    asking.staff("suspense_retry", source=world.SOURCE)
    office.rate()
    assert pence(office) == [45]


@pytest.mark.parametrize("extras", ["trunk=nowhere", "uid=userfield", "trunk", "a=src,a=dst"])
def test_what_can_t_be_kept_is_refused(office: Office, extras: str) -> None:
    """A column that the switch's records don't have, or a name that means something else, is told at once."""
    refused = Asking(office.database).staff("source_set", code=world.SOURCE, extras=extras)
    assert refused.code == "BAD_ARGUMENT"
    assert "extras" in refused.body["text"]


TOLD = {
    "class": "voice", "uid": number_of(1), "started_at": "2026-08-03T11:00:00Z",
    "quantity": "60", "destination": AWAY,
}  # fmt: skip
FIELDS = ("{}", '{"trunk": "7"}', '{"cost": "0.30"}', '{"amount": "2.5"}')


class TestSingleEvents:
    """Told of one by one, at the usage door or by a clerk."""

    def test_cost_what_they_cost_in_a_file(self, office: Office) -> None:
        """Quoted, charged by a source and by a clerk: the same prices."""
        asking = Asking(office.database, name=world.SOURCE)
        for n, extras in enumerate(FIELDS):
            told = {**TOLD, "extras": extras}
            quoted = asking.ask(Door.USAGE, "usage_quote", Role.SOURCE, {**told, "event": f"q{n}"})
            rated = asking.ask(Door.USAGE, "usage_rate", Role.SOURCE, {**told, "event": f"d{n}"})
            assert quoted.body["amount"] == rated.body["amount"]
            by_hand = asking.staff("usage_rate", source=world.SOURCE, event=f"h{n}", **told)
            assert by_hand.body["amount"] == rated.body["amount"]
        assert pence(office) == [each for each in PENCE for _ in range(2)]

    def test_told_again_are_the_same_by_their_fields(self, office: Office) -> None:
        """The order in which fields are told makes no other event; another field does."""
        asking = Asking(office.database)
        told = {"source": world.SOURCE, "event": "e", **TOLD}
        first = asking.staff("usage_rate", **told, extras='{"trunk": "7", "note": "é"}')
        again = asking.staff("usage_rate", **told, extras='{"note": "é", "trunk": "7"}')
        assert again.body == first.body
        for other in ('{"trunk": "8", "note": "é"}', "{}"):
            assert asking.staff("usage_rate", **told, extras=other).code == "CONFLICT"

    def test_wait_and_are_tried_again_with_their_fields(self, office: Office) -> None:
        """A call whose price is set up later is charged by the fields it came with."""
        asking = Asking(office.database)
        sell_by(office, "FEE", "NONE")
        told = {"source": world.SOURCE, "event": "e", **TOLD}
        assert asking.staff("usage_rate", **told, extras=FIELDS[1]).body["state"] == "SUSPENDED"
        sell_by(office, "TRUNK", "NONE")
        asking.staff("suspense_retry", source=world.SOURCE)
        office.rate()
        assert pence(office) == [120]

    def test_are_reserved_and_settled_by_their_fields(self, office: Office) -> None:
        """What is held is what such a call costs; at its end it may be known better."""
        asking = Asking(office.database, name=world.SOURCE)

        def asks(name: str, **texts: str) -> dict[str, object]:
            answered = asking.ask(Door.USAGE, name, Role.SOURCE, {"event": "e", **texts})
            assert answered.done, answered.body
            return answered.body

        held = asks("usage_reserve", **TOLD, extras=FIELDS[1])
        assert held["amount"] == "1.44"
        assert asks("usage_reserve", **TOLD, extras=FIELDS[1]) == held
        assert asks("usage_update", step="2", quantity="120")["amount"] == "2.88"
        asks("usage_settle", quantity="60", extras=FIELDS[2])
        assert pence(office) == [45]
        asking.ask(
            Door.USAGE,
            "usage_reserve",
            Role.SOURCE,
            {**TOLD, "event": "f", "extras": FIELDS[1]},
        )
        asking.ask(Door.USAGE, "usage_settle", Role.SOURCE, {"event": "f", "quantity": "60"})
        assert pence(office) == [45, 120]

    @pytest.mark.parametrize(
        "extras",
        [
            "",
            "trunk",
            "[]",
            '{"uid": "7"}',
            '{"trunk": 7}',
            '{"trunk": ""}',
            '{"Trunk": "7"}',
            '{"a": "\\u0007"}',
        ],
    )
    def test_with_fields_that_are_none_are_refused(self, office: Office, extras: str) -> None:
        """A source that tells of something else is told so, and nothing is charged."""
        told = {"source": world.SOURCE, "event": "e", **TOLD, "extras": extras}
        assert Asking(office.database).staff("usage_rate", **told).code == "BAD_ARGUMENT"
        assert pence(office) == []
