"""What invoices say of usage, beside the notes on the charges that they bill."""

from dataclasses import dataclass

from bmuid.store.transaction import Transaction

FAULTS_MAX = 100


@dataclass(frozen=True, slots=True)
class Billed:
    """
    The lines for usage of all invoices in one currency.

    Shapes:
        of_charges: of single charges, credits subtracted. of_periods: of prices of whole periods.
        owed_of_periods: what those periods cost, as it was last told on a bill.

    Units:
        10^-11 of the currency, before tax.
    """

    currency: str
    of_charges: int
    of_periods: int
    owed_of_periods: int


@dataclass(frozen=True, slots=True)
class WrongLine:
    """A line of an invoice that does not bill what is noted for it."""

    account: str
    invoice: str
    line_no: int
    fault: str
    wanted: int
    found: int


_NOTED = """
    SELECT invoice_id, line_no, sum(n)::bigint AS n FROM (
        SELECT invoice_id, line_no, count(*) AS n FROM invoice_charge GROUP BY invoice_id, line_no
        UNION ALL SELECT invoice_id, line_no, count(*) FROM invoice_credit GROUP BY invoice_id, line_no
    ) AS each GROUP BY invoice_id, line_no
"""
_LINES = f"""
    SELECT coalesce(a.number, '') AS account, i.number, i.currency, coalesce(l.invoice_id, n.invoice_id) AS invoice_id, coalesce(l.line_no, n.line_no) AS line_no,
        l.events, l.amount_e11, coalesce(n.n, 0) AS noted, l.invoice_id IS NOT NULL AS is_line,
        EXISTS (SELECT FROM invoice_period AS p WHERE p.invoice_id = l.invoice_id AND p.line_no = l.line_no) AS of_period
    FROM (
        SELECT invoice_id, line_no, events, amount_e11 FROM invoice_line WHERE kind = 'USAGE'
    ) AS l
    FULL JOIN ({_NOTED}) AS n ON n.invoice_id = l.invoice_id AND n.line_no = l.line_no
    LEFT JOIN invoice AS i ON i.id = coalesce(l.invoice_id, n.invoice_id)
    LEFT JOIN account AS a ON a.id = i.account_id
"""  # noqa: S608 - constants, no values


def billed(txn: Transaction) -> tuple[Billed, ...]:
    """Sum what invoices bill for usage, by currency."""
    txn.execute(
        f"""
        WITH l AS (
            SELECT currency, coalesce(sum(amount_e11) FILTER (WHERE noted > 0), 0) AS charges,
                coalesce(sum(amount_e11) FILTER (WHERE noted = 0), 0) AS periods
            FROM ({_LINES}) AS each WHERE is_line GROUP BY currency
        ), p AS (
            SELECT i.currency, sum(last.net_e11) AS owed FROM (
                SELECT DISTINCT ON (account_id, during, scope, owner_id, rate_id) invoice_id, net_e11 FROM invoice_period
                ORDER BY account_id, during, scope, owner_id, rate_id, invoice_id DESC, line_no DESC
            ) AS last JOIN invoice AS i ON i.id = last.invoice_id GROUP BY i.currency
        )
        SELECT currency, coalesce(l.charges, 0), coalesce(l.periods, 0), coalesce(p.owed, 0)
        FROM l FULL JOIN p USING (currency) ORDER BY currency
        """  # noqa: S608 - constants, no values
    )
    return tuple(
        Billed(currency, int(charges), int(periods), int(owed))
        for currency, charges, periods, owed in txn.fetchall()
    )


def wrong_counts(txn: Transaction) -> tuple[WrongLine, ...]:
    """Give lines with another number of events than charges that are noted for them."""
    txn.execute(
        f"""
        SELECT account, coalesce(number, invoice_id::text), line_no, CASE WHEN is_line
            THEN 'the line counts other events than charges are noted for it'
            ELSE 'charges are noted for a line that is none of usage' END, coalesce(events, 0), noted
        FROM ({_LINES}) AS l
        WHERE NOT is_line OR (noted > 0 AND noted IS DISTINCT FROM events)
        OR (noted = 0 AND events > 0 AND NOT of_period)
        ORDER BY invoice_id, line_no LIMIT {FAULTS_MAX}
        """  # noqa: S608 - constants, no values
    )
    return tuple(WrongLine(*row) for row in txn.fetchall())


def wrong_amounts(txn: Transaction) -> tuple[WrongLine, ...]:
    """Give lines that bill another amount than that of the charges that are noted for them."""
    txn.execute(
        f"""
        WITH noted AS (
            SELECT invoice_id, line_no, sum(amount) AS amount FROM (
                SELECT i.invoice_id, i.line_no, c.amount_e11 AS amount FROM invoice_charge AS i
                JOIN charge AS c ON c.account_id = i.account_id AND c.started_at = i.started_at
                    AND c.udr_id = i.udr_id AND c.version = i.version
                UNION ALL
                SELECT d.invoice_id, d.line_no, -c.amount_e11 FROM invoice_credit AS d
                JOIN charge AS c ON c.account_id = d.account_id AND c.started_at = d.started_at
                    AND c.udr_id = d.udr_id AND c.version = d.version
            ) AS each GROUP BY invoice_id, line_no
        )
        SELECT a.number, i.number, l.line_no, 'the line bills another amount than its charges come to', l.amount_e11, n.amount
        FROM noted AS n JOIN invoice_line AS l ON l.invoice_id = n.invoice_id AND l.line_no = n.line_no
        JOIN invoice AS i ON i.id = l.invoice_id JOIN account AS a ON a.id = i.account_id
        WHERE l.amount_e11 <> n.amount ORDER BY l.invoice_id, l.line_no LIMIT {FAULTS_MAX}
        """  # noqa: S608 - constants, no values
    )
    return tuple(
        WrongLine(account, number, line_no, fault, int(wanted), int(found))
        for account, number, line_no, fault, wanted, found in txn.fetchall()
    )
