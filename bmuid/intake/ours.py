"""Which lines of a chunk belong to one part of the file, mediated and with their owners."""

from dataclasses import dataclass
from datetime import datetime

from bmu.mediation import Reject
from bmu.period import DAY_US, HOUR_US, from_us, to_us
from bmu.rating import Owner, Unrated, UnratedReason
from bmu.usage import UDR
from bmuid.intake.homes import PART_OF_NOBODY, Homes, part_of
from bmuid.intake.limits import narrowed
from bmuid.intake.lines import LINE_OCTETS_MAX, Chunk
from bmuid.intake.loops import own
from bmuid.store.limits import Limits
from bmuid.store.parts import Part
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


def share_of(part: Part, days_back: int, limits: Limits | None = None) -> Share:
    """Give the share of a part; the window hangs on the file's arrival, not on when it is worked."""
    return Share(part.part, part.parts, *window_of(part.received_at, days_back, limits))


def window_of(
    received_at: datetime, days_back: int, limits: Limits | None = None
) -> tuple[int, int]:
    """Give the first and the last instant at which an event of a file may have begun."""
    received_us = to_us(received_at)
    window = window_of_us(received_us, days_back)
    return narrowed(window, received_us, limits) if limits is not None else window


def window_of_us(received_us: int, days_back: int) -> tuple[int, int]:
    """Give the same of an event that was told of at an instant."""
    return received_us - days_back * DAY_US, received_us + AHEAD_US_MAX


def pick(chunk: Chunk, homes: Homes, share: Share) -> Ours:
    """
    Mediate the lines of the share: those whose account falls to the part, or that fall to it for want of one.

    A line's part depends on the line and the owners of the file's revision alone, so each line is in
    exactly one part, whatever changes while the file is worked.
    """
    first = chunk.first_line
    mine, places, only, closer = homes.glance(chunk.lines, share.part)
    taken = homes.mediator.take_some(mine, [first + place for place in places])
    shared = {first + place for place in closer}

    def owner_of(udr: UDR) -> Owner | Unrated | None:
        owner = homes.owners.find(udr.uid_type, udr.uid, udr.started_us)
        if udr.line_no in shared and share.part != _part_of(owner, share.parts):
            return None
        return in_time(udr, owner, window)

    window = share.oldest_us, share.newest_us
    udrs, owners, rejects = own(taken, only, window, owner_of)
    if share.part != PART_OF_NOBODY:
        rejects = [each for each in rejects if each.line_no not in shared]
    return Ours(udrs, owners, [rejected(each, chunk) for each in rejects])


def _part_of(owner: Owner | UnratedReason, parts: int) -> int:
    return part_of(owner.account_id, parts) if isinstance(owner, Owner) else PART_OF_NOBODY


def rejected(reject: Reject, chunk: Chunk) -> Verdict:
    """Give the verdict of a line that is no usage, or can't be read."""
    line = chunk.line(reject.line_no)
    reason, detail = reject.reason.value, reject.detail
    if len(line) > LINE_OCTETS_MAX:
        line = line[:LINE_OCTETS_MAX]
        reason, detail = LINE_TOO_LONG, f"only its first {LINE_OCTETS_MAX} octets are kept here"
    return Verdict(reject.line_no, Outcome.REJECTED, reason, detail, line, None)


def in_time(udr: UDR, owner: Owner | UnratedReason, window: tuple[int, int]) -> Owner | Unrated:
    """Give the reason in place of an owner that is not known, or whose event did not begin in the window."""
    if isinstance(owner, UnratedReason):
        return Unrated(owner, f"{udr.uid_type} {udr.uid}")
    oldest, newest = window
    if oldest <= udr.started_us <= newest:
        return owner
    began = f"began {from_us(udr.started_us):%Y-%m-%d %H:%M:%SZ}"
    said = f"{from_us(oldest):%Y-%m-%d} to {from_us(newest):%Y-%m-%d %H:%MZ}"
    return Unrated(UnratedReason.OUT_OF_WINDOW, f"{began}, not from {said}")
