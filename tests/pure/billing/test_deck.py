"""An operator's deck: what it changes is told before, and afterwards a number costs what the deck says."""

import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.billing.catalogue import Catalogue, read, read_parts
from bmu.billing.deck import Change, DeckChange, DeckLine, Target, merge, read_deck
from bmu.rating import LocationPatternRow, LocationRow, RateRow, TariffRows, validate

OFFLINE = Path(__file__).parents[3] / "examples/offline"
TARGET = Target("ALWAYS", "voice", effective=date(2026, 12, 1))
DECK = """\
Prefix,Destination,Rate,Increments,Connect Fee,Effective Date
44,United Kingdom,0.0195,60/6,,2026-12-01
"447, 4475",UK mobile,0.09,60/6,,2026-12-01
33,France,0.12,60/6,0.05,2026-12-01
336,France mobile,0.21,1/1,0.05,2027-01-01
"""


def small() -> TariffRows:
    """Give the rows of the offline example."""
    parts = {path.name: path.read_text("utf-8") for path in (OFFLINE / "catalogue").iterdir()}
    found = read_parts(parts)
    assert isinstance(found, Catalogue), found
    return found.rows


def lines_of(text: str) -> tuple[DeckLine, ...]:
    """Give the lines of a deck without faults."""
    found = read_deck("deck.csv", text)
    lines = tuple(one for one in found if isinstance(one, DeckLine))
    assert len(lines) == len(found), found
    return lines


def price(rows: TariffRows, number: str, day: date) -> int | None:
    """Find what a number costs on a day, by a way of its own: longest pattern, then upwards."""
    patterns = {row.code: row.location for row in rows.location_patterns}
    parents = {row.code: row.parent for row in rows.locations}
    place = next((patterns[number[:n]] for n in range(15, 0, -1) if number[:n] in patterns), None)
    while place is not None:
        for row in rows.rates:
            if (row.rate_group, row.usage_class, row.location) == ("ALWAYS", "voice", place) and (
                (row.valid_from or date.min) <= day < (row.valid_to or date.max)
            ):
                return row.price_e11
        place = parents[place]
    return None


def test_a_deck_tells_what_it_changes() -> None:
    """Old and new price, from which day, for each prefix; what stays as it is is only counted."""
    merged = merge(lines_of(DECK), small(), TARGET)
    cents, december = 10**9, date(2026, 12, 1)
    assert merged.changes == (
        DeckChange(Change.CHANGED, "44", "United Kingdom", 2 * cents, 195 * 10**7, december, 2),
        DeckChange(Change.ADDED, "336", "France mobile", None, 21 * cents, date(2027, 1, 1), 5),
        DeckChange(Change.CHANGED, "447", "UK mobile", 10 * cents, 9 * cents, december, 3),
        DeckChange(Change.ADDED, "4475", "UK mobile", None, 9 * cents, december, 3),
    )
    assert merged.unchanged == 1
    assert validate(merged.rows) == ()


def test_prices_change_on_their_day() -> None:
    """The day before, the old price; from the day on, the new one; the deck twice changes nothing more."""
    rows = merge(lines_of(DECK), small(), TARGET).rows
    before, after = date(2026, 11, 30), date(2026, 12, 1)
    assert (price(rows, "441632960555", before), price(rows, "441632960555", after)) == (
        2 * 10**9,
        195 * 10**7,
    )
    assert price(rows, "33612345678", date(2026, 12, 31)) == 12 * 10**9
    assert price(rows, "33612345678", date(2027, 1, 1)) == 21 * 10**9

    again = merge(lines_of(DECK), rows, TARGET)
    assert (again.changes, again.rows) == ((), rows)


def test_what_a_whole_deck_leaves_out_ends() -> None:
    """A whole deck withdraws what it does not have; a partial one leaves it alone."""
    only = lines_of("prefix,price,increments\n44,0.02,60/6\n")
    whole = merge(only, small(), TARGET)
    assert [(one.change, one.prefix) for one in whole.changes] == [
        (Change.REMOVED, "447"),
        (Change.REMOVED, "33"),
    ]
    assert price(whole.rows, "33612345678", date(2026, 11, 30)) == 12 * 10**9
    assert price(whole.rows, "33612345678", date(2026, 12, 1)) is None
    assert merge(only, small(), replace(TARGET, is_whole=False)).changes == ()


def test_no_other_group_is_touched() -> None:
    """Prices of other groups stay what they were, for every number, though places were added."""
    rows = small()
    merged = merge(lines_of(DECK), rows, TARGET).rows
    others = [
        row for row in rows.rates if (row.rate_group, row.usage_class) != ("ALWAYS", "voice")
    ]
    assert [row for row in merged.rates if row in others] == others
    parents = {row.code: row.parent for row in merged.locations}
    assert (parents["336"], parents["4475"]) == ("FR", "UK-MOB")


PREFIXES = st.text("12", min_size=1, max_size=4)


@given(
    st.dictionaries(PREFIXES, st.integers(1, 9), min_size=1, max_size=8),
    st.dictionaries(PREFIXES, st.integers(0, 3), max_size=8),
    st.lists(st.none() | st.integers(0, 2), min_size=4, max_size=4),
    st.dictionaries(PREFIXES, st.integers(1, 9), min_size=1, max_size=8),
)
def test_a_number_costs_what_its_longest_prefix_in_the_deck_says(
    deck: dict[str, int], tree: dict[str, int], above: list[int | None], second: dict[str, int]
) -> None:
    """However the tree of places was laid before, and whatever deck was there before."""
    rows = replace(
        small(),
        locations=tuple(
            LocationRow(0, f"L{n}", "L", None if up is None or up >= n else f"L{up}")
            for n, up in enumerate(above)
        ),
        location_patterns=tuple(
            LocationPatternRow(0, code, f"L{at}") for code, at in tree.items()
        ),
        rates=(),
        bucket_types=(),
        packages=(),
    )
    for deck_ in (deck, second):
        lines = [DeckLine(2, p, p, cost, 1, 1, 0, None) for p, cost in deck_.items()]
        rows = merge(lines, rows, Target("ALWAYS", "voice")).rows
        assert validate(rows) == ()
        for number in (f"{n:04b}".replace("0", "2") for n in range(16)):
            longest = next((deck_[number[:n]] for n in (4, 3, 2, 1) if number[:n] in deck_), None)
            if longest is not None:
                assert price(rows, number, date(2026, 1, 1)) == longest, number


@pytest.mark.parametrize(
    ("was", "now", "fault"),
    [
        ("0.0195", "0,0195", "deck.csv:2: has 7 fields, the first line 6"),
        ("0.0195", "free", "deck.csv:2: price: not a decimal number: 'free'"),
        ("0.0195", "-1", "deck.csv:2: price: '-1' is negative, or too large"),
        ("336,", "33x,", "deck.csv:5: prefix: '33x' is not 1 to 15 digits"),
        ("60/6", "60-6", "deck.csv:2: increments: '60-6' is not like 60/6 or 1/1, in seconds"),
        ("60/6", "0/0", "deck.csv:2: increments: '0/0' is not like 60/6 or 1/1, in seconds"),
        ("2026-12-01", "1/12/2026", "deck.csv:2: effective: '1/12/2026' is no day like 2026-12-31"),
        ("336,", "33,", "deck.csv:5: prefix: 33 stands on line 4 already"),
        ("Prefix", "Numbers", "deck.csv:1: no column is called prefix, or like it: prefix, prefixes,"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(was: str, now: str, fault: str) -> None:
    """Line, column and what is wrong with it; the deck is not used."""
    text = DECK.replace("2027-01-01", "2026-12-01").replace(was, now, 1)
    found = read_deck("deck.csv", text)
    assert any(isinstance(one, str) and one.startswith(fault) for one in found), found


def test_columns_may_be_called_anything() -> None:
    """A deck whose header is in another language is read by telling what its columns are called."""
    text = "Vorwahl,Preis\n+44,0.01\n"
    columns = {"prefix": "Vorwahl", "price": "Preis"}
    assert read_deck("d.csv", text, columns) == (DeckLine(2, "44", "44", 10**9, 1, 1, 0, None),)
    assert read_deck("d.csv", text, {"prefix": "Vorwahl", "price": "Price"}) == (
        "d.csv:1: has no column 'Price'",
    )


def test_two_hundred_thousand_prices_are_merged_in_seconds() -> None:
    """A full deck of a carrier does not keep anybody waiting."""
    text = "prefix,name,price,increments,effective\n" + "".join(
        f"{10**6 + n},Place {n % 900},0.{n % 997:03},60/{n % 3 + 1},2026-12-01\n"
        for n in range(200_000)
    )
    started = time.process_time()
    merged = merge(lines_of(text), small(), TARGET)
    assert time.process_time() - started < 12
    assert len(merged.changes) == 200_003


def test_rows_that_were_written_are_read_again() -> None:
    """A catalogue in one document takes a deck, too."""
    document = (Path(__file__).parents[3] / "examples/demo/catalogue.toml").read_text("utf-8")
    catalogue = read(document)
    assert isinstance(catalogue, Catalogue)
    target = Target("BUS-INTL", "voice", is_whole=False)
    merged = merge(lines_of("prefix,price\n1,0.5\n"), catalogue.rows, target)
    assert validate(merged.rows) == ()
    # Canada's prefixes lie beside, not below, the place of +1: each gets the price as well.
    canada: list[RateRow] = [row for row in merged.rows.rates if row.location == "1204"]
    assert [row.price_e11 for row in canada] == [5 * 10**10]
