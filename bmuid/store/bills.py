"""Bill runs as the staff asks for them and sees them."""

from dataclasses import dataclass
from datetime import date, datetime

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class BillRun:
    """A bill run: the periods that end on or before a day; invoices: those issued so far."""

    id: int
    as_of: date
    state: str
    actor: str
    created_at: datetime
    done_at: datetime | None
    invoices: int


@dataclass(frozen=True, slots=True)
class Issued:
    """What a bill run invoiced in one currency."""

    currency: str
    invoices: int
    net_minor: int
    tax_minor: int
    total_minor: int


def ask(txn: Transaction, as_of: date, actor: str) -> bool:
    """Ask for a bill run; tell whether none as of that day is under way already."""
    txn.execute(
        """
        INSERT INTO bill_run (as_of, actor) VALUES (%(as_of)s, %(actor)s)
        ON CONFLICT (as_of) WHERE state = 'OPEN' DO NOTHING
        """,
        {"as_of": as_of, "actor": actor},
    )
    return txn.rowcount == 1


def runs(txn: Transaction, as_of: date | None, limit: int) -> tuple[BillRun, ...]:
    """Give the bill runs as of that day, or all; the newest day first, and of a day the newest run."""
    txn.execute(
        """
        SELECT r.id, r.as_of, r.state, r.actor, r.created_at, r.done_at,
            (SELECT count(*) FROM invoice AS i WHERE i.bill_run_id = r.id)
        FROM bill_run AS r WHERE %(as_of)s IS NULL OR r.as_of = %(as_of)s
        ORDER BY r.as_of DESC, r.id DESC LIMIT %(limit)s
        """,
        {"as_of": as_of, "limit": limit},
    )
    return tuple(BillRun(*row) for row in txn.fetchall())


def issued(txn: Transaction, run_id: int) -> tuple[Issued, ...]:
    """Sum the invoices of a bill run, by currency."""
    txn.execute(
        """
        SELECT currency, count(*), sum(net_minor)::bigint, sum(tax_minor)::bigint,
            sum(total_minor)::bigint
        FROM invoice WHERE bill_run_id = %(id)s GROUP BY currency ORDER BY currency
        """,
        {"id": run_id},
    )
    return tuple(Issued(*row) for row in txn.fetchall())
