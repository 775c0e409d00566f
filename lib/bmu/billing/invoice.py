"""What stands on an invoice: lines from summed charges and recurring prices, each rounded to money once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from bmu.money import SCALE, Rounding, divide, exponent, to_minor
from bmu.period import Period
from bmu.usage import Unit

PPM = 1_000_000


class LineKind(Enum):
    """What a line is for."""

    RECURRING = "RECURRING"
    USAGE = "USAGE"
    TAX = "TAX"


@dataclass(frozen=True, slots=True)
class TaxRate:
    """
    A tax as it stood for what is billed.

    Shapes:
        compound: on the amount with the taxes before it.
        certificate: why it is not owed, where that is so.
    """

    code: str
    name: str
    rate_ppm: int
    compound: bool = False
    certificate: str | None = None


# In the order in which they are computed; none: no tax at all.
TaxRates = tuple[TaxRate, ...]


@dataclass(frozen=True, slots=True)
class Recurring:
    """
    A service's price for a period.

    Units:
        amount_e11: already prorated.
    """

    account_service_id: int
    description: str
    during: Period
    amount_e11: int
    taxes: TaxRates


@dataclass(frozen=True, slots=True)
class UsageSum:
    """
    The charges of one service, class, place and set of taxes, summed; or what a period's usage costs at one rate.

    Shapes:
        account_service_id: none where several services share the price of a period.
        quantity, included: none where less is billed than before.

    Units:
        quantity, included: base units, after rounding; of them, from buckets.
        amount_e11: the exact sum of the charges, before tax; below nothing where less is due than was billed.
    """

    account_service_id: int | None
    description: str
    during: Period
    unit: Unit
    events: int | None
    quantity: int | None
    included: int | None
    amount_e11: int
    taxes: TaxRates


@dataclass(frozen=True, slots=True)
class Line:
    """
    One line of an invoice; of a line for a tax, *taxes* is that one.

    Units:
        amount_e11: before the line's one rounding.
        amount_minor: after it.
    """

    kind: LineKind
    description: str
    during: Period
    amount_e11: int
    amount_minor: int
    taxes: TaxRates
    account_service_id: int | None = None
    unit: Unit | None = None
    events: int | None = None
    quantity: int | None = None
    included: int | None = None


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """An invoice before it has a number. net_minor + tax_minor = total_minor, the sums of the lines."""

    lines: tuple[Line, ...]
    net_minor: int
    tax_minor: int

    @property
    def total_minor(self) -> int:
        """What is to be paid."""
        return self.net_minor + self.tax_minor


def draft(
    recurring: Iterable[Recurring], usage: Sequence[UsageSum], period: Period, currency: str
) -> InvoiceDraft | None:
    """
    Make the invoice of *period*, or nothing where there is nothing to bill.

    Each line is rounded to the currency's minor unit once, half up. Taxes are computed for all lines that
    have the same ones, on their rounded amounts; each tax of its code and rate is then rounded once, half
    up: so the invoice can be checked with pencil and paper. A tax that is not owed is told, with its
    certificate and no amount.

    Shapes:
        usage: line n of the usage, counted from 0, is usage[n]: the caller knows which is which.
    """
    net = [_of_recurring(item, currency) for item in recurring]
    net += [_of_usage(item, currency) for item in usage]
    if not net:
        return None
    taxes = _taxes(net, period, currency)
    return InvoiceDraft(
        lines=(*net, *taxes),
        net_minor=sum(line.amount_minor for line in net),
        tax_minor=sum(line.amount_minor for line in taxes),
    )


def _of_recurring(item: Recurring, currency: str) -> Line:
    return Line(
        kind=LineKind.RECURRING,
        description=item.description,
        during=item.during,
        amount_e11=item.amount_e11,
        amount_minor=to_minor(item.amount_e11, currency),
        taxes=item.taxes,
        account_service_id=item.account_service_id,
    )


def _of_usage(item: UsageSum, currency: str) -> Line:
    return Line(
        kind=LineKind.USAGE,
        description=item.description,
        during=item.during,
        amount_e11=item.amount_e11,
        amount_minor=to_minor(item.amount_e11, currency),
        taxes=item.taxes,
        account_service_id=item.account_service_id,
        unit=item.unit,
        events=item.events,
        quantity=item.quantity,
        included=item.included,
    )


def _taxes(net: Iterable[Line], period: Period, currency: str) -> list[Line]:
    """Give a line for each tax, in the order of their first line; a tax of nothing has none."""
    taxable: dict[TaxRates, int] = {}
    for line in net:
        taxable[line.taxes] = taxable.get(line.taxes, 0) + line.amount_minor
    one_e11 = minor_e11(1, currency)
    exact: dict[TaxRate, int] = {}
    for taxes, base_minor in taxable.items():
        for tax, owed in taxes_e11(base_minor * one_e11, taxes):
            exact[tax] = exact.get(tax, 0) + owed
    return [
        Line(LineKind.TAX, _told(tax), period, tax_e11, to_minor(tax_e11, currency), (tax,))
        for tax, tax_e11 in exact.items()
        if tax_e11 or tax.certificate
    ]


def taxes_e11(base_e11: int, taxes: TaxRates) -> Iterator[tuple[TaxRate, int]]:
    """Give each tax of an amount, in their order, rounded half up at 11 places."""
    total = base_e11
    for tax in taxes:
        taxed = total if tax.compound else base_e11
        owed = 0 if tax.certificate else divide(taxed * tax.rate_ppm, PPM, Rounding.HALF_UP)
        yield tax, owed
        total += owed


def _told(tax: TaxRate) -> str:
    return f"{tax.name}: not owed, certificate {tax.certificate}" if tax.certificate else tax.name


def minor_e11(minor: int, currency: str) -> int:
    """Give an amount of money in units of 10^-11 of its currency, exactly."""
    factor: int = 10 ** (SCALE - exponent(currency))
    return minor * factor
