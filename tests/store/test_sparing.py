"""Transactions that take two round trips less: begun, committed and taken back as any other, whatever is held."""

from collections.abc import Iterator
from contextlib import closing, suppress
from io import BytesIO

import psycopg2
import pytest
from conftest import Database

from bmuid.store import sparing
from bmuid.store.sparing import SparingConnection


@pytest.fixture
def connection(database: Database) -> Iterator[SparingConnection]:
    """Connect, to a table of numbers, each there once."""
    with (
        closing(psycopg2.connect(database.dsn("postgres"))) as owner,
        owner,
        owner.cursor() as txn,
    ):
        txn.execute("CREATE TABLE public.numbers (number integer PRIMARY KEY)")
    with closing(sparing.connect(database.dsn("postgres"))) as found:
        yield found


def numbers(database: Database) -> list[int]:
    """Give what is committed, as any other sees it."""
    with closing(psycopg2.connect(database.dsn("postgres"))) as other, other.cursor() as txn:
        txn.execute("SELECT number FROM public.numbers ORDER BY 1")
        return [number for (number,) in txn.fetchall()]


INSERT = "INSERT INTO public.numbers VALUES (%(number)s)"


def test_nothing_is_there_before_the_commit_and_all_after_it(
    database: Database, connection: SparingConnection
) -> None:
    """Statements, those that are held, and what is copied are one transaction."""
    with connection.cursor() as txn:
        txn.execute(INSERT, {"number": 1})
        txn.hold(txn.mogrify(INSERT, {"number": 2}))
        txn.hold(txn.mogrify(INSERT, {"number": 3}))
        txn.copy_expert("COPY public.numbers FROM STDIN", BytesIO(b"4\n"))
        txn.hold(txn.mogrify(INSERT, {"number": 5}))
    before = numbers(database)
    connection.commit()

    assert (before, numbers(database)) == ([], [1, 2, 3, 4, 5])


def test_what_is_held_is_there_for_the_next_statement(connection: SparingConnection) -> None:
    """Whoever looks after a write sees it: a later event finds what an earlier one drew."""
    with connection.cursor() as txn:
        txn.hold(txn.mogrify(INSERT, {"number": 1}))
        txn.execute("SELECT count(*) FROM public.numbers")

        assert txn.fetchall() == [(1,)]


def test_what_is_held_alone_is_committed(
    database: Database, connection: SparingConnection
) -> None:
    """Also where it is the whole transaction."""
    with connection.cursor() as txn:
        txn.hold(txn.mogrify(INSERT, {"number": 1}))
    connection.commit()
    connection.commit()

    assert numbers(database) == [1]


def test_taken_back_nothing_stays(database: Database, connection: SparingConnection) -> None:
    """Neither what was sent nor what was held, though it would fail, and the next transaction is one of its own."""
    with connection.cursor() as txn:
        txn.execute(INSERT, {"number": 1})
        txn.hold(txn.mogrify(INSERT, {"number": 1}))
        connection.rollback()
        txn.execute(INSERT, {"number": 3})
        connection.commit()

    assert numbers(database) == [3]


def test_a_held_statement_that_fails_fails_the_commit(
    database: Database, connection: SparingConnection
) -> None:
    """Nobody is told of success: all of the transaction is gone, and the connection serves on."""
    with connection.cursor() as txn:
        txn.execute(INSERT, {"number": 1})
        txn.hold(txn.mogrify(INSERT, {"number": 1}))
        with pytest.raises(psycopg2.errors.UniqueViolation):
            connection.commit()
        connection.rollback()
        txn.execute(INSERT, {"number": 2})
        connection.commit()

    assert numbers(database) == [2]


def test_a_failure_that_nobody_heeded_is_no_success(
    database: Database, connection: SparingConnection
) -> None:
    """PostgreSQL ends such a transaction without a word at COMMIT; here it is said."""
    with connection.cursor() as txn:
        txn.execute(INSERT, {"number": 1})
        with suppress(psycopg2.errors.UniqueViolation):
            txn.execute(INSERT, {"number": 1})
    with pytest.raises(psycopg2.InternalError):
        connection.commit()

    assert numbers(database) == []
