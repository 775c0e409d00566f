"""Buckets that grow with usage: what was measured for them, and what they keep because it was used."""

from collections.abc import Mapping, Sequence

from psycopg2.extras import execute_values

from bmuid.store.transaction import Transaction


def measured(txn: Transaction, keys: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Give what was measured for buckets, by id; keys: their accounts and ids."""
    txn.execute(
        """
        SELECT b.id, coalesce(b.measured, 0)
        FROM unnest(%(accounts)s::bigint[], %(ids)s::bigint[]) AS w (account_id, id)
        JOIN bucket AS b ON b.account_id = w.account_id AND b.id = w.id
        """,
        {
            "accounts": [account_id for account_id, _ in keys],
            "ids": [id_ for _, id_ in keys],
        },
    )
    return dict(txn.fetchall())


def measure(txn: Transaction, moved: Mapping[tuple[int, int], int]) -> None:
    """Note what is measured in addition, or less, by the account and id of buckets that are locked."""
    execute_values(
        txn,
        """
        UPDATE bucket AS b SET measured = coalesce(b.measured, 0) + m.quantity
        FROM (VALUES %s) AS m (account_id, id, quantity) WHERE b.account_id = m.account_id AND b.id = m.id
        """,
        [(*key, quantity) for key, quantity in moved.items()],
    )


def keep_used(txn: Transaction, short: Sequence[tuple[int, int, int]]) -> None:
    """Grant buckets so much that what was drawn from them is there; short: account, id and quantity."""
    execute_values(
        txn,
        """
        INSERT INTO draw (account_id, started_at, bucket_id, kind, version, quantity)
        SELECT b.account_id, lower(b.during), b.id, 'GRANT', 1 + (
            SELECT coalesce(max(d.version), 0) FROM draw AS d WHERE d.account_id = b.account_id
            AND d.started_at = lower(b.during) AND d.udr_id = 0 AND d.bucket_id = b.id
        ), s.quantity
        FROM (VALUES %s) AS s (account_id, id, quantity)
        JOIN bucket AS b ON b.account_id = s.account_id AND b.id = s.id
        """,
        list(short),
    )
