"""Invoices as they are issued: what is to be billed, numbers without gaps, lines, and which charge is on which."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg2.extras import execute_values

from bmu.billing.invoice import InvoiceDraft, Line
from bmu.period import Period
from bmu.usage import Unit
from bmuid.store.transaction import Transaction


class NotBillableError(Exception):
    """Raised when an account can't be billed until a person has mended the catalogue; the message says how."""


@dataclass(frozen=True, slots=True)
class Held:
    """A service of an account in a period, and what its package costs a month."""

    account_service_id: int
    package: str
    name: str
    from_: datetime
    to: datetime | None
    price_minor: int
    tax_code: str
    tax_name: str
    rate_ppm: int


@dataclass(frozen=True, slots=True)
class Charged:
    """Live charges that are on no invoice, summed; late are those of before the period."""

    account_service_id: int
    usage_class: str
    class_name: str
    unit: Unit
    location: str | None
    location_name: str | None
    tax_code: str
    tax_name: str
    rate_ppm: int
    late: bool
    events: int
    quantity: int
    included: int
    amount_e11: int


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
    Give the services of an account in *period*, with the package and the tax as they stood at its end.

    A catalogue that was loaded later than that is taken as it was first.

    Errors:
        NotBillableError: a package's tax has no rate on the last day, or its price is in another currency.
    """
    txn.execute(
        """
        WITH then_in_force AS (
            SELECT id FROM revision
            ORDER BY at < %(to)s DESC, CASE WHEN at < %(to)s THEN id END DESC, id LIMIT 1
        )
        SELECT s.id, s.package, p.name, lower(s.during), upper(s.during), p.price_minor,
            p.tax, t.name, t.rate_ppm, t.rate_ppm IS NOT NULL AND p.currency = a.currency
        FROM account_service AS s
        JOIN account AS a ON a.id = s.account_id
        CROSS JOIN then_in_force AS r
        LEFT JOIN LATERAL (
            -- As it stood then; dropped by then, as it was last; made later, as it was first.
            SELECT v.name, v.price_minor, v.tax, v.currency FROM package AS v WHERE v.code = s.package
            ORDER BY v.since <= r.id DESC, CASE WHEN v.since <= r.id THEN v.id END DESC, v.id
            LIMIT 1
        ) AS p ON true
        LEFT JOIN LATERAL (
            SELECT v.name, v.rate_ppm FROM tax AS v
            WHERE v.code = p.tax
            AND v.valid @> ((%(to)s::timestamptz - interval '1 microsecond') AT TIME ZONE a.time_zone)::date
            AND greatest(r.id, (SELECT min(f.since) FROM tax AS f WHERE f.code = p.tax)) >= v.since
            AND (v.until IS NULL OR v.until > r.id)
            ORDER BY v.since LIMIT 1
        ) AS t ON true
        WHERE s.account_id = %(account)s AND s.during && tstzrange(%(from)s, %(to)s)
        ORDER BY lower(s.during), s.id
        """,
        {"account": account_id, "from": period.from_, "to": period.to},
    )
    found = []
    for *values, billable in txn.fetchall():
        held = Held(*values)
        if not billable:
            raise NotBillableError(
                f"the package {held.package} has no tax rate on the last day before"
                f" {period.to.isoformat()}, or its price is in another currency than the account's:"
                " mend the catalogue and order another run"
            )
        found.append(held)
    return found


def earliest_unbilled(txn: Transaction, account_id: int, period: Period) -> datetime:
    """
    Give an instant before which the account has no charge that is on no invoice.

    That is the start of the period, or of the oldest day in the files that were worked since the
    account's last invoice, or of what else was charged since: so a run looks into the days it has
    to, not into all there are.
    """
    txn.execute(
        """
        WITH last AS (SELECT max(issued_at) AS issued_at FROM invoice WHERE account_id = %(account)s)
        SELECT least(%(from)s, (
            SELECT min(p.oldest_day)::timestamp AT TIME ZONE 'UTC' FROM last
            JOIN usage_file AS f ON f.state = 'OPEN' OR f.done_at >= last.issued_at
            JOIN usage_file_part AS p ON p.file_id = f.id
        ), (
            -- A row has the time at which its transaction began: one that was not seen then is seen now.
            SELECT min(w.oldest) FROM last JOIN rework AS w ON w.account_id = %(account)s
            AND w.at >= coalesce(last.issued_at, '-infinity') - interval '1 day'
        ))
        """,
        {"account": account_id, "from": period.from_},
    )
    row = txn.fetchone()
    assert row is not None
    earliest: datetime = row[0]
    return earliest


# The charges to bill are named twice, to sum them and to note them; both must mean the same rows.
_TO_BILL = """
    SELECT c.account_id, c.started_at, c.udr_id, c.version, c.account_service_id,
        u.code AS usage_class, l.code AS location, t.code AS tax_code, t.rate_ppm,
        c.started_at < %(from)s AS late, c.rounded, c.billable, c.amount_e11,
        u.name AS class_name, u.unit, l.name AS location_name, t.name AS tax_name
    FROM charge AS c
    JOIN usage_class AS u ON u.id = c.usage_class_id
    JOIN tax AS t ON t.id = c.tax_id
    LEFT JOIN location_pattern AS lp ON lp.id = c.location_pattern_id
    LEFT JOIN location AS l ON l.code = lp.location
        AND l.since <= c.revision AND (l.until IS NULL OR l.until > c.revision)
    WHERE c.account_id = %(account)s AND c.started_at >= %(earliest)s AND c.started_at < %(to)s
    AND NOT EXISTS (
        SELECT FROM charge_reversal AS r WHERE r.account_id = c.account_id
        AND r.started_at = c.started_at AND r.udr_id = c.udr_id AND r.version = c.version
    )
    AND NOT EXISTS (
        SELECT FROM invoice_charge AS i WHERE i.account_id = c.account_id
        AND i.started_at = c.started_at AND i.udr_id = c.udr_id AND i.version = c.version
    )
"""


def charged_until(
    txn: Transaction, account_id: int, period: Period, earliest: datetime
) -> list[Charged]:
    """Sum the live charges of an account from *earliest* to the end of *period* that are on no invoice."""
    txn.execute(
        f"""
        WITH to_bill AS ({_TO_BILL})
        SELECT account_service_id, usage_class, max(class_name), max(unit), location,
            max(location_name), tax_code, max(tax_name), rate_ppm, late, count(*),
            sum(rounded)::numeric, sum(rounded - billable)::numeric, sum(amount_e11)::numeric
        FROM to_bill
        GROUP BY account_service_id, usage_class, location, tax_code, rate_ppm, late
        ORDER BY late DESC, account_service_id, usage_class, max(location_name), tax_code, rate_ppm
        """,  # noqa: S608 - a constant, no value
        _to_bill_of(account_id, period, earliest),
    )
    return [
        Charged(
            account_service_id=row[0],
            usage_class=row[1],
            class_name=row[2],
            unit=Unit(row[3]),
            location=row[4],
            location_name=row[5],
            tax_code=row[6],
            tax_name=row[7],
            rate_ppm=row[8],
            late=row[9],
            events=row[10],
            quantity=int(row[11]),
            included=int(row[12]),
            amount_e11=int(row[13]),
        )
        for row in txn.fetchall()
    ]


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
            account_service_id, events, unit, quantity, included, tax_code, tax_ppm, during,
            amount_e11, amount_minor) VALUES %s
        """,
        [
            (heading.account_id, invoice_id, line_no, *_line_values(line))
            for line_no, line in enumerate(invoice.lines, start=1)
        ],
        template="(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, tstzrange(%s, %s), %s, %s)",
    )
    return invoice_id


def note_charges(
    txn: Transaction,
    account_id: int,
    period: Period,
    earliest: datetime,
    invoice_id: int,
    lines: Sequence[tuple[int, Charged]],
) -> int:
    """
    Note each charge that was summed, with its line, and give how many there are.

    Shapes:
        lines: the line number of each sum. In one transaction that sees one moment, these are the
        charges that were summed.
    """
    if not lines:
        return 0
    txn.execute(
        f"""
        WITH to_bill AS ({_TO_BILL})
        INSERT INTO invoice_charge (account_id, started_at, udr_id, version, invoice_id, line_no)
        SELECT b.account_id, b.started_at, b.udr_id, b.version, %(invoice)s, n.line_no
        FROM to_bill AS b JOIN unnest(
            %(line_nos)s::integer[], %(services)s::bigint[], %(classes)s::text[], %(locations)s::text[],
            %(taxes)s::text[], %(rates)s::integer[], %(lates)s::boolean[]
        ) AS n (line_no, service, class, location, tax, rate, late)
        ON n.service = b.account_service_id AND n.class = b.usage_class
        AND n.location IS NOT DISTINCT FROM b.location AND n.tax = b.tax_code
        AND n.rate = b.rate_ppm AND n.late = b.late
        """,  # noqa: S608 - a constant, no value
        {
            **_to_bill_of(account_id, period, earliest),
            "invoice": invoice_id,
            "line_nos": [line_no for line_no, _ in lines],
            "services": [charged.account_service_id for _, charged in lines],
            "classes": [charged.usage_class for _, charged in lines],
            "locations": [charged.location for _, charged in lines],
            "taxes": [charged.tax_code for _, charged in lines],
            "rates": [charged.rate_ppm for _, charged in lines],
            "lates": [charged.late for _, charged in lines],
        },
    )
    return txn.rowcount


def _to_bill_of(account_id: int, period: Period, earliest: datetime) -> dict[str, object]:
    return {
        "account": account_id,
        "from": period.from_,
        "to": period.to,
        "earliest": earliest,
    }


def _line_values(line: Line) -> tuple[object, ...]:
    return (
        line.kind.value,
        line.description,
        line.account_service_id,
        line.events,
        None if line.unit is None else line.unit.value,
        line.quantity,
        line.included,
        line.tax.code,
        line.tax.rate_ppm,
        line.during.from_,
        line.during.to,
        line.amount_e11,
        line.amount_minor,
    )
