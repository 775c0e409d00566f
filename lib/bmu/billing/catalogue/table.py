"""Large tables of a catalogue as CSV: a line of keys, then a row a line."""

import csv
from collections.abc import Iterator, Sequence

from bmu.billing.catalogue.fields import Field
from bmu.billing.catalogue.forms import Form
from bmu.billing.catalogue.reading import Reading, Values
from bmu.billing.document import Entry

# By what a table's file name begins with.
TABLES = {"locations": "location", "patterns": "pattern", "rates": "rate"}


class Line(Entry):
    """A line of a table; its faults name file, line and field."""

    __slots__ = ()

    def fault(self, key: str, what: str) -> None:
        """Note what is wrong with a field."""
        self._faults.append(f"{self.place}: {key}: {what}")


def read_table(
    form: Form, name: str, text: str, reading: Reading, faults: list[str]
) -> list[object]:
    """Read the rows of a table; *name* is of its file."""
    lines = numbered(name, text, faults)
    header = next(lines, None)
    if header is None:
        faults.append(f"{name}:1: is empty; its first line names the fields")
        return []
    columns = _columns(form, f"{name}:{header[0]}", header[1], faults)
    if columns is None:
        return []
    rows = []
    for number, cells in lines:
        place = f"{name}:{number}"
        if len(cells) != len(columns):
            faults.append(f"{place}: has {len(cells)} fields, the first line {len(columns)}")
            continue
        before = len(faults)
        row = _row(form, Line(_raw(columns, cells), place, faults), columns, cells, reading)
        reading.stands(form, row, place, faulty=len(faults) > before)
        rows.append(row)
    return rows


class _Column:
    """A field, and what its cells were read as before: large tables say the same again and again."""

    __slots__ = ("_known", "field", "is_beside")

    def __init__(self, field: Field, *, is_beside: bool) -> None:
        self.field = field
        self.is_beside = is_beside
        self._known: dict[str, tuple[object, object, tuple[str, ...]]] = {}

    def read(self, cell: str) -> tuple[object, object, tuple[str, ...]]:
        """Give what TOML would hold, the value, and what is wrong with it."""
        known = self._known.get(cell)
        if known is None:
            key = self.field.key
            raw = self.field.kind.of_cell(cell)
            faults: list[str] = []
            value = self.field.kind.read(Entry({key: raw}, "", faults), key)
            known = self._known[cell] = (raw, value, tuple(faults))
        return known


def _columns(
    form: Form, place: str, keys: Sequence[str], faults: list[str]
) -> list[_Column] | None:
    known = {each.key: _Column(each, is_beside=False) for each in form.fields}
    known |= {each.key: _Column(each, is_beside=True) for each in form.beside}
    wrong = [key for key in keys if key not in known]
    wrong += [key for key in known if keys.count(key) > 1]
    faults += [
        f"{place}: {key or 'a field without a name'}: "
        + (
            "is there twice"
            if key in known
            else f"there is no such field; known are {', '.join(known)}"
        )
        for key in wrong
    ]
    return None if wrong else [known[key] for key in keys]


def _raw(columns: Sequence[_Column], cells: Sequence[str]) -> dict[str, object]:
    return {
        column.field.key: column.read(cell)[0]
        for column, cell in zip(columns, cells, strict=True)
        if cell
    }


def _row(
    form: Form, line: Line, columns: Sequence[_Column], cells: Sequence[str], reading: Reading
) -> object:
    values: Values = {}
    for column, cell in zip(columns, cells, strict=True):
        if cell:
            _, values[column.field.name], wrong = column.read(cell)
            for fault in wrong:
                key, _, what = fault.partition(": ")
                line.fault(key, what)
    for each in (*form.fields, *form.beside):
        if each.name not in values:
            values[each.name] = each.read(line)
    return reading.row(form, line, values)


def numbered(name: str, text: str, faults: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Give each line that is not empty, its blanks around the cells cut off, with its number."""
    reader = csv.reader(text.removeprefix("\ufeff").split("\n"), strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            faults.append(f"{name}:{reader.line_num}: can't be read as CSV: {error}")
            return
        if cells and cells != [""]:
            yield reader.line_num, [cell.strip() for cell in cells]
