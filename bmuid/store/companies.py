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


def packages(txn: Transaction) -> dict[str, str]:
    """Give the currency of each package that is sold, by code."""
    txn.execute("SELECT code, currency FROM package WHERE until IS NULL")
    return dict(txn.fetchall())
