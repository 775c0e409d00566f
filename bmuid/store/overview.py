"""What a customer holds in a period, read for people: services with their numbers, and allowances."""

from dataclasses import dataclass
from datetime import datetime

from bmu.period import Period
from bmu.rating import BucketKind, BucketPart
from bmu.usage import Unit
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Subscription:
    """A service of an account under the newest terms of its package."""

    id: int
    package: str
    name: str
    price_minor: int
    currency: str
    bucket_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """A usage identifier of a service."""

    account_service_id: int
    type: str
    value: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """A kind of bucket; is_monthly: each month has one, and nothing else."""

    code: str
    name: str
    unit: Unit
    quantity: int
    kind: BucketKind
    is_monthly: bool


@dataclass(frozen=True, slots=True)
class Granted:
    """A bucket that was granted, and what is left of it; without a service, all of the account draw from it."""

    account_service_id: int | None
    code: str
    from_: datetime
    to: datetime
    unit: Unit
    granted: int
    balance: int
    part: BucketPart


def first_service(txn: Transaction, account_id: int) -> datetime | None:
    """Give when an account's first service started."""
    txn.execute(
        "SELECT min(lower(during)) FROM account_service WHERE account_id = %(account_id)s",
        {"account_id": account_id},
    )
    row = txn.fetchone()
    assert row is not None, "an aggregate gives a row"
    return row[0] if isinstance(row[0], datetime) else None


def subscriptions(txn: Transaction, account_id: int, period: Period) -> tuple[Subscription, ...]:
    """Give the services that an account held at some time of the period."""
    txn.execute(
        """
        SELECT s.id, s.package, p.name, p.price_minor, p.currency, p.bucket_types
        FROM account_service AS s
        JOIN LATERAL (
            SELECT name, price_minor, currency, bucket_types FROM package
            WHERE code = s.package ORDER BY since DESC LIMIT 1
        ) AS p ON true
        WHERE s.account_id = %(account_id)s AND s.during && tstzrange(%(from)s, %(to)s)
        ORDER BY lower(s.during), s.id
        """,
        {"account_id": account_id, "from": period.from_, "to": period.to},
    )
    return tuple(
        Subscription(id_, package, name, price, currency, tuple(bucket_types))
        for id_, package, name, price, currency, bucket_types in txn.fetchall()
    )


def numbers(txn: Transaction, account_id: int, period: Period) -> tuple[Number, ...]:
    """Give the usage identifiers that an account owned at some time of the period."""
    txn.execute(
        """
        SELECT DISTINCT account_service_id, uid_type, value FROM uid_history
        WHERE account_id = %(account_id)s AND until IS NULL
        AND during && tstzrange(%(from)s, %(to)s)
        ORDER BY account_service_id, uid_type, value
        """,
        {"account_id": account_id, "from": period.from_, "to": period.to},
    )
    return tuple(Number(*row) for row in txn.fetchall())


def allowances(txn: Transaction, codes: tuple[str, ...]) -> dict[str, Allowance]:
    """Give the newest terms of kinds of buckets, by code."""
    txn.execute(
        """
        SELECT DISTINCT ON (code) code, name, unit, quantity, kind,
            recurrence = 'MONTH' AND every = 1 AND size_by IS NULL AND NOT prorated AND NOT on_first_use
                AND scope <> 'SHARE_PLAN'
        FROM bucket_type
        WHERE code = ANY (%(codes)s) ORDER BY code, since DESC
        """,
        {"codes": list(codes)},
    )
    return {
        code: Allowance(code, name, Unit(unit), quantity, BucketKind(kind), is_monthly)
        for code, name, unit, quantity, kind, is_monthly in txn.fetchall()
    }


def granted(txn: Transaction, account_id: int, period: Period) -> tuple[Granted, ...]:
    """
    Give the buckets of an account that touch the period, those that end first before others; some end later only.

    Those of share plans that it takes part in are among them, whosever they are.
    """
    txn.execute(
        """
        SELECT account_service_id, code, lower(during), coalesce(upper(during), %(to)s), unit, there, balance,
            part
        FROM (
            SELECT id, account_service_id, code, during, unit, granted + added AS there, balance, part
            FROM bucket WHERE account_id = %(account_id)s AND during && tstzrange(%(from)s, %(to)s)
            AND (part <> 'CARRIED' OR granted + added > 0)
            UNION ALL SELECT NULL, NULL, code, during, unit, granted, balance, part
            FROM shared_buckets(%(account_id)s, tstzrange(%(from)s, %(to)s))
        ) AS open ORDER BY upper(during), id
        """,
        {"account_id": account_id, "from": period.from_, "to": period.to},
    )
    return tuple(
        Granted(service_id, code, from_, to, Unit(unit), granted, balance, BucketPart(part))
        for service_id, code, from_, to, unit, granted, balance, part in txn.fetchall()
    )
