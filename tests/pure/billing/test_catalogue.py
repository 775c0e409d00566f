"""A catalogue is read exactly, or refused with everything that is wrong with it."""

import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmu.billing.catalogue import Catalogue, Company, read
from bmu.money import Rounding, decimal_text
from bmu.rating import (
    BucketTypeRow,
    CompanyTerms,
    Frequency,
    LocationPatternRow,
    LocationRow,
    PackageRow,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RoundingRow,
    TariffRows,
    TaxRow,
    TimePeriodRow,
    UsageClassRow,
    compile_tariff,
)
from bmu.usage import Rater, Unit

DEMO = Path(__file__).parents[3] / "examples/demo/catalogue.toml"
SMALL = """
[company]
name = "Harbour Telecom Ltd"
currency = "GBP"
time_zone = "Europe/London"
country = "GB"
[[usage_class]]
code = "voice"
name = "Calls"
unit = "TIME"
rater = "GEOTREE"
[[usage_class]]
code = "data"
name = "Data"
unit = "DATA"
rater = "CLASS"
[[location]]
code = "EU"
name = "Europe"
[[location]]
code = "FR"
name = "France"
parent = "EU"
patterns = ["33"]
[[time_period]]
code = "PEAK"
name = "Day"
zone = "Europe/London"
windows = ["Mon-Fri 08:00-19:00"]
[[rounding]]
code = "MIN"
minimum = 60
increment = 60
[[rate_plan]]
code = "P"
name = "Plan"
places = 4
rounding = "HALF_EVEN"
groups = ["G"]
[[rate_group]]
code = "G"
name = "Group"
time_period = "PEAK"
from = 2026-09-01
to = 2026-10-01
[[rate]]
group = "G"
class = "voice"
location = "FR"
type = "STANDARD"
price = "0.01250000001"
per = "min"
rounding = "MIN"
connect = "0.05"
minimum_charge = "0.1"
[[rate]]
group = "G"
class = "data"
type = "FIXED"
price = "2"
per = "1000"
[[bucket]]
code = "B"
name = "300 minutes"
unit = "TIME"
classes = ["voice"]
locations = ["EU"]
quantity = 18000
recurrence = "MONTH"
[[tax]]
code = "VAT"
name = "VAT 17.5%"
rate = "0.175"
from = 2011-01-04
[[package]]
code = "HOME"
name = "Home"
price = "12.50"
frequency = "MONTH"
rate_plan = "P"
buckets = ["B"]
tax = "VAT"
"""
ROWS = TariffRows(
    usage_classes=(
        UsageClassRow(0, "voice", "Calls", Unit.TIME, Rater.GEOTREE),
        UsageClassRow(0, "data", "Data", Unit.DATA, Rater.CLASS),
    ),
    locations=(LocationRow(0, "EU", "Europe", None), LocationRow(0, "FR", "France", "EU")),
    location_patterns=(LocationPatternRow(0, "33", "FR"),),
    time_periods=(TimePeriodRow(0, "PEAK", "Day", "Europe/London", ("Mon-Fri 08:00-19:00",)),),
    roundings=(RoundingRow(0, "MIN", 60, 60),),
    rate_plans=(RatePlanRow(0, "P", "Plan", "GBP", 4, Rounding.HALF_EVEN, ("G",)),),
    rate_groups=(RateGroupRow(0, "G", "Group", "PEAK", date(2026, 9, 1), date(2026, 10, 1)),),
    rates=(
        RateRow(
            id=0,
            code="G/voice/FR",
            rate_group="G",
            usage_class="voice",
            location="FR",
            rounding="MIN",
            kind=RateKind.STANDARD,
            price_e11=1_250_000_001,
            per=60,
            connect_e11=5_000_000_000,
            minimum_charge_e11=10_000_000_000,
        ),
        RateRow(
            id=0,
            code="G/data",
            rate_group="G",
            usage_class="data",
            location=None,
            rounding=None,
            kind=RateKind.FIXED,
            price_e11=200_000_000_000,
            per=1000,
            connect_e11=0,
            minimum_charge_e11=0,
        ),
    ),
    bucket_types=(
        BucketTypeRow(
            0, "B", "300 minutes", Unit.TIME, 18000, Frequency.MONTH, ("voice",), ("EU",)
        ),
    ),
    taxes=(TaxRow(0, "VAT", "VAT 17.5%", 175_000, date(2011, 1, 4), None),),
    packages=(
        PackageRow(0, "HOME", "Home", 1250, "GBP", Frequency.MONTH, "P", "VAT", ("B",)),
    ),
)  # fmt: skip


def faults_of(document: str) -> tuple[str, ...]:
    """Give what is wrong with a document that is refused."""
    faults = read(document)
    assert isinstance(faults, tuple)
    return faults


def test_every_table_is_read_exactly() -> None:
    """What a clerk wrote is what is charged, to the eleventh decimal."""
    company = Company("Harbour Telecom Ltd", "GBP", "Europe/London", "GB")
    assert read(SMALL) == Catalogue(company, ROWS)


def test_the_demo_catalogue_can_be_used() -> None:
    """The catalogue that comes with the program has no fault, and all its prices arrive."""
    catalogue = read(DEMO.read_text("utf-8"))
    assert isinstance(catalogue, Catalogue)
    written = tomllib.loads(DEMO.read_text("utf-8"))["rate"]
    assert [decimal_text(row.price_e11) for row in catalogue.rows.rates] == [
        rate["price"].rstrip("0").rstrip(".") if "." in rate["price"] else rate["price"]
        for rate in written
    ]
    assert (
        compile_tariff(catalogue.rows, 1, CompanyTerms(catalogue.company.time_zone)).revision == 1
    )


@pytest.mark.parametrize(
    ("was", "now", "fault"),
    [
        ('price = "0.01250000001"', "price = 0.0125", "rate[1].price: is of another kind; give a"),
        ('price = "0.01250000001"', 'price = "1,25"', "rate[1].price: not a decimal number: '1,25'"),
        ('price = "0.01250000001"', 'price = "-1"', "rate[1]: G/voice/FR price is -100000000000, less than 0"),
        ('price = "0.01250000001"', 'price = "0.000000000001"', "rate[1].price: more than 11 dec"),
        ('price = "0.01250000001"\n', "", "rate[1].price: is missing; give a decimal in quotes"),
        ('location = "FR"', 'location = "FRX"', "rate[1]: G/voice/FRX names the location 'FRX'"),
        ('location = "FR"', 'place = "FR"', "rate[1].place: there is no such key; known are"),
        ('per = "min"', 'per = "MB"', "rate[1].per: 'MB' measures DATA, but the class TIME"),
        ('per = "min"', 'per = "year"', "rate[1].per: 'year' is no number and none of s, min"),
        ('per = "1000"', 'per = "0"', "rate[2].per: '0' is no number"),
        ('type = "FIXED"', 'type = "FLAT"', "rate[2].type: 'FLAT' is none of STANDARD, FIXED"),
        ("minimum = 60", "minimum = true", "rounding[1].minimum: is of another kind"),
        ("minimum = 60", 'minimum = "60"', "rounding[1].minimum: is of another kind"),
        ("increment = 60", "increment = 0", "rounding[1]: MIN increment is 0, less than 1"),
        ("from = 2011-01-04", "from = 2011-01-04T00:00:00", "tax[1].from: must be a date"),
        ("from = 2011-01-04", 'from = "2011-01-04"', "tax[1].from: must be a date"),
        ('rate = "0.175"', 'rate = "0.1750001"', "tax[1].rate: has more than 6 decimal places"),
        ('rate = "0.175"', 'rate = "17.5"', "tax[1]: VAT rate in parts per million is 17500000, more than"),
        ('price = "12.50"', 'price = "12.505"', "package[1].price: has more than the 2 decimal"),
        ('patterns = ["33"]', 'patterns = ["+33"]', "location[2].patterns: +33 is not 1 to 15"),
        ('patterns = ["33"]', "patterns = [33]", "location[2].patterns: must hold texts in quotes"),
        ('patterns = ["33"]', 'patterns = "33"', "location[2].patterns: is of another kind"),
        ('parent = "EU"', 'parent = "FR"', "location[2]: FR lies below itself"),
        ('code = "EU"', 'code = "FR"', "location[1], location[2]: FR is there 2 times"),
        ('code = "EU"', 'code = "E U"', "location[1].code: 'E U' is no code"),
        ('name = "Europe"', 'name = ""', "location[1].name: must be 1 to 200 printable"),
        ('windows = ["Mon-Fri 08:00-19:00"]', 'windows = ["daily"]', "time_period[1]: PEAK not"),
        ('currency = "GBP"', 'currency = "XXX"', "company.currency: not a currency of ISO 4217"),
        ('time_zone = "Europe/London"', 'time_zone = "UK"', "company.time_zone: not a time zone"),
        ('country = "GB"', 'country = "England"', "company.country: must be two capitals"),
        ('tax = "VAT"', 'tax = "GST"', "package[1]: HOME names the tax 'GST', which does not exist"),
        ("[[tax]]", "[tax]", "tax: must be tables, each begun with [[tax]]"),
        ("[company]", "[firm]", "company: is missing; give a table: [company]"),
        ("[company]", "[company", "not TOML: "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(was: str, now: str, fault: str) -> None:
    """Whoever keeps the catalogue is told where it is wrong and how to write it."""
    assert was in SMALL
    assert any(line.startswith(fault) for line in faults_of(SMALL.replace(was, now))), faults_of(
        SMALL.replace(was, now)
    )


def test_all_mistakes_are_told_at_once() -> None:
    """A catalogue with four mistakes is corrected once, not four times."""
    document = (
        SMALL.replace('price = "12.50"', "price = 12.50")
        .replace('parent = "EU"', 'parent = "ASIA"')
        .replace("increment = 60", "increment = -1")
        .replace('unit = "DATA"', 'unit = "BYTES"')
    )
    assert {fault.partition("]")[0] + "]" for fault in faults_of(document)} == {
        "package[1]",
        "location[2]",
        "rounding[1]",
        "usage_class[2]",
    }


def test_one_mistake_is_told_once() -> None:
    """A quantity that can't be read is not also said to be too small."""
    assert len(faults_of(SMALL.replace("quantity = 18000", 'quantity = "18000"'))) == 1


def test_an_empty_document_names_no_company() -> None:
    """Nothing is no catalogue."""
    assert faults_of("") == ("company: is missing; give a table: [company]",)


@settings(deadline=None)
@given(st.data())
def test_no_document_breaks_the_reading(data: st.DataObject) -> None:
    """Whatever is written, the answer is a catalogue or a list of faults."""
    lines = SMALL.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    value = data.draw(
        st.sampled_from(
            ["1", "-1", "1.5", "nan", "true", '""', '"\\u0000"', "[]", "[[]]", "{}", "[{}]"]
        )
    )
    if "=" in lines[at]:
        lines[at] = f"{lines[at].partition('=')[0]}= {value}"
    found = read("\n".join(lines))
    assert isinstance(found, Catalogue) or (found and all(isinstance(line, str) for line in found))
