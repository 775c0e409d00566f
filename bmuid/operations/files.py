"""Usage files: what came in, and what became of each line."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.operations.grammar import Choice, Integer
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, NOT_FOUND, staff_changes, staff_reads
from bmuid.operations.sources import CODE
from bmuid.store import files_view
from bmuid.store.files_view import File, Part, Reason
from bmuid.store.transaction import Transaction

LISTED = 50
LISTED_MAX = 1000
ID_MAX = 2**63 - 1
ID = Integer(1, ID_MAX)
STATE = Choice(("ARRIVING", "OPEN", "HELD", "DONE"))


@dataclass(frozen=True, slots=True)
class List:
    """Which files, the newest first."""

    source: str | None = argument(CODE, "only of this source", optional=True)
    state: str | None = argument(STATE, "only in this state", optional=True)
    before: int | None = argument(ID, "only files with a smaller id", optional=True)
    limit: int | None = argument(Integer(1, LISTED_MAX), "how many at most", optional=True)


@dataclass(frozen=True, slots=True)
class Show:
    """Which file."""

    id: int = argument(ID, "the file's id")


@dataclass(frozen=True, slots=True)
class Files:
    """Files, the newest first."""

    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A file, how far its parts are, and its lines that did not become usage, by reason."""

    file: File
    parts: tuple[Part, ...]
    reasons: tuple[Reason, ...]


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Files:
    """List files."""
    last = ID_MAX if arguments.before is None else arguments.before - 1
    limit = arguments.limit or LISTED
    return Files(files_view.files(txn, arguments.source, arguments.state, last, limit))


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Show a file."""
    file = files_view.file(txn, arguments.id)
    if file is None:
        return NOT_FOUND
    return Shown(file, files_view.parts(txn, file.id), files_view.reasons(txn, file.id))


def retry(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Let what is blocked of a file be tried again."""
    shown = show(txn, actor, arguments, now)
    if isinstance(shown, Refused):
        return shown
    if not files_view.unblock(txn, arguments.id):
        return Refused("NOT_BLOCKED", f"no part of file {arguments.id} is blocked")
    return show(txn, actor, arguments, now)


OPERATIONS = (
    staff_reads("file_list", "The usage files, the newest first", List, Files, list_),
    staff_reads("file_show", "What became of a file's lines", Show, Shown, show),
    staff_changes(
        ("file_retry", "Let what is blocked of a file be tried again"), Show, Shown, retry, CLERKS
    ),
)
