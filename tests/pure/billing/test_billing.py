"""Bills: which periods are due, what part of a price is owed, and sums that a clerk can check by hand."""

from datetime import UTC, date, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bmu.billing.cycle import due_periods
from bmu.billing.invoice import Recurring, TaxRate, UsageSum, draft
from bmu.billing.ledger import LedgerKind, Posting, postings
from bmu.billing.proration import prorated_e11
from bmu.period import Period, month_period
from bmu.usage import Unit

LONDON = "Europe/London"
VAT = TaxRate("VAT", "VAT 20 %", 200_000)
NO_TAX = TaxRate("NONE", "No tax", 0)
AUGUST = month_period(date(2026, 8, 1), 1, LONDON)
POUND_E11 = 10**11


def at(text: str) -> datetime:
    """Read an instant of London's summer."""
    return datetime.fromisoformat(text + "+01:00")


def recurring(amount_e11: int, *taxes: TaxRate) -> Recurring:
    """A package's price."""
    return Recurring(1, "Home", AUGUST, amount_e11, taxes or (VAT,))


def usage(amount_e11: int, *taxes: TaxRate) -> UsageSum:
    """A sum of calls."""
    return UsageSum(1, "Calls", AUGUST, Unit.TIME, 3, 180, 60, amount_e11, taxes or (VAT,))


class TestDuePeriods:
    """Which periods a run bills."""

    def test_bills_whole_months_that_have_ended(self) -> None:
        """Whoever joined in August is billed August on 1 September, not a day before."""
        joined = at("2026-08-10 12:00")

        assert due_periods(joined, None, date(2026, 8, 31), 1, LONDON) == ()
        assert due_periods(joined, None, date(2026, 9, 1), 1, LONDON) == (AUGUST,)

    def test_catches_up_and_goes_on_after_the_last_invoice(self) -> None:
        """Three months without a run are three periods; what has an invoice is not due again."""
        joined = at("2026-08-10 12:00")

        due = due_periods(joined, None, date(2026, 11, 5), 1, LONDON)
        assert [p.from_.isoformat() for p in due] == [
            "2026-07-31T23:00:00+00:00",
            "2026-08-31T23:00:00+00:00",
            "2026-09-30T23:00:00+00:00",
        ]
        assert due_periods(joined, due[1].to, date(2026, 11, 5), 1, LONDON) == due[2:]

    @given(
        joined=st.dates(date(2025, 1, 1), date(2026, 6, 1)),
        as_of=st.dates(date(2026, 8, 1), date(2027, 6, 1)),
        bill_day=st.integers(1, 28),
        zone=st.sampled_from([LONDON, "Europe/Berlin", "America/Sao_Paulo", "Asia/Kathmandu"]),
    )
    def test_periods_follow_each_other_without_gap(
        self, joined: date, as_of: date, bill_day: int, zone: str
    ) -> None:
        """No instant is billed twice or left out, from the first service to the day of the run."""
        first = datetime(joined.year, joined.month, joined.day, 12, tzinfo=UTC)
        due = due_periods(first, None, as_of, bill_day, zone)

        assert first in due[0]
        for earlier, later in pairwise(due):
            assert earlier.to == later.from_


class TestProration:
    """What part of the price is owed."""

    def test_a_whole_period_costs_the_whole_price(self) -> None:
        """Nothing is lost by rounding for whoever was there all month."""
        assert prorated_e11(1250 * 10**9, AUGUST, AUGUST, LONDON) == 1250 * 10**9

    def test_days_are_counted_as_the_customer_counts_them(self) -> None:
        """From the 22nd to the end of August are ten days of thirty-one, in summer time."""
        held = Period(at("2026-08-22 00:00"), AUGUST.to)

        assert prorated_e11(31 * POUND_E11, held, AUGUST, LONDON) == 10 * POUND_E11

    def test_a_day_begun_is_a_day_held(self) -> None:
        """Who joins at noon owes that day."""
        held = Period(at("2026-08-31 12:00"), AUGUST.to)

        assert prorated_e11(31 * POUND_E11, held, AUGUST, LONDON) == POUND_E11


class TestInvoice:
    """What stands on the invoice."""

    def test_each_line_is_rounded_once_and_tax_is_on_what_is_shown(self) -> None:
        """12.50 and 0.17 (of 0.174) make 12.67; 20 % of that are 2.534, so 2.53."""
        made = draft([recurring(1250 * 10**9)], [usage(17_400_000_000)], AUGUST, "GBP")

        assert made is not None
        assert [line.amount_minor for line in made.lines] == [1250, 17, 253]
        assert (made.net_minor, made.tax_minor, made.total_minor) == (1267, 253, 1520)

    def test_a_tax_is_rounded_once_whatever_others_its_lines_have(self) -> None:
        """0.13 with VAT and city, 0.12 with VAT: 20 % of 0.25 is 0.05, not 0.03 and 0.02; 5 % of 0.13 is 0.01."""
        city = TaxRate("CITY", "City", 50_000)
        lines = [usage(13 * 10**9, VAT, city), usage(12 * 10**9)]
        made = draft([], lines, AUGUST, "GBP")

        assert made is not None
        assert [line.amount_minor for line in made.lines] == [13, 12, 5, 1]

    def test_a_compound_tax_takes_those_before_it_in(self) -> None:
        """5 % and then 9.5 % on top of both on 100.00 are 5.00 and 9.975, so 9.98; less is due, so is its tax."""
        taxes = TaxRate("A", "A", 50_000), TaxRate("B", "B", 95_000, compound=True)
        for sign in (1, -1):
            made = draft([recurring(sign * 100 * POUND_E11, *taxes)], [], AUGUST, "GBP")

            assert made is not None
            amounts = [line.amount_minor for line in made.lines]
            assert amounts == [sign * 10_000, sign * 500, sign * 998]

    def test_a_tax_of_nothing_has_no_line(self) -> None:
        """Nobody is shown a tax of 0."""
        made = draft([recurring(1250 * 10**9, NO_TAX)], [], AUGUST, "GBP")

        assert made is not None
        assert len(made.lines) == 1

    def test_nothing_to_bill_is_no_invoice(self) -> None:
        """An account without services and usage gets no empty invoice."""
        assert draft([], [], AUGUST, "GBP") is None

    def test_a_currency_without_cents_is_billed_without(self) -> None:
        """174.5 yen are 175 yen."""
        made = draft([], [usage(1745 * 10**10, NO_TAX)], AUGUST, "JPY")

        assert made is not None
        assert made.total_minor == 175


class TestPostings:
    """What an invoice does to the books."""

    @given(
        prices=st.lists(st.integers(0, 10**15), max_size=5),
        calls=st.lists(st.integers(0, 10**15), max_size=20),
    )
    def test_always_balance(self, prices: list[int], calls: list[int]) -> None:
        """Whatever is billed, debit and credit are equal, and no posting is of nothing."""
        made = draft(map(recurring, prices), list(map(usage, calls)), AUGUST, "GBP")
        if made is None:
            return
        posted = postings(made)

        assert sum(p.amount_minor for p in posted) == 0
        assert all(p.amount_minor for p in posted)
        assert (len(posted) >= 2) == (made.total_minor != 0)

    def test_customers_owe_what_was_earned_and_the_tax(self) -> None:
        """A simple invoice, posting by posting."""
        made = draft([recurring(1250 * 10**9)], [usage(17 * 10**9)], AUGUST, "GBP")

        assert made is not None
        assert postings(made) == (
            Posting(LedgerKind.RECEIVABLE, 1520),
            Posting(LedgerKind.REVENUE_RECURRING, -1250),
            Posting(LedgerKind.REVENUE_USAGE, -17),
            Posting(LedgerKind.TAX, -253),
        )
