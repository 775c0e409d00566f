"""Usage as a file holds it, CSV or JSON lines: one event a line, read as the file is read."""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import BinaryIO, NamedTuple

from bmu.period import to_us
from bmu.usage import UDR
from bmuid.cli.offline import customers
from bmuid.cli.offline.customers import UsageError

LINE_OCTETS_MAX = 64 * 1024
QUANTITY_MAX = 2**63 - 1
# Columns with a meaning of their own; all others are custom fields.
COLUMNS = customers.COLUMNS | {
    *("id", "uid_type", "uid", "class", "started_at", "quantity", "origin", "destination"),
}
_NO_KEY = bytes(16)


class Line(NamedTuple):
    """One line of usage: its fields, or why it has none; *raw* is as it stands in the file."""

    number: int
    raw: str
    fields: Mapping[str, str]
    fault: str


def lines(file: BinaryIO, *, is_json: bool) -> Iterator[Line]:
    """
    Give the lines of a file one by one; a line is one event.

    Errors:
        UsageError: the first line of CSV is no header.
    """
    numbered = ((n, raw) for n, raw in enumerate(_texts(file), 1) if raw.strip())
    if is_json:
        for number, raw in numbered:
            yield _of_json(number, raw)
        return
    _, head = next(numbered, (1, ""))
    names = _cells(head.removeprefix("\ufeff"))
    names = [name.strip() for name in names] if names else []
    for wanted in ("class", "started_at", "quantity"):
        if wanted not in names:
            raise UsageError(f"line 1: names no column {wanted!r}; it has to name the columns")
    if len(set(names)) < len(names) or "" in names:
        raise UsageError("line 1: names a column twice, or one not at all")
    for number, raw in numbered:
        yield _of_csv(number, raw, names)


def _texts(file: BinaryIO) -> Iterator[str]:
    while True:
        octets = file.readline(LINE_OCTETS_MAX)
        if not octets:
            return
        yield octets.decode("utf-8", errors="replace").rstrip("\r\n")


def _cells(raw: str) -> list[str] | None:
    try:
        return next(csv.reader([raw], strict=True))
    except (csv.Error, StopIteration):
        return None


def _of_csv(number: int, raw: str, names: list[str]) -> Line:
    cells = _cells(raw)
    if cells is None:
        return Line(number, raw, {}, "can't be read as CSV")
    if len(cells) != len(names):
        return Line(number, raw, {}, f"has {len(cells)} fields, the first line {len(names)}")
    return Line(number, raw, {n: c.strip() for n, c in zip(names, cells, strict=True)}, "")


def _of_json(number: int, raw: str) -> Line:
    try:
        # A number is the text that stands there: nothing is made of it that it does not say.
        found = json.loads(raw, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return Line(number, raw, {}, "can't be read as JSON")
    if not isinstance(found, dict):
        return Line(number, raw, {}, "is no JSON object")
    fields = {key: value for key, value in found.items() if value is not None}
    wrong = [key for key, value in fields.items() if not isinstance(value, str)]
    fault = f"{wrong[0][:40]}: is neither text nor number" if wrong else ""
    return Line(number, raw, fields, fault)


def event(line: Line) -> UDR:
    """
    Make an event of a line.

    Errors:
        UsageError: its fault, or the field that can't be used and why.
    """
    if line.fault:
        raise UsageError(line.fault)
    fields = line.fields
    usage_class = fields.get("class", "")
    if not usage_class:
        raise UsageError("class: is missing")
    for key, value in fields.items():
        if "\ufffd" in value or not value.isprintable():
            raise UsageError(f"{key}: has characters that can't be printed, or is not UTF-8")
    return UDR(
        line_no=line.number,
        event_key=_NO_KEY,
        content=0,
        uid_type=fields.get("uid_type") or "phone",
        uid=fields.get("uid", ""),
        usage_class=usage_class,
        started_us=_started(fields.get("started_at", "")),
        quantity=_quantity(fields.get("quantity", "")),
        origin=fields.get("origin", ""),
        destination=fields.get("destination", ""),
        **_extras(fields),
    )


def _extras(fields: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Give the custom fields as the event takes them; none where it has none."""
    found = {
        key: value
        for key, value in fields.items()
        if value and key not in COLUMNS and not key.startswith(customers.ATTRIBUTES)
    }
    return {"extras": found} if found else {}


def _started(text: str) -> int:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not 1990 <= instant.year < 2200:
        said = f"{text[:40]!r} is no time with its zone, like 2026-11-02T09:30:00+01:00"
        raise UsageError(f"started_at: {said}" if text else "started_at: is missing")
    return to_us(instant)


def _quantity(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 19 or int(text) > QUANTITY_MAX:
        said = f"{text[:40]!r} is no whole number of base units"
        raise UsageError(f"quantity: {said}" if text else "quantity: is missing")
    return int(text)
