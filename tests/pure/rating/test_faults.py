"""A catalogue that can't be used says so when it is loaded, all at once."""

from dataclasses import replace
from datetime import date

import pytest
from pure.rating.book import Book, take

from bmu.rating import CompanyTerms, Fault, compile_tariff, validate

GOOD = """\
class voice TIME GEOTREE
class sms COUNT CLASS
location UK = 44
location MOBILE in UK = 447
hours PEAK Europe/London: Mon-Fri 08:00-19:00
rounding SECOND: 1 then 1
group G in PEAK from 2026-01-01 to 2027-01-01
rate G voice UK: 0.09 per 60, rounding SECOND
rate G sms: 0.10 each
bucket MIN: 300 TIME of voice in UK
tax VAT: 17.5 % to 2026-09-15
tax VAT: 20 % from 2026-09-15
plan P: GBP 4 places HALF_UP, groups G
package HOME: plan P, tax VAT, buckets MIN
"""


def faults_of(before: str, after: str) -> set[Fault]:
    """Change the good catalogue, and find what is wrong with it."""
    assert before in GOOD
    book = Book()
    for line in GOOD.replace(before, after, 1).splitlines():
        take(book, line)
    return set(validate(book.rows()))


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("class sms", "class voice", "usage_class voice: is there 2 times"),
        ("location MOBILE in UK", "location UK", "location UK: is there 2 times"),
        ("= 447", "= 44", "location_pattern 44: is there twice on one day"),
        ("in UK = 447", "in EU = 447", "location MOBILE: names the location 'EU', which does not exist"),
        ("location UK =", "location UK in MOBILE =", "location UK: lies below itself"),
        ("location UK =", "location UK in MOBILE =", "location MOBILE: lies below itself"),
        ("location UK =", "location UK in UK =", "location UK: lies below itself"),
        ("= 447", "= 4471234567890123", "location_pattern 4471234567890123: is not 1 to 15 digits, nor a network like 10.0.0.0/8 or 2001:db8::/32"),
        ("Europe/London:", "Europe/Londonn:", "time_period PEAK: not a time zone: 'Europe/Londonn'"),
        ("08:00-19:00", "19:00-08:00", "time_period PEAK: ends before it starts; split it at 24:00: 'Mon-Fri 19:00-08:00'"),
        ("1 then 1", "1 then 0", "rounding SECOND: increment is 0, less than 1"),
        ("GBP 4", "GPB 4", "rate_plan P: not a currency of ISO 4217: 'GPB'"),
        ("4 places", "12 places", "rate_plan P: places is 12, more than 11"),
        ("groups G", "groups G X", "rate_plan P: names the rate group 'X', which does not exist"),
        ("groups G", "groups G G", "rate_plan P: names the rate group 'G' 2 times"),
        ("in PEAK from", "in NIGHT from", "rate_group G: names the time period 'NIGHT', which does not exist"),
        ("to 2027-01-01", "to 2026-01-01", "rate_group G: ends on 2026-01-01, not after it starts on 2026-01-01"),
        ("rate G voice", "rate X voice", "rate X/voice/UK: names the rate group 'X', which does not exist"),
        ("rate G voice", "rate G fax", "rate G/fax/UK: names the usage class 'fax', which does not exist"),
        ("voice UK:", "voice EU:", "rate G/voice/EU: names the location 'EU', which does not exist"),
        ("rounding SECOND\n", "rounding HOUR\n", "rate G/voice/UK: names the rounding 'HOUR', which does not exist"),
        ("per 60", "per 0", "rate G/voice/UK: per is 0, less than 1"),
        ("0.09", "-0.09", "rate G/voice/UK: price is -9000000000, less than 0"),
        ("G sms:", "G sms UK:", "rate G/sms/UK: has a location, but 'sms' is rated without"),
        ("MIN: 300", "MIN: 0", "bucket_type MIN: quantity is 0, less than 1"),
        ("of voice in", "of fax in", "bucket_type MIN: names the usage class 'fax', which does not exist"),
        ("of voice in UK", "of voice in EU", "bucket_type MIN: names the location 'EU', which does not exist"),
        ("TIME of voice", "COUNT of voice", "bucket_type MIN: counts COUNT, but 'voice' counts TIME"),
        ("17.5 %", "101 %", "tax VAT: rate in parts per million is 1010000, more than 1000000"),
        ("to 2026-09-15", "to 2026-09-16", "tax VAT: has two rates from 2026-09-15 on"),
        (" to 2026-09-15", "", "tax VAT: has two rates from 2026-09-15 on"),
        (" from 2026-09-15", "", "tax VAT: has two rates from ever on"),
        ("plan P,", "plan Q,", "package HOME: names the rate plan 'Q', which does not exist"),
        ("tax VAT,", "tax GST,", "package HOME: names the tax 'GST', which does not exist"),
        ("buckets MIN", "buckets MAX", "package HOME: names the bucket type 'MAX', which does not exist"),
    ],
)  # fmt: skip
def test_a_slip_is_named_with_its_place(before: str, after: str, fault: str) -> None:
    """A clerk is told in which row, and what is wrong with it."""
    found = {f"{each.table} {each.code}: {each.what}" for each in faults_of(before, after)}
    assert fault in found


def test_a_good_catalogue_has_no_faults() -> None:
    """Nothing is made of nothing: what is right is taken."""
    assert faults_of("class", "class") == set()


def test_all_faults_are_found_at_once() -> None:
    """A clerk mends a catalogue in one go, not fault by fault."""
    found = faults_of("rate G voice UK: 0.09 per 60", "rate X fax EU: 0.09 per 0")
    assert len(found) == 4


def test_what_only_rows_can_hold_is_checked_too() -> None:
    """Two rates for one thing under two names; a package in another currency; hours without any."""
    book = Book()
    for line in GOOD.splitlines():
        take(book, line)
    rows = book.rows()
    twin = replace(rows.rates[0], code="again")
    dollars = replace(rows.packages[0], currency="USD", price_minor=-1)
    never = replace(rows.time_periods[0], windows=())
    early = replace(rows.taxes[0], valid_from=date(2027, 1, 1))
    found = validate(
        replace(
            rows,
            rates=(*rows.rates, twin),
            packages=(dollars,),
            time_periods=(never,),
            taxes=(early,),
        )
    )
    assert [str(fault.what) for fault in found] == [
        "has no windows",
        "prices what 'G/voice/UK' prices already",
        "ends on 2026-09-15, not after it starts on 2027-01-01",
        "price is -1, less than 0",
        "is in USD, but its rate plan in GBP",
    ]
    with pytest.raises(AssertionError):
        compile_tariff(replace(rows, packages=(dollars,)), 1, CompanyTerms("Europe/London"))
