"""Reads the tables in which a billing clerk writes down a tariff, events, and what they must cost."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bmu.money import Rounding, parse_e11
from bmu.period import FOREVER_US, to_us
from bmu.rating import (
    BucketTypeRow,
    Frequency,
    LocationPatternRow,
    LocationRow,
    Owner,
    PackageRow,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RoundingRow,
    TariffRows,
    TaxRow,
    Terms,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.usage import UDR, Rater, Unit

LINES = {
    "company": r"(?P<company>\S+)",
    "zone": r"(?P<zone>\S+)",
    "bill": r"day (?P<day>\d+)",
    "class": r"(?P<code>\S+) (?P<unit>\S+) (?P<rater>\S+)",
    "location": r"(?P<code>\S+)(?: in (?P<parent>\S+))? =(?P<patterns>[ \d]*)",
    "hours": r"(?P<code>\S+) (?P<zone>\S+): (?P<windows>.+)",
    "rounding": r"(?P<code>\S+): (?P<minimum>\d+) then (?P<increment>\d+)",
    "group": r"(?P<code>\S+)(?: in (?P<hours>\S+))?(?: from (?P<from>\S+))?(?: to (?P<to>\S+))?",
    "rate": r"(?P<group>\S+) (?P<usage_class>\w+)(?: (?P<location>\S+))?: (?P<price>\S+)"
    r" (?:each|per (?P<per>\d+))(?:, rounding (?P<rounding>[^\s,]+))?"
    r"(?:, connect (?P<connect>[^\s,]+))?(?:, minimum (?P<minimum>\S+))?",
    "bucket": r"(?P<code>\S+): (?P<quantity>\d+) (?P<unit>\w+) of (?P<classes>\w+)"
    r"(?: in (?P<locations>.+))?",
    "tax": r"(?P<code>\S+): (?P<percent>\S+) %(?: from (?P<from>\S+))?(?: to (?P<to>\S+))?",
    "plan": r"(?P<code>\S+): (?P<currency>\w+) (?P<places>\d+) places (?P<mode>\w+), groups (?P<groups>.+)",
    "package": r"(?P<code>\S+): plan (?P<plan>\S+), tax (?P<tax>[^\s,]+)(?:, buckets (?P<buckets>.+))?",
}


class Event(NamedTuple):
    """One line of a table: an event, and what it must cost, or the reason why it can't be told."""

    place: str
    udr: UDR
    wanted: tuple[str, ...]


@dataclass
class Book:
    """One table: the tariff of its head, the customer, the events below."""

    company: str = "Europe/London"
    zone: str = "UTC"
    bill_day: int = 1
    lists: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    @property
    def owner(self) -> Owner:
        """The one customer, with the one package."""
        plan, package = self.lists["plan"][0], self.lists["package"][0]
        terms = Terms(package["code"], plan["currency"], self.zone)
        return Owner(-FOREVER_US, FOREVER_US, 1, 1, 1, terms, self.bill_day)

    def named(self, noun: str) -> list[tuple[int, dict[str, str]]]:
        """All lines that begin with one word, each with an id of its own."""
        return list(enumerate(self.lists.get(noun, []), 1))

    def rows(self) -> TariffRows:
        """The head as rows of the catalogue."""
        patterns = [
            (code, line["code"])
            for _, line in self.named("location")
            for code in line["patterns"].split()
        ]
        return TariffRows(
            usage_classes=tuple(
                UsageClassRow(n, c["code"], c["code"], Unit[c["unit"]], Rater[c["rater"]])
                for n, c in self.named("class")
            ),
            locations=tuple(
                LocationRow(n, c["code"], c["code"], c["parent"] or None)
                for n, c in self.named("location")
            ),
            location_patterns=tuple(
                LocationPatternRow(n, *pattern) for n, pattern in enumerate(patterns, 1)
            ),
            time_periods=tuple(
                TimePeriodRow(n, c["code"], c["code"], c["zone"], tuple(c["windows"].split("; ")))
                for n, c in self.named("hours")
            ),
            roundings=tuple(
                RoundingRow(n, c["code"], int(c["minimum"]), int(c["increment"]))
                for n, c in self.named("rounding")
            ),
            rate_plans=tuple(
                RatePlanRow(
                    n,
                    c["code"],
                    c["code"],
                    c["currency"],
                    int(c["places"]),
                    Rounding[c["mode"]],
                    words(c["groups"]),
                )
                for n, c in self.named("plan")
            ),
            rate_groups=tuple(
                RateGroupRow(
                    n, c["code"], c["code"], c["hours"] or None, day(c["from"]), day(c["to"])
                )
                for n, c in self.named("group")
            ),
            rates=tuple(rate_row(n, c) for n, c in self.named("rate")),
            bucket_types=tuple(
                BucketTypeRow(
                    n,
                    c["code"],
                    c["code"],
                    Unit[c["unit"]],
                    int(c["quantity"]),
                    Frequency.MONTH,
                    words(c["classes"]),
                    words(c["locations"]) or None,
                )
                for n, c in self.named("bucket")
            ),
            taxes=tuple(
                TaxRow(
                    n,
                    c["code"],
                    c["code"],
                    parse_e11(c["percent"]) // 10**7,
                    day(c["from"]),
                    day(c["to"]),
                )
                for n, c in self.named("tax")
            ),
            packages=tuple(
                PackageRow(
                    n,
                    c["code"],
                    c["code"],
                    0,
                    self.lists["plan"][0]["currency"],
                    Frequency.MONTH,
                    c["plan"],
                    c["tax"],
                    words(c["buckets"]),
                )
                for n, c in self.named("package")
            ),
        )


def read(path: Path) -> Book:
    """Read one table."""
    book, in_head = Book(), True
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if number == 1 or not line or line.startswith("#"):
            continue
        if line.startswith("began "):
            in_head = False
        elif in_head:
            take(book, line)
        else:
            book.events.append(event(book, f"{path.stem}:{number}", line))
    return book


def take(book: Book, line: str) -> None:
    """Take in one line of the head."""
    noun, _, rest = line.partition(" ")
    match = re.fullmatch(LINES[noun], rest)
    assert match, line
    book.lists.setdefault(noun, []).append(match.groupdict(""))
    if noun in ("company", "zone"):
        setattr(book, noun, rest)
    elif noun == "bill":
        book.bill_day = int(match["day"])


def event(book: Book, place: str, line: str) -> Event:
    """Read one event; a time without an offset is by the customer's clock."""
    began, what, called, measured, *wanted = (cell.strip() for cell in line.split("|"))
    instant = datetime.fromisoformat(began)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=ZoneInfo(book.zone))
    udr = UDR(1, b"-" * 16, 0, "phone", "441", what, to_us(instant), int(measured), "441", called)
    return Event(place, udr, tuple(wanted))


def rate_row(number: int, line: dict[str, str]) -> RateRow:
    """Make a rate; its code is group/class, and /location where it has one."""
    place = (line["group"], line["usage_class"], line["location"])
    return RateRow(
        number,
        "/".join(place).rstrip("/"),
        line["group"],
        line["usage_class"],
        line["location"] or None,
        line["rounding"] or None,
        RateKind.STANDARD if line["per"] else RateKind.FIXED,
        parse_e11(line["price"]),
        int(line["per"] or 1),
        parse_e11(line["connect"] or "0"),
        parse_e11(line["minimum"] or "0"),
    )


def words(text: str) -> tuple[str, ...]:
    """Split a list of codes."""
    return tuple(text.split())


def day(text: str) -> date | None:
    """Read a day, or none."""
    return date.fromisoformat(text) if text else None
