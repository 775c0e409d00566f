"""Lines whose event was there before: the same again is a duplicate, anything else a conflict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from bmu.rating import UnratedReason
from bmuid.intake.lines import Held
from bmuid.intake.originals import lines_kept
from bmuid.intake.profiles import Profiles
from bmuid.intake.spool import Spool
from bmuid.store import keys, originals, verdicts
from bmuid.store.keys import Earlier, Keyed
from bmuid.store.transaction import Transaction
from bmuid.store.verdicts import Outcome, Verdict

REPEATED = "REPEATED"
_LINE_NO = attrgetter("line_no")


@dataclass(frozen=True, slots=True)
class Repeat:
    """What was read of a line of this chunk, and who had its event key first."""

    udr: Keyed
    earlier: Earlier


def claimed(
    txn: Transaction, file_id: int, ordered: Sequence[Keyed], *, any_twice: bool
) -> list[Repeat]:
    """
    Claim the event keys of what was read of a file; give what is there already, or twice.

    Shapes:
        ordered: by event key, and those of one key as their lines are; any_twice: some have the same.
    """
    repeated = within(ordered, file_id) if any_twice else []
    if repeated:
        again = {each.udr.line_no for each in repeated}
        ordered = [udr for udr in ordered if udr.line_no not in again]
    earlier = keys.claim(txn, file_id, ordered) if ordered else {}
    if earlier:
        # A line that repeats one of this chunk has its verdict by that.
        firsts = sorted((udr for udr in ordered if udr.event_key in earlier), key=_LINE_NO)
        repeated += [Repeat(udr, earlier[udr.event_key]) for udr in firsts]
    return repeated


def within(ordered: Sequence[Keyed], file_id: int) -> list[Repeat]:
    """
    Give what has the same key as an earlier one of the lines, in the order of the lines.

    Shapes:
        ordered: by event key, and those of one key as their lines are.
    """
    found = []
    for _, same in groupby(ordered, attrgetter("event_key")):
        first, *others = same
        found += [Repeat(udr, Earlier(first.content, file_id, first.line_no)) for udr in others]
    return sorted(found, key=lambda each: each.udr.line_no)


def judge(
    txn: Transaction,
    spool: Spool,
    profiles: Profiles,
    place: tuple[int, Held],
    repeats: Sequence[Repeat],
) -> list[Verdict]:
    """
    Give the verdict of each repeat; a conflict's shows both bodies.

    Shapes:
        place: the file that is worked, and lines of it that are at hand.
    """
    found = []
    _, chunk = place
    conflicts = [each for each in repeats if each.udr.content != each.earlier.content]
    bodies = _bodies(txn, spool, profiles, place, [each.earlier for each in conflicts])
    for udr, earlier in ((each.udr, each.earlier) for each in repeats):
        line = chunk.line(udr.line_no)
        first = f"file {earlier.file_id} line {earlier.line_no}"
        if udr.content == earlier.content:
            outcome, reason, detail = Outcome.DUPLICATE, REPEATED, f"the same as {first}"
        else:
            body = bodies.get((earlier.file_id, earlier.line_no), b"(not at hand)")
            outcome, reason = Outcome.SUSPENDED, UnratedReason.CONFLICT.value
            detail = f"{first}: {_text(body)}\nthis line: {_text(line)}"
        found.append(Verdict(udr.line_no, outcome, reason, detail, line, udr.event_key))
    return found


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")


def _bodies(
    txn: Transaction,
    spool: Spool,
    profiles: Profiles,
    place: tuple[int, Held],
    wanted: Sequence[Earlier],
) -> Mapping[tuple[int, int], bytes]:
    """Give the lines, of this chunk or of files that are still kept; each file is read once."""
    file_id, chunk = place
    found: dict[tuple[int, int], bytes] = {}
    elsewhere: dict[int, set[int]] = {}
    for earlier in wanted:
        if earlier.file_id == file_id and chunk.holds(earlier.line_no):
            found[earlier.file_id, earlier.line_no] = chunk.line(earlier.line_no)
        else:
            elsewhere.setdefault(earlier.file_id, set()).add(earlier.line_no)
    for other_id, line_nos in elsewhere.items():
        lines = verdicts.lines(txn, other_id, line_nos)
        left = line_nos - lines.keys()
        if left:
            lines |= _in_original(txn, spool, profiles, other_id, left)
        found.update({(other_id, line_no): line for line_no, line in lines.items()})
    return found


def _in_original(
    txn: Transaction, spool: Spool, profiles: Profiles, file_id: int, wanted: set[int]
) -> dict[int, bytes]:
    original = originals.original_of(txn, file_id)
    assert original is not None, "an event key names a file"
    if original.dropped_at is not None:
        said = f"(not at hand: its file was kept until {original.dropped_at:%Y-%m-%d})".encode()
        return dict.fromkeys(wanted, said)
    return lines_kept(spool, original, profiles.of(txn, original.source), wanted)
