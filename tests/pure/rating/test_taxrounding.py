"""Taxes of a document become money at one place; which, the company says."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.money import parse_e11
from bmu.rating import LineTax, TaxRounding, document_taxes

LINES = st.lists(
    st.builds(LineTax, st.integers(1, 4), st.integers(-(10**12), 10**12)), max_size=12
)


@pytest.mark.parametrize(
    ("rounding", "wanted"),
    [
        (TaxRounding.LINE, {1: 0, 2: 2}),
        (TaxRounding.TAX, {1: 1, 2: 1}),
        (TaxRounding.DOCUMENT, {1: 1, 2: 2}),
    ],
)
def test_three_small_lines_are_rounded_where_the_company_says(
    rounding: TaxRounding, wanted: dict[int, int]
) -> None:
    """Of tax 1 three lines of 0.004, of tax 2 two of 0.007: each line, each tax or the document to whole cents."""
    lines = [LineTax(1, parse_e11("0.004"))] * 3 + [LineTax(2, parse_e11("0.007"))] * 2
    assert document_taxes(lines, "EUR", rounding) == wanted


@given(LINES, st.sampled_from(TaxRounding), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_rounding_strays_no_further_than_it_must(
    lines: list[LineTax], rounding: TaxRounding, currency: str
) -> None:
    """Half a cent for each place where it is rounded, and no more; the order of the lines changes nothing."""
    found = document_taxes(lines, currency, rounding)
    assert found == document_taxes(lines[::-1], currency, rounding)
    assert set(found) == {line.tax_id for line in lines}
    minor = 10 ** {"EUR": 9, "JPY": 11, "KWD": 8}[currency]
    total = Fraction(sum(line.tax_e11 for line in lines), minor)
    places = {TaxRounding.LINE: len(lines), TaxRounding.TAX: len(found), TaxRounding.DOCUMENT: 1}
    assert abs(sum(found.values()) - total) <= Fraction(places[rounding], 2)


@given(LINES)
def test_a_credit_mirrors_its_document(lines: list[LineTax]) -> None:
    """What is taken back comes to what was charged, at each place of rounding."""
    back = [LineTax(line.tax_id, -line.tax_e11) for line in lines]
    for rounding in TaxRounding:
        taxes = document_taxes(lines, "GBP", rounding)
        mirrored = document_taxes(back, "GBP", rounding)
        assert mirrored == {tax_id: -tax for tax_id, tax in taxes.items()}
