"""Which lines of a chunk belong to one part of the file, mediated and with their owners."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime

from bmu.mediation import Reject
from bmu.period import DAY_US, HOUR_US, from_us, to_us
from bmu.rating import Owner, Unrated, UnratedReason
from bmu.usage import UDR
from bmuid.intake.homes import PART_OF_NOBODY, Homes, part_of
from bmuid.intake.limits import narrowed
from bmuid.intake.lines import LINE_OCTETS_MAX, Held, Lines
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


@dataclass(slots=True)
class Ours:
    """
    The lines of a chunk that belong to one part.

    Shapes:
        udrs, owners: parallel, in the order of the file; Unrated stands for an owner not found.
        next_line, next_octet: where the lines after the chunk begin.
    """

    first_line: int
    next_line: int = 0
    next_octet: int = 0
    udrs: list[UDR] = field(default_factory=list)
    owners: list[Owner | Unrated] = field(default_factory=list)
    rejected: list[Verdict] = field(default_factory=list)
    _lines: list[bytes] = field(default_factory=list)
    _line_nos: list[int] = field(default_factory=list)
    _cut: dict[int, bytes] = field(default_factory=dict)

    def add_lines(self, lines: list[bytes], line_nos: list[int], cut: dict[int, bytes]) -> None:
        """Keep lines, and of those that are too long their beginnings, by number."""
        self._lines += lines
        self._line_nos += line_nos
        self._cut |= cut

    def holds(self, line_no: int) -> bool:
        """Tell whether a line of that number was looked at for the part."""
        place = bisect_left(self._line_nos, line_no)
        return place < len(self._line_nos) and self._line_nos[place] == line_no

    def line(self, line_no: int) -> bytes:
        """Give the line of that number, which it holds; of one that is too long no less than LINE_OCTETS_MAX + 1."""
        cut = self._cut.get(line_no)
        return self._lines[bisect_left(self._line_nos, line_no)] if cut is None else cut


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


def pick(lines: Lines, first_line: int, lines_max: int, homes: Homes, share: Share) -> Ours:
    """
    Mediate the next lines of the share: those whose account falls to the part, or that fall to it for want of one.

    A line's part depends on the line and the owners of the file's revision alone, so each line is in
    exactly one part, whatever changes while the file is worked.

    Shapes:
        lines: where the first of them is next; lines_max: of all parts.
    """
    ours = Ours(first_line)
    # A block at a time, so that a line is still at hand when it is mediated.
    while lines.count < lines_max and lines.more():
        at = first_line + lines.count
        mine, line_nos, only, closer, cut = homes.glance(
            lines, lines_max - lines.count, at, share.part
        )
        ours.add_lines(mine, line_nos, cut)
        taken = homes.mediator.take_some(mine, line_nos)
        _own(ours, (taken, only, {*closer}), homes, share)
    ours.next_line, ours.next_octet = first_line + lines.count, lines.next_octet
    return ours


def _own(
    ours: Ours,
    glanced: tuple[list[UDR | Reject], list[Owner | None], set[int]],
    homes: Homes,
    share: Share,
) -> None:
    """Give events their owners; leave out what is another part's on a closer look."""
    taken, only, shared = glanced
    window = share.oldest_us, share.newest_us

    def owner_of(udr: UDR) -> Owner | Unrated | None:
        owner = homes.owners.find(udr.uid_type, udr.uid, udr.started_us)
        if udr.line_no in shared and share.part != _part_of(owner, share.parts):
            return None
        return in_time(udr, owner, window)

    udrs, owners, rejects = own(taken, only, window, owner_of)
    ours.udrs += udrs
    ours.owners += owners
    ours.rejected += [
        rejected(each, ours)
        for each in rejects
        if share.part == PART_OF_NOBODY or each.line_no not in shared
    ]


def _part_of(owner: Owner | UnratedReason, parts: int) -> int:
    return part_of(owner.account_id, parts) if isinstance(owner, Owner) else PART_OF_NOBODY


def rejected(reject: Reject, chunk: Held) -> Verdict:
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
