"""From rows of the catalogue to a tariff that rates quickly."""

from collections.abc import Mapping

from bmu.period import LocalMinutes, parse_windows
from bmu.rating.faults import validate
from bmu.rating.geotree import GeoTree
from bmu.rating.offers import (
    TariffRows,
    TaxRow,
)
from bmu.rating.route import EVERYWHERE, Hours
from bmu.rating.rows import (
    LocationRow,
    RateRow,
    TimePeriodRow,
)
from bmu.rating.tariff import Tariff


def compile_tariff(rows: TariffRows, revision: int, company_zone: str) -> Tariff:
    """
    Make the catalogue of one revision ready for rating.

    Shapes:
        rows: without faults, as `validate` finds them.
    """
    faults = validate(rows)
    assert not faults, faults[:3]
    index = {row.code: number for number, row in enumerate(rows.locations)}
    taxes: dict[str, tuple[TaxRow, ...]] = {}
    for tax in rows.taxes:
        taxes[tax.code] = (*taxes.get(tax.code, ()), tax)
    return Tariff(
        revision=revision,
        company_zone=company_zone,
        usage_classes={row.code: row for row in rows.usage_classes},
        usage_class_ids={row.code: row.id for row in rows.usage_classes},
        packages={row.code: row for row in rows.packages},
        plans={row.code: row for row in rows.rate_plans},
        groups={row.code: row for row in rows.rate_groups},
        roundings={row.code: row for row in rows.roundings},
        bucket_types={row.code: row for row in rows.bucket_types},
        taxes=taxes,
        hours=_hours(rows.time_periods),
        rates=_rates(rows.rates, index),
        geotree=GeoTree(rows.location_patterns, index),
        location_index=index,
        location_codes=tuple(index),
        lineages=_lineages(rows.locations, index),
    )


def _hours(rows: tuple[TimePeriodRow, ...]) -> dict[str, Hours]:
    clocks = {row.zone: LocalMinutes(row.zone) for row in rows}
    return {row.code: Hours(clocks[row.zone], parse_windows(row.windows)) for row in rows}


def _rates(
    rows: tuple[RateRow, ...], index: Mapping[str, int]
) -> dict[tuple[str, str], dict[int, RateRow]]:
    rates: dict[tuple[str, str], dict[int, RateRow]] = {}
    for row in rows:
        place = EVERYWHERE if row.location is None else index[row.location]
        rates.setdefault((row.rate_group, row.usage_class), {})[place] = row
    return rates


def _lineages(
    rows: tuple[LocationRow, ...], index: Mapping[str, int]
) -> tuple[tuple[int, ...], ...]:
    lineages = []
    for row in rows:
        lineage = [index[row.code]]
        above = row.parent
        while above is not None:
            lineage.append(index[above])
            above = rows[index[above]].parent
        lineages.append(tuple(lineage))
    return tuple(lineages)
