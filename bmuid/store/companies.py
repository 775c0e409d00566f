"""The company that runs this installation: one row."""

from bmu.billing.catalogue import Company
from bmuid.store.transaction import Transaction


def company(txn: Transaction) -> Company | None:
    """Give the company; None before a catalogue was loaded."""
    txn.execute("SELECT name, currency, time_zone, country FROM company")
    row = txn.fetchone()
    return Company(*row) if row else None


def put(txn: Transaction, wanted: Company) -> None:
    """Set the company."""
    txn.execute(
        """
        INSERT INTO company (name, currency, time_zone, country)
        VALUES (%(name)s, %(currency)s, %(time_zone)s, %(country)s)
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, currency = excluded.currency,
            time_zone = excluded.time_zone, country = excluded.country
        """,
        {
            "name": wanted.name,
            "currency": wanted.currency,
            "time_zone": wanted.time_zone,
            "country": wanted.country,
        },
    )


def late_usage_days(txn: Transaction) -> int | None:
    """Give how many days after a service's end its usage may come and is still rated; None: always."""
    txn.execute("SELECT late_usage_days FROM company")
    row = txn.fetchone()
    days: int | None = row[0] if row else None
    return days


def set_late_usage_days(txn: Transaction, days: int | None) -> None:
    """Set how late usage of an ended service may come."""
    txn.execute("UPDATE company SET late_usage_days = %(days)s", {"days": days})


def packages(txn: Transaction) -> dict[str, str]:
    """Give the currency of each package that is sold, by code."""
    txn.execute("SELECT code, currency FROM package WHERE until IS NULL")
    return dict(txn.fetchall())
