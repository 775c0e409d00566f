"""Usage rated again: what is due, planned, carried out; to the cent, once, and nothing that is unchanged."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psycopg2
import pytest
from again import FROM, holds, live, planned, rerated
from asking import Asking
from conftest import Database
from offices import NeverStopped, Office, opened
from usage_world import AWAY, HOME, MONDAY_NOON, call, number_of, put

from bmuid.intake.chunk import Bench, Missing
from bmuid.intake.spool import Spool
from bmuid.rerating import Rerating
from bmuid.store import reratings
from bmuid.store.transaction import run
from bmuid.worker.rating import Rating

PENCE = 10**9


def priced(pence: int, code: str = "33") -> str:
    """Give the statement that makes calls to a place cost so many pence a minute from a new revision on."""
    return (
        "INSERT INTO revision (actor, note) VALUES ('test', 'price');"
        f"UPDATE rate SET until = (SELECT max(id) FROM revision) WHERE location = '{code}' AND until IS NULL;"
        "INSERT INTO rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since)"
        f" SELECT 'ALL/voice/{code}', 'ALL', 'voice', '{code}', 'SEC', 'STANDARD', {pence * PENCE}, 60, max(id) FROM revision"
    )


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company; its customers are there since August."""
    with opened(database, tmp_path) as made:
        made.as_owner("UPDATE account_service SET during = tstzrange('2026-08-01 00:00+01', NULL)")
        yield made


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at the admin door."""
    return Asking(database)


MIXED = [
    call(
        f"5.{n}",
        1 + n % 3,
        HOME if n % 2 else AWAY,
        40 + 7 * n,
        MONDAY_NOON + timedelta(hours=n),
    )
    for n in range(40)
]


class TestAPlan:
    """What would change, told before anything does."""

    def test_tells_old_and_new_totals_and_changes_nothing(
        self, office: Office, asking: Asking
    ) -> None:
        """A call of 90 seconds at 60 pence would cost 45 at 30; until somebody says so it costs 90."""
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 90), call("1.2", 2, HOME, 60)])
        office.as_owner(priced(30))
        before = live(office), office.all("SELECT * FROM draw ORDER BY 1, 2, 3, 4, 5, 6")

        shown = planned(office, asking)

        plan = shown["plan"]
        assert (plan["accounts"], plan["records"], plan["changed"]) == (2, 2, 1)
        [total] = shown["totals"]
        assert (total["old"], total["new"], total["difference"]) == ("0.9", "0.45", "-0.45")
        assert (total["old_tax"], total["new_tax"]) == ("0.18", "0.09")
        assert [(one["account"], one["difference"]) for one in shown["accounts"]] == [
            ("A1", "-0.45"),
            ("A2", "0"),
        ]
        assert before == (live(office), office.all("SELECT * FROM draw ORDER BY 1, 2, 3, 4, 5, 6"))
        assert office.all("SELECT count(*) FROM charge_reversal") == [(0,)]

    def test_is_of_the_accounts_that_are_meant(self, office: Office, asking: Asking) -> None:
        """By number, by class, by source: whoever has no such usage since is not in the plan."""
        office.hand_in("a.csv", [call("1.1", 1), call("1.2", 2), call("1.3", 3)])
        office.as_owner(priced(30))
        office.as_owner(
            "INSERT INTO usage_class (code, name, unit, rater, since)"
            " SELECT 'data', 'Data', 'DATA', 'CLASS', max(id) FROM revision;"
            "INSERT INTO source (code, name, profile, time_zone, country_code, trunk_prefix, international_prefix)"
            " SELECT 'other', name, profile, time_zone, country_code, trunk_prefix, international_prefix FROM source"
        )

        def accounts(**texts: str) -> object:
            return planned(office, asking, **texts)["plan"]["accounts"]

        assert accounts(from_=FROM, accounts="A1,A3") == 2
        assert accounts(from_=FROM, usage_class="voice", source="pbx") == 3
        assert accounts(from_=FROM, usage_class="data") == 0
        assert accounts(from_=FROM, source="other") == 0
        assert accounts(from_="2026-08-04") == 0

    @pytest.mark.parametrize(
        ("texts", "code"),
        [
            ({}, "BAD_ARGUMENT"),
            ({"due": "yes", "from_": FROM}, "BAD_ARGUMENT"),
            ({"due": "yes"}, "NOTHING_DUE"),
            ({"from_": FROM, "accounts": "A1,NOBODY"}, "NOT_FOUND"),
            ({"from_": FROM, "usage_class": "voise"}, "NOT_FOUND"),
            ({"from_": FROM, "source": "pbx-9"}, "NOT_FOUND"),
        ],
    )
    def test_that_nobody_can_mean_is_refused(
        self, office: Office, asking: Asking, texts: dict[str, str], code: str
    ) -> None:
        """Without a day, or of unknown accounts, classes or sources: it is said at once."""
        office.hand_in("a.csv", [call("1.1", 1)])
        assert asking.staff("rerate_plan", **texts).code == code

    def test_older_than_the_catalogue_is_not_run(self, office: Office, asking: Asking) -> None:
        """What somebody agreed to was computed by other prices: plan it again."""
        office.hand_in("a.csv", [call("1.1", 1, AWAY)])
        office.as_owner(priced(30))
        plan_id = str(planned(office, asking)["plan"]["id"])
        office.as_owner(priced(20))

        assert asking.staff("rerate_run", id=plan_id).code == "PLAN_STALE"
        assert asking.staff("rerate_pause", id=plan_id).code == "NOT_RUNNING"
        assert asking.staff("rerate_run", id="99").code == "NOT_FOUND"


class TestCarriedOut:
    """What becomes of the charges."""

    def test_a_new_price_replaces_the_charges_it_changes(
        self, office: Office, asking: Asking
    ) -> None:
        """Calls abroad get a second version, the first is reversed; calls at home are not touched."""
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 90), call("1.2", 1, HOME, 60)])
        office.as_owner(priced(30))

        shown = rerated(office, asking)

        assert shown["plan"]["state"] == "DONE"
        assert office.all(
            "SELECT version, replaces, amount_e11, revision FROM charge ORDER BY rounded DESC, version"
        ) == [(1, None, 90 * PENCE, 1), (2, 1, 45 * PENCE, 2), (1, None, 0, 1)]
        assert office.all("SELECT version, reason FROM charge_reversal") == [(1, "rerating 1")]
        assert office.balances() == {1: 540}

    def test_what_was_drawn_is_returned_and_drawn_anew_in_event_order(
        self, office: Office, asking: Asking
    ) -> None:
        """Home becomes dearer: the same ten minutes are free, the rest costs more; the bucket stays whole."""
        office.hand_in("a.csv", MIXED)
        office.as_owner(priced(12, "44"))

        rerated(office, asking)

        assert holds(office)
        assert set(office.balances().values()) == {0}
        for account_id, *_, rounded, billable, _, amount, tax, drawn in live(office):
            assert rounded - billable == -int(str(drawn)), account_id
            assert amount in {billable * 12 * PENCE // 60, billable * 60 * PENCE // 60}
            assert tax == amount // 5

    def test_an_unchanged_catalogue_changes_nothing(self, office: Office, asking: Asking) -> None:
        """Rated again for nothing, also out of order: no reversal, no version, no draw."""
        office.hand_in("a.csv", MIXED[20:])
        office.hand_in("b.csv", MIXED[:20])
        before = office.all("SELECT * FROM draw ORDER BY 1, 2, 3, 4, 5, 6"), live(office)

        shown = rerated(office, asking)

        assert shown["plan"]["changed"] == 0
        assert before == (office.all("SELECT * FROM draw ORDER BY 1, 2, 3, 4, 5, 6"), live(office))
        assert office.all("SELECT count(*) FROM charge_reversal") == [(0,)]

    def test_there_and_back_gives_the_original(self, office: Office, asking: Asking) -> None:
        """Price A, then B, then A again: every figure is the first one, and all three are kept."""
        office.hand_in("a.csv", MIXED)
        before = live(office), office.balances()

        office.as_owner(priced(30) + ";" + priced(12, "44"))
        rerated(office, asking)
        between = live(office)
        office.as_owner(priced(60) + ";" + priced(6, "44"))
        rerated(office, asking)

        assert between != before[0]
        assert (live(office), office.balances()) == before
        assert office.all("SELECT max(version) FROM charge") == [(3,)]
        assert holds(office)

    def test_twice_changes_nothing_the_second_time(self, office: Office, asking: Asking) -> None:
        """The same plan once more finds all done."""
        office.hand_in("a.csv", MIXED)
        office.as_owner(priced(30))
        rerated(office, asking)
        before = live(office)

        assert rerated(office, asking)["plan"]["changed"] == 0
        assert live(office) == before

    def test_a_renamed_row_changes_no_charge(self, office: Office, asking: Asking) -> None:
        """A rate group under a new name prices as before: nobody's charges are written anew for that."""
        office.hand_in("a.csv", MIXED)
        office.as_owner(
            "INSERT INTO revision (actor, note) VALUES ('test', 'name');"
            "UPDATE rate_group SET until = 2;"
            "INSERT INTO rate_group (code, name, valid, since) VALUES ('ALL', 'Everything', '(,)', 2)"
        )

        assert rerated(office, asking)["plan"]["changed"] == 0

    def test_waits_for_files_that_came_before_the_change(
        self, office: Office, asking: Asking
    ) -> None:
        """A file that is pinned to the old prices is rated first, and then rated again like the rest."""
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 60)])
        office.as_owner(priced(30))
        plan_id = str(planned(office, asking)["plan"]["id"])
        office.as_owner(
            "INSERT INTO usage_file (source_id, sha256, name, octets, lines, parts, revision, profile, time_zone,"
            " country_code, trunk_prefix, international_prefix) SELECT id, sha256('x'), 'old', 1, 1, 1, 1, profile,"
            " time_zone, country_code, trunk_prefix, international_prefix FROM source;"
            "INSERT INTO usage_file_part (file_id, part) VALUES (2, 0)"
        )
        asking.staff("rerate_run", id=plan_id)
        rerating = Rerating(Bench(Spool(office.spool), office.days_back))
        assert not rerating.step(office.connection)
        office.as_owner(
            "UPDATE usage_file_part SET state = 'BLOCKED', blocked = 'gone' WHERE file_id = 2"
        )
        assert rerating.step(office.connection)


class TestWhatHasNoPriceAnyMore:
    """Usage that can't be rated is in suspense, not gone."""

    def test_is_reversed_and_waits_with_its_reason(self, office: Office, asking: Asking) -> None:
        """The price abroad is taken away: the call waits, its minutes are back; priced again, it is charged again."""
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 90), call("1.2", 1, HOME, 60)])
        office.as_owner(
            "INSERT INTO revision (actor, note) VALUES ('test', 'gone');"
            "UPDATE rate SET until = 2 WHERE location = '33'"
        )
        shown = rerated(office, asking)

        assert (shown["plan"]["changed"], shown["plan"]["unratable"]) == (1, 1)
        [line] = asking.staff("suspense_show").body["lines"]
        assert (line["file"], line["line_no"], line["reason"]) == (1, 1, "NO_RATE")
        assert number_of(1) in line["text"]
        assert [row[1:3] for row in live(office)] == [(1, 2)]

        office.as_owner(priced(20))
        asking.staff("suspense_retry", reason="NO_RATE")
        office.rate()
        assert [row[6] for row in live(office)] == [30 * PENCE, 0]
        assert office.all("SELECT max(version), count(DISTINCT udr_id) FROM charge") == [(2, 2)]
        assert asking.staff("suspense_list").body["groups"] == []
        assert office.verdicts("a.csv")["new"] == 2

        office.as_owner("INSERT INTO revision (actor, note) VALUES ('test', 'gone');"
            "UPDATE rate SET until = (SELECT max(id) FROM revision) WHERE location = '33' AND until IS NULL")  # fmt: skip
        rerated(office, asking)
        assert [row[1:3] for row in live(office)] == [(1, 2)]
        assert [one["reason"] for one in asking.staff("suspense_show").body["lines"]] == [
            "NO_RATE"
        ]

    def test_of_a_number_that_was_another_accounts_is_charged_to_that(
        self, office: Office, asking: Asking
    ) -> None:
        """A number was noted with the wrong customer: its calls are taken back there and charged where they belong."""
        office.hand_in("a.csv", [call("1.1", 1, HOME, 600), call("1.2", 2, HOME, 60)])
        asking.staff("uid_end", type="phone", value=number_of(1), to=FROM)
        asking.staff("uid_assign", type="phone", value=number_of(1), account="A2", from_=FROM)
        assert [
            (one["account"], one["cause"]) for one in asking.staff("rerate_due").body["due"]
        ] == [
            ("A1", f"end phone {number_of(1)}"),
            ("A2", f"assign phone {number_of(1)}"),
        ]

        rerated(office, asking, due="yes")

        assert [(row[0], *row[1:3], row[4]) for row in live(office)] == [(2, 1, 1, 60), (2, 1, 2, 0)]  # fmt: skip
        assert office.balances() == {1: 600, 2: 0}
        assert asking.staff("suspense_list").body["groups"] == []
        assert asking.staff("rerate_due").body["due"] == []
        assert holds(office)


class TestInvoiced:
    """Charges that were billed."""

    def test_a_credit_and_a_debit_on_the_next_invoice_to_the_cent(
        self, office: Office, asking: Asking
    ) -> None:
        """August is billed at the wrong price. September's invoice takes 1.50 off and puts 0.75 on, and is posted."""
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 90), call("1.2", 1, AWAY, 60)])
        self.bill(office, "2026-09-01")
        first = office.all("SELECT * FROM invoice_line ORDER BY invoice_id, line_no")
        office.as_owner(priced(30))
        shown = rerated(office, asking)
        assert shown["plan"]["invoiced"] == 2

        self.bill(office, "2026-10-01")

        [(invoice, net, tax, total)] = office.all(
            "SELECT id, net_minor, tax_minor, total_minor FROM invoice WHERE account_id = 1"
            " ORDER BY id DESC LIMIT 1"
        )
        assert office.all(
            "SELECT kind, description, events, quantity, amount_minor FROM invoice_line WHERE invoice_id = %(id)s"
            " ORDER BY line_no",
            id=invoice,
        ) == [
            ("RECURRING", "Package", None, None, 1000),
            ("USAGE", "Calls, Away, credit of what was billed before", 2, 150, -150),
            ("USAGE", "Calls, Away, billed before, rated again", 2, 150, 75),
            ("TAX", "VAT", None, None, 185),
        ]
        assert (net, tax, total) == (925, 185, 1110)
        assert first == office.all(
            "SELECT * FROM invoice_line WHERE invoice_id < 10 ORDER BY invoice_id, line_no"
        )
        assert office.all(
            "SELECT l.kind, sum(p.amount_minor)::bigint FROM posting AS p JOIN ledger_account AS l"
            " ON l.id = p.ledger_account_id WHERE l.account_id = 1 OR l.kind = 'REVENUE_USAGE'"
            " GROUP BY l.kind ORDER BY l.kind"
        ) == [("RECEIVABLE", 1380 + 1110), ("REVENUE_USAGE", -75)]

    def test_what_is_credited_is_credited_once(self, office: Office, asking: Asking) -> None:
        """Later invoices say nothing more of it; there and back after each bill comes out even."""
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 90)])
        self.bill(office, "2026-09-01")
        office.as_owner(priced(30))
        rerated(office, asking)
        self.bill(office, "2026-10-01")
        office.as_owner(priced(60))
        rerated(office, asking)
        self.bill(office, "2026-11-01")

        assert office.all(
            "SELECT upper(i.during)::date::text, sum(l.amount_minor)::bigint FROM invoice_line AS l JOIN invoice AS i"
            " ON i.id = l.invoice_id WHERE l.account_id = 1 AND l.kind = 'USAGE' GROUP BY 1 ORDER BY 1"
        ) == [("2026-08-31", 90), ("2026-09-30", -45), ("2026-11-01", 45)]
        assert office.all("SELECT count(*) FROM invoice_credit") == [(2,)]

    def test_what_is_taken_away_for_good_is_credited(self, office: Office, asking: Asking) -> None:
        """A call that has no price any more is taken off the next bill."""
        office.hand_in("a.csv", [call("1.1", 1, AWAY, 90)])
        self.bill(office, "2026-09-01")
        office.as_owner(
            "INSERT INTO revision (actor, note) VALUES ('test', 'gone');"
            "UPDATE rate SET until = 2 WHERE location = '33'"
        )
        rerated(office, asking)
        self.bill(office, "2026-10-01")

        assert office.all(
            "SELECT sum(amount_minor)::bigint FROM invoice_line WHERE account_id = 1 AND kind = 'USAGE'"
        ) == [(0,)]

    @staticmethod
    def bill(office: Office, as_of: str) -> None:
        """Have a bill run made, and date its invoices back, as if that had been its day."""
        office.as_owner(f"INSERT INTO bill_run (as_of, actor) VALUES ('{as_of}', 'test')")
        office.rate()
        office.as_owner(
            "ALTER TABLE invoice DISABLE TRIGGER invoice_append_only;"
            f"UPDATE invoice SET issued_at = '{as_of} 06:00+01' WHERE issued_on = '{as_of}';"
            "ALTER TABLE invoice ENABLE TRIGGER invoice_append_only;"
            "ALTER TABLE usage_file DISABLE TRIGGER usage_file_done; UPDATE usage_file SET done_at = '2026-08-04';"
            "ALTER TABLE usage_file ENABLE TRIGGER usage_file_done"
        )


class TestWhateverHappens:
    """Crashes, others at work, and the pace."""

    def test_a_crash_leaves_an_account_as_it_was_and_the_next_goes_on(
        self, office: Office, asking: Asking
    ) -> None:
        """Killed in the middle of each account, the plan is carried out all the same, once."""
        office.hand_in("a.csv", MIXED)
        office.as_owner(priced(30) + ";" + priced(12, "44"))
        plan_id = str(planned(office, asking)["plan"]["id"])
        asking.staff("rerate_run", id=plan_id, accounts_a_second="10000")
        plan = run(office.connection, reratings.open_plan)
        assert plan is not None
        for _ in range(3):
            before = live(office)
            fresh = Rerating(Bench(Spool(office.spool), office.days_back))
            with closing(psycopg2.connect(office.connection.dsn)) as dying, dying.cursor() as txn:
                while isinstance(found := fresh.work(txn, plan, 1), Missing):
                    dying.rollback()
                    Rating(fresh.bench, NeverStopped())._provide(office.connection, found)
                txn.execute(
                    "SELECT count(*) FROM charge_reversal WHERE at = transaction_timestamp()"
                )
                assert txn.fetchone() != (0,)
                # Gone without a commit, as by kill -9.
            assert before == live(office)
            assert run(office.connection, fresh.work, plan, 1) == 1
        self.finish(office, asking, plan_id)

        assert holds(office)
        assert office.all("SELECT max(version) FROM charge") == [(2,)]

    def test_usage_that_comes_meanwhile_is_rated_beside_it(
        self, office: Office, asking: Asking
    ) -> None:
        """Two workers: one rates again, one rates new files of the same accounts; every bucket stays whole."""
        office.hand_in("a.csv", MIXED[:20])
        office.as_owner(priced(30) + ";" + priced(12, "44"))
        plan_id = str(planned(office, asking)["plan"]["id"])
        asking.staff("rerate_run", id=plan_id, accounts_a_second="10000")
        faults: list[BaseException] = []

        def again() -> None:
            try:
                self.finish(office, asking, plan_id, own=True)
            except BaseException as error:  # noqa: BLE001 - told to the test
                faults.append(error)

        worker = threading.Thread(target=again)
        worker.start()
        for n, line in enumerate(MIXED[20:]):
            put(office.spool, f"b{n}.csv", [line])
            office.take_in()
            office.rate()
        worker.join()
        office.rate()

        assert faults == []
        assert office.all("SELECT DISTINCT state FROM usage_file") == [("DONE",)]
        assert holds(office)
        assert len(live(office)) == len(MIXED)

    def test_two_workers_share_a_plan(self, office: Office, asking: Asking) -> None:
        """While one is at an account, another takes the next; none is carried out twice, none is left."""
        office.hand_in("a.csv", MIXED)
        office.as_owner(priced(30) + ";" + priced(12, "44"))
        plan_id = str(planned(office, asking)["plan"]["id"])
        asking.staff("rerate_run", id=plan_id, accounts_a_second="10000")
        plan = run(office.connection, reratings.open_plan)
        assert plan is not None
        first, second = (Rerating(Bench(Spool(office.spool), office.days_back)) for _ in range(2))
        with closing(psycopg2.connect(office.connection.dsn)) as own, own.cursor() as txn:
            assert first.work(txn, plan, 1) == 1
            # Not committed yet.
            assert run(office.connection, second.work, plan, 100) == 2
            assert run(office.connection, second.work, plan, 100) == 0
            own.commit()
        self.finish(office, asking, plan_id)

        assert office.all("SELECT version, count(*) FROM charge_reversal GROUP BY 1") == [
            (1, len(MIXED))
        ]
        assert holds(office)

    def test_another_plan_waits_for_the_last_accounts_of_one_that_was_paused(
        self, office: Office, asking: Asking
    ) -> None:
        """Both rate the same accounts again: nobody's charge is taken back by both at once."""
        office.hand_in("a.csv", MIXED)
        office.as_owner(priced(30) + ";" + priced(12, "44"))
        first_id, second_id = (str(planned(office, asking)["plan"]["id"]) for _ in range(2))
        asking.staff("rerate_run", id=first_id, accounts_a_second="10000")
        plan = run(office.connection, reratings.open_plan)
        assert plan is not None
        first, second = (Rerating(Bench(Spool(office.spool), office.days_back)) for _ in range(2))
        with closing(psycopg2.connect(office.connection.dsn)) as own, own.cursor() as txn:
            assert first.work(txn, plan, 1) == 1
            assert asking.staff("rerate_pause", id=first_id).body["plan"]["state"] == "PAUSED"
            asking.staff("rerate_run", id=second_id, accounts_a_second="10000")
            other = run(office.connection, reratings.open_plan)
            assert other is not None
            assert other.id == int(second_id)
            assert run(office.connection, second.work, other, 100) == 0
            own.commit()
        self.finish(office, asking, second_id)

        assert office.all("SELECT version, count(*) FROM charge_reversal GROUP BY 1") == [
            (1, len(MIXED))
        ]
        assert holds(office)

    def test_keeps_to_its_pace_and_can_rest(self, office: Office, asking: Asking) -> None:
        """At one account a second the second one waits; paused, none is taken; run again, it goes on."""
        office.hand_in("a.csv", [call(f"1.{n}", n, AWAY) for n in range(1, 5)])
        office.as_owner(priced(30))
        plan_id = str(planned(office, asking)["plan"]["id"])
        asking.staff("rerate_run", id=plan_id, accounts_a_second="1")
        rerating = Rerating(Bench(Spool(office.spool), office.days_back))

        while isinstance(found := rerating.step(office.connection), Missing):
            Rating(rerating.bench, NeverStopped())._provide(office.connection, found)
        assert not rerating.step(office.connection)
        assert 0 < rerating.wait_seconds(30) <= 1
        assert self.worked(asking, plan_id) == 1

        assert asking.staff("rerate_pause", id=plan_id).body["plan"]["state"] == "PAUSED"
        assert not Rerating(rerating.bench).step(office.connection)
        asking.staff("rerate_run", id=plan_id, accounts_a_second="10000")
        self.finish(office, asking, plan_id)
        assert self.worked(asking, plan_id) == 4

    @staticmethod
    def worked(asking: Asking, plan_id: str) -> object:
        """Give how many accounts a plan is through with."""
        return asking.staff("rerate_show", id=plan_id).body["plan"]["worked"]

    @staticmethod
    def finish(office: Office, asking: Asking, plan_id: str, *, own: bool = False) -> None:
        """Carry a plan out to its end."""
        connection = psycopg2.connect(office.connection.dsn) if own else office.connection
        worker = Rating(Bench(Spool(office.spool), office.days_back), NeverStopped())
        while asking.staff("rerate_show", id=plan_id).body["plan"]["state"] == "RUNNING":
            worker.step(connection)
        if own:
            connection.close()


def sums(shown: dict[str, object]) -> Sequence[tuple[object, ...]]:
    """Give package, usage, recurring price and total of a simulation."""
    return [
        (one["package"], one["usage"], Decimal(one["recurring"]), Decimal(one["total"]))
        for one in shown["packages"]
    ]


class TestASimulation:
    """Past usage under other packages."""

    def test_says_which_package_would_have_been_cheapest(
        self, office: Office, asking: Asking
    ) -> None:
        """Twenty minutes at home: a package of 3.00 with everything at 12 pence beats 10.00 with ten free minutes."""
        office.as_owner(
            "INSERT INTO revision (actor, note) VALUES ('test', 'more');"
            "INSERT INTO rate_plan (code, name, currency, places, rounding_mode, rate_groups, since)"
            " VALUES ('DEAR', 'Dear', 'GBP', 4, 'HALF_UP', '{DEAR}', 2);"
            "INSERT INTO rate_group (code, name, valid, since) VALUES ('DEAR', 'Dear', '(,)', 2);"
            "INSERT INTO rate (code, rate_group, usage_class, location, rounding, kind, price_e11, per, since)"
            " VALUES ('DEAR/voice/44', 'DEAR', 'voice', '44', 'SEC', 'STANDARD', 12000000000, 60, 2);"
            "INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types, since)"
            " VALUES ('SMALL', 'Small', 300, 'GBP', 'MONTH', 'DEAR', 'VAT', '{}', 2),"
            " ('BIG', 'Big', 3000, 'GBP', 'MONTH', 'DEAR', 'VAT', '{MINUTES}', 2)"
        )
        office.hand_in("a.csv", [call("1.1", 1, HOME, 700), call("1.2", 1, HOME, 500)])
        before = live(office), office.balances()

        asked = asking.staff(
            "simulation_run",
            packages="SMALL,BIG",
            from_=FROM,
            to="2026-09-01",
            accounts="A1",
        )
        office.rate()
        shown = asking.staff("simulation_show", id=str(asked.body["simulation"]["id"])).body

        assert sums(shown) == [
            ("SMALL", "2.4", Decimal(3), Decimal("5.4")),
            ("own", "0.6", Decimal(10), Decimal("10.6")),
            ("BIG", "1.2", Decimal(30), Decimal("31.2")),
        ]
        assert {one["charged"] for one in shown["packages"]} == {"0.6"}
        assert (live(office), office.balances()) == before
        assert office.all("SELECT count(*) FROM charge") == [(2,)]
        assert asking.staff("rerate_run", id="1").code == "NOT_FOUND"

    def test_of_what_is_not_there_is_refused(self, office: Office, asking: Asking) -> None:
        """An unknown package or account, or days the wrong way round, is said at once."""
        office.hand_in("a.csv", [call("1.1", 1)])

        def code(**texts: str) -> str:
            wanted = {"packages": "PACKAGE", "from_": FROM, "to": "2026-09-01"} | texts
            return asking.staff("simulation_run", **wanted).code

        assert code(packages="PACKAGE,NONE") == "NOT_FOUND"
        assert code(accounts="NOBODY") == "NOT_FOUND"
        assert code(to=FROM) == "BAD_ARGUMENT"


def test_changes_that_touch_rated_usage_are_due(office: Office, asking: Asking) -> None:
    """What was rated before a service ended or a number was given up is listed, and nothing is where nothing was rated."""
    asking.staff("service_end", account="A2", service="2", to="2026-08-02")
    assert asking.staff("rerate_due").body["due"] == []
    office.hand_in("a.csv", [call("1.1", 1, AWAY, 60)])

    asking.staff("service_end", account="A1", service="1", to="2026-08-02")

    [due] = asking.staff("rerate_due").body["due"]
    assert (due["account"], due["from"], due["cause"]) == (
        "A1",
        "2026-08-01T23:00:00Z",
        f"end phone {number_of(1)}",
    )
    assert planned(office, asking, due="yes")["plan"]["unratable"] == 1
