"""Rejected lines of a file, written as they came, so that a person mends them and hands them in as a new file."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bmuid.intake.ours import LINE_TOO_LONG
from bmuid.operations.files import ID, no_file
from bmuid.operations.grammar import YES, Integer
from bmuid.operations.registry import Actor, Refused, argument
from bmuid.operations.rows import staff_reads
from bmuid.operations.suspense import REASON, printable
from bmuid.store import rejects
from bmuid.store.rejects import Form, Reject, Wanted
from bmuid.store.transaction import Transaction

LINES_A_PART = 5000
# In an answer they are a third longer, and what is said of them stands beside.
OCTETS_A_PART = 2 * 1024 * 1024
LISTED = 50
LISTED_MAX = 1000

DECODED = Refused(
    "NO_LINES",
    "its lines were made of a file that has none, so they can't be handed in as such: mend the original, or have it sent"
    " anew; --explain shows them",
)


@dataclass(frozen=True, slots=True)
class Show:
    """Which lines of which file, and in which form."""

    id: int = argument(ID, "the file's id")
    reason: str | None = argument(
        REASON, "only for this reason; else all but FILTERED", optional=True
    )
    suspended: str | None = argument(YES, "those in suspense, too", optional=True)
    explain: str | None = argument(YES, "each with its reason, instead of a file", optional=True)
    after: int | None = argument(
        Integer(0, 2**63 - 1), "only lines with a larger number", optional=True
    )
    limit: int | None = argument(
        Integer(1, LISTED_MAX), "with --explain, how many at most", optional=True
    )


@dataclass(frozen=True, slots=True)
class Explained:
    """A line with its reason; text: what can't be printed written as \\x..; octets: as it came, in base64."""

    line_no: int
    verdict: str
    reason: str
    detail: str
    text: str
    octets: str


@dataclass(frozen=True, slots=True)
class Rejects:
    """
    A part of a file's rejected lines; after: where the next part starts, None: there is none.

    Shapes:
        octets: a part of a file to be mended, in base64; None where lines are explained.
        left_out: the numbers of lines that are not in it, since only their beginning is kept.
    """

    octets: str | None
    lines: tuple[Explained, ...]
    left_out: tuple[int, ...]
    after: int | None


def show(txn: Transaction, actor: Actor, arguments: Show, now: datetime) -> Rejects | Refused:
    """Give rejected lines of a file."""
    form = rejects.form_of(txn, arguments.id)
    if form is None:
        return no_file(arguments.id)
    explained = arguments.explain is not None
    if (form.is_decoded or form.is_stream) and not explained:
        return DECODED
    limit = arguments.limit or LISTED if explained else LINES_A_PART
    wanted = Wanted(
        file=arguments.id,
        reason=arguments.reason,
        suspended=arguments.suspended is not None,
        after=arguments.after or 0,
        limit=limit + 1,
    )
    found = rejects.lines(txn, wanted)
    part = _part(found[:limit])
    after = part[-1].line_no if len(part) < len(found) else None
    if explained:
        return Rejects(None, tuple(map(_explained, part)), (), after)
    whole = [line for line in part if line.reason != LINE_TOO_LONG]
    left_out = tuple(line.line_no for line in part if line.reason == LINE_TOO_LONG)
    octets = _file(form, whole, is_first=wanted.after == 0)
    return Rejects(base64.b64encode(octets).decode(), (), left_out, after)


def _part(found: Sequence[Reject]) -> Sequence[Reject]:
    """Give the first lines, as many as fit into one answer; one at least."""
    octets = 0
    for place, line in enumerate(found):
        octets += len(line.octets) + len(line.detail)
        if octets > OCTETS_A_PART and place:
            return found[:place]
    return found


def _file(form: Form, lines: Sequence[Reject], *, is_first: bool) -> bytes:
    header = [form.header.rstrip(b"\n")] if form.header is not None and is_first else []
    return b"".join(line + b"\n" for line in [*header, *(each.octets for each in lines)])


def _explained(line: Reject) -> Explained:
    return Explained(
        line_no=line.line_no,
        verdict=line.verdict,
        reason=line.reason,
        detail=line.detail,
        text=printable(line.octets),
        octets=base64.b64encode(line.octets).decode(),
    )


OPERATIONS = (
    staff_reads(
        "file_rejects", "Rejected lines of a file, to be mended and handed in", Show, Rejects, show
    ),
)
