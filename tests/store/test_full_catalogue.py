"""Every field of every table of the catalogue, through the database and back."""

import json
from contextlib import closing

import pytest
from asking import Asking
from conftest import ROOT, Database

from bmu.billing.catalogue import Catalogue, dump, dump_parts, read
from bmuid.store import companies, revisions, tariffs

FULL = (ROOT / "tests/pure/billing/full.toml").read_text(encoding="utf-8")


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at an empty database."""
    return Asking(database)


def kept(asking: Asking) -> Catalogue:
    """Give what the database holds now."""
    with closing(asking.database.connect("bmuid_admin")) as connection, connection.cursor() as txn:
        company = companies.company(txn)
        assert company is not None
        return Catalogue(company, tariffs.rows_at(txn, revisions.newest(txn)))


def test_every_field_comes_back_as_it_was_written(asking: Asking) -> None:
    """What I wrote into my catalogue, whatever it was, is what is kept."""
    wanted = read(FULL)
    assert isinstance(wanted, Catalogue), wanted
    loaded = asking.staff("catalogue_load", document=FULL)

    assert loaded.done, loaded.body
    assert dump(kept(asking)) == dump(wanted)
    assert asking.staff("catalogue_load", document=FULL).body["changes"] == []


def test_a_dump_is_the_catalogue(asking: Asking) -> None:
    """What I take out I can put in again, here or elsewhere, and nothing changes; so with each earlier revision."""
    asking.staff("catalogue_load", document=FULL)
    asking.staff("catalogue_load", document=FULL.replace('rounding = "HALF_EVEN"', "", 1))
    first, last = asking.staff("catalogue_dump", revision="1"), asking.staff("catalogue_dump")

    assert asking.staff("catalogue_load", document=last.body["document"]).body["changes"] == []
    assert asking.staff("catalogue_load", document=first.body["document"]).body["changes"] == [
        {"table": "company", "added": 0, "changed": 1, "ended": 0, "codes": []}
    ]
    assert asking.staff("catalogue_dump").body == first.body
    wanted = read(FULL)
    assert isinstance(wanted, Catalogue), wanted
    assert first.body["document"] == dump(wanted)


def test_a_directory_of_parts_is_loaded_as_one(asking: Asking) -> None:
    """Large tables may stand in files of their own, and a mistake in one is told with its file and line."""
    wanted = read(FULL)
    assert isinstance(wanted, Catalogue), wanted
    parts = dump_parts(wanted)
    loaded = asking.staff("catalogue_load", document=json.dumps(parts))
    name = next(name for name in parts if name.startswith("rates"))
    broken = asking.staff(
        "catalogue_load", document=json.dumps(parts | {name: parts[name] + "nothing\n"})
    )

    assert loaded.done, loaded.body
    assert dump(kept(asking)) == dump(wanted)
    assert broken.code == "BAD_DOCUMENT"
    assert f"{name}:" in broken.body["text"]


def test_the_rows_of_a_table_are_shown_as_they_are_written(asking: Asking) -> None:
    """I can look one rate up without reading the whole document."""
    asking.staff("catalogue_load", document=FULL)
    shown = asking.staff("catalogue_show").body
    rows = asking.staff("catalogue_rows", table="location", code="FR").body["document"]

    assert {one["table"]: one["rows"] for one in shown["tables"]}["location"] == 3
    assert rows == '[[location]]\ncode = "FR"\nname = "France"\nparent = "EU"\nkind = "country"\n'
    assert not asking.staff("catalogue_rows", table="rate", code="NONE").done


def test_a_deck_changes_the_prices_of_its_group(asking: Asking) -> None:
    """An operator's new prices are previewed, then put in force; those of other groups stay."""
    asking.staff(
        "catalogue_load", document=(ROOT / "examples/demo/catalogue.toml").read_text("utf-8")
    )
    deck = "prefix,name,price\n33,France,0.0123\n"
    where = {"document": deck, "group": "BUS-INTL", "usage_class": "voice", "keep": "yes"}
    previewed = asking.staff("deck_preview", **where).body
    before = asking.staff("catalogue_dump").body
    loaded = asking.staff("deck_load", **where)

    assert [(one["prefix"], one["is"]) for one in previewed["prices"]] == [("33", "0.0123")]
    assert loaded.done, loaded.body
    assert asking.staff("catalogue_dump", revision="1").body == before
    assert [one["table"] for one in loaded.body["changes"]] == ["rate"]
    again = asking.staff("deck_preview", **where).body
    assert again["prices"] == []
    assert again["unchanged"] == 1


def test_all_that_may_be_written_is_sold(asking: Asking) -> None:
    """Share plans, sizes by usage and passes that begin with their first use included."""
    assert asking.staff("catalogue_load", document=FULL).done
    asking.staff("account_add", number="A1", name="Ada", currency="GBP")

    for package in ("HOME", "BARE"):
        sold = asking.staff("service_add", account="A1", package=package, **{"from": "2026-01-01"})
        assert sold.done, sold.body
