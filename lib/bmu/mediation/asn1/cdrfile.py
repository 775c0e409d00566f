"""Files of TS 32.297: a header, then each record behind a header of its own, which tells its length."""

from collections.abc import Iterator
from dataclasses import dataclass

from bmu.mediation.asn1.framing import Found, Lines, Piece, Quick, Stand, Unread
from bmu.mediation.asn1.leaf import ip
from bmu.mediation.asn1.tagmap import TagMap
from bmu.mediation.asn1.tlv import INDEFINITE, BERError, header, marked_end, tag_name
from bmu.mediation.asn1.window import Window
from bmu.mediation.rows import FAULT_OCTETS_MAX, BrokenError

# TS 32.297 (V18), 6.1.1: up to the length of the routeing filter; filter, private extension and the extension of
# release identifiers follow.
FIXED_OCTETS = 50
HEADER_OCTETS_MAX = FIXED_OCTETS + (1 << 16) + 2 + (1 << 16) + 2
# Of a file of up to 256 MiB.
FIRST_OCTET_MAX = 0x10
UNKNOWN = 0xFFFF_FFFF
# Set in three bits, and in the octet that follows then.
EXTENDED = 7
BER = 1
ENCODINGS = {2: "unaligned PER", 3: "aligned PER", 4: "XER"}
RECORD_HEADER_OCTETS = 4


@dataclass(frozen=True, slots=True)
class FileHeader:
    """What the header of a file says of it; None: the file does not know."""

    octets: int | None
    records: int | None
    said: str


def looks_like(octets: bytes) -> bool:
    """
    Tell from the first octets of a file whether it begins with such a header.

    Longer files may begin with a record, of which the first octet is never as small as these have it.
    """
    return is_header(octets) and (octets[0] < FIRST_OCTET_MAX or octets[:4] == b"\xff" * 4)


def is_header(octets: bytes) -> bool:
    """Tell whether octets can be such a header."""
    if len(octets) < FIXED_OCTETS:
        return False
    whole, head = (int.from_bytes(octets[n : n + 4], "big") for n in (0, 4))
    return FIXED_OCTETS <= head <= HEADER_OCTETS_MAX and head <= whole


def read_header(window: Window) -> FileHeader:
    """
    Read the header of a file, and pass over it.

    Errors:
        BrokenError: there is none.
    """
    if not window.holds(FIXED_OCTETS) or not is_header(window.octets[window.at :][:FIXED_OCTETS]):
        raise BrokenError(
            "no file header of TS 32.297", window.octet, window.octets[:FIXED_OCTETS]
        )
    octets = window.octets[window.at : window.at + FIXED_OCTETS]
    whole, head, records = (int.from_bytes(octets[n : n + 4], "big") for n in (0, 4, 18))
    opened, last = _time(octets[10:14]), _time(octets[14:18])
    said = (
        f"file header: file {int.from_bytes(octets[22:26], 'big')} of {_node(octets[27:47])}, opened {opened},"
        f" last record {last}, closed for reason {octets[26]}, lost records {octets[47]}"
    )
    window.skip(head)
    return FileHeader(
        None if whole == UNKNOWN else whole, None if records == UNKNOWN else records, said
    )


def _time(octets: bytes) -> str:
    """Read ``08-03 09:12 +01:00`` of bits: month 4, day 5, hour 5, minute 6, sign, hours 5, minutes 6; no year."""
    bits = int.from_bytes(octets, "big")
    sign = "+" if bits >> 11 & 1 else "-"
    return (
        f"{bits >> 28:02}-{bits >> 23 & 31:02} {bits >> 18 & 31:02}:{bits >> 12 & 63:02} "
        f"{sign}{bits >> 6 & 31:02}:{bits & 63:02}"
    )


def _node(octets: bytes) -> str:
    """Read the address of the node that wrote the file: IPv6, or IPv4 in the last octets."""
    address = octets[-16:]
    if not any(address[:10]) and address[10:12] in {b"\0\0", b"\xff\xff"}:
        return ip(address[12:]) or ""
    return ip(address) or ""


def pieces_of(
    window: Window, tag_map: TagMap, told: FileHeader, quick: Quick | None
) -> Iterator[Piece]:
    """
    Give the records behind a file's header; what is wrong with one concerns no other.

    Errors:
        BrokenError: the file ends within a record, or holds another number of records than its header says.
    """
    found = 0
    while window.holds(1):
        lines: list[bytes] = []
        if quick is not None:
            lines, window.at = quick(window.octets, window.at, len(window.octets), Stand.HEADED)
        found += len(lines) or 1
        yield Lines(lines) if lines else _one(window, tag_map)
    if told.records is not None and told.records != found:
        raise BrokenError(
            f"the file's header says {told.records:,} records, there are {found:,}", window.octet
        )
    if told.octets is not None and told.octets != window.octet:
        raise BrokenError(
            f"the file's header says {told.octets:,} octets, there are {window.octet:,}",
            window.octet,
        )


def _one(window: Window, tag_map: TagMap) -> Found | Unread:
    octet = window.octet
    if not window.holds(RECORD_HEADER_OCTETS + 1):
        raise _cut(window)
    octets = window.octets[window.at : window.at + RECORD_HEADER_OCTETS]
    length = int.from_bytes(octets[:2], "big")
    before = RECORD_HEADER_OCTETS + (octets[2] >> 5 == EXTENDED)
    if not window.holds(before + length):
        raise _cut(window)
    at = window.at + before
    end = at + length
    first = window.octets[window.at : min(end, window.at + FAULT_OCTETS_MAX)]
    window.at = end
    encoding = octets[3] >> 5
    if encoding != BER:
        name = ENCODINGS.get(encoding, f"encoding {encoding}")
        return Unread(f"a record in {name}; BER is read", octet, first)
    try:
        return _found(window.octets, at, end, octet + before, tag_map)
    except BERError as error:
        return Unread(error.detail, octet, first)


def _found(octets: bytes, at: int, end: int, octet: int, tag_map: TagMap) -> Found:
    tag, constructed, begin, last = header(octets, at, end)
    behind = last
    if last == INDEFINITE:
        last = marked_end(octets, begin, end, 0)
        behind = last + 2
    field = tag_map.records.get(tag)
    if field is None or not constructed:
        raise BERError(f"{tag_name(tag)} is no record of {tag_map.code}", at)
    if behind != end:
        raise BERError(
            f"{end - behind} octets behind the record that its header announces", behind
        )
    return Found(field, octet, at, begin, last)


def _cut(window: Window) -> BrokenError:
    octet = window.octet
    first, _ = window.skip_all()
    return BrokenError("the file ends within a record", octet, first)
