"""One chunk of one part of a file, from lines to charges: one transaction, safe to run again."""

import os
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import TypeGuard

from bmu.mediation import Mediator
from bmu.rating import Owner, Tariff, Unrated
from bmu.usage import UDR
from bmuid.intake import charging, repeats
from bmuid.intake.homes import Homes
from bmuid.intake.late import final_billed
from bmuid.intake.limits import speak
from bmuid.intake.lines import Chunk, Lines, read_chunk
from bmuid.intake.loops import Month, by_key
from bmuid.intake.ours import Ours, pick, share_of
from bmuid.intake.pricing import Needs, needs_of
from bmuid.intake.profiles import Profiles
from bmuid.intake.repeats import Repeat
from bmuid.intake.snapshot import Snapshot, Snapshots
from bmuid.intake.spool import Spool
from bmuid.store import days, parts, verdicts, wakeup
from bmuid.store.files import Verdicts
from bmuid.store.limits import of_source
from bmuid.store.parts import Part
from bmuid.store.transaction import DatabaseError, LostRaceError, Transaction, is_refused
from bmuid.store.verdicts import Outcome, Verdict

CHUNK_LINES = 100_000
GRANTED_MAX = 500_000


class FileBlockedError(Exception):
    """Raised when a part can't be worked until a person has acted; the message says how."""

    def __init__(self, part: Part, reason: str) -> None:
        super().__init__(reason)
        self.file_id = part.file_id
        self.part = part.part


class LinesLostError(Exception):
    """Raised when the lines that were made of a file are not there, and are to be made again."""

    def __init__(self, part: Part) -> None:
        super().__init__(f"the lines of file {part.file_id}")
        self.part = part


class ChunkFailedError(Exception):
    """Raised when working a part failed for a reason that nobody foresaw, which is its cause."""

    def __init__(self, part: Part) -> None:
        super().__init__(f"file {part.file_id}, part {part.part}, from line {part.next_line} on")
        self.file_id = part.file_id
        self.part = part.part
        self.next_line = part.next_line


@dataclass(frozen=True, slots=True)
class Picked:
    """A chunk as read for a part; it is the same however often the transaction is run."""

    file_id: int
    part: int
    ours: Ours
    needs: Needs


@dataclass(slots=True)
class Bench:
    """
    What a rating worker keeps from one chunk to the next.

    Shapes:
        days: those known to have partitions, counted from 1970-01-01 UTC.
        granted: the billing month last granted to each service, by the tariff of granted_by.
        given: the needs last met.
        picked: the chunk last read, in case its transaction is run again.
        contended: the chunk whose buckets others moved, too, while it was rated.
    """

    spool: Spool
    days_back: int
    chunk_lines: int = CHUNK_LINES
    snapshots: Snapshots = field(default_factory=Snapshots)
    profiles: Profiles = field(default_factory=Profiles)
    homes: Homes | None = None
    days: set[int] = field(default_factory=set)
    granted: dict[int, Month] = field(default_factory=dict)
    granted_by: Tariff | None = None
    given: Needs | None = None
    picked: Picked | None = None
    contended: Picked | None = None

    def needs_of(
        self, udrs: list[UDR], owners: list[Owner | Unrated], snapshot: Snapshot
    ) -> Needs:
        """Tell what usage needs, beside what is known to be there."""
        tariff = snapshot.tariff
        if not snapshot.grants_as(self.granted_by):
            self.granted = {}
        self.granted_by = tariff
        return needs_of(udrs, owners, tariff, self.granted, snapshot.allowances)

    def missing(self, needs: Needs) -> "Missing | None":
        """Tell what of the needs is not known to be there."""
        if needs.days <= self.days and (
            needs is self.given
            or needs.months.items() <= self.granted.items()
            # Of usage of several months each service has only one of them known.
            or (
                self.given is not None
                and needs.months.keys() <= self.granted.keys()
                and needs.are_met_by(self.given)
            )
        ):
            return None
        return Missing(needs, needs.days - self.days)

    def provided(self, needs: Needs) -> None:
        """Remember that all this is there now."""
        if len(self.granted) > GRANTED_MAX:
            self.granted.clear()
        self.granted.update(needs.months)
        self.given = needs
        self.days |= needs.days


@dataclass(frozen=True, slots=True)
class Worked:
    """A chunk that was worked; *done* when it was the part's last."""

    part: Part
    next_line: int
    found: Verdicts
    done: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing was written, because this has to be made first, in transactions of its own."""

    needs: Needs
    days: frozenset[int]


def work(txn: Transaction, bench: Bench) -> Worked | Missing | None:
    """
    Take the next chunk of the oldest part that is free, and write all that follows from its lines.

    Shapes:
        Result: None when there is nothing to do.

    Errors:
        FileBlockedError: the file is gone or cut, or its source has a profile that is not known.
        LinesLostError: the lines that were made of it are.
        ChunkFailedError: a fault of the program, or of what the database holds.
        DatabaseError: the database is away or out of means, or the transaction lost a race.
        LostRaceError: so it did; run again, it locks what it lost.
    """
    last = bench.picked
    part = parts.take_part(txn, (last.file_id, last.part) if last else (0, 0))
    if part is None:
        return None
    try:
        return _work(txn, bench, part)
    except LostRaceError:
        bench.contended = bench.picked
        raise
    except (FileBlockedError, LinesLostError):
        raise
    except Exception as error:
        if isinstance(error, DatabaseError) and not is_refused(error):
            raise
        raise ChunkFailedError(part) from error


def _work(txn: Transaction, bench: Bench, part: Part) -> Worked | Missing:
    snapshot = bench.snapshots.at(txn, part.revision)
    picked = _pick(txn, bench, part, snapshot)
    missing = bench.missing(picked.needs)
    if missing is not None:
        return missing
    found = _write(txn, bench, part, picked, snapshot)
    next_line = picked.ours.next_line
    oldest = days.day_of(min(picked.needs.days)) if picked.needs.days else None
    parts.advance(txn, part, next_line, picked.ours.next_octet, found, oldest)
    done = next_line > part.lines
    if done:
        # Parts of later files may have waited for it.
        wakeup.tell(txn, wakeup.USAGE)
    return Worked(part, next_line, found, done)


def _pick(txn: Transaction, bench: Bench, part: Part, snapshot: Snapshot) -> Picked:
    picked = bench.picked
    if (
        picked is not None
        and (picked.file_id, picked.part) == (part.file_id, part.part)
        and picked.ours.first_line == part.next_line
    ):
        return picked
    limits = of_source(txn, part.source.id)
    homes, share = _homes(txn, bench, part, snapshot), share_of(part, bench.days_back, limits)
    with _opened(bench.spool, part) as file:
        lines = Lines(file, part.next_octet)
        ours = pick(lines, part.next_line, _at_most(part, bench.chunk_lines), homes, share)
    if ours.next_line == part.next_line:
        raise _cut_short(bench.spool, part)
    final_billed(txn, ours.owners, part.received_at)
    if limits is not None:
        speak(ours.udrs, ours.owners, limits)
    needs = bench.needs_of(ours.udrs, ours.owners, snapshot)
    bench.picked = Picked(part.file_id, part.part, ours, needs)
    return bench.picked


def next_chunk(spool: Spool, part: Part, lines_max: int) -> Chunk:
    """
    Read the next lines of a part.

    Errors:
        FileBlockedError: the file is gone or cut.
        LinesLostError: the lines that were made of it are.
    """
    with _opened(spool, part) as file:
        chunk = read_chunk(file, part.next_line, part.next_octet, _at_most(part, lines_max))
    if not chunk.lines:
        raise _cut_short(spool, part)
    return chunk


def _at_most(part: Part, lines_max: int) -> int:
    return min(lines_max, part.lines - part.next_line + 1)


def _opened(spool: Spool, part: Part) -> FileIO:
    """Open the lines of a file, which has as many octets as on arrival."""
    path = _path(spool, part)
    file = path.open("rb", buffering=0)
    octets = os.fstat(file.fileno()).st_size
    if octets != part.octets and part.decoded_octets is None:
        file.close()
        raise FileBlockedError(
            part,
            f"{path} had {part.octets} octets on arrival and has {octets} now: it was written to"
            " after it was handed in. Put back what its name is the SHA-256 of; hand in the rest"
            " as a file of its own",
        )
    return file


def _cut_short(spool: Spool, part: Part) -> FileBlockedError:
    return FileBlockedError(
        part,
        f"{_path(spool, part)} ends at line {part.next_line - 1}, but had {part.lines} on arrival:"
        " put the octets back that its name is the SHA-256 of",
    )


def _path(spool: Spool, part: Part) -> Path:
    """Tell where the lines of a file are."""
    kept = spool.find(part.source.code, part.sha256)
    if kept is None or kept.packed:
        raise FileBlockedError(
            part,
            f"it is not in the spool: put the octets with SHA-256 {part.sha256.hex()} back into"
            f" {part.source.code}/work/",
        )
    if part.decoded_octets is None:
        return kept.path
    path = spool.lines_at(part.source.code, part.sha256, part.replay)
    if not path.exists() or path.stat().st_size != part.decoded_octets:
        raise LinesLostError(part)
    return path


def _homes(txn: Transaction, bench: Bench, part: Part, snapshot: Snapshot) -> Homes:
    wanted = (_mediator(txn, bench, part), snapshot.owners, part.parts)
    if bench.homes is None or bench.homes.made_for != wanted:
        bench.homes = Homes(*wanted)
    return bench.homes


def _mediator(txn: Transaction, bench: Bench, part: Part) -> Mediator:
    found = bench.profiles.mediator_of(txn, part.source, part.header)
    if found is None:
        raise _unknown_profile(part)
    return found


def _unknown_profile(part: Part) -> FileBlockedError:
    return FileBlockedError(
        part,
        f"it is to be read by the profile {part.source.profile!r}, which this program does not know: start the"
        " program that has it, or one that is newer, and let the file be tried again",
    )


def _write(
    txn: Transaction, bench: Bench, part: Part, picked: Picked, snapshot: Snapshot
) -> Verdicts:
    """Give each of the lines its verdict; what is new and has a price is charged."""
    ours = picked.ours
    ordered, any_twice = by_key(ours.udrs)
    repeated = repeats.claimed(txn, part.file_id, ordered, any_twice=any_twice)
    events, owners, lost = _fresh(ours, repeated)
    unpriced = charging.charge(
        txn,
        part.file_id,
        snapshot.tariff,
        picked.needs,
        (events, owners),
        locking=picked is bench.contended,
    )
    said = [
        *ours.rejected,
        *repeats.judge(txn, bench.spool, bench.profiles, (part.file_id, ours), repeated),
        *(_suspended(ours, udr, why) for udr, why in [*lost, *unpriced]),
    ]
    verdicts.add(txn, part.file_id, said)
    counts = [each.outcome for each in said]
    return Verdicts(
        new=len(events) - len(unpriced),
        duplicate=counts.count(Outcome.DUPLICATE),
        suspended=counts.count(Outcome.SUSPENDED),
        rejected=counts.count(Outcome.REJECTED),
    )


def _fresh(
    ours: Ours, repeated: list[Repeat]
) -> tuple[list[UDR], list[Owner], list[tuple[UDR, Unrated]]]:
    """Leave out what was there before: give the events with owners, these, and the events without."""
    if not repeated and _are_known(ours.owners):
        return ours.udrs, ours.owners, []
    again = {each.udr.line_no for each in repeated}
    events: list[UDR] = []
    owners: list[Owner] = []
    lost: list[tuple[UDR, Unrated]] = []
    for udr, owner in zip(ours.udrs, ours.owners, strict=True):
        if udr.line_no in again:
            continue
        if isinstance(owner, Unrated):
            lost.append((udr, owner))
        else:
            events.append(udr)
            owners.append(owner)
    return events, owners, lost


def _are_known(owners: list[Owner | Unrated]) -> TypeGuard[list[Owner]]:
    return Unrated not in set(map(type, owners))


def _suspended(ours: Ours, udr: UDR, why: Unrated) -> Verdict:
    reason, line = why.reason.value, ours.line(udr.line_no)
    return Verdict(udr.line_no, Outcome.SUSPENDED, reason, why.tried, line, udr.event_key)
