"""The partitions of a day: made on first need, in a transaction of their own."""

from datetime import UTC, date, datetime, timedelta

from psycopg2.sql import SQL, Composed, Identifier

from bmuid.store.transaction import Transaction

US_A_DAY = 86_400_000_000
FIRST_DAY = date(1970, 1, 1)


def day_of(number: int) -> date:
    """Give the date of day *number* since 1970-01-01 (UTC)."""
    return FIRST_DAY + timedelta(days=number)


def number_of(instant: datetime) -> int:
    """Give the day number (UTC) of an aware instant."""
    return (instant.astimezone(UTC).date() - FIRST_DAY).days


def of_day(statement: str, table: str, number: int) -> Composed:
    """
    Put the partition of a day into a statement, where its one ``{}`` is.

    COPY is refused on a table with row level security; its partitions, which nobody reads, have none.
    """
    return SQL(statement).format(Identifier(partition(table, number)))


def partition(table: str, number: int) -> str:
    """Give the name of a table's partition of a day."""
    return f"{table}_{day_of(number):%Y%m%d}"


def ensure(txn: Transaction, number: int) -> None:
    """Make the partitions of one day, unless they are there."""
    txn.execute("SELECT ensure_day(%(day)s)", {"day": day_of(number)})
