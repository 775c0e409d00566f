"""Several statements in one round trip, prepared once a connection: for where somebody waits for each."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple
from weakref import WeakKeyDictionary

from psycopg2.sql import SQL, Identifier

from bmu.period import from_us
from bmuid.store.copying import (
    CONSTANTS,
    INSTANT,
    INT2,
    INT4,
    INT8,
    JSON,
    JSON_VERSION,
    OCTETS,
    TEXT,
    WHOLE,
    Field,
    Rows,
    copy_in,
    encoded,
    json_octets,
)
from bmuid.store.transaction import Connection, Transaction

# Of more rows COPY is as quick, for all its round trips; and more tables than that are days of long ago.
ROWS_AT_ONCE_MAX = 32
TABLES_AT_ONCE_MAX = 16
# On one connection; of more, the one longest not needed is given up.
PREPARED_MAX = 64

_TYPES = {
    INT2: "smallint",
    INT4: "integer",
    INT8: "bigint",
    INSTANT: "timestamptz",
    TEXT: "text",
    OCTETS: "bytea",
    JSON: "jsonb",
}


class Prepared(NamedTuple):
    """
    A statement with $1, $2, ..., each cast to its type where it stands first.

    Shapes:
        name: one for each statement.
    """

    name: str
    statement: str


class Call(NamedTuple):
    """A prepared statement with its values."""

    prepared: Prepared
    values: Sequence[object]


class Into(NamedTuple):
    """
    Rows for a table.

    Shapes:
        columns: as the fields of the rows stand.
    """

    table: str
    columns: str
    rows: Rows


_prepared: WeakKeyDictionary[Connection, dict[str, None]] = WeakKeyDictionary()


def perform(txn: Transaction, calls: Sequence[Call]) -> None:
    """Perform statements one after the other in one round trip; only what the last one gives can be fetched."""
    _prepare(txn, [call.prepared for call in calls])
    texts = [
        txn.mogrify(_execution(call.prepared.name, len(call.values)), call.values)
        for call in calls
    ]
    txn.execute(b";".join(texts))


def insert(txn: Transaction, parts: Sequence[Into], then: Sequence[Call]) -> None:
    """Write rows of several tables in this order, then perform statements; few rows go in one round trip."""
    most = max((len(part.rows.sources[0]) for part in parts), default=0)
    if most <= ROWS_AT_ONCE_MAX and len(parts) <= TABLES_AT_ONCE_MAX:
        perform(txn, [*map(_insertion, parts), *then])
        return
    for table, columns, rows in parts:
        copy = SQL(f"COPY {{}} ({columns}) FROM STDIN BINARY").format(Identifier(table))
        copy_in(txn, copy, encoded(rows))
    perform(txn, then)


def _prepare(txn: Transaction, wanted: Iterable[Prepared]) -> None:
    known = _prepared.setdefault(txn.connection, {})
    for name, statement in wanted:
        if name not in known:
            if len(known) >= PREPARED_MAX:
                oldest = next(iter(known))
                txn.execute(SQL("DEALLOCATE {}").format(Identifier(oldest)))
                del known[oldest]
            txn.execute(SQL("PREPARE {} AS {}").format(Identifier(name), SQL(statement)))
        else:
            del known[name]
        # The last is the one that was needed last.
        known[name] = None


@lru_cache(maxsize=256)
def _execution(name: str, count: int) -> str:
    values = f"({', '.join(['%s'] * count)})" if count else ""
    return f'EXECUTE "{name}"{values}'


def _insertion(part: Into) -> Call:
    fields, sources, constants = part.rows
    values: list[object] = [_text(form, value) for form, value in constants]
    for form, source, item in fields:
        if source != CONSTANTS:
            found = sources[source]
            if item != WHOLE:
                found = [row[item] for row in found if isinstance(row, tuple)]
            values.append(_array(form, found))
    forms = "".join(form for form, _ in constants)
    return Call(_inserting(part.table, part.columns, fields, forms), values)


@lru_cache(maxsize=256)
def _inserting(table: str, columns: str, fields: tuple[Field, ...], forms: str) -> Prepared:
    """Give the statement that inserts rows: first come the constants, of these forms, then arrays of the rest."""
    selected: list[str] = []
    arrays: list[str] = []
    for form, source, item in fields:
        if source == CONSTANTS:
            selected.append(f"${item + 1}::{_TYPES[forms[item]]}")
        else:
            selected.append(f"c{len(arrays)}")
            arrays.append(f"${len(forms) + len(arrays) + 1}::{_TYPES[form]}[]")
    names = ", ".join(f"c{place}" for place in range(len(arrays)))
    return Prepared(
        f"insert {table}",
        f"INSERT INTO {table} ({columns}) SELECT {', '.join(selected)}"  # noqa: S608 - all of it is ours
        f" FROM unnest({', '.join(arrays)}) AS given ({names})",
    )


def _array(form: str, values: Iterable[object]) -> str:
    """Write an array as PostgreSQL reads it."""
    return "{" + ",".join([_element(form, value) for value in values]) + "}"


def _element(form: str, value: object) -> str:
    if value is None:
        return "NULL"
    text = _text(form, value)
    if form not in {TEXT, OCTETS, JSON}:
        return str(text)
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(form: str, value: object) -> object:
    """Give a value of a form as what is written of it."""
    if value is None:
        return None
    if form == INSTANT:
        assert isinstance(value, int), value
        return from_us(value).isoformat()
    if form == OCTETS:
        assert isinstance(value, bytes), value
        return f"\\x{value.hex()}"
    if form == JSON:
        return json_octets(value)[len(JSON_VERSION) :].decode()
    return value
