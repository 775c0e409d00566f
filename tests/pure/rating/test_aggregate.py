"""What a whole period's usage costs, to the unit at each tier's edge."""

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pure.rating.included import GB, JULY, MB

from bmu.money import ONE_E11, Rounding, decimal_text, parse_e11
from bmu.rating import AggregateKind, AggregateScope, RateKind, RateRow, TierRow
from bmu.rating.aggregate import (
    AggregateKey,
    AggregatePrice,
    PeriodUsage,
    aggregate_of,
    aggregate_price,
    key_of,
    usage_of,
)


def rate_of(kind: AggregateKind, *tiers: TierRow, **more: object) -> RateRow:
    """A rate of an aggregate group."""
    return replace(
        RateRow(1, "r", "g", "c", None, None, RateKind.STANDARD, 0, 1, 0, 0),
        aggregation=kind,
        tiers=tiers,
        **more,  # type: ignore[arg-type]
    )


def tier(from_: int, price: str, per: int = 1, flat: str = "0") -> TierRow:
    """A tier, its prices as people write them."""
    return TierRow(from_, parse_e11(price), per, parse_e11(flat))


def cost(rate: RateRow, usage: PeriodUsage, places: int = 11) -> str:
    """The price as people read it."""
    return decimal_text(aggregate_price(rate, usage, places, Rounding.HALF_UP).amount_e11)


UNITS = (tier(0, "2"), tier(100, "1.50"), tier(200, "1"))
STEPS = (tier(0, "0", flat="5"), tier(100, "0", flat="8"), tier(200, "0", flat="10"))
BOTH = (tier(0, "2", flat="5"), tier(100, "1", flat="8"))
BLOCKS = (tier(0, "3", 10), tier(100, "2", 10))
PARTS = (tier(0, "0.10"), tier(1000 * ONE_E11, "0.05"))
# Kind, tiers, and what quantities cost: below, at and above each edge.
EDGES = [
    (AggregateKind.GRADUATED, UNITS, {0: "0", 1: "2", 99: "198", 100: "200", 101: "201.5"}),
    (AggregateKind.GRADUATED, UNITS, {199: "348.5", 200: "350", 201: "351", 250: "400"}),
    (AggregateKind.VOLUME, UNITS, {0: "0", 99: "198", 100: "150", 101: "151.5", 199: "298.5"}),
    (AggregateKind.VOLUME, UNITS, {200: "200", 201: "201", 250: "250"}),
    (AggregateKind.PACKAGE, BLOCKS, {0: "0", 1: "3", 10: "3", 11: "6", 99: "30", 100: "20"}),
    (AggregateKind.PACKAGE, BLOCKS, {101: "22", 110: "22"}),
    (AggregateKind.STAIRSTEP, STEPS, {0: "0", 1: "5", 99: "5", 100: "8", 199: "8", 200: "10"}),
    (AggregateKind.FLAT_AND_UNIT, BOTH, {0: "0", 1: "7", 99: "203", 100: "108", 101: "109"}),
    (AggregateKind.HIGH_WATERMARK, UNITS, {0: "0", 99: "198", 100: "150", 250: "250"}),
    (AggregateKind.PERCENTILE_95, UNITS, {0: "0", 99: "198", 100: "150", 250: "250"}),
]


@pytest.mark.parametrize(("kind", "tiers", "costs"), EDGES, ids=lambda each: str(each)[:40])
def test_each_edge(kind: AggregateKind, tiers: tuple[TierRow, ...], costs: dict[int, str]) -> None:
    """24.21: a total that is a tier's start is that tier's; 24.22: nothing used costs nothing."""
    rate = rate_of(kind, *tiers)
    found = {quantity: cost(rate, usage_of(kind, [quantity])) for quantity in costs}
    assert found == costs


def test_bracketed() -> None:
    """E9, T11: tier 3 from 20 GB on at 0.50: 20 GB are all at 0.50; T14: 250 at brackets of 100 are 250."""
    tiers = (tier(0, "0.90", GB), tier(5 * GB, "0.70", GB), tier(20 * GB, "0.50", GB))
    rate = rate_of(AggregateKind.VOLUME, *tiers)
    assert cost(rate, PeriodUsage(20 * GB)) == "10"
    assert cost(rate, PeriodUsage(20 * GB - 1)) == "13.9999999993"
    assert cost(rate, PeriodUsage(20 * GB - 1), 2) == "14"
    assert cost(rate_of(AggregateKind.VOLUME, *UNITS), PeriodUsage(250)) == "250"


def test_counted() -> None:
    """E10, T12: fewer than ten services 0.02 a MB, ten or more 0.01; 1,000 MB. A count of 0 is the first tier's."""
    rate = rate_of(AggregateKind.COUNTED, tier(0, "0.02", MB), tier(10, "0.01", MB))
    for counted, amount in ((0, "20"), (9, "20"), (10, "10"), (11, "10")):
        assert cost(rate, PeriodUsage(1000 * MB, counted=counted)) == amount
    assert cost(rate, PeriodUsage(0, counted=12)) == "0"


def test_counts_include_their_end() -> None:
    """24.21: 0-100, 101-200, 201 and more: 100 is the first tier's, 101 the second's."""
    tiers = (tier(0, "2"), tier(101, "1.5"), tier(201, "1"))
    rate = rate_of(AggregateKind.COUNTED, *tiers)
    found = [cost(rate, PeriodUsage(1, counted=counted)) for counted in (100, 101, 200, 201)]
    assert found == ["2", "1.5", "1.5", "1"]


def test_progressive() -> None:
    """E11, T13: the first 5 GB at 0.90 are 4.50, beyond at 0.70; T15: 250 are 400."""
    rate = rate_of(AggregateKind.GRADUATED, tier(0, "0.90", GB), tier(5 * GB, "0.70", GB))
    assert cost(rate, PeriodUsage(5 * GB)) == "4.5"
    assert cost(rate, PeriodUsage(6 * GB)) == "5.2"
    assert cost(rate_of(AggregateKind.GRADUATED, *UNITS), PeriodUsage(250)) == "400"


def test_a_part_of_other_charges() -> None:
    """10 % of what else is charged, 5 % from 1,000 on; the usage itself counts for nothing."""
    rate = rate_of(AggregateKind.PERCENTAGE, *PARTS)
    for charges, amount in (
        ("0", "0"),
        ("999.99", "99.999"),
        ("1000", "50"),
        ("1000.01", "50.0005"),
    ):
        assert cost(rate, PeriodUsage(5, others_e11=parse_e11(charges))) == amount


def test_the_top_twentieth_is_left_out() -> None:
    """Of 20 samples the largest is left out, of 19 none, of 40 two."""
    rate = rate_of(AggregateKind.PERCENTILE_95, tier(0, "1"))
    for count, measured in ((1, "1"), (19, "19"), (20, "19"), (39, "38"), (40, "38"), (100, "95")):
        samples = usage_of(AggregateKind.PERCENTILE_95, range(1, count + 1))
        assert cost(rate, samples) == measured
    peak = usage_of(AggregateKind.HIGH_WATERMARK, range(1, 101))
    assert cost(rate_of(AggregateKind.HIGH_WATERMARK, tier(0, "1")), peak) == "100"
    assert peak.samples == ()


def test_least_and_most_of_a_period() -> None:
    """24.10: 5 at least, 50 at most, for a period with usage; nothing for one without."""
    rate = rate_of(
        AggregateKind.GRADUATED,
        *UNITS,
        minimum_charge_e11=parse_e11("5"),
        maximum_charge_e11=parse_e11("50"),
    )
    assert [cost(rate, PeriodUsage(units)) for units in (0, 1, 3, 25, 26)] == [
        "0",
        "5",
        "6",
        "50",
        "50",
    ]


def test_rounded_once() -> None:
    """Three tiers of a third each come to 1.00, not to 0.99; each mode rounds as it is named."""
    third = (TierRow(0, ONE_E11, 3), TierRow(1, ONE_E11, 3), TierRow(2, ONE_E11, 3))
    rate = rate_of(AggregateKind.GRADUATED, *third)
    assert cost(rate, PeriodUsage(3), 2) == "1"
    found = {
        mode: decimal_text(aggregate_price(rate, PeriodUsage(1), 0, mode).amount_e11)
        for mode in Rounding
    }
    assert found == {
        Rounding.HALF_UP: "0",
        Rounding.UP: "1",
        Rounding.DOWN: "0",
        Rounding.HALF_EVEN: "0",
    }


def test_without_tiers_the_rate_is_the_tier() -> None:
    """A rate of 0.50 for 10 needs no tier to say so."""
    rate = rate_of(AggregateKind.VOLUME, price_e11=parse_e11("0.50"), per=10)
    assert cost(rate, PeriodUsage(25)) == "1.25"


def test_a_markup_is_on_the_cost() -> None:
    """A rated markup adds what the usage cost; other kinds don't look at it."""
    plain = rate_of(AggregateKind.GRADUATED, tier(0, "0.50"))
    rate = replace(plain, kind=RateKind.RATED_MARKUP)
    usage = PeriodUsage(4, cost_e11=parse_e11("0.40"))
    assert cost(rate, usage) == "2.4"
    assert cost(plain, usage) == "2"


def test_what_it_was_made_of() -> None:
    """The price says which tiers had how much at which price; it can be kept and read back exactly."""
    rate = rate_of(AggregateKind.GRADUATED, *UNITS)
    price = aggregate_price(rate, PeriodUsage(150), 2, Rounding.HALF_UP)
    assert [(part.from_, part.quantity) for part in price.parts] == [(0, 100), (100, 50)]
    assert price.measured == 150
    assert aggregate_of(json.loads(json.dumps(price.data()))) == price
    with pytest.raises(ValueError, match="not"):
        aggregate_of({**price.data(), "measured": "150"})


def test_what_is_added_up_together() -> None:
    """A service's usage by itself, an account's, or all that one account pays for."""
    owners = {
        AggregateScope.SERVICE: 11,
        AggregateScope.ACCOUNT: 1,
        AggregateScope.INVOICER: 9,
    }
    for scope, owner in owners.items():
        assert key_of(scope, owners, (3, 4), JULY) == AggregateKey(scope, owner, 3, 4, JULY)


tier_rows = st.lists(
    st.tuples(
        st.integers(1, 30), st.integers(0, 10**12), st.integers(1, 9), st.integers(0, 10**9)
    ),
    min_size=1,
    max_size=5,
).map(
    lambda each: tuple(
        TierRow(sum(step for step, *_ in each[:place]), price, per, flat)
        for place, (_, price, per, flat) in enumerate(each)
    )
)
kinds = st.sampled_from(AggregateKind)


@given(kinds, tier_rows, st.lists(st.integers(0, 60), max_size=30), st.integers(0, 30))
def test_a_period_cut_in_two_costs_what_it_costs_whole(
    kind: AggregateKind, tiers: tuple[TierRow, ...], quantities: list[int], cut: int
) -> None:
    """Batches added up, in whatever order events came, are the period; so an interim figure ends as the final one."""
    rate = rate_of(kind, *tiers)
    whole = usage_of(kind, quantities)
    assert usage_of(kind, reversed(quantities)) == whole
    both = usage_of(kind, quantities[:cut]) + usage_of(kind, quantities[cut:])
    assert both == whole
    assert aggregate_price(rate, both, 4, Rounding.HALF_UP) == aggregate_price(
        rate, whole, 4, Rounding.HALF_UP
    )


def by_hand(tiers: tuple[TierRow, ...], quantity: int) -> Fraction:
    """Each unit by itself: the price of the tier that the unit before it lies in."""
    total = Fraction(0)
    for unit in range(quantity):
        price = next(row for row in reversed(tiers) if row.from_ <= unit)
        total += Fraction(price.price_e11, price.per)
    return total


@given(tier_rows, st.integers(0, 160))
def test_graduated_is_unit_by_unit(tiers: tuple[TierRow, ...], quantity: int) -> None:
    """The price of tiers is that of each unit by itself, exactly; rounding comes after."""
    price = aggregate_price(
        rate_of(AggregateKind.GRADUATED, *tiers), PeriodUsage(quantity), 11, Rounding.DOWN
    )
    assert price.amount_e11 == by_hand(tiers, quantity).__floor__()
    assert sum(part.quantity for part in price.parts) == quantity


@given(kinds, tier_rows, st.lists(st.integers(0, 60), max_size=30))
def test_each_price_follows_from_its_parts(
    kind: AggregateKind, tiers: tuple[TierRow, ...], quantities: list[int]
) -> None:
    """What is kept of a price is enough to compute it again."""
    usage = replace(usage_of(kind, quantities), counted=7, others_e11=10**13)
    price: AggregatePrice = aggregate_price(rate_of(kind, *tiers), usage, 11, Rounding.DOWN)
    exact = sum(
        (
            Fraction(part.quantity * part.price_e11, part.per) + part.flat_e11
            for part in price.parts
        ),
        Fraction(),
    )
    assert price.amount_e11 == exact.__floor__()
    assert aggregate_of(json.loads(json.dumps(price.data()))) == price
