"""
The octets of BER (ITU-T X.690): where an element's content lies, whatever the octets are.

Nothing here trusts a length: an element has to fit in what is around it, elements nest to a limit, and whatever is
wrong is one error with the octet at which it stands.
"""

from collections.abc import Iterator
from typing import NamedTuple

NESTING_MAX = 32
# A tag number in up to three further octets, a length in up to four: far beyond any record.
TAG_OCTETS_MAX = 3
LENGTH_OCTETS_MAX = 4

CONSTRUCTED = 0x20
# A tag as one number: its class (0 universal, 1 application, 2 context, 3 private) before its number.
CLASS_SHIFT = 24
UNIVERSAL, APPLICATION, CONTEXT, PRIVATE = (n << CLASS_SHIFT for n in range(4))
INDEFINITE = -1
# What ends an element without a length.
END = b"\0\0"


class Element(NamedTuple):
    """An element: its tag, whether it is made of elements, where its content begins and ends."""

    tag: int
    constructed: bool
    begin: int
    end: int


class BERError(Exception):
    """Raised where octets are no BER, or not what a map says; it never leaves this room."""

    def __init__(self, detail: str, at: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.at = at


class CutShortError(BERError):
    """Raised where the octets end within an element."""


def header(octets: bytes, at: int, end: int) -> tuple[int, bool, int, int]:
    """
    Read what stands before an element's content.

    Shapes:
        end: of the octets that the element may have.
        Result: the tag, whether it is made of elements, where its content begins and where it ends;
            INDEFINITE for an end that is marked behind it.

    Errors:
        CutShortError: the octets end before the content does.
        BERError: no such tag or length is allowed.
    """
    tag, constructed, begin, length = announced(octets, at, end)
    if length == INDEFINITE:
        return tag, constructed, begin, INDEFINITE
    if begin + length > end:
        raise CutShortError(f"{length} octets are announced, {end - begin} are there", at)
    return tag, constructed, begin, begin + length


def announced(octets: bytes, at: int, end: int) -> tuple[int, bool, int, int]:
    """
    Do the same, but tell how long the content is said to be, whether or not it is there.

    Errors:
        CutShortError: the octets end within the tag or the length.
        BERError: no such tag or length is allowed.
    """
    start = at
    if at + 2 > end:
        raise CutShortError("the octets end within a tag", start)
    first = octets[at]
    constructed = bool(first & CONSTRUCTED)
    number = first & 0x1F
    at += 1
    if number == 0x1F:
        number, at = _long_number(octets, at, end)
    if at >= end:
        raise CutShortError("the octets end within a tag", start)
    length, at = _length(octets, at, end)
    if length == INDEFINITE and not constructed:
        raise BERError("a single value has no length", start)
    return (first >> 6) << CLASS_SHIFT | number, constructed, at, length


def _length(octets: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a length, and where what it is of begins."""
    length = octets[at]
    if length < 0x80:
        return length, at + 1
    if length == 0x80:
        return INDEFINITE, at + 1
    count = length & 0x7F
    if count > LENGTH_OCTETS_MAX:
        raise BERError(f"a length in {count} octets; expected {LENGTH_OCTETS_MAX} at most", at)
    if at + 1 + count > end:
        raise CutShortError("the octets end within a length", at)
    return int.from_bytes(octets[at + 1 : at + 1 + count], "big"), at + 1 + count


def _long_number(octets: bytes, at: int, end: int) -> tuple[int, int]:
    """Read a tag number of 31 and more, seven bits an octet."""
    number = 0
    for place in range(at, at + TAG_OCTETS_MAX):
        if place >= end:
            raise CutShortError("the octets end within a tag", at)
        number = number << 7 | octets[place] & 0x7F
        if octets[place] < 0x80:
            return number, place + 1
    raise BERError(f"a tag number in more than {TAG_OCTETS_MAX} octets", at)


def elements(octets: bytes, at: int, end: int, depth: int) -> Iterator[Element]:
    """
    Give the elements of a content.

    Errors:
        BERError, CutShortError: as header(); elements that nest too deeply.
    """
    if depth > NESTING_MAX:
        raise BERError(f"elements within elements, more than {NESTING_MAX} deep", at)
    while at < end:
        tag, constructed, begin, last = header(octets, at, end)
        if last == INDEFINITE:
            last = marked_end(octets, begin, end, depth + 1)
            at = last + len(END)
        else:
            at = last
        yield Element(tag, constructed, begin, last)


def marked_end(octets: bytes, at: int, end: int, depth: int) -> int:
    """
    Find where a content without a length ends: there its end is marked.

    Errors:
        BERError, CutShortError: as elements().
    """
    if depth > NESTING_MAX:
        raise BERError(f"elements within elements, more than {NESTING_MAX} deep", at)
    while octets[at : at + len(END)] != END:
        _, _, begin, last = header(octets, at, end)
        at = last
        if last == INDEFINITE:
            at = marked_end(octets, begin, end, depth + 1) + len(END)
    if at + len(END) > end:
        raise CutShortError("the octets end before the element that they are part of", at)
    return at


def tag_name(tag: int) -> str:
    """Name a tag that no map names, as ``tag77``, ``application9``."""
    words = ("universal", "application", "tag", "private")
    return f"{words[tag >> CLASS_SHIFT]}{tag & (1 << CLASS_SHIFT) - 1}"
