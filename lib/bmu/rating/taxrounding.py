"""From exact taxes of many lines to money: rounded line by line, tax by tax, or once for the whole document."""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from bmu.money import to_minor


class TaxRounding(Enum):
    """Where the taxes of a document become minor units: the one place where they are rounded."""

    LINE = "LINE"
    TAX = "TAX"
    DOCUMENT = "DOCUMENT"


class LineTax(NamedTuple):
    """One tax of one line, exact."""

    tax_id: int
    tax_e11: int


def document_taxes(
    lines: Iterable[LineTax], currency: str, rounding: TaxRounding
) -> dict[int, int]:
    """
    Give each tax of a document in minor units, rounded half up.

    LINE: each line's tax is rounded, and the rounded are added. TAX: a tax's lines are added, and the sum is
    rounded. DOCUMENT: all taxes are added and the sum is rounded; each tax is the step from one rounded running
    total to the next, in the order of their ids, so that they come to the sum.

    Shapes:
        Result: by the tax's id.
    """
    ordered = sorted(lines)
    match rounding:
        case TaxRounding.LINE:
            return _added((tax_id, to_minor(tax, currency)) for tax_id, tax in ordered)
        case TaxRounding.TAX:
            exact = _added(ordered)
            return {tax_id: to_minor(tax, currency) for tax_id, tax in exact.items()}
        case TaxRounding.DOCUMENT:
            return _steps(_added(ordered), currency)


def _added(taxes: Iterable[tuple[int, int]]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for tax_id, tax in taxes:
        sums[tax_id] = sums.get(tax_id, 0) + tax
    return sums


def _steps(exact: dict[int, int], currency: str) -> dict[int, int]:
    steps, total_e11, total = {}, 0, 0
    for tax_id, tax in exact.items():
        total_e11 += tax
        rounded = to_minor(total_e11, currency)
        steps[tax_id] = rounded - total
        total = rounded
    return steps
