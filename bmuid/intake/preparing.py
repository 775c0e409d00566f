"""
What a file is worked from: lines made of it where it has none, and whether it may be worked at all.

It hangs on the octets and the profile alone, so it is the same whenever it is made again.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bmu.mediation import Profile, UndecodableError
from bmu.mediation.decoding import NoRowError
from bmu.mediation.headed import has_heading, head_of, heading_faults, names_faults
from bmu.mediation.parts import split_lines
from bmu.mediation.totals import Totals
from bmuid.intake.lines import read_chunk
from bmuid.intake.originals import (
    NO_LIMITS,
    heading_in,
    is_read_as_it_came,
    made_lines,
    octets_of,
    rows_of,
)
from bmuid.intake.spool import Kept, Measure, Spool
from bmuid.intake.unpacking import BeyondLimitsError, Limits, UnpackError
from bmuid.intake.whole import digest_of, last_line
from bmuid.store.files import Ready
from bmuid.store.parts import Part

FAULTS_TOLD_MAX = 5


class RewrittenError(OSError):
    """Raised for a file that was written to after it was handed in; it is looked at anew."""


@dataclass(slots=True)
class _Counting:
    """Lines on their way into a file."""

    lines: Iterable[bytes]
    count: int = field(default=0)

    def __iter__(self) -> Iterator[bytes]:
        for line in self.lines:
            self.count += 1
            yield line + b"\n"


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    A file in work/ that is to be made ready.

    Shapes:
        source: its code.
        released: staff let it go on, so what it holds is not judged.
    """

    source: str
    measured: Measure
    replay: int = 0
    released: bool = False


def prepare(spool: Spool, wanted: Wanted, profile: Profile, limits: Limits) -> Ready:
    """
    Make a file ready, whole or not at all.

    Shapes:
        limits: of what may come out of a compressed file.

    Errors:
        RewrittenError: its octets are not those that were measured.
        OSError: it can't be read, or there is no room.
    """
    measured = wanted.measured
    kept = Kept(spool.in_work_at(wanted.source, measured.sha256), packed=False)
    try:
        if not is_read_as_it_came(kept, profile):
            return _made(spool, wanted, kept, profile, limits)
        if profile.trailer is None and not has_heading(profile):
            return Ready(measured.lines)
        heading, rows = rows_of(kept, profile, limits)
        held = _judged(profile, heading, rows, wanted)
    except (UndecodableError, UnpackError) as error:
        return Ready(0, held=_why_unread(error, wanted))
    return Ready(0 if held else measured.lines, header=heading or None, held=held)


def _why_unread(error: UndecodableError | UnpackError, wanted: Wanted) -> str | None:
    """Say what to do with a file that nothing was made of; nothing of one that staff let go on without rows."""
    if isinstance(error, NoRowError):
        then = "`bmadmin file release` then has it tried again, and is done with it without rows if it still has none"
        return None if wanted.released else f"{error}; {then}"
    if isinstance(error, UnpackError) and not isinstance(error, BeyondLimitsError):
        # The same octets are refused the next time, too.
        return str(error)
    return f"{error}; `bmadmin file release` has it tried again"


def _made(spool: Spool, wanted: Wanted, kept: Kept, profile: Profile, limits: Limits) -> Ready:
    """Make lines of a file, and keep them unless it is to be held."""
    path = spool.lines_at(wanted.source, wanted.measured.sha256, wanted.replay)
    if not wanted.released and (faults := names_faults(profile, octets_of(kept, limits))):
        return Ready(0, held=_told(faults))
    heading, rows = rows_of(kept, profile, limits)
    totals = None if profile.trailer is None else Totals(profile, heading)
    if totals is not None:
        rows = _through(rows, totals)
    lines = _Counting(split_lines(profile, rows) if profile.splitting else rows)
    spool.write_lines(path, lines)
    if digest_of(kept.path) != wanted.measured.sha256:
        path.unlink()
        raise RewrittenError("it was written to after it was handed in")
    held = None if wanted.released else _why_held(profile, heading, totals)
    if held is not None:
        path.unlink()
        return Ready(0, held=held)
    return Ready(lines.count, path.stat().st_size, heading or None)


def _through(rows: Iterable[bytes], totals: Totals) -> Iterator[bytes]:
    for line_no, row in enumerate(rows, 1):
        totals.add(line_no, row)
        yield row


def _judged(profile: Profile, heading: bytes, rows: Iterable[bytes], wanted: Wanted) -> str | None:
    """Say why a file that is read as it came is to be held."""
    if wanted.released:
        return None
    totals = None if profile.trailer is None else Totals(profile, heading)
    if totals is not None:
        for _ in _through(rows, totals):
            pass
    return _why_held(profile, heading, totals)


def _why_held(profile: Profile, heading: bytes, totals: Totals | None) -> str | None:
    faults = list(heading_faults(profile, heading)) if has_heading(profile) else []
    if not faults and totals is not None:
        faults += totals.faults()
    return _told(faults) if faults else None


def _told(faults: Sequence[str]) -> str:
    told = "; ".join(faults[:FAULTS_TOLD_MAX])
    return (
        f"{told}. Have it sent again if it is not whole; `bmadmin file release` takes it as it is"
    )


def why_unended(path: Path, profile: Profile | None) -> str:
    """Tell why a file does not end with the trailer of its profile, as far as its last line shows; nothing where it does."""
    if profile is None or profile.trailer is None:
        return "its source's profile has no trailer to tell that it is whole"
    with path.open("rb", buffering=0) as file:
        head = read_chunk(file, 1, 0, head_of(profile)).lines if head_of(profile) else []
    last = last_line(path)
    if not last.endswith(b"\n"):
        return "its last line has no end yet"
    totals = Totals(profile, heading_in(head, profile))
    totals.add(len(head) + 1, last.rstrip(b"\r\n"))
    return "" if totals.has_ended else "its last line is no trailer"


def make_again(spool: Spool, part: Part, profile: Profile) -> Path | None:
    """
    Make the lines of a file again that were lost from the spool; None: the file itself is gone, or is another.

    Errors:
        OSError: it can't be read, or there is no room.
    """
    kept = spool.find(part.source.code, part.sha256)
    if kept is None:
        return None
    path = spool.lines_at(part.source.code, part.sha256, part.replay)
    try:
        spool.write_lines(path, _Counting(made_lines(kept, profile, NO_LIMITS)))
    except (UndecodableError, UnpackError):
        return None
    return path if path.stat().st_size == part.decoded_octets else None
