"""The catalogue is loaded whole, as a revision; what was charged by an older one stays explained by it."""

from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from asking import Asking
from conftest import ROOT, Database

from bmu.billing.catalogue import Catalogue, read
from bmu.rating import TariffRows
from bmuid.operations.catalogue import _without
from bmuid.operations.registry import Role
from bmuid.store import revisions, tariffs

DEMO = Path(ROOT / "examples" / "demo")
HARBOUR = (DEMO / "catalogue.toml").read_text(encoding="utf-8")
ACCOUNTS = (DEMO / "accounts.toml").read_text(encoding="utf-8")
# Another price, one kind of allowance less, a location more, and a package under a new code.
CHANGED = (
    HARBOUR.replace('price = "0.0095"', 'price = "0.0096"')
    .replace('code = "PAYT"', 'code = "PAYG"')
    .replace(
        "# Where calls go: regions.",
        '[[location]]\ncode = "UK-NEW"\nname = "New"\npatterns = ["4499"]',
    )
)


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at an empty database."""
    return Asking(database)


def in_force(asking: Asking) -> tuple[int, TariffRows]:
    """Give the newest revision and its rows."""
    with closing(asking.database.connect("bmuid_admin")) as connection, connection.cursor() as txn:
        revision = revisions.newest(txn)
        return revision, tariffs.rows_at(txn, revision)


def same(rows: TariffRows, document: str) -> bool:
    """Tell whether the rows are those of the document, whatever their ids."""
    wanted = read(document)
    assert isinstance(wanted, Catalogue), wanted
    return _without(rows, wanted.rows) == _without(wanted.rows, rows) == TariffRows()


def test_what_is_loaded_is_what_the_document_says(asking: Asking) -> None:
    """Each row of the document is in force after loading it, and no other."""
    loaded = asking.staff("catalogue_load", document=HARBOUR)
    revision, rows = in_force(asking)

    assert loaded.body["revision"] == revision == 1
    assert same(rows, HARBOUR)
    assert {one["table"]: one["added"] for one in loaded.body["changes"]} == {
        "usage_class": 3,
        "location": 91,
        "location_pattern": 266,
        "time_period": 2,
        "rounding": 3,
        "rate_plan": 2,
        "rate_group": 11,
        "rate": 194,
        "bucket_type": 2,
        "tax": 1,
        "package": 3,
    }
    assert asking.staff("company_show").body == {
        "name": "Harbour Telecom Ltd",
        "currency": "GBP",
        "time_zone": "Europe/London",
        "country": "GB",
        "rate_plan": None,
        "places": None,
        "rounding_mode": None,
    }


def test_the_same_document_again_changes_nothing(asking: Asking) -> None:
    """Loading twice, by mistake or from a script, makes no new revision."""
    asking.staff("catalogue_load", document=HARBOUR)
    again = asking.staff("catalogue_load", document=HARBOUR)

    assert again.body == {"revision": 1, "changes": []}
    assert asking.sql("SELECT count(*) FROM revision") == [(1,)]


def test_there_and_back_again(asking: Asking) -> None:
    """A change taken back leaves the catalogue as it was, and each revision still says what held then."""
    for document in (HARBOUR, CHANGED, HARBOUR):
        assert asking.staff("catalogue_load", document=document).done
    with closing(asking.database.connect("bmuid_admin")) as connection, connection.cursor() as txn:
        rows = [tariffs.rows_at(txn, revision) for revision in (1, 2, 3)]

    assert [same(each, HARBOUR) for each in rows] == [True, False, True]
    assert same(rows[1], CHANGED)
    assert len(asking.sql("SELECT 1 FROM rate WHERE code = 'BUS-INTL/voice/FR'")) == 3


def test_a_check_tells_the_changes_and_makes_none(asking: Asking) -> None:
    """Before I load a new price list I can see what it would change, code by code."""
    asking.staff("catalogue_load", document=HARBOUR)
    checked = asking.staff("catalogue_check", role=Role.AUDITOR, document=CHANGED)
    revision, rows = in_force(asking)

    assert checked.body == {
        "revision": 1,
        "changes": [
            {"table": "location", "added": 1, "changed": 0, "ended": 0, "codes": ["UK-NEW"]},
            {"table": "location_pattern", "added": 1, "changed": 0, "ended": 0, "codes": ["4499"]},
            {
                "table": "rate",
                "added": 0,
                "changed": 2,
                "ended": 0,
                "codes": ["BUS-INTL/voice/DE", "BUS-INTL/voice/FR"],
            },
            {"table": "package", "added": 1, "changed": 0, "ended": 1, "codes": ["PAYG", "PAYT"]},
        ],
        "rows": checked.body["rows"],
    }
    assert [(one["code"], one["change"]) for one in checked.body["rows"]] == [
        ("UK-NEW", "ADDED"),
        ("4499", "ADDED"),
        ("BUS-INTL/voice/DE", "CHANGED"),
        ("BUS-INTL/voice/FR", "CHANGED"),
        ("PAYG", "ADDED"),
        ("PAYT", "ENDED"),
    ]
    assert checked.body["rows"][1]["what"] == "location: UK-NEW"
    assert checked.body["rows"][2]["what"] == "price: 0.0095 -> 0.0096"
    assert (revision, same(rows, HARBOUR)) == (1, True)


def test_all_faults_are_told_at_once_and_nothing_is_half_done(asking: Asking) -> None:
    """Three mistakes in the document: I hear of all three, and the catalogue in force is untouched."""
    asking.staff("catalogue_load", document=HARBOUR)
    broken = (
        HARBOUR.replace('price = "0.0095"', 'price = "cheap"', 1)
        .replace('rate_plan = "BUS"', 'rate_plan = "BIZ"')
        .replace('parent = "EUROPE"', 'parent = "EUROPA"', 1)
    )
    refused = asking.staff("catalogue_load", document=broken)
    revision, rows = in_force(asking)

    assert refused.code == "BAD_DOCUMENT"
    assert len(refused.body["text"].splitlines()) == 3, refused.body["text"]
    assert (revision, same(rows, HARBOUR)) == (1, True)


def test_a_package_that_customers_have_can_not_go(asking: Asking) -> None:
    """Nobody's calls lose their price because a package was taken out of the list too early."""
    asking.staff("catalogue_load", document=HARBOUR)
    asking.staff("accounts_load", document=ACCOUNTS)
    refused = asking.staff("catalogue_load", document=CHANGED)

    assert refused.body == {
        "code": "BAD_DOCUMENT",
        "text": "package: accounts have the package PAYT, so it must stay",
    }


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('"GBP"', '"EUR"', "company.currency: is GBP and can't change"),
        (
            '[company]\nname = "Harbour Telecom Ltd"\ncurrency = "GBP"\ntime_zone = "Europe/London"',
            '[company]\nname = "Harbour Telecom Ltd"\ncurrency = "GBP"\ntime_zone = "Europe/Paris"',
            "company.time_zone: is Europe/London and can't change",
        ),
    ],
)
def test_what_charges_were_computed_by_stays(
    asking: Asking, old: str, new: str, text: str
) -> None:
    """The company's currency and time zone are set once: old charges are explained by them."""
    asking.staff("catalogue_load", document=HARBOUR)
    refused = asking.staff("catalogue_load", document=HARBOUR.replace(old, new))

    assert refused.body["text"] == text


def test_revisions_become_visible_in_their_order(asking: Asking) -> None:
    """While one clerk's change is on its way, another's waits; usage is never rated by a later one first."""
    with closing(asking.database.connect("bmuid_admin")) as first, first.cursor() as txn:
        revisions.lock(txn)
        revisions.add(txn, "first", "test")
        with closing(asking.database.connect("bmuid_admin")) as second, second.cursor() as other:
            other.execute("SET lock_timeout TO '50ms'")
            with pytest.raises(psycopg2.errors.LockNotAvailable):
                revisions.lock(other)


def test_a_row_in_force_is_only_ever_ended(asking: Asking) -> None:
    """Not even the admin door's own role can change a price that charges were made by."""
    asking.staff("catalogue_load", document=HARBOUR)
    for statement in (
        "UPDATE rate SET price_e11 = 1",
        "UPDATE rate SET until = NULL",
        "DELETE FROM rate",
        "UPDATE package SET until = 1",
    ):
        with (
            closing(asking.database.connect("bmuid_admin")) as connection,
            connection.cursor() as txn,
            pytest.raises((psycopg2.errors.InsufficientPrivilege, psycopg2.errors.CheckViolation)),
        ):
            txn.execute(statement)


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.CLERK])
def test_only_admins_change_prices(asking: Asking, role: Role) -> None:
    """A clerk or an auditor can look at prices, and the attempt to change them is on record."""
    assert asking.staff("catalogue_load", role=role, document=HARBOUR).code == "NOT_PERMITTED"
    entry = asking.staff("audit_list").body["entries"][0]
    assert (entry["operation"], entry["outcome"]) == ("catalogue_load", "NOT_PERMITTED")
