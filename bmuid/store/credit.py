"""How far accounts may go into debt, and what of that is left."""

from bmuid.store.transaction import Transaction


def limit_minor(txn: Transaction, account_id: int) -> int | None:
    """Give an account's limit, in minor units of its currency; None: it has none."""
    txn.execute(
        "SELECT limit_minor FROM account_credit WHERE account_id = %(id)s", {"id": account_id}
    )
    row = txn.fetchone()
    return int(row[0]) if row else None


def put(txn: Transaction, account_id: int, limit: int | None, minor_e11: int) -> None:
    """
    Set an account's limit, or take it away.

    Units:
        limit: minor units of the currency. minor_e11: what one of them is, in 10^-11 of the currency.
    """
    if limit is None:
        txn.execute("DELETE FROM account_credit WHERE account_id = %(id)s", {"id": account_id})
        return
    txn.execute(
        """
        INSERT INTO account_credit (account_id, limit_minor, minor_e11)
        VALUES (%(id)s, %(limit)s, %(minor)s)
        ON CONFLICT (account_id) DO UPDATE SET limit_minor = excluded.limit_minor
        """,
        {"id": account_id, "limit": limit, "minor": minor_e11},
    )


def lock(txn: Transaction, account_id: int) -> None:
    """Let nobody else reserve of an account's credit before this transaction ends."""
    txn.execute(
        "SELECT FROM account_credit WHERE account_id = %(id)s FOR UPDATE", {"id": account_id}
    )


def left_e11(txn: Transaction, account_id: int) -> int | None:
    """
    Give what an account may still spend, but for prices of periods that are not billed yet.

    Shapes:
        Result: None where there is no limit; below zero where the debt is beyond it.
    """
    txn.execute("SELECT credit_left(%(id)s)", {"id": account_id})
    row = txn.fetchone()
    return None if row is None or row[0] is None else int(row[0])
