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
from bmuid.store.sparing import SparingCursor
from bmuid.store.transaction import Connection, Transaction

# Of more rows COPY is as quick, for all its round trips; and more tables than that are days of long ago.
ROWS_AT_ONCE_MAX = 32
TABLES_AT_ONCE_MAX = 16
# On one connection; of more, the one longest not needed is given up.
PREPARED_MAX = 64

TYPES = {
    INT2: "smallint",
    INT4: "integer",
    INT8: "bigint",
    INSTANT: "timestamptz",
    TEXT: "text",
    OCTETS: "bytea",
    JSON: "jsonb",
}


_NUMBERS = frozenset({INT2, INT4, INT8})
_AS_IT_IS = _NUMBERS | {TEXT}


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
    txn.execute(_texts(txn, calls))


def insert(txn: Transaction, parts: Sequence[Into], then: Sequence[Call]) -> None:
    """
    Write rows of several tables in this order, then perform statements; few rows go in one round trip.

    On a sparing connection the last of it goes with whatever comes next, or with COMMIT.
    """
    most = max((len(part.rows.sources[0]) for part in parts), default=0)
    last = [*then]
    if most <= ROWS_AT_ONCE_MAX and len(parts) <= TABLES_AT_ONCE_MAX:
        last = [*map(_insertion, parts), *then]
    else:
        for table, columns, rows in parts:
            copy = SQL(f"COPY {{}} ({columns}) FROM STDIN BINARY").format(Identifier(table))
            copy_in(txn, copy, encoded(rows))
    if isinstance(txn, SparingCursor):
        txn.hold(_texts(txn, last))
    else:
        perform(txn, last)


def _texts(txn: Transaction, calls: Sequence[Call]) -> bytes:
    _prepare(txn, [call.prepared for call in calls])
    return b";".join(
        [
            txn.mogrify(_execution(call.prepared.name, len(call.values)), call.values)
            for call in calls
        ]
    )


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
    values = [_text(form, value) for form, value in constants]
    forms = "".join([form for form, _ in constants])
    is_one = len(sources[0]) == 1
    for form, source, item in fields:
        if source != CONSTANTS:
            found = sources[source]
            if item != WHOLE:
                found = [row[item] for row in found if isinstance(row, tuple)]
            values.append(_text(form, found[0]) if is_one else array_text(form, found))
    making = _inserting_one if is_one else _inserting
    return Call(making(part.table, part.columns, fields, forms), values)


@lru_cache(maxsize=256)
def _inserting_one(table: str, columns: str, fields: tuple[Field, ...], forms: str) -> Prepared:
    """Give the statement that inserts a row: first come the constants, of these forms, then the rest of it."""
    given: list[str] = []
    count = len(forms)
    for form, source, item in fields:
        if source == CONSTANTS:
            given.append(f"${item + 1}::{TYPES[forms[item]]}")
        else:
            count += 1
            given.append(f"${count}::{TYPES[form]}")
    return Prepared(
        f"insert one {table}",
        f"INSERT INTO {table} ({columns}) VALUES ({', '.join(given)})",  # noqa: S608 - all of it is ours
    )


@lru_cache(maxsize=256)
def _inserting(table: str, columns: str, fields: tuple[Field, ...], forms: str) -> Prepared:
    """Give the statement that inserts rows: first come the constants, of these forms, then arrays of the rest."""
    selected: list[str] = []
    arrays: list[str] = []
    for form, source, item in fields:
        if source == CONSTANTS:
            selected.append(f"${item + 1}::{TYPES[forms[item]]}")
        else:
            selected.append(f"c{len(arrays)}")
            arrays.append(f"${len(forms) + len(arrays) + 1}::{TYPES[form]}[]")
    names = ", ".join(f"c{place}" for place in range(len(arrays)))
    return Prepared(
        f"insert {table}",
        f"INSERT INTO {table} ({columns}) SELECT {', '.join(selected)}"  # noqa: S608 - all of it is ours
        f" FROM unnest({', '.join(arrays)}) AS given ({names})",
    )


def array_text(form: str, values: Iterable[object]) -> str:
    """Write an array as PostgreSQL reads it."""
    if form in _NUMBERS:
        words = ["NULL" if value is None else str(value) for value in values]
    elif form == INSTANT:
        words = [str(_text(form, value) or "NULL") for value in values]
    else:
        words = [_quoted(_text(form, value)) for value in values]
    return "{" + ",".join(words) + "}"


def _quoted(text: object) -> str:
    if text is None:
        return "NULL"
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(form: str, value: object) -> object:
    """Give a value of a form as what is written of it."""
    if value is None or form in _AS_IT_IS:
        return value
    if form == INSTANT:
        assert isinstance(value, int), value
        return from_us(value).isoformat()
    if form == OCTETS:
        assert isinstance(value, bytes), value
        return f"\\x{value.hex()}"
    return json_octets(value)[len(JSON_VERSION) :].decode()
