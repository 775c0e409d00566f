"""The audit: read, and its chain checked."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.operations.grammar import Integer, Text
from bmuid.operations.registry import Actor, argument
from bmuid.operations.rows import staff_reads
from bmuid.store import audit
from bmuid.store.audit import Entry, Wanted
from bmuid.store.transaction import Transaction

LISTED = 50
LISTED_MAX = 1000


@dataclass(frozen=True, slots=True)
class List:
    """Which entries, the newest first."""

    actor: str | None = argument(Text(200), "only what this actor did", optional=True)
    operation: str | None = argument(Text(64), "only this operation", optional=True)
    before: int | None = argument(
        Integer(1, 2**63 - 1), "only entries with a smaller number", optional=True
    )
    limit: int | None = argument(Integer(1, LISTED_MAX), "how many at most", optional=True)


@dataclass(frozen=True, slots=True)
class Verify:
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of the audit, the newest first."""

    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the chain holds, over how many entries; broken_at: the first that does not fit."""

    holds: bool
    entries: int
    broken_at: int | None


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Entries:
    """List entries."""
    wanted = Wanted(
        actor=arguments.actor,
        operation=arguments.operation,
        before=arguments.before,
        limit=arguments.limit or LISTED,
    )
    return Entries(audit.entries(txn, wanted))


def verify(txn: Transaction, actor: Actor, arguments: Verify, now: datetime) -> Verified:
    """Check every entry against the one before."""
    broken_at = audit.broken_at(txn)
    return Verified(broken_at is None, audit.length(txn), broken_at)


OPERATIONS = (
    staff_reads("audit_list", "Who did what, the newest first", List, Entries, list_),
    staff_reads("audit_verify", "Whether the audit's chain holds", Verify, Verified, verify),
)
