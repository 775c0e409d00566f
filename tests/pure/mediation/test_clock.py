"""Local times of switches become the right instants, also when clocks are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmu.mediation.clock import EpochClock, LocalClock
from bmu.mediation.reject import Reason, UnreadError
from bmu.period import from_us, to_us

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")


@pytest.mark.parametrize(
    ("zone", "written", "not_before", "instant"),
    [
        ("Europe/London", "2026-08-03 09:12:44", "", "2026-08-03T08:12:44"),
        ("Europe/London", "2026-08-03T09:12:44", "", "2026-08-03T08:12:44"),
        ("Europe/London", "2026-12-03 09:12:44", "", "2026-12-03T09:12:44"),
        # 01:00 to 02:00 comes twice: the first, unless the switch's own count says otherwise.
        ("Europe/London", "2026-10-25 01:10:06", "", "2026-10-25T00:10:06"),
        ("Europe/London", "2026-10-25 01:10:06", "1792890600.13180", "2026-10-25T01:10:06"),
        ("Europe/London", "2026-10-25 01:52:05", "1792889520.13178", "2026-10-25T00:52:05"),
        ("Europe/London", "2026-10-25 01:52:05", "queue-7", "2026-10-25T00:52:05"),
        ("Europe/London", "2026-10-25 01:52:05", "1999999999", "2026-10-25T00:52:05"),
        # Half an hour is repeated there.
        ("Australia/Lord_Howe", "2026-04-05 01:29:59", "", "2026-04-04T14:29:59"),
        ("Australia/Lord_Howe", "2026-04-05 01:45:00", "", "2026-04-04T14:45:00"),
        ("Australia/Lord_Howe", "2026-04-05 01:45:00", "1775315000", "2026-04-04T15:15:00"),
    ],
)
def test_local_time_is_read_in_the_zone_of_the_switch(
    zone: str, written: str, not_before: str, instant: str
) -> None:
    """A call is placed in the hour in which it really began."""
    assert from_us(LocalClock(zone).at(written, not_before)) == datetime.fromisoformat(
        instant
    ).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-29 01:30:00",
        "2026-02-29 10:00:00",
        "2026-09-31 12:09:25",
        "2026-10-15 25:57:37",
        "2026-10-15 23:59:60",
        "2026-10-15 23:59",
        "20261015 23:59:59",
        "2026-W32-1T09:12:44",
        "2026-08-03T09:12+01",
        "2026-08-03 09:12:44.5",
        "2026-08-03 +9:12:44",
        "٢٠٢٦-08-03 09:12:44",
        "0000-01-01 00:00:00",
        "yesterday",
    ],
)
def test_a_time_that_never_was_is_refused(written: str) -> None:
    """No call is billed for a time that no clock has shown."""
    with pytest.raises(UnreadError) as refused:
        LocalClock("Europe/London").at(written, "")
    assert refused.value.reason is Reason.BAD_TIME
    assert "2026-03-29" not in written or "went forward" in refused.value.detail


@pytest.mark.parametrize("written", ["2026-03-29 01:30:00", "2026-03-29 01:99:00"])
def test_what_was_refused_is_refused_again(written: str) -> None:
    """Whether a line of the lost hour is usage does not hang on the lines before it."""
    clock = LocalClock("Europe/London")
    for _ in range(2):
        assert not clock.knows(written)
        with pytest.raises(UnreadError):
            clock.at(written, "")


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.integers(1577836800, 1893456000))
def test_the_kept_hours_agree_with_the_zone(zone: str, second: int) -> None:
    """What is remembered of an hour gives the same instants as looking each up."""
    clock = LocalClock(zone)
    for each in (from_us(second * 1_000_000), from_us((second + 1) * 1_000_000)):
        local = each.astimezone(ZoneInfo(zone))
        written = f"{local:%Y-%m-%d %H:%M:%S}"
        assert clock.at(written, str(int(each.timestamp()))) == to_us(each)
        if local.fold == 0:
            assert clock.at(written, "") == to_us(each)


def test_a_clock_that_has_seen_many_years_stays_right() -> None:
    """The memory of hours is given up when it is full, never wrong."""
    clock = LocalClock("UTC")
    first = datetime(2020, 1, 1, tzinfo=UTC)
    for hours in range(20_002):
        moment = first + timedelta(hours=hours)
        assert clock.at(f"{moment:%Y-%m-%d %H:%M:%S}", "") == to_us(moment)


@pytest.mark.parametrize(
    ("written", "us"),
    [
        ("1795254062.747", 1795254062747000),
        ("1795254062", 1795254062000000),
        ("1795254062.123456789", 1795254062123456),
        ("0.000001", 1),
    ],
)
def test_seconds_since_1970_are_exact(written: str, us: int) -> None:
    """Milliseconds are kept as they were written, without floating point."""
    assert EpochClock().at(written, "") == us
    assert EpochClock().knows(written)


@pytest.mark.parametrize("written", ["-1", "1e9", "1795254062.", "123456789012", "now", "٢٠"])
def test_other_counts_are_refused(written: str) -> None:
    """A count that is none is not guessed at."""
    with pytest.raises(UnreadError) as refused:
        EpochClock().at(written, "")
    assert refused.value.reason is Reason.BAD_TIME
