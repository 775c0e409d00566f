"""The company that runs this installation: one row, and by revisions what it rates by."""

from psycopg2.sql import SQL, Identifier

from bmu.billing.catalogue import Company
from bmu.money import Rounding
from bmu.rating import CompanyTerms
from bmuid.store.transaction import Transaction


def company(txn: Transaction) -> Company | None:
    """Give the company; None before a catalogue was loaded."""
    txn.execute(
        """
        SELECT c.name, c.currency, c.time_zone, c.country, t.rate_plan, t.places, t.rounding_mode
        FROM company AS c LEFT JOIN company_terms AS t ON t.until IS NULL
        """
    )
    row = txn.fetchone()
    if row is None:
        return None
    name, currency, zone, country, rate_plan, places, mode = row
    return Company(name, currency, zone, country, rate_plan, places, _mode(mode))


def terms_at(txn: Transaction, revision: int) -> CompanyTerms | None:
    """Give what the company rated by at a revision; None before a catalogue was loaded."""
    txn.execute(
        """
        SELECT c.time_zone, t.rate_plan, t.places, t.rounding_mode
        FROM company AS c LEFT JOIN company_terms AS t
            ON t.since <= %(at)s AND (t.until IS NULL OR t.until > %(at)s)
        """,
        {"at": revision},
    )
    row = txn.fetchone()
    if row is None:
        return None
    zone, rate_plan, places, mode = row
    return CompanyTerms(zone, rate_plan, places, _mode(mode))


def _mode(word: str | None) -> Rounding | None:
    return None if word is None else Rounding(word)


def put(txn: Transaction, wanted: Company) -> None:
    """Set what names the company."""
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


def put_terms(txn: Transaction, wanted: Company, revision: int) -> None:
    """Let the company rate by this from a revision on."""
    txn.execute("UPDATE company_terms SET until = %(at)s WHERE until IS NULL", {"at": revision})
    txn.execute(
        """
        INSERT INTO company_terms (rate_plan, places, rounding_mode, since)
        VALUES (%(rate_plan)s, %(places)s, %(rounding_mode)s, %(at)s)
        """,
        {
            "rate_plan": wanted.rate_plan,
            "places": wanted.places,
            "rounding_mode": wanted.rounding_mode.value if wanted.rounding_mode else None,
            "at": revision,
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


def codes(txn: Transaction, table: str) -> frozenset[str]:
    """Give the codes that a table of the catalogue has in force."""
    statement = SQL("SELECT code FROM {} WHERE until IS NULL").format(Identifier(table))
    txn.execute(statement)
    return frozenset(code for (code,) in txn.fetchall())


def uids_of_packages(txn: Transaction) -> dict[str, int]:
    """Give how many usage identifiers a service has, by the code of its package, where that says so."""
    txn.execute("SELECT code, uids FROM package WHERE until IS NULL AND uids IS NOT NULL")
    return dict(txn.fetchall())


def packages(txn: Transaction) -> dict[str, str]:
    """Give the currency of each package that is sold, by code."""
    txn.execute("SELECT code, currency FROM package WHERE until IS NULL")
    return dict(txn.fetchall())
