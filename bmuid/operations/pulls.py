"""Fetching from partners: how it goes, and when somebody is to be told."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.intake import watching
from bmuid.operations.registry import Actor
from bmuid.operations.rows import staff_reads
from bmuid.store import pulls
from bmuid.store.pulls import PullState
from bmuid.store.transaction import Transaction

# Once is a partner's restart.
FAILURES_TOLD = 3


@dataclass(frozen=True, slots=True)
class List:
    """All of them."""


@dataclass(frozen=True, slots=True)
class Pulls:
    """Partners that files were looked for at, by name."""

    pulls: tuple[PullState, ...]


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Pulls:
    """Say how fetching goes."""
    return Pulls(pulls.states(txn))


def noted(txn: Transaction, pull: str, source: str, now: datetime, error: str) -> None:
    """Note how a look at a partner went; raise the alarm when it fails again and again, and clear it when it is over."""
    state = pulls.note(txn, pull, source, now, error)
    if state is None:
        return
    if state.failing_since is None:
        pulls.calm(txn, source, now)
    elif state.failures >= FAILURES_TOLD:
        pulls.alarm(txn, source, state.failing_since, now)
        watching.look(txn, now)


OPERATIONS = (staff_reads("pull_list", "How fetching from partners goes", List, Pulls, list_),)
