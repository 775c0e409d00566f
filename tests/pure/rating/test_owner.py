"""Whose a number was when a call began."""

import pytest

from bmu.period import FOREVER_US
from bmu.rating import Owner, OwnerRow, Owners, Terms, UnratedReason


def row(uid_id: int, value: str, from_us: int, to_us: int, account_id: int) -> OwnerRow:
    """One stretch of ownership of a telephone number."""
    terms = Terms("HOME", "GBP", "UTC")
    return OwnerRow(uid_id, "phone", value, from_us, to_us, account_id, account_id, terms, 1)


OWNERS = Owners(
    [
        row(1, "441", 100, 200, 1),
        row(2, "441", 200, 300, 2),
        row(3, "441", 400, FOREVER_US, 3),
        row(4, "442", 100, FOREVER_US, 1),
    ]
)


@pytest.mark.parametrize(
    ("value", "started_us", "account_id"),
    [
        ("441", 100, 1),
        ("441", 199, 1),
        ("441", 200, 2),
        ("441", 400, 3),
        ("441", 10**17, 3),
        ("442", 250, 1),
    ],
)
def test_a_call_belongs_to_whoever_had_the_number_then(
    value: str, started_us: int, account_id: int
) -> None:
    """On the day a number changes hands, each call goes to the right one of the two."""
    owner = OWNERS.find("phone", value, started_us)
    assert isinstance(owner, Owner)
    assert owner.account_id == account_id


@pytest.mark.parametrize(
    ("uid_type", "value", "started_us", "reason"),
    [
        ("phone", "443", 150, UnratedReason.NO_UID),
        ("imsi", "441", 150, UnratedReason.NO_UID),
        ("phone", "441", 99, UnratedReason.UID_NOT_IN_PERIOD),
        ("phone", "441", 300, UnratedReason.UID_NOT_IN_PERIOD),
        ("phone", "442", 99, UnratedReason.UID_NOT_IN_PERIOD),
    ],
)
def test_a_call_of_nobody_has_a_reason(
    uid_type: str, value: str, started_us: int, reason: UnratedReason
) -> None:
    """A number nobody ever had is told from one that nobody had that day."""
    assert OWNERS.find(uid_type, value, started_us) is reason


def test_customers_of_one_package_share_their_terms() -> None:
    """A million customers of ten packages are ten terms, and three numbers are three."""
    first, second = OWNERS.find("phone", "441", 100), OWNERS.find("phone", "442", 100)
    assert isinstance(first, Owner)
    assert isinstance(second, Owner)
    assert first.terms is second.terms
    assert first.terms == Terms("HOME", "GBP", "UTC")
    assert len(OWNERS) == 2


def test_all_who_ever_had_a_number_are_known() -> None:
    """Which worker looks at a line is told by who may own it, before it is told who does."""

    def accounts(uid_type: str, value: str) -> list[int]:
        return [owner.account_id for owner in OWNERS.all_of(uid_type, value)]

    assert sorted(accounts("phone", "441")) == [1, 2, 3]
    assert accounts("phone", "442") == [1]
    assert accounts("phone", "443") == accounts("imsi", "441") == []
