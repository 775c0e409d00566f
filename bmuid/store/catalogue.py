"""The catalogue's versions: rows are only added, and ended once."""

from collections.abc import Sequence
from datetime import datetime

from bmu.rating import TariffRows
from bmuid.store import tables
from bmuid.store.tables import TABLES
from bmuid.store.transaction import Transaction


def end(txn: Transaction, rows: TariffRows, revision: int) -> None:
    """Let these rows be in force no longer from *revision* on."""
    for table in TABLES:
        tables.end(txn, table, table.of(rows), revision)


def add(txn: Transaction, rows: TariffRows, revision: int) -> None:
    """Put these rows in force from *revision* on; their ids are given by the database."""
    for table in TABLES:
        tables.add(txn, table, table.of(rows), revision)


def packages_in_use(txn: Transaction, codes: Sequence[str], now: datetime) -> tuple[str, ...]:
    """Give those of the packages that a service still has, or will have."""
    txn.execute(
        """
        SELECT DISTINCT package FROM account_service
        WHERE package = ANY (%(codes)s) AND (upper_inf(during) OR upper(during) > %(now)s)
        ORDER BY package
        """,
        {"codes": list(codes), "now": now},
    )
    return tuple(code for (code,) in txn.fetchall())
