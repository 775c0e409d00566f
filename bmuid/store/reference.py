"""Since when the reference data that usage was rated by is as it is."""

from collections.abc import Sequence

from psycopg2.sql import SQL, Identifier

from bmuid.store.copying import array
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


def owners_revisions(txn: Transaction, account_ids: Sequence[int]) -> dict[int, int]:
    """
    Give the newest revision that changed what accounts owned when, or on what terms each is rated; 0: none did.

    Who pays an account's usage, and whoever is above one of them, has a say in its terms, too.
    """
    txn.execute(
        """
        WITH RECURSIVE paying AS (
            SELECT account_id, usage_invoicer_id AS id FROM account_terms
            WHERE account_id = ANY (%(ids)s::bigint[]) AND usage_invoicer_id IS NOT NULL
        ), upwards AS (
            SELECT w.account_id, a.id, a.parent_id FROM account AS a JOIN (
                SELECT id AS account_id, id FROM unnest(%(ids)s::bigint[]) AS id UNION SELECT account_id, id FROM paying
            ) AS w ON w.id = a.id
            UNION SELECT u.account_id, a.id, a.parent_id FROM account AS a JOIN upwards AS u ON a.id = u.parent_id
        )
        SELECT account_id, max(at) FROM (
            SELECT account_id, greatest(since, until) AS at FROM uid_history
            WHERE account_id = ANY (%(ids)s::bigint[])
            UNION ALL SELECT account_id, greatest(since, until) FROM service_terms
            WHERE account_id = ANY (%(ids)s::bigint[])
            UNION ALL SELECT account_id, greatest(since, until) FROM share_member
            WHERE account_id = ANY (%(ids)s::bigint[])
            UNION ALL SELECT u.account_id, greatest(t.since, t.until)
            FROM account_terms AS t JOIN upwards AS u ON u.id = t.account_id
        ) AS changes GROUP BY account_id
        """,
        {"ids": array(account_ids)},
    )
    return dict.fromkeys(account_ids, 0) | dict(txn.fetchall())
