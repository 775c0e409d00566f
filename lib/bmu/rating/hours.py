"""Time periods: at which instants one holds, and when that changes, by the clock and calendar of one zone."""

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import TypeVar

from bmu.period import (
    DAY_MINUTES,
    DAY_US,
    MINUTE_US,
    WEEK_MINUTES,
    LocalMinutes,
    WeekWindows,
    parse_windows,
    zone_of,
)
from bmu.rating.rows import TimePeriodRow

# In place of a zone: the account's, the company's.
ACCOUNT_ZONE = "ACCOUNT"
COMPANY_ZONE = "COMPANY"

_SECOND_US = 1_000_000
_FIRST_DAY = date(1969, 12, 29).toordinal()  # where LocalMinutes.count begins
_FIRST_US = -3 * DAY_US  # its 00:00, were it by UTC
_DATES = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:\.\.([0-9]{4}-[0-9]{2}-[0-9]{2}))?")
_NEVER = bytes(DAY_MINUTES)

_Text = TypeVar("_Text")


class Hours:
    """
    When a time period holds.

    Shapes:
        dates: first and last days of stretches, both inclusive; none means any day.
        holidays: days that have the windows of holidays, and no others.
    """

    __slots__ = ("_dates", "_has_days", "_holidays", "_local", "_windows")

    def __init__(
        self,
        local: LocalMinutes,
        windows: WeekWindows,
        dates: Iterable[tuple[date, date]] = (),
        holidays: Collection[date] = (),
    ) -> None:
        self._local = local
        self._windows = windows
        self._dates = _joined((first.toordinal(), last.toordinal()) for first, last in dates)
        self._holidays = frozenset(day.toordinal() for day in holidays)
        self._has_days = bool(self._dates or self._holidays)

    def holds_at(self, us: int) -> bool:
        """Tell whether the period holds at an instant."""
        minute = self._local.count(us)
        if not self._has_days:
            return minute % WEEK_MINUTES in self._windows
        day, minute = divmod(minute, DAY_MINUTES)
        return self._day(day)[minute] == 1

    def edges(self, from_us: int, to_us: int) -> Iterator[int]:
        """
        Give the instants between two others at which the answer changes, in order.

        Takes a step for each day between and each edge of a window on it.
        """
        before = self.holds_at(from_us)
        for start_us, end_us, ahead_s in self._steady(from_us, to_us):
            for edge_us in self._marks(start_us, end_us, ahead_s):
                after = self.holds_at(edge_us)
                if after != before and edge_us > from_us:
                    yield edge_us
                before = after

    def is_even(self, start_us: int, end_us: int) -> bool:
        """Tell whether the answer is one over all of [start_us, end_us)."""
        local = self._local
        if local.is_steady(start_us, end_us):
            first = local.count(start_us)
            day, minute = divmod(first, DAY_MINUTES)
            end = minute + local.count(end_us - 1) - first + 1
            if end <= DAY_MINUTES:
                held = self._day(day)[minute:end]
                return held.count(held[0]) == len(held)
        return next(self.edges(start_us, end_us), None) is None

    def _day(self, day: int) -> bytes:
        """Give the minutes of a local day, counted from a Monday, in which the period holds."""
        ordinal = _FIRST_DAY + day
        if self._dates and not bisect_right(self._dates, ordinal) % 2:
            return _NEVER
        if ordinal in self._holidays:
            return self._windows.holiday
        first = day % 7 * DAY_MINUTES
        return self._windows.minutes[first : first + DAY_MINUTES]

    def _steady(self, from_us: int, to_us: int) -> Iterator[tuple[int, int, int]]:
        """Cut [from_us, to_us) where clocks are changed; no zone did so twice within a day."""
        start_us, ahead_s = from_us, self._local.seconds_ahead(from_us)
        while start_us < to_us:
            end_us = min(start_us + DAY_US, to_us)
            next_s = self._local.seconds_ahead(end_us)
            if next_s != ahead_s:
                end_us = self._change(start_us, end_us)
            yield start_us, end_us, ahead_s
            start_us, ahead_s = end_us, next_s

    def _change(self, start_us: int, end_us: int) -> int:
        """Find the second in (start_us, end_us] from which the local clock is ahead as at the end."""
        after = self._local.seconds_ahead(end_us)
        first, last = start_us // _SECOND_US + 1, end_us // _SECOND_US
        while first < last:
            middle = (first + last) // 2
            if self._local.seconds_ahead(middle * _SECOND_US) == after:
                last = middle
            else:
                first = middle + 1
        return last * _SECOND_US

    def _marks(self, start_us: int, end_us: int, ahead_s: int) -> Iterator[int]:
        """Give *start_us* and each instant before *end_us* at which a window or a day may begin or end."""
        yield start_us
        shift_us = ahead_s * _SECOND_US - _FIRST_US
        day = (start_us + shift_us) // DAY_US
        while day * DAY_US - shift_us < end_us:
            for minute in _changes(self._day(day)):
                mark_us = day * DAY_US + minute * MINUTE_US - shift_us
                if start_us < mark_us < end_us:
                    yield mark_us
            day += 1


def hours_of(row: TimePeriodRow, local: LocalMinutes, holidays: Collection[date] = ()) -> Hours:
    """
    Make a time period ready to be asked often.

    Shapes:
        row: without faults, as `time_period_faults` finds them.
        local: the clock of the row's zone, or of the account or the company where it says so.
        holidays: the days of the row's calendar.
    """
    return Hours(local, parse_windows(row.windows), map(parse_days, row.dates), holidays)


def parse_days(text: str) -> tuple[date, date]:
    """
    Read a day like "2026-12-24" or days like "2026-12-24..2026-12-26", both ends inclusive.

    Errors:
        ValueError: another form, a day that does not exist, an end before its start.
    """
    match = _DATES.fullmatch(text)
    if match is None:
        raise ValueError(f"not like 2026-12-24 or 2026-12-24..2026-12-26: {text[:60]!r}")
    try:
        first, last = date.fromisoformat(match[1]), date.fromisoformat(match[2] or match[1])
    except ValueError as error:
        raise ValueError(f"no such day: {text!r}") from error
    if last < first:
        raise ValueError(f"ends before it starts: {text!r}")
    return first, last


def time_period_faults(row: TimePeriodRow) -> Iterator[str]:
    """Find what keeps a time period from being used; whether its calendar exists is not looked at."""
    if row.zone not in {ACCOUNT_ZONE, COMPANY_ZONE}:
        yield from _refused(zone_of, row.zone)
    if not row.windows:
        yield "has no windows"
    yield from _refused(parse_windows, row.windows)
    if row.calendar is None and any("Hol" in text for text in row.windows):
        yield "has windows on holidays, but no calendar that tells which days are"
    for text in row.dates:
        yield from _refused(parse_days, text)


def _refused(read: Callable[[_Text], object], text: _Text) -> Iterator[str]:
    """Say what a reader refuses."""
    try:
        read(text)
    except ValueError as error:
        yield str(error)


@lru_cache(maxsize=1_000)
def _changes(day: bytes) -> tuple[int, ...]:
    """Give the minutes at which the answer of a day differs from the minute before; always the first."""
    return (0, *(minute for minute in range(1, DAY_MINUTES) if day[minute] != day[minute - 1]))


def _joined(stretches: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Join stretches of days that meet: first days and days after the last in turn, ascending."""
    edges: list[int] = []
    for first, last in sorted(stretches):
        if edges and first <= edges[-1]:
            edges[-1] = max(edges[-1], last + 1)
        else:
            edges += (first, last + 1)
    return tuple(edges)
