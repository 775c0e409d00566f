"""Numbers in the names of files: found whatever else stands there, and counted on past the end of their range."""

import pytest

from bmu.mediation.sequence import Counted, Range, is_pattern, named, number_in, without

NAMES = [
    ("cdr-#.csv", "cdr-0007.csv", 7),
    ("cdr-#.csv", "cdr-7.csv", 7),
    ("cdr-#.csv", "cdr-7.csv.gz", None),
    ("cdr-*-#.csv", "cdr-20260803-0042.csv", 42),
    ("*#*", "a1b22c", 22),
    ("?#.dat", "x9.dat", 9),
    ("?#.dat", "9.dat", None),
    ("20*_#_*", "20260803_17_x", 17),
    ("#", "0", 0),
    ("#", "", None),
    ("#", "1" * 19, None),
    ("a.*#", "axx1", None),
    ("#", "٣", None),
]


@pytest.mark.parametrize(("pattern", "name", "number"), NAMES)
def test_the_last_digits_that_fit_are_the_number(
    pattern: str, name: str, number: int | None
) -> None:
    """A pattern finds the number, or says that a name has none."""
    assert number_in(pattern, name) == number


@pytest.mark.parametrize("text", ["", "abc", "##", "#" * 300])
def test_a_pattern_has_one_number(text: str) -> None:
    """What names no number, or two, is no pattern."""
    assert not is_pattern(text)


def test_a_hostile_name_is_read_at_once() -> None:
    """Stars and digits by the hundred cost a name's length times the pattern's for each run of digits, no power of it."""
    assert number_in("*a" * 120 + "#", "a1" * 120 + "b") is None


def test_counting_on_past_the_end() -> None:
    """After 9998, 9999 come 0, 1: none is missed; 3 then misses 2, and 9999 late is 9999, not one of the next round."""
    counted, places = Counted(None, Range(0, 9999)), []
    missed: list[Range | None] = []
    for number in (9998, 9999, 0, 1, 3, 9999):
        place = counted.place(number)
        counted, gap = counted.go_on(place)
        places.append(place)
        missed.append(gap)

    assert places == [9998, 9999, 10000, 10001, 10003, 9999]
    assert missed == [None, None, None, None, Range(10002, 10002), None]
    assert [named(place, Range(0, 9999)) for place in places] == [9998, 9999, 0, 1, 3, 9999]


def test_what_is_left_of_a_gap() -> None:
    """Of five missed numbers the third comes: two and two are left; of one, nothing."""
    assert without(Range(5, 9), 7) == [Range(5, 6), Range(8, 9)]
    assert without(Range(5, 9), 5) == [Range(6, 9)]
    assert without(Range(5, 5), 5) == []
