"""
Usage and charges summed by day (UTC), a partition each: quick, because most days need no look at single charges.

Where all charges of a day are on invoices, or none, the counts prove it; only the other days are gone through.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Money:
    """
    Charges of one currency.

    Shapes:
        charged: what is in force. invoiced: what is noted as billed, less what is noted as credited.
        left: what is in force and not billed, less what is to be credited.

    Units:
        10^-11 of the currency, before tax.
    """

    currency: str
    charged: int
    invoiced: int
    left: int


@dataclass(frozen=True, slots=True)
class Uneven:
    """A day with charges of usage records that are not there; later: all that are no first charge, which is the record."""

    day: date
    later: int
    orphans: int


@dataclass(frozen=True, slots=True)
class Sums:
    """All charges; rated: those in force."""

    rated: int
    money: tuple[Money, ...]
    uneven: tuple[Uneven, ...]


@dataclass(slots=True)
class _Day:
    """How many rows a day has of each kind, and what its charges come to by currency, also those reversed since."""

    charges: int = 0
    later: int = 0
    reversals: int = 0
    billed: int = 0
    amounts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Amounts:
    """Amounts of one currency, while they are summed."""

    made: int = 0
    billed: int = 0
    unbilled: int = 0
    reversed: int = 0
    reversed_unbilled: int = 0
    reversed_credited: int = 0
    credited: int = 0

    def of(self, currency: str) -> Money:
        """Give what the books say of it."""
        to_credit = self.reversed - self.reversed_unbilled - self.reversed_credited
        return Money(
            currency=currency,
            charged=self.made - self.reversed,
            invoiced=self.billed - self.credited,
            left=self.unbilled - self.reversed_unbilled - to_credit,
        )


def sums(txn: Transaction) -> Sums:
    """Sum all usage and charges there are."""
    days = _days(txn)
    found: dict[str, _Amounts] = {}
    for day, of_day in days.items():
        for currency, (billed, unbilled) in _billed(txn, day, of_day).items():
            amounts = found.setdefault(currency, _Amounts())
            amounts.made += of_day.amounts[currency]
            amounts.billed += billed
            amounts.unbilled += unbilled
    _take_back(txn, found)
    return Sums(
        rated=sum(one.charges - one.reversals for one in days.values()),
        money=tuple(found[currency].of(currency) for currency in sorted(found)),
        uneven=tuple(
            Uneven(day, one.later, orphans)
            for day, one in sorted(days.items())
            if one.later and (orphans := _orphans(txn, day))
        ),
    )


def _days(txn: Transaction) -> dict[date, _Day]:
    txn.execute(
        """
        SELECT right(kind.name, 8)::date, kind.what, kind.currency, kind.n, kind.later, kind.amount FROM (
            SELECT tableoid::regclass::text AS name, 'CHARGE' AS what, currency, count(*) AS n,
                count(*) FILTER (WHERE version > 1) AS later, sum(amount_e11) AS amount
            FROM charge GROUP BY tableoid, currency
            UNION ALL SELECT tableoid::regclass::text, 'REVERSAL', NULL, count(*), 0, 0 FROM charge_reversal GROUP BY tableoid
            UNION ALL SELECT tableoid::regclass::text, 'BILLED', NULL, count(*), 0, 0 FROM invoice_charge GROUP BY tableoid
        ) AS kind
        """
    )
    found: dict[date, _Day] = {}
    for day, what, currency, count, later, amount in txn.fetchall():
        of_day = found.setdefault(day, _Day())
        if what == "CHARGE":
            of_day.charges += count
            of_day.later += later
            of_day.amounts[currency] = int(amount)
        elif what == "REVERSAL":
            of_day.reversals = count
        else:
            of_day.billed = count
    return found


def _billed(txn: Transaction, day: date, of_day: _Day) -> dict[str, tuple[int, int]]:
    """Give what of a day's charges is noted as billed, and what is not, by currency."""
    if of_day.billed == 0:
        return {currency: (0, amount) for currency, amount in of_day.amounts.items()}
    if of_day.billed == of_day.charges:
        # A charge has one note at most.
        return {currency: (amount, 0) for currency, amount in of_day.amounts.items()}
    txn.execute(
        """
        SELECT c.currency, coalesce(sum(c.amount_e11) FILTER (WHERE i.udr_id IS NOT NULL), 0),
            coalesce(sum(c.amount_e11) FILTER (WHERE i.udr_id IS NULL), 0)
        FROM charge AS c LEFT JOIN invoice_charge AS i ON i.account_id = c.account_id
            AND i.started_at = c.started_at AND i.udr_id = c.udr_id AND i.version = c.version
            AND i.started_at >= %(from)s::timestamp AT TIME ZONE 'UTC' AND i.started_at < %(to)s::timestamp AT TIME ZONE 'UTC'
        WHERE c.started_at >= %(from)s::timestamp AT TIME ZONE 'UTC' AND c.started_at < %(to)s::timestamp AT TIME ZONE 'UTC'
        GROUP BY c.currency
        """,
        {"from": day, "to": day + timedelta(days=1)},
    )
    return {
        currency: (int(billed), int(unbilled)) for currency, billed, unbilled in txn.fetchall()
    }


def _orphans(txn: Transaction, day: date) -> int:
    """Count the charges of a day that replaced others, and whose usage record, the first charge, is not there."""
    txn.execute(
        """
        SELECT count(*) FROM charge AS c
        WHERE c.started_at >= %(from)s::timestamp AT TIME ZONE 'UTC' AND c.started_at < %(to)s::timestamp AT TIME ZONE 'UTC'
        AND c.version > 1 AND NOT EXISTS (
            SELECT FROM udr AS u WHERE u.account_id = c.account_id AND u.started_at = c.started_at AND u.id = c.udr_id
            AND u.started_at >= %(from)s::timestamp AT TIME ZONE 'UTC' AND u.started_at < %(to)s::timestamp AT TIME ZONE 'UTC'
        )
        """,
        {"from": day, "to": day + timedelta(days=1)},
    )
    row = txn.fetchone()
    assert row is not None, "a count gives a row"
    return int(row[0])


def _take_back(txn: Transaction, found: dict[str, _Amounts]) -> None:
    """Sum what was reversed, and what was credited."""
    txn.execute(
        """
        SELECT c.currency, sum(c.amount_e11), coalesce(sum(c.amount_e11) FILTER (WHERE i.udr_id IS NULL), 0),
            coalesce(sum(c.amount_e11) FILTER (WHERE i.udr_id IS NOT NULL AND d.udr_id IS NOT NULL), 0)
        FROM charge_reversal AS r
        JOIN charge AS c ON c.account_id = r.account_id AND c.started_at = r.started_at
            AND c.udr_id = r.udr_id AND c.version = r.version
        LEFT JOIN invoice_charge AS i ON i.account_id = r.account_id AND i.started_at = r.started_at
            AND i.udr_id = r.udr_id AND i.version = r.version
        LEFT JOIN invoice_credit AS d ON d.account_id = r.account_id AND d.started_at = r.started_at
            AND d.udr_id = r.udr_id AND d.version = r.version
        GROUP BY c.currency
        """
    )
    for currency, amount, unbilled, credited in txn.fetchall():
        amounts = found.setdefault(currency, _Amounts())
        amounts.reversed = int(amount)
        amounts.reversed_unbilled = int(unbilled)
        amounts.reversed_credited = int(credited)
    txn.execute(
        """
        SELECT c.currency, sum(c.amount_e11) FROM invoice_credit AS d
        JOIN charge AS c ON c.account_id = d.account_id AND c.started_at = d.started_at
            AND c.udr_id = d.udr_id AND c.version = d.version
        GROUP BY c.currency
        """
    )
    for currency, credited in txn.fetchall():
        found.setdefault(currency, _Amounts()).credited = int(credited)
