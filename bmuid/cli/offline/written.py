"""What is written of rated usage: a line an event, the totals, the lines that could not be rated."""

import csv
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TextIO

from bmu.money import decimal_text
from bmu.period import from_us
from bmu.rating import Owner, Rated, Step
from bmu.usage import UDR
from bmuid.cli.offline.rater import Numbered, Rater
from bmuid.cli.offline.usage import Line

Value = str | int | None | list[dict[str, str]]


class Records(Protocol):
    """Takes records and writes them."""

    def put(self, record: Mapping[str, Value]) -> None:
        """Write one."""


class CSVRecords:
    """Records as CSV; the first one's keys are the header."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._begun = False

    def put(self, record: Mapping[str, Value]) -> None:
        """Write one as a line; steps of reasoning become one text."""
        if not self._begun:
            self._writer.writerow(record)
            self._begun = True
        self._writer.writerow(
            " ".join(step["text"] for step in value) if isinstance(value, list) else value
            for value in record.values()
        )


class JSONRecords:
    """Records as JSON, one object a line."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def put(self, record: Mapping[str, Value]) -> None:
        """Write one as a line."""
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")


class Book(NamedTuple):
    """What is needed to say in codes what a rated event says in ids."""

    catalogue: Numbered
    rater: Rater

    def record(
        self, line: Line, udr: UDR, account: str, rated: Rated, owner: Owner
    ) -> dict[str, Value]:
        """Give the record of a rated event."""
        rows = self.catalogue.rows
        pattern = rated.location_pattern_id
        place = rows.location_patterns[pattern - 1] if pattern else None
        return {
            "line": line.number,
            "id": line.fields.get("id", ""),
            "account": account,
            "package": owner.terms.package,
            "uid": udr.uid,
            "class": rows.usage_classes[rated.usage_class_id - 1].code,
            "started_at": from_us(udr.started_us).isoformat(),
            "origin": udr.origin,
            "destination": udr.destination,
            "location": place.location if place else "",
            "pattern": place.code if place else "",
            "plan": rows.rate_plans[rated.rate_plan_id - 1].code,
            "rate": rows.rates[rated.rate_id - 1].code,
            "quantity": rated.quantity,
            "rounded": rated.rounded,
            "billable": rated.billable,
            "drawn": " ".join(f"{self.rater.bucket(one)}={taken}" for one, taken in rated.draws),
            "currency": rated.currency,
            "amount": decimal_text(rated.amount_e11),
            "tax": decimal_text(rated.tax_e11),
        }


def steps_of(steps: Sequence[Step]) -> list[dict[str, str]]:
    """Give steps of reasoning as data."""
    return [{"title": step.title, "text": step.text} for step in steps]


class Totals:
    """Exact sums by account, usage class and currency."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str, str], list[int]] = {}

    def add(self, account: str, usage_class: str, rated: Rated) -> None:
        """Count a rated event."""
        sums = self._sums.setdefault((account, usage_class, rated.currency), [0, 0, 0, 0, 0])
        for place, figure in enumerate(
            (1, rated.quantity, rated.billable, rated.amount_e11, rated.tax_e11)
        ):
            sums[place] += figure

    def records(self) -> list[dict[str, Value]]:
        """Give a record for each account, class and currency, in that order."""
        return [
            {
                "account": account,
                "class": usage_class,
                "currency": currency,
                "events": events,
                "quantity": quantity,
                "billable": billable,
                "amount": decimal_text(amount),
                "tax": decimal_text(tax),
                "total": decimal_text(amount + tax),
            }
            for (account, usage_class, currency), (
                events,
                quantity,
                billable,
                amount,
                tax,
            ) in sorted(self._sums.items())
        ]

    def spoken(self) -> str:
        """Give the totals by currency, as one says them."""
        of_currency: dict[str, int] = {}
        for (_, _, currency), (_, _, _, amount, tax) in self._sums.items():
            of_currency[currency] = of_currency.get(currency, 0) + amount + tax
        return ", ".join(
            f"{decimal_text(total)} {currency} with tax"
            for currency, total in sorted(of_currency.items())
        )


class Rejects:
    """Lines that could not be rated, with their numbers and reasons; some are told, all go to the file."""

    TOLD_MAX = 10

    def __init__(self, file: TextIO | None, told: TextIO) -> None:
        self._told = told
        self._writer = csv.writer(file, lineterminator="\n") if file else None
        self.count = 0
        if self._writer:
            self._writer.writerow(("line", "reason", "detail", "usage"))

    def put(self, line: Line, reason: str, detail: str) -> None:
        """Take a line that could not be rated."""
        self.count += 1
        if self._writer:
            self._writer.writerow((line.number, reason, detail, line.raw))
        elif self.count <= self.TOLD_MAX:
            self._told.write(f"bmuid rate: line {line.number}: {reason}: {detail}\n")
        elif self.count == self.TOLD_MAX + 1:
            self._told.write("bmuid rate: and more; --rejects FILE takes them all\n")
