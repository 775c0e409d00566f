"""The runs of a session: times over which a switch's counters only grow."""

from typing import NamedTuple

from bmu.mediation.partial import Figures, Kind, Row

# Records of one session tell when it began, each by its own clock and in whole seconds.
SAME_BEGIN_US = 5_000_000
SECOND_US = 1_000_000
RUNS_MAX = 50


class Run(NamedTuple):
    """A time over which counters only grow; a switch that begins again with a session begins another."""

    begun_us: int
    until_us: int
    stopped: bool
    counters: Figures


def with_row(runs: tuple[Run, ...], row: Row, counters: Figures) -> tuple[Run, ...]:
    """
    Put a record into the run that it is of.

    A record speaks for the time from the session's beginning, which it tells, to itself. Two of one run
    have the same beginning, so their times overlap; a switch that begins again does so after all of the
    run before. What overlaps is one run, whatever came first.
    """
    stopped = row.kind is Kind.STOP
    if row.elapsed_s is None:
        return _in_order(runs, row, counters)
    until_us = row.at_us or 0
    begun_us = until_us - row.elapsed_s * SECOND_US
    own = Run(begun_us, until_us, stopped, counters)
    if len(runs) == 1 and _overlap(runs[0], own):
        return (_one(runs[0], own),)
    apart = []
    for run in runs:
        if _overlap(run, own):
            own = _one(run, own)
        else:
            apart.append(run)
    found = sorted((*apart, own)) if apart else [own]
    if len(found) > RUNS_MAX:
        first, second, *others = found
        found = [_added(first, second), *others]
    return tuple(found)


def _in_order(runs: tuple[Run, ...], row: Row, counters: Figures) -> tuple[Run, ...]:
    """Put a record that does not tell its session's beginning into the last run, but a start after the stop."""
    stopped = row.kind is Kind.STOP
    at_us = row.at_us or 0
    if not runs:
        return (Run(at_us, at_us, stopped, counters),)
    *before, last = runs
    if row.kind is Kind.START and last.stopped and at_us > last.until_us:
        return (*runs, Run(at_us, at_us, stopped, counters))
    return (*before, _one(last, Run(at_us, at_us, stopped, counters)))


def _overlap(run: Run, other: Run) -> bool:
    return (
        run.begun_us <= other.until_us + SAME_BEGIN_US
        and other.begun_us <= run.until_us + SAME_BEGIN_US
    )


def _one(run: Run, other: Run) -> Run:
    counters, mine = run.counters, other.counters
    if mine:
        counters = {**counters, **{f: n for f, n in mine.items() if n > counters.get(f, -1)}}
    return Run(
        min(run.begun_us, other.begun_us),
        max(run.until_us, other.until_us),
        run.stopped or other.stopped,
        counters,
    )


def _added(run: Run, other: Run) -> Run:
    """Make one of two runs that are apart, so that a switch that begins again all the time takes no more room."""
    fields = {**run.counters, **other.counters}
    figures = {f: run.counters.get(f, 0) + other.counters.get(f, 0) for f in fields}
    return Run(run.begun_us, other.until_us, other.stopped, figures)
