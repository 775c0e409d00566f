"""Sessions of customers: entered and left where their rows are, by the role that may see no others."""

from bmuid.store.transaction import Transaction


def enter(txn: Transaction, token: str) -> int | None:
    """
    Let this transaction see the rows of the customer whose live session *token* opens.

    Shapes:
        Result: the account's id; None: no such session, or it has ended.
    """
    txn.execute("SELECT enter(%(token)s)", {"token": token})
    (account_id,) = _row(txn)
    return account_id if isinstance(account_id, int) else None


def entered(txn: Transaction) -> int:
    """Give the id of the account that this transaction has entered."""
    txn.execute("SELECT entered_account()")
    (account_id,) = _row(txn)
    assert isinstance(account_id, int), "no session was entered"
    return account_id


def leave(txn: Transaction, token: str) -> bool:
    """End the session; tell whether it was still open."""
    txn.execute("SELECT leave(%(token)s)", {"token": token})
    (was_open,) = _row(txn)
    return bool(was_open)


def end_all(txn: Transaction, login: str) -> int:
    """End every open session of the login of that name; give how many there were."""
    txn.execute(
        """
        UPDATE session SET ended = true
        WHERE NOT ended AND login_id = (SELECT id FROM login WHERE name = %(login)s)
        """,
        {"login": login},
    )
    return txn.rowcount


def _row(txn: Transaction) -> tuple[object, ...]:
    row = txn.fetchone()
    assert row is not None, "a function call gives a row"
    return row
