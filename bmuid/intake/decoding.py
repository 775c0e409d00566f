"""Files as sources hand them in to lines, one a row: unpacked, then decoded, whatever their format."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from bmu.mediation import decoding as formats
from bmu.mediation.profile import Decoding, Format
from bmuid.intake import netflow
from bmuid.intake.unpacking import Limits, unpacked


def decode(decoding: Decoding, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Give the lines of a file of any format; as `bmu.mediation.decode`, which knows all but NetFlow.

    Errors:
        UndecodableError: not even its first row can be read, so that it is another kind of file.
    """
    if decoding.format is Format.NETFLOW:
        return formats.lines_by(netflow.decode, decoding, blocks)
    return formats.decode(decoding, blocks)


def lines_of(path: Path, decoding: Decoding, limits: Limits) -> Iterator[bytes]:
    """
    Give the lines of a file in the spool, be it compressed or not.

    Errors:
        OSError: it can't be read.
        UnpackError: it is compressed, and damaged or beyond the limits; lines that came before are no file.
        UndecodableError: not even its first row can be read.
    """
    return decode(decoding, unpacked(path, limits))
