"""
A second rater, written from the words of docs/rating.md alone, agrees with the engine.

Catalogues, customers and events are drawn by chance from fixed seeds, with every feature of rating among them.
"""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest
from independent.comparison import Found, compare
from independent.features import EXPECTED

WORLDS = range(1, 36)
EVENTS = 5_900
AT_LEAST = 40


@pytest.fixture(scope="module")
def found() -> Iterator[list[Found]]:
    """What came of comparing all worlds, as many at once as there are processors."""
    with ProcessPoolExecutor(min(4, len(os.sched_getaffinity(0)))) as workers:
        yield list(workers.map(compare, WORLDS, [EVENTS] * len(WORLDS)))


def test_two_raters_agree_on_every_event(found: list[Found]) -> None:
    """Reasons, ids, quantities, amounts, costs, taxes, parts, draws, flat charges, balances: one by one and in batches."""
    assert [each for world in found for each in world.differences] == []
    assert sum(world.events for world in found) >= 200_000


def test_every_feature_was_met(found: list[Found]) -> None:
    """An agreement on what was never asked would be worth nothing."""
    met = sum((world.met for world in found), Counter())
    assert {name: met[name] for name in EXPECTED if met[name] < AT_LEAST} == {}
    assert met["rated"] >= 80_000
