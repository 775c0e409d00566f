"""What the second rater found the engine to do otherwise than docs/rating.md says, each in the least of examples."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pure.rating.shop import NOON, PACKAGE, PLAN, call, group, owner, priced, shop, sold

from bmu.period import FOREVER_US, to_us
from bmu.rating import (
    AggregateKind,
    BucketKind,
    BucketState,
    BucketTier,
    BucketTypeRow,
    Frequency,
    GeoTree,
    LocationPatternRow,
    LocationRow,
    RateKind,
    RatePlanRow,
    TaxCodeRow,
    TaxRow,
    TierRow,
    TimePeriodRow,
    Unrated,
    UnratedReason,
    rate,
    rate_batch,
)
from bmu.usage import Unit

E11 = 10**11
MONEY = BucketTypeRow(
    1, "CASH", "Money", Unit.COUNT, E11, Frequency.MONTH, ("voice",), None, kind=BucketKind.MONEY
)
WITH_MONEY = replace(PACKAGE, bucket_types=("CASH",))


def cash(number: int, balance: int, **more: object) -> BucketState:
    """A bucket of money."""
    state = BucketState(number, 1, "CASH", 0, FOREVER_US, balance, granted=balance)
    return replace(state, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "whole", [{"pass_through": True}, {"aggregate": True}], ids=["pass-through", "aggregate"]
)
def test_what_takes_whole_events_is_passed_over_within_one(whole: dict[str, bool]) -> None:
    """A call that runs into such a group's hours goes on at the next group's rate; it had to wait. Mended."""
    counted, tiers = (
        (AggregateKind.VOLUME, (TierRow(0, 1),)) if "aggregate" in whole else (None, ())
    )
    tariff = shop(
        priced("1", group="MORNING", usage_class="long"),
        priced("1", group="WHOLE", usage_class="long", aggregation=counted, tiers=tiers),
        priced("2", group="LAST", usage_class="long"),
        groups=(
            group("MORNING", time_period="AM"),
            group("WHOLE", **whole),
            group("LAST"),
        ),
        time_periods=(TimePeriodRow(1, "AM", "Morning", "UTC", ("Mon-Sun 00:00-12:00",)),),
    )
    early = to_us(datetime(2026, 8, 5, 11, 59, 50, tzinfo=UTC))
    rated = sold(tariff, call(30, usage_class="long", started_us=early))
    assert rated.amount_e11 == (10 * 1 + 20 * 2) * E11


def test_money_pays_what_a_record_charges_for_no_quantity() -> None:
    """An amount of a record is charged whatever the quantity, and money pays for it: bucket by bucket. Mended."""
    tariff = shop(
        priced("0", kind=RateKind.PASS_THROUGH), package=WITH_MONEY, bucket_types=(MONEY,)
    )
    buckets = [cash(1, 2 * E11), cash(2, 9 * E11)]
    rated = sold(tariff, call(0, extras={"amount": "5"}), buckets=buckets)
    assert (rated.amount_e11, [each.balance for each in buckets]) == (0, [0, 6 * E11])


def test_no_bucket_pays_a_price_beyond_all_columns() -> None:
    """What goes beyond a bucket may cost too much, also where money without end would pay for it. Mended."""
    endless = {"tiers": (BucketTier(E11),), "repeat_last": True}
    tariff = shop(
        priced("1"),
        priced("9000000", group="DEAR"),
        plans=(
            replace(PLAN, rate_groups=("GROUP",)),
            RatePlanRow(2, "OVER", "Over", "GBP", None, None, ("DEAR",)),
        ),
        package=replace(PACKAGE, bucket_types=("MIN", "CASH")),
        bucket_types=(
            BucketTypeRow(
                2, "MIN", "Minutes", Unit.TIME, 60, Frequency.MONTH, ("voice",), None,
                overage_plan="OVER",
            ),
            replace(MONEY, repeat_last=True),
        ),
    )  # fmt: skip
    buckets = [cash(1, E11, **endless), BucketState(2, 1, "MIN", 0, FOREVER_US, 0, granted=60)]
    outcome = rate(call(100), owner(), tariff, buckets)
    assert isinstance(outcome, Unrated)
    assert outcome.reason is UnratedReason.AMOUNT_TOO_LARGE
    assert buckets[0].balance == E11


DUTIES = {
    "taxes": (
        TaxRow(1, "A", "A", 1_000_000, None, None),
        TaxRow(2, "B", "B", 1_000_000, None, None),
    ),
    "tax_codes": (TaxCodeRow(1, "C", "C", ("A", "B")),),
}


def test_taxes_fit_their_column() -> None:
    """An event whose two taxes of 100 % come to more than a column holds waits; it stopped its batch. Mended."""
    tariff = shop(
        priced("0", kind=RateKind.PASS_THROUGH), package=replace(PACKAGE, tax=None), **DUTIES
    )
    outcome = rate(call(1, extras={"amount": "92233720"}, started_us=NOON), owner(), tariff, ())
    assert isinstance(outcome, Unrated)
    assert outcome.reason is UnratedReason.AMOUNT_TOO_LARGE


@pytest.mark.parametrize(
    "more", [{}, {"rollover": True, "repeat_last": True}], ids=["plain", "beyond plain"]
)
def test_an_event_with_too_large_taxes_draws_nothing(more: dict[str, bool]) -> None:
    """Where the taxes of what a bucket leaves are too large, the bucket is as full as before. Mended."""
    minutes = BucketTypeRow(
        2, "MIN", "Minutes", Unit.TIME, 60, Frequency.MONTH, ("voice",), None, **more
    )
    tariff = shop(
        priced("9000000"),
        package=replace(PACKAGE, tax=None, bucket_types=("MIN",)),
        bucket_types=(minutes,),
        **DUTIES,
    )
    bucket = BucketState(2, 1, "MIN", 0, FOREVER_US, 1, granted=1)
    outcome = rate(call(8), owner(), tariff, [bucket])
    assert isinstance(outcome, Unrated)
    assert outcome.reason is UnratedReason.AMOUNT_TOO_LARGE
    assert bucket.balance == 1


def test_an_address_is_no_number() -> None:
    """10.1.2.3 is nowhere where only digits have places, whatever else is in the catalogue. Mended."""
    digits = LocationPatternRow(1, "1", "UK")
    network = LocationPatternRow(2, "192.0.2.0/24", "LAN")
    index = {"UK": 0, "LAN": 1}
    for address in ("10.1.2.3", "1::2"):
        alone, both = GeoTree([digits], index), GeoTree([digits, network], index)
        assert alone.longest(address) == both.longest(address) is None


@pytest.mark.parametrize("address", ["44.1.2.3", "44::2"])
def test_a_batch_takes_no_address_for_a_number(address: str) -> None:
    """A batch says of an address what rating it alone says: it is nowhere. Mended."""
    tariff = shop(
        priced("1", usage_class="called"),
        locations=(LocationRow(1, "UK", "UK", None),),
        location_patterns=(LocationPatternRow(1, "44", "UK"),),
    )
    udrs = [call(60, usage_class="called", destination=to) for to in ("442", address)]
    alone = [rate(udr, owner(), tariff, ()) for udr in udrs]
    for _ in range(2):
        assert rate_batch(udrs, [owner()] * 2, tariff, {}) == alone
    outcome = alone[1]
    assert isinstance(outcome, Unrated)
    assert outcome.reason is UnratedReason.NO_LOCATION
