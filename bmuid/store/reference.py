"""Since when the reference data that usage was rated by is as it is."""

from psycopg2.sql import SQL, Identifier

from bmuid.store.tables import TABLES
from bmuid.store.transaction import Transaction


def catalogue_revision(txn: Transaction) -> int:
    """Give the newest revision that changed the catalogue; 0 before the first."""
    changes = [
        SQL("SELECT max(greatest(since, until)) AS at FROM {}").format(Identifier(name))
        for name in (*(table.name for table in TABLES), "company_terms")
    ]
    txn.execute(
        SQL("SELECT coalesce(max(at), 0) FROM ({}) AS c").format(SQL(" UNION ALL ").join(changes))
    )
    row = txn.fetchone()
    assert row is not None, "an aggregate gives a row"
    return int(row[0])


def owners_revision(txn: Transaction, account_id: int) -> int:
    """Give the newest revision that changed what an account owned when, or on what terms it is rated."""
    txn.execute(
        """
        WITH RECURSIVE upwards AS (
            SELECT id, parent_id FROM account WHERE id = %(account)s
            UNION ALL SELECT a.id, a.parent_id FROM account AS a JOIN upwards AS u ON a.id = u.parent_id
        )
        SELECT coalesce(greatest(
            (SELECT max(greatest(since, until)) FROM uid_history WHERE account_id = %(account)s),
            (SELECT max(greatest(since, until)) FROM service_terms WHERE account_id = %(account)s),
            (SELECT max(greatest(t.since, t.until)) FROM account_terms AS t JOIN upwards AS u ON u.id = t.account_id)
        ), 0)
        """,
        {"account": account_id},
    )
    row = txn.fetchone()
    assert row is not None, "an aggregate gives a row"
    return int(row[0])
