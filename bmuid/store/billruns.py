"""Bill runs, and the accounts they go through."""

from dataclasses import dataclass
from datetime import date, datetime

from bmuid.store.transaction import Transaction

# Held by the one process that bills; of the session, not of a transaction.
LOCK = "bmu.billrun"


@dataclass(frozen=True, slots=True)
class BillRun:
    """A run that is not done: what it bills up to, and how far it got."""

    id: int
    as_of: date
    last_account_id: int


@dataclass(frozen=True, slots=True)
class Billable:
    """An account with a service, or that pays for one with a service, and where its billing stands."""

    id: int
    number: str
    name: str
    currency: str
    country: str
    time_zone: str
    bill_day: int
    first_held: datetime
    billed_to: datetime | None


def claim(txn: Transaction) -> bool:
    """Become the one process that bills, until `release` or the end of the connection."""
    txn.execute("SELECT pg_try_advisory_lock(hashtext(%(lock)s))", {"lock": LOCK})
    row = txn.fetchone()
    assert row is not None
    return bool(row[0])


def release(txn: Transaction) -> None:
    """Let another process bill."""
    txn.execute("SELECT pg_advisory_unlock(hashtext(%(lock)s))", {"lock": LOCK})


def oldest_open(txn: Transaction) -> BillRun | None:
    """Find the run to work on."""
    txn.execute(
        "SELECT id, as_of, last_account_id FROM bill_run WHERE state = 'OPEN' ORDER BY id LIMIT 1"
    )
    row = txn.fetchone()
    return None if row is None else BillRun(*row)


_BILLABLE = """
        SELECT a.id, a.number, a.name, a.currency, a.country, a.time_zone, a.bill_day, held.first_held, billed.billed_to
        FROM account AS a
        CROSS JOIN LATERAL (
            SELECT min(lower(s.during)) AS first_held FROM account_service AS s
            WHERE s.account_id = ANY (ARRAY(
                SELECT a.id UNION ALL SELECT t.account_id FROM account_terms AS t
                WHERE t.until IS NULL AND t.usage_invoicer_id = a.id
            ))
        ) AS held
        CROSS JOIN LATERAL (
            SELECT max(upper(i.during)) AS billed_to FROM invoice AS i
            WHERE i.account_id = a.id AND i.kind = 'INVOICE'
        ) AS billed
        WHERE held.first_held IS NOT NULL
"""


def next_account(txn: Transaction, run: BillRun) -> Billable | None:
    """Find the next account of a run that ever had a service, or pays for the usage of one that had."""
    txn.execute(
        f"""
        {_BILLABLE} AND a.id > (SELECT last_account_id FROM bill_run WHERE id = %(run)s)
        ORDER BY a.id LIMIT 1
        """,  # noqa: S608 - a constant, no value
        {"run": run.id},
    )
    row = txn.fetchone()
    return None if row is None else Billable(*row)


def billable(txn: Transaction, account_id: int) -> Billable | None:
    """Give where the billing of an account stands; None: it never had anything to bill."""
    txn.execute(f"{_BILLABLE} AND a.id = %(account)s", {"account": account_id})
    row = txn.fetchone()
    return None if row is None else Billable(*row)


def account_done(txn: Transaction, run: BillRun, account_id: int) -> None:
    """Note that a run is through with an account."""
    txn.execute(
        "UPDATE bill_run SET last_account_id = %(account)s WHERE id = %(run)s",
        {"account": account_id, "run": run.id},
    )


def run_done(txn: Transaction, run: BillRun, now: datetime) -> None:
    """Note that a run is through with all accounts."""
    txn.execute(
        "UPDATE bill_run SET state = 'DONE', done_at = %(now)s WHERE id = %(run)s",
        {"now": now, "run": run.id},
    )
