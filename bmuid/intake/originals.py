"""The rows in files as they came, wherever the spool keeps them: made lines, the same ones each time."""

import gzip
from collections.abc import Collection, Iterator, Sequence
from itertools import chain, islice

from bmu.mediation import Profile
from bmu.mediation.headed import has_heading, head_of
from bmu.mediation.parts import split_lines
from bmuid.intake.decoding import decode
from bmuid.intake.lines import lines_in, lines_of, pick
from bmuid.intake.spool import BLOCK_OCTETS, Kept, Spool
from bmuid.intake.unpacking import Limits, packing_of, unpacked
from bmuid.store.originals import Original

# What was unpacked once was within the limits of then.
NO_LIMITS = Limits(octets_max=1 << 62, ratio_max=1 << 62)


def is_read_as_it_came(kept: Kept, profile: Profile) -> bool:
    """
    Tell whether the lines of a file are its rows already.

    Errors:
        OSError: it can't be read.
        UnpackError: it is an archive of a kind that is not read.
    """
    is_made = profile.decoding is not None or profile.splitting
    return not is_made and not kept.packed and packing_of(kept.path) is None


def octets_of(kept: Kept, limits: Limits) -> Iterator[bytes]:
    """
    Give what a file holds, in blocks, however it is compressed.

    Errors:
        OSError: it can't be read.
        UnpackError: it is damaged, beyond the limits, or has what is refused.
    """
    if not kept.packed:
        yield from unpacked(kept.path, limits)
        return
    with gzip.open(kept.path) as file:
        while block := file.read(BLOCK_OCTETS):
            yield block


def rows_of(kept: Kept, profile: Profile, limits: Limits) -> tuple[bytes, Iterator[bytes]]:
    """
    Give the line that names the columns of a file, where it has one, and its rows, not split into parts yet.

    Errors, also while rows are asked for:
        OSError: it can't be read.
        UnpackError: it is damaged, beyond the limits, or has what is refused.
        UndecodableError: it is not what its profile says.
    """
    octets = octets_of(kept, limits)
    rows = lines_in(octets) if profile.decoding is None else decode(profile.decoding, octets)
    head = list(islice(rows, head_of(profile)))
    return heading_in(head, profile), chain(head, rows)


def heading_in(head: Sequence[bytes], profile: Profile) -> bytes:
    """Give the line that names the columns, of the first lines of a file; nothing where there is none."""
    return head[-1] if has_heading(profile) and len(head) == head_of(profile) else b""


def made_lines(kept: Kept, profile: Profile, limits: Limits) -> Iterator[bytes]:
    """Give the lines that a file is worked from, where they are not those it came with; errors as of rows_of()."""
    _, rows = rows_of(kept, profile, limits)
    return split_lines(profile, rows) if profile.splitting else rows


def lines_kept(
    spool: Spool, original: Original, profile: Profile | None, wanted: Collection[int]
) -> dict[int, bytes]:
    """Give those of the lines of a file that can be had still, by number."""
    source, sha256 = original.source.code, original.sha256
    if original.decoded_octets is not None:
        made = spool.lines_at(source, sha256, original.replay)
        if made.exists():
            return lines_of(made, wanted)
    kept = spool.find(source, sha256)
    if kept is None:
        return {}
    if original.decoded_octets is None and not kept.packed:
        return lines_of(kept.path, wanted)
    if original.decoded_octets is None:
        return pick(lines_in(octets_of(kept, NO_LIMITS)), wanted)
    return {} if profile is None else pick(made_lines(kept, profile, NO_LIMITS), wanted)
