"""What of accounts and services decides prices: written in a document or set, and rated by from then on."""

from contextlib import closing
from datetime import date

import pytest
from asking import Asking
from conftest import ROOT, Database

from bmu.rating import Exemption, Terms
from bmuid.store import owners, reference, revisions

FULL = (ROOT / "tests/pure/billing/full.toml").read_text(encoding="utf-8")
ACCOUNTS = """
[[account]]
number = "SHOP"
name = "One of many shops"
parent = "CHAIN"
usage_invoicer = "BANK"
inherits_plan = true
category = "retail"
state = "SCT"
attributes = { segment = "gold" }
exemption = [{ certificate = "C-1", tax = "VAT", from = 2026-01-01 }]
[[account.service]]
package = "HOME"
from = 2026-01-01
rate_plan = "LAST"
price_plan = "AGREED"
attributes = { sim = "esim" }
uids = [{ type = "phone", value = "441" }]

[[account]]
number = "CHAIN"
name = "A chain of shops"
rate_plan = "P"

[[account]]
number = "BANK"
name = "Who pays"
rate_plan = "LAST"

[[account]]
number = "PLAIN"
name = "Nothing special"
[[account.service]]
package = "HOME"
from = 2026-01-01
uids = [{ type = "phone", value = "442" }]
"""


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at a database with a catalogue."""
    asking = Asking(database)
    loaded = asking.staff("catalogue_load", document=FULL)
    assert loaded.done, loaded.body
    return asking


def terms_of(asking: Asking, uid: str, revision: int | None = None) -> Terms:
    """Give the terms that a telephone is rated on."""
    with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
        at = revision or revisions.newest(txn)
        [found] = [row.terms for row in owners.at(txn, at) if row.value == uid]
        return found


def test_a_service_is_rated_on_all_that_the_document_says(asking: Asking) -> None:
    """Agreed prices, the plan of the chain, who pays, and what conditions and taxes ask for."""
    loaded = asking.staff("accounts_load", document=ACCOUNTS)

    assert loaded.done, loaded.body
    assert terms_of(asking, "441") == Terms(
        package="HOME",
        currency="GBP",
        zone="Europe/London",
        price_plan="AGREED",
        account_rate_plan="LAST",
        own_rate_plan="P",
        invoicer_rate_plan="LAST",
        country="GB",
        state="SCT",
        category="retail",
        exemptions=(Exemption("C-1", "VAT", date(2026, 1, 1)),),
        attributes=(("account.segment", "gold"), ("service.sim", "esim")),
    )
    assert terms_of(asking, "442") == Terms("HOME", "GBP", "Europe/London", country="GB")
    assert asking.staff("accounts_load", document=ACCOUNTS).body["added"]["accounts"] == 0


def test_what_is_set_holds_for_usage_rated_from_then_on(asking: Asking) -> None:
    """A changed segment makes a revision, so that what was rated before stays explained."""
    asking.staff("accounts_load", document=ACCOUNTS)
    before = terms_of(asking, "441")
    shop = asking.staff("account_set", number="SHOP", attributes="segment=silver", category="-")
    exempt = asking.staff("account_exempt", number="PLAIN", certificate="C-2")
    [(service,)] = asking.sql(
        "SELECT s.id FROM account_service AS s JOIN account AS a ON a.id = s.account_id WHERE a.number = 'PLAIN'"
    )
    plain = asking.staff("service_set", account="PLAIN", service=str(service), price_plan="AGREED")

    assert shop.body["category"] is None
    assert exempt.done, exempt.body
    assert plain.body["price_plan"] == "AGREED"
    changed = before._replace(
        category=None, attributes=(("account.segment", "silver"), ("service.sim", "esim"))
    )
    assert terms_of(asking, "441") == changed
    assert terms_of(asking, "441", shop.body["revision"] - 1) == before
    assert terms_of(asking, "442").price_plan == "AGREED"
    assert terms_of(asking, "442").exemptions == (Exemption("C-2"),)


@pytest.mark.parametrize("number", ["SHOP", "CHAIN", "BANK"])
def test_what_its_payer_and_those_above_agree_touches_its_usage(
    asking: Asking, number: str
) -> None:
    """Usage is looked at anew when it is rated again, whoever's plan has changed: its own, the chain's, or the bank's."""
    asking.staff("accounts_load", document=ACCOUNTS)
    changed = asking.staff("account_set", number=number, rate_plan="P", attributes="a=b").body
    ids = dict(asking.sql("SELECT number, id FROM account"))
    with closing(asking.database.connect("bmuid")) as connection, connection.cursor() as txn:
        found = reference.owners_revisions(txn, [ids["SHOP"], ids["PLAIN"]])

    assert found[ids["SHOP"]] == changed["revision"]
    assert found[ids["PLAIN"]] < changed["revision"]


@pytest.mark.parametrize(
    ("was", "now", "fault"),
    [
        (
            'parent = "CHAIN"',
            'parent = "NOBODY"',
            "account SHOP: its parent NOBODY is no other account",
        ),
        ('rate_plan = "P"', 'parent = "SHOP"', "account SHOP: would lie above itself"),
        (
            'price_plan = "AGREED"',
            'price_plan = "AGREEDS"',
            "account SHOP: there is no price plan AGREEDS",
        ),
        ('tax = "VAT"', 'tax = "VAX"', "account SHOP: there is no tax VAX"),
        (
            'name = "Who pays"',
            'name = "Who pays"\ncurrency = "EUR"',
            "account SHOP: its usage_invoicer BANK is billed in EUR, not GBP",
        ),
    ],
)
def test_what_is_not_there_is_refused(asking: Asking, was: str, now: str, fault: str) -> None:
    """A slip in a code is told before anybody is rated by it."""
    refused = asking.staff("accounts_load", document=ACCOUNTS.replace(was, now))

    assert refused.code == "BAD_DOCUMENT"
    assert fault in refused.body["text"].splitlines()


def test_other_terms_of_an_account_that_is_there_are_refused(asking: Asking) -> None:
    """Loading again never changes silently what somebody set."""
    asking.staff("accounts_load", document=ACCOUNTS)
    refused = asking.staff("accounts_load", document=ACCOUNTS.replace('"gold"', '"silver"'))

    assert refused.body["text"] == "account SHOP: it has other terms; see account set"


def test_usage_is_not_paid_for_in_another_currency(asking: Asking) -> None:
    """Amounts of two currencies would meet in one price: who would pay them is refused, and what to do is said."""
    abroad = ACCOUNTS + '[[account]]\nnumber = "ABROAD"\nname = "Abroad"\ncurrency = "EUR"\n'
    assert asking.staff("accounts_load", document=abroad).done

    refused = asking.staff("account_set", number="PLAIN", usage_invoicer="ABROAD")

    assert refused.body["text"] == (
        "usage_invoicer: ABROAD is billed in EUR, PLAIN in GBP; name one of the same currency"
    )
