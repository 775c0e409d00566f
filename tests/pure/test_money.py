"""Amounts: read and written exactly, rounded in one known way, made money at the end."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Context, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.money import (
    ONE_E11,
    SCALE,
    Rounding,
    decimal_text,
    divide,
    exponent,
    money_text,
    parse_e11,
    round_e11,
    to_minor,
)

amounts = st.integers(-(10**30), 10**30)
WIDE = Context(prec=80)
DECIMAL_MODES = {
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.UP: ROUND_UP,
    Rounding.DOWN: ROUND_DOWN,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
}


@pytest.mark.parametrize(
    ("text", "amount_e11", "shortest"),
    [
        ("0", 0, "0"),
        ("-0.0", 0, "0"),
        ("12", 12 * ONE_E11, "12"),
        ("0.0125", 1_250_000_000, "0.0125"),
        ("-3.50", -350_000_000_000, "-3.5"),
        ("0.00000000001", 1, "0.00000000001"),
        ("007.10", 710_000_000_000, "7.1"),
    ],
)
def test_a_price_is_read_to_the_last_digit(text: str, amount_e11: int, shortest: str) -> None:
    """The clerk's price is the price: nothing is lost in reading it, nor in showing it."""
    assert parse_e11(text) == amount_e11
    assert decimal_text(amount_e11) == shortest


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1e3", "+1", "1.", ".5", "1,000", "\u0661", "0x1", "NaN", "--1", "1.2.3", "1\n",
     "0.000000000001", "1" * 31],
)  # fmt: skip
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    """A slip of the pen in a price is refused, not guessed at; so is a twelfth decimal place."""
    with pytest.raises(ValueError, match="decimal"):
        parse_e11(text)


@given(amounts)
def test_an_amount_survives_being_written(amount_e11: int) -> None:
    """What a customer reads is the amount itself, not something near it."""
    assert parse_e11(decimal_text(amount_e11)) == amount_e11


@given(
    st.one_of(amounts, st.integers(-50, 50)),
    st.one_of(st.integers(1, 10**20), st.integers(1, 8)),
    st.sampled_from(Rounding),
)
def test_a_rounded_quotient_is_what_decimal_arithmetic_gives(
    numerator: int, denominator: int, mode: Rounding
) -> None:
    """Each rounding is the one its name says, for debits and for credits alike."""
    # 80 digits can't hide a half: the quotient lies at least 10^-21 from one that it is not.
    quotient = WIDE.divide(Decimal(numerator), Decimal(denominator))
    assert divide(numerator, denominator, mode) == quotient.to_integral_value(DECIMAL_MODES[mode])
    assert divide(-numerator, denominator, mode) == -divide(numerator, denominator, mode)


@given(st.integers(-(10**25), 10**25), st.integers(0, SCALE), st.sampled_from(Rounding))
def test_rounding_to_places_is_what_decimal_quantize_gives(
    amount_e11: int, places: int, mode: Rounding
) -> None:
    """An amount of a plan with 4 places has 4 places, rounded as the plan says."""
    exact = Decimal(amount_e11).scaleb(-SCALE, WIDE)
    wanted = exact.quantize(Decimal(1).scaleb(-places), DECIMAL_MODES[mode], WIDE)
    assert round_e11(amount_e11, places, mode) == int(wanted.scaleb(SCALE, WIDE))


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "text"),
    [
        ("12.345", "GBP", 1235, "12.35"),
        ("-12.345", "GBP", -1235, "-12.35"),
        ("0.004", "GBP", 0, "0.00"),
        ("0.05", "EUR", 5, "0.05"),
        ("1234.5", "JPY", 1235, "1235"),
        ("1.2345", "KWD", 1235, "1.235"),
        ("-0.5", "USD", -50, "-0.50"),
        ("3", "CLF", 30000, "3.0000"),
    ],
)
def test_money_has_the_decimals_of_its_currency(
    amount: str, currency: str, minor: int, text: str
) -> None:
    """An invoice is in whole pence, cents, yen or fils, half a penny counting as one."""
    assert to_minor(parse_e11(amount), currency) == minor
    assert money_text(minor, currency) == text


def test_a_currency_that_does_not_exist_is_refused() -> None:
    """A catalogue in "GPB" is a slip, not a new currency."""
    for code in ("GPB", "gbp", "", "£"):
        with pytest.raises(ValueError, match="ISO 4217"):
            exponent(code)
    assert (exponent("GBP"), exponent("ISK"), exponent("TND"), exponent("UYW")) == (2, 0, 3, 4)
