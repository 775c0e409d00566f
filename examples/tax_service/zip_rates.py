"""Example of an outside tax service: taxes by the customer's ZIP code, from a table of rates with their first days."""

import csv
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bmu.rating import TaxAnswer, TaxDue, TaxRequest

_START = datetime(1970, 1, 1, tzinfo=UTC)


def open_rates(settings: Mapping[str, str]) -> Callable[[TaxRequest], TaxAnswer | None]:
    """Read the table that the setting *rates* names: zip,from,tax,percent; give what answers by it."""
    table: dict[str, dict[date, list[TaxDue]]] = {}
    with Path(settings["rates"]).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            # 6.25 per cent are 62,500 parts per million.
            due = TaxDue(row["tax"], round(float(row["percent"]) * 10_000))
            days = table.setdefault(row["zip"], {})
            days.setdefault(date.fromisoformat(row["from"]), []).append(due)

    def ask(request: TaxRequest) -> TaxAnswer | None:
        zip_code = dict(request.attributes).get("account.zip")
        if zip_code is None:
            # Not of this country: the catalogue's own taxes.
            return None
        # The rates of the day of the event, by the customer's clock: usage that is rated again later is taxed as it was.
        started = _START + timedelta(microseconds=request.started_us)
        day = started.astimezone(ZoneInfo(request.zone)).date()
        known = [first for first in table.get(zip_code, {}) if first <= day]
        if not known:
            raise LookupError(f"no rates for the ZIP code {zip_code} on {day}")
        return TaxAnswer(tuple(table[zip_code][max(known)]))

    return ask
