"""An amount is rounded once, as its plan says."""

import pytest

from bmu.money import Rounding
from bmu.rating import RateKind, RateRow
from bmu.rating.precision import Precision
from bmu.rating.price import amount_of, price_of

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
