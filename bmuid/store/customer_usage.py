"""What an account used and what it cost, read for people: live charges only, by page and by day."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from bmu.period import Period
from bmu.usage import Unit
from bmuid.store.transaction import Transaction


class ChargeKey(NamedTuple):
    """Which charge: the order of usage, and within a UDR of its versions."""

    started_at: datetime
    udr_id: int
    version: int


@dataclass(frozen=True, slots=True)
class Priced:
    """A charge; *location* is the name of the place its number led to."""

    key: ChargeKey
    usage_class: str
    unit: Unit
    location: str | None
    quantity: int
    rounded: int
    billable: int
    amount_e11: int
    tax_e11: int


@dataclass(frozen=True, slots=True)
class Used:
    """What a UDR says beside its quantity; *uid* is the identifier of the customer's that was used."""

    uid: str
    origin: str
    destination: str


@dataclass(frozen=True, slots=True)
class Sums:
    """Charges in one figure."""

    amount_e11: int = 0
    tax_e11: int = 0
    events: int = 0

    def plus(self, other: "Sums") -> "Sums":
        """Add."""
        return Sums(
            self.amount_e11 + other.amount_e11,
            self.tax_e11 + other.tax_e11,
            self.events + other.events,
        )

    def minus(self, other: "Sums") -> "Sums":
        """Take away."""
        return Sums(
            self.amount_e11 - other.amount_e11,
            self.tax_e11 - other.tax_e11,
            self.events - other.events,
        )


@dataclass(frozen=True, slots=True)
class Marks:
    """How many charges of a period were reversed, and how many are on an invoice."""

    reversed: int
    invoiced: int


# The tables of charges, reversals and UDRs are partitioned by day. A statement that joins them over a month is
# planned several times as long as it runs, so what is rare (a reversal) is looked for first, and alone.


def priced(
    txn: Transaction, account_id: int, period: Period, before: ChargeKey, limit: int
) -> tuple[Priced, ...]:
    """Give the charges of an account in a period that come before that key, the newest first."""
    txn.execute(
        """
        WITH page AS MATERIALIZED (
            SELECT started_at, udr_id, version, usage_class_id, location_pattern_id, quantity,
                rounded, billable, amount_e11, tax_e11
            FROM charge
            WHERE account_id = %(account_id)s
            AND started_at >= %(from)s AND started_at < %(to)s AND started_at <= %(before)s
            AND (started_at, udr_id, version) < (%(before)s, %(udr_id)s, %(version)s)
            ORDER BY started_at DESC, udr_id DESC, version DESC LIMIT %(limit)s
        )
        SELECT c.started_at, c.udr_id, c.version, u.name, u.unit, coalesce(l.name, p.location),
            c.quantity, c.rounded, c.billable, c.amount_e11, c.tax_e11
        FROM page AS c JOIN usage_class AS u ON u.id = c.usage_class_id
        LEFT JOIN location_pattern AS p ON p.id = c.location_pattern_id
        LEFT JOIN location AS l ON l.code = p.location AND l.until IS NULL
        ORDER BY c.started_at DESC, c.udr_id DESC, c.version DESC
        """,
        {
            "account_id": account_id,
            "from": period.from_,
            "to": period.to,
            "before": before.started_at,
            "udr_id": before.udr_id,
            "version": before.version,
            "limit": limit,
        },
    )
    return tuple(
        Priced(ChargeKey(*row[:3]), row[3], Unit(row[4]), *row[5:]) for row in txn.fetchall()
    )


def reversals(
    txn: Transaction, account_id: int, first: datetime, last: datetime
) -> frozenset[ChargeKey]:
    """Give the charges of an account that were reversed, among those from *first* to *last*."""
    txn.execute(
        """
        SELECT started_at, udr_id, version FROM charge_reversal
        WHERE account_id = %(account_id)s AND started_at BETWEEN %(first)s AND %(last)s
        """,
        {"account_id": account_id, "first": first, "last": last},
    )
    return frozenset(ChargeKey(*row) for row in txn.fetchall())


def used(txn: Transaction, account_id: int, keys: tuple[ChargeKey, ...]) -> dict[int, Used]:
    """Give what the UDRs of these charges say, by the UDR's id."""
    if not keys:
        return {}
    txn.execute(
        """
        SELECT u.id, h.value, u.origin, u.destination
        FROM udr AS u JOIN uid_history AS h ON h.id = u.uid_id
        WHERE u.account_id = %(account_id)s AND u.started_at BETWEEN %(first)s AND %(last)s
        AND u.id = ANY (%(ids)s)
        """,
        {
            "account_id": account_id,
            "first": min(keys).started_at,
            "last": max(keys).started_at,
            "ids": [key.udr_id for key in keys],
        },
    )
    return {row[0]: Used(*row[1:]) for row in txn.fetchall()}


def by_day(txn: Transaction, account_id: int, period: Period, zone: str) -> dict[date, Sums]:
    """Sum an account's charges by the local day of their start, reversed ones among them."""
    txn.execute(
        """
        SELECT (started_at AT TIME ZONE %(zone)s)::date AS day, sum(amount_e11), sum(tax_e11),
            count(*)
        FROM charge
        WHERE account_id = %(account_id)s AND started_at >= %(from)s AND started_at < %(to)s
        GROUP BY day ORDER BY day
        """,
        {"account_id": account_id, "from": period.from_, "to": period.to, "zone": zone},
    )
    return {day: Sums(int(net), int(tax), events) for day, net, tax, events in txn.fetchall()}


def reversed_by_day(
    txn: Transaction, account_id: int, period: Period, zone: str
) -> dict[date, Sums]:
    """Sum an account's reversed charges by the local day of their start."""
    txn.execute(
        """
        SELECT (c.started_at AT TIME ZONE %(zone)s)::date AS day, sum(c.amount_e11),
            sum(c.tax_e11), count(*)
        FROM charge_reversal AS r JOIN charge AS c ON c.account_id = r.account_id
            AND c.started_at = r.started_at AND c.udr_id = r.udr_id AND c.version = r.version
        WHERE r.account_id = %(account_id)s AND c.account_id = %(account_id)s
        AND r.started_at >= %(from)s AND r.started_at < %(to)s
        AND c.started_at >= %(from)s AND c.started_at < %(to)s
        GROUP BY day ORDER BY day
        """,
        {"account_id": account_id, "from": period.from_, "to": period.to, "zone": zone},
    )
    return {day: Sums(int(net), int(tax), events) for day, net, tax, events in txn.fetchall()}


def marks(txn: Transaction, account_id: int, period: Period) -> Marks:
    """Count an account's reversed and invoiced charges of a period."""
    txn.execute(
        """
        SELECT
            (SELECT count(*) FROM charge_reversal WHERE account_id = %(account_id)s
                AND started_at >= %(from)s AND started_at < %(to)s),
            (SELECT count(*) FROM invoice_charge WHERE account_id = %(account_id)s
                AND started_at >= %(from)s AND started_at < %(to)s)
        """,
        {"account_id": account_id, "from": period.from_, "to": period.to},
    )
    row = txn.fetchone()
    assert row is not None, "counts give a row"
    return Marks(*row)


def unbilled(txn: Transaction, account_id: int, period: Period) -> Sums:
    """Sum an account's live charges of a period that are on no invoice."""
    txn.execute(
        """
        SELECT coalesce(sum(c.amount_e11), 0), coalesce(sum(c.tax_e11), 0), count(*)
        FROM charge AS c
        WHERE c.account_id = %(account_id)s
        AND c.started_at >= %(from)s AND c.started_at < %(to)s
        AND NOT EXISTS (
            SELECT FROM charge_reversal AS r
            WHERE r.account_id = %(account_id)s AND r.started_at = c.started_at
            AND r.started_at >= %(from)s AND r.started_at < %(to)s
            AND r.udr_id = c.udr_id AND r.version = c.version
        )
        AND NOT EXISTS (
            SELECT FROM invoice_charge AS i
            WHERE i.account_id = %(account_id)s AND i.started_at = c.started_at
            AND i.started_at >= %(from)s AND i.started_at < %(to)s
            -- What takes the place of a charge that was billed comes with the credit of that.
            AND i.udr_id = c.udr_id AND i.version <= c.version
        )
        """,
        {"account_id": account_id, "from": period.from_, "to": period.to},
    )
    row = txn.fetchone()
    assert row is not None, "an aggregate gives a row"
    return Sums(int(row[0]), int(row[1]), row[2])
