"""Where the records of a file lie: one behind the other with padding between, in blocks, or as TS 32.297 puts them."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bmu.mediation.asn1.tagmap import Field, TagMap
from bmu.mediation.asn1.tlv import (
    END,
    INDEFINITE,
    UNIVERSAL,
    BERError,
    CutShortError,
    announced,
    marked_end,
    tag_name,
)
from bmu.mediation.asn1.window import Window
from bmu.mediation.rows import FAULT_OCTETS_MAX, BrokenError

RECORD_OCTETS_MAX = 1 << 20
HEADER_OCTETS_MAX = 16  # more than any tag and length take
PADDING = b"\x00\xff"
# A SEQUENCE or SET around records is one that only holds them.
WRAPPING = frozenset((UNIVERSAL + 16, UNIVERSAL + 17))


@dataclass(frozen=True, slots=True)
class Found:
    """A record: *octet* is where it begins in the file, the others where it and its content lie in the window."""

    field: Field
    octet: int
    at: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that can't be read, though those behind it can."""

    why: str
    octet: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Lines:
    """Records that were made lines already."""

    lines: list[bytes]


class Stand(Enum):
    """What may stand before a record: nothing, padding, or a header of TS 32.297 (the values are those of _walk.c)."""

    BARE = 0
    PADDED = 1
    HEADED = 2


class Quick(Protocol):
    """Makes lines of the records that nothing odd is about, from a place on, and says up to where."""

    def __call__(
        self, octets: bytes, at: int, end: int, stand: Stand, /
    ) -> tuple[list[bytes], int]:
        """Give the lines, and the place of the first octet that is none of theirs."""


Piece = Found | Unread | Lines
NO_BLOCKS = 0


class Walk:
    """
    Walks through a file whose records stand one behind the other.

    Shapes:
        block: as many octets make a block, at whose beginning a record begins; NO_BLOCKS: any number.
    """

    __slots__ = ("_block", "_map", "_quick", "_window", "_wrapped")

    def __init__(self, window: Window, tag_map: TagMap, block: int, quick: Quick | None) -> None:
        self._window = window
        self._map = tag_map
        self._block = block
        self._quick = quick
        # Ends, in the file, of the elements around records; None for one whose end is marked.
        self._wrapped: list[int | None] = []

    def pieces(self) -> Iterator[Piece]:
        """
        Give the records.

        Errors:
            BrokenError: what stands there is no record, and nothing tells where the next one begins.
        """
        window = self._window
        while self._to_next():
            if self._quick is not None:
                lines, window.at = self._quick(window.octets, window.at, *self._within())
                if lines:
                    yield Lines(lines)
                    continue
            try:
                piece = self._one()
            except BERError as error:
                piece = self._lost(error.detail)
            if piece is not None:
                yield piece
        self._ended()

    def _to_next(self) -> bool:
        """Pass over padding, and what ends elements around records; say whether anything comes behind."""
        window = self._window
        while True:
            while (
                self._wrapped
                and self._wrapped[-1] is not None
                and self._wrapped[-1] <= window.octet
            ):
                self._wrapped.pop()
            if not window.holds(1):
                return False
            if window.octets[window.at] not in PADDING:
                return True
            if self._wrapped and self._wrapped[-1] is None and self._at_mark():
                self._wrapped.pop()
                window.at += len(END)
            else:
                window.at += 1

    def _within(self) -> tuple[int, Stand]:
        """Give the end, in the window, of the octets in which nothing but records and padding stands."""
        whole = len(self._window.octets)
        if not self._wrapped:
            return whole, Stand.PADDED
        end = self._wrapped[-1]
        if end is None:
            return whole, Stand.BARE
        return min(whole, end - self._window.start), Stand.PADDED

    def _at_mark(self) -> bool:
        window = self._window
        return window.holds(len(END)) and window.octets[window.at : window.at + len(END)] == END

    def _one(self) -> Piece | None:
        """
        Give the record that begins here; none where it is an element around records, which is entered.

        Errors:
            BERError: it is none, or the file ends within it.
        """
        window = self._window
        window.holds(HEADER_OCTETS_MAX)
        tag, constructed, begin, length = announced(window.octets, window.at, len(window.octets))
        field = self._map.records.get(tag)
        if field is None and constructed and (tag in self._map.wrapping or tag in WRAPPING):
            window.at = begin
            self._wrapped.append(None if length == INDEFINITE else window.octet + length)
            return None
        before = begin - window.at
        if length == INDEFINITE:
            length = self._marked(before)
            whole = before + length + len(END)
        else:
            whole = before + length
        octet = window.octet
        if whole > RECORD_OCTETS_MAX:
            return Unread(
                f"a record of {whole:,} octets; at most {RECORD_OCTETS_MAX:,} are read",
                octet,
                window.skip(whole),
            )
        if not window.holds(whole):
            raise CutShortError("the file ends within a record", window.at)
        at = window.at
        window.at += whole
        if field is None or not constructed:
            first = window.octets[at : min(at + whole, at + FAULT_OCTETS_MAX)]
            return Unread(f"{tag_name(tag)} is no record of {self._map.code}", octet, first)
        return Found(field, octet, at, at + before, at + before + length)

    def _marked(self, before: int) -> int:
        """Give the length of a content whose end is marked; the window is widened until it is found."""
        window = self._window
        while True:
            try:
                begin = window.at + before
                return marked_end(window.octets, begin, len(window.octets), 0) - begin
            except CutShortError:
                if window.left > RECORD_OCTETS_MAX:
                    raise BERError("the end of a record is nowhere marked", window.at) from None
                if not window.widen():
                    raise

    def _lost(self, why: str) -> Unread:
        """
        Go on at the next block.

        Errors:
            BrokenError: there are no blocks.
        """
        window = self._window
        octet = window.octet
        if self._block:
            return Unread(why, octet, window.skip(self._block - octet % self._block))
        first, count = window.skip_all()
        raise BrokenError(
            f"{why}; the rest of the file, {count:,} octets, can't be read", octet, first
        )

    def _ended(self) -> None:
        if self._wrapped:
            raise BrokenError(
                "the file ends before the element that holds its records", self._window.octet
            )


def pieces_of(window: Window, tag_map: TagMap, block: int, quick: Quick | None) -> Iterator[Piece]:
    """
    Give the records of a file that stand one behind the other.

    Errors:
        BrokenError: as Walk.pieces().
    """
    return Walk(window, tag_map, block, quick).pieces()
