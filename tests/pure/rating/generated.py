"""Generated tariffs, owners and events: small alphabets, so that much overlaps, and odd hours of the clock."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from hypothesis import strategies as st

from bmu.money import Rounding
from bmu.period import FOREVER_US, MINUTE_US, to_us
from bmu.rating import (
    BucketState,
    BucketTypeRow,
    Frequency,
    LocationPatternRow,
    LocationRow,
    Owner,
    PackageRow,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RoundingRow,
    TariffRows,
    TaxRow,
    Terms,
    TimePeriodRow,
    UsageClassRow,
)
from bmu.usage import UDR, Rater, Unit

ZONES = ["Europe/London", "UTC", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"]
WINDOWS = [
    ("Mon-Fri 08:00-19:00",),
    ("Mon-Fri 00:00-08:00", "Mon-Fri 19:00-24:00", "Sat-Sun 00:00-24:00"),
    ("Mon-Sun 01:30-02:10",),
    ("Fri-Mon 00:07-23:00",),
]
DAYS = [None, date(2011, 12, 30), date(2026, 3, 29), date(2026, 8, 1), date(2026, 10, 25)]
# Clocks changed in London, Lord Howe and São Paulo; the day that Apia left out; nothing at all.
INSTANTS = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2018, 11, 4, 3, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(2026, 8, 5, 12, tzinfo=UTC),
]
CLASSES = (
    UsageClassRow(1, "voice", "Calls", Unit.TIME, Rater.GEOTREE),
    UsageClassRow(2, "data", "Data", Unit.DATA, Rater.CLASS),
)

digits = st.text("12", min_size=1, max_size=5)
prices = st.one_of(st.integers(0, 50), st.integers(0, 10**12))
moments = st.builds(
    lambda instant, minutes, us: to_us(instant) + minutes * MINUTE_US + us,
    st.sampled_from(INSTANTS),
    st.integers(-1500, 1500),
    st.sampled_from([0, 1, -1, 30_000_000, 59_999_999]),
)
small = st.integers(0, 300)
quantities = st.one_of(
    small, small, small, st.integers(0, 10**9), st.sampled_from([2**62, 2**63 - 1])
)
# Which of the owners of a world: mostly the one with allowances.
whoever = st.sampled_from([0] * 6 + [1, 1, 2, 3])
udrs = st.builds(
    UDR,
    line_no=st.just(1),
    event_key=st.just(b"-" * 16),
    content=st.just(0),
    uid_type=st.just("phone"),
    uid=st.just("441"),
    usage_class=st.sampled_from(["voice"] * 6 + ["data"] * 4 + ["fax"]),
    started_us=moments,
    quantity=quantities,
    origin=st.just(""),
    destination=st.one_of(st.text("123", min_size=1, max_size=7), st.text("123*", max_size=3)),
    extras=st.none(),
)


@dataclass(frozen=True)
class World:
    """A catalogue without faults, its company's zone, and owners on terms that mostly exist."""

    rows: TariffRows
    company_zone: str
    owners: tuple[Owner, ...]


@st.composite
def rates(
    draw: st.DrawFn, groups: list[str], locations: list[str], roundings: list[str]
) -> tuple[RateRow, ...]:
    """Rates of the groups, no two for the same."""
    keys = st.one_of(
        st.tuples(st.sampled_from(groups), st.just("voice"), st.sampled_from([None, *locations])),
        st.tuples(st.sampled_from(groups), st.just("data"), st.none()),
    )
    return tuple(
        RateRow(
            number,
            "/".join(filter(None, key)),
            *key,
            draw(st.sampled_from([None, *roundings])),
            draw(st.sampled_from([RateKind.STANDARD, RateKind.FIXED])),
            draw(prices),
            draw(st.sampled_from([1, 7, 10, 60, 10**6])),
            draw(st.one_of(st.just(0), prices)),
            draw(st.one_of(st.just(0), prices)),
        )
        for number, key in enumerate(draw(st.lists(keys, max_size=10, unique=True)), 1)
    )


@st.composite
def bucket_types(draw: st.DrawFn, locations: list[str]) -> tuple[BucketTypeRow, ...]:
    """One allowance of data, two of calls."""
    place = st.one_of(
        st.none(), st.lists(st.sampled_from(locations), min_size=1, max_size=2).map(tuple)
    )
    sizes = st.integers(1, 500)
    return (
        BucketTypeRow(
            1, "MB", "Data", Unit.DATA, draw(sizes), Frequency.MONTH, ("data",), draw(place)
        ),
        BucketTypeRow(
            2, "MIN", "Minutes", Unit.TIME, draw(sizes), Frequency.MONTH, ("voice",), draw(place)
        ),
        BucketTypeRow(
            3, "ANY", "More", Unit.TIME, draw(sizes), Frequency.MONTH, ("voice",), draw(place)
        ),
    )


def completed(rows: TariffRows) -> TariffRows:
    """The same catalogue with a last group that has a rate for each class and number, and one tax."""
    number = len(rows.rates) + 1
    price = (None, None, RateKind.STANDARD, 123_456_789, 7, 0, 0)
    return replace(
        rows,
        location_patterns=(
            *(row for row in rows.location_patterns if row.code not in "123"),
            *(LocationPatternRow(90 + int(digit), digit, "L0") for digit in "123"),
        ),
        rate_plans=tuple(
            replace(plan, rate_groups=(*plan.rate_groups, "LAST")) for plan in rows.rate_plans
        ),
        rate_groups=(*rows.rate_groups, RateGroupRow(99, "LAST", "Last", None, None, None)),
        rates=(
            *rows.rates,
            RateRow(number, "LAST/voice", "LAST", "voice", *price),
            RateRow(number + 1, "LAST/data", "LAST", "data", *price),
        ),
        taxes=(TaxRow(9, "VAT", "VAT", 200_000, None, None),),
    )


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A whole small world; in most, each event of a known class and number has a price."""
    names = [f"L{number}" for number in range(draw(st.integers(1, 5)))]
    parents = [draw(st.sampled_from([None, *names[:number]])) for number in range(len(names))]
    patterns = draw(st.dictionaries(digits, st.sampled_from(names), max_size=12))
    hours = [f"H{number}" for number in range(3)]
    groups = [f"G{number}" for number in range(draw(st.integers(1, 4)))]
    days = st.sampled_from(DAYS)
    spans = [(draw(days), draw(days)) for _ in groups]
    spans = [(a, b) if not (a and b) or a < b else (None, b) for a, b in spans]
    roundings = (
        RoundingRow(1, "60/6", 60, 6),
        RoundingRow(2, "1/1", 1, 1),
        RoundingRow(3, "0/1000", 0, 1000),
    )
    change = draw(days)
    taxes = [(None, None)] if change is None else [(None, change), (change, draw(st.just(None)))]
    if draw(st.booleans()):
        taxes = taxes[:1]
    plan = RatePlanRow(
        1,
        "P",
        "Plan",
        "GBP",
        draw(st.integers(0, 11)),
        draw(st.sampled_from(Rounding)),
        tuple(draw(st.permutations(groups))),
    )
    some = [("MB", "MIN", "ANY"), ("ANY", "MIN", "MB"), ("MIN", "MB"), ()]
    bucket_codes = draw(st.sampled_from(some))
    rows = TariffRows(
        usage_classes=CLASSES,
        locations=tuple(
            LocationRow(number, name, name, parent)
            for number, (name, parent) in enumerate(zip(names, parents, strict=True), 1)
        ),
        location_patterns=tuple(
            LocationPatternRow(number, code, location)
            for number, (code, location) in enumerate(patterns.items(), 1)
        ),
        time_periods=tuple(
            TimePeriodRow(
                number, code, code, draw(st.sampled_from(ZONES)), draw(st.sampled_from(WINDOWS))
            )
            for number, code in enumerate(hours, 1)
        ),
        roundings=roundings,
        rate_plans=(plan,),
        rate_groups=tuple(
            RateGroupRow(number, code, code, draw(st.sampled_from([None, *hours])), *span)
            for number, (code, span) in enumerate(zip(groups, spans, strict=True), 1)
        ),
        rates=draw(rates(groups, names, [row.code for row in roundings])),
        bucket_types=draw(bucket_types(names)),
        taxes=tuple(
            TaxRow(number, "VAT", "VAT", draw(st.integers(0, 10**6)), *span)
            for number, span in enumerate(taxes, 1)
        ),
        packages=(
            PackageRow(1, "A", "A", 0, "GBP", Frequency.MONTH, "P", "VAT", bucket_codes),
            PackageRow(2, "B", "B", 0, "GBP", Frequency.MONTH, "P", "VAT", ()),
        ),
    )
    if draw(st.integers(0, 5)):
        rows = completed(rows)
    zone = draw(st.sampled_from(ZONES))
    terms = [Terms("A", "GBP", zone), Terms("B", "GBP", "UTC"), Terms("A", "EUR", zone)]
    terms.append(Terms("GONE", "GBP", zone))
    owners = tuple(
        Owner(-FOREVER_US, FOREVER_US, number, number, number, each, 1)
        for number, each in enumerate(terms, 1)
    )
    return World(rows, draw(st.sampled_from(ZONES)), owners)


@st.composite
def shelves(draw: st.DrawFn) -> list[BucketState]:
    """Buckets of the first owner, some of them not open, some of other codes."""
    edges = [to_us(instant) for instant in INSTANTS]
    return [
        BucketState(
            number,
            1,
            draw(st.sampled_from(["MB", "MIN", "ANY"])),
            draw(st.sampled_from([-FOREVER_US] * 5 + edges)),
            draw(st.sampled_from([FOREVER_US] * 5 + edges)),
            draw(st.integers(0, 300)),
        )
        for number in range(1, draw(st.integers(0, 6)) + 1)
    ]
