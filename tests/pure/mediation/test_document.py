"""A profile is a document that people write: read back it is the same, and all that is wrong in it is told at once."""

import re
import tomllib
from dataclasses import fields, is_dataclass
from enum import EnumType
from functools import reduce
from operator import or_
from pathlib import Path
from types import NoneType, UnionType
from typing import get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmu.mediation import BUILT_IN, Condition, Match, Profile, document_of, profile_of
from bmu.mediation.document import _SHAPE, read_profile
from bmu.mediation.layout import Column, Delimited, FixedWidth, Layout, Pairs, Quoting
from bmu.mediation.profile import (
    Bound,
    ControlSum,
    Counted,
    Derived,
    Filter,
    Measure,
    RecordType,
    Table,
    Trailer,
)
from bmu.mediation.shape import _tag_of
from bmu.mediation.transform import Clock, Fit, Instant, Letters, Rounding, Transform

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def conditions() -> st.SearchStrategy[Condition]:
    """Give conditions with as many texts as each kind has."""
    lists = st.lists(texts, max_size=3).map(tuple)
    numbers = {Match.LIKE: st.tuples(texts), Match.RANGE: st.tuples(texts, texts)}
    return st.sampled_from(Match).flatmap(
        lambda match: st.builds(Condition, texts, st.just(match), numbers.get(match, lists))
    )


def pairs(kind: object) -> st.SearchStrategy[tuple[tuple[str, object], ...]]:
    """Give names and what stands beside each."""
    return st.dictionaries(texts, values(kind), max_size=3).map(lambda each: tuple(each.items()))


TEXTS = tuple[tuple[str, str], ...]
OWN = {
    Condition: conditions(),
    Column: st.builds(Column, st.integers(0, 99_999), st.integers(0, 99_999)),
    str: texts,
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    NoneType: st.none(),
}


def values(kind: object) -> st.SearchStrategy[object]:
    """Give any values that a field of a dataclass is declared to have, sensible or not."""
    if kind in OWN:
        return OWN[kind]
    if kind == TEXTS:
        return pairs(str)
    if kind == tuple[Table, ...]:
        return pairs(TEXTS).map(lambda each: tuple(Table(*one) for one in each))
    if get_origin(kind) is tuple:
        return st.lists(values(get_args(kind)[0]), max_size=2).map(tuple)
    return reduce(or_, map(one_of, get_args(kind) if isinstance(kind, UnionType) else (kind,)))


def one_of(kind: object) -> st.SearchStrategy[object]:
    """Give any values of an enum or of a dataclass."""
    if not isinstance(kind, type) or not is_dataclass(kind):
        return st.sampled_from(kind) if isinstance(kind, EnumType) else values(kind)
    hints = get_type_hints(kind)
    return st.builds(kind, **{each.name: values(hints[each.name]) for each in fields(kind)})


@settings(deadline=None, max_examples=50)
@given(values(Profile))
def test_whatever_a_profile_says_its_document_says_too(profile: Profile) -> None:
    """A profile that is written down and read again is the same, to the letter."""
    text = document_of(profile)
    assert read_profile(tomllib.loads(text)) == profile


@pytest.mark.parametrize("code", sorted(BUILT_IN))
def test_the_profiles_that_come_with_bmuid_are_documents_as_well(code: str) -> None:
    """Whoever needs another one begins with the document of one that is there."""
    assert profile_of(document_of(BUILT_IN[code])) == BUILT_IN[code]


ALL_WRONG = """
code = 3
fields = ["from", "to"]
hobby = "golf"
[layout]
kind = "MARQUEE"
[[derived]]
field = "x"
make = "EXTRACT"
pattern = 3
colour = "red"
[[derived]]
field = "y"
make = "GUESS"
[[derived]]
field = "z"
make = "TIME"
at = { field = "from", clock = "SUNDIAL" }
[[filter]]
name = "odd"
when = [{ field = "from", is = "a", like = "b" }, { is = "a" }, 7]
[table.cause]
a = 1
"""


def test_all_that_is_wrong_is_told_at_once_with_its_place() -> None:
    """Nobody mends a document one fault at a time."""
    faults = profile_of(ALL_WRONG)
    assert isinstance(faults, tuple)
    for expected in (
        'code: must be text in quotes, like "text"',
        "hobby: is not known; there are code, name,",
        "layout.kind: 'MARQUEE' is none of them; there are DELIMITED, PAIRS, FIXED_WIDTH, JSON_LINE",
        "derived[1].of: is not given",
        "derived[1].pattern: must be text",
        "derived[1].colour: is not known; there are",
        "derived[2].make: 'GUESS' is none of them; there are CASE, TRIM, EXTRACT",
        "derived[3].at.clock: 'SUNDIAL' is none of LOCAL, EPOCH",
        "filter[1].when[1]: must ask one thing",
        "filter[1].when[2].field: must be text",
        "filter[1].when[3]: must be a table",
        "table.cause: must be a table of texts",
        "uid: is not given",
    ):
        assert any(fault.startswith(expected) for fault in faults), (expected, faults)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("code = ", "not TOML: Invalid value (at end of document)"),
        ("a = 1\nb = = 2\n", "(at line 2, column 5)"),
        ("x = " + "[" * 20_000, "not TOML: nested too deep"),
        ("#" * 1_000_001, "is longer than 1,000,000 characters"),
    ],
)
def test_what_is_no_document_is_refused_with_the_line(text: str, words: str) -> None:
    """Also a text that is no TOML at all, or far too long, is answered in a sentence."""
    faults = profile_of(text)
    assert isinstance(faults, tuple)
    assert len(faults) == 1
    assert words in faults[0]


PAGE = (Path(__file__).parents[3] / "docs/mediation.md").read_text("utf-8")
CHAPTER = PAGE[PAGE.index("## The profile document") : PAGE.index("## Stored profiles")]


def test_what_the_page_shows_can_be_written_so() -> None:
    """Each example of the chapter on documents, one behind the other, is a profile in order."""
    text = "".join(re.findall(r"^```toml\n(.*?)^```$", CHAPTER, re.DOTALL | re.MULTILINE))
    more = '"cause", "uri", "day", "hour", "direction", "called", "caller", "service", "from"'
    text = text.replace('"from"', more, 1).replace("widths = [6]", "widths = [14]")
    assert isinstance(profile_of(text), Profile), profile_of(text)


def test_the_page_names_every_key_and_word() -> None:
    """What can be written in a document stands on the page."""
    said = {*re.findall(r"[A-Za-z_0-9]+", CHAPTER)}
    words = {_tag_of(kind) for kind in (*get_args(Transform), *get_args(Layout))}
    words |= {
        each.value
        for kind in (Clock, Measure, Quoting, Letters, Fit, Rounding, Counted)
        for each in kind
    }
    assert words <= said, words - said
    keys = {_SHAPE.key(each.name) for kind in KINDS for each in fields(kind)}
    assert keys <= said, keys - said


KINDS = (
    Profile,
    Derived,
    Filter,
    RecordType,
    Delimited,
    Pairs,
    FixedWidth,
    Instant,
    Trailer,
    Bound,
    ControlSum,
    *get_args(Transform),
)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (f"timeout_s = {'9' * 5000}", "not TOML: "),
        (f"{'.'.join('a' * 200_000)} = 1", "not TOML: nested too deep"),
        ('"a" . ' * 100_000 + '"a" = 1', "not TOML: nested too deep"),
        ('encoding = ["utf-8"]\n[[uid]]\nform = ["NUMBER"]', "uid[1].form: ['NUMBER'] is none of"),
    ],
)
def test_odd_documents_are_refused_at_once(document: str, said: str) -> None:
    """Figures without end, names of names of names, lists for words: each is told of as any other fault is."""
    found = profile_of(document)

    assert isinstance(found, tuple)
    assert [each for each in found if each.startswith(said)], found
