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


def name(txn: Transaction, revision: int) -> str:
    """
    Give a name for what a revision holds: of this database alone.

    Of a copy that was led back to an earlier day, revisions of the same number are others.
    """
    txn.execute(
        """
        SELECT system_identifier, oid,
            (SELECT (extract(epoch FROM at) * 1000000)::bigint FROM revision WHERE id = %(revision)s)
        FROM pg_control_system(), pg_database WHERE datname = current_database()
        """,
        {"revision": revision},
    )
    row = txn.fetchone()
    assert row is not None, "there is the database that one is connected to"
    system, database, at_us = row
    return f"{system}-{database}-{revision}-{at_us}"
