"""Few rows in one round trip: what is stored is what COPY would have stored, of any text, and a statement lives long."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from conftest import Database

from bmu.rating.detail import Detail
from bmuid.store import at_once
from bmuid.store.at_once import PREPARED_MAX, ROWS_AT_ONCE_MAX, Call, Into, Prepared
from bmuid.store.copying import (
    CONSTANTS,
    INSTANT,
    INT2,
    INT4,
    INT8,
    JSON,
    OCTETS,
    TEXT,
    WHOLE,
    Field,
    Rows,
)
from bmuid.store.transaction import Connection

TEXTS = (
    "",
    "NULL",
    "null",
    'a "quoted" \\ word\\',
    "it's {1,2}, isn't it?",
    "two\nlines\tand a tab",
    "Zoë 漢字 🛳",
    "%s %(x)s $1",
    " ",
    None,
)
FORMS = (INT2, INT4, INT8, INSTANT, TEXT, OCTETS, JSON)
FIELDS = (
    *(Field(form, 0, item) for item, form in enumerate(FORMS)),
    Field(INT8, 1, WHOLE),
    Field(TEXT, CONSTANTS, 0),
    Field(INSTANT, CONSTANTS, 1),
)
COLUMNS = "small, middling, large, at, said, octets, data, number, always, once"


def rows(count: int) -> Rows:
    """Give rows of all forms, with the texts one after the other in them."""
    found = [
        (
            -place,
            None if place == 3 else 2**31 - 1 - place,
            -(2**63) + place,
            1_795_254_764_000_001 + place,
            TEXTS[place % len(TEXTS)],
            (TEXTS[place % len(TEXTS)] or "\0\\").encode(),
            Detail(aggregate=TEXTS[place % len(TEXTS)] or "x", recorded_e11=place)
            if place % 2
            else {"a": TEXTS[place % len(TEXTS)] or ""},
        )
        for place in range(count)
    ]
    constants = (TEXT, 'it\'s "always" \\ this'), (INSTANT, 1_795_254_764_999_999)
    return Rows(FIELDS, (found, list(range(count))), constants)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """Connect, to two tables that are alike."""
    with (
        closing(psycopg2.connect(database.dsn("postgres"))) as found,
        found,
        found.cursor() as txn,
    ):
        for name in ("few", "many"):
            txn.execute(
                f"CREATE TEMPORARY TABLE {name} (small smallint, middling integer, large bigint, at timestamptz,"
                " said text, octets bytea, data jsonb, number bigint, always text, once timestamptz)"
            )
        yield found


def test_few_rows_are_what_many_would_be(connection: Connection) -> None:
    """Numbers at their ends, instants to the microsecond, quotes, backslashes, braces, what looks like nothing."""
    few, many = ROWS_AT_ONCE_MAX, ROWS_AT_ONCE_MAX + 1
    with connection.cursor() as txn:
        for table, count in (("few", few), ("many", many)):
            then = Call(Prepared(f"all {table}", f"SELECT count(*) FROM {table}"), ())
            at_once.insert(txn, [Into(table, COLUMNS, rows(count))], [then])
            assert txn.fetchall() == [(count,)]
        txn.execute("SELECT * FROM few ORDER BY number")
        found = txn.fetchall()
        txn.execute("SELECT * FROM many ORDER BY number")

        assert len(found) == few
        assert txn.fetchall()[:few] == found


def test_more_statements_than_are_kept_all_work(connection: Connection) -> None:
    """Days come and go: a connection that lives for months keeps few statements, and makes old ones anew."""
    wanted = [
        Prepared(f"number {number}", f"SELECT $1::integer + {number}")
        for number in range(PREPARED_MAX + 5)
    ]
    with connection.cursor() as txn:
        for number, prepared in [*enumerate(wanted), *enumerate(wanted)]:
            at_once.perform(txn, [Call(wanted[0], (1,)), Call(prepared, (1,))])
            assert txn.fetchall() == [(number + 1,)]
        txn.execute("SELECT count(*) FROM pg_prepared_statements")

        assert txn.fetchall() == [(PREPARED_MAX,)]


def test_a_statement_outlives_a_transaction_that_is_taken_back(database: Database) -> None:
    """What was prepared in a group that failed serves the next one."""
    count = Prepared("count", "SELECT $1::integer")
    with closing(psycopg2.connect(database.dsn("postgres"))) as found, found.cursor() as txn:
        at_once.perform(txn, [Call(count, (1,))])
        found.rollback()
        at_once.perform(txn, [Call(count, (2,))])

        assert txn.fetchall() == [(2,)]
