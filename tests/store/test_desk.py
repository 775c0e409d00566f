"""What a clerk is told at the desk: slips are noticed, what is short is listed, what an account rates by is shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import Asking
from conftest import Database
from offices import Office, opened
from usage_world import call

from bmuid.operations.registry import Role


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Iterator[Office]:
    """Give the office of the small company."""
    with opened(database, tmp_path) as made:
        yield made


@pytest.fixture
def asking(office: Office) -> Asking:
    """Give one who asks at the admin door."""
    return Asking(office.database)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"reason": "NO_RAET"}, "reason: nothing waits for NO_RAET; see `bmadmin suspense list`"),
        ({"source": "pbxx"}, "source: there is no source pbxx; see `bmadmin source list`"),
        ({"since": "2026-08-02", "until": "2026-08-02"}, "until: must lie after since"),
    ],
)
def test_a_retry_that_can_mean_no_line_is_refused(
    asking: Asking, texts: dict[str, str], said: str
) -> None:
    """A slip of the pen in a filter is told at once, and no job is made of it."""
    refused = asking.staff("suspense_retry", role=Role.CLERK, **texts)

    assert (refused.code, refused.body["text"]) == ("BAD_ARGUMENT", said)
    assert asking.staff("suspense_jobs").body["jobs"] == []


def test_a_type_that_nothing_has_is_asked_about(asking: Asking) -> None:
    """`phne` is no type of identifiers that anything has; what is new indeed is taken when that is said, and known from then on."""
    slip = {"type": "phne", "value": "447700900999", "account": "A1"}
    said = asking.staff("uid_assign", **slip).body["text"]
    assert said.startswith("type: nothing has the type phne yet, there are ")
    assert "phone" in said

    assert asking.staff("uid_assign", **slip, new_type="yes").done
    assert asking.staff("uid_assign", type="phne", value="447700900998", account="A2").done


def test_services_short_of_identifiers_are_listed(office: Office, asking: Asking) -> None:
    """Who has fewer numbers than the package says is named, with how many are missing, part by part."""
    office.as_owner("UPDATE package SET until = 2 WHERE false; ALTER TABLE package DISABLE TRIGGER package_versions;"
        "UPDATE package SET uids = 2; ALTER TABLE package ENABLE TRIGGER package_versions")  # fmt: skip
    asking.staff("uid_assign", type="phone", value="447700900999", account="A1")

    first = asking.staff("uid_short", role=Role.AUDITOR, limit="2").body
    assert [(one["account"], one["package"], one["uids"], one["wanted"]) for one in first["services"]] == [
        ("A2", "PACKAGE", 1, 2), ("A3", "PACKAGE", 1, 2),
    ]  # fmt: skip
    rest = asking.staff("uid_short", after=str(first["after"])).body
    assert [one["account"] for one in rest["services"]] == [f"A{n}" for n in range(4, 10)]
    assert rest["after"] is None


def test_an_account_shows_what_it_rates_by(asking: Asking) -> None:
    """Plan, category, who pays, exemptions: as they were set; nothing where nothing was."""
    plain = asking.staff("account_show", number="A1").body["terms"]
    asking.staff("account_set", number="A1", rate_plan="PLAN", category="business", usage_invoicer="A2", attributes="segment=gold")  # fmt: skip
    asking.staff("account_exempt", number="A1", certificate="EX-7", tax="VAT")

    assert plain == {
        "parent": None, "rate_plan": None, "inherits_plan": False, "category": None, "state": None, "usage_invoicer": None,
        "attributes": [], "exemptions": [],
    }  # fmt: skip
    assert asking.staff("account_show", number="A1").body["terms"] == {
        "parent": None, "rate_plan": "PLAN", "inherits_plan": False, "category": "business", "state": None, "usage_invoicer": "A2",
        "attributes": ["segment=gold"],
        "exemptions": [{"certificate": "EX-7", "tax": "VAT", "from": None, "to": None}],
    }  # fmt: skip


def test_a_finished_simulation_is_done(office: Office, asking: Asking) -> None:
    """A simulation waits for nothing more once it is computed, so it says so."""
    office.hand_in("a.csv", [call("1.1", 1)])
    asked = asking.staff("simulation_run", packages="PACKAGE", from_="2026-08-01", to="2026-09-01", accounts="A1").body  # fmt: skip
    assert asked["simulation"]["state"] == "NEW"
    office.rate()

    assert asking.staff("simulation_show", id="1").body["simulation"]["state"] == "DONE"
    assert [one["state"] for one in asking.staff("simulation_list").body["plans"]] == ["DONE"]


def test_a_log_line_says_what_to_type(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Lines that can't be read are warned of with the command that shows them, of that very file."""
    office.hand_in("a.csv", ["bad", call("1.1", 1)])

    assert "see `bmadmin file rejects 1 --explain`" in caplog.text
