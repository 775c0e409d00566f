"""Generated catalogues with every feature of rating in them, customers on them, and their buckets and events."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from hypothesis import strategies as st

from bmu.money import Rounding
from bmu.period import FOREVER_US, to_us
from bmu.rating import (
    AggregateKind,
    BucketKind,
    BucketState,
    BucketTier,
    BucketTypeRow,
    CompanyTerms,
    ConditionRow,
    Exemption,
    Frequency,
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
    Side,
    TariffRows,
    TaxCodeRow,
    TaxRow,
    Terms,
    TierRow,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.usage import UDR, Rater, Unit

MORNING = to_us(datetime(2026, 8, 5, 6, 58, tzinfo=UTC))
# Sell, in their order; COST tells what usage costs, LAST has a price for each event.
SELLING = ("SPECIAL", "PEAK", "NIGHT", "BULK", "PASSED")
BY_QUANTITY = (RateKind.STANDARD, RateKind.RATED_MARKUP)

prices = st.one_of(st.integers(0, 99), st.integers(10**8, 10**11), st.just(33_333_333_333))


@dataclass(frozen=True)
class Everything:
    """A catalogue without faults, its company, a customer, and the customer's buckets."""

    rows: TariffRows
    company: CompanyTerms
    owner: Owner
    buckets: tuple[BucketState, ...]


@st.composite
def steps(draw: st.DrawFn) -> tuple[RateStep, ...]:
    """Up to two steps."""
    starts = sorted(draw(st.sets(st.sampled_from([1, 30, 60, 61, 600]), max_size=2)))
    increments = st.sampled_from([None, 1, 6, 60])
    return tuple(
        RateStep(start, draw(prices), draw(st.sampled_from([1, 7, 60])), draw(increments))
        for start in starts
    )


@st.composite
def rate_of(draw: st.DrawFn, number: int, group: str, usage_class: str) -> RateRow:
    """A rate of any kind that its group may have."""
    place = draw(st.sampled_from([None, "HERE", "(NEAR)"])) if usage_class == "voice" else None
    grouped = place == "(NEAR)"
    kinds = list(RateKind)
    if group in ("COST", "BULK"):
        kinds = [RateKind.STANDARD, RateKind.FIXED]
    if group in ("COST", "LAST", "BULK"):
        place, grouped = None, False
    if group == "LAST":
        kinds = [RateKind.STANDARD]
    kind = draw(st.sampled_from(kinds))
    least = draw(st.sampled_from([0, 0, 10**9, 10**12]))
    bulk = group == "BULK"
    return RateRow(
        number,
        f"{group}/{usage_class}/{number}",
        group,
        usage_class,
        None if grouped else place,
        draw(st.sampled_from([None, "60/6", "1/1"])),
        kind,
        draw(prices),
        draw(st.sampled_from([1, 7, 60])),
        draw(st.sampled_from([0, 0, 5 * 10**9])),
        least,
        maximum_charge_e11=draw(st.sampled_from([None, None, least + 10**9])),
        location_group="NEAR" if grouped else None,
        free=draw(st.sampled_from([0, 0, 0, 10, 90])),
        steps=draw(steps()) if kind in BY_QUANTITY and not bulk else (),
        aggregation=AggregateKind.GRADUATED if bulk else None,
        tiers=(TierRow(0, 10**9, 60),) if bulk else (),
    )


@st.composite
def rates(draw: st.DrawFn) -> tuple[RateRow, ...]:
    """A rate in some of the groups for each class; always one in the last, mostly a cost."""
    wanted = [
        (group, usage_class)
        for group in (*SELLING, "COST", "BEYOND", "LAST")
        for usage_class in ("voice", "data")
        if group in ("LAST", "BEYOND") or draw(st.booleans())
    ]
    return tuple(
        draw(rate_of(number, group, usage_class))
        for number, (group, usage_class) in enumerate(wanted, 1)
    )


def groups() -> tuple[RateGroupRow, ...]:
    """One group of each sort."""
    asks = (ConditionRow("origin", Operator.PREFIX, ("1",)),)
    row = RateGroupRow
    return (
        row(1, "SPECIAL", "Special", None, None, None, conditions=asks),
        row(2, "PEAK", "Peak", "PEAK", None, None, places=4),
        row(3, "NIGHT", "Night", "NIGHT", None, None, rounding_mode=Rounding.UP),
        row(4, "BULK", "Bulk", None, date(2026, 8, 5), None, aggregate=True, conditions=asks),
        row(5, "PASSED", "Passed on", None, None, None, conditions=asks, pass_through=True),
        row(6, "COST", "Cost", None, None, None, for_cost=True, places=6),
        row(7, "BEYOND", "Beyond", None, None, None),
        row(8, "LAST", "Last", None, None, None),
    )


@st.composite
def plans(draw: st.DrawFn) -> tuple[RatePlanRow, ...]:
    """The plan that sells, the one it falls back on, and one for what goes beyond a bucket."""
    order = tuple(draw(st.permutations(SELLING)))
    cut = draw(st.integers(1, len(order)))
    places = st.one_of(st.none(), st.integers(0, 11))
    modes = st.one_of(st.none(), st.sampled_from(Rounding))
    row = RatePlanRow
    return (
        row(1, "P", "Plan", "GBP", draw(places), draw(modes), (*order[:cut], "COST"), "REST"),
        row(2, "REST", "Rest", "GBP", draw(places), draw(modes), (*order[cut:], "COST", "LAST")),
        row(3, "OVER", "Over", "GBP", draw(places), draw(modes), ("BEYOND", "COST", "LAST")),
    )


def bucket_types(beyond: str | None) -> tuple[BucketTypeRow, ...]:
    """Minutes in tiers, plain data, money for both."""
    row = BucketTypeRow
    month = Frequency.MONTH
    tiers = (BucketTier(60, 3 * 10**11), BucketTier(30, 10**11))
    return (
        row(1, "MIN", "Minutes", Unit.TIME, 100, month, ("voice",), None, tiers=tiers,
            flat_e11=2 * 10**11, repeat_last=False, overage_plan=beyond),
        row(2, "MB", "Data", Unit.DATA, 500, month, ("data",), None),
        row(3, "CASH", "Money", Unit.COUNT, 10**11, month, ("voice", "data"), None, kind=BucketKind.MONEY),
    )  # fmt: skip


@st.composite
def shelves(draw: st.DrawFn, codes: tuple[str, ...]) -> tuple[BucketState, ...]:
    """Some of the buckets of these types, partly used."""
    held = []
    tiers = (BucketTier(100, 2 * 10**11), BucketTier(60, 3 * 10**11), BucketTier(30, 10**11))
    for number, code in enumerate(codes, 1):
        granted = {"MIN": 190, "MB": 500, "CASH": 10**11}[code]
        balance = draw(st.one_of(st.just(granted), st.integers(0, granted)))
        of_tiers = tiers if code == "MIN" else ()
        held.append(
            BucketState(number, 1, code, 0, FOREVER_US, balance, granted=granted, tiers=of_tiers)
        )
    return tuple(held)


@st.composite
def taxes(draw: st.DrawFn) -> tuple[tuple[TaxRow, ...], tuple[TaxCodeRow, ...]]:
    """Two taxes, the second maybe on the first; codes by country and for the rest."""
    rows = (
        TaxRow(1, "GST", "GST", draw(st.sampled_from([50_000, 200_000])), None, None),
        TaxRow(2, "QST", "QST", 95_000, None, None, compound=draw(st.booleans())),
    )
    inclusive = draw(st.booleans())
    codes = (
        TaxCodeRow(1, "TWO", "Two", ("GST", "QST"), country="CA", inclusive=inclusive),
        TaxCodeRow(2, "THERE", "There", ("QST",), country="HERE", of_event=True),
        TaxCodeRow(3, "ELSE", "Else", ("GST",), default=draw(st.booleans()), country="XX"),
    )
    return rows, codes


@st.composite
def terms_of(draw: st.DrawFn) -> Terms:
    """A customer's terms; what names no plan leaves it to the levels above."""
    plan = st.sampled_from([None, None, "P"])
    certificates = st.builds(Exemption, st.just("C-7"), st.sampled_from([None, "GST", "QST"]))
    return Terms(
        "PACK",
        "GBP",
        draw(st.sampled_from(["Europe/London", "Pacific/Apia"])),
        price_plan=draw(st.sampled_from([None, "AGREED"])),
        account_rate_plan=draw(plan),
        own_rate_plan=draw(plan),
        invoicer_rate_plan=draw(plan),
        country=draw(st.sampled_from([None, "CA", "GB"])),
        exemptions=tuple(draw(st.lists(certificates, max_size=1))),
    )


@st.composite
def everything(draw: st.DrawFn) -> Everything:
    """A catalogue with all there is, and a customer on it."""
    tax_rows, tax_codes = draw(taxes())
    held = draw(st.sampled_from([(), ("MB",), ("MIN",), ("MIN", "CASH"), ("MB", "MIN", "CASH")]))
    voice = UsageClassRow(
        1, "voice", "Calls", Unit.TIME, Rater.GEOTREE, draw(st.sampled_from(Side)), draw(st.booleans())
    )  # fmt: skip
    zones = st.sampled_from(["ACCOUNT", "COMPANY", "Europe/London"])
    rows = TariffRows(
        usage_classes=(voice, UsageClassRow(2, "data", "Data", Unit.DATA, Rater.CLASS),
            UsageClassRow(3, "fax", "Faxes", Unit.TIME, Rater.GEOTREE),
        ),
        locations=(
            LocationRow(1, "WORLD", "World", None),
            LocationRow(2, "HERE", "Here", "WORLD", "country"),
            LocationRow(3, "TOWN", "Town", "HERE"),
        ),
        location_groups=(LocationGroupRow(1, "NEAR", "Near", ("HERE",)),),
        location_patterns=(
            LocationPatternRow(1, "1", "WORLD"),
            LocationPatternRow(2, "12", "HERE"),
            LocationPatternRow(3, "123", "TOWN"),
        ),
        time_periods=(
            TimePeriodRow(1, "PEAK", "Peak", draw(zones), ("Mon-Fri 08:00-19:00",)),
            TimePeriodRow(2, "NIGHT", "Night", draw(zones), ("Mon-Sun 00:00-08:00",)),
        ),
        roundings=(RoundingRow(1, "60/6", 60, 6), RoundingRow(2, "1/1", 1, 1)),
        rate_plans=draw(plans()),
        rate_groups=groups(),
        rates=draw(rates()),
        bucket_types=bucket_types(draw(st.sampled_from([None, "OVER"]))),
        taxes=tax_rows,
        tax_codes=tax_codes,
        price_plans=(PricePlanRow(1, "AGREED", "Agreed", draw(st.sampled_from([None, "P"]))),),
        reclasses=(ReclassRow(1, "R", "R", (ReclassRule("fax", "voice"),)),),
        packages=(
            PackageRow(
                1, "PACK", "Pack", 0, "GBP", Frequency.MONTH,
                draw(st.sampled_from([None, "P"])), draw(st.sampled_from([None, "GST"])),
                held, reclass="R",
            ),
        ),
    )  # fmt: skip
    company = CompanyTerms("Europe/London", "P", draw(st.sampled_from([None, 5])))
    owner = Owner(0, FOREVER_US, 1, 1, 1, draw(terms_of()), 1)
    return Everything(rows, company, owner, draw(shelves(held)))


numbers = st.sampled_from(["1", "12", "1234", "129"])
events = st.builds(
    UDR,
    line_no=st.just(1),
    event_key=st.just(b"-" * 16),
    content=st.just(0),
    uid_type=st.just("phone"),
    uid=st.just("441"),
    usage_class=st.sampled_from(["voice"] * 6 + ["data", "data", "fax"]),
    started_us=st.builds(
        lambda us: MORNING + us * 1_000_000, st.sampled_from([0, 1, 90, 119, 3600, 43_200])
    ),
    quantity=st.one_of(st.integers(0, 300), st.sampled_from([7_200, 10**6])),
    origin=numbers,
    destination=numbers,
    extras=st.sampled_from([None, {"cost": "0.3"}, {"amount": "1.25", "cost": "0"}]),
)
