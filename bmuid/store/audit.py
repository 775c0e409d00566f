"""The audit: a chain in which each row holds the hash of the one before."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from bmuid.store.transaction import Transaction


class Asker(Protocol):
    """Who did it, as far as the audit keeps it."""

    @property
    def name(self) -> str:
        """The actor's name."""

    @property
    def door(self) -> Enum:
        """Where the request came in."""

    @property
    def request_id(self) -> str:
        """The request's id, as in the log."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the audit."""

    seq: int
    at: datetime
    actor: str
    door: str
    operation: str
    outcome: str
    object: str
    detail: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for; None: any. before: only those with a smaller number."""

    actor: str | None
    operation: str | None
    before: int | None
    limit: int


def add(
    txn: Transaction,
    actor: Asker,
    operation: str,
    outcome: str,
    object: str,  # noqa: A002 - the audit's own word
    detail: str,
) -> int:
    """Add an entry to the chain, in the transaction of what it tells of; give its number."""
    txn.execute(
        "SELECT audit_add(%(actor)s, %(door)s, %(operation)s, %(outcome)s, %(object)s, %(detail)s, %(request_id)s)",
        {
            "actor": actor.name,
            "door": str(actor.door.value),
            "operation": operation,
            "outcome": outcome,
            "object": object,
            "detail": detail,
            "request_id": actor.request_id,
        },
    )
    row = txn.fetchone()
    assert row is not None, "a function call gives a row"
    return int(row[0])


def entries(txn: Transaction, wanted: Wanted) -> tuple[Entry, ...]:
    """Give the entries asked for, the newest first."""
    txn.execute(
        """
        SELECT seq, at, actor, door, operation, outcome, object, detail, request_id
        FROM audit
        WHERE (%(actor)s IS NULL OR actor = %(actor)s)
        AND (%(operation)s IS NULL OR operation = %(operation)s)
        AND (%(before)s IS NULL OR seq < %(before)s)
        ORDER BY seq DESC LIMIT %(limit)s
        """,
        {
            "actor": wanted.actor,
            "operation": wanted.operation,
            "before": wanted.before,
            "limit": wanted.limit,
        },
    )
    return tuple(Entry(*row) for row in txn.fetchall())


def length(txn: Transaction) -> int:
    """Count the entries: the number of the last one."""
    txn.execute("SELECT coalesce(max(seq), 0) FROM audit")
    row = txn.fetchone()
    assert row is not None, "an aggregate gives a row"
    return int(row[0])


def broken_at(txn: Transaction) -> int | None:
    """Give the number of the first entry that does not fit the chain; None: it holds."""
    txn.execute("SELECT audit_broken_at()")
    row = txn.fetchone()
    assert row is not None, "a function call gives a row"
    return None if row[0] is None else int(row[0])
