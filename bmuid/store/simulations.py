"""What services an account held, and what a package costs them: for simulations."""

from typing import NamedTuple

from bmu.period import Period
from bmuid.store.lives import END
from bmuid.store.transaction import Transaction


class Held(NamedTuple):
    """A service as it was held, and the price of its package for a month."""

    during: Period
    price_minor: int
    currency: str
    bill_day: int
    zone: str


def held(
    txn: Transaction, account_id: int, package: str, revision: int, period: Period
) -> list[Held]:
    """Give the services of an account in a period, each with that package; without one, with its own."""
    txn.execute(
        """
        SELECT lower(s.during), coalesce(upper(s.during), %(end)s), p.price_minor, p.currency,
            a.bill_day, a.time_zone
        FROM account_service AS s JOIN account AS a ON a.id = s.account_id
        JOIN package AS p ON p.code = coalesce(nullif(%(package)s, ''), s.package)
            AND p.since <= %(at)s AND (p.until IS NULL OR p.until > %(at)s)
        WHERE s.account_id = %(account)s AND s.during && tstzrange(%(from)s, %(to)s)
        """,
        {
            "end": END,
            "package": package,
            "at": revision,
            "account": account_id,
            "from": period.from_,
            "to": period.to,
        },
    )
    return [Held(Period(from_, to), *rest) for from_, to, *rest in txn.fetchall()]
