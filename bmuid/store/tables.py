"""The tables of the catalogue: rows read as they were at a revision, added by one and ended by another."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple, Protocol, TypeVar

from psycopg2.extras import execute_values
from psycopg2.sql import SQL, Composed, Identifier

from bmu.rating import (
    BucketTypeRow,
    HolidayCalendarRow,
    LocationGroupRow,
    LocationPatternRow,
    LocationRow,
    PackageRow,
    PricePlanRow,
    RateGroupRow,
    RatePlanRow,
    RateRow,
    ReclassRow,
    RoundingRow,
    SharePlanRow,
    TariffRows,
    TaxCodeRow,
    TaxRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmuid.store.columns import Columns, columns_of
from bmuid.store.transaction import Transaction

ROWS_A_STATEMENT = 1000


class Row(Protocol):
    """One version of a row."""

    @property
    def id(self) -> int:
        """The id of this version."""

    @property
    def code(self) -> str:
        """What other rows call it."""


R = TypeVar("R", bound=Row)


class Table(NamedTuple):
    """
    One table of the catalogue.

    Shapes:
        rows: where `TariffRows` has its rows.
    """

    name: str
    rows: str
    kind: type[Any]
    columns: Columns

    def of(self, rows: TariffRows) -> tuple[Row, ...]:
        """Give those of all rows that are of this table."""
        found: tuple[Row, ...] = getattr(rows, self.rows)
        return found

    def without(self, rows: TariffRows, others: TariffRows) -> tuple[Row, ...]:
        """Give those of this table's rows that are not, whatever their ids, among the others."""
        value = attrgetter(*(name for name in self.columns.names if name != "id"))
        known = set(map(value, self.of(others)))
        return tuple(row for row in self.of(rows) if value(row) not in known)


TABLES = tuple(
    Table(name, rows, kind, columns_of(kind))
    for name, rows, kind in (
        ("usage_class", "usage_classes", UsageClassRow),
        ("location", "locations", LocationRow),
        ("location_pattern", "location_patterns", LocationPatternRow),
        ("time_period", "time_periods", TimePeriodRow),
        ("rounding", "roundings", RoundingRow),
        ("rate_plan", "rate_plans", RatePlanRow),
        ("rate_group", "rate_groups", RateGroupRow),
        ("rate", "rates", RateRow),
        ("bucket_type", "bucket_types", BucketTypeRow),
        ("tax", "taxes", TaxRow),
        ("package", "packages", PackageRow),
        ("location_group", "location_groups", LocationGroupRow),
        ("holiday_calendar", "calendars", HolidayCalendarRow),
        ("reclass", "reclasses", ReclassRow),
        ("share_plan", "share_plans", SharePlanRow),
        ("tax_code", "tax_codes", TaxCodeRow),
        ("price_plan", "price_plans", PricePlanRow),
    )
)
_TABLE_OF: Mapping[type, Table] = {table.kind: table for table in TABLES}

_IN_FORCE = SQL("since <= %(at)s AND (until IS NULL OR until > %(at)s)")


def in_force(txn: Transaction, table: Table, revision: int) -> tuple[Row, ...]:
    """Give the rows of a table in force at a revision, in the order they were added."""
    return tuple(_read(txn, table, SQL("{} ORDER BY id").format(_IN_FORCE), {"at": revision}))


def some_in_force(
    txn: Transaction, kind: type[R], revision: int, where: SQL, values: Mapping[str, object]
) -> tuple[R, ...]:
    """Give those rows of a kind in force at a revision that fit; a condition of constants."""
    both = SQL("{} AND {} ORDER BY id").format(where, _IN_FORCE)
    return tuple(_read(txn, _TABLE_OF[kind], both, {**values, "at": revision}))


def differ(txn: Transaction, one: int, other: int) -> bool:
    """Tell whether any row of the catalogue came into force or ended between two revisions."""
    changed = SQL(
        "EXISTS (SELECT FROM {} WHERE since > %(after)s AND since <= %(to)s OR until > %(after)s AND until <= %(to)s)"
    )
    tables = (changed.format(Identifier(table.name)) for table in TABLES)
    txn.execute(
        SQL("SELECT {}").format(SQL(" OR ").join(tables)),
        {"after": min(one, other), "to": max(one, other)},
    )
    row = txn.fetchone()
    assert row is not None, "a SELECT without FROM gives one row"
    return bool(row[0])


def by_id(txn: Transaction, kind: type[R], id_: int) -> R:
    """Give one version of a row, which exists."""
    row: R
    [row] = _read(txn, _TABLE_OF[kind], SQL("id = %(id)s"), {"id": id_})
    return row


def by_code(txn: Transaction, kind: type[R], code: str, revision: int) -> R:
    """Give the row of a code that was in force at a revision; one was, and no other."""
    row: R
    where = SQL("code = %(code)s AND {}").format(_IN_FORCE)
    [row] = _read(txn, _TABLE_OF[kind], where, {"code": code, "at": revision})
    return row


def as_then(txn: Transaction, kind: type[R], revision: int) -> tuple[R, ...]:
    """Give the rows in force at a revision; of a code that came only later, those that it had first."""
    table = _TABLE_OF[kind]
    where = SQL(
        "since <= greatest(%(at)s, (SELECT min(f.since) FROM {name} AS f WHERE f.code = {name}.code))"
        " AND (until IS NULL OR until > %(at)s) ORDER BY id"
    ).format(name=Identifier(table.name))
    return tuple(_read(txn, table, where, {"at": revision}))


def add(txn: Transaction, table: Table, rows: Sequence[Row], revision: int) -> None:
    """Put rows in force from a revision on; their ids are given by the database."""
    if not rows:
        return
    stored = table.columns.stored
    statement = SQL("INSERT INTO {} ({}, since) VALUES %s").format(
        Identifier(table.name), SQL(", ").join(Identifier(column.name) for column in stored)
    )
    values = [(*(column.value(row) for column in stored), revision) for row in rows]
    execute_values(txn, statement, values, page_size=ROWS_A_STATEMENT)


def end(txn: Transaction, table: Table, rows: Sequence[Row], revision: int) -> None:
    """Let these rows be in force no longer from a revision on."""
    if not rows:
        return
    statement = SQL("UPDATE {} SET until = %(at)s WHERE id = ANY (%(ids)s)")
    ids = [row.id for row in rows]
    txn.execute(statement.format(Identifier(table.name)), {"at": revision, "ids": ids})
    assert txn.rowcount == len(rows), "revisions are locked, and a version is ended once"


def _read(
    txn: Transaction, table: Table, where: Composed | SQL, values: Mapping[str, object]
) -> Iterator[Any]:
    selected = table.columns.selected
    names = (SQL(each.expression).format(Identifier(each.column)) for each in selected)
    statement = SQL("SELECT {} FROM {} WHERE {}")
    txn.execute(statement.format(SQL(", ").join(names), Identifier(table.name), where), values)
    found = txn.fetchall()
    if not found:
        return iter(())
    # Field by field, and then all rows at once: tables may be large.
    columns: list[Iterable[object]] = [
        column if each.read is None else map(each.read, column)
        for each, column in zip(selected, zip(*found, strict=True), strict=True)
    ]
    return map(table.kind, *columns)
