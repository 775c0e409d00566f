"""Invoices as they are issued: what is held in a period, numbers without gaps, lines."""

import json
from dataclasses import dataclass
from datetime import date, datetime

from psycopg2.extras import execute_values

from bmu.billing.invoice import InvoiceDraft, Line, TaxRate
from bmu.period import Period
from bmuid.store.transaction import Transaction


class NotBillableError(Exception):
    """Raised when an account can't be billed until a person has mended something; the message says how."""


@dataclass(frozen=True, slots=True)
class Held:
    """
    A service of an account in a period, and what its package costs a month.

    Shapes:
        tax, tax_category: as of `PackageRow`.
        revision: of the catalogue at the period's end.
    """

    account_service_id: int
    package: str
    name: str
    from_: datetime
    to: datetime | None
    price_minor: int
    tax: str | None
    tax_category: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class Heading:
    """What an invoice says of itself before its lines."""

    account_id: int
    number: str
    during: Period
    bill_run_id: int
    journal_id: int | None
    issued_at: datetime
    issued_on: date
    due_on: date
    currency: str
    customer_name: str


def see_one_moment(txn: Transaction) -> None:
    """Let all statements of this transaction see the same usage; must be its first statement."""
    txn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def held_in(txn: Transaction, account_id: int, period: Period) -> list[Held]:
    """
    Give the services of an account in *period*, with the package as it stood at its end.

    A catalogue that was loaded later than that is taken as it was first.

    Errors:
        NotBillableError: a package's price is in another currency than the account's, or a service has fewer
            usage identifiers, when the period or it ends, than its package says.
    """
    txn.execute(
        """
        WITH then_in_force AS (
            SELECT id FROM revision
            ORDER BY at < %(to)s DESC, CASE WHEN at < %(to)s THEN id END DESC, id LIMIT 1
        )
        SELECT s.id, s.package, p.name, lower(s.during), upper(s.during), p.price_minor,
            p.tax, p.tax_category, r.id, p.currency = a.currency, p.uids, (
                SELECT count(*) FROM uid_history AS h
                WHERE p.uids > 0 AND h.account_id = s.account_id AND h.account_service_id = s.id
                AND h.until IS NULL
                AND h.during @> least(upper(s.during), %(to)s) - interval '1 microsecond'
            )
        FROM account_service AS s
        JOIN account AS a ON a.id = s.account_id
        CROSS JOIN then_in_force AS r
        LEFT JOIN LATERAL (
            -- As it stood then; dropped by then, as it was last; made later, as it was first.
            SELECT v.name, v.price_minor, v.tax, v.tax_category, v.currency, v.uids
            FROM package AS v WHERE v.code = s.package
            ORDER BY v.since <= r.id DESC, CASE WHEN v.since <= r.id THEN v.id END DESC, v.id
            LIMIT 1
        ) AS p ON true
        WHERE s.account_id = %(account)s AND s.during && tstzrange(%(from)s, %(to)s)
        ORDER BY lower(s.during), s.id
        """,
        {"account": account_id, "from": period.from_, "to": period.to},
    )
    found = []
    for *values, billable, wanted, there in txn.fetchall():
        held = Held(*values)
        if not billable:
            raise NotBillableError(
                f"the price of the package {held.package} is in another currency than the account's:"
                " mend the catalogue and order another run"
            )
        if wanted is not None and there < wanted:
            raise NotBillableError(
                f"the service {held.account_service_id} ({held.package}) has {there} of {wanted} usage identifiers when"
                f" the period or the service ends, before {period.to.isoformat()}: assign what is missing, from its"
                " first day on, or end the service, and order another run"
            )
        found.append(held)
    return found


def next_number(txn: Transaction, day: date) -> str:
    """Take the next number of the day's year; it is given back when the transaction fails."""
    txn.execute(
        """
        INSERT INTO invoice_number AS n (series, last) VALUES (%(series)s, 1)
        ON CONFLICT (series) DO UPDATE SET last = n.last + 1 RETURNING last
        """,
        {"series": str(day.year)},
    )
    row = txn.fetchone()
    assert row is not None
    return f"{day.year}-{row[0]:06d}"


def add(txn: Transaction, heading: Heading, invoice: InvoiceDraft) -> int:
    """Write an invoice with its lines and give its id."""
    txn.execute(
        """
        INSERT INTO invoice (account_id, number, during, bill_run_id, journal_id, issued_at, issued_on,
            due_on, currency, net_minor, tax_minor, total_minor, customer_name)
        VALUES (%(account)s, %(number)s, tstzrange(%(from)s, %(to)s), %(run)s, %(journal)s, %(issued_at)s,
            %(issued_on)s, %(due_on)s, %(currency)s, %(net)s, %(tax)s, %(total)s, %(name)s)
        RETURNING id
        """,
        {
            "account": heading.account_id,
            "number": heading.number,
            "from": heading.during.from_,
            "to": heading.during.to,
            "run": heading.bill_run_id,
            "journal": heading.journal_id,
            "issued_at": heading.issued_at,
            "issued_on": heading.issued_on,
            "due_on": heading.due_on,
            "currency": heading.currency,
            "net": invoice.net_minor,
            "tax": invoice.tax_minor,
            "total": invoice.total_minor,
            "name": heading.customer_name,
        },
    )
    row = txn.fetchone()
    assert row is not None
    invoice_id: int = row[0]
    execute_values(
        txn,
        """
        INSERT INTO invoice_line (account_id, invoice_id, line_no, kind, description,
            account_service_id, events, unit, quantity, included, tax_code, tax_ppm, taxes, during,
            amount_e11, amount_minor) VALUES %s
        """,
        [
            (heading.account_id, invoice_id, line_no, *_line_values(line))
            for line_no, line in enumerate(invoice.lines, start=1)
        ],
        template="(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, tstzrange(%s, %s), %s, %s)",
    )
    return invoice_id


def _line_values(line: Line) -> tuple[object, ...]:
    plain = line.taxes[0] if len(line.taxes) == 1 and not line.taxes[0].certificate else None
    return (
        line.kind.value,
        line.description,
        line.account_service_id,
        line.events,
        None if line.unit is None else line.unit.value,
        line.quantity,
        line.included,
        plain.code if plain else None,
        plain.rate_ppm if plain else None,
        None if plain or not line.taxes else json.dumps([list(_stored(t)) for t in line.taxes]),
        line.during.from_,
        line.during.to,
        line.amount_e11,
        line.amount_minor,
    )


def _stored(tax: TaxRate) -> tuple[object, ...]:
    return tax.code, tax.name, tax.rate_ppm, tax.compound, tax.certificate
