"""From documents to a catalogue, or to everything that is wrong with them."""

import re
from collections import Counter
from collections.abc import Callable, Mapping

from bmu.billing.catalogue.company import Catalogue, Company, read_company
from bmu.billing.catalogue.forms import FORMS, Form
from bmu.billing.catalogue.reading import Holidays, Reading
from bmu.billing.catalogue.table import TABLES, read_table
from bmu.billing.document import Entry
from bmu.rating import TariffRows, validate
from bmu.toml import NotTomlError, parsed

_HEAD = re.compile(r"\s*\[\[\s*(\w+)\s*\]\]")
# A catalogue in one document holds all its rates and places.
DOCUMENT_CHARACTERS_MAX = 48 * 1024 * 1024
_NO_COMPANY = Company("", "", "", "")


def read(document: str, holidays: Holidays | None = None) -> Catalogue | tuple[str, ...]:
    """Read a catalogue of one document, or give everything that is wrong with it, a line each."""
    return read_parts({"": document}, holidays)


def read_parts(
    parts: Mapping[str, str], holidays: Holidays | None = None
) -> Catalogue | tuple[str, ...]:
    """
    Read a catalogue of several files, or give everything that is wrong with it, a line each.

    Shapes:
        parts: text by file name; NAME.toml, and the tables locations*.csv, patterns*.csv, rates*.csv.
    """
    faults: list[str] = []
    reading = Reading(holidays)
    tables = _tables(parts, faults)
    documents = [
        _Part(name, text) for name, text in sorted(parts.items()) if not name.endswith(".csv")
    ]
    company = _company(documents, faults)
    reading.currency = company.currency
    rows: dict[str, tuple[object, ...]] = {}
    for form in FORMS:
        found: list[object] = []
        if form.table == "pattern":
            found += reading.patterns
        for part in documents:
            found += part.rows(form, reading)
        for name, text in tables.get(form.table, ()):
            found += read_table(form, name, text, reading, faults)
        rows[form.rows] = tuple(found)
    for part in documents:
        faults += part.end()
    make: Callable[..., TariffRows] = TariffRows
    catalogue = Catalogue(company, make(**rows))
    plans = {row.code for row in catalogue.rows.rate_plans}
    if company.rate_plan is not None and company.rate_plan not in plans:
        faults.append(f"company.rate_plan: names {company.rate_plan!r}, which does not exist")
    faults += _misfits(catalogue.rows, reading)
    return tuple(faults) if faults else catalogue


def _tables(parts: Mapping[str, str], faults: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Give the tables by what they are of."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, text in sorted(parts.items()):
        if name.endswith(".csv"):
            table = next((TABLES[one] for one in TABLES if name.startswith(one)), None)
            if table is None:
                known = ", ".join(f"{one}*.csv" for one in TABLES)
                faults.append(f"{name}: is no table of a catalogue; they are {known}")
            else:
                found.setdefault(table, []).append((name, text))
    return found


def _company(documents: list["_Part"], faults: list[str]) -> Company:
    holding = [part for part in documents if part.entry.has("company")]
    faults += [
        f"{part.name}: company: stands in {holding[0].name} already" for part in holding[1:]
    ]
    found = [part.entry.table("company", read_company) for part in holding]
    if found:
        return found[0]
    if all(part.is_read for part in documents):
        faults.append("company: is missing; give a table: [company]")
    return _NO_COMPANY


def _misfits(rows: TariffRows, reading: Reading) -> list[str]:
    """Say, with the places in the documents, which rows don't fit others; faulty ones aside."""
    return [
        f"{', '.join(reading.places[fault.table, fault.code]) or fault.table}: {fault.code} {fault.what}"
        for fault in validate(rows)
        if (fault.table, fault.code) not in reading.faulty
    ]


class _Part:
    """One document in TOML; without a name where it is the only one."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.is_read = True
        self._faults: list[str] = []
        values: dict[str, object] = {}
        try:
            values = parsed(text, DOCUMENT_CHARACTERS_MAX)
        except NotTomlError as error:
            self._faults.append(str(error))
            self.is_read = False
        self.entry = Entry(values, "", self._faults)
        self._lines = _heads(text) if name else {}

    def rows(self, form: Form, reading: Reading) -> list[object]:
        """Read a table."""

        def row(entry: Entry) -> object:
            before = len(self._faults)
            entry.place = place = self._place(entry.place)
            values = {each.name: each.read(entry) for each in (*form.fields, *form.beside)}
            made = reading.row(form, entry, values)
            entry.end()
            reading.stands(form, made, place, faulty=len(self._faults) > before)
            return made

        return list(self.entry.each(form.table, row))

    def end(self) -> list[str]:
        """Give all that is wrong with the document itself."""
        self.entry.end()
        return [
            fault
            if not self.name or fault.startswith(f"{self.name}:")
            else f"{self.name}: {fault}"
            for fault in self._faults
        ]

    def _place(self, place: str) -> str:
        """Give where a table stands: in a document with a name, with that and the line."""
        if not self.name:
            return place
        line = self._lines.get(place)
        return f"{self.name}:{line}: {place}" if line else f"{self.name}: {place}"


def _heads(text: str) -> dict[str, int]:
    """Give the line on which each table of a list begins, by its place."""
    counts: Counter[str] = Counter()
    lines = {}
    for number, line in enumerate(text.split("\n"), 1):
        head = _HEAD.match(line)
        if head:
            counts[head[1]] += 1
            lines[f"{head[1]}[{counts[head[1]]}]"] = number
    return lines
