"""Keyed requests: the answer once given, so that asking again changes nothing."""

from dataclasses import dataclass

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Answered:
    """What a key was used for, and what came of it; digest is of the arguments."""

    operation: str
    digest: bytes
    result: str


def lock(txn: Transaction, actor: str, key: str) -> None:
    """Let no other transaction use this key before this one ends."""
    txn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(actor)s || ' ' || %(key)s, 5023))",
        {"actor": actor, "key": key},
    )


def answered(txn: Transaction, actor: str, key: str) -> Answered | None:
    """Give what was answered under this key."""
    txn.execute(
        "SELECT operation, arguments, result FROM bmu.request_key WHERE actor = %(actor)s AND key = %(key)s",
        {"actor": actor, "key": key},
    )
    row = txn.fetchone()
    return Answered(operation=row[0], digest=bytes(row[1]), result=row[2]) if row else None


def add(txn: Transaction, actor: str, key: str, given: Answered) -> None:
    """Keep what is answered under this key."""
    txn.execute(
        "INSERT INTO bmu.request_key (actor, key, operation, arguments, result)"
        " VALUES (%(actor)s, %(key)s, %(operation)s, %(digest)s, %(result)s)",
        {
            "actor": actor,
            "key": key,
            "operation": given.operation,
            "digest": given.digest,
            "result": given.result,
        },
    )
