"""Plans that accounts have: they can't go, and a change of them is due for all who are rated by them."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from asking import Asking
from conftest import Database
from offices import Office
from rich_world import CATALOGUE, GB, NOON, Calls, found

TEAM = """
[[bucket]]
code = "POOL"
name = "Minutes of a team"
unit = "TIME"
classes = ["voice"]
quantity = 600
recurrence = "MONTH"
scope = "SHARE_PLAN"
[[share_plan]]
code = "TEAM"
name = "Team"
level = "ACCOUNT"
rank = 1
buckets = ["POOL"]
participants = [{ package = "LINE" }]
"""


@pytest.fixture
def asking(database: Database) -> Asking:
    """Give one who asks at the rich catalogue's company."""
    return found(Asking(database))


@pytest.fixture
def office(asking: Asking, tmp_path: Path) -> Iterator[Office]:
    """Give its workers, with a call of each of some lines charged."""
    calls = Calls()
    for line in (2, 8, 9):
        calls.call(line, GB, 60)
    with closing(asking.database.connect()) as connection:
        made = Office(asking.database, connection, Path(tempfile.mkdtemp(dir=tmp_path)), parts=1)
        assert made.hand_in("a.csv", calls.lines)["new"] == 3
        yield made


def due(asking: Asking) -> list[str | None]:
    """Give the accounts whose usage is due to be rated again, none: all."""
    return [each["account"] for each in asking.staff("rerate_due").body["due"]]


@pytest.mark.usefixtures("office")
def test_the_plan_of_an_account_is_that_of_those_below_it(asking: Asking) -> None:
    """The group's new plan is due for its branches, which inherit it, though the group itself has not used anything."""
    assert asking.staff("account_set", number="HOLDING", attributes="a=b").done
    assert due(asking) == []

    assert asking.staff("account_set", number="HOLDING", rate_plan="LAST").done
    assert due(asking) == ["BRANCH-1", "BRANCH-2"]


@pytest.mark.usefixtures("office")
def test_a_new_share_plan_is_nobodys(asking: Asking) -> None:
    """Nothing is due for it, also where companies of a group draw from minutes together."""
    assert asking.staff("catalogue_load", document=CATALOGUE + TEAM).done
    assert due(asking) == []


def test_a_plan_that_somebody_has_can_not_go(asking: Asking) -> None:
    """Named by an account, a service or its price plan, or shared: all of them are told at once, until nobody has them."""
    assert asking.staff("catalogue_load", document=CATALOGUE + TEAM).done
    assert asking.staff("share_plan_create", account="LINE", plan="TEAM", from_="2026-08-01").done
    assert asking.staff("share_plan_join", share="1", account="LINE", from_="2026-08-01").done
    assert asking.staff("account_set", number="LINE", rate_plan="OVER").done
    less = CATALOGUE.replace('"WHOLESALE"', '"WHOLE"').replace('"AGREED"', '"OTHER"')
    less = less.replace('"OVER"', '"BEYOND"')

    refused = asking.staff("catalogue_load", document=less).body
    assert refused["text"].splitlines() == [
        "price_plan: accounts have the price plan AGREED, so it must stay",
        "rate_plan: accounts have the rate plan OVER, so it must stay",
        "rate_plan: accounts have the rate plan WHOLESALE, so it must stay",
        "share_plan: accounts have the share plan TEAM, so it must stay",
    ]
    for account, operation in (("COST", "rate_plan"), ("AGREED", "price_plan")):
        service = shown(asking, account)["services"][0]["id"]
        cleared = {"account": account, "service": str(service), operation: "-"}
        assert asking.staff("service_set", **cleared).done
    assert asking.staff("account_set", number="LINE", rate_plan="-").done
    assert asking.staff("share_plan_leave", share="1", account="LINE", to="2026-08-02").done
    assert asking.staff("catalogue_load", document=less).done


def shown(asking: Asking, number: str) -> dict[str, Any]:
    """Give what is shown of an account."""
    return asking.staff("account_show", number=number).body


def test_an_account_is_shown_with_all_it_rates_by(asking: Asking) -> None:
    """Its parent and what it inherits, and the plans of each of its services."""
    branch = shown(asking, "BRANCH-1")
    assert (branch["terms"]["parent"], branch["terms"]["inherits_plan"]) == ("HOLDING", True)
    [agreed] = shown(asking, "AGREED")["services"]
    assert (agreed["rate_plan"], agreed["price_plan"]) == (None, "AGREED")
    [cost] = shown(asking, "COST")["services"]
    assert (cost["rate_plan"], cost["price_plan"], cost["attributes"]) == ("WHOLESALE", None, [])


def test_a_clerk_tells_of_what_was_and_not_of_what_is_to_come(asking: Asking) -> None:
    """A slip in the year charges nobody: the event waits; what it would cost may be asked."""
    event = {
        "source": "pbx",
        "event": "a slip",
        "class": "voice",
        "uid": "441632960002",
        "quantity": "60",
        "destination": GB,
    }
    later = NOON.replace(year=2027).isoformat()

    assert asking.staff("usage_quote", **event, started_at=later).body["amount"] == "0.12"
    waiting = asking.staff("usage_rate", **event, started_at=later).body
    assert (waiting["state"], waiting["reason"]) == ("SUSPENDED", "OUT_OF_WINDOW")
    past = NOON.replace(month=1, day=5).isoformat()
    rated = asking.staff("usage_rate", **{**event, "event": "long ago"}, started_at=past).body
    assert rated["state"] == "RATED"
