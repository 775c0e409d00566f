"""Accounts, and the services they subscribe to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Account:
    """A customer's account; its days are those of its time zone."""

    id: int
    number: str
    name: str
    currency: str
    country: str
    time_zone: str
    bill_day: int


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account as it is asked for; parent_id: the account above it."""

    number: str
    name: str
    currency: str
    country: str
    time_zone: str
    bill_day: int
    parent_id: int | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A service subscription; without an end it is still held."""

    id: int
    account_id: int
    package: str
    from_: datetime
    to: datetime | None


@dataclass(frozen=True, slots=True)
class NewService:
    """A service subscription as it is asked for."""

    account_id: int
    package: str
    from_: datetime
    to: datetime | None


def by_id(txn: Transaction, account_id: int) -> Account:
    """Give the account of that id, which exists."""
    txn.execute(
        """
        SELECT id, number, name, currency, country, time_zone, bill_day
        FROM account WHERE id = %(id)s
        """,
        {"id": account_id},
    )
    row = txn.fetchone()
    assert row is not None, account_id
    return Account(*row)


def parent(txn: Transaction, account_id: int) -> str | None:
    """Give the number of the account above an account."""
    txn.execute(
        "SELECT p.number FROM account AS a JOIN account AS p ON p.id = a.parent_id WHERE a.id = %(id)s",
        {"id": account_id},
    )
    row = txn.fetchone()
    return None if row is None else str(row[0])


def by_number(txn: Transaction, number: str) -> Account | None:
    """Give the account of that number."""
    return by_numbers(txn, [number]).get(number)


def by_numbers(txn: Transaction, numbers: Sequence[str]) -> dict[str, Account]:
    """Give those of the accounts that exist, by number."""
    txn.execute(
        """
        SELECT id, number, name, currency, country, time_zone, bill_day
        FROM account WHERE number = ANY (%(numbers)s)
        """,
        {"numbers": list(numbers)},
    )
    found = [Account(*row) for row in txn.fetchall()]
    return {account.number: account for account in found}


def numbers(txn: Transaction, account_ids: Sequence[int]) -> dict[int, str]:
    """Give the numbers of accounts, by id."""
    txn.execute(
        "SELECT id, number FROM account WHERE id = ANY (%(ids)s)", {"ids": list(account_ids)}
    )
    return dict(txn.fetchall())


def page(txn: Transaction, after: str, limit: int) -> tuple[Account, ...]:
    """Give the accounts whose numbers follow *after*, in their order."""
    txn.execute(
        """
        SELECT id, number, name, currency, country, time_zone, bill_day
        FROM account WHERE number > %(after)s ORDER BY number LIMIT %(limit)s
        """,
        {"after": after, "limit": limit},
    )
    return tuple(Account(*row) for row in txn.fetchall())


def add(txn: Transaction, wanted: Sequence[NewAccount]) -> dict[str, Account]:
    """Add accounts, by number; one whose number is taken is left as it is and not given."""
    txn.execute(
        """
        INSERT INTO account (number, name, currency, country, time_zone, bill_day, parent_id)
        SELECT number, name, currency, country, time_zone, bill_day, parent_id
        FROM unnest(%(numbers)s::text[], %(names)s::text[], %(currencies)s::text[],
            %(countries)s::text[], %(zones)s::text[], %(bill_days)s::smallint[], %(parents)s::bigint[])
            AS wanted (number, name, currency, country, time_zone, bill_day, parent_id)
        ON CONFLICT (number) DO NOTHING
        RETURNING id, number, name, currency, country, time_zone, bill_day
        """,
        {
            "numbers": [one.number for one in wanted],
            "names": [one.name for one in wanted],
            "currencies": [one.currency for one in wanted],
            "countries": [one.country for one in wanted],
            "zones": [one.time_zone for one in wanted],
            "bill_days": [one.bill_day for one in wanted],
            "parents": [one.parent_id for one in wanted],
        },
    )
    added = [Account(*row) for row in txn.fetchall()]
    return {account.number: account for account in added}


def services(txn: Transaction, account_ids: Sequence[int]) -> tuple[Service, ...]:
    """Give the services of accounts, the earliest first."""
    txn.execute(
        """
        SELECT id, account_id, package, lower(during), upper(during) FROM account_service
        WHERE account_id = ANY (%(account_ids)s) ORDER BY lower(during), id
        """,
        {"account_ids": list(account_ids)},
    )
    return tuple(Service(*row) for row in txn.fetchall())


def add_services(txn: Transaction, wanted: Sequence[NewService]) -> tuple[Service, ...]:
    """Subscribe accounts to packages."""
    txn.execute(
        """
        INSERT INTO account_service (account_id, package, during)
        SELECT account_id, package, tstzrange(from_, to_)
        FROM unnest(%(account_ids)s::bigint[], %(packages)s::text[], %(froms)s::timestamptz[],
            %(tos)s::timestamptz[]) AS wanted (account_id, package, from_, to_)
        RETURNING id, account_id, package, lower(during), upper(during)
        """,
        {
            "account_ids": [one.account_id for one in wanted],
            "packages": [one.package for one in wanted],
            "froms": [one.from_ for one in wanted],
            "tos": [one.to for one in wanted],
        },
    )
    return tuple(Service(*row) for row in txn.fetchall())


def end_service(txn: Transaction, service_id: int, to: datetime) -> None:
    """Let a service end at *to*, which lies after its start."""
    txn.execute(
        """
        UPDATE account_service SET during = tstzrange(lower(during), %(to)s)
        WHERE id = %(id)s
        """,
        {"id": service_id, "to": to},
    )


def services_ended_before(
    txn: Transaction, service_ids: Sequence[int], instant: datetime
) -> dict[int, datetime]:
    """Give those of the services that ended before an instant, with their end."""
    txn.execute(
        """
        SELECT id, upper(during) FROM account_service
        WHERE id = ANY (%(ids)s) AND upper(during) < %(instant)s
        """,
        {"ids": list(service_ids), "instant": instant},
    )
    return dict(txn.fetchall())
