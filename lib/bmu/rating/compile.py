"""From rows of the catalogue to a tariff that rates quickly."""

from collections.abc import Mapping
from datetime import date

from bmu.rating.faults import validate
from bmu.rating.geotree import GeoTree
from bmu.rating.offers import (
    TariffRows,
    TaxRow,
)
from bmu.rating.places import EVERYWHERE, places_of
from bmu.rating.plan import CompanyTerms
from bmu.rating.rows import (
    RateRow,
)
from bmu.rating.span import day_span
from bmu.rating.tariff import Tariff
from bmu.rating.taxrules import TaxRules
from bmu.rating.taxservice import OutsideTaxes, TaxService

_Rates = dict[tuple[str, str], dict[int, tuple[RateRow, ...]]]


def compile_tariff(
    rows: TariffRows, revision: int, company: CompanyTerms, tax_service: TaxService | None = None
) -> Tariff:
    """
    Make the catalogue of one revision ready for rating.

    Shapes:
        rows: without faults, as `validate` finds them.
        tax_service: is asked for the taxes of each event; none: the catalogue says them.
    """
    faults = validate(rows)
    assert not faults, faults[:3]
    return compile_part(rows, revision, company, tax_service)


def compile_part(
    rows: TariffRows, revision: int, company: CompanyTerms, tax_service: TaxService | None = None
) -> Tariff:
    """
    Make a part of a catalogue ready to look at.

    Shapes:
        rows: of a catalogue without faults; rates and patterns may be left out.
    """
    places = places_of(rows.locations, rows.location_groups)
    taxes: dict[str, tuple[TaxRow, ...]] = {}
    for tax in rows.taxes:
        taxes[tax.code] = (*taxes.get(tax.code, ()), tax)
    tax_rules = TaxRules(rows.tax_codes, taxes)
    return Tariff(
        revision=revision,
        company=company,
        usage_classes={row.code: row for row in rows.usage_classes},
        usage_class_ids={row.code: row.id for row in rows.usage_classes},
        packages={row.code: row for row in rows.packages},
        price_plans={row.code: row for row in rows.price_plans},
        plans={row.code: row for row in rows.rate_plans},
        groups={row.code: row for row in rows.rate_groups},
        roundings={row.code: row for row in rows.roundings},
        bucket_types={row.code: row for row in rows.bucket_types},
        time_periods={row.code: row for row in rows.time_periods},
        calendars={row.code: row for row in rows.calendars},
        reclasses={row.code: row for row in rows.reclasses},
        tax_rules=tax_rules,
        rates=_rates(rows.rates, places.index),
        dated=_dated(rows.rates, company.zone),
        geotree=GeoTree(rows.location_patterns, places.index, company.zone),
        places=places,
        reclassifies=any(row.reclass for row in rows.packages),
        outside_taxes=None if tax_service is None else OutsideTaxes(tax_service, tax_rules),
    )


def _rates(rows: tuple[RateRow, ...], index: Mapping[str, int]) -> _Rates:
    rates: _Rates = {}
    for row in rows:
        code = row.location or row.location_group
        place = EVERYWHERE if code is None else index[code]
        of_class = rates.setdefault((row.rate_group, row.usage_class), {})
        of_class[place] = (*of_class.get(place, ()), row)
    return rates


def _dated(rows: tuple[RateRow, ...], company_zone: str) -> dict[tuple[str, str], frozenset[int]]:
    """Give the instants at which rates begin or end."""
    days: dict[tuple[str, str], set[date]] = {}
    for row in rows:
        for day in (row.valid_from, row.valid_to):
            if day is not None:
                days.setdefault((row.rate_group, row.usage_class), set()).add(day)
    return {
        key: frozenset(day_span(day, None, company_zone)[0] for day in changing)
        for key, changing in days.items()
    }
