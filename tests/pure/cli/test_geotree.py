"""The tree of the world's numbers: every kind of number is found where its country says it is."""

import csv
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from bmu.billing.catalogue import Catalogue, read_parts
from bmuid.cli.geotree import main

KINDS = {
    PhoneNumberType.FIXED_LINE: "FIXED",
    PhoneNumberType.MOBILE: "MOBILE",
    PhoneNumberType.TOLL_FREE: "TOLL-FREE",
    PhoneNumberType.PREMIUM_RATE: "PREMIUM",
    PhoneNumberType.VOIP: "VOIP",
}
OFFLINE = Path(__file__).parents[3] / "examples/offline"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give the tables of the whole tree."""
    directory = tmp_path_factory.mktemp("world") / "tree"
    assert main(["world", "--directory", str(directory)]) == 0
    return {path.name: path.read_text("utf-8") for path in directory.iterdir()}


@pytest.fixture(scope="module")
def above(tables: dict[str, str]) -> dict[str, str]:
    """Give by location the one above."""
    rows = csv.DictReader(tables["locations-world.csv"].splitlines())
    return {row["code"]: row["parent"] for row in rows}


@pytest.fixture(scope="module")
def places(tables: dict[str, str]) -> dict[str, str]:
    """Give by prefix its location."""
    rows = csv.DictReader(tables["patterns-world.csv"].splitlines())
    return {row["code"]: row["location"] for row in rows}


def lineage(number: str, places: dict[str, str], above: dict[str, str]) -> list[str]:
    """Give where a number is, and all above that."""
    place = next((places[number[:n]] for n in range(15, 0, -1) if number[:n] in places), "")
    found = []
    while place:
        found.append(place)
        place = above[place]
    return found


def test_the_library_s_own_examples_are_found(
    places: dict[str, str], above: dict[str, str]
) -> None:
    """Of countries with a calling code of their own, nearly every example is of its country and its kind."""
    right, wrong = 0, []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        code = phonenumbers.country_code_for_region(region)
        if len(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]) > 1:
            continue
        for kind, word in KINDS.items():
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            number = phonenumbers.format_number(example, PhoneNumberFormat.E164)[1:]
            if f"{region}-{word}" in lineage(number, places, above):
                right += 1
            else:
                wrong.append(number)
    assert right > 600
    assert len(wrong) < right // 20, wrong


@pytest.mark.parametrize(
    ("number", "place"),
    [
        ("447400123456", "GB-MOBILE"),
        ("442079460123", "GB-FIXED.London"),
        ("447781123456", "GG-MOBILE.Sure"),
        ("12042345678", "CA"),
        ("18002345678", "US-TOLL-FREE"),
        ("33612345678", "FR-MOBILE"),
        ("77012345678", "KZ-MOBILE"),
        ("88161234567", "X881"),
        ("3531234567", "IE-FIXED"),
    ],
)
def test_well_known_numbers_are_where_they_are(
    number: str, place: str, places: dict[str, str], above: dict[str, str]
) -> None:
    """Countries that share a calling code are told apart, too."""
    assert place in lineage(number, places, above)


def test_the_tree_is_part_of_a_catalogue(tables: dict[str, str]) -> None:
    """Put beside prices it is read without a fault."""
    parts = {path.name: path.read_text("utf-8") for path in (OFFLINE / "catalogue").iterdir()}
    del parts["locations.csv"], parts["patterns.csv"]
    parts["rates.csv"] = "group,class,location,type,price,per\nALWAYS,voice,FR,STANDARD,0.1,min\n"
    parts["catalogue.toml"] = parts["catalogue.toml"].replace(
        'locations = ["UK"]', 'locations = ["GB"]'
    )
    found = read_parts({**parts, **tables})
    assert isinstance(found, Catalogue), found[:5]
    assert len(found.rows.location_patterns) > 250_000


def test_levels_may_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Who sells by country and kind alone gets a small tree in one table."""
    assert main(["world", "--without", "region", "--without", "operator"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "code,name,parent,kind,patterns"
    assert "GB,United Kingdom,,country,44" in lines
    assert {row["kind"] for row in csv.DictReader(lines)}.isdisjoint({"region", "operator"})
