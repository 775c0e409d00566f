"""Where an event takes place: what is nearest comes first, and what lies below counts with what is above."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.rating import LocationGroupRow, LocationRow
from bmu.rating.places import EVERYWHERE, Places, places_of

LOCATIONS = (
    LocationRow(1, "PARIS-MOBILE", "", "PARIS"),
    LocationRow(2, "WORLD", "", None),
    LocationRow(3, "EUROPE", "", "WORLD", "zone"),
    LocationRow(4, "FRANCE", "", "EUROPE", "country"),
    LocationRow(5, "PARIS", "", "FRANCE", "state"),
    LocationRow(6, "US", "", "WORLD", "country"),
)
GROUPS = (
    LocationGroupRow(1, "ZONE-2", "", ("FRANCE", "US")),
    LocationGroupRow(2, "CITIES", "", ("PARIS",)),
    LocationGroupRow(3, "ALL", "", ("WORLD", "PARIS")),
    LocationGroupRow(4, "ZONE-1", "", ("FRANCE",)),
)
BOOK = places_of(LOCATIONS, GROUPS)


def reached(places: Places, code: str) -> list[str]:
    """Give by name what a location lies in."""
    return [places.codes[place] for place in places.reach(places.index[code])]


@pytest.mark.parametrize(
    ("code", "way"),
    [
        ("PARIS-MOBILE", "PARIS-MOBILE PARIS ALL CITIES FRANCE ZONE-1 ZONE-2 EUROPE WORLD"),
        ("PARIS", "PARIS ALL CITIES FRANCE ZONE-1 ZONE-2 EUROPE WORLD"),
        ("FRANCE", "FRANCE ZONE-1 ZONE-2 EUROPE WORLD ALL"),
        ("US", "US ZONE-2 WORLD ALL"),
        ("WORLD", "WORLD ALL"),
    ],
)
def test_the_nearest_price_comes_first(code: str, way: str) -> None:
    """A location's own price, its groups' by code, its parent's, the parent's groups', up to the root."""
    assert reached(BOOK, code) == way.split()


@pytest.mark.parametrize(
    ("code", "area", "said"),
    [
        ("PARIS-MOBILE", ["FRANCE"], "inside"),
        ("PARIS-MOBILE", ["ZONE-2"], "inside"),
        ("PARIS", ["US", "CITIES"], "inside"),
        ("FRANCE", ["FRANCE"], "inside"),
        ("FRANCE", ["CITIES", "PARIS"], "outside"),
        ("US", ["ZONE-1", "EUROPE"], "outside"),
        ("US", ["ALL"], "inside"),
        ("WORLD", ["ZONE-2"], "outside"),
        ("WORLD", [], "outside"),
    ],
)
def test_an_allowance_for_a_place_is_for_all_below_it(
    code: str, area: list[str], said: str
) -> None:
    """Minutes to France count for Paris; minutes to Paris don't for France."""
    inside = BOOK.is_inside(BOOK.index[code], BOOK.area(area))
    assert inside is (said == "inside")


def test_an_event_without_a_location_is_nowhere() -> None:
    """A class rated by itself alone draws from no allowance for a place, and no place is meant by its mark."""
    assert BOOK.reach(EVERYWHERE) == ()
    assert not BOOK.is_inside(EVERYWHERE, BOOK.area(BOOK.index))
    assert EVERYWHERE not in BOOK.codes


def test_taxes_know_the_country_and_the_state() -> None:
    """The nearest of each kind; a location above all countries is in none."""
    countries = {BOOK.codes[n]: place for n, place in enumerate(BOOK.countries)}
    assert countries["PARIS-MOBILE"] == countries["PARIS"] == ("FRANCE", "PARIS")
    assert countries["FRANCE"] == ("FRANCE", None)
    assert countries["EUROPE"] == (None, None)


@st.composite
def books(draw: st.DrawFn) -> tuple[tuple[LocationRow, ...], tuple[LocationGroupRow, ...]]:
    """Draw a tree in any order, and groups with names that may repeat."""
    codes = [f"L{n}" for n in range(draw(st.integers(1, 8)))]
    rows = [
        LocationRow(n + 1, code, "", draw(st.sampled_from([None, *codes[:n]])))
        for n, code in enumerate(codes)
    ]
    names = draw(st.lists(st.sampled_from("ABCD"), unique=True))
    members = st.lists(st.sampled_from(codes), max_size=4).map(tuple)
    groups = tuple(LocationGroupRow(n, name, "", draw(members)) for n, name in enumerate(names, 1))
    return tuple(draw(st.permutations(rows))), groups


@given(books())
def test_climbing_by_hand_meets_the_same_places_in_the_same_order(
    book: tuple[tuple[LocationRow, ...], tuple[LocationGroupRow, ...]],
) -> None:
    """Whoever walks from a location to the root and asks at each step for groups gets there alike."""
    rows, groups = book
    places, parents = places_of(*book), {row.code: row.parent for row in rows}
    for row in rows:
        met: list[str] = []
        at: str | None = row.code
        while at is not None:
            met.append(at)
            met += sorted(
                each.code for each in groups if at in each.locations and each.code not in met
            )
            at = parents[at]
        assert reached(places, row.code) == met
        assert len(set(places.index.values())) == len(rows) + len(groups)
