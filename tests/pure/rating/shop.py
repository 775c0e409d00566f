"""A small shop to try one thing at a time: a tariff made of a few rates, a customer, and events."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bmu.money import decimal_text, parse_e11
from bmu.period import FOREVER_US, to_us
from bmu.rating import (
    BucketState,
    CompanyTerms,
    Frequency,
    Owner,
    PackageRow,
    Rated,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RoundingRow,
    Tariff,
    TariffRows,
    TaxRow,
    TaxService,
    Terms,
    Unrated,
    UsageClassRow,
    compile_tariff,
    rate,
)
from bmu.usage import UDR, Rater, Unit

NOON = to_us(datetime(2026, 8, 5, 12, tzinfo=UTC))
SECOND = 1_000_000
TERMS = Terms("PACKAGE", "GBP", "UTC")
COMPANY = CompanyTerms("UTC")

CLASSES = (
    UsageClassRow(1, "voice", "Calls", Unit.TIME, Rater.CLASS),
    UsageClassRow(2, "data", "Data", Unit.DATA, Rater.CLASS),
    UsageClassRow(3, "called", "Calls by number", Unit.TIME, Rater.GEOTREE),
    UsageClassRow(4, "long", "Calls that are split", Unit.TIME, Rater.CLASS, split=True),
)
ROUNDINGS = (
    RoundingRow(1, "60/10", 60, 10),
    RoundingRow(2, "6/6", 6, 6),
    RoundingRow(3, "KB", 1000, 1),
    RoundingRow(4, "60/60", 60, 60),
)
PACKAGE = PackageRow(
    1, "PACKAGE", "Package", 0, "GBP", Frequency.MONTH, "PLAN", "VAT", bucket_types=()
)
PLAN = RatePlanRow(1, "PLAN", "Plan", "GBP", None, None, ("GROUP",))


def priced(price: str, per: int = 1, group: str = "GROUP", **more: object) -> RateRow:
    """A rate of calls; what is not said is plain."""
    row = RateRow(
        id=0,
        code="",
        rate_group=group,
        usage_class="voice",
        location=None,
        rounding=None,
        kind=RateKind.STANDARD,
        price_e11=parse_e11(price),
        per=per,
        connect_e11=0,
        minimum_charge_e11=0,
    )
    return replace(row, **more)  # type: ignore[arg-type]


def group(code: str, **more: object) -> RateGroupRow:
    """A rate group that holds always, but for what is said."""
    return replace(RateGroupRow(0, code, code, None, None, None), **more)  # type: ignore[arg-type]


def shop(
    *rates: RateRow,
    groups: Sequence[RateGroupRow] = (),
    plans: Sequence[RatePlanRow] = (PLAN,),
    package: PackageRow = PACKAGE,
    company: CompanyTerms = COMPANY,
    **more: object,
) -> Tariff:
    """Compile a catalogue of these rates; their groups are those of the first plan."""
    tax_service = more.pop("tax_service", None)
    assert tax_service is None or isinstance(tax_service, TaxService)
    given = {row.code for row in groups}
    named = dict.fromkeys([row.rate_group for row in rates])
    every = [*groups, *(group(code) for code in named if code not in given)]
    if plans == (PLAN,):
        plans = (replace(PLAN, rate_groups=tuple(row.code for row in every)),)
    numbered = [replace(row, id=n, code=row.code or f"R{n}") for n, row in enumerate(rates, 1)]
    rows = TariffRows(
        usage_classes=CLASSES,
        roundings=ROUNDINGS,
        rate_plans=tuple(replace(row, id=n) for n, row in enumerate(plans, 1)),
        rate_groups=tuple(replace(row, id=n) for n, row in enumerate(every, 1)),
        rates=tuple(numbered),
        taxes=(TaxRow(1, "VAT", "VAT", 200_000, None, None),),
        packages=(package,),
    )
    catalogue = replace(rows, **more)  # type: ignore[arg-type]
    return compile_tariff(catalogue, 1, company, tax_service)


def call(quantity: int, **more: object) -> UDR:
    """A call at noon, but for what is said."""
    udr = UDR(1, b"-" * 16, 0, "phone", "441", "voice", NOON, quantity, "441", "442")
    return udr._replace(**more)


def owner(terms: Terms = TERMS) -> Owner:
    """The one customer."""
    return Owner(-FOREVER_US, FOREVER_US, 1, 1, 1, terms, 1)


def sold(
    tariff: Tariff, udr: UDR, terms: Terms = TERMS, buckets: Sequence[BucketState] = ()
) -> Rated:
    """Rate an event that has a price."""
    outcome = rate(udr, owner(terms), tariff, buckets)
    assert isinstance(outcome, Rated), outcome
    return outcome


def unsold(tariff: Tariff, udr: UDR, terms: Terms = TERMS) -> Unrated:
    """Rate an event that has none."""
    outcome = rate(udr, owner(terms), tariff, ())
    assert isinstance(outcome, Unrated), outcome
    return outcome


def amount(tariff: Tariff, udr: UDR, terms: Terms = TERMS) -> str:
    """Tell what an event costs."""
    return decimal_text(sold(tariff, udr, terms).amount_e11)
