"""Accounts, the services they subscribe to, and who owned which usage identifier when."""

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
    """An account as it is asked for; *parent* is the number of the account it belongs to."""

    number: str
    name: str
    parent: str | None
    currency: str
    country: str
    time_zone: str
    bill_day: int


@dataclass(frozen=True, slots=True)
class Service:
    """A service subscription; without an end it is still held."""

    id: int
    package: str
    from_: datetime
    to: datetime | None


@dataclass(frozen=True, slots=True)
class Ownership:
    """A usage identifier that was owned for some time; without an end it still is."""

    id: int
    type: str
    value: str
    account: str
    account_service_id: int
    from_: datetime
    to: datetime | None


@dataclass(frozen=True, slots=True)
class NewOwnership:
    """An ownership as it is asked for."""

    type: str
    value: str
    account_id: int
    account_service_id: int
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


def by_number(txn: Transaction, number: str) -> Account | None:
    """Give the account of that number."""
    txn.execute(
        """
        SELECT id, number, name, currency, country, time_zone, bill_day
        FROM account WHERE number = %(number)s
        """,
        {"number": number},
    )
    row = txn.fetchone()
    return Account(*row) if row else None


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


def add(txn: Transaction, account: NewAccount) -> int | None:
    """Add an account; give its id, or None when its number is taken."""
    txn.execute(
        """
        INSERT INTO account (number, name, parent_id, currency, country, time_zone, bill_day)
        VALUES (%(number)s, %(name)s, (SELECT id FROM account WHERE number = %(parent)s),
            %(currency)s, %(country)s, %(time_zone)s, %(bill_day)s)
        ON CONFLICT (number) DO NOTHING RETURNING id
        """,
        {
            "number": account.number,
            "name": account.name,
            "parent": account.parent,
            "currency": account.currency,
            "country": account.country,
            "time_zone": account.time_zone,
            "bill_day": account.bill_day,
        },
    )
    row = txn.fetchone()
    return int(row[0]) if row else None


def services(txn: Transaction, account_id: int) -> tuple[Service, ...]:
    """Give the services of an account, the earliest first."""
    txn.execute(
        """
        SELECT id, package, lower(during), upper(during) FROM account_service
        WHERE account_id = %(account_id)s ORDER BY lower(during), id
        """,
        {"account_id": account_id},
    )
    return tuple(Service(*row) for row in txn.fetchall())


def add_service(
    txn: Transaction, account_id: int, package: str, from_: datetime, to: datetime | None
) -> int:
    """Subscribe an account to a package for that time; give the service's id."""
    txn.execute(
        """
        INSERT INTO account_service (account_id, package, during)
        VALUES (%(account_id)s, %(package)s, tstzrange(%(from)s, %(to)s)) RETURNING id
        """,
        {"account_id": account_id, "package": package, "from": from_, "to": to},
    )
    row = txn.fetchone()
    assert row is not None, "an insert gives its row"
    return int(row[0])


def end_service(txn: Transaction, service_id: int, to: datetime) -> None:
    """Let a service end at *to*, which lies after its start."""
    txn.execute(
        """
        UPDATE account_service SET during = tstzrange(lower(during), %(to)s)
        WHERE id = %(id)s
        """,
        {"id": service_id, "to": to},
    )


def ownerships(txn: Transaction, account_id: int) -> tuple[Ownership, ...]:
    """Give what usage identifiers an account owned when, as far as that is in force."""
    txn.execute(
        """
        SELECT h.id, h.uid_type, h.value, a.number, h.account_service_id, lower(h.during),
            upper(h.during)
        FROM uid_history AS h JOIN account AS a ON a.id = h.account_id
        WHERE h.account_id = %(account_id)s AND h.until IS NULL
        ORDER BY h.account_service_id, h.uid_type, h.value, lower(h.during)
        """,
        {"account_id": account_id},
    )
    return tuple(Ownership(*row) for row in txn.fetchall())


def owners_of(txn: Transaction, uid_type: str, value: str) -> tuple[Ownership, ...]:
    """Give who owned a usage identifier when, the earliest first."""
    txn.execute(
        """
        SELECT h.id, h.uid_type, h.value, a.number, h.account_service_id, lower(h.during),
            upper(h.during)
        FROM uid_history AS h JOIN account AS a ON a.id = h.account_id
        WHERE textrange(h.uid_type || ':' || h.value, h.uid_type || ':' || h.value, '[]')
            && textrange(%(key)s, %(key)s, '[]') AND h.until IS NULL
        ORDER BY lower(h.during)
        """,
        {"key": f"{uid_type}:{value}"},
    )
    return tuple(Ownership(*row) for row in txn.fetchall())


def assign(txn: Transaction, ownership: NewOwnership, since: int) -> bool:
    """Note an owner, from revision *since*; tell whether nobody else owns it in that time."""
    txn.execute(
        """
        INSERT INTO uid_history (uid_type, value, account_id, account_service_id, during, since)
        VALUES (%(type)s, %(value)s, %(account_id)s, %(service_id)s, tstzrange(%(from)s, %(to)s),
            %(since)s)
        ON CONFLICT DO NOTHING
        """,
        {
            "type": ownership.type,
            "value": ownership.value,
            "account_id": ownership.account_id,
            "service_id": ownership.account_service_id,
            "from": ownership.from_,
            "to": ownership.to,
            "since": since,
        },
    )
    return txn.rowcount == 1


def withdraw(txn: Transaction, ownership_id: int, until: int) -> None:
    """Take an ownership out of force at revision *until*; its row stays, for what was rated by it."""
    txn.execute(
        "UPDATE uid_history SET until = %(until)s WHERE id = %(id)s AND until IS NULL",
        {"id": ownership_id, "until": until},
    )
