"""Usage whose taxes an outside service says: charged, kept, billed, tried again and rated again by what it says."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import usage_world as world
from again import FROM, holds, planned, rerated
from asking import Asking
from conftest import Database
from offices import Office, opened
from plugged import installed
from usage_world import AWAY, HOME, number_of

from bmu.rating import explain, is_in_order
from bmuid import billrun
from bmuid.gateways.tax import open_tax_service
from bmuid.operations import single_events, tax_service
from bmuid.store import accounts, evidence
from bmuid.store.customer_usage import ChargeKey

# What a site may install: rates by where a call went to, from a file that somebody keeps up to date.
PROGRAM = """
import json
from pathlib import Path
from bmu.rating import TaxAnswer, TaxDue

def open_rates(settings):
    rates = json.loads(Path(settings["rates"]).read_text())
    def ask(request):
        found = rates[request.location if request.usage_class else request.package]
        return None if found is None else TaxAnswer(tuple(TaxDue(*each) for each in found))
    return ask
"""
PROJECT = """
[project]
name = "site-taxes"
version = "1"
[project.entry-points."bmuid.tax_service"]
site-taxes = "site_taxes:open_rates"
[tool.setuptools]
py-modules = ["site_taxes"]
"""
BOTH = [["VAT", 50_000], ["CITY", 12_500]]
CALLS = [world.call("1.1", 1, AWAY, 60), world.call("1.2", 2, HOME, 900)]


class Site:
    """A company with a second tax, whose rates the service reads from a file."""

    def __init__(self, office: Office, file: Path) -> None:
        self.office, self.file = office, file
        self.asking = Asking(office.database)
        office.as_owner(
            "INSERT INTO tax (code, name, rate_ppm, valid, compound, since)"
            " VALUES ('CITY', 'City', 0, '(,)', true, 1)"
        )

    def says(self, **rates: object) -> None:
        """Start the workers and the door with a service that says this by location, and nothing of others."""
        self.file.write_text(
            json.dumps({place[1:]: said for place, said in rates.items()}), "utf-8"
        )
        self.office.taxed_by = open_tax_service("site-taxes", [("rates", str(self.file))])
        single_events.ask(self.office.taxed_by)

    def bill(self) -> None:
        """Order a bill run for August, and carry it out."""
        self.office.as_owner(
            "INSERT INTO bill_run (as_of, actor) VALUES ('2026-09-01', 'test');"
            "UPDATE account_service SET during = '[2026-07-31T23:00Z,)'"
        )
        while billrun.step(self.office.connection, self.asking.now, self.office.taxed_by):
            pass

    def taxes(self) -> list[tuple[object, ...]]:
        """Give account, amount and tax of each charge, in units of 10^-4."""
        return self.office.all(
            "SELECT account_id, (amount_e11 / 1e7)::int, (tax_e11 / 1e7)::int FROM charge ORDER BY 1, started_at, version"
        )


@pytest.fixture
def site(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Give a site that has installed a program of its own."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "pyproject.toml").write_text(PROJECT, "utf-8")
    (source / "site_taxes.py").write_text(PROGRAM, "utf-8")
    monkeypatch.syspath_prepend(installed(tmp_path, source))
    with opened(database, tmp_path) as office:
        yield Site(office, tmp_path / "rates.json")
    single_events.ask(None)


def test_a_file_is_taxed_by_what_the_service_says(site: Site) -> None:
    """0.60 abroad: 5 % and 1.25 % of 0.63; 0.30 at home: the catalogue's 20 %, since the service leaves it to that."""
    site.says(_33=BOTH, _44=None)
    assert site.office.hand_in("a.csv", CALLS)["new"] == 2
    assert site.taxes() == [(1, 6000, 379), (2, 3000, 600)]
    assert site.office.all(
        "SELECT tax_e11, detail -> 'taxes' -> 4 FROM charge WHERE account_id = 1"
    ) == [(3_787_500_000, "site-taxes")]


def test_a_charge_explains_itself_without_the_service(site: Site) -> None:
    """Whoever looks into it later needs no service: rates, bases and amounts are kept, and computed again."""
    site.says(_33=BOTH)
    site.office.hand_in("a.csv", CALLS[:1])
    [(started_at, udr_id)] = site.office.all("SELECT started_at, udr_id FROM charge")
    with site.office.connection, site.office.connection.cursor() as txn:
        account = accounts.by_number(txn, "A1")
        assert account is not None
        charge = evidence.charged(txn, account.id, ChargeKey(started_at, udr_id, 1))
        assert charge is not None
        found = evidence.evidence(txn, account, charge)
    assert is_in_order(found)
    [step] = [each for each in explain(found) if each.title == "Tax"]
    assert 'The tax service "site-taxes" says which taxes hold.' in step.text
    assert "City: 1.25 % of GBP 0.63" in step.text.replace("0.63 GBP", "GBP 0.63")


def test_what_the_service_can_t_say_waits_and_is_tried_again(site: Site) -> None:
    """The call waits with a reason of its own and draws nothing; asked again, it is charged with the right tax."""
    site.says(_33=BOTH)
    assert site.office.hand_in("a.csv", CALLS) == {
        "new": 1, "duplicate": 0, "suspended": 1, "rejected": 0}  # fmt: skip
    [(reason, said)] = site.office.all("SELECT reason, detail FROM verdict")
    assert (reason, said) == ("TAX_SERVICE", "tax service site-taxes: KeyError: '44'")
    assert site.office.balances()[2] == world.ALLOWANCE

    site.says(_33=BOTH, _44=[["VAT", 10_000]])
    assert site.asking.staff("suspense_retry", reason="TAX_SERVICE").done
    site.office.rate()
    assert site.taxes() == [(1, 6000, 379), (2, 3000, 30)]
    assert site.office.balances()[2] == 0


def test_what_waits_for_the_service_is_tried_again_by_itself(site: Site) -> None:
    """Not at once, and later each time that it is in vain; the staff sees each trial, and by whom."""
    site.says(_33=BOTH)
    site.office.hand_in("a.csv", CALLS)
    site.office.rate()
    assert site.asking.staff("suspense_jobs").body["jobs"] == []

    for _ in range(3):
        site.office.as_owner(
            "SET LOCAL session_replication_role = replica;"
            "UPDATE verdict SET at = at - interval '61 seconds';"
            "UPDATE suspense_job SET done_at = done_at - interval '61 seconds'"
        )
        site.office.rate()
    jobs = site.asking.staff("suspense_jobs").body["jobs"]
    assert [(one["actor"], one["tried"], one["resolved"]) for one in jobs] == [
        ("retry of taxes", 1, 0),
        ("retry of taxes", 1, 0),
    ]

    site.says(_33=BOTH, _44=[["VAT", 10_000]])
    site.office.as_owner(
        "SET LOCAL session_replication_role = replica;"
        "UPDATE suspense_job SET done_at = done_at - interval '241 seconds'"
    )
    site.office.rate()
    assert site.taxes() == [(1, 6000, 379), (2, 3000, 30)]


def test_which_service_is_in_use_is_told(site: Site) -> None:
    """Its name, and the version of the package that it came with."""
    assert site.asking.staff("tax_service_show").body["service"] is None
    site.says(_33=BOTH)
    tax_service.use(site.office.taxed_by)
    try:
        told = site.asking.staff("tax_service_show").body
    finally:
        tax_service.use(None)
    assert told == {
        "service": "site-taxes",
        "package": "site-taxes 1",
        "installed": "site-taxes 1",
        "away": False,
    }


def test_single_events_are_taxed_the_same(site: Site) -> None:
    """Quoted or charged one by one, a call has the taxes that it has from a file."""
    site.says(_33=BOTH)
    told = {
        "source": world.SOURCE, "class": "voice", "uid": number_of(1), "started_at": "2026-08-03T11:00:00Z",
        "quantity": "60", "destination": AWAY,
    }  # fmt: skip
    for name in ("usage_quote", "usage_rate"):
        body = site.asking.staff(name, event="e1", **told).body
        assert (body["amount"], body["tax"]) == ("0.6", "0.037875"), body
    body = site.asking.staff("usage_rate", event="e2", **{**told, "destination": HOME}).body
    assert (body["state"], body["reason"]) == ("SUSPENDED", "TAX_SERVICE")


def test_rating_again_asks_again(site: Site) -> None:
    """Nothing changes while the service says the same; its correction is seen, and charged."""
    site.says(_33=BOTH, _44=None)
    site.office.hand_in("a.csv", CALLS)
    same = planned(site.office, site.asking, from_=FROM)
    assert [one for one in same["accounts"] if one["changed"]] == []

    site.says(_33=[["VAT", 60_000]], _44=None)
    rerated(site.office, site.asking, from_=FROM)
    assert site.taxes() == [(1, 6000, 379), (1, 6000, 360), (2, 3000, 600)]
    assert holds(site.office)


def test_the_bill_has_the_rates_that_were_said(site: Site) -> None:
    """Each rate of a tax has its own line; what the service leaves to the catalogue has the catalogue's."""
    site.says(_33=BOTH, _44=None, _PACKAGE=None)
    site.office.hand_in("a.csv", [*CALLS[:1], world.call("1.3", 1, HOME, 900)])
    site.bill()
    assert site.office.all(
        "SELECT kind, description, amount_minor, tax_ppm, taxes FROM invoice_line AS l"
        " WHERE account_id = 1 AND invoice_id = (SELECT max(id) FROM invoice WHERE account_id = 1)"
        " ORDER BY line_no"
    ) == [
        ("RECURRING", "Package", 1000, 200_000, None),
        ("USAGE", "Calls, Away", 60, None, [["VAT", "VAT", 50_000, False, None], ["CITY", "City", 12_500, True, None]]),
        ("USAGE", "Calls, Home", 30, 200_000, None),
        ("TAX", "VAT", 206, 200_000, None),
        ("TAX", "VAT", 3, 50_000, None),
        ("TAX", "City", 1, 12_500, None),
    ]  # fmt: skip


def test_a_recurring_price_is_taxed_by_the_service_too(site: Site) -> None:
    """It is asked for the package's price as it is for usage; without an answer the account is billed by a later run."""
    site.says(_44=None)
    site.bill()
    assert site.office.all("SELECT count(*) FROM invoice") == [(0,)]

    site.says(_PACKAGE=[["VAT", 50_000], ["CITY", 10_000, "C-7"]])
    site.bill()
    assert site.office.all(
        "SELECT kind, description, amount_minor FROM invoice_line WHERE account_id = 1 ORDER BY line_no"
    ) == [
        ("RECURRING", "Package", 1000),
        ("TAX", "VAT", 50),
        ("TAX", "City: not owed, certificate C-7", 0),
    ]
