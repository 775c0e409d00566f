"""The catalogue's versions: rows are only added, and ended once."""

from collections.abc import Mapping, Sequence
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


def in_use(
    txn: Transaction, gone: Mapping[str, Sequence[str]], now: datetime
) -> tuple[tuple[str, str], ...]:
    """
    Give what an account or a service still has, or will have.

    Shapes:
        gone: codes by table, of packages, rate plans, price plans and share plans.
        Result: tables and codes, in order.
    """
    txn.execute(
        """
        WITH service AS (
            SELECT id, package FROM account_service
            WHERE upper_inf(during) OR upper(during) > %(now)s
        ), of_service AS (
            SELECT rate_plan, price_plan FROM service_terms
            JOIN service ON service.id = account_service_id WHERE until IS NULL
        )
        SELECT 'package' AS of_table, package AS code FROM service WHERE package = ANY (%(package)s)
        UNION SELECT 'rate_plan', rate_plan FROM of_service WHERE rate_plan = ANY (%(rate_plan)s)
        UNION SELECT 'rate_plan', rate_plan FROM account_terms
            WHERE until IS NULL AND rate_plan = ANY (%(rate_plan)s)
        UNION SELECT 'price_plan', price_plan FROM of_service
            WHERE price_plan = ANY (%(price_plan)s)
        UNION SELECT 'share_plan', share_plan FROM share JOIN share_member AS m ON m.share_id = share.id
            WHERE m.until IS NULL AND (upper_inf(m.during) OR upper(m.during) > %(now)s)
            AND share_plan = ANY (%(share_plan)s)
        ORDER BY of_table, code
        """,
        {**{table: list(codes) for table, codes in gone.items()}, "now": now},
    )
    return tuple(txn.fetchall())
