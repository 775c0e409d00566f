"""The catalogue as people write it: a document to rows, with all its faults at once."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from bmu.billing.document import Entry
from bmu.money import ONE_E11, Rounding, exponent, money_text, parse_e11, to_minor
from bmu.period import zone_of
from bmu.rating import (
    BucketTypeRow,
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
    validate,
)
from bmu.usage import Rater, Unit

UNSTORED = 0
PPM_E11 = ONE_E11 // 1_000_000

_COUNTRY = re.compile(r"[A-Z]{2}")
_WHOLE = re.compile(r"[1-9][0-9]{0,17}")
# What a price may be per, beside a plain number of base units.
_PER: Mapping[str, tuple[Unit, int]] = {
    "s": (Unit.TIME, 1),
    "min": (Unit.TIME, 60),
    "h": (Unit.TIME, 3600),
    "kB": (Unit.DATA, 10**3),
    "MB": (Unit.DATA, 10**6),
    "GB": (Unit.DATA, 10**9),
    "KiB": (Unit.DATA, 2**10),
    "MiB": (Unit.DATA, 2**20),
    "GiB": (Unit.DATA, 2**30),
}


@dataclass(frozen=True, slots=True)
class Company:
    """Who sells."""

    name: str
    currency: str
    time_zone: str
    country: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A company and what it sells, fit to be used; no row has an id yet."""

    company: Company
    rows: TariffRows


def read(document: str) -> Catalogue | tuple[str, ...]:
    """Read a catalogue, or give everything that is wrong with it, a line each, with its place."""
    try:
        values = tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        return (f"not TOML: {error}",)
    faults: list[str] = []
    entry = Entry(values, "", faults)
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    catalogue = _Reader(places).catalogue(entry)
    entry.end()
    faults += _misfits(catalogue.rows, places, faults)
    return tuple(faults) if faults else catalogue


def _misfits(
    rows: TariffRows, places: Mapping[tuple[str, str], list[str]], faults: Iterable[str]
) -> list[str]:
    """Say, with the places in the document, which rows don't fit others; faulty ones aside."""
    faulty = {fault.partition(":")[0].partition(".")[0] for fault in faults}
    found = []
    for fault in validate(rows):
        there = places[fault.table, fault.code]
        if not faulty.intersection(place.partition(".")[0] for place in there):
            found.append(f"{', '.join(there)}: {fault.code} {fault.what}")
    return found


class _Reader:
    """Reads the tables, and keeps where in the document each row stands."""

    def __init__(self, places: dict[tuple[str, str], list[str]]) -> None:
        self._places = places
        self._currency = ""
        self._units: dict[str, Unit] = {}

    def catalogue(self, entry: Entry) -> Catalogue:
        company = entry.table("company", _company)
        self._currency = company.currency
        usage_classes = entry.each("usage_class", self._usage_class)
        self._units = {row.code: row.unit for row in usage_classes}
        locations = entry.each("location", self._location)
        rows = TariffRows(
            usage_classes=usage_classes,
            locations=tuple(location for location, _ in locations),
            location_patterns=tuple(pattern for _, patterns in locations for pattern in patterns),
            time_periods=entry.each("time_period", self._time_period),
            roundings=entry.each("rounding", self._rounding),
            rate_plans=entry.each("rate_plan", self._rate_plan),
            rate_groups=entry.each("rate_group", self._rate_group),
            rates=entry.each("rate", self._rate),
            bucket_types=entry.each("bucket", self._bucket_type),
            taxes=entry.each("tax", self._tax),
            packages=entry.each("package", self._package),
        )
        return Catalogue(company, rows)

    def _code(self, entry: Entry, table: str) -> str:
        code = entry.code("code")
        self._places[table, code].append(entry.place)
        return code

    def _usage_class(self, entry: Entry) -> UsageClassRow:
        return UsageClassRow(
            id=UNSTORED,
            code=self._code(entry, "usage_class"),
            name=entry.text("name"),
            unit=entry.choice("unit", Unit),
            rater=entry.choice("rater", Rater),
        )

    def _location(self, entry: Entry) -> tuple[LocationRow, tuple[LocationPatternRow, ...]]:
        location = LocationRow(
            id=UNSTORED,
            code=self._code(entry, "location"),
            name=entry.text("name"),
            parent=_if_given(entry, "parent"),
        )
        digits = entry.codes("patterns") if entry.has("patterns") else ()
        for each in digits:
            self._places["location_pattern", each].append(f"{entry.place}.patterns")
        return location, tuple(
            LocationPatternRow(UNSTORED, each, location.code) for each in digits
        )

    def _time_period(self, entry: Entry) -> TimePeriodRow:
        return TimePeriodRow(
            id=UNSTORED,
            code=self._code(entry, "time_period"),
            name=entry.text("name"),
            zone=entry.text("zone"),
            windows=entry.codes("windows"),
        )

    def _rounding(self, entry: Entry) -> RoundingRow:
        return RoundingRow(
            id=UNSTORED,
            code=self._code(entry, "rounding"),
            minimum=entry.whole("minimum"),
            increment=entry.whole("increment"),
        )

    def _rate_plan(self, entry: Entry) -> RatePlanRow:
        return RatePlanRow(
            id=UNSTORED,
            code=self._code(entry, "rate_plan"),
            name=entry.text("name"),
            currency=self._currency_of(entry),
            places=entry.whole("places"),
            rounding_mode=entry.choice("rounding", Rounding),
            rate_groups=entry.codes("groups"),
        )

    def _rate_group(self, entry: Entry) -> RateGroupRow:
        return RateGroupRow(
            id=UNSTORED,
            code=self._code(entry, "rate_group"),
            name=entry.text("name"),
            time_period=_if_given(entry, "time_period"),
            valid_from=entry.day("from"),
            valid_to=entry.day("to"),
        )

    def _rate(self, entry: Entry) -> RateRow:
        group, usage_class = entry.code("group"), entry.code("class")
        location = _if_given(entry, "location")
        code = "/".join([group, usage_class] + ([location] if location else []))
        self._places["rate", code].append(entry.place)
        return RateRow(
            id=UNSTORED,
            code=code,
            rate_group=group,
            usage_class=usage_class,
            location=location,
            rounding=_if_given(entry, "rounding"),
            kind=entry.choice("type", RateKind),
            price_e11=entry.amount_e11("price"),
            per=_per(entry, self._units.get(usage_class)),
            connect_e11=entry.amount_e11("connect") if entry.has("connect") else 0,
            minimum_charge_e11=(
                entry.amount_e11("minimum_charge") if entry.has("minimum_charge") else 0
            ),
        )

    def _bucket_type(self, entry: Entry) -> BucketTypeRow:
        return BucketTypeRow(
            id=UNSTORED,
            code=self._code(entry, "bucket_type"),
            name=entry.text("name"),
            unit=entry.choice("unit", Unit),
            quantity=entry.whole("quantity"),
            recurrence=entry.choice("recurrence", Frequency),
            usage_classes=entry.codes("classes"),
            locations=entry.codes("locations") if entry.has("locations") else None,
        )

    def _tax(self, entry: Entry) -> TaxRow:
        code = self._code(entry, "tax")
        rate_ppm, rest = divmod(entry.amount_e11("rate"), PPM_E11)
        if rest:
            entry.fault("rate", "has more than 6 decimal places")
        return TaxRow(
            id=UNSTORED,
            code=code,
            name=entry.text("name"),
            rate_ppm=rate_ppm,
            valid_from=entry.day("from"),
            valid_to=entry.day("to"),
        )

    def _package(self, entry: Entry) -> PackageRow:
        currency = self._currency_of(entry)
        return PackageRow(
            id=UNSTORED,
            code=self._code(entry, "package"),
            name=entry.text("name"),
            price_minor=_minor(entry, "price", currency),
            currency=currency,
            frequency=entry.choice("frequency", Frequency),
            rate_plan=entry.code("rate_plan"),
            tax=entry.code("tax"),
            bucket_types=entry.codes("buckets"),
        )

    def _currency_of(self, entry: Entry) -> str:
        """Give the currency of an entry, or the company's where it names none."""
        return entry.text("currency") if entry.has("currency") else self._currency


def _company(entry: Entry) -> Company:
    company = Company(
        name=entry.text("name"),
        currency=entry.text("currency"),
        time_zone=entry.text("time_zone"),
        country=entry.text("country"),
    )
    for key, fault in _company_faults(company):
        entry.fault(key, fault)
    return company


def _company_faults(company: Company) -> Iterator[tuple[str, str]]:
    for key, look, value in (
        ("currency", exponent, company.currency),
        ("time_zone", zone_of, company.time_zone),
    ):
        try:
            look(value)
        except ValueError as error:
            if value:
                yield key, str(error)
    if company.country and not _COUNTRY.fullmatch(company.country):
        yield "country", "must be two capitals of ISO 3166, like GB"


def _if_given(entry: Entry, key: str) -> str | None:
    return entry.code(key) if entry.has(key) else None


def _per(entry: Entry, unit: Unit | None) -> int:
    """Read what a price is per: a number of base units, or one of the named units of its class."""
    written = entry.text("per")
    if _WHOLE.fullmatch(written):
        return int(written)
    of_unit, quantity = _PER.get(written, (None, 1))
    if written and of_unit is None:
        entry.fault("per", f"{written[:70]!r} is no number and none of {', '.join(_PER)}")
    elif of_unit and unit and of_unit is not unit:
        entry.fault("per", f"{written!r} measures {of_unit.value}, but the class {unit.value}")
    return quantity


def _minor(entry: Entry, key: str, currency: str) -> int:
    """Read money that has to be whole in the minor unit of its currency."""
    amount_e11 = entry.amount_e11(key)
    try:
        minor = to_minor(amount_e11, currency)
    except ValueError:
        # The currency has its own fault.
        return 0
    if parse_e11(money_text(minor, currency)) != amount_e11:
        entry.fault(key, f"has more than the {exponent(currency)} decimal places of {currency}")
    return minor
