"""An outside tax service behind the interface of the catalogue's own rules: what it answers becomes taxes of the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from bmu.rating.tax import PPM, TaxSpan, tax_at, tax_spans
from bmu.rating.taxation import Levies, Levy, TaxRequest, Untaxed
from bmu.rating.taxrules import TaxRules


class TaxDue(NamedTuple):
    """
    A tax that is due, or that would be; *certificate* tells why it is not owed, where that is so.

    Shapes:
        tax: the code of a tax of the catalogue, whose row says its name and whether it is compound.

    Units:
        rate_ppm: parts per million, 0 to 1,000,000; 20 % is 200,000.
    """

    tax: str
    rate_ppm: int
    certificate: str | None = None


class TaxAnswer(NamedTuple):
    """All taxes of what was asked about, in their order; *inclusive*: the price holds them."""

    taxes: tuple[TaxDue, ...] = ()
    inclusive: bool = False


class TaxService(NamedTuple):
    """
    Whoever is asked for the taxes of each event.

    Shapes:
        name: charges keep it.
        ask: its answer; none: the catalogue's own taxes hold. What it can't answer is `Untaxed`; it raises nothing.
        is_away: tells whether it does not answer at all for now.
        package: the name and version of what it is installed as.
    """

    name: str
    ask: Callable[[TaxRequest], TaxAnswer | Untaxed | None]
    is_away: Callable[[], bool] = bool
    package: str = ""


@dataclass(frozen=True, slots=True)
class OutsideTaxes:
    """
    The taxes that a service tells for one revision of the catalogue; a `TaxVendor`.

    Shapes:
        spans: by a tax's code and a zone, its rows there, remembered.
    """

    service: TaxService
    rules: TaxRules
    spans: dict[tuple[str, str], tuple[TaxSpan, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def levies(self, request: TaxRequest) -> Levies | Untaxed:
        """Give the taxes that the service tells, or say why its answer can't be used."""
        answer = self.service.ask(request)
        if answer is None:
            return self.rules.levies(request)
        if isinstance(answer, Untaxed):
            return self._untaxed(answer.tried)
        levies = []
        for due in answer.taxes:
            row = self._row(due.tax, request)
            if row is None:
                return self._untaxed(
                    f"names the tax {due.tax!r}, which the catalogue has not then"
                )
            # It comes from a program of others: what is no whole number would be a wrong tax for ever.
            if type(due.rate_ppm) is not int or not 0 <= due.rate_ppm <= PPM:
                return self._untaxed(
                    f"gives {due.tax} the rate {due.rate_ppm!r}, parts per million"
                )
            levies.append(Levy(row.id, due.rate_ppm, row.compound, due.certificate))
        return Levies(tuple(levies), None, answer.inclusive, self.service.name)

    def _row(self, code: str, request: TaxRequest) -> TaxSpan | None:
        """Find the row that a tax has when the event begins."""
        spans = self.spans.get((code, request.zone))
        if spans is None:
            spans = tax_spans(self.rules.rows.get(code, ()), request.zone)
            self.spans[code, request.zone] = spans
        return tax_at(spans, request.started_us)

    def _untaxed(self, said: str) -> Untaxed:
        return Untaxed(f"tax service {self.service.name}: {said}", by_service=True)
