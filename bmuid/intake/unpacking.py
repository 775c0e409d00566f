"""
Compressed files: gz, xz and zip, known by their first octets, within limits.

What only an attack or a mistake has is refused: much more than its size, several members, a packed file within
a packed one, links, encryption. Nothing is written, no name within an archive is looked at, and no more than a
few blocks are held.
"""

import lzma
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Protocol

BLOCK_OCTETS = 1 << 18
PACKED_AT_ONCE = 1 << 14
# What small files of the same line over and over may have beyond the ratio.
RATIO_FREE_OCTETS = 1 << 20
XZ_MEMORY_OCTETS = 100 << 20
FIRST_OCTETS = 512
# One member with the longest name, extra field and comment there can be.
ZIP_DIRECTORY_OCTETS_MAX = 46 + 3 * 0xFFFF


class Packing(Enum):
    """How a file is compressed."""

    GZ = "gz"
    XZ = "xz"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may come out of a file: octets in all, and for each octet that went in."""

    octets_max: int = 2 << 30
    ratio_max: int = 100


class UnpackError(ValueError):
    """Raised when a compressed file can't be taken; the text says why and what to do."""


class BeyondLimitsError(UnpackError):
    """Raised when more comes out of a file than is allowed; other limits may allow it."""


_OURS = {b"\x1f\x8b\x08": Packing.GZ, b"\xfd7zXZ\x00": Packing.XZ, b"PK\x03\x04": Packing.ZIP}
_OTHERS = re.compile(
    rb"(?P<bzip2>BZh[1-9](?:1AY&SY|\x17rE8P\x90))|(?P<seven_zip>7z\xbc\xaf\x27\x1c)|(?P<rar>Rar!\x1a\x07)"
    rb"|(?P<zstd>\x28\xb5\x2f\xfd)|(?P<compress>\x1f\x9d)|(?P<empty_zip>PK\x05\x06)|(?P<tar>.{257}ustar[\x00 ])",
    re.DOTALL,
)


def packing_of(path: Path) -> Packing | None:
    """
    Tell how a file is compressed, None of one that isn't.

    Errors:
        OSError: it can't be read.
        UnpackError: it is an archive of a kind that is not read.
    """
    with path.open("rb") as file:
        first = file.read(FIRST_OCTETS)
    _refuse_others(first)
    return _packing(first)


def unpacked(path: Path, limits: Limits) -> Iterator[bytes]:
    """
    Give what a file holds, in blocks; of one that is not compressed, the file.

    Errors:
        OSError: it can't be read.
        UnpackError: it is damaged, beyond the limits, or has what is refused. Blocks that came before are no file.
    """
    packing = packing_of(path)
    if packing is None:
        with path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK_OCTETS):
                yield block
        return
    first = b""
    for block in _within(_blocks(path, packing), path.stat().st_size, limits):
        if len(first) < FIRST_OCTETS:
            first += block[:FIRST_OCTETS]
            _refuse_others(first)
            if _packing(first) is not None:
                raise UnpackError(
                    "a compressed file within a compressed one: hand in the inner one"
                )
        yield block


def _packing(first: bytes) -> Packing | None:
    return next((each for mark, each in _OURS.items() if first.startswith(mark)), None)


def _refuse_others(first: bytes) -> None:
    found = _OTHERS.match(first)
    if found is not None:
        kind = (found.lastgroup or "").replace("_", " ")
        raise UnpackError(
            f"a file of the kind {kind}: hand in one file, plain or as gz, xz or zip"
        )


def _within(parts: Iterator[tuple[int, bytes]], packed: int, limits: Limits) -> Iterator[bytes]:
    """Pass on what comes out of a file, while it is within the limits."""
    octets = 0
    for taken, block in parts:
        octets += len(block)
        if octets > limits.octets_max:
            raise BeyondLimitsError(
                f"more than {limits.octets_max:,} octets come out of it: hand it in in parts"
            )
        if octets > limits.ratio_max * min(taken, packed) + RATIO_FREE_OCTETS:
            raise BeyondLimitsError(
                f"more than {limits.ratio_max} octets come out of each of its own, as of no file of "
                "records: hand it in uncompressed if it is one"
            )
        yield block


def _blocks(path: Path, packing: Packing) -> Iterator[tuple[int, bytes]]:
    """Give how much of the file was taken so far, and what came out since."""
    with path.open("rb", buffering=0) as file:
        try:
            match packing:
                case Packing.GZ:
                    yield from _stream(file, _Deflated(zlib.MAX_WBITS | 16), 0)
                case Packing.XZ:
                    yield from _stream(file, _XZ(), 0)
                case Packing.ZIP:
                    yield from _member(file)
        except (zlib.error, lzma.LZMAError, EOFError) as error:
            raise UnpackError(
                f"a damaged file ({packing.value}): {error}; have it sent again"
            ) from None


class _Unpacker(Protocol):
    @property
    def ended(self) -> bool: ...
    @property
    def left(self) -> bytes: ...
    def out(self, octets: bytes) -> tuple[bytes, bool]: ...


class _Deflated:
    def __init__(self, window: int) -> None:
        self._unpacker = zlib.decompressobj(window)

    @property
    def ended(self) -> bool:
        return self._unpacker.eof

    @property
    def left(self) -> bytes:
        return self._unpacker.unused_data

    def out(self, octets: bytes) -> tuple[bytes, bool]:
        block = self._unpacker.decompress(self._unpacker.unconsumed_tail + octets, BLOCK_OCTETS)
        # A full block may have more behind it that needs no further octets.
        return block, not self._unpacker.unconsumed_tail and len(block) < BLOCK_OCTETS


class _XZ:
    def __init__(self) -> None:
        self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_OCTETS)

    @property
    def ended(self) -> bool:
        return self._unpacker.eof

    @property
    def left(self) -> bytes:
        return self._unpacker.unused_data

    def out(self, octets: bytes) -> tuple[bytes, bool]:
        block = self._unpacker.decompress(octets, BLOCK_OCTETS)
        return block, self._unpacker.needs_input


def _stream(file: BinaryIO, unpacker: _Unpacker, taken: int) -> Iterator[tuple[int, bytes]]:
    """Unpack one stream that has nothing behind it."""
    while not unpacker.ended:
        octets = file.read(PACKED_AT_ONCE)
        if not octets:
            raise EOFError("it ends early")
        taken += len(octets)
        hungry = False
        while not hungry and not unpacker.ended:
            block, hungry = unpacker.out(octets)
            octets = b""
            if block:
                yield taken, block
    if unpacker.left or file.read(1):
        raise UnpackError("there is more than one member in it: hand in one file at a time")


def _member(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    octets = _check_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            [member] = archive.infolist()
            _check_member(member, octets)
            with archive.open(member) as unpacker:
                while block := unpacker.read(BLOCK_OCTETS):
                    yield file.tell(), block
    except (zipfile.BadZipFile, struct.error, NotImplementedError, ValueError) as error:
        if isinstance(error, UnpackError):
            raise
        raise UnpackError(f"a damaged file (zip): {error}; have it sent again") from None


def _check_directory(file: BinaryIO) -> int:
    """Look at how long the directory says it is, before it is read whole; give the length of the file."""
    octets = file.seek(0, 2)
    file.seek(max(octets - 22 - 0xFFFF, 0))
    end = file.read()
    start = end.rfind(b"PK\x05\x06")
    if start < 0 or len(end) - start < 22:
        raise UnpackError("a damaged file (zip): it ends early; have it sent again")
    members, directory = struct.unpack_from("<HI", end, start + 10)
    if members != 1:
        raise UnpackError(f"there are {members} members in it: hand in one file at a time")
    if directory > ZIP_DIRECTORY_OCTETS_MAX:
        raise UnpackError(
            "a damaged file (zip): its directory is too long for one member; have it sent again"
        )
    file.seek(0)
    return octets


def _check_member(member: zipfile.ZipInfo, octets: int) -> None:
    if not 0 <= member.header_offset < octets:
        raise UnpackError(
            "a damaged file (zip): its directory leads out of it; have it sent again"
        )
    if member.flag_bits & 1:
        raise UnpackError("it is encrypted: hand it in as plain zip")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if member.is_dir() or kind not in (0, stat.S_IFREG):
        raise UnpackError(
            "there is a directory or link in it, no plain file: hand in one plain file"
        )
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnpackError("it is compressed in a way that is not read: use deflate")
