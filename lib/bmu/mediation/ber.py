"""
Call records in ASN.1 BER to rows: those of 3GPP TS 32.298 as switches and gateways write them, and GSMA TAP files.

Settings: ``map`` (which records there are, one of `MAPS`), ``framing`` (PLAIN: one record behind the other, padding
between; CDR_FILE: headers of TS 32.297; without it the file's beginning tells), ``block`` (octets in a block at whose
beginning a record begins), ``each`` (a list of the record: each of its elements makes a row), and ``field.TYPE.NAME``
for what a vendor added: ``field.moCallRecord.tariffClass = "200 int"``.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from bmu.mediation.asn1 import cdrfile, framing, tap
from bmu.mediation.asn1.fields import Fields, record_fields
from bmu.mediation.asn1.framing import Found, Lines, Piece, Unread
from bmu.mediation.asn1.quick import quick_of
from bmu.mediation.asn1.sums import rows_of
from bmu.mediation.asn1.tagmap import MAPS, TagMap, TagMapError, tag_map
from bmu.mediation.asn1.tlv import BERError
from bmu.mediation.asn1.window import Window
from bmu.mediation.rows import (
    FAULT_OCTETS_MAX,
    BrokenError,
    RowError,
    Settings,
    fault_line,
    line_of,
    unknown_settings,
)

BLOCK_OCTETS_MAX = 1 << 20
PLAIN, CDR_FILE = "PLAIN", "CDR_FILE"
TAP = "gsma-tap3"

NO_ROW = "#"
HEAD = b'{"#"'

_FIELD = "field."
_KNOWN = ("map", "framing", "block", "each", "field.TYPE.NAME")


@dataclass(frozen=True, slots=True)
class _Reading:
    """The settings, understood."""

    tag_map: TagMap
    framing: str
    block: int
    each: str


def decode(settings: Settings, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """
    Give the rows of a file as lines.

    Shapes:
        settings: without faults.

    Errors:
        BrokenError: nothing tells where the next record begins.
    """
    reading = _reading(settings)
    window = Window(blocks)
    batch = tap.Batch() if reading.tag_map.code == TAP else None
    begun = False
    for piece in _pieces(window, reading):
        match piece:
            case Lines(lines=lines):
                yield from chain.from_iterable(_made_again(line, reading) for line in lines)
            case Unread(why=why, octet=octet, octets=octets):
                if not begun:
                    raise BrokenError(why, octet, octets)
                yield fault_line(why, octet, octets)
            case Found():
                yield from _record_lines(window.octets, piece, reading, batch)
        begun = True
    if batch is not None:
        batch.ended(window.octet)


def faults(settings: Settings) -> Iterator[str]:
    """Find all that is wrong with the settings."""
    yield from unknown_settings(
        {name: text for name, text in settings.items() if not name.startswith(_FIELD)}, _KNOWN
    )
    if "map" not in settings:
        yield f"decoding: map is missing; expected one of {', '.join(MAPS)}"
    else:
        try:
            _map_of(settings)
        except TagMapError as error:
            yield f"decoding: {error}"
    if settings.get("framing", PLAIN) not in {PLAIN, CDR_FILE}:
        yield f"decoding: framing is {settings['framing']!r}; expected {PLAIN} or {CDR_FILE}"
    block = settings.get("block", "1")
    if not (block.isdecimal() and block.isascii() and 0 < int(block) <= BLOCK_OCTETS_MAX):
        yield f"decoding: block is {block!r}; expected 1 to {BLOCK_OCTETS_MAX} octets"


def _reading(settings: Settings) -> _Reading:
    return _Reading(
        _map_of(settings),
        settings.get("framing", ""),
        int(settings.get("block", "0")),
        settings.get("each", ""),
    )


def _map_of(settings: Settings) -> TagMap:
    further = []
    for name, text in settings.items():
        if name.startswith(_FIELD):
            type_name, _, field = name.removeprefix(_FIELD).partition(".")
            further.append((type_name, field, text))
    return tag_map(settings["map"], tuple(further))


def _pieces(window: Window, reading: _Reading) -> Iterator[Piece]:
    window.holds(cdrfile.FIXED_OCTETS)
    # What is told with the events of a batch may need more room than a line has.
    quick = None if reading.tag_map.code == TAP else quick_of(reading.tag_map)
    if reading.framing == CDR_FILE or (not reading.framing and cdrfile.looks_like(window.octets)):
        told = cdrfile.read_header(window)
        yield Lines([line_of({NO_ROW: told.said})])
        yield from cdrfile.pieces_of(window, reading.tag_map, told, quick)
    else:
        yield from framing.pieces_of(window, reading.tag_map, reading.block, quick)


def _made_again(line: bytes, reading: _Reading) -> Iterable[bytes]:
    """Give the lines of a record of which a line was made, without its sums and its rows."""
    if not (reading.each or reading.tag_map.totals) or line.startswith(HEAD):
        return (line,)
    fields = json.loads(line)
    name = fields.pop("record")
    totals = reading.tag_map.totals.get(name, ())
    return map(line_of, rows_of(name, fields, totals, reading.each))


def _record_lines(
    octets: bytes, found: Found, reading: _Reading, batch: tap.Batch | None
) -> Iterator[bytes]:
    """Give the lines of one record; if it can't be read, one that says why."""
    name = found.field.name
    try:
        fields = record_fields(octets, found.field.kind, found.begin, found.end)
        if batch is not None:
            rows: Iterable[Fields] = batch.rows(name, fields)
        else:
            rows = rows_of(name, fields, reading.tag_map.totals.get(name, ()), reading.each)
        lines = [_line(row) for row in rows]
    except BERError as error:
        lines = [_fault(octets, found, error.detail, found.octet + error.at - found.at)]
    except RowError as error:
        lines = [_fault(octets, found, str(error), found.octet)]
    yield from lines


def _fault(octets: bytes, found: Found, why: str, octet: int) -> bytes:
    first = octets[found.at : min(found.end, found.at + FAULT_OCTETS_MAX)]
    return fault_line(f"{found.field.name}: {why}", octet, first)


def _line(row: Fields) -> bytes:
    """Write a row; of one that is too long for a line, lists are given by their first element only."""
    try:
        return line_of(row)
    except RowError:
        short = {name: text for name, text in row.items() if not _is_further(name)}
        return line_of(short | {"shortened": "true"})


def _is_further(name: str) -> bool:
    return any(part.isdecimal() and part != "0" for part in name.split("."))
