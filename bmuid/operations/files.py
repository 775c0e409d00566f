"""Usage files: what came in, what became of each line, and which of them wait."""

from dataclasses import dataclass, replace
from datetime import datetime

from bmuid.operations.grammar import Choice, Integer, Text
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import CLERKS, staff_changes, staff_reads
from bmuid.operations.sources import CODE
from bmuid.store import files_view, files_waiting, originals
from bmuid.store.files_view import File, Part, Reason
from bmuid.store.files_waiting import NotTaken
from bmuid.store.transaction import Transaction

LISTED = 50
LISTED_MAX = 1000
# So much of why a file is held is in a list; all of it is shown with the file.
HELD_CHARACTERS = 80
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
class Hold:
    """Which file, and why."""

    id: int = argument(ID, "the file's id")
    reason: str = argument(Text(500), "why it is not to go on")


@dataclass(frozen=True, slots=True)
class Dismiss:
    """Which file, and why."""

    id: int = argument(ID, "the file's id")
    reason: str = argument(Text(500), "why nobody wants it")


@dataclass(frozen=True, slots=True)
class Files:
    """Files, the newest first, of why they are held only the beginning; not_taken: those that lie in a source's directory still, and why."""

    files: tuple[File, ...]
    not_taken: tuple[NotTaken, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """A file, how far its parts are, and its lines that did not become usage, by reason."""

    file: File
    parts: tuple[Part, ...]
    reasons: tuple[Reason, ...]


def no_file(id_: int) -> Refused:
    """Tell that a file does not exist."""
    return Refused("NOT_FOUND", f"there is no file {id_}; see `bmadmin file list`")


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Files:
    """List files."""
    last = ID_MAX if arguments.before is None else arguments.before - 1
    limit = arguments.limit or LISTED
    found = files_view.files(txn, arguments.source, arguments.state, last, limit)
    is_first_page = arguments.before is None and arguments.state is None
    not_taken = files_waiting.known(txn, arguments.source) if is_first_page else ()
    return Files(tuple(map(_listed, found)), not_taken)


def _listed(file: File) -> File:
    if file.held is None or len(file.held) <= HELD_CHARACTERS:
        return file
    return replace(file, held=f"{file.held[:HELD_CHARACTERS]}...")


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Show a file."""
    file = files_view.file(txn, arguments.id)
    if file is None:
        return no_file(arguments.id)
    return Shown(file, files_view.parts(txn, file.id), files_view.reasons(txn, file.id))


def retry(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Let what is blocked of a file be tried again."""
    shown = show(txn, actor, arguments, now)
    if isinstance(shown, Refused):
        return shown
    if not files_view.unblock(txn, arguments.id):
        return Refused("NOT_BLOCKED", f"no part of file {arguments.id} is blocked")
    return show(txn, actor, arguments, now)


def hold(txn: Transaction, actor: Actor, arguments: Hold, now: datetime) -> Shown | Refused:
    """Hold a file: what is done of it stays, nothing more is done until it is released."""
    shown = show(txn, actor, Show(arguments.id), now)
    if isinstance(shown, Refused):
        return shown
    if not files_view.hold(txn, arguments.id, f"{actor.name}: {arguments.reason}"):
        return Refused("NOT_OPEN", _not_open(shown.file))
    return show(txn, actor, Show(arguments.id), now)


def _not_open(file: File) -> str:
    if file.state == "HELD":
        return f"file {file.id} is held already: {file.held}"
    if file.state == "ARRIVING":
        return f"file {file.id} is being made ready: hold it when it is open"
    if file.state == "DONE":
        return f"file {file.id} is done: each of its lines has its verdict"
    return f"file {file.id} holds what was told of in real time: end its sessions at the source"


def dismiss(txn: Transaction, actor: Actor, arguments: Dismiss, now: datetime) -> Shown | Refused:
    """Have a held file done without a line; its octets stay, and a replay takes them up again."""
    shown = show(txn, actor, Show(arguments.id), now)
    if isinstance(shown, Refused):
        return shown
    if not files_view.dismiss(txn, arguments.id, f"{actor.name}: {arguments.reason}"):
        if shown.parts and shown.file.state == "HELD":
            said = f"file {arguments.id} was worked in part: release it"
            return Refused("NOT_HELD", said)
        return Refused("NOT_HELD", f"file {arguments.id} is not held: it is {shown.file.state}")
    return show(txn, actor, Show(arguments.id), now)


def release(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Let a file that is held go on; one that was never made ready arrives anew, as its source is now."""
    shown = show(txn, actor, arguments, now)
    if isinstance(shown, Refused):
        return shown
    if not files_view.release(txn, arguments.id):
        said = f"file {arguments.id} is not held: it is {shown.file.state}"
        return Refused("NOT_HELD", said)
    return show(txn, actor, arguments, now)


def replay(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Shown | Refused:
    """Have the octets of a file taken in once more, as a file of its own, as its source is now."""
    shown = show(txn, actor, arguments, now)
    if isinstance(shown, Refused):
        return shown
    replayed = files_view.replay(txn, arguments.id)
    if replayed is None:
        return Refused("NOT_REPLAYABLE", _not_replayable(txn, shown.file))
    return show(txn, actor, Show(replayed), now)


def _not_replayable(txn: Transaction, file: File) -> str:
    original = originals.original_of(txn, file.id)
    if original is None or original.stream:
        return f"file {file.id} was told of in real time, so there are no octets to take in"
    if original.dropped_at is not None:
        return (
            f"the octets of file {file.id} were kept until {original.dropped_at:%Y-%m-%d} ([spool] keep_days):"
            f" hand in a copy of them, whose SHA-256 is {file.sha256}, and replay it then"
        )
    if file.state != "DONE":
        return f"file {file.id} is {file.state}: it can be replayed once it is done"
    return (
        f"file {file.id} is being replayed already: see `bmadmin file list --source {file.source}`"
    )


OPERATIONS = (
    staff_reads("file_list", "The usage files, the newest first", List, Files, list_),
    staff_reads("file_show", "What became of a file's lines", Show, Shown, show),
    staff_changes(
        ("file_retry", "Let what is blocked of a file be tried again"), Show, Shown, retry, CLERKS
    ),
    staff_changes(("file_hold", "Hold a file"), Hold, Shown, hold, CLERKS),
    staff_changes(
        ("file_dismiss", "Have a held file done without a line"), Dismiss, Shown, dismiss, CLERKS
    ),
    staff_changes(("file_release", "Let a held file go on"), Show, Shown, release, CLERKS),
    staff_changes(("file_replay", "Take a file's octets in anew"), Show, Shown, replay, CLERKS),
)
