"""Whose usage it is: what each line of usage says itself."""

from collections.abc import Mapping
from typing import Protocol

from bmu.billing.catalogue import Catalogue
from bmu.money import exponent
from bmu.period import FOREVER_US, zone_of
from bmu.rating import Owner, Terms, Unrated


class UsageError(Exception):
    """A line of usage that can't be an event; its text says why."""


class Customers(Protocol):
    """Tells whose usage it is."""

    def owner(self, fields: Mapping[str, str], started_us: int, /) -> Owner | Unrated:
        """Give the owner of an event, or why there is none; UsageError: the line itself is wrong."""

    def account(self, owner: Owner) -> str:
        """Give the number of an owner's account."""


_SAID = ("account", "service", "package", "currency", "time_zone", "bill_day")


class Columns:
    """The customers that the lines of usage name themselves: package, and where wanted account and service."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._zone = catalogue.company.time_zone
        self._currencies = {row.code: row.currency for row in catalogue.rows.packages}
        self._currency = catalogue.company.currency
        self._accounts: dict[str, int] = {}
        self._numbers: list[str] = []
        self._services: dict[tuple[str, str, Terms], int] = {}
        self._owners: dict[tuple[str, ...], Owner] = {}

    def owner(self, fields: Mapping[str, str], _: int) -> Owner | Unrated:
        """Give the owner whom the line names; the first line that names one makes it."""
        said = tuple(fields.get(key, "") for key in _SAID)
        if not said[0] or not said[1]:
            said = (*said, fields.get("uid", ""))
        owner = self._owners.get(said)
        if owner is None:
            owner = self._owners[said] = self._made(*said)
        return owner

    def account(self, owner: Owner) -> str:
        """Give the account's number, or what stands for it: its UID."""
        return self._numbers[owner.account_id - 1]

    def _made(self, *said: str) -> Owner:
        account, service, package, currency, zone, bill_day = said[:6]
        uid = said[-1]
        if not package:
            raise UsageError("package: is missing; give it, or the customers by --accounts")
        terms = Terms(
            package,
            currency or self._currencies.get(package, self._currency),
            zone or self._zone,
        )
        for key, look, value in (
            ("currency", exponent, terms.currency),
            ("time_zone", zone_of, terms.zone),
        ):
            try:
                look(value)
            except ValueError as error:
                raise UsageError(f"{key}: {error}") from error
        if not (bill_day or "1").isdecimal() or not 1 <= int(bill_day or 1) <= 28:
            raise UsageError(f"bill_day: {bill_day[:40]!r} is no day from 1 to 28")
        number = account or uid
        account_id = self._accounts.setdefault(number, len(self._accounts) + 1)
        if account_id > len(self._numbers):
            self._numbers.append(number)
        key_of_service = (number, service or uid, terms)
        service_id = self._services.setdefault(key_of_service, len(self._services) + 1)
        return Owner(-FOREVER_US, FOREVER_US, 0, account_id, service_id, terms, int(bill_day or 1))
