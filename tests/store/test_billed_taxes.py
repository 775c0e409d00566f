"""Taxes on invoices: several, on top of each other, in the price, not owed, or none; and what buckets paid, in words."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from books import PENCE_E11, Books
from conftest import Database

from bmu.rating.taxation import Taxes, TaxPart, taxes_to_json


@pytest.fixture
def books(database: Database) -> Iterator[Books]:
    """Give a company with two more taxes: 5 % for the city, and 10 % on everything before it."""
    with closing(database.connect("bmuid")) as connection:
        made = Books(database, connection)
        made.open()
        made.do(
            "INSERT INTO tax (code, name, rate_ppm, valid, compound, since) VALUES"
            " ('CITY', 'City', 50000, '(,)', false, 1), ('TOP', 'Top', 100000, '(,)', true, 1);"
            "INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, bucket_types, since)"
            " VALUES ('free', 'Free', 0, 'GBP', 'MONTH', 'p', '{}', 1)"
        )
        yield made


def taxes(*parts: tuple[int, str | None], code: int | None = None) -> dict[str, object]:
    """Give the detail of a charge that tells its taxes by id and certificate."""
    told = Taxes(
        0, tuple(TaxPart(tax_id, 0, 0, certificate) for tax_id, certificate in parts), code
    )
    return {"taxes": taxes_to_json(told)}


def lines(books: Books) -> list[tuple[object, ...]]:
    """Give what stands on the invoices."""
    return books.ask(
        "SELECT kind, description, amount_minor, tax_ppm, taxes::text FROM invoice_line ORDER BY invoice_id, line_no"
    )


def test_each_tax_is_summed_over_all_that_have_it_and_rounded_once(books: Books) -> None:
    """0.13 with VAT and city and 0.12 with VAT: 20 % of 0.25 are 0.05, 5 % of 0.13 are 0.0065, so 0.01."""
    account = books.account("A1", package="free")
    books.charge(
        account, "2026-08-03 10:00+01", 13 * PENCE_E11, detail=taxes((1, None), (2, None))
    )
    books.charge(account, "2026-08-04 10:00+01", 12 * PENCE_E11)

    books.run("2026-09-01")

    both = '[["VAT", "VAT 20 %", 200000, false, null], ["CITY", "City", 50000, false, null]]'
    assert lines(books) == [
        ("RECURRING", "Free", 0, None, None),
        ("USAGE", "Calls, UK mobile", 13, None, both),
        ("USAGE", "Calls, UK mobile", 12, 200000, None),
        ("TAX", "VAT 20 %", 5, 200000, None),
        ("TAX", "City", 1, 50000, None),
    ]
    assert books.ask("SELECT sum(amount_minor) FROM posting") == [(0,)]
    assert books.ask("SELECT total_minor FROM invoice") == [(31,)]


def test_a_compound_tax_is_on_those_before_it(books: Books) -> None:
    """On 10.00: 2.00, 0.50, and 10 % of 12.50."""
    account = books.account("A1", package="free")
    detail = taxes((1, None), (2, None), (3, None))
    books.charge(account, "2026-08-03 10:00+01", 1000 * PENCE_E11, detail=detail)

    books.run("2026-09-01")

    assert [line[1:3] for line in lines(books)[2:]] == [
        ("VAT 20 %", 200),
        ("City", 50),
        ("Top", 125),
    ]


def test_a_tax_that_is_not_owed_is_told_with_its_certificate(books: Books) -> None:
    """The invoice says why there is no VAT; the other tax is asked."""
    account = books.account("A1", package="free")
    books.charge(
        account, "2026-08-03 10:00+01", 1000 * PENCE_E11, detail=taxes((1, "C-77"), (2, None))
    )

    books.run("2026-09-01")

    assert [line[1:3] for line in lines(books)[2:]] == [
        ("VAT 20 %: not owed, certificate C-77", 0),
        ("City", 50),
    ]
    assert books.ask("SELECT net_minor, tax_minor FROM invoice") == [(1000, 50)]


def test_a_charge_without_tax_is_billed(books: Books) -> None:
    """No tax is no reason to leave a call out."""
    account = books.account("A1", package="free")
    books.charge(account, "2026-08-03 10:00+01", 5 * PENCE_E11, tax_id=None)
    books.charge(account, "2026-08-03 11:00+01", 6 * PENCE_E11, tax_id=None, detail=taxes())

    books.run("2026-09-01")

    assert [line[:3] for line in lines(books)[1:]] == [("USAGE", "Calls, UK mobile", 11)]
    assert books.ask("SELECT count(*) FROM invoice_charge") == [(2,)]


def test_two_versions_of_a_tax_are_one_line(books: Books) -> None:
    """Where the catalogue was written anew, and the tax is the same, so is the line."""
    account = books.account("A1", package="free")
    books.do(
        "INSERT INTO revision (actor, note) VALUES ('t', 'n'); UPDATE tax SET until = 2 WHERE id = 1;"
        "INSERT INTO tax (code, name, rate_ppm, valid, since)"
        " VALUES ('VAT', 'VAT 20 %%', 200000, '[2011-01-04,)', 2)"
    )
    books.charge(account, "2026-08-03 10:00+01", 5 * PENCE_E11)
    books.charge(account, "2026-08-03 11:00+01", 6 * PENCE_E11, tax_id=4)

    books.run("2026-09-01")

    assert [line[:3] for line in lines(books)[1:]] == [
        ("USAGE", "Calls, UK mobile", 11),
        ("TAX", "VAT 20 %", 2),
    ]


def test_a_package_without_a_tax_has_those_of_the_code_that_fits(books: Books) -> None:
    """A shop pays both taxes on what its package costs; a price that holds them is billed before tax."""
    books.do(
        """
        INSERT INTO tax_code (code, name, taxes, account_category, since)
            VALUES ('SHOP', 'Shops', '{VAT,CITY}', 'shop', 1);
        INSERT INTO tax_code (code, name, taxes, "default", inclusive, since)
            VALUES ('ALL', 'All', '{VAT}', true, true, 1);
        INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, bucket_types, since)
            VALUES ('plus', 'Plus', 1200, 'GBP', 'MONTH', 'p', '{}', 1)
        """
    )
    shop = books.account("A1", package="plus")
    books.account("A2", package="plus")
    books.do(
        "INSERT INTO account_terms (account_id, category, since) VALUES (%s, 'shop', 1)", shop
    )

    books.run("2026-09-01")

    assert [line[:3] for line in lines(books)] == [
        ("RECURRING", "Plus", 1200),
        ("TAX", "VAT 20 %", 240),
        ("TAX", "City", 60),
        ("RECURRING", "Plus", 1000),
        ("TAX", "VAT 20 %", 200),
    ]


def test_an_exempt_account_owes_no_tax_on_its_package(books: Books) -> None:
    """A certificate that came in after the month counts for the days it names."""
    account = books.account("A1")
    books.do(
        "INSERT INTO account_terms (account_id, exemptions, since) VALUES (%s, %s, 1)",
        account, '[{"certificate": "C-9", "valid_from": "2026-08-31"}]',
    )  # fmt: skip

    books.run("2026-10-01")

    assert [line[1:3] for line in lines(books)] == [
        ("Home", 1250),
        ("VAT 20 %: not owed, certificate C-9", 0),
    ] * 2


def test_tiers_and_money_from_buckets_are_told(books: Books) -> None:
    """A line that holds flat charges says so, and a line that money paid of says how much."""
    account = books.account("A1", package="free")
    books.do(
        """
        SELECT ensure_day('2026-07-31');
        INSERT INTO bucket_type (code, name, unit, quantity, recurrence, usage_classes, since)
            VALUES ('B', 'Big pack', 'DATA', 10, 'MONTH', '{voice}', 1);
        INSERT INTO bucket (account_id, account_service_id, code, during, unit, granted)
            SELECT account_id, id, 'B', '[2026-08-01 00:00+01,2026-09-01 00:00+01)', 'DATA', 10 FROM account_service
        """
    )
    [(bucket,)] = books.ask("SELECT id FROM bucket")
    entered = {
        "bucket": bucket,
        "quantity": 3,
        "entered": [{"tier": 2, "times": 2, "flat_e11": 5 * 10**11}],
    }
    money = {"bucket": bucket, "quantity": 25 * 10**10, "kind": "MONEY"}
    for draw in (entered, entered, money):
        detail = {"drawing": {"draws": [draw], "billable": 0}}
        books.charge(account, "2026-08-03 10:00+01", 1000 * PENCE_E11, detail=detail)

    books.run("2026-09-01")

    assert lines(books)[1][1:3] == (
        "Calls, UK mobile, with 20 GBP for tier 2 of Big pack, begun 4 times, 2.5 GBP paid by Big pack",
        3000,
    )
