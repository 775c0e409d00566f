"""Revisions of the reference data: each change of tariff or owners is one, in the order they are seen."""

from bmuid.store.transaction import Transaction


def lock(txn: Transaction) -> None:
    """
    Let no other transaction change the reference data before this one ends.

    Usage is rated by the newest revision that can be seen, so no later one may become visible first.
    """
    txn.execute("SELECT pg_advisory_xact_lock(hashtext('bmu.revision'))")


def add(txn: Transaction, actor: str, note: str) -> int:
    """Begin a revision, after lock(); give its number."""
    txn.execute(
        "INSERT INTO revision (actor, note) VALUES (%(actor)s, %(note)s) RETURNING id",
        {"actor": actor, "note": note},
    )
    row = txn.fetchone()
    assert row is not None, "an insert gives its row"
    return int(row[0])


def newest(txn: Transaction) -> int:
    """Give the number of the newest revision; 0 before the first."""
    txn.execute("SELECT coalesce(max(id), 0) FROM revision")
    row = txn.fetchone()
    assert row is not None, "an aggregate gives a row"
    return int(row[0])
