"""Which tax rate holds at an instant, and what tax it makes of an amount."""

from collections.abc import Iterable
from typing import NamedTuple

from bmu.rating.offers import (
    TaxRow,
)
from bmu.rating.span import day_span

PPM = 1_000_000


class TaxSpan(NamedTuple):
    """One tax rate over [from_us, to_us)."""

    from_us: int
    to_us: int
    id: int
    rate_ppm: int
    compound: bool = False


def tax_spans(rows: Iterable[TaxRow], zone: str) -> tuple[TaxSpan, ...]:
    """Place the days of tax rates in a zone; where they lie for an account there."""
    return tuple(
        TaxSpan(*day_span(row.valid_from, row.valid_to, zone), row.id, row.rate_ppm, row.compound)
        for row in rows
    )


def tax_at(spans: Iterable[TaxSpan], us: int) -> TaxSpan | None:
    """Find the tax rate that holds at *us*."""
    return next((span for span in spans if span.from_us <= us < span.to_us), None)


def tax_of(amount_e11: int, rate_ppm: int) -> int:
    """Compute the tax on an amount, 0 or more, rounded half up at 11 places."""
    return (amount_e11 * rate_ppm + PPM // 2) // PPM
