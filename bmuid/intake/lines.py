"""Lines of a file, in chunks that can be taken up anywhere: a position is a line and the octet it starts at."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO, FileIO
from pathlib import Path
from typing import BinaryIO, Protocol

# Read and split while it is in the processor's cache.
BLOCK_OCTETS = 1 << 18
LINE_OCTETS_MAX = 1 << 16
CHUNK_OCTETS_MAX = 1 << 26
LINES_A_READ = 10_000


class Held(Protocol):
    """Lines of a file that are at hand."""

    def holds(self, line_no: int) -> bool:
        """Tell whether the line of that number is among them."""

    def line(self, line_no: int) -> bytes:
        """Give the line of that number, which is among them."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """
    Lines one after the other, without their line ends.

    Shapes:
        lines: one longer than LINE_OCTETS_MAX is cut, but not below that length plus one.
    """

    first_line: int
    lines: list[bytes]
    next_octet: int

    @property
    def next_line(self) -> int:
        """The number of the first line after the chunk."""
        return self.first_line + len(self.lines)

    def holds(self, line_no: int) -> bool:
        """Tell whether the line of that number is among them."""
        return self.first_line <= line_no < self.next_line

    def line(self, line_no: int) -> bytes:
        """Give the line of that number."""
        return self.lines[line_no - self.first_line]


def read_chunk(file: BinaryIO, first_line: int, first_octet: int, lines_max: int) -> Chunk:
    """
    Read the lines from that position on: at most *lines_max*, fewer only at the end of the file
    or when they are more than CHUNK_OCTETS_MAX.
    """
    file.seek(first_octet)
    lines: list[bytes] = []
    position = first_octet  # of the octet after what was read
    rest, rest_octets = b"", 0  # the line begun; how long it is, cut or not
    while len(lines) < lines_max and not (lines and position - first_octet > CHUNK_OCTETS_MAX):
        block = file.read(BLOCK_OCTETS)
        if not block:
            if rest_octets:
                lines.append(rest)
                rest, rest_octets = b"", 0
            break
        position += len(block)
        begun = len(rest)
        found = (rest + block).split(b"\n")
        rest_octets = len(found[-1]) + (rest_octets - begun if len(found) == 1 else 0)
        rest = found.pop()[: LINE_OCTETS_MAX + 1]
        lines += found
    over = lines[lines_max:]
    del lines[lines_max:]
    return Chunk(first_line, lines, position - rest_octets - sum(map(len, over)) - len(over))


class Lines:
    """
    Lines of a file from a position on, read as they are asked for.

    Shapes:
        octets: what was read and not taken yet is up to *end*, each whole line with a line end, also one that has
            none at the end of the file. A line longer than LINE_OCTETS_MAX may be cut, not below that length plus one.
        count: of the lines taken.
    """

    __slots__ = ("_begin", "_cut", "_file", "_first", "_read", "_size", "count", "end", "octets")

    def __init__(self, file: FileIO | BytesIO, octet: int) -> None:
        file.seek(octet)
        self._file = file
        self._first = self._read = octet
        self._size: int | None = None  # of the file, once it is at its end
        self._begin = 0
        self._cut = 0  # octets of the line begun that are not here
        self.octets = bytearray(BLOCK_OCTETS + LINE_OCTETS_MAX + 2)
        self.end = self.count = 0

    @property
    def next_octet(self) -> int:
        """Where the first line stands that was not taken."""
        at = self._read - self._cut - (self.end - self._begin)
        return at if self._size is None else min(at, self._size)

    def more(self) -> bool:
        """Read on, when all lines are taken that are here; False at the end of the file or beyond CHUNK_OCTETS_MAX."""
        if self.count and self._read - self._first > CHUNK_OCTETS_MAX:
            return False
        begun = self.end - self._begin
        self.octets[:begun] = self.octets[self._begin : self.end]
        self._begin = 0
        if begun > LINE_OCTETS_MAX + 1:
            self._cut += begun - LINE_OCTETS_MAX - 1
            begun = LINE_OCTETS_MAX + 1
        self.end = begun
        if self._size is not None:
            return False
        with memoryview(self.octets) as room:
            octets = self._file.readinto(room[begun : begun + BLOCK_OCTETS])
        if not octets:
            self._size = self._read
            if not begun:
                return False
            self.octets[begun] = ord("\n")
            octets = 1
        self._read += octets
        self.end = begun + octets
        return True

    def passed(self, count: int, octets: int) -> None:
        """Leave so many lines behind, which took so many octets."""
        self.count += count
        self._begin += octets
        self._cut = 0 if count else self._cut

    def take(self, lines_max: int) -> list[bytes]:
        """Take the lines that are here, at most so many, without their line ends and not longer than LINE_OCTETS_MAX + 1."""
        found = bytes(self.octets[self._begin : self.end]).split(b"\n", lines_max)
        rest = found.pop()
        self.passed(len(found), self.end - self._begin - len(rest))
        return [line[: LINE_OCTETS_MAX + 1] for line in found]


def lines_of(path: Path, wanted: Collection[int]) -> dict[int, bytes]:
    """Give those of the lines of a file that it has, by number."""
    found: dict[int, bytes] = {}
    last = max(wanted, default=0)
    line, octet = 1, 0
    with path.open("rb", buffering=0) as file:
        while line <= last:
            chunk = read_chunk(file, line, octet, LINES_A_READ)
            if not chunk.lines:
                break
            found |= {
                line_no: chunk.lines[line_no - line]
                for line_no in wanted
                if line <= line_no < chunk.next_line
            }
            line, octet = chunk.next_line, chunk.next_octet
    return found


def lines_in(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Give the lines of octets that come in blocks, as `read_chunk` gives them."""
    rest = b""
    for block in blocks:
        *found, rest = (rest + block).split(b"\n")
        yield from found
        rest = rest[: LINE_OCTETS_MAX + 1]
    if rest:
        yield rest


def pick(lines: Iterable[bytes], wanted: Collection[int]) -> dict[int, bytes]:
    """Give those of the lines that there are, by number, and read no further."""
    found: dict[int, bytes] = {}
    last = max(wanted, default=0)
    for line_no, line in enumerate(lines, 1):
        if line_no in wanted:
            found[line_no] = line
        if line_no >= last:
            break
    return found
