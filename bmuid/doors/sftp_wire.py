"""SFTP version 3 without I/O: octets to packets, packets to fields, answers to packets (draft-ietf-secsh-filexfer-02)."""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag

VERSION = 3
# What OpenSSH writes at most in one request, and what such a request is with all that goes with it.
WRITE_OCTETS_MAX = 255 * 1024
PACKET_OCTETS_MAX = WRITE_OCTETS_MAX + 1024
LENGTH = struct.Struct(">I")
LONG = struct.Struct(">Q")


class Kind(IntEnum):
    """What a packet is."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Code(IntEnum):
    """How a request ended."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    OP_UNSUPPORTED = 8


class Open(IntFlag):
    """How a file is opened."""

    READ = 1
    WRITE = 2
    APPEND = 4
    CREATE = 8
    TRUNCATE = 16
    EXCLUSIVE = 32


class _Has(IntFlag):
    SIZE = 1
    OWNER = 2
    PERMISSIONS = 4
    TIMES = 8
    EXTENDED = 0x80000000


class PacketError(Exception):
    """Raised for octets that are no packet of the protocol."""


class RefusedError(Exception):
    """
    Raised for what a client may not, or can't have.

    Shapes:
        code: of the protocol; its text is a sentence for people.
    """

    def __init__(self, code: Code, said: str) -> None:
        super().__init__(said)
        self.code = code


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a file is; what is not said is None, and times are whole seconds since 1970."""

    size: int | None = None
    mode: int | None = None
    modified: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in a directory."""

    name: bytes
    attributes: Attributes
    shown: bytes = b""


class Packets:
    """What has come in, cut into packets."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """
        Give the packets that are complete now, without their length.

        Errors:
            PacketError: one is too long, or empty.
        """
        self._rest += octets
        at = 0
        while len(self._rest) - at >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._rest, at)
            if not 0 < length <= PACKET_OCTETS_MAX:
                raise PacketError(f"a packet of {length} octets")
            end = at + LENGTH.size + length
            if len(self._rest) < end:
                break
            yield bytes(memoryview(self._rest)[at + LENGTH.size : end])
            at = end
        del self._rest[:at]


class Fields:
    """
    The fields of one packet, one after the other.

    Errors:
        PacketError: of every method: the packet ends before the field does.
    """

    def __init__(self, packet: bytes, at: int = 0) -> None:
        self._packet = packet
        self._at = at

    def octet(self) -> int:
        """Give a number of one octet."""
        return self._take(1)[0]

    def number(self) -> int:
        """Give a number of four octets."""
        return int(LENGTH.unpack(self._take(LENGTH.size))[0])

    def long(self) -> int:
        """Give a number of eight octets."""
        return int(LONG.unpack(self._take(LONG.size))[0])

    def octets(self) -> bytes:
        """Give octets that their number goes before."""
        return self._take(self.number())

    def attributes(self) -> Attributes:
        """Give what a file is, or shall be."""
        has = _Has(self.number())
        size = self.long() if has & _Has.SIZE else None
        if has & _Has.OWNER:
            self._take(2 * LENGTH.size)
        mode = self.number() if has & _Has.PERMISSIONS else None
        modified = None
        if has & _Has.TIMES:
            self.number()
            modified = self.number()
        if has & _Has.EXTENDED:
            for _ in range(self.number()):
                self.octets()
                self.octets()
        return Attributes(size, mode, modified)

    def _take(self, octets: int) -> bytes:
        end = self._at + octets
        if end > len(self._packet):
            raise PacketError("a packet ends in the middle of a field")
        found = self._packet[self._at : end]
        self._at = end
        return found


def text(octets: bytes) -> bytes:
    """Give octets as a field."""
    return LENGTH.pack(len(octets)) + octets


def packet(kind: Kind, body: bytes) -> bytes:
    """Give a packet, with its length."""
    return LENGTH.pack(len(body) + 1) + bytes((kind,)) + body


def version(extensions: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Give the answer to INIT: what is spoken."""
    said = b"".join(text(name) + text(value) for name, value in extensions)
    return packet(Kind.VERSION, LENGTH.pack(VERSION) + said)


def status(request: int, code: Code, said: str = "") -> bytes:
    """Give how a request ended, with a sentence for people."""
    body = LENGTH.pack(request) + LENGTH.pack(code) + text(said.encode()) + text(b"en")
    return packet(Kind.STATUS, body)


def handle(request: int, name: bytes) -> bytes:
    """Give the name of what was opened."""
    return packet(Kind.HANDLE, LENGTH.pack(request) + text(name))


def attributes(request: int, found: Attributes) -> bytes:
    """Give what a file is."""
    return packet(Kind.ATTRS, LENGTH.pack(request) + _attributes(found))


def names(request: int, entries: Iterable[Entry]) -> bytes:
    """Give names in a directory."""
    listed = [
        text(entry.name) + text(entry.shown or entry.name) + _attributes(entry.attributes)
        for entry in entries
    ]
    return packet(Kind.NAME, LENGTH.pack(request) + LENGTH.pack(len(listed)) + b"".join(listed))


def extended(request: int, body: bytes) -> bytes:
    """Give the answer to a request that is an extension's."""
    return packet(Kind.EXTENDED_REPLY, LENGTH.pack(request) + body)


def _attributes(found: Attributes) -> bytes:
    has, body = _Has(0), b""
    if found.size is not None:
        has |= _Has.SIZE
        body += LONG.pack(found.size)
    if found.mode is not None:
        has |= _Has.PERMISSIONS
        body += LENGTH.pack(found.mode)
    if found.modified is not None:
        has |= _Has.TIMES
        body += LENGTH.pack(found.modified & 0xFFFFFFFF) * 2
    return LENGTH.pack(has) + body
