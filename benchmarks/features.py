"""The catalogue with every feature of rating at once, its customers, their allowances and their usage."""

import random
from datetime import date

from telco import FIRST_US, MONTH

from bmu.money import Rounding
from bmu.period import FOREVER_US
from bmu.rating import (
    AggregateKind,
    BucketExclusion,
    BucketKind,
    BucketScope,
    BucketState,
    BucketTier,
    BucketTypeRow,
    CompanyTerms,
    ConditionRow,
    Exemption,
    Frequency,
    HolidayCalendarRow,
    LocationGroupRow,
    LocationPatternRow,
    LocationRow,
    Operator,
    Owner,
    PackageRow,
    PricePlanRow,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RateStep,
    ReclassRow,
    ReclassRule,
    RoundingRow,
    TariffRows,
    TaxCodeRow,
    TaxRow,
    Terms,
    TierRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.usage import UDR, Rater, Unit

COMPANY = CompanyTerms("Europe/London", "P", 5)
COUNTRIES = 200
TIERS = (BucketTier(3000, 2 * 10**11), BucketTier(600, 3 * 10**11), BucketTier(300, 10**11))


def _rate(number: int, group: str, kind: RateKind, price: int, **more: object) -> RateRow:
    values = {
        "usage_class": "voice", "location": None, "rounding": "60/6", "per": 60, "connect_e11": 0,
        "minimum_charge_e11": 0,
    } | more  # fmt: skip
    code = f"{group}/{values['usage_class']}/{number}"
    return RateRow(number, code, group, kind=kind, price_e11=price, **values)  # type: ignore[arg-type]


def _rates() -> tuple[RateRow, ...]:
    steps = (RateStep(60, 7 * 10**9, 60, 6), RateStep(600, 5 * 10**9, 60, 30))
    found = [
        _rate(1, "PEAK", RateKind.STANDARD, 10**10, location_group="NEAR", free=10, steps=steps,
              connect_e11=10**9, maximum_charge_e11=5 * 10**11),
        _rate(2, "MARKED", RateKind.RATED_MARKUP, 3 * 10**9),
        _rate(3, "COST", RateKind.STANDARD, 2 * 10**9, rounding="1/1"),
        _rate(4, "PASSED", RateKind.PASS_THROUGH, 0, rounding=None, per=1),
        _rate(5, "BULK", RateKind.STANDARD, 0, aggregation=AggregateKind.GRADUATED,
              tiers=(TierRow(0, 10**10, 60), TierRow(6000, 5 * 10**9, 60)), usage_class="premium"),
        _rate(6, "OVER", RateKind.STANDARD, 6 * 10**10),
        _rate(7, "LAST", RateKind.STANDARD, 10**11),
        _rate(8, "LAST", RateKind.STANDARD, 10**11, usage_class="premium"),
    ]  # fmt: skip
    for country in range(COUNTRIES):
        for group in ("PEAK", "OFFPEAK"):
            found.append(
                _rate(len(found) + 1, group, RateKind.STANDARD, (country + 1) * 10**8,
                      location=f"C{country}", steps=steps, minimum_charge_e11=10**9)
            )  # fmt: skip
    return tuple(found)


def _groups() -> tuple[RateGroupRow, ...]:
    odd = (
        ConditionRow("uid", Operator.REGEX, ("4477[0-9]*99",)),
        ConditionRow("amount", Operator.EMPTY, (), negated=True),
    )
    dear = (
        ConditionRow("trunk", Operator.IN, ("T1", "T2")),
        ConditionRow("quantity", Operator.RANGE, ("1", "")),
    )
    row = RateGroupRow
    return (
        row(1, "PASSED", "Passed on", None, None, None, conditions=odd, pass_through=True),
        row(2, "MARKED", "Marked up", None, None, None, conditions=dear),
        row(3, "PEAK", "Peak", "PEAK", None, None, places=4),
        row(4, "OFFPEAK", "Off-peak", "NIGHT", None, None, rounding_mode=Rounding.UP),
        row(5, "BULK", "By the month", None, None, None, aggregate=True),
        row(6, "COST", "Cost", None, None, None, for_cost=True, places=6),
        row(7, "OVER", "Beyond", None, None, None),
        row(8, "LAST", "Last", None, date(2026, 1, 1), None),
    )  # fmt: skip


def _bucket_types() -> tuple[BucketTypeRow, ...]:
    row, month = BucketTypeRow, Frequency.MONTH
    return (
        row(1, "TIERS", "In tiers", Unit.TIME, 3000, month, ("voice",), None, tiers=TIERS[1:],
            flat_e11=2 * 10**11, repeat_last=False, overage_plan="OVER", thresholds=(50, 80, 100),
            exclusions=(BucketExclusion(None, "C7"),)),
        row(2, "KEPT", "Kept for later", Unit.TIME, 900, month, ("voice",), ("NEAR",), rollover=True, time_period="PEAK"),
        row(3, "HOME", "At home", Unit.TIME, 600, month, ("voice", "premium"), ("C0", "C1")),
        row(4, "CASH", "Money", Unit.COUNT, 10**12, month, ("voice", "premium"), None, kind=BucketKind.MONEY,
            scope=BucketScope.ACCOUNT),
    )  # fmt: skip


def rows() -> TariffRows:
    """Give the catalogue."""
    codes = [f"C{country}" for country in range(COUNTRIES)]
    return TariffRows(
        usage_classes=(
            UsageClassRow(1, "voice", "Calls", Unit.TIME, Rater.GEOTREE, split=True),
            UsageClassRow(2, "premium", "Dear calls", Unit.TIME, Rater.GEOTREE, category="premium"),
        ),
        locations=(LocationRow(1, "WORLD", "World", None),
                   *(LocationRow(n, code, code, "WORLD", "country") for n, code in enumerate(codes, 2))),
        location_groups=(LocationGroupRow(1, "NEAR", "Near", tuple(codes[:20])),),
        location_patterns=tuple(
            LocationPatternRow(n, str(100 + n), code) for n, code in enumerate(codes)
        ),
        calendars=(HolidayCalendarRow(1, "BANK", "Bank holidays", (date(2026, 8, 31),)),),
        time_periods=(
            TimePeriodRow(1, "PEAK", "Peak", "ACCOUNT", ("Mon-Fri 08:00-19:00",), calendar="BANK"),
            TimePeriodRow(2, "NIGHT", "Else", "ACCOUNT",
                          ("Mon-Fri 00:00-08:00", "Mon-Fri 19:00-24:00", "Sat-Sun 00:00-24:00")),
        ),
        roundings=(RoundingRow(1, "60/6", 60, 6), RoundingRow(2, "1/1", 1, 1)),
        rate_plans=(
            RatePlanRow(1, "P", "Plan", "GBP", None, Rounding.HALF_EVEN,
                        ("PASSED", "MARKED", "PEAK", "OFFPEAK", "BULK", "COST"), "REST"),
            RatePlanRow(2, "REST", "Rest", "GBP", None, None, ("LAST", "COST")),
            RatePlanRow(3, "OVER", "Over", "GBP", 2, None, ("OVER", "COST")),
        ),
        rate_groups=_groups(),
        rates=_rates(),
        bucket_types=_bucket_types(),
        taxes=(TaxRow(1, "GST", "GST", 50_000, None, None),
               TaxRow(2, "QST", "QST", 95_000, None, None, compound=True)),
        tax_codes=(TaxCodeRow(1, "TWO", "Two", ("GST", "QST"), default=True),
                   TaxCodeRow(2, "GROSS", "Gross", ("GST",), service_category="premium", inclusive=True)),
        price_plans=(PricePlanRow(1, "AGREED", "Agreed", "P"),),
        reclasses=(ReclassRow(1, "DEAR", "Dear", (ReclassRule("voice", "premium", ("C9",)),)),),
        packages=(
            PackageRow(1, "K", "K", 0, "GBP", Frequency.MONTH, None, None,
                       ("TIERS", "KEPT", "HOME", "CASH"), reclass="DEAR"),
        ),
    )  # fmt: skip


def usage(
    events: int, accounts: int, seed: int
) -> tuple[list[UDR], list[Owner], dict[int, tuple[BucketState, ...]]]:
    """Give the calls of a month account by account, who made each, and the buckets of all."""
    chance = random.Random(seed)
    terms = [
        Terms("K", "GBP", zone, price_plan=plan, exemptions=exempt)
        for zone in ("Europe/London", "Europe/Paris")
        for plan in (None, "AGREED")
        for exempt in ((), (Exemption("C-7", "QST"),))
    ]
    udrs, owners, shelf = [], [], {}
    for number in range(1, accounts + 1):
        owner = Owner(0, FOREVER_US, number, number, number, terms[number % len(terms)], 1)
        shelf[number] = (
            BucketState(number * 4, number, "TIERS", *MONTH, 3900, granted=3900, tiers=TIERS),
            BucketState(number * 4 + 1, number, "KEPT", *MONTH, 900, granted=900),
            BucketState(number * 4 + 2, number, "HOME", *MONTH, 600, granted=600),
            BucketState(
                number * 4 + 3, 0, "CASH", *MONTH, 10**12, granted=10**12, account_id=number
            ),
        )
        for second in sorted(chance.randrange(30 * 86_400) for _ in range(events // accounts)):
            uid = f"4477{number:06d}{chance.randrange(100):02d}"
            extras = {"trunk": f"T{chance.randrange(9)}", "cost": "0.03"}
            if chance.randrange(4) == 0:
                extras["amount"] = "0.25"
            udrs.append(
                UDR(len(udrs), len(udrs).to_bytes(16, "big"), 0, "phone", uid, "voice", FIRST_US + second * 10**6,
                    1 + int(chance.expovariate(1 / 300)), uid, f"{100 + chance.randrange(COUNTRIES)}5551234", extras)
            )  # fmt: skip
            owners.append(owner)
    return udrs, owners, shelf
