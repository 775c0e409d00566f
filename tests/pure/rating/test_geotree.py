"""Where a call goes: the longest pattern that its number or address begins with, on the day it began."""

from datetime import date, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.period import DAY_US
from bmu.rating import GeoTree, LocationPatternRow

patterns = st.dictionaries(
    st.text("0123", min_size=1, max_size=8), st.sampled_from("ABC"), max_size=40
)
numbers = st.one_of(st.text("0123", max_size=10), st.text("01a*+", max_size=6))
INDEX = {"A": 0, "B": 1, "C": 2}


def tree_of(found: dict[str, str]) -> GeoTree:
    """Plant patterns with ids from 1."""
    rows = [
        LocationPatternRow(number, code, place)
        for number, (code, place) in enumerate(found.items(), 1)
    ]
    return GeoTree(rows, INDEX)


@given(patterns, st.lists(numbers, max_size=20))
def test_the_longest_pattern_is_the_one_a_patient_search_finds(
    found: dict[str, str], called: list[str]
) -> None:
    """Nobody who looks at each pattern in turn finds a longer one."""
    tree, codes = tree_of(found), list(found)
    for number in called:
        fits = [code for code in codes if number.startswith(code)]
        if fits:
            best = max(fits, key=len)
            assert tree.longest(number) == (codes.index(best) + 1, INDEX[found[best]])
        else:
            assert tree.longest(number) is None


def test_a_number_written_with_its_world_prefix_is_found() -> None:
    """15192490508 lies in 1519249, and a number that lacks its prefix does not."""
    tree = tree_of({"1519249": "A"})
    assert tree.longest("15192490508") == (1, 0)
    assert tree.longest("5192490508") is None
    assert tree.longest("151924") is None


def test_no_patterns_no_place() -> None:
    """An empty catalogue places nothing, not even a call to nowhere."""
    assert tree_of({}).longest("44") is None
    assert tree_of({"4": "A"}).longest("") is None


ISP = tree_of(
    {
        "10.0.0.0/8": "A",
        "10.1.0.0/16": "B",
        "10.1.2.3": "C",
        "2001:db8::/32": "B",
        "44": "A",
        "1": "C",
    }
)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("10.9.9.9", (1, 0)),
        ("10.1.9.9", (2, 1)),
        ("10.1.2.3", (3, 2)),
        ("10.1.2.4", (2, 1)),
        ("11.0.0.1", None),
        ("2001:db8::1", (4, 1)),
        ("2001:0DB8:0:0::1", (4, 1)),
        ("2001:db9::1", None),
        ("::ffff:10.1.2.3", None),  # an IPv6 address, though it stands for another
        ("447700900123", (5, 0)),
        ("10", (6, 2)),  # a number
        ("10.1.2", None),
        ("10.1.2.256", None),
        ("10.1.2.03", None),  # 3 or octal
        ("10.1.2.3.4", None),
        ("10.1.2.٣", None),
        ("1.one", None),
        ("sip:44", None),
    ],
)
def test_an_address_lies_in_the_smallest_network_around_it(
    address: str, place: tuple[int, int] | None
) -> None:
    """Networks are found by addresses, digits by numbers, and none by the other."""
    assert ISP.longest(address) == place


networks = st.one_of(
    st.builds(
        lambda bits, length: str(
            IPv4Network((bits << 22 | 0x2AAAAA & (1 << 22) - 1, length), strict=False)
        ),
        st.integers(0, 15),
        st.integers(0, 32),
    ),
    st.builds(
        lambda bits, length: str(IPv6Network((bits << 88, length), strict=False)),
        st.integers(0, 15),
        st.integers(0, 128),
    ),
)
addresses = st.one_of(
    st.builds(
        lambda bits, low: str(IPv4Address(bits << 22 | low)),
        st.integers(0, 15),
        st.sampled_from([0, 0x2AAAAA, 1]),
    ),
    st.builds(
        lambda bits, low: str(IPv6Address(bits << 88 | low)),
        st.integers(0, 15),
        st.sampled_from([0, 1]),
    ),
)


@given(
    st.dictionaries(networks, st.sampled_from("ABC"), max_size=20),
    st.lists(addresses, max_size=20),
)
def test_the_smallest_network_is_the_one_a_patient_search_finds(
    found: dict[str, str], asked: list[str]
) -> None:
    """Of all networks that the address lies in, IPv4 and IPv6 apart, the longest mask wins."""
    tree, codes = tree_of(found), list(found)
    for text in asked:
        address = ip_address(text)
        around = [
            net
            for net in map(ip_network, codes)
            if net.version == address.version and address in net
        ]
        if around:
            best = str(max(around, key=lambda net: net.prefixlen))
            assert tree.longest(text) == (codes.index(best) + 1, INDEX[found[best]])
        else:
            assert tree.longest(text) is None


def day(number: int) -> date:
    """Count days from 1970 on."""
    return date(1970, 1, 1) + timedelta(days=number)


@st.composite
def dated_rows(draw: st.DrawFn) -> list[LocationPatternRow]:
    """Draw patterns, each with days that follow each other, or any."""
    rows: list[LocationPatternRow] = []
    for code in draw(st.lists(st.text("01", min_size=1, max_size=5), unique=True, max_size=12)):
        edges = sorted(draw(st.sets(st.integers(0, 9), max_size=4)))
        bounds = [None, *map(day, edges), None]
        for first, end in pairwise(bounds):
            if draw(st.booleans()):
                place = draw(st.sampled_from("ABC"))
                rows.append(LocationPatternRow(len(rows) + 1, code, place, first, end))
    return rows


@given(
    dated_rows(), st.lists(st.tuples(st.text("01", max_size=7), st.integers(-1, 10)), max_size=20)
)
def test_the_longest_pattern_of_the_day_wins(
    rows: list[LocationPatternRow], calls: list[tuple[str, int]]
) -> None:
    """A pattern counts on its days only; on all others a shorter one of that day stands in for it."""
    tree = GeoTree(rows, INDEX)
    for number, today in calls:
        fits = [
            row
            for row in rows
            if number.startswith(row.code)
            and (row.valid_from is None or row.valid_from <= day(today))
            and (row.valid_to is None or day(today) < row.valid_to)
        ]
        best = max(fits, key=lambda row: len(row.code), default=None)
        wanted = best and (best.id, INDEX[best.location])
        assert tree.longest(number, today * DAY_US) == wanted
        assert tree.longest(number, (today + 1) * DAY_US - 1) == wanted


def test_a_number_range_moves_at_midnight_of_the_company() -> None:
    """From the 2nd by the company's clock 447 is B's, within A's 44; so are networks."""
    hour = DAY_US // 24
    rows = [
        LocationPatternRow(1, "44", "A"),
        LocationPatternRow(2, "447", "B", day(1)),
        LocationPatternRow(3, "10.0.0.0/8", "B", day(1), day(2)),
        LocationPatternRow(4, "10.0.0.0/8", "C", day(2)),
    ]
    tree = GeoTree(rows, INDEX, "Etc/GMT-2")
    assert tree.longest("447", 22 * hour - 1) == (1, 0)
    assert tree.longest("447", 22 * hour) == (2, 1)
    assert tree.longest("10.1.1.1", 22 * hour - 1) is None
    assert tree.longest("10.1.1.1", 22 * hour) == (3, 1)
    assert tree.longest("10.1.1.1", DAY_US + 22 * hour) == (4, 2)


def test_only_plain_digits_are_for_the_compiled_search() -> None:
    """Where days or networks decide, it is given nothing to look into, so that the plain search answers."""
    pytest.importorskip("bmu.rating._batch", reason="built without a compiler")
    assert tree_of({"44": "A", "4420": "B"}).index is not None
    assert ISP.index is None
    assert GeoTree([LocationPatternRow(1, "44", "A", day(1))], INDEX).index is None
