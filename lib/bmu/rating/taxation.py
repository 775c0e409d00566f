"""
What taxes come with an amount: several, each on the amount or on those before it too, in the price or on top.

Whoever answers a `TaxRequest` is a `TaxVendor`: the catalogue's own rules (`bmu.rating.taxrules`), or an outside
service (`bmu.rating.taxservice`).
"""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple, Protocol

from bmu.money import Rounding, divide
from bmu.rating.tax import PPM, tax_of
from bmu.rating.taxcode import TaxTraits


class Exemption(NamedTuple):
    """
    A tax that an account does not owe.

    Shapes:
        certificate: what proves it, as it is written there.
        tax: the code of a tax; none: all of them.

    Units:
        valid_from, valid_to: days [from, to) in the account's time zone; none means unbounded.
    """

    certificate: str
    tax: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


class TaxRequest(NamedTuple):
    """
    What taxes are asked for; the catalogue's rules look at no more than its first six fields.

    Shapes:
        tax: the code of the one tax of what was bought; none: those of the tax code that fits best.
        exemptions: the account's.
        usage_class, package: their codes. location: the code of where the event took place; none: that isn't known.
        origin, destination, extras: as in the UDR. attributes: as `bmu.rating.owner.Terms` has them.

    Units:
        zone: the account's, an IANA name.
        quantity: base units, as measured.
    """

    currency: str
    started_us: int
    zone: str
    traits: TaxTraits
    tax: str | None = None
    exemptions: tuple[Exemption, ...] = ()
    usage_class: str = ""
    package: str = ""
    location: str | None = None
    origin: str = ""
    destination: str = ""
    quantity: int = 0
    extras: Mapping[str, str] | None = None
    attributes: tuple[tuple[str, str], ...] = ()


class TaxPart(NamedTuple):
    """
    One tax of an amount; *certificate* tells why none is owed, where that is so.

    Units:
        base_e11: what it is a part of: the amount, with the taxes before it where it is compound.
        rate_ppm: as an outside service told it; none: the rate that the tax has in the catalogue.
    """

    tax_id: int
    base_e11: int
    tax_e11: int
    certificate: str | None = None
    rate_ppm: int | None = None


class Taxes(NamedTuple):
    """
    What an amount is before tax, and each tax in its order; one that is not owed is told, with no amount.

    Shapes:
        tax_code_id: none where the one tax was named, where an outside service answered, or without any tax.
        inclusive: the amount asked for held its taxes.
        service: the name of the outside service that told them; none: the catalogue did.
    """

    net_e11: int
    parts: tuple[TaxPart, ...] = ()
    tax_code_id: int | None = None
    inclusive: bool = False
    service: str | None = None

    @property
    def tax_e11(self) -> int:
        """All taxes together."""
        return sum(part.tax_e11 for part in self.parts)


class Untaxed(NamedTuple):
    """
    No answer; *tried* tells a clerk what is missing, and the event waits.

    Shapes:
        by_service: an outside service failed to answer, or its answer is none.
    """

    tried: str
    by_service: bool = False


class TaxVendor(Protocol):
    """
    Whoever knows taxes: the catalogue, or an outside service.
    """

    def levies(self, request: TaxRequest) -> "Levies | Untaxed":
        """Give the taxes that hold, whatever the amount, or say what is missing."""


class Levy(NamedTuple):
    """One tax that holds at an instant; *certificate* tells why it is not owed, where that is so."""

    tax_id: int
    rate_ppm: int
    compound: bool = False
    certificate: str | None = None


class Levies(NamedTuple):
    """
    All taxes of something at an instant, in their order, whatever the amount.

    Shapes:
        service: the name of the outside service that told them; none: the catalogue did.
    """

    levies: tuple[Levy, ...] = ()
    tax_code_id: int | None = None
    inclusive: bool = False
    service: str | None = None


def taxes_on(amount_e11: int, due: Levies) -> Taxes:
    """
    Compute the taxes on an amount, 0 or more, or divide them out of it where it holds them.

    What is divided out comes to the amount again to the last unit. Who does not owe a tax that the price holds
    pays the net, with the other taxes on top.
    """
    if not due.inclusive:
        return _added(amount_e11, due)
    totals = _running_totals(amount_e11, due.levies)
    net = totals[0]
    if any(levy.certificate is not None for levy in due.levies):
        return _added(net, due)
    told = due.service is not None
    parts = []
    for levy, before, after in zip(due.levies, totals[:-1], totals[1:], strict=True):
        base = before if levy.compound else net
        rate_ppm = levy.rate_ppm if told else None
        parts.append(TaxPart(levy.tax_id, base, after - before, None, rate_ppm))
    return Taxes(net, tuple(parts), due.tax_code_id, inclusive=True, service=due.service)


def _added(net_e11: int, due: Levies) -> Taxes:
    told = due.service is not None
    total, parts = net_e11, []
    for tax_id, rate_ppm, compound, certificate in due.levies:
        base = total if compound else net_e11
        tax = 0 if certificate is not None else tax_of(base, rate_ppm)
        parts.append(TaxPart(tax_id, base, tax, certificate, rate_ppm if told else None))
        total += tax
    return Taxes(net_e11, tuple(parts), due.tax_code_id, due.inclusive, due.service)


def _running_totals(gross_e11: int, levies: tuple[Levy, ...]) -> list[int]:
    """
    Give the net, and the total after each tax, rounded half up at 11 places; the last is the gross.

    This is the one place where taxes in prices are rounded: a tax is the step from one total to the next.
    """
    # As multiples of the net, in units so small that each is whole.
    one = PPM ** len(levies)
    multiples = [one]
    for levy in levies:
        base = multiples[-1] if levy.compound else one
        multiples.append(multiples[-1] + base * levy.rate_ppm // PPM)
    gross = multiples[-1]
    return [divide(gross_e11 * multiple, gross, Rounding.HALF_UP) for multiple in multiples]


def taxes_to_json(taxes: Taxes) -> list[object]:
    """Give taxes as JSON data, exactly; `taxes_from_json` reads it."""
    net, parts, code, inclusive, service = taxes
    if service is None:
        return [net, code, inclusive, [list(part[:4]) for part in parts]]
    return [net, code, inclusive, [list(part) for part in parts], service]


def taxes_from_json(stored: list[Any]) -> Taxes:
    """Read what `taxes_to_json` gave."""
    net, code, inclusive, parts, *service = stored
    return Taxes(net, tuple(TaxPart(*part) for part in parts), code, inclusive, *service)
