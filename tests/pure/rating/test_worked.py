"""The reference's worked examples of single events, by their names; those of whole periods are with the aggregates."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pure.rating.shop import PLAN, TERMS, amount, call, group, priced, shop, sold, unsold

from bmu.period import to_us
from bmu.rating import (
    LocationPatternRow,
    LocationRow,
    RateKind,
    RatePlanRow,
    TimePeriodRow,
    UnratedReason,
)

MINUTE = 60
GB = 10**9


@pytest.mark.parametrize(
    ("rounding", "measured", "counted"),
    [
        pytest.param("60/10", 61, 70, id="E1, T1: 61 s are 70 s"),
        pytest.param("60/10", 10, 60, id="E2, T2: 10 s are 60 s"),
        pytest.param("KB", 200, 1000, id="E3, T3: 0.2 KB are 1 KB"),
        pytest.param("6/6", 7, 12, id="E4, T4: 7 s are 12 s"),
    ],
)
def test_rounding_up(rounding: str, measured: int, counted: int) -> None:
    """What is counted is at least the minimum, then whole steps."""
    assert sold(shop(priced("1", rounding=rounding)), call(measured)).rounded == counted


def test_patterns_hold_the_world_prefix() -> None:
    """E5, T5: 15192490508 is found by 1519249, and not by 519249."""
    places = (LocationRow(1, "WATERLOO", "Waterloo", None),)
    for pattern, found in (("1519249", True), ("519249", False)):
        tariff = shop(
            priced("1", usage_class="called"),
            locations=places,
            location_patterns=(LocationPatternRow(7, pattern, "WATERLOO"),),
        )
        udr = call(1, usage_class="called", destination="15192490508")
        if found:
            assert sold(tariff, udr).location_pattern_id == 7
        else:
            assert unsold(tariff, udr).reason is UnratedReason.NO_LOCATION


@pytest.mark.parametrize(
    ("began", "weekend"),
    [("2026-08-08 00:00:00", True), ("2026-08-09 23:59:59", True), ("2026-08-10 00:00:00", False)],
)
def test_a_weekend(began: str, weekend: bool) -> None:  # noqa: FBT001 - a column of the table
    """E6, T6: Saturday 00:00 and Sunday 23:59 are the weekend, Monday 00:00 is not."""
    hours = TimePeriodRow(1, "WEEKEND", "Weekend", "UTC", ("Sat,Sun 00:00-24:00",))
    tariff = shop(
        priced("1", group="WEEKEND"),
        priced("2", group="WEEK"),
        groups=(group("WEEKEND", time_period="WEEKEND"), group("WEEK")),
        time_periods=(hours,),
    )
    us = to_us(datetime.fromisoformat(began).replace(tzinfo=UTC))
    assert amount(tariff, call(1, started_us=us)) == ("1" if weekend else "2")


def test_rated_markup() -> None:
    """E7, T10: 0.50 a minute on a cost of 0.10 a minute, 4 minutes: 2.40."""
    tariff = shop(
        priced("0.50", MINUTE, kind=RateKind.RATED_MARKUP),
        priced("0.10", MINUTE, group="COST"),
        groups=(group("GROUP"), group("COST", for_cost=True)),
    )
    rated = sold(tariff, call(4 * MINUTE))
    assert rated.amount_e11 == 240_000_000_000
    assert rated.detail is not None
    assert rated.detail.cost is not None
    assert rated.detail.cost.amount_e11 == 40_000_000_000


def test_markup() -> None:
    """E8, T9: 1.5 times a cost of 0.02 for each of 10: 0.30."""
    tariff = shop(
        priced("1.5", kind=RateKind.MARKUP),
        priced("0.02", group="COST"),
        groups=(group("GROUP"), group("COST", for_cost=True)),
    )
    assert amount(tariff, call(10)) == "0.3"


def test_by_the_second() -> None:
    """T7: 0.01 a second, 61 s: 0.61."""
    assert amount(shop(priced("0.01")), call(61)) == "0.61"


@pytest.mark.parametrize("quantity", [1, 60, 10**9])
def test_fixed(quantity: int) -> None:
    """T8: 5.00 an event, whatever its quantity."""
    assert amount(shop(priced("5", kind=RateKind.FIXED)), call(quantity)) == "5"


def test_the_first_group_is_used_though_it_is_dearer() -> None:
    """T51: the order of groups decides, not the price."""
    assert amount(shop(priced("2", group="FIRST"), priced("1", group="SECOND")), call(1)) == "2"


def test_there_is_no_falling_through_to_a_higher_level() -> None:
    """T52: the plan of the account's package lacks the class, the account's has it: the event waits."""
    lacking = RatePlanRow(2, "LACKING", "Lacking", "GBP", None, None, ("OTHER",))
    tariff = shop(
        priced("1"),
        priced("1", group="OTHER", usage_class="data"),
        plans=(PLAN, lacking),
        groups=(group("GROUP"), group("OTHER")),
        package=replace(shop(priced("1")).packages["PACKAGE"], rate_plan=None),
    )
    terms = TERMS._replace(account_rate_plan="LACKING", own_rate_plan="PLAN")
    unrated = unsold(tariff, call(1), terms)
    assert unrated.reason is UnratedReason.NO_RATE
    assert "package of the account: LACKING" in unrated.tried
    assert amount(tariff, call(1), terms._replace(account_rate_plan=None)) == "1"


def test_a_group_in_another_currency() -> None:
    """T53: a group in euros alone does not price what a customer in dollars uses."""
    plan = replace(PLAN, currency="EUR")
    tariff = shop(
        priced("1"),
        plans=(plan,),
        package=replace(shop(priced("1")).packages["PACKAGE"], currency="EUR"),
    )
    unrated = unsold(tariff, call(1), TERMS._replace(currency="USD"))
    assert unrated.reason is UnratedReason.NO_RATE_GROUP
    assert unrated.tried.endswith("GROUP: in EUR, the account in USD")


def test_a_markup_without_cost() -> None:
    """T54: without a group for cost, and no cost in the record, a markup has nothing to stand on."""
    unrated = unsold(shop(priced("1.5", kind=RateKind.MARKUP)), call(1))
    assert unrated.reason is UnratedReason.NO_COST
    assert "no cost group of the plan PLAN has a rate; the record has no cost" in unrated.tried
