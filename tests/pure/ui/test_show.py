"""How figures are written on the pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.ui import chart, show


@pytest.mark.parametrize(
    ("text", "currency", "written"),
    [
        ("12", "GBP", "£12.00"),
        ("0.0125", "GBP", "£0.0125"),
        ("1204.5", "EUR", "€1,204.50"),
        ("-3.5", "GBP", "\u2212£3.50"),
        ("1230", "JPY", "¥1,230"),
        ("7.5", "CHF", "CHF\u00a07.50"),
        ("1.5", "KWD", "KWD\u00a01.500"),
    ],
)
def test_an_amount_has_its_sign_its_groups_and_all_its_places(
    text: str, currency: str, written: str
) -> None:
    """A charge shows every place it was counted with, money at least those of its currency."""
    assert show.amount(text, currency) == written


def test_money_is_rounded_half_up_once() -> None:
    """44.895 pounds read 44.90."""
    assert show.rounded("44.895", "GBP") == "£44.90"
    assert show.rounded("44.8949", "GBP") == "£44.89"


@pytest.mark.parametrize(
    ("start", "end", "written"),
    [
        ("2026-10-01", "2026-11-01", "1\u201331 October 2026"),
        ("2026-10-15", "2026-11-15", "15 October \u2013 14 November 2026"),
        ("2026-12-15", "2027-01-15", "15 December 2026 \u2013 14 January 2027"),
        ("2026-10-03", "2026-10-04", "3 October 2026"),
    ],
)
def test_a_period_names_its_first_and_its_last_day(start: str, end: str, written: str) -> None:
    """Nobody has to know that the end of a period is not part of it."""
    assert show.span(start, end) == written


@pytest.mark.parametrize(
    ("start", "end", "months", "moved"),
    [
        ("2026-10-01", "2026-11-01", -1, ("2026-09-01", "2026-10-01")),
        ("2026-01-31", "2026-02-28", 1, ("2026-02-28", "2026-03-28")),
        ("2026-01-01", "2026-04-01", 1, ("2026-04-01", "2026-07-01")),
        ("2026-10-05", "2026-10-12", -1, ("2026-09-28", "2026-10-05")),
    ],
)
def test_earlier_and_later_move_by_the_period_shown(
    start: str, end: str, months: int, moved: tuple[str, str]
) -> None:
    """From October one goes to September, from a week to the week before."""
    assert show.moved(start, end, months) == moved


@pytest.mark.parametrize(
    ("digits", "written"),
    [
        ("442079460123", "+44 20 7946 0123"),
        ("441632960204", "+44 1632 960204"),
        ("441134960505", "+44 113 496 0505"),
        ("441314960633", "+44 131 496 0633"),
        ("447700900101", "+44 7700 900101"),
        ("443069990310", "+44 306 999 0310"),
        ("33199001234", "+33 199 001 234"),
        ("353209123930", "+353 209 123 930"),
        ("12025550143", "+1 202 555 0143"),
        ("201", "201"),
        ("anonymous", "anonymous"),
        ("", ""),
    ],
)
def test_a_telephone_number_reads_as_one_writes_it(digits: str, written: str) -> None:
    """Numbers have a plus and light groups; an extension or a name stays as it is."""
    assert show.digits(digits).replace("\u00a0", " ") == written


@given(st.text("0123456789", min_size=7, max_size=15).filter(lambda text: text[0] != "0"))
def test_grouping_loses_and_adds_no_digit(digits: str) -> None:
    """Without its blanks a number is what it was."""
    assert show.digits(digits).replace("\u00a0", "") == "+" + digits


@pytest.mark.parametrize(
    ("unit", "number", "written"),
    [
        ("TIME", 205, "0:03:25"),
        ("TIME", 360000, "100:00:00"),
        ("COUNT", 1200, "1,200"),
        ("DATA", 999, "999\u00a0B"),
        ("DATA", 1_250_000_000, "1.25\u00a0GB"),
        ("DATA", 1_000_000, "1\u00a0MB"),
    ],
)
def test_a_quantity_is_written_in_its_unit(unit: str, number: int, written: str) -> None:
    """Durations as hours, minutes, seconds; data in thousands."""
    assert show.quantity(unit, number) == written


def test_an_allowance_is_told_in_minutes() -> None:
    """Whoever bought 1000 minutes reads how many are left."""
    assert show.allowance("TIME", 60000) == "1,000\u00a0min"
    assert show.allowance("TIME", 22230) == "370\u00a0min 30\u00a0s"


@given(st.lists(st.integers(-(10**14), 10**15), min_size=1, max_size=31))
def test_no_bar_leaves_the_drawing_and_a_dearer_day_is_never_shorter(costs: list[int]) -> None:
    """What one sees of the days' cost is in their order."""
    drawn = chart.bars(costs, chart.top_of(costs))
    assert all(
        0 <= bar.height <= chart.HEIGHT and bar.y + bar.height == chart.HEIGHT for bar in drawn
    )
    pairs = sorted(zip(costs, drawn, strict=True), key=lambda pair: pair[0])
    heights = [bar.height for _, bar in pairs]
    assert heights == sorted(heights)
    assert all(bar.height > 0 for cost, bar in pairs if cost > 0)
