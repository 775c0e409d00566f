"""What is written of rated usage: a line an event, the totals, the lines that could not be rated."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TextIO

from bmu.money import decimal_text
from bmu.period import from_us
from bmu.rating import AggregateScope, BucketKind, Owner, Rated, Step
from bmu.usage import UDR
from bmuid.cli.offline.periods import Closed
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
            "drawn": " ".join(self._drawn(rated)),
            "currency": rated.currency,
            "amount": decimal_text(rated.amount_e11),
            "tax": decimal_text(rated.tax_e11),
        }

    def _drawn(self, rated: Rated) -> Iterator[str]:
        drawing = rated.detail.drawing if rated.detail else None
        if drawing is None:
            for bucket_id, taken in rated.draws:
                yield f"{self.rater.bucket(bucket_id)}={taken}"
            return
        for draw in drawing.draws:
            is_money = draw.kind is BucketKind.MONEY
            taken_text = decimal_text(draw.quantity) if is_money else str(draw.quantity)
            yield f"{self.rater.bucket(draw.bucket_id)}={taken_text}"

    def period(self, account: str, closed: Closed) -> dict[str, Value]:
        """Give the record of a period's price: a line of its own, with the keys of those of events."""
        total, taxes = closed.priced.total, closed.priced.taxes
        rows, owner = self.catalogue.rows, closed.owner
        overage = closed.rated.detail.overage if closed.rated.detail else None
        plan_id = overage.rate_plan_id if overage else closed.rated.rate_plan_id
        of_service = total.key.scope is AggregateScope.SERVICE
        return {
            "line": "",
            "id": "period",
            "account": account,
            "package": owner.terms.package if of_service else "",
            "uid": closed.udr.uid if of_service else "",
            "class": rows.usage_classes[total.key.usage_class_id - 1].code,
            "started_at": from_us(total.key.from_us).isoformat(),
            "origin": "",
            "destination": "",
            "location": total.rate.location or total.rate.location_group or "",
            "pattern": "",
            "plan": rows.rate_plans[plan_id - 1].code,
            "rate": total.rate.code,
            "quantity": total.usage.quantity,
            "rounded": total.usage.quantity,
            "billable": total.usage.quantity,
            "drawn": "",
            "currency": closed.rated.currency,
            "amount": decimal_text(taxes.net_e11),
            "tax": decimal_text(taxes.tax_e11),
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

    def add_period(self, account: str, usage_class: str, closed: Closed) -> None:
        """Add a period's price; its events are counted already."""
        sums = self._sums.setdefault((account, usage_class, closed.rated.currency), [0] * 5)
        sums[3] += closed.priced.taxes.net_e11
        sums[4] += closed.priced.taxes.tax_e11

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
