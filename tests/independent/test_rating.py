"""
A second rater, written from the words of docs/rating.md alone, agrees with the engine.

Catalogues, customers and events are drawn by chance from fixed seeds, with every feature of rating among them.
"""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from independent.answers import answer_of
from independent.comparison import Found, compare
from independent.features import EXPECTED
from independent.rater import Rater
from pure.rating.shop import CLASSES, COMPANY, PACKAGE, PLAN, call, group, owner, priced

from bmu.period import to_us
from bmu.rating import TariffRows, TaxRow, TimePeriodRow, compile_tariff, rate

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


@pytest.mark.parametrize(
    ("window", "seconds", "is_rated"),
    [
        ("Mon-Sun 08:00-19:00", 200 * 86_400 + 8 * 3_600, True),
        ("Mon-Sun 08:00-19:00", 200 * 86_400 + 8 * 3_600 + 1, False),
        ("Sun 00:00-24:00", 366 * 86_400, True),
        ("Sun 00:00-24:00", 366 * 86_400 + 1, False),
    ],
)
def test_two_raters_agree_on_the_longest_events(
    window: str, seconds: int, *, is_rated: bool
) -> None:
    """400 changes of price and 366 days are the most; a change or a second more is a mistake."""
    rows = TariffRows(
        usage_classes=CLASSES,
        time_periods=(TimePeriodRow(1, "T", "Hours", "UTC", (window,)),),
        rate_plans=(replace(PLAN, rate_groups=("HOURS", "GROUP")),),
        rate_groups=(group("HOURS", id=1, time_period="T"), group("GROUP", id=2)),
        rates=(
            priced("0.3", 7, "HOURS", id=1, code="A", usage_class="long"),
            priced("0.1", id=2, code="B", usage_class="long"),
        ),
        taxes=(TaxRow(1, "VAT", "VAT", 200_000, None, None),),
        packages=(PACKAGE,),
    )
    start = to_us(datetime(2026, 1, 1, tzinfo=UTC))
    udr = call(seconds, usage_class="long", started_us=start)
    mine = Rater(rows, COMPANY).rate(udr, owner(), ())
    assert answer_of(rate(udr, owner(), compile_tariff(rows, 1, COMPANY), ())) == mine
    assert (mine != "BAD_EVENT") is is_rated
