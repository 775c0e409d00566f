"""What is wrong with calendars and hours."""

import re
from collections.abc import Iterator
from datetime import date
from functools import partial

from bmu.period import parse_windows, zone_of
from bmu.rating.faults.fault import Fault, each, once, refused, unknown
from bmu.rating.faults.known import Known
from bmu.rating.offers import TariffRows
from bmu.rating.rows import HolidayCalendarRow, TimePeriodRow

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def time_faults(rows: TariffRows, known: Known) -> Iterator[Fault]:
    """Find them all."""
    yield from once("calendar", rows.calendars)
    yield from once("time_period", rows.time_periods)
    yield from each("calendar", rows.calendars, _calendar)
    yield from each("time_period", rows.time_periods, lambda row: _time_period(row, known))


def _calendar(row: HolidayCalendarRow) -> Iterator[str]:
    if not row.days:
        yield "has no days"
    for day in sorted({day for day in row.days if row.days.count(day) > 1}):
        yield f"has {day} twice"


def _time_period(row: TimePeriodRow, known: Known) -> Iterator[str]:
    if row.zone not in ("ACCOUNT", "COMPANY"):
        yield from refused(lambda: zone_of(row.zone))
    # A holiday's windows have the form of any other day's.
    yield from refused(lambda: parse_windows(text.replace("Hol ", "Mon ") for text in row.windows))
    if not row.windows:
        yield "has no windows"
    yield from unknown([row.calendar], known.calendars, "calendar")
    if row.calendar is None and any("Hol" in text for text in row.windows):
        yield "has windows for holidays, but no calendar that tells them"
    for text in row.dates:
        yield from refused(partial(_check_dates, text))


def _check_dates(text: str) -> None:
    first, dots, last = text.partition("..")
    if not _DAY.fullmatch(first) or (dots and not _DAY.fullmatch(last)):
        raise ValueError(f"not like 2026-12-24 or 2026-12-24..2026-12-26: {text[:60]!r}")
    start = date.fromisoformat(first)
    if dots and date.fromisoformat(last) < start:
        raise ValueError(f"ends before it starts: {text!r}")
