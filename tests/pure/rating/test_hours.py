"""Time periods: peak is peak by the wall's clock, holidays are no weekdays, and each change has its instant."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.period import DAY_US, LocalMinutes, to_us
from bmu.rating import TimePeriodRow
from bmu.rating.hours import Hours, hours_of, parse_days, time_period_faults

XMAS = (date(2026, 12, 25), date(2026, 12, 28))
QUARTER_US = 15 * 60 * 1_000_000


def period(
    *windows: str, zone: str = "Europe/London", dates: tuple[str, ...] = ()
) -> TimePeriodRow:
    """Write a time period of a catalogue."""
    return TimePeriodRow(1, "P", "P", zone, windows, dates, "XMAS")


def hours(
    *windows: str,
    zone: str = "Europe/London",
    dates: tuple[str, ...] = (),
    holidays: tuple[date, ...] = (),
) -> Hours:
    """Make a time period ready."""
    row = period(*windows, zone=zone, dates=dates)
    assert list(time_period_faults(row)) == []
    return hours_of(row, LocalMinutes(zone), holidays)


def at(text: str) -> int:
    """Read an instant."""
    return to_us(datetime.fromisoformat(text))


PEAK = hours(
    "Mon-Fri 08:00-19:00",
    "Hol 10:00-12:00",
    dates=("2026-03-01..2026-12-26", "2026-12-28"),
    holidays=XMAS,
)
ALWAYS = hours("Mon-Sun,Hol 00:00-24:00")


@pytest.mark.parametrize(
    ("instant", "said"),
    [
        ("2026-08-03T07:59:59.999999+01:00", "not"),  # a Monday
        ("2026-08-03T08:00:00+01:00", "peak"),
        ("2026-08-03T18:59:59.999999+01:00", "peak"),
        ("2026-08-03T19:00:00+01:00", "not"),
        ("2026-08-02T12:00:00+01:00", "not"),  # Sunday
        ("2026-02-27T12:00:00+00:00", "not"),  # Friday, before the dates
        ("2026-03-02T12:00:00+00:00", "peak"),
        ("2026-12-24T09:00:00+00:00", "peak"),  # Thursday
        ("2026-12-25T09:00:00+00:00", "not"),  # Friday, but a holiday
        ("2026-12-25T11:00:00+00:00", "peak"),
        ("2026-12-26T11:00:00+00:00", "not"),  # Saturday
        ("2026-12-28T09:00:00+00:00", "not"),  # Monday, a holiday
        ("2026-12-28T11:59:59+00:00", "peak"),
        ("2026-12-29T11:00:00+00:00", "not"),  # after the dates
    ],
)
def test_a_period_holds_in_its_windows_on_its_days(instant: str, said: str) -> None:
    """Peak is on the weekdays of its dates; on a holiday only what is said for holidays counts."""
    assert PEAK.holds_at(at(instant)) is (said == "peak")


def test_the_answer_changes_where_it_is_said_to() -> None:
    """A call over Christmas is cut at each edge of a window, and at midnight where days differ."""
    wanted = ["2026-12-24T08:00", "2026-12-24T19:00", "2026-12-25T10:00", "2026-12-25T12:00",
              "2026-12-28T10:00", "2026-12-28T12:00"]  # fmt: skip
    found = PEAK.edges(at("2026-12-24T00:00Z"), at("2027-01-05T00:00Z"))
    assert list(found) == [at(f"{text}Z") for text in wanted]
    first, second = at(f"{wanted[0]}Z"), at(f"{wanted[1]}Z")
    assert list(PEAK.edges(first, second)) == []
    assert list(PEAK.edges(first, second + 1)) == [second]
    assert list(PEAK.edges(first - 1, second)) == [first]
    assert list(PEAK.edges(second, second)) == []
    assert list(ALWAYS.edges(at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z"))) == []


@pytest.mark.parametrize(
    ("zone", "windows", "day", "edges"),
    [
        # The hour from 01:00 is left out: what begins within it begins after it.
        ("Europe/London", "Sun 01:30-03:00", "2026-03-29", ["01:00Z", "02:00Z"]),
        ("Europe/London", "Sun 01:00-02:00", "2026-03-29", []),
        # The hour from 01:00 comes twice, and so does its peak.
        ("Europe/London", "Sun 01:30-02:00", "2026-10-25", ["00:30Z", "01:00Z", "01:30Z", "02:00Z"]),
        ("Europe/London", "Sun 01:00-02:00", "2026-10-25", ["00:00Z", "02:00Z"]),
        ("Australia/Lord_Howe", "Sun 01:45-02:00", "2026-04-04", ["14:45Z", "15:00Z", "15:15Z", "15:30Z"]),
        # The 30th was none in Apia: Friday's window never came.
        ("Pacific/Apia", "Fri 00:00-24:00", "2011-12-30", []),
        ("Pacific/Apia", "Thu 00:00-24:00", "2011-12-30", ["10:00Z"]),
        # 44 minutes 30 seconds behind.
        ("Africa/Monrovia", "Mon-Sun 08:00-09:00", "1971-06-01", ["08:44:30Z", "09:44:30Z"]),
    ],
)  # fmt: skip
def test_clocks_are_met_where_they_are_changed(
    zone: str, windows: str, day: str, edges: list[str]
) -> None:
    """On the days on which clocks are changed, a window is where the wall's clock shows it."""
    start = at(f"{day}T00:00Z")
    found = hours(windows, zone=zone).edges(start - 1, start + DAY_US)
    assert list(found) == [at(f"{day}T{edge}") for edge in edges]


ZONES = ["UTC", "Europe/London", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia",
         "Pacific/Chatham", "Africa/Monrovia", "Africa/Freetown"]  # fmt: skip
# Around changes of the clocks of these zones, so that they are met often.
STARTS = ["2026-03-29T01:00Z", "2026-10-25T01:00Z", "2018-11-04T03:00Z", "2026-04-04T15:00Z", "2011-12-30T10:00Z",
          "2026-09-26T14:00Z", "1972-01-07T00:44:30Z", "1939-09-01T01:00Z", "2026-07-01T00:00Z"]  # fmt: skip
moments = st.builds(
    lambda start, seconds, us: at(start) + seconds * 1_000_000 + us,
    st.sampled_from(STARTS),
    st.integers(-3 * 86_400, 3 * 86_400),
    st.sampled_from([0, 0, 1, 999_999]),
)
minutes = st.one_of(st.integers(0, 1439), st.sampled_from([0, 60, 90, 120, 1439]))
names = st.sampled_from(
    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon-Sun", "Sat-Mon", "Hol"]
)


@st.composite
def windows_drawn(draw: st.DrawFn) -> str:
    """Draw a window that does not end at a 59th minute."""
    start = draw(minutes)
    end = (
        draw(st.integers(start + 1, 1440).filter(lambda minute: minute % 60 != 59))
        if start < 1438
        else 1440
    )
    return f"{draw(names)} {start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


@st.composite
def cases(draw: st.DrawFn) -> tuple[TimePeriodRow, tuple[date, ...], int, int]:
    """Draw a time period with holidays, and an interval of up to three days near its days."""
    start = draw(moments)
    today = datetime.fromtimestamp(start // 1_000_000, UTC).date()
    near = st.integers(-3, 5).map(lambda step: today + timedelta(days=step))
    ranges = st.lists(
        st.tuples(near, near).map(sorted).map(lambda pair: f"{pair[0]}..{pair[1]}"), max_size=2
    )
    windows = draw(st.lists(windows_drawn(), min_size=1, max_size=3))
    row = period(*windows, zone=draw(st.sampled_from(ZONES)), dates=tuple(draw(ranges)))
    length = draw(st.one_of(st.just(QUARTER_US), st.integers(1, 3 * DAY_US)))
    return row, tuple(draw(st.lists(near, max_size=3))), start, start + length


def naive(row: TimePeriodRow, holidays: tuple[date, ...], us: int) -> bool:
    """Look at the wall's clock and the calendar, window by window."""
    wall = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)).astimezone(
        ZoneInfo(row.zone)
    )
    day = wall.date()
    ranges = [tuple(map(date.fromisoformat, text.split(".."))) for text in row.dates]
    if ranges and not any(first <= day <= last for first, last in ranges):
        return False
    today = {"Hol"} if day in holidays else {wall.strftime("%a"), "Mon-Sun"}
    if today & {"Sat", "Sun", "Mon"}:
        today.add("Sat-Mon")
    for window in row.windows:
        name, _, clock = window.partition(" ")
        start, end = clock.split("-")
        if name in today and start <= f"{wall:%H:%M}" < end:
            return True
    return False


@given(cases(), st.lists(st.integers(0, 999), max_size=5))
def test_edges_are_all_the_changes_and_nothing_else(
    case: tuple[TimePeriodRow, tuple[date, ...], int, int], some: list[int]
) -> None:
    """Between two edges a patient look at wall and calendar always gives one answer, across one another."""
    row, holidays, start, end = case
    made = hours_of(row, LocalMinutes(row.zone), holidays)
    edges = list(made.edges(start, end))
    assert all(start < edge < end for edge in edges)
    bounds = [start, *edges, end]
    for first, last in pairwise(bounds):
        answer = naive(row, holidays, first)
        for us in (first, last - 1, *(first + (last - first) * each // 1000 for each in some)):
            assert made.holds_at(us) is naive(row, holidays, us) is answer
    for edge in edges:
        assert made.holds_at(edge) is not made.holds_at(edge - 1)
    assert made.is_even(start, end) is not bool(edges)


def test_years_are_cut_as_minutes_are() -> None:
    """A session of four years is cut as surely as a call of a minute."""
    start, end = at("2026-01-01T00:00Z"), at("2030-01-01T00:00Z")
    edges = list(hours("Sat 00:00-24:00").edges(start, end))
    assert len(edges) == 2 * 209
    assert {(after - before) // 3_600_000_000 for before, after in pairwise(edges)} == {
        24,
        144,
        143,
        145,
    }


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-12-24", (date(2026, 12, 24), date(2026, 12, 24))),
        ("2026-12-24..2026-12-26", (date(2026, 12, 24), date(2026, 12, 26))),
        ("2028-02-29..2028-02-29", (date(2028, 2, 29), date(2028, 2, 29))),
    ],
)
def test_days_are_read_as_a_clerk_writes_them(text: str, days: tuple[date, date]) -> None:
    """One day, or the first and the last of several."""
    assert parse_days(text) == days


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (period("Mon 08:00-09:00", dates=("2026-02-29",)), "no such day"),
        (period("Mon 08:00-09:00", dates=("24.12.2026",)), "not like 2026-12-24"),
        (period("Mon 08:00-09:00", dates=("20261224",)), "not like 2026-12-24"),
        (period("Mon 08:00-09:00", dates=("2026-12-24..",)), "not like 2026-12-24"),
        (period("Mon 08:00-09:00", dates=("..2026-12-24",)), "not like 2026-12-24"),
        (period("Mon 08:00-09:00", dates=("2026-12-24..2026-12-23",)), "ends before it starts"),
        (period("Mon 8-9"), 'not like "Mon-Fri 08:00-19:00"'),
        (period(), "has no windows"),
        (period("Mon 08:00-09:00", zone="Europe/Lundon"), "not a time zone"),
        (TimePeriodRow(1, "P", "P", "UTC", ("Mon,Hol 08:00-09:00",)), "no calendar"),
    ],
)
def test_a_period_that_says_something_else_is_refused(row: TimePeriodRow, said: str) -> None:
    """A slip in a period is found when it is entered, not when calls are rated."""
    faults = list(time_period_faults(row))
    assert len(faults) == 1
    assert said in faults[0]


def test_a_period_may_go_by_the_accounts_or_the_companys_clock() -> None:
    """In place of a zone's name."""
    for zone in ("ACCOUNT", "COMPANY"):
        assert list(time_period_faults(period("Mon 08:00-09:00", zone=zone))) == []
