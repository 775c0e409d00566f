"""The rows in files as they came, wherever the spool keeps them: made lines, the same ones each time."""

import gzip
from collections.abc import Collection, Iterator

from bmu.mediation import Profile
from bmuid.intake.decoding import decode
from bmuid.intake.lines import lines_in, lines_of, pick
from bmuid.intake.splitting import split
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
    made = profile.decoding is not None or profile.splitting
    return not made and packing_of(kept.path) is None


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


def rows_of(kept: Kept, profile: Profile, limits: Limits) -> Iterator[bytes]:
    """
    Give the lines that are made of a file.

    Errors:
        OSError: it can't be read.
        UnpackError: it is damaged, beyond the limits, or has what is refused.
        UndecodableError: it is not what its profile says.
    """
    octets = octets_of(kept, limits)
    lines = lines_in(octets) if profile.decoding is None else decode(profile.decoding, octets)
    return split(lines, profile.splitting) if profile.splitting else lines


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
    return {} if profile is None else pick(rows_of(kept, profile, NO_LIMITS), wanted)
