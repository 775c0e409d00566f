"""What groups of a pattern find: the same as in Python, and no text makes it slow."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.pattern import Finder

atoms = st.sampled_from(["a", "b", "c", ".", "[ab]", "[^a]", r"\w"])
# What is repeated is never empty: Python goes through it once more for nothing then, the finder does not.
parts = st.recursive(
    st.tuples(atoms, st.sampled_from(["", "", "{2}", "{1,2}"])).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        inner.map(lambda one: f"({one})"),
    ),
    max_leaves=5,
)
patterns = st.lists(
    st.tuples(parts, st.sampled_from(["", "", "*", "+", "?"])).map(
        lambda two: f"({two[0]}){two[1]}"
    ),
    max_size=4,
).map("".join)


@given(patterns, st.lists(st.text("abc", max_size=8), max_size=4))
def test_groups_find_what_they_find_in_python(pattern: str, texts: list[str]) -> None:
    """Whoever knows regular expressions is not surprised; a finder that has seen other texts finds the same."""
    finder = Finder(pattern)
    for text in texts:
        found = re.fullmatch(pattern, text)
        assert finder.find(text) == (None if found is None else (text, *found.groups("")))


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("sips?:([^@]+)@(.*)", "sip:+4420@pbx", ("+4420", "pbx")),
        ("(.*)/(.*)", "a/b/c", ("a/b", "c")),
        ("([0-9]{3})([0-9]*)", "0207946", ("020", "7946")),
        ("(a)|(b)", "b", ("", "b")),
        ("(?:a|b)(c)", "bc", ("c",)),
        ("((a)b)*", "abab", ("ab", "a")),
        ("x", "y", None),
        ("", "", ()),
    ],
)
def test_a_text_is_taken_apart(pattern: str, text: str, found: tuple[str, ...] | None) -> None:
    """The examples that a clerk would try."""
    assert Finder(pattern).find(text) == (None if found is None else (text, *found))


def test_long_texts_are_taken_apart_like_short_ones() -> None:
    """Where Python would try too many ways, the finder goes its own: with the same result."""
    pattern = "sip:(.*)@(.*);tag=([0-9]{0,9})[a-z]*"
    finder = Finder(pattern)
    for length in (0, 1, 5, 20, 100, 500):
        text = f"sip:{'x@' * length}@h;tag=17{'z' * length}"
        found = re.fullmatch(pattern, text)
        assert found is not None
        assert finder.find(text) == (text, *found.groups())
        assert finder.find(text + "!") is None
    assert Finder("[a||b]([c&&d]*)").find("bcd&") == ("bcd&", "cd&")


def test_no_text_takes_longer_than_it_is_long() -> None:
    """What ends other programs, patterns that can be read in many ways, is no more than a text like others."""
    finder = Finder("((a*)*|(a|aa)+)*b")
    assert finder.find("a" * 20_000) is None
    assert Finder("(.*)(.*)(.*)x").find("y" * 20_000) is None


def test_what_would_take_too_much_room_is_refused() -> None:
    """Repetitions of repetitions grow without bound."""
    with pytest.raises(ValueError, match="repeat less"):
        Finder("((a{100}){100}){10}")


def test_what_is_remembered_is_bounded() -> None:
    """Texts of ever new characters don't fill the memory."""
    finder = Finder("(.*)-(.*)")
    for first in range(0x4E00, 0x4E00 + 9000, 3):
        text = f"{chr(first)}-{chr(first + 1)}"
        assert finder.find(text) == (text, chr(first), chr(first + 1))
    assert finder._moves <= 4_000


def test_what_repeats_nothing_ever_so_often_is_refused() -> None:
    """An empty part repeated a thousand times a thousand times: nobody waits for that to be built."""
    with pytest.raises(ValueError, match="repeat less"):
        Finder("(?:(?:(?:){999}){999}){999}")
