"""From the fields of a table to a row: what one row has to know of others, and where each stands."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

from bmu.billing.catalogue.fields import AMOUNT
from bmu.billing.catalogue.forms import Form
from bmu.billing.catalogue.measures import PER, minor_or_fault, per_faults, quantity_faults
from bmu.billing.document import Entry
from bmu.rating import BucketKind, LocationPatternRow, RateKind, UsageClassRow
from bmu.usage import Unit

UNSTORED = 0
# Kinds of rates that have a price by quantity, and those that have no price of their own.
BY_QUANTITY = [kind for kind in RateKind if kind.value in ("STANDARD", "RATED_MARKUP")]
UNPRICED = [kind for kind in RateKind if kind.value == "PASS_THROUGH"]

# The holidays of a country, or of one of its subdivisions, in a year; ValueError says why there are none.
Holidays = Callable[[str, str | None, int], Iterable[date]]
Values = dict[str, object]


@dataclass(slots=True)
class Reading:
    """
    What is known so far.

    Shapes:
        patterns: those that stand with their locations.
        places: of each row, by noun and code. faulty: those with a fault of their own.
    """

    holidays: Holidays | None
    currency: str = ""
    units: dict[str, Unit] = field(default_factory=dict)
    patterns: list[LocationPatternRow] = field(default_factory=list)
    places: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    faulty: set[tuple[str, str]] = field(default_factory=set)

    def row(self, form: Form, entry: Entry, values: Values) -> object:
        """Make a row of the values of its fields."""
        finish = _FINISH.get(form.table)
        if finish:
            finish(self, entry, values)
        row = form.make(id=UNSTORED, **values)
        if isinstance(row, UsageClassRow):
            self.units[row.code] = row.unit
        return row

    def stands(self, form: Form, row: object, place: str, *, faulty: bool) -> None:
        """Remember where a row stands, and whether it has a fault of its own."""
        key = form.noun, str(getattr(row, "code", ""))
        self.places[key].append(place)
        if faulty:
            self.faulty.add(key)


def _location(reading: Reading, entry: Entry, values: Values) -> None:
    patterns = values.pop("patterns")
    assert isinstance(patterns, tuple), patterns
    place = str(values["code"])
    for each in patterns:
        reading.places["location_pattern", each].append(f"{entry.place}.patterns")
        reading.patterns.append(LocationPatternRow(UNSTORED, each, place))


def _calendar(reading: Reading, entry: Entry, values: Values) -> None:
    country, subdivision, years = (values.pop(key) for key in ("country", "subdivision", "years"))
    assert isinstance(years, tuple), years
    if country is None:
        if subdivision is not None or years:
            entry.fault("country", "is missing; subdivision and years are of a country's holidays")
        return
    if not years:
        entry.fault("years", "is missing; give those wanted of the country, like [2026, 2027]")
    found: set[date] = set()
    for year in years:
        if reading.holidays is None:
            entry.fault("country", "can't be looked up here; list the days: days = [2026-12-25]")
            break
        try:
            found.update(
                reading.holidays(
                    str(country), str(subdivision) if subdivision else None, int(year)
                )
            )
        except ValueError as error:
            entry.fault("country", str(error))
            break
    days = values["days"]
    assert isinstance(days, tuple), days
    values["days"] = tuple(sorted(found.union(days)))


def _rate_plan(reading: Reading, _: Entry, values: Values) -> None:
    values["currency"] = values["currency"] or reading.currency


def _rate(reading: Reading, entry: Entry, values: Values) -> None:
    kind = values["kind"]
    if not entry.has("tiers"):
        if not entry.has("price") and kind not in UNPRICED:
            values["price_e11"] = AMOUNT.read(entry, "price")
        if not entry.has("per") and kind in BY_QUANTITY:
            values["per"] = PER.read(entry, "per")
    for key, fault in per_faults(entry, reading.units.get(str(values["usage_class"]))):
        entry.fault(key, fault)
    values["code"] = values["code"] or rate_code(
        *(values[key] for key in ("rate_group", "usage_class", "location", "location_group")),
        valid_from=values["valid_from"],
    )


def rate_code(*names: object, valid_from: object) -> str:
    """Give the code of a rate that has none of its own: what it prices, and from when."""
    code = "/".join(str(name) for name in names if name)
    return f"{code}@{valid_from}" if valid_from else code


def _bucket(_: Reading, entry: Entry, values: Values) -> None:
    for key, fault in quantity_faults(entry, of_money=values["kind"] is BucketKind.MONEY):
        entry.fault(key, fault)


def _package(reading: Reading, entry: Entry, values: Values) -> None:
    currency = str(values["currency"] or reading.currency)
    price = values["price_minor"]
    assert isinstance(price, int), price
    minor = minor_or_fault(price, currency)
    if isinstance(minor, str):
        entry.fault("price", minor)
    values["currency"] = currency
    values["price_minor"] = minor if isinstance(minor, int) else 0


_FINISH: dict[str, Callable[[Reading, Entry, Values], None]] = {
    "location": _location,
    "calendar": _calendar,
    "rate_plan": _rate_plan,
    "rate": _rate,
    "bucket": _bucket,
    "package": _package,
}
