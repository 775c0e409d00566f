"""What a customer reads of charges beyond the plain ones: steps, costs, parts, tiers, taxes, and what was passed over."""

from dataclasses import replace

import pytest
from pure.rating.shop import CLASSES, COMPANY, PACKAGE, PLAN, TERMS, call, group, owner, priced

from bmu.money import parse_e11
from bmu.period import FOREVER_US
from bmu.rating import (
    AggregateKind,
    BucketKind,
    BucketState,
    BucketTier,
    BucketTypeRow,
    ConditionRow,
    Exemption,
    Frequency,
    Operator,
    Rated,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RateStep,
    RoundingRow,
    TariffRows,
    TaxCodeRow,
    TaxRow,
    TierRow,
    TimePeriodRow,
    Tried,
    compile_tariff,
    explain,
    explanation_data,
    gather,
    rate,
    shelved,
    tried_of,
)
from bmu.rating.owner import Terms
from bmu.usage import UDR, Unit

VAT = TaxRow(1, "VAT", "VAT", 200_000, None, None)
GST = TaxRow(2, "GST", "GST", 50_000, None, None)
QST = TaxRow(3, "QST", "QST", 95_000, None, None, compound=True)
EVENING = TimePeriodRow(1, "EVENING", "Evening", "UTC", ("Mon-Sun 12:01-24:00",))


def catalogue(
    *rates: RateRow, groups: tuple[RateGroupRow, ...] = (), **more: object
) -> TariffRows:
    """A catalogue of these rates; the plan has the groups in their order, those that only hold rates last."""
    given = {row.code for row in groups}
    named = dict.fromkeys(row.rate_group for row in rates)
    every = (*groups, *(group(code) for code in named if code not in given))
    rows = TariffRows(
        usage_classes=CLASSES,
        time_periods=(EVENING,),
        roundings=(RoundingRow(1, "6/6", 6, 6),),
        rate_plans=(replace(PLAN, rate_groups=tuple(row.code for row in every)),),
        rate_groups=tuple(replace(row, id=number) for number, row in enumerate(every, 1)),
        rates=tuple(
            replace(row, id=number, code=f"R{number}") for number, row in enumerate(rates, 1)
        ),
        taxes=(VAT, GST, QST),
        packages=(PACKAGE,),
    )
    return replace(rows, **more)  # type: ignore[arg-type]


def reasons(
    rows: TariffRows, udr: UDR, terms: Terms = TERMS, buckets: tuple[BucketState, ...] = ()
) -> dict[str, str]:
    """Rate an event and tell why it costs what it does."""
    tariff = compile_tariff(rows, 1, COMPANY)
    rated = rate(udr, owner(terms), tariff, buckets)
    assert isinstance(rated, Rated), rated
    codes = {bucket.id: bucket.code for bucket in buckets}
    evidence = gather(shelved(rows, 1, COMPANY), udr, owner(terms), rated, codes)
    tried = tried_of(udr, terms, tariff, evidence.usage_class.code)
    assert isinstance(tried, Tried)
    steps = explain(evidence, tried)
    assert explanation_data(steps)[-1]["title"] == "Tax"
    return {step.title: step.text for step in steps}


STEP = RateStep(60, parse_e11("0.03"), 60, 6)
TIERED = priced(
    "0",
    60,
    "BULK",
    aggregation=AggregateKind.GRADUATED,
    tiers=(TierRow(0, parse_e11("0.01"), 60),),
)
COST = priced("0.02", 60, "COST")
BULK = group("BULK", aggregate=True)
COSTS = group("COST", for_cost=True)


@pytest.mark.parametrize(
    ("rows", "udr", "wanted"),
    [
        pytest.param(
            catalogue(priced("0.06", 60, free=30, steps=(STEP,))),
            call(61),
            "30 s cost nothing. 0.06 × 30 s ÷ 60 s = 0.03 GBP. 0.03 × 6 s ÷ 60 s = 0.003 GBP."  # noqa: RUF001
            " Together: 0.033. Rounded to 11 places, half up: 0.033 GBP.",
            id="free, then a step",
        ),
        pytest.param(
            catalogue(
                priced(
                    "0.06", 60, maximum_charge_e11=parse_e11("0.5"), connect_e11=parse_e11("0.1")
                )
            ),
            call(6000),
            "0.06 × 6,000 s ÷ 60 s = 6 GBP. That is above the most it may cost, so it is 0.5."  # noqa: RUF001
            " With 0.1 to connect: 0.6. Rounded to 11 places, half up: 0.6 GBP.",
            id="at most",
        ),
        pytest.param(
            catalogue(priced("1.5", kind=RateKind.MARKUP), COST, groups=(COSTS,)),
            call(60),
            "What 60 s cost the company: 0.02 GBP, times 1.5 = 0.03 GBP."
            " Rounded to 11 places, half up: 0.03 GBP.",
            id="marked up",
        ),
        pytest.param(
            catalogue(priced("0.5", 60, kind=RateKind.RATED_MARKUP)),
            call(240, extras={"cost": "0.4"}),
            "What 240 s cost the company: 0.4 GBP. 0.5 × 240 s ÷ 60 s = 2 GBP. Together: 2.4."  # noqa: RUF001
            " Rounded to 11 places, half up: 2.4 GBP.",
            id="cost and a price",
        ),
        pytest.param(
            catalogue(priced("0", kind=RateKind.PASS_THROUGH), groups=(group("GROUP", places=2),)),
            call(60, extras={"amount": "1.255"}),
            "Its record says 1.255 GBP. Rounded to 2 places, half up: 1.26 GBP.",
            id="passed on",
        ),
        pytest.param(
            catalogue(TIERED, groups=(BULK,)),
            call(60),
            "Nothing for this session alone: its rate prices the usage of the whole period, when that ends. What it"
            " comes to so far can be seen at any time.",
            id="priced by the period",
        ),
        pytest.param(
            catalogue(
                priced("0.06", 60, "LATE", usage_class="long"),
                priced("0.12", 60, usage_class="long"),
                groups=(group("LATE", time_period="EVENING"),),
            ),
            call(90, usage_class="long"),
            "0.12 × 60 s ÷ 60 s = 0.12 GBP. 0.06 × 30 s ÷ 60 s = 0.03 GBP. Together: 0.15."  # noqa: RUF001
            " Rounded to 11 places, half up: 0.15 GBP.",
            id="over a change of price",
        ),
    ],
)
def test_the_way_to_an_amount_is_told(rows: TariffRows, udr: UDR, wanted: str) -> None:
    """A customer can follow each figure with pencil and paper."""
    assert reasons(rows, udr)["The amount"] == wanted


def test_money_and_tiers_are_told() -> None:
    """What units covered, what money paid, and what entering a tier cost."""
    month = Frequency.MONTH
    units = BucketTypeRow(
        1, "MIN", "Minutes", Unit.TIME, 60, month, ("voice",), None, flat_e11=parse_e11("2")
    )
    cash = BucketTypeRow(
        2, "CASH", "Money", Unit.COUNT, 10**9, month, ("voice",), None, kind=BucketKind.MONEY
    )
    rows = catalogue(
        priced("0.06", 60),
        bucket_types=(units, cash),
        packages=(replace(PACKAGE, bucket_types=("MIN", "CASH")),),
    )
    buckets = (
        BucketState(1, 1, "MIN", 0, FOREVER_US, 60, 60, tiers=(BucketTier(60, parse_e11("2")),)),
        BucketState(2, 1, "CASH", 0, FOREVER_US, 10**9, 10**9),
    )
    told = reasons(rows, call(120), buckets=buckets)
    assert told["What is included"] == (
        "Taken 60 s from Minutes; left to pay for: 60 s. Of its price 0.01 GBP from Money is paid."
    )
    assert told["The amount"] == (
        "0.06 × 60 s ÷ 60 s = 0.06 GBP. Rounded to 11 places, half up: 0.06 GBP."  # noqa: RUF001
        " Of that, buckets paid 0.01 GBP. Tier 1 of Minutes was entered: 2 GBP. Together: 2.05 GBP."
    )


def test_what_goes_beyond_a_bucket_names_its_plan() -> None:
    """A customer reads by which other plan the rest was priced."""
    row = BucketTypeRow(
        1, "MIN", "Minutes", Unit.TIME, 60, Frequency.MONTH, ("voice",), None, overage_plan="OVER"
    )
    rows = catalogue(
        priced("0.06", 60), priced("0.6", 60, "DEAR"), bucket_types=(row,), packages=(replace(PACKAGE, bucket_types=("MIN",)),)
    )  # fmt: skip
    plan = replace(rows.rate_plans[0], rate_groups=("GROUP",))
    over = RatePlanRow(2, "OVER", "Over", "GBP", None, None, ("DEAR",))
    rows = replace(rows, rate_plans=(plan, over))
    told = reasons(rows, call(90), buckets=(BucketState(1, 1, "MIN", 0, FOREVER_US, 60, 60),))
    assert (
        "What goes beyond the bucket is priced by the rate plan Over: 0.6 GBP per minute."
        in told["The price"]
    )
    assert told["The amount"].startswith("0.6 × 30 s ÷ 60 s = 0.3 GBP.")  # noqa: RUF001


@pytest.mark.parametrize(
    ("inclusive", "exemptions", "wanted"),
    [
        (
            False,
            (),
            (
                'The tax code that fits best is "Quebec". GST: 5 % of 1 GBP is 0.05 GBP. QST: 9.5 % of 1.05 GBP, which'
                " holds the taxes before, is 0.09975 GBP. Together: 1.14975 GBP."
            ),
        ),
        (
            False,
            (Exemption("C-7", "GST"),),
            (
                'The tax code that fits best is "Quebec". GST is not owed: certificate C-7. QST: 9.5 % of 1 GBP, which'
                " holds the taxes before, is 0.095 GBP. Together: 1.095 GBP."
            ),
        ),
        (
            True,
            (),
            (
                'The tax code that fits best is "Quebec". The price holds its taxes; without them it is 0.86975429441 GBP.'
                " GST: 5 % of 0.86975429441 GBP is 0.04348771472 GBP. QST: 9.5 % of 0.91324200913 GBP, which holds the"
                " taxes before, is 0.08675799087 GBP. Together: 1 GBP."
            ),
        ),
    ],
)
def test_taxes_are_told_one_by_one(
    exemptions: tuple[Exemption, ...], wanted: str, *, inclusive: bool
) -> None:
    """On top or in the price, one on the other, or not owed by a certificate."""
    code = TaxCodeRow(1, "QC", "Quebec", ("GST", "QST"), country="CA", inclusive=inclusive)
    rows = catalogue(
        priced("1", kind=RateKind.FIXED), tax_codes=(code,), packages=(replace(PACKAGE, tax=None),)
    )
    terms = TERMS._replace(country="CA", exemptions=exemptions)
    assert reasons(rows, call(1), terms)["Tax"] == wanted


def test_what_was_passed_over_is_told_with_its_reason() -> None:
    """A clerk sees each level that might name a plan, and why each group before was not the one."""
    asks = (ConditionRow("origin", Operator.PREFIX, ("33",)),)
    other = (ConditionRow("account.country", Operator.EQUALS, ("FR",)),)
    rows = catalogue(
        priced("1"),
        priced("2", group="FRENCH"),
        priced("3", group="LATE"),
        groups=(
            group("FROM-FRANCE", conditions=asks),
            group("FRENCH", conditions=other),
            group("EUROS", currency="EUR"),
            group("LATE", time_period="EVENING"),
            group("EMPTY"),
        ),
    )
    rows = replace(rows, packages=(replace(PACKAGE, rate_plan=None),))
    told = reasons(rows, call(1), TERMS._replace(own_rate_plan="PLAN", invoicer_rate_plan="X"))
    assert told["Which prices apply"] == (
        "Usage of this account is priced by the rate plan Plan. Looked for in this order: bucket: prices only what"
        " goes beyond a bucket; price plan: names none; package: names none; package of the account: names none;"
        " package frequency: names none; account: PLAN, taken; paying account: X, a nearer one is taken; company:"
        ' names none. Its first rate group with a price for this session is "GROUP". Other groups: FROM-FRANCE: not'
        " for this origin; FRENCH: not for this account.country; EUROS: in EUR, the account in GBP; LATE: not at"
        " this time; EMPTY: no rate."
    )
