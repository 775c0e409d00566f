"""From a called number or an address to a location: the longest pattern that it begins with wins."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from bmu.rating.rows import LocationPatternRow
from bmu.rating.span import day_span

if TYPE_CHECKING:
    from bmu.rating._batch import Index

# The id of a pattern, the index of its location.
Place = tuple[int, int]
# From, to, and the place between.
_Stretch = tuple[int, int, Place]

_HEAD = 3
_V6_BITS = 128
_V4_HEAD, _V6_HEAD = 16, 32
_OCTETS = {str(octet): f"{octet:08b}" for octet in range(256)}


def _built() -> "type[Index] | None":
    """Give the compiled form, where there was a compiler; nothing but time hangs on it."""
    try:
        from bmu.rating._batch import Index  # noqa: PLC0415
    except ImportError:
        return None
    return Index


_compiled = _built()


class GeoTree:
    """
    Patterns of digits and networks of addresses, each with its location, some for some days only.

    For each head of three digits only those lengths are tried that some pattern with that head
    has, longest first; a number with another head can only match a pattern shorter than a head.
    A network is a pattern of the bits that its addresses begin with, IPv4 and IPv6 apart: what has a dot or a colon
    is an address, never a number.

    Shapes:
        patterns: none twice at an instant.
        zone: whose days the patterns' are.
    """

    __slots__ = ("_digits", "_index", "_is_plain", "_v4", "_v6")

    def __init__(
        self,
        patterns: Iterable[LocationPatternRow],
        location_index: Mapping[str, int],
        zone: str = "UTC",
    ) -> None:
        self._digits = _Beginnings(_HEAD)
        self._v4, self._v6 = _Beginnings(_V4_HEAD), _Beginnings(_V6_HEAD)
        spans: dict[tuple[date | None, date | None], tuple[int, int]] = {}
        for row in patterns:
            place = row.id, location_index[row.location]
            code = row.code
            if code.isdecimal():
                beginnings = self._digits
            elif ":" in code:
                beginnings, code = self._v6, _network_bits(_v6_bits, code)
            else:
                beginnings, code = self._v4, _network_bits(_v4_bits, code)
            if row.valid_from is None and row.valid_to is None:
                beginnings.places[code] = place
                continue
            days = row.valid_from, row.valid_to
            if days not in spans:
                spans[days] = day_span(*days, zone)
            beginnings.dated.setdefault(code, []).append((*spans[days], place))
        for beginnings in (self._digits, self._v4, self._v6):
            beginnings.measure()
        networks = self._v4.shorter or self._v4.lengths or self._v6.shorter or self._v6.lengths
        self._is_plain = not (networks or self._digits.dated)
        self._index: Index | None = None

    @property
    def index(self) -> "Index | None":
        """The compiled form of what digits lead to, where there is one and digits alone decide."""
        if self._index is None and self._is_plain and _compiled is not None:
            self._index = _compiled(self._digits.places)
        return self._index

    def longest(self, number: str, us: int = 0) -> Place | None:
        """
        Find the longest pattern that a number or an address begins with: its id, and its location's index.

        Units:
            us: the instant at which the pattern is to be valid; decides nothing among patterns without days.
        """
        if self._is_plain:
            digits = self._digits
            places = digits.places
            for length in digits.lengths.get(number[:_HEAD], digits.shorter):
                place = places.get(number[:length])
                if place is not None:
                    return None if "." in number or ":" in number else place
            return None
        if ":" not in number and "." not in number:
            return self._digits.longest(number, us)
        try:
            if ":" in number:
                return self._v6.longest(_v6_bits(number), us)
            return self._v4.longest(_v4_bits(number), us)
        except ValueError:
            return None


class _Beginnings:
    """
    Places by what a text begins with.

    Shapes:
        lengths: of the patterns to be tried for a head, the longest first; shorter: for any other head.
        dated: stretches of time of one pattern, none over another.
    """

    __slots__ = ("_head", "dated", "lengths", "places", "shorter")

    def __init__(self, head: int) -> None:
        self._head = head
        self.places: dict[str, Place] = {}
        self.dated: dict[str, list[_Stretch]] = {}
        self.lengths: dict[str, tuple[int, ...]] = {}
        self.shorter: tuple[int, ...] = ()

    def measure(self) -> None:
        """Find the lengths of all patterns that there are."""
        head = self._head
        short: set[str] = set()
        lengths: dict[str, set[int]] = {}
        for codes in (self.places, self.dated):
            for code in codes:
                if len(code) < head:
                    short.add(code)
                else:
                    lengths.setdefault(code[:head], set()).add(len(code))
        self.shorter = tuple(sorted({len(code) for code in short}, reverse=True))
        for begin, found in lengths.items():
            found.update([size for size in self.shorter if begin[:size] in short])
        self.lengths = {begin: tuple(sorted(s, reverse=True)) for begin, s in lengths.items()}

    def longest(self, text: str, us: int) -> Place | None:
        """Find the longest pattern that is valid at *us*."""
        for length in self.lengths.get(text[: self._head], self.shorter):
            code = text[:length]
            for from_us, to_us, dated in self.dated.get(code, ()):
                if from_us <= us < to_us:
                    return dated
            place = self.places.get(code)
            if place is not None:
                return place
        return None


def _v4_bits(address: str) -> str:
    # In a quarter of the time of ipaddress, which refuses the same: too few octets, too large, 010 for 8 or 10.
    try:
        first, second, third, fourth = address.split(".")
        return _OCTETS[first] + _OCTETS[second] + _OCTETS[third] + _OCTETS[fourth]
    except KeyError as error:
        raise ValueError(f"not an address: {address[:60]!r}") from error


def _v6_bits(address: str) -> str:
    return f"{int(IPv6Address(address)):0{_V6_BITS}b}"


def _network_bits(bits_of: Callable[[str], str], network: str) -> str:
    """Give the bits that the addresses of a network begin with; a bare address is its own network."""
    address, slash, length = network.partition("/")
    bits = bits_of(address)
    return bits[: int(length)] if slash else bits
