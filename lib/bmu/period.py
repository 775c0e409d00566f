"""Half-open stretches of time, local days and weekly windows; every zone change is met exactly."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES

# An instant no event reaches: the end of what has no end.
FOREVER_US = 2**63 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WEEKDAY_MINUTES = 3 * DAY_MINUTES  # 1970-01-01 was a Thursday
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOLIDAY = "Hol"
_DAY = "|".join(_DAYS)
_SPAN = rf"(?:(?:{_DAY})(?:-(?:{_DAY}))?|{_HOLIDAY})"
_WINDOW = re.compile(
    rf"({_SPAN}(?:,{_SPAN})*)"
    r" ([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})"
)
_CACHED_HOURS_MAX = 50_000


@cache
def zone_of(name: str) -> ZoneInfo:
    """
    Find a time zone by its IANA name.

    Errors:
        ValueError: no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"not a time zone: {name[:60]!r}") from error


def to_us(instant: datetime) -> int:
    """Count the microseconds from 1970-01-01 UTC to an aware instant, exactly."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def from_us(us: int) -> datetime:
    """Make an aware instant (UTC) of microseconds since 1970-01-01 UTC, exactly."""
    return _EPOCH + timedelta(microseconds=us)


def local_day(us: int, zone: str) -> date:
    """Tell which calendar day an instant belongs to in a zone."""
    return from_us(us).astimezone(zone_of(zone)).date()


def midnight(day: date, zone: str) -> datetime:
    """Find the first instant (UTC) of a calendar day in a zone, also where no clock shows 00:00."""
    place = zone_of(zone)
    wall = datetime(day.year, day.month, day.day, tzinfo=place)
    try:
        late = wall.astimezone(UTC)
    except OverflowError:
        # East of Greenwich the very first day began before there were any instants.
        return datetime.min.replace(tzinfo=UTC)
    if late.astimezone(place).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return late
    # Clocks were put forward over midnight: the day starts at that moment, between these two.
    early = wall.replace(fold=1).astimezone(UTC)
    first, last = to_us(early) // 1_000_000, to_us(late) // 1_000_000
    while first < last:
        middle = (first + last) // 2
        if from_us(middle * 1_000_000).astimezone(place).date() >= day:
            last = middle
        else:
            first = middle + 1
    return from_us(last * 1_000_000)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time [from_, to) between two aware instants."""

    from_: datetime
    to: datetime

    def __post_init__(self) -> None:
        assert self.from_.tzinfo is not None, self
        assert self.to.tzinfo is not None, self
        assert self.from_ < self.to, self

    def __contains__(self, instant: datetime) -> bool:
        return self.from_ <= instant < self.to

    def overlap(self, other: "Period") -> "Period | None":
        """Give what two periods share, or nothing."""
        start, end = max(self.from_, other.from_), min(self.to, other.to)
        return Period(start, end) if start < end else None


def month_start(day: date, bill_day: int) -> date:
    """Give the first day of the billing month that *day* lies in; *bill_day* is 1 to 28."""
    assert 1 <= bill_day <= 28, bill_day
    if day.day >= bill_day:
        return day.replace(day=bill_day)
    return (day.replace(day=1) - timedelta(days=1)).replace(day=bill_day)


def next_month(day: date) -> date:
    """Give the same day of the next month; the day is 1 to 28."""
    assert day.day <= 28, day
    return (day.replace(day=1) + timedelta(days=32)).replace(day=day.day)


def month_period(day: date, bill_day: int, zone: str) -> Period:
    """Give the billing month that *day* lies in, from local midnight to local midnight."""
    start = month_start(day, bill_day)
    return Period(midnight(start, zone), midnight(next_month(start), zone))


@dataclass(frozen=True, slots=True)
class WeekWindows:
    """
    The minutes of a local week in which something holds.

    Units:
        minutes: 10,080 octets, Monday 00:00 first, each 1 (holds) or 0.
        holiday: 1,440 octets likewise, of a day that is a holiday, in place of the weekday's.
    """

    minutes: bytes
    holiday: bytes = bytes(DAY_MINUTES)

    def __contains__(self, minute: int) -> bool:
        return self.minutes[minute] == 1

    def is_even(self, first: int, length: int) -> bool:
        """Tell whether *length* minutes from *first* on, in one week, all hold or all don't."""
        minutes = self.minutes[first : first + length]
        return len(minutes) == length == minutes.count(minutes[0])


def parse_windows(texts: Iterable[str]) -> WeekWindows:
    """
    Read windows like "Mon-Fri 08:00-19:00" or "Sat,Sun,Hol 00:00-24:00"; ends are exclusive.

    Errors:
        ValueError: another form, an hour that does not exist, an end not after its start.
    """
    table = bytearray(WEEK_MINUTES + DAY_MINUTES)
    for text in texts:
        match = _WINDOW.fullmatch(text)
        if match is None:
            raise ValueError(f'not like "Mon-Fri 08:00-19:00": {text[:60]!r}')
        start, end = _minute(match[2], match[3]), _minute(match[4], match[5])
        if end % 60 == 59:
            raise ValueError(f"the end is exclusive, write the full hour: {text!r}")
        if start >= end:
            raise ValueError(f"ends before it starts; split it at 24:00: {text!r}")
        for day in _weekdays(match[1]):
            first = day * DAY_MINUTES
            table[first + start : first + end] = bytes([1]) * (end - start)
    return WeekWindows(bytes(table[:WEEK_MINUTES]), bytes(table[WEEK_MINUTES:]))


def _minute(hours: str, minutes: str) -> int:
    """Minute of the day; 24:00 is its end."""
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > 1440:
        raise ValueError(f"no such time of day: {hours}:{minutes}")
    return minute


def _weekdays(text: str) -> set[int]:
    """Days named by "Mon-Fri" or "Sat,Sun"; "Fri-Mon" passes over the weekend; a holiday comes after Sunday."""
    days: set[int] = set()
    for part in text.split(","):
        if part == _HOLIDAY:
            days.add(len(_DAYS))
            continue
        first, _, last = part.partition("-")
        start = _DAYS.index(first)
        length = (_DAYS.index(last or first) - start) % 7
        days |= {(start + step) % 7 for step in range(length + 1)}
    return days


class LocalMinutes:
    """
    From an instant to the minute of the local clock, in one zone; of the local week, Monday 00:00 is 0.

    Looks the zone up once an hour of UTC and keeps the answer, unless the clock is changed in
    that hour or its offset has odd seconds.
    """

    __slots__ = ("_hours", "_zone")

    def __init__(self, zone: str) -> None:
        self._zone = zone_of(zone)
        self._hours: dict[int, int | None] = {}

    def at(self, us: int) -> int:
        """Give the minute of the local week at *us*."""
        return self.count(us) % WEEK_MINUTES

    def count(self, us: int) -> int:
        """Count the minutes that the local clock showed since Monday 1969-12-29 00:00."""
        hour, rest = divmod(us, HOUR_US)
        try:
            first = self._hours[hour]
        except KeyError:
            first = self._remember(hour)
        if first is None:
            return self._minute(us)
        return first + rest // MINUTE_US

    def seconds_ahead(self, us: int) -> int:
        """Tell how far the local clock is ahead of UTC at *us*."""
        offset = from_us(us).astimezone(self._zone).utcoffset()
        assert offset is not None, us
        return offset // timedelta(seconds=1)

    def is_steady(self, start_us: int, end_us: int) -> bool:
        """Tell whether the offset is one, in whole minutes, over [start_us, end_us)."""
        hour = start_us // HOUR_US
        if (end_us - 1) // HOUR_US == hour:
            self.count(start_us)
            if self._hours[hour] is not None:
                return True
        return self._is_steady(start_us, end_us)

    def _is_steady(self, start_us: int, end_us: int) -> bool:
        first = self.seconds_ahead(start_us)
        return first % 60 == 0 and first == self.seconds_ahead(end_us - 1)

    def _remember(self, hour: int) -> int | None:
        """Keep, for one hour of UTC, its first local minute; none where that is not enough."""
        if len(self._hours) >= _CACHED_HOURS_MAX:
            self._hours.clear()
        start = hour * HOUR_US
        steady = self._is_steady(start, start + HOUR_US)
        first = self._minute(start) if steady else None
        self._hours[hour] = first
        return first

    def _minute(self, us: int) -> int:
        local = us // 1_000_000 + self.seconds_ahead(us)
        return local // 60 + _EPOCH_WEEKDAY_MINUTES
