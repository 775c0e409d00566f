"""An amount is rounded once, as its plan says."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.money import Rounding
from bmu.rating import RateKind, RateRow, RateStep, RoundingRow
from bmu.rating.precision import Precision
from bmu.rating.price import (
    NOTHING,
    amount_of,
    counted,
    event_price,
    price_of,
    prices_of,
    rounded_amount,
    rounded_up,
    usage_price,
)

# 5 for 10 units of a currency without decimals: the exact price, and each rounding of it.
HALVES = """
units  exact  HALF_UP  HALF_EVEN  UP  DOWN
    1    0.5        1          0   1     0
    2    1.0        1          1   1     1
    3    1.5        2          2   2     1
    4    2.0        2          2   2     2
    5    2.5        3          2   3     2
    7    3.5        4          4   4     3
"""


@pytest.mark.parametrize("line", HALVES.strip().splitlines()[1:])
def test_a_half_goes_where_the_plan_sends_it(line: str) -> None:
    """Half a yen is a yen, none, or the even one, by the plan and by nothing else."""
    rate = RateRow(1, "r", "g", "c", None, None, RateKind.STANDARD, 5 * 10**11, 10, 0, 0)
    units, _, *wanted = line.split()
    modes = [Rounding[name] for name in HALVES.split()[2:6]]
    for mode, amount in zip(modes, wanted, strict=True):
        price = price_of(rate, None, Precision(0, mode))
        assert amount_of(price, int(units)) == int(amount) * 10**11


def test_an_odd_divisor_has_no_halves() -> None:
    """1 for 3 units at 11 places: a third is cut or lifted at its eleventh digit."""
    rate = RateRow(1, "r", "g", "c", None, None, RateKind.STANDARD, 1, 3, 0, 0)
    amounts = {
        mode: [
            amount_of(price_of(rate, None, Precision(11, mode)), units)
            for units in (1, 2, 3, 4, 5)
        ]
        for mode in Rounding
    }
    assert amounts == {
        Rounding.HALF_UP: [0, 1, 1, 1, 2],
        Rounding.HALF_EVEN: [0, 1, 1, 1, 2],
        Rounding.UP: [1, 1, 1, 2, 2],
        Rounding.DOWN: [0, 0, 1, 1, 1],
    }


@given(
    st.sampled_from([RateKind.STANDARD, RateKind.FIXED]),
    st.integers(0, 10**12),
    st.integers(1, 10**6),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    st.sampled_from([None, RoundingRow(1, "r", 60, 6), RoundingRow(1, "r", 0, 7)]),
    st.integers(0, 11),
    st.sampled_from(Rounding),
    st.integers(0, 10**9),
)
def test_the_quick_way_and_the_whole_way_agree(  # noqa: PLR0913, PLR0917 - one for each thing a rate says
    kind: RateKind,
    price_e11: int,
    per: int,
    connect: int,
    minimum: int,
    rounding: RoundingRow | None,
    places: int,
    mode: Rounding,
    quantity: int,
) -> None:
    """A plain rate costs the same, whether it is asked as one that could be of any kind or not."""
    rate = RateRow(1, "r", "g", "c", None, None, kind, price_e11, per, connect, minimum)
    precision = Precision(places, mode)
    quick, whole = price_of(rate, rounding, precision), prices_of(rate, rounding, precision)
    count = rounded_up(quick, quantity)
    assert counted(whole, quantity) == count
    if count:
        usage = usage_price(whole, 0, count, NOTHING)
        assert rounded_amount(whole, event_price(whole, usage)) == amount_of(quick, count)


@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 99), st.integers(1, 9)), max_size=4),
    st.integers(0, 60),
    st.integers(0, 120),
    st.integers(0, 120),
)
def test_a_line_with_bends_is_the_sum_of_its_units(
    raw: list[tuple[int, int, int]], free: int, first: int, more: int
) -> None:
    """Steps and free units: each unit at the price of where it lies, exactly."""
    steps, after = [], 0
    for length, price, per in raw:
        after += length
        steps.append(RateStep(after, price, per))
    rate = RateRow(
        1, "r", "g", "c", None, None, RateKind.STANDARD, 5, 3, 0, 0, free=free, steps=tuple(steps)
    )
    prices = prices_of(rate, None, Precision(11, Rounding.HALF_UP))
    wanted = Fraction(0)
    for unit in range(first, first + more):
        step = next((step for step in reversed(steps) if step.after <= unit), None)
        price, per = (step.price_e11, step.per) if step else (5, 3)
        wanted += Fraction(price, per) if unit >= free else 0
    assert Fraction(*usage_price(prices, first, first + more, NOTHING)) == wanted
