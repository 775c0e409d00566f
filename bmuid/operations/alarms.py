"""Alarms: what is amiss with sources, listed and cleared."""

from dataclasses import dataclass, replace
from datetime import datetime

from bmuid.intake.watching import text_of
from bmuid.operations.files import ID
from bmuid.operations.grammar import YES, Integer
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, staff_changes, staff_reads
from bmuid.store import alarms
from bmuid.store.transaction import Transaction

LISTED = 50
LISTED_MAX = 1000


@dataclass(frozen=True, slots=True)
class List:
    """Which alarms, the newest first."""

    all: str | None = argument(YES, "those that are over, too", optional=True)
    limit: int | None = argument(Integer(1, LISTED_MAX), "how many at most", optional=True)


@dataclass(frozen=True, slots=True)
class Check:
    """Nothing to say."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Which alarm."""

    id: int = argument(ID, "the alarm's id")


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """An alarm: of which source, what is amiss and what to do, and since when; cleared_by: None where it was over by itself."""

    id: int
    kind: str
    source: str
    text: str
    since: datetime
    raised_at: datetime
    cleared_at: datetime | None
    cleared_by: str | None


@dataclass(frozen=True, slots=True)
class Alarms:
    """Alarms, the newest first."""

    alarms: tuple[AlarmRow, ...]


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Alarms:
    """List alarms."""
    limit = arguments.limit or LISTED
    return Alarms(_rows(txn, cleared=arguments.all is not None, limit=limit))


def check(txn: Transaction, actor: Actor, arguments: Check, now: datetime) -> Alarms:
    """Say what is amiss now."""
    return Alarms(_rows(txn, cleared=False, limit=LISTED_MAX))


def clear(txn: Transaction, actor: Actor, arguments: Clear, now: datetime) -> Alarms | Refused:
    """Clear an alarm; give those that are left."""
    if not alarms.clear(txn, arguments.id, actor.name, now):
        return Refused(
            "NOT_FOUND",
            f"there is no alarm {arguments.id}, or it is over; see `bmadmin alarm list`",
        )
    return Alarms(_rows(txn, cleared=False, limit=LISTED))


def _rows(txn: Transaction, *, cleared: bool, limit: int) -> tuple[AlarmRow, ...]:
    return tuple(
        AlarmRow(
            id=one.id,
            kind=one.kind,
            source=one.source,
            text=text_of(one),
            since=one.since,
            raised_at=one.raised_at,
            cleared_at=one.cleared_at,
            cleared_by=one.cleared_by,
        )
        for one in alarms.listed(txn, cleared=cleared, limit=limit)
    )


OPERATIONS = (
    staff_reads("alarm_list", "What is amiss with sources", List, Alarms, list_),
    replace(
        staff_reads("alarm_check", "Whether anything is amiss with sources", Check, Alarms, check),
        faults="alarms",
    ),
    staff_changes(
        ("alarm_clear", "Say that an alarm has been seen to"), Clear, Alarms, clear, CLERKS
    ),
)
