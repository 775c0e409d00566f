"""The catalogue's own taxes: the tax code that fits best, each tax at the rate of the event's start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bmu.rating.offers import TaxCodeRow, TaxRow
from bmu.rating.span import day_span
from bmu.rating.tax import TaxSpan, tax_at, tax_spans
from bmu.rating.taxation import (
    Exemption,
    Levies,
    Levy,
    TaxRequest,
    Untaxed,
)
from bmu.rating.taxcode import TaxTraits, best_tax_code


class _Exempt(NamedTuple):
    """An exemption, placed on the line of instants."""

    from_us: int
    to_us: int
    certificate: str


class _Dated(NamedTuple):
    """A tax over all time: its rates, and when it is not owed."""

    code: str
    rates: tuple[TaxSpan, ...]
    exempt: tuple[_Exempt, ...]


class _Known(NamedTuple):
    """The taxes of what was asked about, over all time."""

    taxes: tuple[_Dated, ...]
    tax_code_id: int | None
    inclusive: bool


_Asked = tuple[TaxTraits, str | None, tuple[Exemption, ...], str]


@dataclass(frozen=True, slots=True)
class TaxRules:
    """
    The taxes of one revision of the catalogue; a `TaxVendor`.

    Shapes:
        rows: by the tax's code, the rates that follow each other.
        known: what was asked before; an answer never depends on it.
    """

    codes: tuple[TaxCodeRow, ...]
    rows: Mapping[str, tuple[TaxRow, ...]]
    known: dict[_Asked, _Known] = field(default_factory=dict, repr=False, compare=False)

    def levies(self, request: TaxRequest) -> Levies | Untaxed:
        """Give the taxes that hold at the event's start, or name the one that has no rate on that day."""
        asked = request.traits, request.tax, request.exemptions, request.zone
        known = self.known.get(asked)
        if known is None:
            known = self.known[asked] = self._over_time(*asked)
        us, levies = request.started_us, []
        for code, rates, exempt in known.taxes:
            rate = tax_at(rates, us)
            if rate is None:
                return Untaxed(f"tax {code}: no rate on this day")
            levies.append(Levy(rate.id, rate.rate_ppm, rate.compound, _certificate(exempt, us)))
        return Levies(tuple(levies), known.tax_code_id, known.inclusive)

    def _over_time(
        self, traits: TaxTraits, tax: str | None, exemptions: tuple[Exemption, ...], zone: str
    ) -> _Known:
        """Choose the taxes, and place their days where they lie for an account in the zone."""
        code = best_tax_code(self.codes, traits) if tax is None else None
        names = (code.taxes if code else ()) if tax is None else (tax,)
        taxes = tuple(
            _Dated(
                name,
                tax_spans(self.rows[name], zone),
                tuple(
                    _Exempt(*day_span(each.valid_from, each.valid_to, zone), each.certificate)
                    for each in exemptions
                    if each.tax in (None, name)
                ),
            )
            for name in names
        )
        return _Known(taxes, code.id if code else None, code is not None and code.inclusive)


def _certificate(exempt: tuple[_Exempt, ...], us: int) -> str | None:
    """Name the first exemption that holds at *us*."""
    return next((each.certificate for each in exempt if each.from_us <= us < each.to_us), None)
