"""Which lines of a chunk belong to one part of the file, mediated and with their owners."""

from dataclasses import dataclass
from itertools import compress

from bmu.mediation import Reject
from bmu.period import DAY_US, HOUR_US, from_us, to_us
from bmu.rating import Owner, Unrated, UnratedReason
from bmu.usage import UDR
from bmuid.intake.homes import LOOK_CLOSER, PART_OF_NOBODY, Homes, part_of
from bmuid.intake.lines import LINE_OCTETS_MAX, Chunk
from bmuid.store.files import Part
from bmuid.store.verdicts import Outcome, Verdict

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


def pick(chunk: Chunk, homes: Homes, share: Share) -> Ours:
    """
    Mediate the lines of the share: those whose account falls to the part, or that fall to it for want of one.

    A line's part depends on the line and the owners of the file's revision alone, so each line is in
    exactly one part, whatever changes while the file is worked.
    """
    line_nos, shared = _looked_at(chunk, homes, share)
    mine = [_readable(chunk.line(line_no)) for line_no in line_nos]
    taken = homes.mediator.take_some(mine, line_nos)
    udrs = [each for each in taken if isinstance(each, UDR)]
    rejects = (
        [each for each in taken if isinstance(each, Reject)] if len(udrs) < len(taken) else []
    )
    owners = homes.owners.find_all(udrs)
    if shared:
        rejects = [
            each for each in rejects if each.line_no not in shared or share.part == PART_OF_NOBODY
        ]
        falls_here = [
            udr.line_no not in shared or share.part == _part_of(owner, share.parts)
            for udr, owner in zip(udrs, owners, strict=True)
        ]
        udrs, owners = list(compress(udrs, falls_here)), list(compress(owners, falls_here))
    return Ours(udrs, _in_time(udrs, owners, share), [_rejected(each, chunk) for each in rejects])


def _looked_at(chunk: Chunk, homes: Homes, share: Share) -> tuple[list[int], set[int]]:
    """Give the lines that the part has to mediate, and those of them that may be of another part."""
    line_nos: list[int] = []
    shared: set[int] = set()
    part = share.part
    for line_no, home in enumerate(homes.of(chunk.lines), chunk.first_line):
        if home == part:
            line_nos.append(line_no)
        elif home == LOOK_CLOSER:
            line_nos.append(line_no)
            shared.add(line_no)
    return line_nos, shared


def _readable(line: bytes) -> bytes:
    """Leave out a line that is cut, of which nothing can be known."""
    return line if len(line) <= LINE_OCTETS_MAX else b""


def _part_of(owner: Owner | UnratedReason, parts: int) -> int:
    return part_of(owner.account_id, parts) if isinstance(owner, Owner) else PART_OF_NOBODY


def _rejected(reject: Reject, chunk: Chunk) -> Verdict:
    line = chunk.line(reject.line_no)
    reason, detail = reject.reason.value, reject.detail
    if len(line) > LINE_OCTETS_MAX:
        line = line[:LINE_OCTETS_MAX]
        reason, detail = LINE_TOO_LONG, f"only its first {LINE_OCTETS_MAX} octets are kept here"
    return Verdict(reject.line_no, Outcome.REJECTED, reason, detail, line, None)


def _in_time(
    udrs: list[UDR], owners: list[Owner | UnratedReason], share: Share
) -> list[Owner | Unrated]:
    """Put the reason in place of each owner that is not known, or whose event did not begin in the window."""
    return [
        owner
        if isinstance(owner, Owner) and share.oldest_us <= udr[6] <= share.newest_us
        else _unrated(udr, owner, share)
        for udr, owner in zip(udrs, owners, strict=True)
    ]


def _unrated(udr: UDR, owner: Owner | UnratedReason, share: Share) -> Unrated:
    if isinstance(owner, UnratedReason):
        return Unrated(owner, f"{udr.uid_type} {udr.uid}")
    began = f"began {from_us(udr.started_us):%Y-%m-%d %H:%M:%SZ}"
    window = f"{from_us(share.oldest_us):%Y-%m-%d} to {from_us(share.newest_us):%Y-%m-%d %H:%MZ}"
    return Unrated(UnratedReason.OUT_OF_WINDOW, f"{began}, not from {window}")
