"""Octets of files to lines, one a row, whatever their format: what `bmu.mediation` decodes, and NetFlow."""

from collections.abc import Iterable, Iterator

from bmu.mediation import decoding as formats
from bmu.mediation.profile import Decoding, Format
from bmuid.intake import netflow
from bmuid.intake.plugin import plugged


def decode(decoding: Decoding, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Give the lines of a file of any format; as `bmu.mediation.decode`, which knows all but NetFlow.

    Errors:
        UndecodableError: not even its first row can be read, so that it is another kind of file; or its plug-in fails.
    """
    if decoding.format is Format.NETFLOW:
        lines = formats.lines_by(netflow.decode, decoding, blocks)
    else:
        lines = formats.decode(decoding, blocks)
    return plugged(decoding.plugin, lines) if decoding.plugin else lines
