"""Sessions that sources tell of in pieces: which are open, what they have come to, ending one by hand."""

from dataclasses import dataclass
from datetime import datetime

from bmu.mediation.session import State
from bmuid.operations.files import ID, ID_MAX, LISTED, LISTED_MAX
from bmuid.operations.grammar import Choice, Integer
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, staff_changes, staff_reads
from bmuid.operations.sources import CODE
from bmuid.store import usage_sessions_view
from bmuid.store.transaction import Transaction
from bmuid.store.usage_sessions_view import Emission, Figure, Text, UsageSession

STATE = Choice(tuple(state.value for state in State))


@dataclass(frozen=True, slots=True)
class List:
    """Which sessions, the newest first."""

    source: str | None = argument(CODE, "only of this source", optional=True)
    state: str | None = argument(
        STATE, "only in this state; STOPPED: records are missing", optional=True
    )
    before: int | None = argument(ID, "only sessions with a smaller id", optional=True)
    limit: int | None = argument(Integer(1, LISTED_MAX), "how many at most", optional=True)


@dataclass(frozen=True, slots=True)
class Which:
    """Which session."""

    id: int = argument(ID, "the session's id")


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions, the newest first."""

    sessions: tuple[UsageSession, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A session, what it has come to, and the usage that was made of it."""

    session: UsageSession
    figures: tuple[Figure, ...]
    texts: tuple[Text, ...]
    emissions: tuple[Emission, ...]


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Sessions:
    """List sessions."""
    last = ID_MAX if arguments.before is None else arguments.before - 1
    limit = arguments.limit or LISTED
    return Sessions(
        usage_sessions_view.sessions(txn, arguments.source, arguments.state, last, limit)
    )


def show(txn: Transaction, actor: Actor, arguments: Which, now: datetime) -> Shown | Refused:
    """Show a session."""
    session = usage_sessions_view.session(txn, arguments.id)
    if session is None:
        return Refused(
            "NOT_FOUND", f"there is no session {arguments.id}; see `bmadmin usage-session list`"
        )
    figures, texts = usage_sessions_view.contents(txn, session.id)
    return Shown(session, figures, texts, usage_sessions_view.emissions(txn, session.id))


def close(txn: Transaction, actor: Actor, arguments: Which, now: datetime) -> Shown | Refused:
    """Have a session ended as if its time were over."""
    shown = show(txn, actor, arguments, now)
    if isinstance(shown, Refused):
        return shown
    if not usage_sessions_view.close(txn, arguments.id):
        return Refused("FINISHED", f"session {arguments.id} is ended already")
    return show(txn, actor, arguments, now)


OPERATIONS = (
    staff_reads(
        "usage_session_list", "Sessions told of in pieces, the newest first", List, Sessions, list_
    ),
    staff_reads("usage_session_show", "What a session has come to", Which, Shown, show),
    staff_changes(
        ("usage_session_close", "End a session without waiting for its stop"),
        Which,
        Shown,
        close,
        CLERKS,
    ),
)
