"""Lines that did not become usage: nothing is dropped, each is shown with its reason."""

from dataclasses import dataclass
from datetime import datetime

from bmuid.operations.files import ID
from bmuid.operations.grammar import Choice, Integer, Pattern
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import no_source, staff_reads
from bmuid.operations.sources import CODE
from bmuid.store import files, suspense_view
from bmuid.store.suspense_view import Group, Line, Wanted
from bmuid.store.transaction import Transaction

LISTED = 50
LISTED_MAX = 1000

REASON = Pattern(r"[A-Z_]{3,40}", "a reason, like NO_RATE")
VERDICT = Choice(("SUSPENDED", "REJECTED"))
PLACE = Pattern(r"[1-9][0-9]{0,17}-[1-9][0-9]{0,17}", "the id of a file and a line's number")


@dataclass(frozen=True, slots=True)
class List:
    """Which lines are counted."""

    reason: str | None = argument(REASON, "only for this reason", optional=True)
    source: str | None = argument(CODE, "only of this source", optional=True)
    file: int | None = argument(ID, "only of this file", optional=True)


@dataclass(frozen=True, slots=True)
class Show:
    """Which lines are shown, in the order they were sent."""

    reason: str | None = argument(REASON, "only for this reason", optional=True)
    source: str | None = argument(CODE, "only of this source", optional=True)
    file: int | None = argument(ID, "only of this file", optional=True)
    verdict: str | None = argument(VERDICT, "only those that ended so", optional=True)
    after: str | None = argument(PLACE, "where the part before ended", optional=True)
    limit: int | None = argument(Integer(1, LISTED_MAX), "how many at most", optional=True)


@dataclass(frozen=True, slots=True)
class Groups:
    """Lines that wait or were rejected, counted by reason and source."""

    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line; text: as it was sent, what can't be printed written as \\x.."""

    file: int
    line_no: int
    source: str
    file_name: str
    verdict: str
    reason: str
    detail: str
    at: datetime
    tried_at: datetime | None
    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines; after: where the next part starts, None: there is none."""

    lines: tuple[LineRow, ...]
    after: str | None


def list_(txn: Transaction, actor: Actor, arguments: List, now: datetime) -> Groups | Refused:
    """Count lines."""
    source = arguments.source
    if source is not None and files.source(txn, source) is None:
        return no_source(source)
    return Groups(suspense_view.groups(txn, arguments.reason, source, arguments.file))


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Lines | Refused:
    """Show lines."""
    if arguments.source is not None and files.source(txn, arguments.source) is None:
        return no_source(arguments.source)
    limit = arguments.limit or LISTED
    file, line_no = (int(number) for number in (arguments.after or "0-0").split("-"))
    wanted = Wanted(
        verdict=arguments.verdict,
        reason=arguments.reason,
        source=arguments.source,
        file=arguments.file,
        after=(file, line_no),
        limit=limit + 1,
    )
    found = suspense_view.lines(txn, wanted)
    shown = tuple(_row(line) for line in found[:limit])
    last = f"{shown[-1].file}-{shown[-1].line_no}" if len(found) > limit else None
    return Lines(shown, last)


def _row(line: Line) -> LineRow:
    return LineRow(
        file=line.file,
        line_no=line.line_no,
        source=line.source,
        file_name=line.file_name,
        verdict=line.verdict,
        reason=line.reason,
        detail=line.detail,
        at=line.at,
        tried_at=line.tried_at,
        text=printable(line.octets),
    )


def printable(octets: bytes) -> str:
    """Give octets as text that can't steer a terminal."""
    text = octets.decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


OPERATIONS = (
    staff_reads("suspense_list", "Lines that wait, by reason", List, Groups, list_),
    staff_reads("suspense_show", "Lines that wait, as they were sent", Show, Lines, show),
)
