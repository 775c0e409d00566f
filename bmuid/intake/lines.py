"""Lines of a file, in chunks that can be taken up anywhere: a position is a line and the octet it starts at."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# Read and split while it is in the processor's cache.
BLOCK_OCTETS = 1 << 18
LINE_OCTETS_MAX = 1 << 16
CHUNK_OCTETS_MAX = 1 << 26
LINES_A_READ = 10_000


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
