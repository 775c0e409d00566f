"""What rate groups and rules ask of events: each operator, by examples a clerk would try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.rating import ConditionRow, Operator
from bmu.rating.condition import compile_condition, condition_faults, holds_all

TABLE = [
    # operator, values, what holds, what doesn't
    ("EQUALS", ["GB"], ["GB"], ["gb", "GB ", ""]),
    ("EQUALS", [""], [""], ["x"]),
    ("IN", ["GB", "DE"], ["GB", "DE"], ["FR", "", "GBDE"]),
    ("IN", ["", "DE"], ["", "DE"], ["FR"]),
    ("PREFIX", ["44"], ["44", "4420"], ["", "4", "944"]),
    ("PREFIX", ["44", "49"], ["4420", "4930"], ["33"]),
    ("RANGE", ["5", "100"], ["5", "42", "100", "0042"], ["4", "101", "1000"]),
    ("RANGE", ["100", ""], ["100", "101", "1" * 9999], ["99", "0", ""]),
    ("RANGE", ["", "100"], ["100", "99", "0", ""], ["101", "1" * 9999]),
    ("RANGE", ["A", "C"], ["A", "Bern", "C"], ["Cologne", "a", ""]),
    ("RANGE", ["08:00", "18:00"], ["08:00", "17:59"], ["07:59", "18:01"]),
    ("REGEX", [r"44(7|20)\d*"], ["447", "44201"], ["4410", "x447", ""]),
    ("EMPTY", [], [""], ["x", " ", "0"]),
]


@pytest.mark.parametrize(("operator", "values", "holding", "failing"), TABLE)
def test_each_operator_asks_what_its_name_says(
    operator: str, values: list[str], holding: list[str], failing: list[str]
) -> None:
    """A condition holds for what it names and for nothing else; negated, the other way round."""
    row = ConditionRow("origin", Operator(operator), tuple(values))
    assert list(condition_faults(row)) == []
    plain = compile_condition(row)
    negated = compile_condition(ConditionRow("origin", row.operator, row.values, negated=True))
    assert plain.field == negated.field == "origin"
    for text in holding:
        assert plain.fits(text), text[:20]
        assert not negated.fits(text), text[:20]
    for text in failing:
        assert not plain.fits(text), text[:20]
        assert negated.fits(text), text[:20]


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 3))
def test_figures_are_compared_as_figures(first: int, last: int, asked: int, zeros: int) -> None:
    """9 is less than 10, and 007 is 7, whichever way an event's record writes it."""
    row = ConditionRow("quantity", Operator.RANGE, (str(first), str(last)))
    assert compile_condition(row).fits("0" * zeros + str(asked)) == (first <= asked <= last)
    assert bool(list(condition_faults(row))) == (first > last)


def test_all_conditions_have_to_hold_and_a_missing_field_is_empty() -> None:
    """A group for roamers of one network is not for others, nor where the record tells no network."""
    event = {"origin": "447700900123", "network": "26201"}

    def look_up(field: str) -> str:
        return event.get(field, "")

    british = compile_condition(ConditionRow("origin", Operator.PREFIX, ("44",)))
    german = compile_condition(ConditionRow("network", Operator.PREFIX, ("262",)))
    unsaid = compile_condition(ConditionRow("cell", Operator.EMPTY))
    said = compile_condition(ConditionRow("cell", Operator.EMPTY, negated=True))
    assert holds_all([], look_up)
    assert holds_all([british, german, unsaid], look_up)
    assert not holds_all([british, german, said], look_up)
    assert not holds_all([said, british], look_up)


@pytest.mark.parametrize(
    ("operator", "values", "said"),
    [
        ("EQUALS", [], "EQUALS takes 1 value, not 0"),
        ("EQUALS", ["a", "b"], "EQUALS takes 1 value, not 2"),
        ("REGEX", [], "REGEX takes 1 value, not 0"),
        ("EMPTY", ["a"], "EMPTY takes 0 values, not 1"),
        ("RANGE", ["1"], "RANGE takes 2 values, not 1"),
        ("IN", [], "IN takes one value or more, not none"),
        ("PREFIX", [], "PREFIX takes one value or more, not none"),
        ("PREFIX", ["44", ""], "which every text begins with"),
        ("RANGE", ["", ""], "open at both ends"),
        ("RANGE", ["10", "9"], "ends with '9' before it starts with '10'"),
        ("RANGE", ["b", "a"], "ends with 'a' before it starts with 'b'"),
        ("REGEX", ["^44"], "leave ^ away"),
        ("REGEX", [r"(4)\1"], "write out what is meant"),
    ],
)
def test_a_condition_that_can_not_be_asked_is_refused(
    operator: str, values: list[str], said: str
) -> None:
    """The catalogue is refused with what to mend, and with the field it is about."""
    faults = list(condition_faults(ConditionRow("origin", Operator(operator), tuple(values))))
    assert len(faults) == 1
    assert faults[0].startswith("origin: ")
    assert said in faults[0]


def test_a_condition_asks_about_something() -> None:
    """A field that was left empty is found, along with all else that is wrong."""
    for field in ("", " ", "x" * 101):
        faults = list(condition_faults(ConditionRow(field, Operator.IN)))
        assert len(faults) == 2
        assert "no name or a long one" in faults[0]
