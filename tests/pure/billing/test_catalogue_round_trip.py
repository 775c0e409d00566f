"""A catalogue written and read again is the same, whichever form it has."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bmu.billing.catalogue import Catalogue, dump, dump_parts, read, read_parts
from bmu.rating import (
    BucketTier,
    BucketTypeRow,
    ConditionRow,
    HolidayCalendarRow,
    LocationPatternRow,
    LocationRow,
    Operator,
    PackageRow,
    RateKind,
    RatePlanRow,
    RateRow,
    RateStep,
    TariffRows,
    TierRow,
    UsageClassRow,
)

HERE = Path(__file__).parent
DEMO = HERE.parents[2] / "examples/demo/catalogue.toml"


def catalogue_of(path: Path) -> Catalogue:
    """Give the catalogue of a document without faults."""
    found = read(path.read_text("utf-8"))
    assert isinstance(found, Catalogue), found
    return found


FULL = catalogue_of(HERE / "full.toml")
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], include_characters=' ",;='),
    min_size=1,
    max_size=30,
).filter(lambda name: name.strip() == name)


def test_every_key_of_every_table_survives_the_journey() -> None:
    """Whoever keeps the catalogue in the database and takes it out again has lost nothing."""
    assert read(dump(FULL)) == FULL
    assert read_parts(dump_parts(FULL)) == FULL


def test_the_demo_catalogue_survives_the_journey() -> None:
    """So does a catalogue as people write it, and its dump is always the same text."""
    demo = catalogue_of(DEMO)
    assert read(dump(demo)) == demo
    assert read_parts(dump_parts(demo)) == demo
    assert dump(demo) == dump(catalogue_of(DEMO))


def test_large_tables_are_written_as_csv() -> None:
    """A spreadsheet opens what is large: locations, patterns and rates, a line each."""
    parts = dump_parts(catalogue_of(DEMO))
    assert set(parts) == {"catalogue.toml", "locations.csv", "patterns.csv", "rates.csv"}
    assert parts["locations.csv"].splitlines()[:3] == [
        "code,name,parent",
        "UK,United Kingdom,",
        'UK-GEO,"UK landline (01, 02)",UK',
    ]
    assert parts["patterns.csv"].splitlines()[:2] == ["code,location", "44,UK"]
    assert parts["rates.csv"].splitlines()[1] == "RES-SPECIAL,voice,UK-FREE,FIXED,0,,SEC,,"


@settings(deadline=None, max_examples=100)
@given(st.randoms(use_true_random=False), st.lists(NAMES, min_size=3, max_size=3))
def test_any_catalogue_survives_the_journey(chance: Random, names: list[str]) -> None:
    """Whatever figures, names, days and orders its rows have."""
    changed = {}
    for table in TariffRows.__dataclass_fields__:
        rows = [one_of(chance, names, row) for row in getattr(FULL.rows, table)]
        chance.shuffle(rows)
        changed[table] = tuple(rows)
    catalogue = replace(FULL, rows=TariffRows(**changed))

    assert read(dump(catalogue)) == catalogue
    assert read_parts(dump_parts(catalogue)) == catalogue


def figure(chance: Random) -> int:
    """Give a figure of any size that a column of the database holds."""
    return chance.choice([0, 1, chance.randrange(10**11), chance.randrange(2**63), 2**63 - 1])


def edges(chance: Random) -> list[int]:
    """Give some quantities, the smaller first."""
    return sorted({figure(chance) or 7 for _ in range(chance.randrange(4))})


def some_day(chance: Random) -> date:
    """Give a day of these years."""
    return date(2020, 1, 1) + timedelta(days=chance.randrange(7000))


def one_of(chance: Random, names: list[str], row: object) -> object:
    """Give a row with other figures, names and days that keep it fit for the others."""
    match row:
        case RateRow():
            return rate_of(chance, row)
        case BucketTypeRow():
            return bucket_of(chance, row)
        case HolidayCalendarRow():
            return replace(row, days=tuple({some_day(chance) for _ in range(3)}))
        case LocationPatternRow() if row.valid_from is None and chance.random() < 0.3:
            day = some_day(chance)
            return replace(row, valid_from=day, valid_to=day + timedelta(days=3))
        case UsageClassRow() | LocationRow() | PackageRow() | RatePlanRow():
            return replace(row, name=chance.choice(names))
        case _:
            return row


def rate_of(chance: Random, row: RateRow) -> RateRow:
    """Give another price for what a rate prices."""
    least = figure(chance)
    priced = replace(
        row,
        price_e11=figure(chance),
        per=chance.choice([1, 60, 3600, 1000, 2**20, 7, 2**63 - 1]),
        connect_e11=figure(chance),
        free=figure(chance),
        rounding=chance.choice([None, "MIN"]),
        minimum_charge_e11=least,
        maximum_charge_e11=chance.choice([None, least, 2**63 - 1]),
    )
    if row.tiers:
        tiers = [TierRow(edge, figure(chance), 60, figure(chance)) for edge in (0, *edges(chance))]
        return replace(priced, tiers=tuple(tiers))
    if row.kind is RateKind.STANDARD:
        steps = [
            RateStep(edge, figure(chance), chance.choice([1, 7, 60]), chance.choice([None, 6]))
            for edge in edges(chance)
        ]
        return replace(priced, steps=tuple(steps))
    return priced


def bucket_of(chance: Random, row: BucketTypeRow) -> BucketTypeRow:
    """Give another allowance for what a bucket is of."""
    return replace(
        row,
        quantity=figure(chance) or 1,
        flat_e11=0 if row.size_by else figure(chance),
        thresholds=tuple(sorted({chance.randrange(1, 101) for _ in range(3)})),
        rollover_max=chance.choice([None, figure(chance)]) if row.rollover else None,
        prorated=chance.random() < 0.5,
        locations=chance.choice([None, (), ("EU",)]),
        tiers=() if row.size_by else tuple(BucketTier(edge) for edge in edges(chance)),
    )


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=20), max_size=4))
def test_what_a_condition_asks_for_survives_the_journey(values: list[str]) -> None:
    """Even text of another script, with quotes and backslashes."""
    condition = ConditionRow("field", Operator.IN, tuple(values) or ("x",), negated=True)
    group = replace(FULL.rows.rate_groups[0], conditions=(condition,))
    rows = replace(FULL.rows, rate_groups=(group, *FULL.rows.rate_groups[1:]))
    catalogue = replace(FULL, rows=rows)
    assert read(dump(catalogue)) == catalogue


def test_days_of_a_country_are_looked_up_and_written_as_days() -> None:
    """Holidays named by country become days when the catalogue is read; a dump needs no look-up."""

    def holidays(country: str, subdivision: str | None, year: int) -> list[date]:
        if country != "GB":
            raise ValueError(f"no holidays are known of {country}")
        shift = timedelta(days=1 if subdivision == "SCT" else 0)
        return [date(year, 1, 1) + shift]

    text = (HERE / "full.toml").read_text("utf-8")
    days = "days = [2026-12-25, 2026-12-28]"
    by_country = text.replace(
        days, 'country = "GB"\nsubdivision = "SCT"\nyears = [2027, 2026]\ndays = [2026-05-01]'
    )
    found = read(by_country, holidays)
    assert isinstance(found, Catalogue), found
    assert found.rows.calendars[0].days == (date(2026, 1, 2), date(2026, 5, 1), date(2027, 1, 2))
    assert read(dump(found)) == found
    assert read(by_country.replace('"GB"\nsub', '"XX"\nsub'), holidays) == (
        "calendar[1].country: no holidays are known of XX",
    )
    assert read(by_country) == (
        "calendar[1].country: can't be looked up here; list the days: days = [2026-12-25]",
    )
