"""
Files whose rows are no lines of text to such lines: octets in blocks go in, one row a line comes out.

A line is a JSON object of texts in UTF-8, ``{"caller.number":"442079460123","seconds":"73"}``; of text in
another encoding it is the line as it stands. A row that can't be read is ``{"!":"why, at octet N","octets":"<hex>"}``.
Whatever the octets are, each row is one line, the lines are the same however the octets are cut into
blocks, and no more of a file is held than a row and a block.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from bmu.mediation import (
    ber,
    cloudevents,
    csvrows,
    fixedrows,
    flowsettings,
    ipdr,
    jsonrows,
    linerows,
    radiusdetail,
    textrows,
    xmlrows,
)
from bmu.mediation.profile import Decoding, Format
from bmu.mediation.rows import BrokenError, RowlessError, Settings, fault_line

PLUGIN_CHARACTERS_MAX = 100

# Those that tell by themselves whether a file without rows is one of theirs: an empty list, a heading alone.
_TELLING = frozenset(
    {
        *(Format.BER, Format.CLOUD_EVENTS, Format.CSV_BLOCK, Format.IPDR, Format.JSON),
        *(Format.NETFLOW, Format.XML),
    }
)

Decoder = Callable[[Settings, Iterable[bytes]], Iterator[bytes]]
Faults = Callable[[Settings], Iterator[str]]

# How each format is read, and what can be wrong with its settings.
DECODERS: Mapping[Format, tuple[Decoder, Faults]] = {
    Format.BER: (ber.decode, ber.faults),
    Format.CLOUD_EVENTS: (cloudevents.decode, cloudevents.faults),
    Format.CSV_BLOCK: (csvrows.decode, csvrows.faults),
    Format.FIXED_BLOCK: (fixedrows.decode, fixedrows.faults),
    Format.IPDR: (ipdr.decode, ipdr.faults),
    Format.JSON: (jsonrows.decode, jsonrows.faults),
    Format.LINES: (linerows.decode, linerows.faults),
    Format.RADIUS_DETAIL: (radiusdetail.decode, radiusdetail.faults),
    Format.TEXT: (textrows.decode, textrows.faults),
    Format.XML: (xmlrows.decode, xmlrows.faults),
}


class UndecodableError(ValueError):
    """Raised when a file is not what its profile says, from its start; the text says what to look at."""


class NoRowError(UndecodableError):
    """Raised when no row could be made of a file that is not empty, nor one of its kind that has none."""


def decode(decoding: Decoding, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Give the lines of a file, without line ends; of NetFlow, `bmuid.intake.decoding` does.

    A file that can't be read on behind its first row ends with one line that says so.

    Shapes:
        decoding: without faults.

    Errors:
        UndecodableError: not even its first row can be read, so that it is another kind of file.
        NoRowError: it has octets, but no row.
    """
    decoder, _ = DECODERS[decoding.format]
    return lines_by(decoder, decoding, blocks)


def lines_by(decoder: Decoder, decoding: Decoding, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Give the lines that a decoder makes of a file, and say where it could not go on.

    Errors:
        UndecodableError: not even the first row can be read.
        NoRowError: it has octets, but no row.
    """
    begun = rowless = False
    counted = _Counted(blocks)
    try:
        for line in decoder(dict(decoding.settings), counted):
            begun = True
            yield line
        rowless = not begun and decoding.format not in _TELLING
    except RowlessError:
        rowless = not begun
    except BrokenError as error:
        if not begun:
            raise UndecodableError(
                f"it can't be read as {decoding.format.value}: {error.why}, at octet {error.octet + 1}; "
                "see whether the source's profile is the one for its files"
            ) from None
        yield fault_line(error.why, error.octet, error.octets)
    if rowless and counted.octets:
        raise NoRowError(
            f"no row in {counted.octets:,} octets, read as {decoding.format.value}: see whether the "
            "source's profile is the one for its files"
        )


class _Counted:
    """Blocks on their way into a decoder."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self.octets = 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.octets += len(block)
            yield block


def decoding_faults(decoding: Decoding) -> Iterator[str]:
    """Find all that is wrong with the settings of a decoding."""
    names = [name for name, _ in decoding.settings]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"decoding: {name} is there {names.count(name)} times"
    settings = dict(decoding.settings)
    if decoding.format is Format.NETFLOW:
        yield from flowsettings.faults(settings)
    elif decoding.format in DECODERS:
        yield from DECODERS[decoding.format][1](settings)
    else:
        yield f"decoding: {decoding.format.value} is not read"
    if decoding.plugin and decoding.format in {Format.TEXT, Format.FIXED_BLOCK}:
        yield "decoding: a plugin takes rows with names, not lines of text; format = LINES gives it whole lines"
    if len(decoding.plugin) > PLUGIN_CHARACTERS_MAX:
        yield f"decoding: plugin is longer than {PLUGIN_CHARACTERS_MAX} characters"
