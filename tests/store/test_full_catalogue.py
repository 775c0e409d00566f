"""Every field of every table of the catalogue, through the database and back."""

from contextlib import closing

import pytest
from asking import Asking
from conftest import ROOT, Database

from bmu.billing.catalogue import Catalogue, dump, read
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
