"""A worker process of bmuid, unchanged, with a watch on its stages: python timed_worker.py KIND DSN SPOOL PARTS TIMES."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bmu.mediation import Mediator
from bmuid.intake import charging, chunk, inorder, snapshot
from bmuid.intake.homes import Homes
from bmuid.intake.lines import Lines
from bmuid.intake.spool import Spool
from bmuid.rerating import accounts, replay, rewriting, step
from bmuid.store import (
    buckets,
    charges,
    days,
    draws,
    keys,
    lives,
    reprocessing,
    reratings,
    reversals,
)
from bmuid.worker import rating
from bmuid.worker.main import KINDS, Settings

# Where a stage is spent. Time inside another one counts there alone.
STAGES = (
    (chunk, "work", "rest of the chunk"),
    (Lines, "more", "read"),
    (Mediator, "take_some", "mediate"),
    (Homes, "glance", "glance"),
    (chunk, "pick", "own"),
    (snapshot.Snapshots, "at", "load tariff and owners"),
    (chunk, "needs_of", "own"),
    (charging, "charge", "sort"),
    (charging, "drawable", "lock buckets"),
    (buckets, "grant", "grant buckets"),
    (days, "ensure", "make days"),
    (inorder, "rate_batch", "rate"),
    (charges, "rows", "encode"),
    (draws, "unencoded", "encode"),
    (keys, "claim", "copy keys"),
    (charges, "add", "copy charge"),
    (draws, "add", "copy draw"),
    (rating, "run", "begin and commit"),
    (step, "run", "begin and commit"),
    (reratings, "next_accounts", "again: choose accounts"),
    (accounts, "plan", "again: plan"),
    (accounts, "carry_out", "again: carry out"),
    (lives, "of_accounts", "again: read"),
    (replay, "replay", "again: replay"),
    (replay, "changed", "again: compare"),
    (accounts, "_figures", "again: sum"),
    (rewriting, "write", "again: write"),
    (rewriting, "_moved", "again: returns and draws"),
    (reversals, "add", "again: reverse"),
    (charges, "replace", "again: copy charge"),
    (reversals, "move", "again: return and draw"),
    (reprocessing, "reworked", "again: note rework"),
    (reratings, "note", "again: note"),
)


DAYS_BACK = 36_500  # the calls are of a day that does not move


class Watch:
    """Adds up the time of each stage, less that of the stages within it: on the clock, and of the processor."""

    def __init__(self) -> None:
        self.seconds: dict[str, tuple[float, float]] = {}
        self._within: list[tuple[float, float]] = []

    def put_on(self, owner: object, name: str, stage: str) -> None:
        """Measure a function of a module or class from now on."""
        measured: Callable[..., object] = getattr(owner, name)

        def timed(*args: object, **kwargs: object) -> object:
            self._within.append((0.0, 0.0))
            began, spent = time.perf_counter(), time.process_time()
            try:
                return measured(*args, **kwargs)
            finally:
                took, worked = time.perf_counter() - began, time.process_time() - spent
                took_within, worked_within = self._within.pop()
                before = self.seconds.get(stage, (0.0, 0.0))
                self.seconds[stage] = (
                    before[0] + took - took_within,
                    before[1] + worked - worked_within,
                )
                if self._within:
                    outer = self._within[-1]
                    self._within[-1] = (outer[0] + took, outer[1] + worked)

        setattr(owner, name, timed)


def main() -> None:
    """Be a worker until told to stop, then write the times."""
    kind, dsn, spool, parts, times = sys.argv[1:]
    watch = Watch()
    for owner, name, stage in STAGES:
        watch.put_on(owner, name, stage)
    KINDS[kind](Settings(dsn, Spool(Path(spool)), int(parts), DAYS_BACK))
    Path(times).write_text(json.dumps({"stages": watch.seconds}), encoding="utf-8")


if __name__ == "__main__":
    main()
