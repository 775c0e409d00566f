"""What single rates can say: steps, free units, limits, costs and markups, amounts of records, precision."""

from dataclasses import replace

import pytest
from pure.rating.shop import (
    PACKAGE,
    PLAN,
    TERMS,
    amount,
    call,
    group,
    owner,
    priced,
    shop,
    sold,
    unsold,
)

from bmu.money import Rounding, parse_e11
from bmu.rating import (
    AggregateKind,
    BucketKind,
    BucketState,
    BucketTypeRow,
    CompanyTerms,
    ConditionRow,
    Exemption,
    Frequency,
    LocationGroupRow,
    LocationPatternRow,
    LocationRow,
    Operator,
    RateKind,
    RatePlanRow,
    RateStep,
    ReclassRow,
    ReclassRule,
    Side,
    TaxCodeRow,
    Unrated,
    UnratedReason,
    UsageClassRow,
    rate,
)
from bmu.rating.detail import Cost, Detail, Overage
from bmu.usage import Rater, Unit

E11 = 10**11
COSTS = (group("GROUP"), group("COST", for_cost=True))


def step(after: int, price: str, per: int = 1, increment: int | None = None) -> RateStep:
    """From so many base units on, another price."""
    return RateStep(after, parse_e11(price), per, increment)


@pytest.mark.parametrize(
    ("quantity", "costs"),
    [(0, "0"), (1, "0.1"), (59, "5.9"), (60, "6"), (61, "6.05"), (120, "9"), (121, "9.01")],
)
def test_prices_change_within_an_event(quantity: int, costs: str) -> None:
    """0.10 a second, 0.05 after a minute, 0.01 after two: each second at its own price."""
    tariff = shop(priced("0.1", steps=(step(60, "0.05"), step(120, "0.01"))))
    assert amount(tariff, call(quantity)) == costs


@pytest.mark.parametrize(("quantity", "costs"), [(1, "0"), (60, "0"), (61, "0.01"), (180, "1.2")])
def test_the_first_minute_is_free(quantity: int, costs: str) -> None:
    """A rate's free units cost nothing, those after them their price."""
    assert amount(shop(priced("0.01", free=60)), call(quantity)) == costs


def test_steps_are_exact_whatever_they_are_per() -> None:
    """A third and a seventh are added up before anything is rounded."""
    tariff = shop(priced("1", 3, steps=(step(1, "1", 7),)))
    assert sold(tariff, call(2)).amount_e11 == (E11 * 10 * 2 + 21) // 42


@pytest.mark.parametrize(
    ("quantity", "counted"),
    [(1, 60), (60, 60), (61, 120), (119, 120), (120, 120), (121, 126), (127, 132), (240, 240)],
)
def test_increments_change_within_an_event(quantity: int, counted: int) -> None:
    """Whole minutes for the first two, then six seconds each."""
    tariff = shop(priced("1", rounding="60/60", steps=(step(120, "1", 1, 6),)))
    assert sold(tariff, call(quantity)).rounded == counted


def test_counting_ends_where_it_begins_anew() -> None:
    """70 s in whole minutes would be 120 s, but from 90 s on each second counts: so 90 s."""
    tariff = shop(priced("1", rounding="60/60", steps=(step(90, "1", 1, 1),)))
    assert [sold(tariff, call(n)).rounded for n in (10, 70, 90, 91)] == [60, 90, 90, 91]


@pytest.mark.parametrize(
    ("quantity", "costs"),
    [(0, "0"), (1, "2.5"), (20, "2.5"), (30, "3.5"), (100, "5.5"), (200, "5.5")],
)
def test_limits_of_a_price_and_the_fee_on_top(quantity: int, costs: str) -> None:
    """At least 2 and at most 5 for the usage, 0.5 to connect; nothing for nothing."""
    limits = {
        "minimum_charge_e11": 2 * E11,
        "maximum_charge_e11": 5 * E11,
        "connect_e11": E11 // 2,
    }
    assert amount(shop(priced("0.1", **limits)), call(quantity)) == costs


@pytest.mark.parametrize(
    ("kind", "price", "costs"),
    [
        (RateKind.MARKUP, "1.5", "1.5"),
        (RateKind.FIXED_MARKUP, "0.25", "1.25"),
        (RateKind.RATED_MARKUP, "0.5", "6"),
    ],
)
def test_three_markups(kind: RateKind, price: str, costs: str) -> None:
    """On a cost of 1 for 10 units: half as much again, an amount on it, a price for each unit on it."""
    tariff = shop(priced(price, kind=kind), priced("0.1", group="COST"), groups=COSTS)
    assert amount(tariff, call(10)) == costs


def test_the_cost_is_counted_by_its_own_rule() -> None:
    """61 s cost two minutes, and sell at one and a half of that, though they are sold by the second."""
    tariff = shop(
        priced("1.5", kind=RateKind.MARKUP),
        priced("1", 60, group="COST", rounding="60/60"),
        groups=COSTS,
    )
    rated = sold(tariff, call(61))
    assert (rated.rounded, rated.amount_e11) == (61, 3 * E11)
    assert rated.detail == Detail(cost=Cost(2 * E11, 2, 2))


def test_a_record_may_say_the_cost() -> None:
    """Where the plan has no rates for cost, the record's own is marked up."""
    tariff = shop(priced("2", kind=RateKind.MARKUP))
    rated = sold(tariff, call(10, extras={"cost": "0.25"}))
    assert rated.amount_e11 == E11 // 2
    assert rated.detail == Detail(cost=Cost(E11 // 4))
    for wrong in ("-1", "1e3", "a lot", ""):
        unrated = unsold(tariff, call(10, extras={"cost": wrong}))
        assert unrated.reason is UnratedReason.NO_COST
        assert wrong in unrated.tried


def test_a_plan_with_costs_tells_them_of_every_event() -> None:
    """Margins are known, too, where the price does not hang on the cost; nobody is charged for it."""
    tariff = shop(priced("1"), priced("0.1", group="COST"), groups=COSTS)
    rated = sold(tariff, call(10))
    assert rated.amount_e11 == 10 * E11
    assert rated.detail == Detail(cost=Cost(E11, 2, 2))


def test_of_a_record_with_an_amount_that_is_charged() -> None:
    """Pass-through: what the record says, rounded as the group says, whatever the quantity."""
    passing = group("GROUP", pass_through=True, places=2)
    tariff = shop(priced("0", kind=RateKind.PASS_THROUGH), groups=(passing,))
    rated = sold(tariff, call(0, extras={"amount": "12.345"}))
    assert rated.amount_e11 == 1_235_000_000_000
    assert rated.detail == Detail(recorded_e11=1_234_500_000_000)
    for extras in (None, {"amount": "-1"}, {"amount": "x"}):
        assert unsold(tariff, call(1, extras=extras)).reason is UnratedReason.NO_AMOUNT


def test_aggregate_usage_costs_nothing_by_itself() -> None:
    """The period's price is made later; the event says of which rate it is."""
    groups = (group("GROUP", aggregate=True),)
    tariff = shop(
        priced("1", code="GROUP/voice", aggregation=AggregateKind.HIGH_WATERMARK), groups=groups
    )
    rated = sold(tariff, call(10))
    assert (rated.rated_e11, rated.amount_e11, rated.billable) == (0, 0, 10)
    assert rated.detail == Detail(aggregate="GROUP/voice")


@pytest.mark.parametrize(
    ("of_group", "of_plan", "of_company", "costs"),
    [
        ((0, Rounding.UP), (1, Rounding.DOWN), (2, Rounding.DOWN), "2"),
        ((None, None), (1, Rounding.UP), (2, Rounding.DOWN), "1.3"),
        ((None, None), (None, None), (2, Rounding.DOWN), "1.23"),
        ((None, None), (None, None), (None, None), "1.23456789013"),
        ((0, None), (None, Rounding.UP), (None, None), "2"),
    ],
)
def test_who_says_how_an_amount_is_rounded(
    of_group: tuple[int | None, Rounding | None],
    of_plan: tuple[int | None, Rounding | None],
    of_company: tuple[int | None, Rounding | None],
    costs: str,
) -> None:
    """The group before the plan before the company before 11 places, half up: places and mode each by itself."""
    plan = replace(PLAN, places=of_plan[0], rounding_mode=of_plan[1])
    tariff = shop(
        priced("12.3456789013", 10),
        groups=(group("GROUP", places=of_group[0], rounding_mode=of_group[1]),),
        plans=(plan,),
        company=CompanyTerms("UTC", None, *of_company),
    )
    assert amount(tariff, call(1)) == costs


def test_a_fallback_plan_is_looked_into_where_a_plan_has_no_rate() -> None:
    """A plan may name another for what it has no rate for; the charge says which was chosen first."""
    plans = (
        replace(PLAN, fallback_plan="NEXT"),
        RatePlanRow(
            0, "NEXT", "Next", "GBP", 2, Rounding.HALF_UP, ("OTHER",), fallback_plan="LAST"
        ),
        RatePlanRow(0, "LAST", "Last", "GBP", None, None, ("THIRD",)),
    )
    tariff = shop(
        priced("1", usage_class="data"),
        priced("0.333", group="OTHER"),
        priced("9", group="THIRD"),
        plans=plans,
    )
    rated = sold(tariff, call(1))
    assert (rated.rate_plan_id, rated.amount_e11) == (2, 33 * E11 // 100)
    assert rated.detail == Detail(fallback_from="PLAN")
    tried = unsold(tariff, call(1, usage_class="long")).tried
    assert tried.endswith("GROUP: no rate, NEXT/OTHER: no rate, LAST/THIRD: no rate")


def test_amounts_that_no_column_holds_wait() -> None:
    """An absurd markup of an absurd cost is a clerk's business."""
    tariff = shop(priced("90000000", kind=RateKind.MARKUP))
    unrated = unsold(tariff, call(1, extras={"cost": "90000000"}))
    assert unrated.reason is UnratedReason.AMOUNT_TOO_LARGE


@pytest.mark.parametrize(
    "wrong", [{"quantity": -1}, {"quantity": 2**63}, {"started_us": -1}, {"started_us": 2**63}]
)
def test_events_that_cannot_be(wrong: dict[str, int]) -> None:
    """Less than nothing, more than a column holds, before 1970 or after 9000: a mistake, not usage."""
    assert unsold(shop(priced("1")), call(1)._replace(**wrong)).reason is UnratedReason.BAD_EVENT


OVER = BucketTypeRow(
    1, "OVER", "Over", Unit.TIME, 60, Frequency.MONTH, ("voice",), None, overage_plan="OVERAGE"
)
WITH_OVER = replace(PACKAGE, bucket_types=("OVER",))


def state(code: str, balance: int) -> BucketState:
    """A bucket with so much in it."""
    return BucketState(1, 1, code, 0, 2**62, balance)


def test_what_goes_beyond_a_bucket_is_priced_by_its_plan() -> None:
    """Level 1: 60 s are included, the 40 s beyond cost what the bucket's own plan says; the rate stays the plan's."""
    plans = (PLAN, RatePlanRow(0, "OVERAGE", "Overage", "GBP", None, None, ("BEYOND",)))
    tariff = shop(
        priced("1"),
        priced("3", group="BEYOND"),
        plans=plans,
        package=WITH_OVER,
        bucket_types=(OVER,),
    )
    rated = sold(tariff, call(100), buckets=(state("OVER", 60),))
    assert (rated.billable, rated.draws, rated.plan_level) == (40, ((1, 60),), 3)
    assert (rated.rated_e11, rated.amount_e11) == (100 * E11, 120 * E11)
    assert rated.detail is not None
    assert rated.detail.overage == Overage(2, 2, 2)
    emptied = sold(tariff, call(100), buckets=(state("OVER", 0),))
    assert (emptied.billable, emptied.amount_e11) == (100, 300 * E11)
    assert emptied.detail == Detail(overage=Overage(2, 2, 2))


def test_a_bucket_without_a_price_for_what_goes_beyond_is_not_lowered() -> None:
    """An event that waits has drawn nothing."""
    plans = (PLAN, RatePlanRow(0, "OVERAGE", "Overage", "GBP", None, None, ("BEYOND",)))
    tariff = shop(
        priced("1"),
        priced("3", group="BEYOND", usage_class="data"),
        plans=plans,
        package=WITH_OVER,
        bucket_types=(OVER,),
    )
    bucket = state("OVER", 60)
    unrated = rate(call(100), owner(), tariff, (bucket,))
    assert isinstance(unrated, Unrated)
    assert unrated.reason is UnratedReason.NO_RATE
    assert unrated.tried.startswith("bucket: OVERAGE; voice")
    assert bucket.balance == 60
    assert sold(tariff, call(60), buckets=(bucket,)).amount_e11 == 0


def test_money_pays_what_units_do_not() -> None:
    """Of a price of 100, a bucket with 30 in it pays 30; the tax is on the 70."""
    money = replace(OVER, code="MONEY", kind=BucketKind.MONEY, overage_plan=None)
    package = replace(PACKAGE, bucket_types=("MONEY",))
    tariff = shop(priced("1"), package=package, bucket_types=(money,))
    rated = sold(tariff, call(100), buckets=(state("MONEY", 30 * E11),))
    assert (rated.billable, rated.draws) == (100, ())
    assert (rated.rated_e11, rated.amount_e11, rated.tax_e11) == (100 * E11, 70 * E11, 14 * E11)


def test_a_tax_that_is_not_owed_is_told() -> None:
    """A certificate takes the tax away and stays with the charge."""
    terms = TERMS._replace(exemptions=(Exemption("GB 1"),))
    rated = sold(shop(priced("1")), call(1), terms)
    assert rated.tax_e11 == 0
    assert rated.detail is not None
    assert rated.detail.taxes is not None
    assert [part.certificate for part in rated.detail.taxes.parts] == ["GB 1"]


def test_without_any_tax_code_there_is_no_tax() -> None:
    """A package that names no tax takes the code that fits best; where none is, nothing is due."""
    elsewhere = TaxCodeRow(1, "ELSEWHERE", "Elsewhere", ("VAT",), country="XX")
    tariff = shop(priced("1"), package=replace(PACKAGE, tax=None), tax_codes=(elsewhere,))
    rated = sold(tariff, call(1))
    assert (rated.tax_id, rated.tax_e11, rated.detail) == (None, 0, None)


SATELLITE = ConditionRow("network", Operator.EQUALS, ("SAT",))
ROAMING = ReclassRow(
    1,
    "ROAMING",
    "Roaming",
    (
        ReclassRule("called", "voice", None, (SATELLITE,)),
        ReclassRule("called", "long", ("ABROAD",)),
        ReclassRule("voice", "long"),
    ),
)


@pytest.mark.parametrize(
    ("extras", "called", "becomes"),
    [
        ({"network": "SAT"}, "44", "voice"),
        ({"network": "SAT"}, "9", "voice"),
        ({"network": "SEA"}, "331", "long"),
        (None, "33", "long"),
        (None, "44", "called"),
    ],
)
def test_usage_becomes_anothers_class(
    extras: dict[str, str] | None, called: str, becomes: str
) -> None:
    """By the first rule that fits, and once: what has become another class is not looked at again."""
    tariff = shop(
        *(priced("1", usage_class=code) for code in ("voice", "called", "long")),
        package=replace(PACKAGE, reclass="ROAMING"),
        reclasses=(ROAMING,),
        locations=(LocationRow(1, "FRANCE", "France", None), LocationRow(2, "UK", "UK", None)),
        location_patterns=(
            LocationPatternRow(1, "33", "FRANCE"),
            LocationPatternRow(2, "44", "UK"),
        ),
        location_groups=(LocationGroupRow(1, "ABROAD", "Abroad", ("FRANCE",)),),
    )
    rated = sold(tariff, call(1, usage_class="called", extras=extras, destination=called))
    assert tariff.usage_class_ids[becomes] == rated.usage_class_id
    former = None if becomes == "called" else "called"
    assert (rated.detail or Detail()).reclassified_from == former


def test_the_origin_may_decide() -> None:
    """A class of calls that are received takes place where they come from."""
    tariff = shop(
        priced("1", usage_class="in", location="UK"),
        usage_classes=(UsageClassRow(1, "in", "Received", Unit.TIME, Rater.GEOTREE, Side.ORIGIN),),
        locations=(LocationRow(1, "UK", "UK", None),),
        location_patterns=(LocationPatternRow(1, "44", "UK"),),
    )
    udr = call(1, usage_class="in", origin="4420", destination="33")
    assert amount(tariff, udr) == "1"
    assert unsold(tariff, udr._replace(origin="33")).reason is UnratedReason.NO_LOCATION
