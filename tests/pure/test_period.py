"""Days, billing months and the hours of the week, also where and when clocks are changed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.period import (
    HOUR_US,
    WEEK_MINUTES,
    LocalMinutes,
    Period,
    from_us,
    local_day,
    midnight,
    month_period,
    month_start,
    next_month,
    parse_windows,
    to_us,
    zone_of,
)

# Half-hour summer time, offsets of 45 minutes, clocks changed at midnight, a day that never was.
ZONES = [
    "UTC",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Toronto",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Africa/Monrovia",
]
zones = st.sampled_from(ZONES)
days = st.dates(date(1915, 1, 1), date(2060, 12, 31))
seconds = st.integers(
    int(datetime(1915, 1, 2, tzinfo=UTC).timestamp()),
    int(datetime(2060, 12, 30, tzinfo=UTC).timestamp()),
)
instants = st.builds(
    lambda second, us: datetime.fromtimestamp(second, UTC) + timedelta(microseconds=us),
    seconds,
    st.integers(0, 999_999),
)


@given(instants)
def test_an_instant_keeps_its_microseconds(instant: datetime) -> None:
    """The moment a call began is stored and shown to the microsecond."""
    assert from_us(to_us(instant)) == instant


@given(days, zones)
def test_a_day_starts_when_its_calendar_leaf_is_first_up(day: date, zone: str) -> None:
    """A price from the 1st holds from the first moment of the 1st, wherever clocks may jump."""
    start = midnight(day, zone)
    place = ZoneInfo(zone)
    assert start.astimezone(place).date() >= day
    assert (start - timedelta(microseconds=1)).astimezone(place).date() < day


@pytest.mark.parametrize(
    ("day", "zone", "start"),
    [
        (date(2026, 7, 1), "Europe/London", "2026-06-30T23:00:00Z"),
        (date(2026, 12, 1), "Europe/London", "2026-12-01T00:00:00Z"),
        (date(2018, 11, 4), "America/Sao_Paulo", "2018-11-04T03:00:00Z"),  # begins at 01:00
        (date(2011, 12, 31), "Pacific/Apia", "2011-12-30T10:00:00Z"),  # follows the 29th
        (date(1919, 3, 31), "America/Toronto", "1919-03-31T04:30:00Z"),  # 23:30 became 00:30
    ],
)
def test_midnight_is_found_where_no_clock_shows_it(day: date, zone: str, start: str) -> None:
    """Known odd days of the world's clocks begin when they began."""
    assert midnight(day, zone) == datetime.fromisoformat(start)


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Apia", "Asia/Tokyo"])
def test_the_very_first_day_begins_with_the_first_instant(zone: str) -> None:
    """A row that has held for ever is written as from year 1 on; in the east that began even earlier."""
    assert midnight(date.min, zone) == datetime.min.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "bill_day", "first", "end"),
    [
        (date(2026, 8, 15), 1, date(2026, 8, 1), date(2026, 9, 1)),
        (date(2026, 8, 1), 1, date(2026, 8, 1), date(2026, 9, 1)),
        (date(2026, 8, 14), 15, date(2026, 7, 15), date(2026, 8, 15)),
        (date(2026, 1, 3), 28, date(2025, 12, 28), date(2026, 1, 28)),
        (date(2028, 2, 29), 28, date(2028, 2, 28), date(2028, 3, 28)),
    ],
)
def test_a_billing_month_runs_from_bill_day_to_bill_day(
    day: date, bill_day: int, first: date, end: date
) -> None:
    """A customer billed on the 15th has months from the 15th to the next 15th, exclusive."""
    assert month_start(day, bill_day) == first
    assert next_month(first) == end
    assert month_period(day, bill_day, "Europe/London") == Period(
        midnight(first, "Europe/London"), midnight(end, "Europe/London")
    )


@given(instants, st.integers(1, 28), zones)
def test_each_instant_lies_in_one_billing_month(
    instant: datetime, bill_day: int, zone: str
) -> None:
    """No call falls between two bills, and none on both."""
    day = local_day(to_us(instant), zone)
    month = month_period(day, bill_day, zone)
    assert instant in month
    following = local_day(to_us(month.to), zone)
    assert month_period(following, bill_day, zone).from_ == month.to


def test_periods_share_what_both_hold() -> None:
    """A service of half a month and a price of another half meet where both hold, or nowhere."""
    noon, hour = datetime(2026, 8, 1, 12, tzinfo=UTC), timedelta(hours=1)
    early, late = Period(noon, noon + 2 * hour), Period(noon + hour, noon + 3 * hour)
    assert early.overlap(late) == late.overlap(early) == Period(noon + hour, noon + 2 * hour)
    assert early.overlap(Period(noon + 2 * hour, noon + 3 * hour)) is None


WEEKEND = parse_windows(["Sat-Sun 00:00-24:00"])


@pytest.mark.parametrize(
    ("instant", "said"),
    [
        ("2026-08-01T00:00:00+01:00", "weekend"),  # Saturday
        ("2026-08-02T23:59:59.999999+01:00", "weekend"),  # Sunday
        ("2026-08-03T00:00:00+01:00", "week"),  # Monday
        ("2026-07-31T23:59:59.999999+01:00", "week"),  # Friday
    ],
)
def test_the_weekend_is_saturday_and_sunday_whole(instant: str, said: str) -> None:
    """Weekend calls are those that begin from Saturday 00:00 until Sunday midnight, by the clock."""
    clock = LocalMinutes("Europe/London")
    is_weekend = clock.at(to_us(datetime.fromisoformat(instant))) in WEEKEND
    assert is_weekend is (said == "weekend")


def test_windows_are_read_as_a_clerk_writes_them() -> None:
    """Days by name, in ranges or lists, also over the weekend; hours with exclusive ends."""
    assert sum(parse_windows(["Mon-Fri 08:00-19:00"]).minutes) == 5 * 11 * 60
    assert sum(parse_windows(["Mon,Wed 08:00-09:00", "Wed 08:30-09:30"]).minutes) == 150
    assert sum(parse_windows(["Fri-Mon 10:00-10:01"]).minutes) == 4
    assert parse_windows(["Mon-Sun 00:00-24:00"]).minutes == bytes([1]) * WEEK_MINUTES
    assert sum(parse_windows([]).minutes) == 0


def test_holidays_have_windows_of_their_own() -> None:
    """Hol stands in a list of days like any other, and is none of the week."""
    windows = parse_windows(["Sun,Hol 00:00-24:00", "Mon-Fri 08:00-19:00"])
    assert sum(windows.minutes) == 24 * 60 + 5 * 11 * 60
    assert windows.holiday == bytes([1]) * 24 * 60
    windows = parse_windows(["Hol 10:00-11:00", "Hol,Mon 10:30-12:00"])
    assert windows.holiday == bytes(600) + bytes([1]) * 120 + bytes(720)
    assert sum(windows.minutes) == 90
    assert not any(parse_windows(["Mon-Sun 00:00-24:00"]).holiday)


@pytest.mark.parametrize(
    "text",
    ["Mon-Fri", "Mon 8:00-9:00", "mon 08:00-09:00", "Mon 22:00-06:00", "Mon 08:00-08:00",
     "Mon 00:00-24:01", "Mon 08:60-09:00", "Sat-Sun 00:00-23:59", "Mon 08:00-09:00 ",
     "Mon-Hol 08:00-09:00", "Hol-Mon 08:00-09:00"],
)  # fmt: skip
def test_windows_that_say_something_else_are_refused(text: str) -> None:
    """A window that would silently lack its last minute, or the night, is refused with a reason."""
    with pytest.raises(ValueError, match=r"Mon|Sat|time of day"):
        parse_windows([text])


def test_a_zone_that_does_not_exist_is_refused() -> None:
    """A slip in a time zone is found when it is entered, not when calls are rated."""
    for name in ("Europe/Lundon", "", "/etc/passwd", "../London", "Europe"):
        with pytest.raises(ValueError, match="time zone"):
            zone_of(name)


@given(st.lists(instants, min_size=1, max_size=20), zones)
def test_the_minute_of_the_week_is_the_one_the_local_clock_shows(
    moments: list[datetime], zone: str
) -> None:
    """Peak is peak by the clock on the wall, whatever was asked of the clock before."""
    clock = LocalMinutes(zone)
    for moment in moments:
        wall = moment.astimezone(ZoneInfo(zone))
        minute = wall.hour * 60 + wall.minute
        assert clock.at(to_us(moment)) == wall.weekday() * 1440 + minute
        days = wall.date() - date(1969, 12, 29)
        assert clock.count(to_us(moment)) == days.days * 1440 + minute
        assert (
            clock.seconds_ahead(to_us(moment)) == (wall.utcoffset() or timedelta()).total_seconds()
        )


@pytest.mark.parametrize(
    ("zone", "year"),
    [
        ("Europe/London", 2026),
        ("Australia/Lord_Howe", 2026),  # half an hour of summer time
        ("Pacific/Chatham", 2026),  # 12:45 ahead
        ("America/Sao_Paulo", 2018),  # changed at midnight
        ("Pacific/Apia", 2011),  # left out a day
        ("Africa/Monrovia", 1972),  # was 44 minutes 30 seconds behind
    ],
)
def test_each_quarter_of_a_year_is_the_one_the_local_clock_shows(zone: str, year: int) -> None:
    """So also within the hours in which clocks are changed, before, between and after."""
    clock, place = LocalMinutes(zone), ZoneInfo(zone)
    moment = datetime(year, 1, 1, tzinfo=UTC)
    while moment.year == year:
        wall = moment.astimezone(place)
        minute = wall.weekday() * 1440 + wall.hour * 60 + wall.minute
        assert clock.at(to_us(moment)) == minute, moment
        moment += timedelta(minutes=14, seconds=30)


def test_a_clock_asked_about_many_years_stays_right() -> None:
    """A worker that meets calls of six years neither grows without end nor forgets the time."""
    clock = LocalMinutes("Europe/London")
    start = to_us(datetime(2026, 7, 6, tzinfo=UTC))  # a Monday
    for hour in range(50_001):
        clock.at(start + hour * HOUR_US)
    assert clock.at(start) == 60
    assert clock.at(start + 5 * HOUR_US) == 360
