"""Usage whose price needs what its record says beyond the usual: rated again, explained and tried out by the same words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from again import FROM, holds, live, rerated
from asking import Asking
from conftest import Database
from offices import NeverStopped, Office, opened
from usage_world import AWAY, HOME, MONDAY_NOON, UNPRICED, call, number_of

from bmu.period import to_us
from bmu.rating import Owner, Unrated, is_in_order
from bmu.usage import UDR
from bmuid.intake import charging
from bmuid.intake.chunk import Bench, Missing
from bmuid.intake.spool import Spool
from bmuid.operations.usage import charge_id
from bmuid.store import accounts, evidence, revisions
from bmuid.store.customer_usage import ChargeKey
from bmuid.store.transaction import Transaction, run
from bmuid.worker.rating import Rating

# Satellite calls cost what their records say, calls abroad one and a half of their recorded cost; on a network of
# our own all calls at home are a pound.
PRICES = """
    INSERT INTO rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since) VALUES
        ('OWN/voice/44', 'OWN', 'voice', '44', 'SEC', 'FIXED', 100000000000, 1, 2);
    INSERT INTO rate_group (code, name, valid, conditions, since) VALUES ('OWN', 'Own network', '(,)',
        '[{"field": "network", "operator": "EQUALS", "values": ["OWN"], "negated": false}]', 2);
    UPDATE rate_plan SET until = 2;
    INSERT INTO rate_plan (code, name, currency, places, rounding_mode, rate_groups, since)
        VALUES ('PLAN', 'Plan', 'GBP', 4, 'HALF_UP', '{OWN,ALL}', 2)
"""
PENCE = 10**9
FILE_ID = 1
# What was called, what the record says, and the pence that it costs; the allowance is used up.
CALLS = (
    (UNPRICED, {"amount": "12.345", "note": "Zoë 🙂"}, 1234.5),
    (AWAY, {"cost": "0.30"}, 45),
    (AWAY, {"cost": "0.1", "network": "OWN"}, 15),
    (HOME, {"network": "OWN"}, 100),
    (HOME, {"network": "ELSE"}, 6),
    (HOME, None, 6),
)


def changed(*statements: str) -> str:
    """Give the statements that change prices from a new revision on."""
    revision = "INSERT INTO revision (actor, note) VALUES ('test', 'prices')"
    return ";".join((revision, *statements))


def rate_anew(location: str, kind: str, price_e11: int) -> str:
    """Give the statements that write the rate of a place anew."""
    return (
        f"UPDATE rate SET until = (SELECT max(id) FROM revision) WHERE code = 'ALL/voice/{location}' AND until IS NULL;"
        "INSERT INTO rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since)"
        f" SELECT 'ALL/voice/{location}', 'ALL', 'voice', '{location}', 'SEC', '{kind}', {price_e11}, 1, max(id)"
        " FROM revision"
    )


FIRST = rate_anew("33", "MARKUP", 150 * PENCE), rate_anew("881", "PASS_THROUGH", 0)
OTHERS = rate_anew("33", "MARKUP", 200 * PENCE), rate_anew("881", "FIXED", 7 * PENCE)


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company, whose calls are charged by what is told of them."""
    with opened(database, tmp_path) as made:
        made.as_owner("UPDATE account_service SET during = tstzrange('2026-08-01 00:00+01', NULL)")
        made.as_owner(changed(PRICES, *FIRST))
        made.hand_in("a.csv", [call("1.1", 1, HOME, 600)])
        charge(made, [event(n, *told) for n, (*told, _) in enumerate(CALLS, 2)])
        yield made


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at the admin door."""
    return Asking(database)


def event(line_no: int, called: str, extras: dict[str, str] | None) -> UDR:
    """Give a call of a minute of the first customer's."""
    return UDR(
        line_no=line_no,
        event_key=bytes(16),
        content=0,
        uid_type="phone",
        uid=number_of(1),
        usage_class="voice",
        started_us=to_us(MONDAY_NOON) + line_no * 60_000_000,
        quantity=60,
        origin=number_of(1),
        destination=called,
        extras=extras,
    )


def charge(office: Office, events: list[UDR]) -> None:
    """Have events charged as those of a file's lines are."""
    bench = Bench(Spool(office.spool), office.days_back)

    def work(txn: Transaction) -> Missing | list[tuple[UDR, Unrated]]:
        snapshot = bench.snapshots.at(txn, revisions.newest(txn))
        found = [snapshot.owners.find(udr.uid_type, udr.uid, udr.started_us) for udr in events]
        owners = [owner for owner in found if isinstance(owner, Owner)]
        needs = bench.needs_of(events, [*owners], snapshot)
        missing = bench.missing(needs)
        if missing is not None:
            return missing
        return charging.charge(txn, FILE_ID, snapshot.tariff, needs, (events, owners))

    while isinstance(done := run(office.connection, work), Missing):
        Rating(bench, NeverStopped())._provide(office.connection, done)
    assert done == []


def pence(office: Office) -> list[float]:
    """Give what counts of those calls, in pence."""
    return [int(str(row[6])) / PENCE for row in live(office)[1:]]


class TestWhatARecordSays:
    """It is kept with the record."""

    def test_is_stored_as_it_was_told(self, office: Office) -> None:
        """Each field of each record; and nothing for a record that has none, such as those of files."""
        assert office.all("SELECT line_no, extras FROM udr ORDER BY 1") == [
            (1, None),
            *((n, extras) for n, (_, extras, _) in enumerate(CALLS, 2)),
        ]
        assert pence(office) == [costs for *_, costs in CALLS]

    def test_explains_the_charge(self, office: Office, asking: Asking) -> None:
        """Whoever asks why is told, and the figures follow from what is kept."""
        with office.connection, office.connection.cursor() as txn:
            account = accounts.by_number(txn, "A1")
            assert account is not None
            txn.execute("SELECT started_at, id FROM udr WHERE line_no > 1 ORDER BY line_no")
            keys = [ChargeKey(*row, 1) for row in txn.fetchall()]
            found = [evidence.charged(txn, account.id, key) for key in keys]
            held = [charge and evidence.evidence(txn, account, charge) for charge in found]

        assert [charge and charge.extras for charge in found] == [extras for _, extras, _ in CALLS]
        assert all(each and is_in_order(each) for each in held)
        explained = [
            asking.staff("charge_explain", account="A1", id=charge_id(key)) for key in keys
        ]
        assert all(each.done for each in explained)


class TestRatedAgain:
    """The same record gives the same price."""

    def test_by_the_same_prices_changes_nothing(self, office: Office, asking: Asking) -> None:
        """All rates are written anew, no word of them another: nobody's charges change."""
        office.as_owner(changed(*FIRST))

        shown = rerated(office, asking)

        assert (shown["plan"]["records"], shown["plan"]["changed"]) == (7, 0)

    def test_there_and_back_gives_the_original(self, office: Office, asking: Asking) -> None:
        """Twice the cost abroad, and a price of our own by satellite; then as before."""
        before = live(office), office.balances()
        office.as_owner(changed(*OTHERS))
        rerated(office, asking)
        assert pence(office) == [7, 60, 20, 100, 6, 6]

        office.as_owner(changed(*FIRST))
        rerated(office, asking)

        assert (live(office), office.balances()) == before
        assert office.all("SELECT max(version) FROM charge") == [(3,)]
        assert holds(office)

    def test_after_it_had_no_price_for_a_while(self, office: Office, asking: Asking) -> None:
        """It waited in suspense; tried again, it costs what its record says."""
        before = live(office)
        office.as_owner(
            changed("UPDATE rate SET until = 3 WHERE location IN ('33', '881') AND until IS NULL")
        )
        assert rerated(office, asking)["plan"]["unratable"] == 3
        assert pence(office) == [100, 6, 6]

        office.as_owner(changed(*FIRST))
        asking.staff("suspense_retry", reason="NO_RATE")
        office.rate()

        assert live(office) == before
        assert asking.staff("suspense_list").body["groups"] == []

    def test_on_trial_costs_the_same(self, office: Office, asking: Asking) -> None:
        """What would the package have cost that the customer has? The allowance, and these calls."""
        made = asking.staff("simulation_run", packages="PACKAGE", from_=FROM, to="2026-09-01")
        assert made.done, made.body
        office.rate()

        shown = asking.staff("simulation_show", id=str(made.body["simulation"]["id"])).body
        assert {one["charged"] for one in shown["packages"]} == {"14.065"}
