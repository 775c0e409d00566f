"""Whose usage it is: what each line of usage says itself."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import NamedTuple, Protocol

from bmu.billing.catalogue import Catalogue
from bmu.money import exponent
from bmu.period import FOREVER_US, local_day, midnight, month_start, to_us, zone_of
from bmu.rating import Anchor, Exemption, Owner, Terms, Unrated
from bmuid.cli.offline.allowances import Held, Holdings


class UsageError(Exception):
    """A line of usage that can't be an event; its text says why."""


class Payer(NamedTuple):
    """An account that pays for usage, and where its billing months begin."""

    account_id: int
    zone: str
    bill_day: int


class Customers(Protocol):
    """Tells whose usage it is."""

    def owner(self, fields: Mapping[str, str], started_us: int, /) -> Owner | Unrated:
        """Give the owner of an event, or why there is none; UsageError: the line itself is wrong."""

    def account(self, account_id: int, /) -> str:
        """Give the number of an account."""

    def holdings(self, owner: Owner, started_us: int, /) -> Holdings:
        """Give the packages that a service may draw from; *started_us*: of its first event."""

    def payer(self, owner: Owner, /) -> Payer:
        """Give the account that pays for an owner's usage."""

    def count(self, account_ids: Collection[int], packages: Collection[str], us: int, /) -> int:
        """Count the services of accounts that have one of these packages at an instant."""


_SAID = ("account", "service", "package", "currency", "time_zone", "bill_day")
_TERMS = (
    *("price_plan", "service_rate_plan", "account_rate_plan", "payer_rate_plan"),
    *("country", "state", "category", "exemption", "service_from", "service_to"),
)
# What a line says of its customer, by column; and columns that begin with these are attributes.
COLUMNS = frozenset((*_SAID, *_TERMS))
ATTRIBUTES = ("account.", "service.")


class Columns:
    """The customers that the lines of usage name themselves: package, and where wanted account and service."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._company = catalogue.company
        self._currencies = {row.code: row.currency for row in catalogue.rows.packages}
        self._accounts: dict[str, int] = {}
        self._numbers: list[str] = []
        self._services: dict[tuple[str, str, Terms], int] = {}
        self._spans: dict[int, tuple[int | None, int]] = {}
        self._owners: dict[tuple[str, ...], Owner] = {}

    def owner(self, fields: Mapping[str, str], _: int) -> Owner | Unrated:
        """Give the owner whom the line names; the first line that names one makes it."""
        said = [fields.get(key, "") for key in (*_SAID, *_TERMS)]
        said.append(fields.get("uid", "") if not said[0] or not said[1] else "")
        for key, value in fields.items():
            if value and key.startswith(ATTRIBUTES):
                said += (key, value)
        whole = tuple(said)
        owner = self._owners.get(whole)
        if owner is None:
            owner = self._owners[whole] = self._made(fields)
        return owner

    def account(self, account_id: int) -> str:
        """Give the account's number, or what stands for it: its UID."""
        return self._numbers[account_id - 1]

    def holdings(self, owner: Owner, started_us: int) -> Holdings:
        """
        Give what the service's own package brings.

        A service whose beginning no line says begins with the billing month of its first event.
        """
        start, end = self._spans[owner.account_service_id]
        zone = owner.terms.zone
        if start is None:
            first = month_start(local_day(started_us, zone), owner.bill_day)
            start = to_us(midnight(first, zone))
        anchor = Anchor(zone, owner.bill_day, start, end)
        held = Held(owner.account_id, owner.terms.package, anchor)
        return Holdings(held, (held,))

    def payer(self, owner: Owner) -> Payer:
        """Give the account itself."""
        return Payer(owner.account_id, owner.terms.zone, owner.bill_day)

    def count(self, account_ids: Collection[int], packages: Collection[str], us: int) -> int:
        """Count the services that lines have named so far."""
        wanted = {self._numbers[account_id - 1] for account_id in account_ids}
        return sum(
            number in wanted and terms.package in packages and self._is_there(service_id, us)
            for (number, _, terms), service_id in self._services.items()
        )

    def _is_there(self, service_id: int, us: int) -> bool:
        start, end = self._spans[service_id]
        return (start is None or start <= us) and us < end

    def _made(self, fields: Mapping[str, str]) -> Owner:
        uid = fields.get("uid", "")
        terms = self._terms(fields)
        bill_day = fields.get("bill_day", "") or "1"
        if not bill_day.isdecimal() or not 1 <= int(bill_day) <= 28:
            raise UsageError(f"bill_day: {bill_day[:40]!r} is no day from 1 to 28")
        number = fields.get("account", "") or uid
        span = [_day(fields, key) for key in ("service_from", "service_to")]
        start, end = (None if day is None else to_us(midnight(day, terms.zone)) for day in span)
        account_id = self._accounts.setdefault(number, len(self._accounts) + 1)
        if account_id > len(self._numbers):
            self._numbers.append(number)
        key_of_service = (number, fields.get("service", "") or uid, terms)
        service_id = self._services.setdefault(key_of_service, len(self._services) + 1)
        self._spans.setdefault(service_id, (start, FOREVER_US if end is None else end))
        return Owner(-FOREVER_US, FOREVER_US, 0, account_id, service_id, terms, int(bill_day))

    def _terms(self, fields: Mapping[str, str]) -> Terms:
        package = fields.get("package", "")
        if not package:
            raise UsageError("package: is missing; give it, or the customers by --accounts")
        attributes = ((key, text) for key, text in fields.items() if key.startswith(ATTRIBUTES))
        terms = Terms(
            package,
            fields.get("currency") or self._currencies.get(package, self._company.currency),
            fields.get("time_zone") or self._company.time_zone,
            price_plan=fields.get("price_plan") or None,
            account_rate_plan=fields.get("service_rate_plan") or None,
            own_rate_plan=fields.get("account_rate_plan") or None,
            invoicer_rate_plan=fields.get("payer_rate_plan") or None,
            country=fields.get("country") or self._company.country,
            state=fields.get("state") or None,
            category=fields.get("category") or None,
            exemptions=_exemptions(fields.get("exemption", "")),
            attributes=tuple(sorted(one for one in attributes if one[1])),
        )
        for key, look, value in (
            ("currency", exponent, terms.currency),
            ("time_zone", zone_of, terms.zone),
        ):
            try:
                look(value)
            except ValueError as error:
                raise UsageError(f"{key}: {error}") from error
        return terms


def _exemptions(text: str) -> tuple[Exemption, ...]:
    """Read "CERTIFICATE" (no tax at all) or "TAX=CERTIFICATE", several with ; between."""
    found = []
    for one in filter(None, (part.strip() for part in text.split(";"))):
        tax, _, certificate = one.rpartition("=")
        found.append(Exemption(certificate.strip(), tax.strip() or None))
    return tuple(found)


def _day(fields: Mapping[str, str], key: str) -> date | None:
    text = fields.get(key, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise UsageError(f"{key}: {text[:40]!r} is no day like 2026-11-02") from error
