"""From a catalogue to documents that read as the same catalogue, always in the same octets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from bmu.billing.catalogue.company import FIELDS, Catalogue
from bmu.billing.catalogue.fields import Written, written
from bmu.billing.catalogue.forms import FORMS, Form
from bmu.billing.catalogue.measures import per_word
from bmu.billing.catalogue.reading import BY_QUANTITY, UNPRICED, rate_code
from bmu.billing.catalogue.table import TABLES
from bmu.money import decimal_text, money_text
from bmu.rating import (
    BucketKind,
    BucketTypeRow,
    LocationRow,
    PackageRow,
    RateRow,
    TariffRows,
)
from bmu.usage import Unit

Table = dict[str, Written]

_MAIN = "catalogue.toml"
_LINE_MAX = 99


def dump(catalogue: Catalogue) -> str:
    """Write a catalogue as one document."""
    standing = _standing(catalogue.rows)
    left = catalogue.rows.location_patterns[sum(len(codes) for codes in standing.values()) :]
    tables = _tables(replace(catalogue.rows, location_patterns=left), standing)
    return "\n".join(_toml(catalogue, tables))


def dump_parts(catalogue: Catalogue) -> dict[str, str]:
    """Write a catalogue as a directory's files: text by name, the large tables as CSV."""
    tables = _tables(catalogue.rows, {})
    parts = _parts(tables)
    return {_MAIN: "\n".join(_toml(catalogue, tables)), **parts}


def dump_tables(rows: TariffRows, *, in_one: bool) -> dict[str, str]:
    """Write the large tables alone, as CSV by file name; *in_one*: undated patterns with their locations, not apart."""
    standing: dict[str, list[str]] = {}
    if in_one:
        for row in rows.location_patterns:
            standing.setdefault(row.location, []).append(row.code)
        rows = replace(rows, location_patterns=())
    return _parts(_tables(rows, standing))


def _parts(tables: dict[str, list[Table]]) -> dict[str, str]:
    """Take out the large tables, and write them."""
    forms = {form.table: form for form in FORMS}
    parts = {}
    for name, table in TABLES.items():
        if tables[table]:
            parts[f"{name}.csv"] = "".join(_csv(forms[table], tables.pop(table)))
    return parts


def _tables(rows: TariffRows, standing: Mapping[str, list[str]]) -> dict[str, list[Table]]:
    """Give each table of the document; *standing*: codes of patterns that stand with their locations."""
    units = {row.code: row.unit for row in rows.usage_classes}
    found = {}
    for form in FORMS:
        held: Iterable[object] = getattr(rows, form.rows)
        tables = []
        for row in held:
            table = written(form.fields, row)
            if isinstance(row, LocationRow) and row.code in standing:
                table["patterns"] = standing[row.code]
            tables.append(_in_order(form, _worded(row, table, units)))
        found[form.table] = tables
    return found


def _in_order(form: Form, table: Table) -> Table:
    return {
        each.key: table[each.key] for each in (*form.fields, *form.beside) if each.key in table
    }


def _standing(rows: TariffRows) -> dict[str, list[str]]:
    """Give those first patterns that can stand with their locations and keep their order."""
    order = {row.code: number for number, row in enumerate(rows.locations)}
    found: dict[str, list[str]] = {}
    last = -1
    for row in rows.location_patterns:
        at = order.get(row.location, -1)
        if at < last or at == -1 or row.valid_from is not None or row.valid_to is not None:
            break
        found.setdefault(row.location, []).append(row.code)
        last = at
    return found


def _worded(row: object, table: Table, units: Mapping[str, Unit]) -> Table:
    """Write as people do what other fields give a meaning to."""
    match row:
        case RateRow():
            _word_rate(row, table, units.get(row.usage_class))
        case BucketTypeRow() if row.kind is BucketKind.MONEY:
            _word_money(table)
        case PackageRow():
            table["price"] = money_text(row.price_minor, row.currency)
        case _:
            pass
    return table


def _word_rate(row: RateRow, table: Table, unit: Unit | None) -> None:
    names = (row.rate_group, row.usage_class, row.location, row.location_group)
    if row.code == rate_code(*names, valid_from=row.valid_from):
        del table["code"]
    if not row.tiers and row.kind not in UNPRICED:
        table["price"] = decimal_text(row.price_e11)
    if not row.tiers and row.kind in BY_QUANTITY:
        table["per"] = str(row.per)
    for one in (table, *_nested(table, "steps"), *_nested(table, "tiers")):
        if "per" in one and row.kind in BY_QUANTITY:
            one["per"] = per_word(int(str(one["per"])), unit)


def _word_money(table: Table) -> None:
    for one in (table, *_nested(table, "tiers")):
        for key in ("quantity", "rollover_max"):
            held = one.get(key)
            if isinstance(held, int):
                one[key] = decimal_text(held)


def _nested(table: Table, key: str) -> list[Table]:
    tables = table.get(key, [])
    assert isinstance(tables, list), tables
    return tables


def _toml(catalogue: Catalogue, tables: Mapping[str, list[Table]]) -> Iterable[str]:
    yield "[company]"
    yield from _lines(written(FIELDS, catalogue.company))
    for form in FORMS:
        for table in tables.get(form.table, ()):
            yield f"\n[[{form.table}]]"
            yield from _lines(table)
    yield ""


def _lines(table: Mapping[str, Written]) -> Iterable[str]:
    for key, value in table.items():
        line = f"{key} = {_value(value)}"
        if len(line) <= _LINE_MAX or not isinstance(value, list):
            yield line
        else:
            yield f"{key} = ["
            yield from (f"    {_value(one)}," for one in value)
            yield "]"


def _value(value: Written | Mapping[str, Written]) -> str:
    match value:
        case str():
            return '"' + "".join(_character(one) for one in value) + '"'
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case date():
            return value.isoformat()
        case Mapping():
            return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
        case _:
            return "[" + ", ".join(_value(one) for one in value) + "]"


def _character(one: str) -> str:
    if one in '"\\':
        return "\\" + one
    return one if one.isprintable() else f"\\U{ord(one):08x}"


def _csv(form: Form, tables: Sequence[Table]) -> Iterable[str]:
    used = {key for table in tables for key in table}
    keys = [each.key for each in (*form.fields, *form.beside) if each.key in used]
    yield ",".join(keys) + "\n"
    for table in tables:
        yield ",".join(_cell(table[key]) if key in table else "" for key in keys) + "\n"


def _cell(value: Written) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            text = value
        case int() | date():
            text = str(value)
        case _:
            text = _cells(value)
    return '"' + text.replace('"', '""') + '"' if any(one in text for one in ',"\r\n') else text


def _cells(values: Sequence[object]) -> str:
    if all(isinstance(one, Mapping) for one in values):
        return "; ".join(
            " ".join(f"{key}={one}" for key, one in table.items())
            for table in values
            if isinstance(table, Mapping)
        )
    return " ".join(str(one) for one in values)
