"""Usage priced by the period, on invoices: to the last unit, once, and by the difference when usage comes late or goes."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from asking import Asking
from books import PENCE_E11, Books
from conftest import Database

from bmu.money import ONE_E11, Rounding
from bmu.rating import PeriodUsage, RateRow, aggregate_of, aggregate_price
from bmuid.store import tables

GRADUATED, COUNTED, PART, PAYER, PEAK = range(1, 6)


@pytest.fixture
def books(database: Database) -> Iterator[Books]:
    """Give a company that prices requests by tiers of the month, and data by the number of services."""
    with closing(database.connect("bmuid")) as connection:
        made = Books(database, connection)
        made.open()
        made.do(
            """
            INSERT INTO company (name, currency, time_zone, country) VALUES ('C', 'GBP', 'Europe/London', 'GB');
            INSERT INTO company_terms (since) VALUES (1);
            INSERT INTO usage_class (code, name, unit, rater, since) VALUES ('api', 'Requests', 'COUNT', 'CLASS', 1);
            INSERT INTO tax (code, name, rate_ppm, valid, since) VALUES ('CITY', 'City', 50000, '(,)', 1);
            INSERT INTO rate_plan (code, name, currency, places, rounding_mode, rate_groups, since)
                VALUES ('p', 'Plan', 'GBP', 4, 'HALF_UP', '{w}', 1);
            INSERT INTO rate_group (code, name, valid, aggregate, since) VALUES ('w', 'Whole', '(,)', true, 1);
            INSERT INTO rate (code, rate_group, usage_class, kind, price_e11, per, aggregation, tiers,
                aggregate_scope, since) VALUES
                ('w/api', 'w', 'api', 'STANDARD', 0, 1, 'GRADUATED', '[{"from": 0, "price_e11": 200000000000},
                    {"from": 100, "price_e11": 150000000000}, {"from": 200, "price_e11": 100000000000}]', 'SERVICE', 1),
                ('w/n', 'w', 'api', 'STANDARD', 0, 1, 'COUNTED', '[{"from": 0, "price_e11": 2000000000},
                    {"from": 2, "price_e11": 1000000000}]', 'ACCOUNT', 1),
                ('w/fee', 'w', 'api', 'STANDARD', 0, 1, 'PERCENTAGE', '[{"from": 0, "price_e11": 5000000000}]',
                    'ACCOUNT', 1),
                ('w/all', 'w', 'api', 'STANDARD', 0, 1, 'VOLUME', '[{"from": 0, "price_e11": 200000000000},
                    {"from": 100, "price_e11": 100000000000}]', 'INVOICER', 1),
                ('w/p95', 'w', 'api', 'STANDARD', 0, 1, 'PERCENTILE_95', '[{"from": 0, "price_e11": 100000000000}]',
                    'SERVICE', 1);
            INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, bucket_types, since)
                VALUES ('free', 'Free', 0, 'GBP', 'MONTH', 'p', '{}', 1)
            """
        )
        yield made


def use(books: Books, account: int, started: str, quantity: int, rate: int = GRADUATED) -> None:
    """Put a charge that costs nothing itself."""
    books.charge(
        account, started, 0, seconds=quantity, rate_id=rate, usage_class_id=2, detail={"aggregate": "w"}
    )  # fmt: skip


def lines(books: Books, invoice: int = 1) -> list[tuple[object, ...]]:
    """Give kind, words, quantity and amount of an invoice's lines, but those of 0."""
    return books.ask(
        "SELECT l.kind, description, quantity, amount_minor FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id"
        " WHERE i.number = %s AND amount_minor <> 0 ORDER BY line_no",
        f"2026-{invoice:06d}",
    )


def test_a_month_is_priced_at_its_tiers_with_tax(books: Books) -> None:
    """250 requests of two days are 400.00, and 80.00 tax; each charge is on the invoice, at nothing."""
    account = books.account("A1", package="free")
    use(books, account, "2026-08-03 10:00+01", 100)
    use(books, account, "2026-08-04 10:00+01", 150)
    use(books, account, "2026-09-01 00:00+01", 1000)

    books.run("2026-09-01")

    assert books.ask(
        "SELECT kind, description, events, quantity, amount_minor FROM invoice_line ORDER BY line_no"
    ) == [
        ("RECURRING", "Free", None, None, 0),
        ("USAGE", "Requests, priced by the period", 2, 250, 0),
        ("USAGE", "Requests, price of the period", 2, 250, 40_000),
        ("TAX", "VAT 20 %", None, None, 8_000),
    ]
    assert books.ask("SELECT count(*) FROM invoice_charge") == [(2,)]
    assert books.ask("SELECT sum(amount_minor) FROM posting") == [(0,)]


def test_the_price_can_be_computed_again_from_what_is_kept(books: Books) -> None:
    """Measured usage and the rate's version give the same price, part by part."""
    account = books.account("A1", package="free")
    use(books, account, "2026-08-03 10:00+01", 201)

    books.run("2026-09-01")

    [(usage, price, net)] = books.ask("SELECT usage, price, net_e11 FROM invoice_period")
    assert isinstance(usage, dict)
    with books.connection.cursor() as txn:
        rate = tables.by_id(txn, RateRow, GRADUATED)
    again = aggregate_price(rate, PeriodUsage(usage["quantity"]), 4, Rounding.HALF_UP)
    assert aggregate_of(price) == again
    assert again.amount_e11 == net == 351 * ONE_E11


def test_late_usage_is_billed_by_the_difference(books: Books) -> None:
    """Another 50 in the second tier cost what they add to August, on September's bill; then nothing more."""
    account = books.account("A1", package="free")
    use(books, account, "2026-08-03 10:00+01", 120)
    books.run("2026-09-01")
    use(books, account, "2026-08-20 10:00+01", 50)
    use(books, account, "2026-09-02 10:00+01", 10)
    books.file_worked("2026-08-20")

    books.run("2026-10-01")
    books.run("2026-11-01")

    assert lines(books, 1)[0] == ("USAGE", "Requests, price of the period", 120, 23_000)
    assert lines(books, 2) == [
        ("USAGE", "Requests, price of the period from 2026-08-01, by what has changed since it was billed", 50, 7_500),
        ("USAGE", "Requests, price of the period", 10, 2_000),
        ("TAX", "VAT 20 %", None, 1_900),
    ]  # fmt: skip
    assert lines(books, 3) == []


def test_usage_that_is_taken_back_is_paid_back(books: Books) -> None:
    """Where a charge was reversed after the bill, the next one gives back what it had added; the books agree."""
    account = books.account("A1", package="free")
    use(books, account, "2026-08-03 10:00+01", 100)
    use(books, account, "2026-08-04 10:00+01", 50)
    books.run("2026-09-01")
    books.do(
        "INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason)"
        " SELECT account_id, started_at, udr_id, version, 'mistake' FROM charge WHERE quantity = 50;"
        "INSERT INTO rework (account_id, oldest) VALUES (%s, '2026-08-04')", account,
    )  # fmt: skip

    books.run("2026-10-01")

    assert lines(books, 2) == [
        ("USAGE", "Requests, price of the period from 2026-08-01, by what has changed since it was billed", None, -7_500),
        ("TAX", "VAT 20 %", None, -1_500),
    ]  # fmt: skip
    assert books.ask("SELECT sum(amount_minor) FROM posting") == [(0,)]


def test_all_usage_taken_back_is_paid_back_whole(books: Books) -> None:
    """A month whose usage at a rate is gone costs nothing."""
    account = books.account("A1", package="free")
    use(books, account, "2026-08-03 10:00+01", 100)
    books.run("2026-09-01")
    books.do(
        "INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason)"
        " SELECT account_id, started_at, udr_id, version, 'mistake' FROM charge;"
        "INSERT INTO rework (account_id, oldest) VALUES (%s, '2026-08-04')", account,
    )  # fmt: skip

    books.run("2026-10-01")
    books.run("2026-11-01")

    assert [line[3] for line in lines(books, 2)] == [-20_000, -4_000]
    assert lines(books, 3) == []


def test_services_choose_the_tier_and_a_percentage_is_of_the_rest(books: Books) -> None:
    """With two services a request is 0.01, with one 0.02; the fee is 5 % of all other charges of the account."""
    account = books.account("A1", package="free")
    books.do(
        "INSERT INTO account_service (account_id, package, during) VALUES (%s, 'free', '[2026-08-31 00:00+01,)')",
        account,
    )  # fmt: skip
    alone = books.account("A2", package="free")
    for each in (account, alone):
        use(books, each, "2026-08-03 10:00+01", 1000, COUNTED)
        use(books, each, "2026-08-03 10:00+01", 1, PART)
        books.charge(each, "2026-08-05 10:00+01", 4000 * PENCE_E11)

    books.run("2026-09-01")

    assert [line[3] for line in lines(books, 1) if line[0] == "USAGE"] == [4000, 1000, 250]
    assert [line[3] for line in lines(books, 2) if line[0] == "USAGE"] == [4000, 2000, 300]


def test_a_payer_is_billed_for_all_it_pays_for_together(books: Books) -> None:
    """60 of its own and 60 of a branch reach the tier of 100: 120.00, on the payer's bill alone."""
    payer, branch = books.account("A1", package="free"), books.account("A2", package="free")
    books.do(
        "INSERT INTO account_terms (account_id, usage_invoicer_id, since) VALUES (%s, %s, 1)",
        branch,
        payer,
    )
    for each in (payer, branch):
        use(books, each, "2026-08-03 10:00+01", 60, PAYER)

    books.run("2026-09-01")

    assert [line[2:] for line in lines(books, 1)] == [(120, 12_000), (None, 2_400)]
    assert lines(books, 2) == []


def test_who_only_pays_is_billed_too(books: Books) -> None:
    """A holding without a service of its own pays for its branch's 60 requests: 120.00."""
    branch = books.account("A1", package="free")
    books.do(
        "INSERT INTO account (number, name, currency, country, time_zone) VALUES ('TOP', 'Top', 'GBP', 'GB', 'UTC');"
        "INSERT INTO account_terms (account_id, usage_invoicer_id, since)"
        " SELECT %s, id, 1 FROM account WHERE number = 'TOP'", branch,
    )  # fmt: skip
    use(books, branch, "2026-08-03 10:00+01", 60, PAYER)

    books.run("2026-09-01")

    assert books.ask(
        "SELECT a.number, net_minor FROM invoice JOIN account AS a ON a.id = account_id ORDER BY 1"
    ) == [("A1", 0), ("TOP", 12_000)]


def test_the_top_twentieth_of_samples_is_left_out(books: Books) -> None:
    """Of 20 samples from 1 to 20 the largest is not paid for."""
    account = books.account("A1", package="free")
    for sample in range(1, 21):
        use(books, account, f"2026-08-03 10:{sample:02d}+01", sample, PEAK)

    books.run("2026-09-01")

    assert lines(books)[0][3] == 1_900


def test_what_a_month_comes_to_so_far_is_told_at_any_time(books: Books) -> None:
    """After 100 requests it is 200.00, after 150 it is 275.00, estimated until the month is over; as the bill has it."""
    account = books.account("A1", package="free")
    asking = Asking(books.database)
    found = []
    for started, quantity in (("2026-08-03 10:00+01", 100), ("2026-08-04 10:00+01", 50)):
        use(books, account, started, quantity)
        asked = asking.staff("usage_interim", account="A1", day="2026-08-10")
        assert asked.done, asked.body
        [price] = asked.body["prices"]
        found.append((price["name"], price["quantity"], price["amount"], price["total"]))

    assert found == [("Requests", 100, "200", "240"), ("Requests", 150, "275", "330")]
    assert price["reasons"][0]["text"] == "All of the period: 150."
    assert not asked.body["estimated"]
    assert asking.staff("usage_interim", account="A1").body["estimated"]
    books.run("2026-09-01")
    assert lines(books)[0][3] == 27_500


def test_a_customer_sees_what_the_own_usage_comes_to_and_nobody_elses(books: Books) -> None:
    """The overview of a month tells it, with the reasons; another customer's usage is not in it."""
    account, other = books.account("A1", package="free"), books.account("A2", package="free")
    use(books, account, "2026-08-03 10:00+01", 100)
    use(books, other, "2026-08-03 10:00+01", 7)
    use(books, other, "2026-08-03 10:00+01", 7, PAYER)
    token = "t" * 43
    books.do(
        "INSERT INTO login (account_id, name, password) VALUES (%s, 'a-b', '$argon2id$'); INSERT INTO session"
        " (token_hash, login_id, account_id, created_at, seen_at, ends_at) SELECT sha256(convert_to(%s, 'UTF8')), id,"
        " account_id, clock_timestamp(), clock_timestamp(), clock_timestamp() + interval '1 hour' FROM login",
        account, token,
    )  # fmt: skip
    shown = Asking(books.database).customer("overview_show", token=token, day="2026-08-10")

    assert shown.done, shown.body
    assert [(one["quantity"], one["total"]) for one in shown.body["by_period"]] == [(100, "240")]


def test_the_taxes_are_those_of_the_last_event(books: Books) -> None:
    """When the taxes of a period change after it was billed, it is taken back with the old and billed with the new."""
    account = books.account("A1", package="free")
    use(books, account, "2026-08-03 10:00+01", 100)
    books.run("2026-09-01")
    books.charge(
        account, "2026-08-20 10:00+01", 0, seconds=50, usage_class_id=2, tax_id=2, detail={"aggregate": "w"}
    )  # fmt: skip
    books.file_worked("2026-08-20")

    books.run("2026-10-01")

    assert [(line[0], line[3]) for line in lines(books, 2)] == [
        ("USAGE", -20_000), ("USAGE", 27_500), ("TAX", 1_375), ("TAX", -4_000),
    ]  # fmt: skip


def test_what_is_free_with_other_taxes_is_taken_back_once(books: Books) -> None:
    """When the usage that cost is gone, and what is left is free and taxed otherwise, it is paid back one time."""
    account = books.account("A1", package="free")
    use(books, account, "2026-08-03 10:00+01", 100)
    books.run("2026-09-01")
    books.charge(
        account, "2026-08-20 10:00+01", 0, seconds=0, usage_class_id=2, tax_id=2, detail={"aggregate": "w"}
    )  # fmt: skip
    books.do(
        "INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason)"
        " SELECT account_id, started_at, udr_id, version, 'mistake' FROM charge WHERE quantity = 100;"
        "INSERT INTO rework (account_id, oldest) VALUES (%s, '2026-08-03')", account,
    )  # fmt: skip
    books.file_worked("2026-08-20")

    books.run("2026-10-01")
    books.do("INSERT INTO rework (account_id, oldest) VALUES (%s, '2026-08-20')", account)
    books.run("2026-11-01")

    assert [line[3] for line in lines(books, 2)] == [-20_000, -4_000]
    assert lines(books, 3) == []
