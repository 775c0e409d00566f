"""Where a sample tells when a call began: in a column, or its day in one and its hour in another."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bmu.mediation.proposal.column import (
    DAYS,
    DAYS_AND_TIMES,
    Role,
    Written,
    are_hours,
    rank,
    written,
)
from bmu.mediation.proposal.columns import Columns, Doubts
from bmu.mediation.transform import Clock

MOMENTS = (Role.ANSWERED, Role.BEGAN, Role.ENDED)
LENGTHS = (Role.BILLED, Role.LASTED)


@dataclass(frozen=True, slots=True)
class Times:
    """Where the time of a call stands: in a column, or its day in one and its hour in another."""

    field: str
    time_field: str | None
    written: Written


def times_of(found: Columns, doubts: Doubts) -> Times:
    """Find when a call began: when it was answered, if that is told."""
    times = _in_one(found) or _day_and_time(found, doubts)
    if times is None:
        doubts.gap(
            "started: no column holds a time that is known: name it, and how it is written (clock, written)"
        )
        return Times(found.names[0], None, Written(Clock.LOCAL))
    if times.written.others:
        ways = " or ".join(times.written.others)
        doubts.guess(
            f"started.written: {times.field} may be {times.written.directives} or {ways}: no row tells"
        )
    return times


def doubt_unused(found: Columns, times: Times, doubts: Doubts) -> None:
    """Tell, once it is known what all other columns are, of those that may tell better when a call was answered."""
    if rank(times.time_field or times.field, Role.ANSWERED) is not None:
        return
    for name in _unused(found):
        doubts.guess(
            f"started: a column of times is not used: {name}; take it if it tells when a call was answered"
        )


def _in_one(found: Columns) -> Times | None:
    """Find a column of days and hours."""
    ways = {name: way for name in found.names if (way := written(found.texts[name])) is not None}
    told = [name for name in ways if any(rank(name, role) is not None for role in MOMENTS)]
    fits = told or [name for name in ways if len(found.texts[name]) == found.rows]
    ended = found.best(Role.ENDED, fits)
    field = found.best(Role.ANSWERED, fits) or found.best(Role.BEGAN, fits)
    if field is None:
        field = next((name for name in fits if name != ended and name not in found.said), None)
        if field is None:
            return None
        found.said[field] = Role.BEGAN.value
    # What one column leaves open, another may tell.
    every = [text for name in told for text in found.texts[name]]
    return Times(field, None, (written(every) if ways[field].others else None) or ways[field])


def _day_and_time(found: Columns, doubts: Doubts) -> Times | None:
    """Find a column of days and one of hours that are a time together."""
    for day in found.names:
        texts = found.texts[day]
        if not texts or (rank(day, Role.BEGAN) is None and written(texts, DAYS) is None):
            continue
        fits = dict(_hours(found, day))
        if not fits:
            continue
        began = [name for name in fits if rank(name, Role.BEGAN) is not None]
        time = found.best(Role.ANSWERED, [*fits])
        role = Role.BEGAN if time is None else Role.ANSWERED
        if time is not None and began:
            doubts.guess(
                f"started: {day} may be the day of {began[0]}: a call answered past midnight would be a day early"
            )
        time = time or found.best(Role.BEGAN, began) or next(iter(fits))
        found.said[day] = f"{role.value}, the day"
        found.said[time] = f"{role.value}, the hour"
        way = fits[time]
        return Times(
            day, time, replace(way, clock=Clock.WRITTEN, directives=way.directives or "%F %T")
        )
    return None


def _hours(found: Columns, day: str) -> Iterator[tuple[str, Written]]:
    """Give the columns that are hours of the days of another, with how both are written together."""
    for name in found.names:
        if name == day or any(rank(name, each) is not None for each in (Role.ENDED, *LENGTHS)):
            continue
        cells = zip(found.cells[day], found.cells[name], strict=True)
        joined = [f"{one} {other}" for one, other in cells if one.strip() and other.strip()]
        # Only an answer may be lacking, of a call that nobody answered.
        if rank(name, Role.ANSWERED) is None and len(joined) < len(found.texts[day]):
            continue
        way = written(joined, DAYS_AND_TIMES)
        if way is not None:
            yield name, way


def _unused(found: Columns) -> Iterator[str]:
    """Give the columns of times that were taken for nothing, but for those whose names say that they are no answer."""
    for name in found.names:
        # Calls that nobody answered may have a dash, or another sign.
        texts = [text for text in found.texts[name] if any(map(str.isdecimal, text))]
        if name in found.said or not texts:
            continue
        if any(rank(name, role) is not None for role in (Role.BEGAN, Role.ENDED, *LENGTHS)):
            continue
        is_answer = rank(name, Role.ANSWERED) is not None
        if written(texts) is not None or (is_answer and are_hours(texts)):
            yield name
