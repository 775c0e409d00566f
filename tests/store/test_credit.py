"""What an account may still spend follows its usage, its bills and what is rated again, to the last unit."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from asking import Asking
from books import PENCE_E11, Books
from conftest import Database


@pytest.fixture
def books(database: Database) -> Iterator[Books]:
    """Give a company that prices calls one by one, and requests by tiers of the month."""
    with closing(database.connect("bmuid")) as connection:
        made = Books(database, connection)
        made.open()
        made.do(
            """
            INSERT INTO company (name, currency, time_zone, country) VALUES ('C', 'GBP', 'Europe/London', 'GB');
            INSERT INTO company_terms (since) VALUES (1);
            INSERT INTO usage_class (code, name, unit, rater, since) VALUES ('api', 'Requests', 'COUNT', 'CLASS', 1);
            INSERT INTO rate_plan (code, name, currency, places, rounding_mode, rate_groups, since)
                VALUES ('p', 'Plan', 'GBP', 4, 'HALF_UP', '{w}', 1);
            INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, bucket_types, since)
                VALUES ('free', 'Free', 0, 'GBP', 'MONTH', 'p', '{}', 1)
            """
        )
        yield made


@pytest.fixture
def periods(books: Books) -> None:
    """Price requests by the month: 2.00 each up to 100, then 1.50."""
    books.do(
        """
        INSERT INTO rate_group (code, name, valid, aggregate, since) VALUES ('w', 'Whole', '(,)', true, 1);
        INSERT INTO rate (code, rate_group, usage_class, kind, price_e11, per, aggregation, tiers, aggregate_scope, since)
            VALUES ('w/api', 'w', 'api', 'STANDARD', 0, 1, 'GRADUATED', '[{"from": 0, "price_e11": 200000000000},
                {"from": 100, "price_e11": 150000000000}]', 'SERVICE', 1)
        """
    )


def left(books: Books, on: str = "2026-08-31") -> str:
    """Tell what is left of the credit of A1 at noon of a day."""
    asking = Asking(books.database, datetime.fromisoformat(f"{on}T12:00").replace(tzinfo=UTC))
    shown: str = asking.staff("credit_show", account="A1").body["left"]
    return shown


def limited(books: Books) -> int:
    """Open A1, which may owe 1000.00."""
    account = books.account("A1", package="free")
    Asking(books.database).staff("credit_set", account="A1", limit="1000.00")
    return account


def again(books: Books, pence: int) -> None:
    """Reverse the one live charge, and charge it anew."""
    books.do(
        """
        WITH live AS (
            SELECT c.* FROM charge AS c WHERE NOT EXISTS (SELECT FROM charge_reversal AS r
                WHERE r.account_id = c.account_id AND r.started_at = c.started_at AND r.udr_id = c.udr_id
                AND r.version = c.version)
        ), reversed AS (
            INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason)
            SELECT account_id, started_at, udr_id, version, 'test' FROM live
        )
        SELECT FROM live
        """
    )
    books.do(
        """
        INSERT INTO charge (account_id, started_at, udr_id, version, replaces, account_service_id, rated_at, revision,
            usage_class_id, plan_level, rate_plan_id, rate_group_id, rate_id, location_pattern_id, tax_id, quantity,
            rounded, billable, rated_e11, amount_e11, tax_e11, currency)
        SELECT account_id, started_at, udr_id, version + 1, version, account_service_id, now(), revision, usage_class_id,
            plan_level, rate_plan_id, rate_group_id, rate_id, location_pattern_id, tax_id, quantity, rounded, billable,
            %(amount)s, %(amount)s, %(amount)s / 5, currency
        FROM charge ORDER BY version DESC LIMIT 1
        """,
        amount=pence * PENCE_E11,
    )
    books.do(
        "INSERT INTO rework (account_id, oldest) SELECT account_id, started_at FROM charge LIMIT 1"
    )


def test_a_charge_counts_once_before_and_after_it_is_billed(books: Books) -> None:
    """10.00 and 2.00 of tax are used, and then owed: 988.00 are left, whichever it is."""
    account = limited(books)
    books.charge(account, "2026-08-03 10:00+01", 1000 * PENCE_E11)
    assert left(books) == "988"
    books.run("2026-09-01")
    assert left(books, "2026-09-02") == "988"


def test_what_is_rated_again_counts_by_its_new_price_alone(books: Books) -> None:
    """A call of 10.00 that costs 7.00 now: 991.60 are left, before it is billed, after, and once the credit is."""
    account = limited(books)
    books.charge(account, "2026-08-03 10:00+01", 1000 * PENCE_E11)
    again(books, 900)
    assert left(books) == "989.2"
    books.run("2026-09-01")
    assert left(books, "2026-09-02") == "989.2"

    again(books, 700)
    assert left(books, "2026-09-02") == "991.6"
    again(books, 800)
    assert left(books, "2026-09-02") == "990.4"
    books.run("2026-10-01")
    assert left(books, "2026-10-02") == "990.4"


@pytest.mark.usefixtures("periods")
def test_prices_of_periods_count_as_they_come(books: Books) -> None:
    """150 requests are 275.00 so far and 55.00 tax; billed they are owed; late ones cost what they add."""
    account = limited(books)

    def use(started: str, quantity: int) -> None:
        books.charge(
            account, started, 0, seconds=quantity, usage_class_id=2, detail={"aggregate": "w"}
        )

    use("2026-08-03 10:00+01", 100)
    assert left(books) == "760"
    use("2026-08-04 10:00+01", 50)
    assert left(books) == "670"
    # A month that is over and not billed yet counts on, with the one that has begun.
    use("2026-09-01 10:00+01", 10)
    assert left(books, "2026-09-05") == "646"
    books.run("2026-09-01")
    assert left(books, "2026-09-05") == "646"
    use("2026-08-20 10:00+01", 10)
    books.file_worked("2026-08-20")
    assert left(books, "2026-09-05") == "628"
    books.run("2026-10-01")
    assert left(books, "2026-10-05") == "628"


@pytest.mark.usefixtures("periods")
def test_who_has_no_service_yet_has_all_of_the_credit(books: Books) -> None:
    """An account that was opened today may spend what it was given."""
    books.do(
        "INSERT INTO account (number, name, currency, country, time_zone, bill_day)"
        " VALUES ('A1', 'New', 'GBP', 'GB', 'Europe/London', 1)"
    )
    Asking(books.database).staff("credit_set", account="A1", limit="5.00")
    assert left(books) == "5"
