"""Bill runs on a real database: what was used and subscribed is billed once, adds up, and is posted."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest
from books import NOW, PENCE_E11, Books
from conftest import Database

from bmuid import billrun
from bmuid.billrun.run import next_account
from bmuid.store import transaction


@pytest.fixture
def books(database: Database) -> Iterator[Books]:
    """Give a company that sells "home" for 12.50 a month plus 20 % tax."""
    with closing(database.connect("bmuid")) as connection:
        made = Books(database, connection)
        made.open()
        yield made


class TestABillRun:
    """What one run does."""

    def test_bills_usage_and_price_once_and_posts_it(self, books: Books) -> None:
        """The invoice has the month's price, the calls summed, tax on both, and the books agree."""
        account = books.account("A1")
        books.charge(account, "2026-08-03 10:00+01", 12_345_678_901, seconds=61)
        books.charge(account, "2026-08-31 23:59:59+01", 5 * PENCE_E11, seconds=7)
        books.charge(account, "2026-09-01 00:00+01", 7 * PENCE_E11)

        books.run("2026-09-01")

        assert books.ask(
            "SELECT kind, description, events, quantity, amount_e11::bigint, amount_minor"
            " FROM invoice_line ORDER BY line_no"
        ) == [
            ("RECURRING", "Home", None, None, 1250 * PENCE_E11, 1250),
            ("USAGE", "Calls, UK mobile", 2, 68, 17_345_678_901, 17),
            ("TAX", "VAT 20 %", None, None, 25_340_000_000 * 10, 253),
        ]
        assert books.ask("SELECT number, net_minor, tax_minor, total_minor FROM invoice") == [
            ("2026-000001", 1267, 253, 1520)
        ]
        assert books.ask(
            "SELECT l.kind, p.amount_minor::bigint FROM posting p JOIN ledger_account l"
            " ON l.id = p.ledger_account_id ORDER BY 2"
        ) == [
            ("REVENUE_RECURRING", -1250),
            ("TAX", -253),
            ("REVENUE_USAGE", -17),
            ("RECEIVABLE", 1520),
        ]
        assert books.ask("SELECT count(*) FROM invoice_charge") == [(2,)]

    def test_a_second_run_of_the_day_or_an_earlier_one_changes_nothing(self, books: Books) -> None:
        """Nobody is billed twice for a period, whatever runs are ordered."""
        account = books.account("A1")
        books.charge(account, "2026-08-03 10:00+01", 5 * PENCE_E11)
        books.run("2026-09-01")
        before = books.ask("SELECT * FROM invoice_line ORDER BY invoice_id, line_no")

        books.run("2026-09-02")
        books.run("2026-08-31")

        assert books.ask("SELECT * FROM invoice_line ORDER BY invoice_id, line_no") == before
        assert books.ask("SELECT count(*) FROM bill_run WHERE state = 'DONE'") == [(3,)]

    def test_a_late_call_is_on_the_next_invoice_with_a_line_of_its_own(self, books: Books) -> None:
        """A call of August that arrives in September is billed with September, and says so."""
        account = books.account("A1")
        books.run("2026-09-01")
        books.charge(account, "2026-08-03 10:00+01", 5 * PENCE_E11)
        books.charge(account, "2026-09-03 10:00+01", 9 * PENCE_E11)
        books.file_worked("2026-08-03")

        books.run("2026-10-01")

        assert books.ask(
            "SELECT l.description, l.amount_minor FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id"
            " WHERE i.number = '2026-000002' AND l.kind = 'USAGE' ORDER BY l.line_no"
        ) == [("Calls, UK mobile, used before this period", 5), ("Calls, UK mobile", 9)]

    def test_a_reversed_charge_is_not_billed(self, books: Books) -> None:
        """What was taken back before the invoice is not on it."""
        account = books.account("A1")
        books.charge(account, "2026-08-03 10:00+01", 5 * PENCE_E11)
        books.do(
            "INSERT INTO charge_reversal (account_id, started_at, udr_id, version, reason)"
            " SELECT account_id, started_at, udr_id, version, 'mistake' FROM charge"
        )

        books.run("2026-09-01")

        assert books.ask("SELECT count(*) FROM invoice_line WHERE kind = 'USAGE'") == [(0,)]

    def test_a_run_that_was_cut_off_goes_on_where_it_stopped(self, books: Books) -> None:
        """After a crash between two customers each has one invoice and no number is missing."""
        for number in range(1, 6):
            books.charge(books.account(f"A{number}"), "2026-08-03 10:00+01", 5 * PENCE_E11)
        books.do("INSERT INTO bill_run (as_of, actor) VALUES ('2026-09-01', 'test')")
        for _ in range(2):
            assert transaction.run(books.connection, next_account, NOW)
        with books.connection.cursor() as txn:
            assert next_account(txn, NOW)
            books.connection.rollback()

        while billrun.step(books.connection, NOW):
            pass

        assert books.ask("SELECT number FROM invoice ORDER BY account_id") == [
            (f"2026-{n:06d}",) for n in range(1, 6)
        ]

    def test_two_processes_do_not_bill_at_once(self, books: Books) -> None:
        """While one process bills, another finds nothing to do."""
        books.account("A1")
        books.do("INSERT INTO bill_run (as_of, actor) VALUES ('2026-09-01', 'test')")
        with closing(books.database.connect("bmuid")) as other, other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('bmu.billrun'))")

            assert not billrun.step(books.connection, NOW)
            cursor.execute("SELECT pg_advisory_unlock(hashtext('bmu.billrun'))")

        while billrun.step(books.connection, NOW):
            pass
        assert books.ask("SELECT count(*) FROM invoice") == [(1,)]

    def test_each_account_has_its_own_days(self, books: Books) -> None:
        """One is billed from the 15th; one that joined mid-month owes its days; one is not due yet."""
        mid = books.account("A1", bill_day=15, held="[2026-08-15 00:00+01,)")
        part = books.account("A2", held="[2026-08-22 00:00+01,)")
        books.account("A3", held="[2026-09-10 00:00+01,)")
        for account in (mid, part):
            books.charge(account, "2026-08-25 10:00+01", 5 * PENCE_E11)

        books.run("2026-09-01")
        assert books.ask(
            "SELECT a.number, l.amount_minor FROM invoice_line l JOIN account a ON a.id = l.account_id"
            " WHERE l.kind = 'RECURRING'"
        ) == [("A2", 403)]  # 12.50 * 10 / 31 = 4.0322...

        books.run("2026-09-15")
        assert books.ask(
            "SELECT a.number, l.amount_minor FROM invoice_line l JOIN account a ON a.id = l.account_id"
            " WHERE l.kind = 'RECURRING' ORDER BY 1"
        ) == [("A1", 1250), ("A2", 403)]

    def test_the_month_in_which_clocks_change_is_one_month(self, books: Books) -> None:
        """October 2026 has an hour more in London; a call in its last local hour belongs to it."""
        account = books.account("A1", held="[2026-10-01 00:00+01,)")
        books.charge(account, "2026-10-31 23:59:59+00", 5 * PENCE_E11)
        books.charge(account, "2026-11-01 00:00:00+00", 9 * PENCE_E11)

        books.run("2026-11-01")

        assert books.ask("SELECT amount_minor FROM invoice_line WHERE kind = 'USAGE'") == [(5,)]
        [(during,)] = books.ask("SELECT during::text FROM invoice")
        assert during == '["2026-09-30 23:00:00+00","2026-11-01 00:00:00+00")'

    def test_all_books_add_up(self, books: Books) -> None:
        """Over several months every charge is on one invoice and the ledger is in balance."""
        for number in range(1, 4):
            account = books.account(f"A{number}")
            for month in (8, 9, 10):
                for day in range(1, 6):
                    amount = number * 1_234_567_891 * day
                    books.charge(account, f"2026-{month:02d}-{day:02d} 10:00+01", amount)

        for day in (date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)):
            books.run(day.isoformat())

        assert books.ask("SELECT count(*) FROM invoice") == [(9,)]
        assert books.ask(
            "SELECT count(*) FROM charge c LEFT JOIN invoice_charge i USING (account_id, started_at, udr_id, version)"
            " WHERE i.invoice_id IS NULL"
        ) == [(0,)]
        assert books.ask(
            "SELECT sum(amount_e11) FROM invoice_line WHERE kind = 'USAGE'"
        ) == books.ask("SELECT sum(amount_e11) FROM charge")
        assert books.ask("SELECT sum(amount_minor) FROM posting") == [(0,)]

    def test_a_price_is_that_of_the_end_of_the_period(self, books: Books) -> None:
        """A price raised on 5 September is not asked for August, though the run comes later."""
        books.account("A1")
        books.do(
            """
            INSERT INTO revision (at, actor, note) VALUES ('2026-09-05', 'test', 'dearer');
            UPDATE package SET until = 2;
            INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types, since)
                VALUES ('home', 'Home', 9900, 'GBP', 'MONTH', 'p', 'VAT', '{}', 2)
            """
        )

        books.run("2026-10-01")

        assert books.ask(
            "SELECT amount_minor FROM invoice_line WHERE kind = 'RECURRING' ORDER BY invoice_id"
        ) == [(1250,), (9900,)]

    def test_a_package_that_is_sold_no_more_is_still_billed(self, books: Books) -> None:
        """Whoever had it owes it, though the catalogue has dropped it."""
        books.account("A1", held="[2026-08-01 00:00+01,2026-08-21 00:00+01)")
        books.do(
            "INSERT INTO revision (at, actor, note) VALUES ('2026-08-25', 'test', 'gone');"
            "UPDATE package SET until = 2"
        )

        books.run("2026-09-01")

        assert books.ask("SELECT amount_minor FROM invoice_line WHERE kind = 'RECURRING'") == [
            (806,)
        ]

    def test_a_service_without_all_its_numbers_is_not_billed(self, books: Books) -> None:
        """A package of two numbers: who has one at the period's end is left for a later run, once the other is given."""
        short, whole = (books.account(number, package="two") for number in ("A1", "A2"))
        ended = books.account(
            "A3", held="[2026-08-01 00:00+01,2026-08-21 00:00+01)", package="two"
        )
        books.do(
            "INSERT INTO package (code, name, price_minor, currency, frequency, rate_plan, tax, bucket_types, uids, since)"
            " VALUES ('two', 'Two', 1250, 'GBP', 'MONTH', 'p', 'VAT', '{}', 2, 1)"
        )
        give = (
            "INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)"
            " SELECT 'phone', %s, s.account_id, s.id, s.during * %s, 1 FROM account_service AS s WHERE s.account_id = %s"
        )
        for n, account in enumerate((short, whole, whole, ended, ended)):
            books.do(give, f"4416320000{n:02}", "(,)", account)
        # One that ended before the period did is no longer there.
        books.do(give, "441632000099", "(,2026-08-31 12:00+01)", short)

        books.run("2026-09-01")
        billed = "SELECT account_id FROM invoice ORDER BY 1"
        assert books.ask(billed) == [(whole,), (ended,)]

        books.do(give, "441632000098", "[2026-08-31 12:00+01,)", short)
        books.run("2026-09-01")
        assert books.ask(billed) == [(short,), (whole,), (ended,)]

    def test_without_a_tax_rate_nobody_is_billed_short(self, books: Books) -> None:
        """An account whose tax has a gap is left for a later run; the others are billed."""
        books.account("A1")
        books.account("A2", held="[2026-07-01 00:00+01,2026-08-01 00:00+01)")
        books.do(
            "INSERT INTO revision (at, actor, note) VALUES ('2026-07-02', 'test', 'gap');"
            "UPDATE tax SET until = 2;"
            "INSERT INTO tax (code, name, rate_ppm, valid, since)"
            " VALUES ('VAT', 'VAT', 200000, '[2011-01-04,2026-08-15)', 2)"
        )
        books.run("2026-09-01")

        assert books.ask(
            "SELECT a.number FROM invoice i JOIN account a ON a.id = i.account_id ORDER BY 1"
        ) == [("A2",)]

    def test_a_month_is_billed_when_it_is_over_where_the_customer_lives(
        self, books: Books
    ) -> None:
        """On 1 November, 09:00 UTC, October is not over in Honolulu."""
        account = books.account("A1", held="[2026-10-01 00:00-10,)")
        books.do("UPDATE account SET time_zone = 'Pacific/Honolulu' WHERE id = %s", account)

        books.run("2026-11-01")

        assert books.ask("SELECT count(*) FROM invoice") == [(0,)]

    def test_a_day_can_be_billed_again_for_what_came_since(self, books: Books) -> None:
        """An account opened after the run is billed by another run of that day; the others not twice."""
        books.account("A1")
        books.run("2026-09-01")
        books.account("A2")

        books.run("2026-09-01")

        assert books.ask(
            "SELECT a.number, count(*) FROM invoice i JOIN account a ON a.id = i.account_id GROUP BY 1 ORDER BY 1"
        ) == [("A1", 1), ("A2", 1)]

    def test_an_invoice_is_due_two_weeks_after_it_was_made(self, books: Books) -> None:
        """A run that comes late dates its invoices as ordered, but leaves the customers their two weeks."""
        books.account("A1")
        books.run("2026-09-01")

        assert books.ask("SELECT issued_on::text, due_on::text FROM invoice") == [
            ("2026-09-01", "2026-11-15")
        ]
