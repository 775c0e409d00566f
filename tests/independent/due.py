"""Which taxes are due on an amount, and how much each comes to."""

from fractions import Fraction
from typing import NamedTuple

from independent.book import Book, WaitsError, in_days
from independent.prices import half_up

from bmu.rating import TaxCodeRow, TaxRow, Terms

MILLION = 10**6


class Due(NamedTuple):
    """A tax that is due; its certificate where it is not owed."""

    row: TaxRow
    compound: bool
    certificate: str | None


class Bill(NamedTuple):
    """An amount before tax, and (tax id, base, tax, certificate) of each tax."""

    net: int
    taxes: tuple[tuple[int, int, int, str | None], ...]


class Collector:
    """The taxes of a catalogue."""

    def __init__(self, book: Book) -> None:
        self.book = book

    def due(
        self, us: int, terms: Terms, lineage: tuple[str, ...], category: str | None
    ) -> tuple[list[Due], bool]:
        """Give the taxes that are due, and whether prices hold them."""
        package = self.book.packages[terms.package]
        if package.tax is not None:
            return [self.dated(package.tax, us, terms)._replace(compound=False)], False
        code = self.best(terms, lineage, category or package.tax_category)
        if code is None:
            return [], False
        return [self.dated(name, us, terms) for name in code.taxes], code.inclusive

    def dated(self, code: str, us: int, terms: Terms) -> Due:
        """Give the rate of a tax on the day of the event."""
        for row in self.book.rows.taxes:
            if row.code == code and in_days(us, terms.zone, row.valid_from, row.valid_to):
                owed_not = (
                    each.certificate
                    for each in terms.exemptions
                    if each.tax in (None, code)
                    and in_days(us, terms.zone, each.valid_from, each.valid_to)
                )
                return Due(row, row.compound, next(owed_not, None))
        raise WaitsError("NO_TAX")

    def best(
        self, terms: Terms, lineage: tuple[str, ...], category: str | None
    ) -> TaxCodeRow | None:
        """Give the tax code with the most weight."""
        at = {
            kind: next((c for c in lineage if self.book.locations[c].kind == kind), None)
            for kind in ("country", "state")
        }
        best: tuple[int, int] | None = None
        found = None
        for code in self.book.rows.tax_codes:
            place = at if code.of_event else {"country": terms.country, "state": terms.state}
            asks = (
                (code.account_category, terms.category, 8),
                (code.service_category, category, 4),
                (code.state, place["state"], 2),
                (code.country, place["country"], 1),
            )
            if code.default or any(want is not None and want != is_ for want, is_, _ in asks):
                continue
            weight = sum(weighs for want, _, weighs in asks if want is not None)
            if best is None or (weight, -code.id) > best:
                best, found = (weight, -code.id), code
        if found is None:
            return next((code for code in self.book.rows.tax_codes if code.default), None)
        return found


def bill(amount: int, due: list[Due], *, inclusive: bool) -> Bill:
    """Put taxes on an amount, or take them out of it."""
    if not inclusive:
        return on_top(amount, due)
    # What a net of 1 comes to after each tax.
    totals = [Fraction(1)]
    for each in due:
        base = totals[-1] if each.compound else Fraction(1)
        totals.append(totals[-1] + base * Fraction(each.row.rate_ppm, MILLION))
    running = [half_up(Fraction(amount) * total / totals[-1]) for total in totals]
    if any(each.certificate is not None for each in due):
        return on_top(running[0], due)
    taxes = []
    for number, each in enumerate(due):
        base_e11 = running[number] if each.compound else running[0]
        taxes.append((each.row.id, base_e11, running[number + 1] - running[number], None))
    return Bill(running[0], tuple(taxes))


def on_top(net: int, due: list[Due]) -> Bill:
    """Put taxes on an amount."""
    total, taxes = net, []
    for each in due:
        base = total if each.compound else net
        tax = 0
        if each.certificate is None:
            tax = half_up(Fraction(base * each.row.rate_ppm, MILLION))
        taxes.append((each.row.id, base, tax, each.certificate))
        total += tax
    return Bill(net, tuple(taxes))
