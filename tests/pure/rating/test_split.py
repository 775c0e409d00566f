"""Events of a class that is split: each second at the price of its time."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pure.rating.shop import (
    NOON,
    PACKAGE,
    SECOND,
    amount,
    call,
    group,
    owner,
    priced,
    shop,
    sold,
    unsold,
)

from bmu.period import to_us
from bmu.rating import (
    BucketState,
    BucketTypeRow,
    CompanyTerms,
    Frequency,
    Rated,
    RateKind,
    RateRow,
    Tariff,
    TimePeriodRow,
    UnratedReason,
    rate,
)
from bmu.rating.detail import Detail, Part
from bmu.usage import UDR, Unit

E11 = 10**11
HOUR = 3600
# From noon to one.
LUNCH = TimePeriodRow(1, "LUNCH", "Lunch", "UTC", ("Mon-Sun 12:00-13:00",))


def split(lunch: RateRow, rest: RateRow, **more: object) -> Tariff:
    """A shop with a price for lunch and one for the rest of the day."""
    rates = (
        replace(lunch, usage_class="long", rate_group="LUNCH"),
        replace(rest, usage_class="long", rate_group="REST"),
    )
    return shop(
        *rates,
        groups=(group("LUNCH", time_period="LUNCH"), group("REST")),
        time_periods=(LUNCH,),
        **more,  # type: ignore[arg-type]
    )


def long(quantity: int, before_one: float) -> UDR:
    """A call that begins so many seconds before one o'clock."""
    return call(
        quantity, usage_class="long", started_us=NOON + HOUR * SECOND - int(before_one * SECOND)
    )


@pytest.mark.parametrize(
    ("quantity", "before_one", "costs", "seconds"),
    [
        (10, 20, "20", None),
        (10, 10, "20", None),
        (10, 9, "19", (9, 1)),
        (10, 8.5, "19", (9, 1)),
        (10, 0.5, "11", (1, 9)),
        (10, 0, "10", None),
    ],
)
def test_each_second_is_of_the_time_it_begins_in(
    quantity: int, before_one: float, costs: str, seconds: tuple[int, int] | None
) -> None:
    """2 a second until one o'clock, 1 after."""
    rated = sold(split(priced("2"), priced("1")), long(quantity, before_one))
    assert rated.amount_e11 == int(costs) * E11
    parts = tuple(Part(n, n, each, each) for n, each in enumerate(seconds or (), 1))
    assert rated.detail == (Detail(parts=parts) if seconds else None)


def test_a_class_that_is_not_split_is_priced_by_its_start() -> None:
    """The same call, of a class that says nothing of splitting."""
    tariff = shop(
        priced("2", group="LUNCH"),
        priced("1", group="REST"),
        groups=(group("LUNCH", time_period="LUNCH"), group("REST")),
        time_periods=(LUNCH,),
    )
    assert amount(tariff, long(10, 5)._replace(usage_class="voice")) == "20"


def test_the_first_parts_rate_counts_and_limits() -> None:
    """Rounding, fee, least and most are the first rate's; what rounding adds is the last part's."""
    first = priced("2", rounding="60/60", connect_e11=E11, minimum_charge_e11=70 * E11)
    rated = sold(split(first, priced("1", connect_e11=9 * E11)), long(10, 5))
    assert rated.rounded == 60
    assert rated.detail == Detail(parts=(Part(1, 1, 5, 5), Part(2, 2, 55, 55)))
    assert rated.amount_e11 == (70 + 1) * E11
    most = priced("2", maximum_charge_e11=12 * E11)
    assert amount(split(most, priced("1")), long(10, 5)) == "12"


def test_parts_are_rounded_once_together() -> None:
    """Two halves of the last place are one of it, not two or none."""
    plan = CompanyTerms("UTC", None, 0)
    tariff = split(priced("0.25"), priced("0.25", 1), company=plan)
    assert amount(tariff, long(2, 1)) == "1"
    assert amount(split(priced("0.2"), priced("0.2"), company=plan), long(2, 1)) == "0"


def test_buckets_cover_the_beginning() -> None:
    """7 s are included: 5 at two o'clock's dearer price, 2 of the others."""
    kind = BucketTypeRow(1, "MIN", "Minutes", Unit.TIME, 60, Frequency.MONTH, ("long",), None)
    package = replace(PACKAGE, bucket_types=("MIN",))
    tariff = split(priced("2"), priced("1"), bucket_types=(kind,), package=package)
    rated = sold(tariff, long(10, 5), buckets=(BucketState(1, 1, "MIN", 0, 2**62, 7),))
    assert (rated.billable, rated.amount_e11) == (3, 3 * E11)
    assert rated.detail == Detail(parts=(Part(1, 1, 5, 0), Part(2, 2, 5, 3)))


def test_a_fixed_price_is_asked_once_for_its_part() -> None:
    """Where the price of a time is for the call, its part costs that."""
    assert amount(split(priced("2"), priced("7", kind=RateKind.FIXED)), long(10, 5)) == "17"


def test_markups_share_the_cost() -> None:
    """The cost of the whole call, by its start, lies on its parts by their seconds."""
    tariff = shop(
        priced("3", kind=RateKind.MARKUP, usage_class="long", group="LUNCH"),
        priced("2", kind=RateKind.MARKUP, usage_class="long", group="REST"),
        priced("1", usage_class="long", group="COST"),
        groups=(
            group("LUNCH", time_period="LUNCH"),
            group("REST"),
            group("COST", for_cost=True),
        ),
        time_periods=(LUNCH,),
    )
    assert amount(tariff, long(10, 4)) == str(4 * 3 + 6 * 2)


def test_a_new_price_list_begins_within_a_call() -> None:
    """A tariff switch at midnight splits a call as a time of day does."""
    tariff = shop(
        priced("2", usage_class="long", group="OLD"),
        priced("1", usage_class="long", group="NEW"),
        groups=(
            group("OLD", valid_to=date(2026, 8, 6)),
            group("NEW", valid_from=date(2026, 8, 6)),
        ),
    )
    midnight = to_us(datetime(2026, 8, 6, tzinfo=UTC))
    udr = call(10, usage_class="long", started_us=midnight - 3 * SECOND)
    assert amount(tariff, udr) == str(3 * 2 + 7)
    ending = shop(
        priced("2", usage_class="long", group="OLD"),
        groups=(group("OLD", valid_to=date(2026, 8, 6)),),
    )
    unrated = unsold(ending, udr)
    assert unrated.reason is UnratedReason.NO_RATE_GROUP
    assert amount(ending, udr._replace(quantity=3)) == "6"


def test_a_call_of_years_is_a_mistake() -> None:
    """No call lasts longer than a year."""
    tariff = split(priced("2"), priced("1"))
    assert unsold(tariff, long(367 * 86_400, 5)).reason is UnratedReason.BAD_EVENT
    assert sold(tariff, long(100 * 86_400, 5)).amount_e11 == (100 * 24 + 100) * HOUR * E11


@given(st.integers(0, 10**5), st.integers(-(10**9), 10**9), st.integers(1, 10**9))
def test_where_prices_are_alike_splitting_changes_nothing(
    quantity: int, before_us: int, price_e11: int
) -> None:
    """Cutting an event and adding up costs what it costs whole, to the last place."""
    one = replace(priced("1", 7), price_e11=price_e11, connect_e11=3)
    udr = long(quantity, 0)._replace(started_us=NOON + HOUR * SECOND - before_us)
    whole = rate(udr, owner(), shop(replace(one, usage_class="long")), ())
    parts = rate(udr, owner(), split(one, one), ())
    assert isinstance(whole, Rated)
    assert isinstance(parts, Rated)
    assert (parts.rounded, parts.amount_e11) == (whole.rounded, whole.amount_e11)


@given(st.integers(0, 10**5), st.integers(0, 3 * HOUR))
def test_each_second_alone_costs_the_same(quantity: int, before: int) -> None:
    """What two hours' prices come to is the sum over seconds."""
    rated = sold(split(priced("2"), priced("1")), long(quantity, before))
    began = HOUR - before
    lunches = [
        min(began + quantity, (day * 24 + 1) * HOUR) - max(began, day * 24 * HOUR)
        for day in range(3)
    ]
    assert rated.amount_e11 == (quantity + sum(max(0, each) for each in lunches)) * E11
