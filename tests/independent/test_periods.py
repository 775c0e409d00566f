"""Prices of whole periods, by a second reading of the rules: every kind, at every edge of its tiers."""

from dataclasses import replace
from random import Random

import pytest
from independent.periods import Period, measured, price_of_period
from independent.prices import E11

from bmu.money import Rounding
from bmu.rating import AggregateKind, RateKind, RateRow, TierRow, aggregate_price, usage_of

FROMS = ((0,), (0, 1), (0, 100), (0, 100, 200), (0, 7, 8, 1000))
PRICES = (0, 1, 5 * 10**9, 33_333_333_333, 2 * E11)
PERS = (1, 7, 60, 1000)


def edges(random: Random, kind: AggregateKind, tiers: tuple[TierRow, ...]) -> list[Period]:
    """Periods whose figure lies at, just below and just above each tier's beginning, and at nothing."""
    starts = {0, 5000, *(tier.from_ for tier in tiers)}
    figures = [start + way for start in sorted(starts) for way in (-1, 0, 1) if start + way >= 0]
    return [period_of(random, kind, figure) for figure in figures] + [Period([], 3, 0, 0)]


def period_of(random: Random, kind: AggregateKind, figure: int) -> Period:
    """A period that comes to a figure, by its kind."""
    others, services, events = random.choice((0, 10 * E11)), 3, [figure]
    if kind is AggregateKind.PERCENTAGE:
        others = figure
    elif kind is AggregateKind.COUNTED:
        services, events = figure, [60, 61]
    elif kind is AggregateKind.PERCENTILE_95:
        # One of twenty is left out; of nineteen none is.
        events = [random.randint(0, figure) for _ in range(18)] + [figure]
        events += [figure + 10**6] * random.choice((0, 1))
    elif kind is AggregateKind.HIGH_WATERMARK:
        events = [figure // 2, figure, figure // 3]
    elif figure > 3:
        events = [1, figure - 3, 0, 2]
    random.shuffle(events)
    return Period(events, services, others, random.choice((0, 123_456_789)))


def rate_of(random: Random, kind: AggregateKind) -> RateRow:
    """A rate of an aggregate group."""
    # A part of other charges is for nothing "per".
    is_part = kind is AggregateKind.PERCENTAGE
    scale, pers = (E11, (1,)) if is_part else (1, PERS)
    tiers = tuple(
        TierRow(start * scale, random.choice(PRICES), random.choice(pers), random.choice(PRICES))
        for start in random.choice(FROMS)
    )
    least = random.choice((0, 0, 3 * E11))
    return RateRow(
        1, "R", "G", "voice", None, None,
        random.choice((RateKind.STANDARD, RateKind.STANDARD, RateKind.RATED_MARKUP)),
        random.choice(PRICES), random.choice(pers), 0, least,
        random.choice((None, None, least, least + 100 * E11)), aggregation=kind, tiers=tiers,
    )  # fmt: skip


@pytest.mark.parametrize("kind", AggregateKind)
def test_a_period_costs_what_a_second_reading_says(kind: AggregateKind) -> None:
    """Figure and amount, for 300 rates at each edge of their tiers, in every rounding and at all places."""
    random = Random(kind.value)
    for _ in range(300):
        rate = rate_of(random, kind)
        if (
            kind not in (AggregateKind.STAIRSTEP, AggregateKind.FLAT_AND_UNIT)
            and random.random() < 0.2
        ):
            rate = replace(rate, tiers=())
        for period in edges(random, kind, rate.tiers):
            usage = replace(
                usage_of(kind, period.events),
                counted=period.services, others_e11=period.others_e11, cost_e11=period.cost_e11,
            )  # fmt: skip
            places, mode = random.randint(0, 11), random.choice(tuple(Rounding))
            price = aggregate_price(rate, usage, places, mode)
            assert price.measured == measured(kind, period), (rate, period)
            assert price.amount_e11 == price_of_period(rate, period, places, mode), (rate, period)


@pytest.mark.parametrize("kind", AggregateKind)
def test_half_of_a_period_and_the_rest_are_all_of_it(kind: AggregateKind) -> None:
    """The figure before the period ends is the same function of the usage so far."""
    random = Random(kind.value)
    for _ in range(100):
        events = [random.randint(0, 300) for _ in range(random.randint(0, 60))]
        cut = random.randint(0, len(events))
        halves = usage_of(kind, events[:cut]) + usage_of(kind, events[cut:])
        assert halves == usage_of(kind, events)
