"""CSV whose quoted fields hold line ends to rows, by the names in its first line or by given ones."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

from bmu.mediation.rows import (
    BrokenError,
    RowError,
    RowlessError,
    Settings,
    fault_line,
    line_of,
    unknown_settings,
)
from bmu.mediation.textrows import Lines, encoding_faults

KNOWN = (
    *("addresses", "columns", "delimiter", "encoding", "escape", "more", "quote", "skip"),
    "skip_below",
)
COLUMNS_MAX = 2_000


def faults(settings: Settings) -> Iterator[str]:
    """Find what is wrong with the settings."""
    yield from unknown_settings(settings, KNOWN)
    marks = {name: mark for name, mark in _marks(settings).items() if mark is not None}
    for name, mark in marks.items():
        if len(mark) != 1 or mark in "\r\n ":
            yield f"decoding: {name} is {mark!r}; expected one character (tab, and none for quote)"
    if len(set(marks.values())) < len(marks):
        yield "decoding: two of delimiter, quote and escape are the same"
    if settings.get("more", "no") not in ("yes", "no"):
        yield f"decoding: more is {settings['more']!r}; expected yes or no"
    yield from encoding_faults(settings.get("encoding", "utf-8"))
    for name in ("skip", "skip_below"):
        if not re.fullmatch("[0-9]{1,3}", settings.get(name, "0"), re.ASCII):
            yield f"decoding: {name} is {settings[name]!r}; expected a number of lines up to 999"
    try:
        _named(settings.get("columns", "x").split(","))
    except ValueError as error:
        yield f"decoding: columns: {error}"


def decode(settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Write each row as a line, under the names of *columns*, or of the first row.

    Shapes:
        skip: how many lines stand before the names; skip_below: how many rows behind them are none.
        quote: ``none`` where nothing is quoted; escape: what stands before a character that means itself.
        more: ``yes`` where rows may have further fields, which are passed over.
        addresses: columns with IPv4 addresses as Cisco writes them, numbers with the lowest octet first.

    Errors:
        BrokenError: the names can't be read, or it is no text of that encoding.
        RowlessError: it ends before a row, and no line named the columns.
    """
    lines, rows = _opened(settings, blocks)
    more = settings.get("more") == "yes"
    names = _names(settings, rows, lines)
    unread = int(settings.get("skip_below", "0"))
    # A line that names columns tells that it is such a file, though it has no row.
    empty = "columns" in settings or not names
    swapped = [name.strip() for name in settings.get("addresses", "").split(",") if name]
    while True:
        lines.forget()
        try:
            fields = next(rows, None)
            if fields is None:
                break
            if unread and fields:
                unread -= 1
            elif fields:
                del fields[len(names) if more else len(fields) :]
                empty = False
                yield line_of(_row(names, fields, swapped))
        except csv.Error as error:
            empty = False
            yield fault_line(f"no row of CSV: {error}", *lines.place())
        except RowError as error:
            yield fault_line(str(error), *lines.place())
    if empty:
        raise RowlessError


def names_in(settings: Settings, blocks: Iterable[bytes]) -> list[str] | None:
    """Give the names in the line of a file that names its columns; None: nothing is named there, or it can't be read."""
    if "columns" in settings:
        return None
    lines, rows = _opened(settings, blocks)
    try:
        return _names(settings, rows, lines) or None
    except BrokenError:
        return None


def _opened(settings: Settings, blocks: Iterable[bytes]) -> tuple["_Lines", Iterator[list[str]]]:
    lines = _Lines(blocks, settings.get("encoding", "utf-8"), int(settings.get("skip", "0")))
    marks = _marks(settings)
    rows = csv.reader(
        lines,
        delimiter=marks["delimiter"] or ",",
        quotechar=marks["quote"],
        escapechar=marks["escape"],
        quoting=csv.QUOTE_NONE if marks["quote"] is None else csv.QUOTE_MINIMAL,
        strict=True,
    )
    return lines, rows


def _names(settings: Settings, rows: Iterator[list[str]], lines: "_Lines") -> list[str]:
    """
    Give the names of the columns.

    Errors:
        BrokenError: those in the file can't be read.
    """
    if "columns" in settings:
        return _named(settings["columns"].split(","))
    try:
        return _named(next((fields for fields in rows if fields), []))
    except (csv.Error, ValueError) as error:
        raise BrokenError(f"no names of columns: {error}", *lines.place()) from None


def _marks(settings: Settings) -> dict[str, str | None]:
    delimiter, quote = settings.get("delimiter", ","), settings.get("quote", '"')
    return {
        "delimiter": "\t" if delimiter == "tab" else delimiter,
        "quote": None if quote == "none" else quote,
        "escape": settings.get("escape"),
    }


def _named(cells: Sequence[str]) -> list[str]:
    """
    Give the names of columns; one without a name is called by its number.

    Errors:
        ValueError: a name is there twice, or there are too many.
    """
    names = [cell.strip() or f"column{number}" for number, cell in enumerate(cells, 1)]
    if len(names) > COLUMNS_MAX:
        raise ValueError(f"{len(names)}; at most {COLUMNS_MAX}")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name[:60]!a} is there twice")
    return names


def _row(names: list[str], fields: list[str], swapped: list[str]) -> dict[str, str]:
    if len(fields) != len(names):
        raise RowError(f"{len(fields)} fields; expected {len(names)}")
    row = dict(zip(names, fields, strict=True))
    for name in swapped:
        if row.get(name):
            row[name] = _address(name, row[name])
    return row


def _address(name: str, text: str) -> str:
    """Read a number of 32 bits, with a sign or not, whose lowest octet stands first in the address."""
    if not re.fullmatch("-?[0-9]{1,10}", text, re.ASCII) or not -(1 << 31) <= int(text) < 1 << 32:
        raise RowError(f"{name} is {text[:60]!a}; expected an address as a number of 32 bits")
    return ".".join(map(str, (int(text) % (1 << 32)).to_bytes(4, "little")))


class _Lines:
    """The lines of a file as text with their line ends; knows those of the row that is being read."""

    def __init__(self, blocks: Iterable[bytes], encoding: str, skip: int) -> None:
        self._lines = Lines(blocks, encoding)
        self._row: list[bytes] = []
        self._size = 0
        self._before = self._lines.octet
        for _ in range(skip):
            next(self, None)
        self.forget()

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self._row.append(line)
        self._size += len(line)
        return self._lines.loose(line)

    def forget(self) -> None:
        """Begin a new row."""
        self._before += self._size
        self._row.clear()
        self._size = 0

    def place(self) -> tuple[int, bytes]:
        """Tell where the row began, and its octets."""
        return self._before, b"".join(self._row)
