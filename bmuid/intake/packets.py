"""Export packets of routers in a file: one behind the other, as IPFIX messages, or captured (pcap)."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from bmu.mediation.rows import BrokenError

PACKET_OCTETS_MAX = 1 << 16
FRAME_OCTETS_MAX = 1 << 18
V5, V9, IPFIX = 5, 9, 10
_VERSIONS = frozenset((V5, V9, IPFIX))
_V9_HEADER, _V5_HEADER, _V5_RECORD = 20, 24, 48
# The first four octets of a capture: the order of its octets, little or big.
_CAPTURES = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}  # fmt: skip
_PCAPNG = b"\x0a\x0d\x0d\x0a"
# Where a frame's protocol stands, and where what it carries begins, by the kind of link.
_ETHERNET, _COOKED, _COOKED_2 = 1, 113, 276
_LINKS = {_ETHERNET: (12, 14), _COOKED: (14, 16), _COOKED_2: (0, 20)}
_RAW_LINKS = frozenset((12, 14, 101, 228, 229))
_TAGS = frozenset((0x8100, 0x88A8))
_UDP = 17


@dataclass(frozen=True, slots=True)
class Packet:
    """What a router sent at once; *octet* is where it begins in the file, *exporter* its address where that is known."""

    octet: int
    exporter: str
    octets: bytes


def packets_in(blocks: Iterable[bytes]) -> Iterator[Packet]:
    """
    Give the export packets of a file.

    Errors:
        BrokenError: it holds something else, or ends within one.
    """
    octets = _Octets(blocks)
    first = octets.look(4)
    if first in _CAPTURES:
        yield from _captured(octets, _CAPTURES[first])
    elif first == _PCAPNG:
        raise BrokenError("a capture in the form pcapng: write it as pcap", 0, first)
    else:
        while octets.look(1):
            start = octets.taken
            yield Packet(start, "", _next_packet(octets))


def _next_packet(octets: "_Octets") -> bytes:
    version, length = struct.unpack("!HH", octets.need(4))
    if version == V5:
        return octets.take(_V5_HEADER + _V5_RECORD * length)
    if version == IPFIX and length >= 16:
        return octets.take(length)
    if version == V9:
        return octets.take(_v9_length(octets))
    raise BrokenError("no NetFlow 5 or 9, and no IPFIX", octets.taken, octets.look(20))


def _v9_length(octets: "_Octets") -> int:
    """Add up the sets of a packet, which doesn't tell its length; no set has the number of a version."""
    length = _V9_HEADER
    octets.need(length)
    while len(head := octets.look(4, length)) == 4:
        number, set_length = struct.unpack("!HH", head)
        if number in _VERSIONS or set_length < 4:
            break
        length += set_length
        if length > PACKET_OCTETS_MAX:
            raise BrokenError("a packet of NetFlow 9 that is too long", octets.taken, head)
    return length


def _captured(octets: "_Octets", order: str) -> Iterator[Packet]:
    """Give what UDP packets carry; what is none, or no export, was captured beside it."""
    link = struct.unpack(f"{order}I", octets.take(24)[20:])[0] & 0xFFFF
    if link not in _LINKS and link not in _RAW_LINKS:
        raise BrokenError(f"a capture of links of kind {link}, which are not read", 20)
    while octets.look(1):
        start = octets.taken
        _, _, length, whole = struct.unpack(f"{order}4I", octets.take(16))
        if length > FRAME_OCTETS_MAX:
            raise BrokenError(f"a frame of {length:,} octets", start)
        found = _datagram(octets.take(length), link)
        if found is None or int.from_bytes(found[1][:2], "big") not in _VERSIONS:
            continue
        if length < whole:
            raise BrokenError("a frame was captured in part: capture whole ones (-s 0)", start)
        yield Packet(start, *found)


def _datagram(frame: bytes, link: int) -> tuple[str, bytes] | None:
    """Give the sender of a UDP packet and what it carries; None for another frame."""
    try:
        if link in _LINKS:
            place, begin = _LINKS[link]
            while link == _ETHERNET and int.from_bytes(frame[place : place + 2], "big") in _TAGS:
                place, begin = place + 4, begin + 4
            frame = frame[begin:]
        version = frame[0] >> 4
        if version == 4:
            start, protocol, sender = (frame[0] & 15) * 4, frame[9], frame[12:16]
            if struct.unpack_from("!H", frame, 6)[0] & 0x3FFF:
                return None
        elif version == 6:
            start, protocol, sender = 40, frame[6], frame[8:24]
        else:
            return None
        if protocol != _UDP:
            return None
        length = struct.unpack_from("!H", frame, start + 4)[0]
        return str(ip_address(sender)), frame[start + 8 : start + length]
    except (IndexError, struct.error, ValueError):
        return None


class _Octets:
    """Octets that come in blocks, to be taken as they are wanted."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._held = b""
        self._at = 0
        self.taken = 0

    def look(self, count: int, ahead: int = 0) -> bytes:
        """Give the next octets without taking them, fewer at the end of the file."""
        end = self._at + ahead + count
        if len(self._held) < end:
            parts = [self._held[self._at :]]
            have = len(parts[0])
            while have < ahead + count and (block := next(self._blocks, None)) is not None:
                parts.append(block)
                have += len(block)
            self._held, self._at = b"".join(parts), 0
            end = ahead + count
        return self._held[end - count : end]

    def need(self, count: int) -> bytes:
        """Give the next octets without taking them."""
        found = self.look(count)
        if len(found) < count:
            raise BrokenError("the file ends within a packet", self.taken, found)
        return found

    def take(self, count: int) -> bytes:
        """Take the next octets."""
        found = self.need(count)
        self._at += count
        self.taken += count
        return found
