"""Rows of the catalogue as people write them, and what differs between two versions of them."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from bmu.billing.catalogue import Catalogue, Company, dump
from bmu.rating import TariffRows
from bmuid.operations.document import plain
from bmuid.store.tables import TABLES, Row, Table

# What a document of rows alone begins with is cut off again.
_NOBODY = Company("", "", "", "")
_CODE = "code"


class Change(Enum):
    """What becomes of a row."""

    ADDED = "ADDED"
    CHANGED = "CHANGED"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that is new, changed or ended; *what* names each key with what it was and is."""

    table: str
    code: str
    change: Change
    what: str


def row_changes(ended: TariffRows, added: TariffRows) -> Iterator[RowChange]:
    """Tell, table by table, what becomes of each row that is not as before."""
    for table in TABLES:
        before, after = written(table, ended), written(table, added)
        for key in sorted({*before, *after}):
            was, is_ = before.get(key), after.get(key)
            change = (
                Change.ADDED if was is None else Change.ENDED if is_ is None else Change.CHANGED
            )
            yield RowChange(table.name, key[0], change, _what(was, is_))


def written(table: Table, rows: TariffRows) -> dict[tuple[str, str], Mapping[str, object]]:
    """Give a table's rows as a document has them, by code and first day."""
    held = table.of(rows)
    if not held:
        return {}
    return dict(zip(map(_key, held), _tables(document_of(table, rows)), strict=True))


def document_of(table: Table, rows: TariffRows) -> str:
    """Write a table's rows as a document that holds nothing else."""
    make: Callable[..., TariffRows] = TariffRows
    units = {} if table.rows == "usage_classes" else {"usage_classes": rows.usage_classes}
    alone = dump(Catalogue(_NOBODY, make(**{table.rows: table.of(rows)}, **units)))
    blocks = alone.split("\n\n[[")[1 + sum(map(len, units.values())) :]
    return "\n\n".join(f"[[{block.rstrip()}" for block in blocks) + "\n"


def _tables(document: str) -> list[Mapping[str, object]]:
    tables: list[Mapping[str, object]]
    [tables] = tomllib.loads(document).values()
    return tables


def _key(row: Row) -> tuple[str, str]:
    return row.code, str(getattr(row, "valid_from", None) or "")


def _what(was: Mapping[str, object] | None, is_: Mapping[str, object] | None) -> str:
    before, after = was or {}, is_ or {}
    keys = [key for key in {**before, **after} if key != _CODE]
    return ", ".join(
        f"{key}: {_text(before.get(key))} -> {_text(after.get(key))}"
        if was is not None and is_ is not None
        else f"{key}: {_text(before.get(key, after.get(key)))}"
        for key in keys
        if before.get(key) != after.get(key)
    )


def _text(value: object) -> str:
    return "none" if value is None else str(plain(value))
