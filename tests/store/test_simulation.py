"""What usage would have cost under other packages: to the last unit what it would have been charged."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from asking import Asking
from conftest import Database
from offices import Office
from trial_world import founded, written

CUSTOMERS, CALLS, FILES = 6, 240, 4


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at an empty database."""
    return Asking(database)


@pytest.fixture
def office(asking: Asking, tmp_path: Path) -> Iterator[Office]:
    """Give the workers that rate for it."""
    with closing(asking.database.connect()) as connection:
        yield Office(asking.database, connection, tmp_path, parts=1)


def simulated(office: Office, asking: Asking, **texts: str) -> dict[tuple[str, str], Any]:
    """Run a simulation; give its rows by account and package."""
    asked = asking.staff("simulation_run", **texts)
    assert asked.done, asked.body
    office.rate()
    id_ = str(asked.body["simulation"]["id"])
    shown = asking.staff("simulation_show", id=id_, limit="500").body
    assert shown["simulation"]["state"] == "DONE"
    return {(one["account"], one["package"]): one for one in shown["accounts"]}


@pytest.mark.parametrize("seed", range(4))
def test_a_simulation_is_what_would_have_been_charged(
    asking: Asking, office: Office, seed: int
) -> None:
    """
    My own packages come to what I am charged, on any days; another comes to what my twin is charged who has it.

    Whatever allowances, share plans, prices of months and taxes there are.
    """
    package = ("P0", "P1", "P2", "TEAM-A")[seed]
    world = founded(asking, seed, CUSTOMERS, package)
    calls = list(world.calls(CALLS))
    for number in range(FILES):
        part = calls[number * CALLS // FILES : (number + 1) * CALLS // FILES]
        verdicts = office.hand_in(f"{number}.csv", written(part, str(number)))
        assert verdicts["new"] == 2 * len(part), verdicts
    mine = ",".join(one.number for one in world.customers)
    twins = ",".join(f"T-{one.number}" for one in world.customers)

    for from_, to in (("2026-06-01", "2026-10-01"), ("2026-07-09", "2026-08-20")):
        tried = simulated(office, asking, packages=package, from_=from_, to=to, accounts=mine)
        had = simulated(office, asking, packages=package, from_=from_, to=to, accounts=twins)
        for one in world.customers:
            if (one.number, "own") not in tried:
                continue
            own, other = tried[one.number, "own"], tried[one.number, package]
            twin = had[f"T-{one.number}", "own"]
            assert own["unratable"] == other["unratable"] == 0
            assert (own["usage"], own["records"]) == (own["charged"], own["records"])
            assert (one.number, other["usage"]) == (one.number, twin["charged"])
            assert (other["recurring"], other["total"]) == (twin["recurring"], twin["total"])
            assert other["tax"] == twin["tax"]
