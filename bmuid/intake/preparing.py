"""
What a file is worked from: lines made of it where it has none, and whether it may be worked at all.

It hangs on the octets and the profile alone, so it is the same whenever it is made again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bmu.mediation import Profile
from bmu.mediation.decoding import UndecodableError
from bmuid.intake.originals import NO_LIMITS, is_read_as_it_came, rows_of
from bmuid.intake.spool import Kept, Measure, Spool
from bmuid.intake.unpacking import Limits, UnpackError
from bmuid.intake.whole import digest_of
from bmuid.store.files import Ready
from bmuid.store.parts import Part


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


def prepare(
    spool: Spool, place: tuple[str, int], measured: Measure, profile: Profile, limits: Limits
) -> Ready:
    """
    Make a file in work/ ready, whole or not at all.

    Shapes:
        place: the code of its source, and which replay it is.
        limits: of what may come out of a compressed file.

    Errors:
        RewrittenError: its octets are not those that were measured.
        OSError: it can't be read, or there is no room.
    """
    source, replay = place
    kept = Kept(spool.in_work_at(source, measured.sha256), packed=False)
    try:
        if is_read_as_it_came(kept, profile):
            return Ready(measured.lines)
        path = spool.lines_at(source, measured.sha256, replay)
        lines = _Counting(rows_of(kept, profile, limits))
        spool.write_lines(path, lines)
    except (UndecodableError, UnpackError) as error:
        return Ready(0, held=f"{error}; `bmadmin file release` has it tried again")
    if digest_of(kept.path) != measured.sha256:
        path.unlink()
        raise RewrittenError("it was written to after it was handed in")
    return Ready(lines.count, path.stat().st_size)


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
        spool.write_lines(path, _Counting(rows_of(kept, profile, NO_LIMITS)))
    except (UndecodableError, UnpackError):
        return None
    return path if path.stat().st_size == part.decoded_octets else None
