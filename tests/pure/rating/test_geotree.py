"""Where a call goes: the longest pattern that its number begins with."""

from hypothesis import given
from hypothesis import strategies as st

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
