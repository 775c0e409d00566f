"""Invoices as they are shown: nothing is computed again, all stands as it was issued."""

from dataclasses import dataclass
from datetime import date

from bmu.usage import Unit
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Head:
    """An invoice without its lines; its period is in days of the account's time zone."""

    id: int
    number: str
    kind: str
    from_: date
    to: date
    issued_on: date
    due_on: date
    currency: str
    net_minor: int
    tax_minor: int
    total_minor: int
    customer_name: str


@dataclass(frozen=True, slots=True)
class Line:
    """
    A line of an invoice; a recurring item has no events, a tax line none of both.

    Shapes:
        taxes_ppm: the rates of its taxes that are owed, in their order.
    """

    kind: str
    description: str
    events: int | None
    unit: Unit | None
    quantity: int | None
    included: int | None
    taxes_ppm: tuple[int, ...]
    amount_minor: int


def heads(txn: Transaction, account_id: int, limit: int) -> tuple[Head, ...]:
    """Give the invoices of an account, the newest first."""
    txn.execute(
        """
        SELECT i.id, i.number, i.kind, (lower(i.during) AT TIME ZONE a.time_zone)::date,
            (upper(i.during) AT TIME ZONE a.time_zone)::date, i.issued_on, i.due_on, i.currency,
            i.net_minor, i.tax_minor, i.total_minor, i.customer_name
        FROM invoice AS i JOIN account AS a ON a.id = i.account_id
        WHERE i.account_id = %(account_id)s
        ORDER BY lower(i.during) DESC, i.id DESC LIMIT %(limit)s
        """,
        {"account_id": account_id, "limit": limit},
    )
    return tuple(Head(*row) for row in txn.fetchall())


def head(txn: Transaction, account_id: int, number: str) -> Head | None:
    """Give the invoice of that number, if it is the account's."""
    txn.execute(
        """
        SELECT i.id, i.number, i.kind, (lower(i.during) AT TIME ZONE a.time_zone)::date,
            (upper(i.during) AT TIME ZONE a.time_zone)::date, i.issued_on, i.due_on, i.currency,
            i.net_minor, i.tax_minor, i.total_minor, i.customer_name
        FROM invoice AS i JOIN account AS a ON a.id = i.account_id
        WHERE i.account_id = %(account_id)s AND i.number = %(number)s
        """,
        {"account_id": account_id, "number": number},
    )
    row = txn.fetchone()
    return Head(*row) if row else None


def lines(txn: Transaction, account_id: int, invoice_id: int) -> tuple[Line, ...]:
    """Give the lines of an account's invoice, in their order."""
    txn.execute(
        """
        SELECT kind, description, events, unit, quantity, included,
            CASE WHEN taxes IS NULL THEN array_remove(ARRAY[tax_ppm], NULL) ELSE ARRAY(
                SELECT (t -> 2)::integer FROM jsonb_array_elements(taxes) AS t WHERE t ->> 4 IS NULL
            ) END, amount_minor
        FROM invoice_line
        WHERE account_id = %(account_id)s AND invoice_id = %(invoice_id)s ORDER BY line_no
        """,
        {"account_id": account_id, "invoice_id": invoice_id},
    )
    return tuple(
        Line(
            kind,
            description,
            events,
            Unit(unit) if unit else None,
            quantity,
            included,
            tuple(taxes),
            amount,
        )
        for kind, description, events, unit, quantity, included, taxes, amount in txn.fetchall()
    )
