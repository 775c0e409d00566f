"""Regular expressions in conditions: they mean what Python means, and no text makes them slow."""

import re
import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.pattern.automaton import Automaton

# Pieces of patterns whose every combination is one; letters are few, so that texts often match.
ATOMS = ["a", "b", "c", ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", r"\.", r"\-", r"\t", "-", ",", "é",
         "[ab]", "[^a]", "[a-c]", "[^a-b-]", r"[\d_]", r"[a\-]", r"[\D]", "[.]", "[^^]", "[a^]", "()", "(?:a|b)"]  # fmt: skip
TIMES = ["", "", "", "*", "+", "?", "{2}", "{0}", "{1,}", "{0,2}", "{2,3}"]


def grown(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Make patterns of patterns: one after the other, alternatives, groups with repetitions."""
    return st.one_of(
        st.lists(parts, max_size=3).map("".join),
        st.lists(parts, min_size=1, max_size=3).map(lambda some: f"({'|'.join(some)})"),
        st.tuples(parts, st.sampled_from(TIMES)).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    )


atoms = st.tuples(st.sampled_from(ATOMS), st.sampled_from(TIMES)).map("".join)
patterns = st.recursive(atoms, grown, max_leaves=6)
# One of them is a digit that is no 0 to 9.
texts = st.text("abc-. 1_\n\té^٣", max_size=8)


@given(patterns, st.lists(texts, max_size=10))
def test_patterns_mean_what_they_mean_in_python(pattern: str, tried: list[str]) -> None:
    """Whoever tried a pattern elsewhere gets what was seen there."""
    automaton = Automaton(pattern)
    for text in tried:
        assert automaton.matches(text) == bool(re.fullmatch(pattern, text)), text


@given(st.data(), patterns)
def test_what_is_made_from_a_pattern_matches_it(data: st.DataObject, pattern: str) -> None:
    """Not only misses agree: a text that Python makes of the pattern is found."""
    text = data.draw(st.from_regex(re.compile(pattern), fullmatch=True))
    assert Automaton(pattern).matches(text)


@given(st.text(r"ab1(|)[]^$*+?{},\d.-:", max_size=12), texts)
def test_what_is_accepted_python_accepts_too(pattern: str, text: str) -> None:
    """Of anything typed in, what is not refused means the same as in Python."""
    try:
        automaton = Automaton(pattern)
    except ValueError:
        return
    assert automaton.matches(text) == bool(re.fullmatch(pattern, text))


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        (r"44(7\d{9}|20.*)", ["447700900123", "4420", "44207"], ["44", "4477009001", "x4420"]),
        (r"[^@]+@example\.com", ["ann@example.com"], ["@example.com", "ann@exampleXcom"]),
        (r"(GGSN|PGW)-[0-9a-f]{2,4}", ["GGSN-0a", "PGW-ffff"], ["PGW-0", "PGW-fffff", "pgw-0a"]),
        (r"\+?1?", ["", "+", "1", "+1"], ["++", "11"]),
        ("", [""], ["x"]),
        ("a|", ["a", ""], ["aa"]),
        (r"[+\-]\d", ["+1", "-2"], ["1", "+"]),
    ],
)
def test_patterns_of_the_trade(pattern: str, fits: list[str], fails: list[str]) -> None:
    """Numbers, names of network elements, addresses: the whole text has to be like the pattern."""
    automaton = Automaton(pattern)
    assert [text for text in fits if not automaton.matches(text)] == []
    assert [text for text in fails if automaton.matches(text)] == []


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("^44", r"at character 1 of '\^44': leave \^ away"),
        ("44$", r"at character 3 .* leave \$ away"),
        (r"(a)\1", "reference to an earlier group"),
        ("(?=a)a", "no look around"),
        ("(?<!a)b", "no look around"),
        ("(?i)a", "no flags"),
        ("(?P<x>a)", r"only \(\?:"),
        ("a*?", "put the first one in a group"),
        ("a++", "put the first one in a group"),
        ("a{2}{2}", "put the first one in a group"),
        ("*a", "nothing to repeat"),
        ("a|+", "nothing to repeat"),
        ("a{,2}", r"character 2 .*not like \{2\}"),
        ("a{x}", r"not like \{2\}"),
        ("a{2", r"not like \{2\}"),
        ("a{3,2}", "ends before it starts"),
        ("a{1001}", "more than 1000 repetitions"),
        ("a{2,99999999999}", "more than 1000 repetitions"),
        ("{", r"write \\\{"),
        ("a}", r"write \\\}"),
        ("a]", r"write \\\]"),
        ("(a", "not closed: add \\)"),
        ("a)", r"without its \("),
        ("[a", "not closed: add \\]"),
        ("[", "not closed"),
        ("[]", "empty class"),
        ("[^]", "empty class"),
        ("[[]", r"write \\\["),
        ("[c-a]", "ends before it starts"),
        (r"[\d-z]", "a range begins with one character"),
        (r"[a-\d]", "after a backslash"),
        (r"\b", "after a backslash"),
        (r"\x41", "after a backslash"),
        ("a\\", "after a backslash"),
        ("(" * 51 + ")" * 51, "more than 50 groups"),
        ("a" * 1001, "more than 1000 characters"),
        ("(a{1000}){1000}", "repeat less"),
        ("((){1000}){1000}", "repeat less"),
        ("((((a{0}){1000}){1000}){1000}){1000}", "repeat less"),
    ],
)  # fmt: skip
def test_what_can_not_be_had_is_refused_with_what_to_write(pattern: str, said: str) -> None:
    """A pattern that would be slow, huge or not what it seems is refused when it is entered."""
    with pytest.raises(ValueError, match=said):
        Automaton(pattern)


def steps_of(automaton: Automaton, text: str) -> int:
    """Count the steps of the interpreter that one match takes."""
    steps = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        automaton.matches(text)
    finally:
        sys.settrace(before)
    return steps


EVIL = [
    "(a|a)*b",
    "(a*)*b",
    "(a|a|a|a|a|a|a|a|a|a|a|a|a|a)*b",
    "(a+)+(a+)+(a+)+(a+)+(a+)+(a+)b",
    "a?a?a?a?a?a?a?a?a?a?aaaaaaaaab",
    ".*.*.*.*.*.*.*.*.*.*.*.*.*.*=b",
    "(.|a|é){0,30}(.*a){8}b",
]


@pytest.mark.parametrize("pattern", EVIL)
@pytest.mark.parametrize("character", ["same", "each another"])
def test_no_text_takes_more_steps_than_its_length_allows(pattern: str, character: str) -> None:
    """Whoever sends 10,000 characters made to hold up rating holds up nothing, seen before or not."""
    whole = "a" * 10_000
    if character == "each another":
        whole = "".join("a" if n % 3 else chr(0x4E00 + n) for n in range(10_000))
    half = steps_of(Automaton(pattern), whole[:5_000])
    assert steps_of(Automaton(pattern), whole) <= 2 * half + 1_000
    assert steps_of(Automaton(pattern), whole) <= 10_000 * 200 * len(pattern)


def test_what_is_remembered_is_bounded_and_changes_no_answer() -> None:
    """A worker that meets a million different characters neither grows without end nor errs."""
    automaton = Automaton("(x.|.y)*")
    for start in range(0x4E00, 0x4E00 + 12_000, 6):
        signs = [chr(start + n) for n in range(6)]
        assert automaton.matches("".join(f"x{sign}{sign}y" for sign in signs))
        assert not automaton.matches("".join(signs))
    kept = [place.after for place in automaton._known.values()]
    assert sum(len(after) for after in kept) <= 4_001
