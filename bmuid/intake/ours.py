"""Which lines of a chunk belong to one part of the file, mediated and with their owners."""

from dataclasses import dataclass

from bmu.mediation import Mediator, Reject
from bmu.period import DAY_US, HOUR_US, from_us, to_us
from bmu.rating import Owner, Owners, Unrated, UnratedReason
from bmu.usage import UDR
from bmuid.intake.lines import LINE_OCTETS_MAX, Chunk
from bmuid.store.files import Part
from bmuid.store.verdicts import Outcome, Verdict

# Lines without an owner need a part too.
PART_OF_NOBODY = 0
LINE_TOO_LONG = "LINE_TOO_LONG"
# Clocks of switches go wrong by a little; a call of tomorrow is an error of its own.
AHEAD_US_MAX = HOUR_US


@dataclass(frozen=True, slots=True)
class Share:
    """
    One part of a file, and when its events may have begun.

    Units:
        oldest_us, newest_us: microseconds since 1970-01-01 UTC, both allowed.
    """

    part: int
    parts: int
    oldest_us: int
    newest_us: int


@dataclass(frozen=True, slots=True)
class Ours:
    """
    The lines of a chunk that belong to one part.

    Shapes:
        udrs, owners: parallel, in the order of the file; Unrated stands for an owner not found.
    """

    udrs: list[UDR]
    owners: list[Owner | Unrated]
    rejected: list[Verdict]


def share_of(part: Part, days_back: int) -> Share:
    """Give the share of a part; the window hangs on the file's arrival, not on when it is worked."""
    received_us = to_us(part.received_at)
    return Share(
        part.part, part.parts, received_us - days_back * DAY_US, received_us + AHEAD_US_MAX
    )


def pick(chunk: Chunk, mediator: Mediator, owners: Owners, share: Share) -> Ours:
    """
    Mediate the lines and keep those of the share: whose account falls to the part.

    A line's part depends on the line and the owners of the file's revision alone, so each line is in
    exactly one part, whatever changes while the file is worked.
    """
    ours = Ours([], [], [])
    lines = [line if len(line) <= LINE_OCTETS_MAX else b"" for line in chunk.lines]
    for taken in mediator.take_many(lines, chunk.first_line):
        if isinstance(taken, Reject):
            if share.part == PART_OF_NOBODY:
                ours.rejected.append(
                    _rejected(taken, chunk.lines[taken.line_no - chunk.first_line])
                )
            continue
        owner = owners.find(taken.uid_type, taken.uid, taken.started_us)
        if isinstance(owner, UnratedReason):
            if share.part != PART_OF_NOBODY:
                continue
            said: Owner | Unrated = Unrated(owner, f"{taken.uid_type} {taken.uid}")
        elif owner.account_id % share.parts != share.part:
            continue
        elif share.oldest_us <= taken.started_us <= share.newest_us:
            said = owner
        else:
            said = Unrated(UnratedReason.OUT_OF_WINDOW, _out_of(taken.started_us, share))
        ours.udrs.append(taken)
        ours.owners.append(said)
    return ours


def _rejected(reject: Reject, line: bytes) -> Verdict:
    if len(line) > LINE_OCTETS_MAX:
        detail = f"longer than {LINE_OCTETS_MAX} octets; only the beginning is kept here"
        kept = line[:LINE_OCTETS_MAX]
        return Verdict(reject.line_no, Outcome.REJECTED, LINE_TOO_LONG, detail, kept, None)
    return Verdict(
        reject.line_no, Outcome.REJECTED, reject.reason.value, reject.detail, line, None
    )


def _out_of(started_us: int, share: Share) -> str:
    oldest, newest = from_us(share.oldest_us), from_us(share.newest_us)
    return f"began {from_us(started_us):%Y-%m-%d %H:%M:%SZ}, not in {oldest:%Y-%m-%d} to {newest:%Y-%m-%d %H:%MZ}"
