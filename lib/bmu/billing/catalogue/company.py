"""Who sells, as the catalogue says it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bmu.billing.catalogue.fields import CODE, NAME, WHOLE, Field, Word
from bmu.billing.document import Entry
from bmu.money import Rounding, exponent
from bmu.period import zone_of
from bmu.rating import TariffRows

_COUNTRY = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Company:
    """
    Who sells.

    Shapes:
        rate_plan: the last that usage is tried with.
        places, rounding_mode: of amounts, where neither rate group nor plan says; none: exact, half up.
    """

    name: str
    currency: str
    time_zone: str
    country: str
    rate_plan: str | None = None
    places: int | None = None
    rounding_mode: Rounding | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A company and what it sells, fit to be used; no row has an id yet."""

    company: Company
    rows: TariffRows


FIELDS = (
    Field("name", "name", NAME),
    Field("currency", "currency", NAME),
    Field("time_zone", "time_zone", NAME),
    Field("country", "country", NAME),
    Field("rate_plan", "rate_plan", CODE, None),
    Field("places", "places", WHOLE, None),
    Field("rounding", "rounding_mode", Word(Rounding), None),
)


def read_company(entry: Entry) -> Company:
    """Read the company, noting what is wrong with it."""
    values = {each.name: each.read(entry) for each in FIELDS}
    company = _make(values)
    for key, fault in _faults(company):
        entry.fault(key, fault)
    return company


def _make(values: dict[str, object]) -> Company:
    mode, places, plan = values["rounding_mode"], values["places"], values["rate_plan"]
    return Company(
        name=str(values["name"]),
        currency=str(values["currency"]),
        time_zone=str(values["time_zone"]),
        country=str(values["country"]),
        rate_plan=plan if isinstance(plan, str) else None,
        places=places if isinstance(places, int) else None,
        rounding_mode=mode if isinstance(mode, Rounding) else None,
    )


def _faults(company: Company) -> Iterator[tuple[str, str]]:
    for key, look, value in (
        ("currency", exponent, company.currency),
        ("time_zone", zone_of, company.time_zone),
    ):
        try:
            look(value)
        except ValueError as error:
            if value:
                yield key, str(error)
    if company.country and not _COUNTRY.fullmatch(company.country):
        yield "country", "must be two capitals of ISO 3166, like GB"
    if company.places is not None and not 0 <= company.places <= 11:
        yield "places", f"is {company.places}; give 0 to 11"
