"""What the compiled batch does by itself, and that it does it as the plain rater."""

import copy
from dataclasses import replace
from types import ModuleType

import pytest
from pure.rating.shop import NOON, PACKAGE, PLAN, call, group, owner, priced, shop

from bmu.money import Rounding
from bmu.period import FOREVER_US
from bmu.rating import (
    BucketKind,
    BucketState,
    BucketTier,
    BucketTypeRow,
    ConditionRow,
    Exemption,
    Frequency,
    Operator,
    Owner,
    Rated,
    RateKind,
    RateStep,
    Tariff,
    TaxCodeRow,
    TaxRow,
    Unrated,
    rate,
)
from bmu.rating.rate import remembered
from bmu.usage import UDR, Unit

MONEY = 10**11
TIERS = (BucketTier(100, MONEY), BucketTier(60, 2 * MONEY))
TAXES = (
    TaxRow(1, "GST", "GST", 50_000, None, None),
    TaxRow(2, "QST", "QST", 99_750, None, None, compound=True),
)


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    """Give the compiled form."""
    found: ModuleType = pytest.importorskip("bmu.rating._batch", reason="built without a compiler")
    return found


def by_itself(
    compiled: ModuleType,
    tariff: Tariff,
    events: list[UDR],
    buckets: tuple[BucketState, ...] = (),
    whose: Owner | None = None,
) -> list[Rated | Unrated]:
    """Rate events by the compiled form, which may leave none to the plain one, and see that they agree."""
    customer = whose or owner()
    mine, theirs = copy.deepcopy(buckets), copy.deepcopy(buckets)
    plain = [rate(udr, customer, tariff, theirs) for udr in events]

    def refuse(udr: UDR, _: Owner) -> Rated:
        raise AssertionError(udr)

    found: list[Rated | Unrated] = compiled.rate_batch(
        events,
        [customer] * len(events),
        lambda *asked: remembered(tariff, *asked),
        {1: mine},
        {},
        refuse,
        Rated,
        FOREVER_US,
    )
    assert found == plain
    assert [type(each.detail) for each in found if isinstance(each, Rated)] == [
        type(each.detail) for each in plain if isinstance(each, Rated)
    ]
    assert mine == theirs
    return found


@pytest.mark.parametrize("mode", Rounding)
@pytest.mark.parametrize("kind", [RateKind.STANDARD, RateKind.FIXED, RateKind.RATED_MARKUP, RateKind.MARKUP,
                                  RateKind.FIXED_MARKUP])  # fmt: skip
def test_steps_limits_and_markups(compiled: ModuleType, kind: RateKind, mode: Rounding) -> None:
    """Every kind of rate but what a record prices, rounded every way, from nothing to the longest calls."""
    steps = (RateStep(60, 3 * 10**9, 7, 6), RateStep(600, 10**9, 60, 30))
    has_steps = kind in (RateKind.STANDARD, RateKind.RATED_MARKUP)
    tariff = shop(
        priced("0.0313", 7, rounding="60/10", kind=kind, connect_e11=10**9, minimum_charge_e11=3 * 10**10,
               maximum_charge_e11=5 * MONEY, steps=steps if has_steps else (), free=10 * has_steps),
        priced("0.007", 13, "COST", rounding="6/6"),
        groups=(group("GROUP", places=3, rounding_mode=mode), group("COST", for_cost=True)),
    )  # fmt: skip

    found = by_itself(compiled, tariff, [call(n) for n in (*range(130), 599, 601, 40_000)])

    assert len({each.amount_e11 for each in found if isinstance(each, Rated)}) > 1


@pytest.mark.parametrize("mode", Rounding)
@pytest.mark.parametrize("most", [None, MONEY])
def test_halves(compiled: ModuleType, most: int | None, mode: Rounding) -> None:
    """Just between two amounts the plan's rounding decides, for plain rates and for others."""
    tariff = shop(
        priced("0.00000000001", 2, maximum_charge_e11=most),
        groups=(group("GROUP", rounding_mode=mode),),
    )

    found = by_itself(compiled, tariff, [call(n) for n in range(8)])

    up = {Rounding.HALF_UP: 4, Rounding.UP: 4, Rounding.DOWN: 3, Rounding.HALF_EVEN: 4}
    assert [each.amount_e11 for each in found if isinstance(each, Rated)][7] == up[mode]


def test_halves_within_a_price(compiled: ModuleType) -> None:
    """A tax of as much as the net is one unit more or less."""
    tariff = shop(
        priced("0.00000000001"),
        package=replace(PACKAGE, tax=None),
        taxes=(TaxRow(1, "GST", "GST", 1_000_000, None, None),),
        tax_codes=(TaxCodeRow(1, "IN", "In", ("GST",), default=True, inclusive=True),),
    )

    found = by_itself(compiled, tariff, [call(n) for n in range(4)])

    assert [each.amount_e11 for each in found if isinstance(each, Rated)] == [0, 1, 1, 2]


def test_a_cost_that_the_record_tells(compiled: ModuleType) -> None:
    """It is shared out where an allowance pays a part."""
    tariff = shop(priced("1.5", kind=RateKind.MARKUP, rounding="60/10"))

    events = [call(n, extras={"cost": text}) for n in (1, 61) for text in ("0.03", "17")]
    found = by_itself(compiled, tariff, events)

    assert all(isinstance(each, Rated) and each.detail for each in found)


def test_conditions_choose_the_rate(compiled: ModuleType) -> None:
    """The first group that wants an event prices it, at the plan's or at its fallback plan's."""
    trunk = ConditionRow("trunk", Operator.IN, ("T1", "T2"))
    lasts = ConditionRow("quantity", Operator.RANGE, ("30", ""))
    tariff = shop(
        priced("3", group="ODD"),
        priced("2", group="LONG"),
        priced("1", group="REST"),
        groups=(group("ODD", conditions=(trunk,)), group("LONG", conditions=(lasts,))),
        plans=(
            replace(PLAN, rate_groups=("ODD", "LONG"), fallback_plan="REST"),
            replace(PLAN, code="REST", rate_groups=("REST",)),
        ),
    )

    found = by_itself(compiled, tariff, [call(5, extras={"trunk": "T1"}), call(30), call(29)])

    assert [each.rate_id for each in found if isinstance(each, Rated)] == [1, 2, 3]


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("exemptions", [(), (Exemption("C-7", "QST"),)])
def test_several_taxes(
    compiled: ModuleType, exemptions: tuple[Exemption, ...], *, inclusive: bool
) -> None:
    """On top or within, compound, owed or not."""
    code = TaxCodeRow(1, "TWO", "Two", ("GST", "QST"), default=True, inclusive=inclusive)
    tariff = shop(priced("0.0313", 7), package=replace(PACKAGE, tax=None), taxes=TAXES, tax_codes=(code,))  # fmt: skip
    customer = owner(owner().terms._replace(exemptions=exemptions))

    found = by_itself(compiled, tariff, [call(n) for n in (0, 1, 7, 999)], whose=customer)

    assert all(isinstance(each, Rated) and each.detail for each in found)


def tiered(**more: object) -> Tariff:
    """A tariff with an allowance in tiers, one kept from month to month, and money."""
    row, month = BucketTypeRow, Frequency.MONTH
    types = (
        row(1, "TIERS", "Tiers", Unit.TIME, 100, month, ("voice",), None, tiers=TIERS[1:], flat_e11=MONEY,
            overage_plan="OVER", thresholds=(100, 50, 80)),
        row(2, "KEPT", "Kept", Unit.TIME, 30, month, ("voice",), None, rollover=True, **more),  # type: ignore[arg-type]
        row(3, "CASH", "Money", Unit.COUNT, 10**12, month, ("voice",), None, kind=BucketKind.MONEY),
    )  # fmt: skip
    return shop(
        priced("0.02"),
        priced("0.5", group="BEYOND", rounding="60/10"),
        plans=(
            replace(PLAN, rate_groups=("GROUP",)),
            replace(PLAN, code="OVER", rate_groups=("BEYOND",)),
        ),
        bucket_types=types,
        package=replace(PACKAGE, bucket_types=("TIERS", "KEPT", "CASH")),
    )


def held(cash: int = 20 * MONEY) -> tuple[BucketState, ...]:
    """What a customer has of them."""
    return (
        BucketState(2, 1, "KEPT", 0, FOREVER_US, 30, granted=30),
        BucketState(1, 1, "TIERS", 0, FOREVER_US, 160, granted=160, tiers=TIERS),
        BucketState(3, 1, "CASH", 0, FOREVER_US, cash, granted=cash),
        BucketState(4, 1, "OTHER", 0, FOREVER_US, 10, granted=10),
        BucketState(5, 1, "KEPT", NOON + 1, FOREVER_US, 30, granted=30),
    )


@pytest.mark.parametrize("cash", [0, MONEY, 20 * MONEY, 10**15])
def test_allowances_of_all_kinds(compiled: ModuleType, cash: int) -> None:
    """Tiers with their charges, thresholds, what goes beyond by a plan of its own, and money for the rest."""
    events = [call(n) for n in (10, 85, 0, 70, 1, 61, 500, 7)]

    found = by_itself(compiled, tiered(), events, held(cash))

    drawings = [each.detail.drawing for each in found if isinstance(each, Rated) and each.detail]
    assert sum(len(each.reached) for each in drawings if each) == 3
    assert any(draw.entered for each in drawings if each for draw in each.draws)
    assert any(each.detail.overage for each in found if isinstance(each, Rated) and each.detail)


def test_more_events_than_go_abreast(compiled: ModuleType) -> None:
    """What one event draws is no longer there for the next, however many there are."""
    events = [call(n % 9) for n in range(1000)]

    found = by_itself(compiled, tiered(), events, held())

    assert len(found) == len(events)
