"""Charges to bill or to credit: summed as lines show them, and noted once they are on an invoice."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from bmu.period import Period
from bmu.usage import Unit
from bmuid.store.transaction import Transaction


class ToldTax(NamedTuple):
    """
    A tax that charges name: its version in the catalogue, and the certificate where it is not owed.

    Units:
        rate_ppm: as an outside service told it; none: the tax's own.
    """

    tax_id: int
    certificate: str | None
    rate_ppm: int | None


class Why(Enum):
    """
    Why charges are billed now.

    CREDIT: they were billed before, and reversed since. AGAIN: they take the place of such. LATE: of before the
    period. PERIOD: of the period.
    """

    CREDIT = "CREDIT"
    AGAIN = "AGAIN"
    LATE = "LATE"
    PERIOD = "PERIOD"


@dataclass(frozen=True, slots=True)
class Charged:
    """
    Charges that are to be billed, or credited, for one reason, summed; the amount of a credit is negative.

    Shapes:
        taxes: all of each charge, in their order; marked: the same as the database compares them.
        aggregate: of rates that price the whole period, not each event.
        drawn: whether money or tiers with a flat charge may be in it.
    """

    account_service_id: int
    usage_class: str
    class_name: str
    unit: Unit
    location: str | None
    location_name: str | None
    marked: str
    why: Why
    aggregate: bool
    drawn: bool
    events: int
    quantity: int
    included: int
    amount_e11: int

    @property
    def taxes(self) -> tuple[ToldTax, ...]:
        """The taxes of each of the charges, in their order."""
        return tuple(ToldTax(*one) for one in json.loads(self.marked))


@dataclass(frozen=True, slots=True)
class Drawn:
    """
    What a sum of charges holds beside prices.

    Shapes:
        place: of the sum, among those that were asked about.
        tier: which of the bucket's tiers began, the first is 1; none: money that a bucket paid.
        times: how often it began.

    Units:
        amount_e11: of all these together.
    """

    place: int
    name: str
    tier: int | None
    times: int
    amount_e11: int


def earliest_unbilled(
    txn: Transaction, account_id: int, period: Period, others: Sequence[int] = ()
) -> datetime:
    """
    Give an instant before which the account, and those it pays for, have no charge that is new since its last invoice.

    That is the start of the period, or of the oldest day in the files that were worked since the
    account's last invoice, or of what else was charged since: so a run looks into the days it has
    to, not into all there are.
    """
    txn.execute(
        """
        WITH last AS (SELECT max(issued_at) AS issued_at FROM invoice WHERE account_id = %(account)s)
        SELECT least(%(from)s, (
            SELECT min(p.oldest_day)::timestamp AT TIME ZONE 'UTC' FROM last
            JOIN usage_file AS f ON f.state <> 'DONE' OR f.done_at >= last.issued_at
            JOIN usage_file_part AS p ON p.file_id = f.id
        ), (
            -- A row has the time at which its transaction began: one that was not seen then is seen now.
            SELECT min(w.oldest) FROM last JOIN rework AS w ON w.account_id = ANY (%(accounts)s)
            AND w.at >= coalesce(last.issued_at, '-infinity') - interval '1 day'
        ))
        """,
        {"account": account_id, "accounts": [account_id, *others], "from": period.from_},
    )
    row = txn.fetchone()
    assert row is not None
    earliest: datetime = row[0]
    return earliest


# The charges to bill are named more than once, to sum them and to note them; all must mean the same rows.
_FOUND = """
    SELECT c.account_id, c.started_at, c.udr_id, c.version, c.account_service_id,
        u.code AS usage_class, l.code AS location,
        -- The taxes of a charge, whatever they come to, written as one text.
        CASE WHEN c.detail ? 'taxes' THEN coalesce((
            SELECT jsonb_agg(jsonb_build_array(t.part -> 0, t.part -> 3, t.part -> 4) ORDER BY t.n)::text
            FROM jsonb_array_elements(c.detail -> 'taxes' -> 3) WITH ORDINALITY AS t (part, n)
        ), '[]') WHEN c.tax_id IS NULL THEN '[]' ELSE '[[' || c.tax_id || ', null, null]]' END AS taxes,
        w.why, coalesce(c.detail ? 'aggregate', false) AS aggregate,
        c.rounded, c.billable,
        CASE w.why WHEN 'CREDIT' THEN -c.amount_e11 ELSE c.amount_e11 END AS amount_e11, c.detail -> 'drawing' AS drawing,
        u.name AS class_name, u.unit, l.name AS location_name
    FROM charge AS c
    JOIN usage_class AS u ON u.id = c.usage_class_id
    LEFT JOIN location_pattern AS lp ON lp.id = c.location_pattern_id
    LEFT JOIN location AS l ON l.code = lp.location
        AND l.since <= c.revision AND (l.until IS NULL OR l.until > c.revision)
"""
_TO_BILL = f"""
    {_FOUND}
    CROSS JOIN LATERAL (
        SELECT CASE WHEN c.version > 1 AND EXISTS (
            SELECT FROM invoice_charge AS i WHERE i.account_id = c.account_id
            AND i.started_at = c.started_at AND i.udr_id = c.udr_id
            AND i.started_at >= %(earliest)s AND i.started_at < %(to)s
        ) THEN 'AGAIN' WHEN c.started_at < %(from)s THEN 'LATE' ELSE 'PERIOD' END AS why
    ) AS w
    WHERE c.account_id = %(account)s AND c.started_at >= %(earliest)s AND c.started_at < %(to)s
    AND NOT EXISTS (
        SELECT FROM charge_reversal AS r WHERE r.account_id = c.account_id
        AND r.started_at = c.started_at AND r.udr_id = c.udr_id AND r.version = c.version
    )
    AND NOT EXISTS (
        SELECT FROM invoice_charge AS i WHERE i.account_id = c.account_id
        AND i.started_at = c.started_at AND i.udr_id = c.udr_id AND i.version = c.version
    )
    UNION ALL
    {_FOUND}
    JOIN charge_reversal AS r ON r.account_id = c.account_id AND r.started_at = c.started_at
        AND r.udr_id = c.udr_id AND r.version = c.version
    JOIN invoice_charge AS i ON i.account_id = c.account_id AND i.started_at = c.started_at
        AND i.udr_id = c.udr_id AND i.version = c.version
    CROSS JOIN (SELECT 'CREDIT' AS why) AS w
    WHERE c.account_id = %(account)s AND c.started_at >= %(earliest)s AND c.started_at < %(to)s
    AND r.account_id = %(account)s AND r.started_at >= %(earliest)s AND r.started_at < %(to)s
    AND i.account_id = %(account)s AND i.started_at >= %(earliest)s AND i.started_at < %(to)s
    AND NOT EXISTS (
        SELECT FROM invoice_credit AS d WHERE d.account_id = c.account_id
        AND d.started_at = c.started_at AND d.udr_id = c.udr_id AND d.version = c.version
    )
"""  # noqa: S608 - constants, no values
# From a charge to the sum that it is in, by the number given to that.
_SUMS = """
    unnest(%(numbers)s::integer[], %(services)s::bigint[], %(classes)s::text[], %(locations)s::text[],
        %(taxes)s::text[], %(whys)s::text[], %(aggregates)s::boolean[])
    AS n (number, service, class, location, taxes, why, aggregate)
    ON n.service = b.account_service_id AND n.class = b.usage_class
    AND n.location IS NOT DISTINCT FROM b.location AND n.taxes = b.taxes AND n.why = b.why
    AND n.aggregate = b.aggregate
"""


def charged_until(
    txn: Transaction, account_id: int, period: Period, earliest: datetime
) -> list[Charged]:
    """
    Sum what an account is to be billed of its usage from *earliest* to the end of *period*: live charges that
    are on no invoice, and, to be credited, those that are on one and were reversed since.
    """
    txn.execute(
        f"""
        WITH to_bill AS ({_TO_BILL})
        SELECT account_service_id, usage_class, max(class_name), max(unit), location,
            max(location_name), taxes, why, aggregate, bool_or(drawing IS NOT NULL), count(*),
            sum(rounded)::numeric, sum(rounded - billable)::numeric, sum(amount_e11)::numeric
        FROM to_bill
        GROUP BY account_service_id, usage_class, location, taxes, why, aggregate
        ORDER BY array_position(%(order)s, why), account_service_id, usage_class, max(location_name), aggregate, taxes
        """,  # noqa: S608 - a constant, no value
        {**_to_bill_of(account_id, period, earliest), "order": [why.value for why in Why]},
    )
    return [
        Charged(
            account_service_id=row[0],
            usage_class=row[1],
            class_name=row[2],
            unit=Unit(row[3]),
            location=row[4],
            location_name=row[5],
            marked=row[6],
            why=Why(row[7]),
            aggregate=row[8],
            drawn=row[9],
            events=row[10],
            quantity=int(row[11]),
            included=int(row[12]),
            amount_e11=int(row[13]),
        )
        for row in txn.fetchall()
    ]


def drawn_in(
    txn: Transaction,
    account_id: int,
    period: Period,
    earliest: datetime,
    sums: Sequence[tuple[int, Charged]],
) -> list[Drawn]:
    """Tell what buckets paid of sums, and which tiers of theirs began, by the numbers given to the sums."""
    if not any(charged.drawn for _, charged in sums):
        return []
    txn.execute(
        f"""
        WITH to_bill AS ({_TO_BILL}), drawn AS (
            SELECT n.number, d.draw, (d.draw -> 'bucket')::bigint AS bucket_id FROM to_bill AS b
            JOIN {_SUMS}
            CROSS JOIN jsonb_array_elements(b.drawing -> 'draws') AS d (draw)
            WHERE b.drawing IS NOT NULL
        ), told AS (
            SELECT number, bucket_id, NULL::integer AS tier, 0 AS times, (draw -> 'quantity')::numeric AS amount
            FROM drawn WHERE draw ->> 'kind' = 'MONEY'
            UNION ALL
            SELECT number, bucket_id, (e ->> 'tier')::integer, (e ->> 'times')::integer,
                (e ->> 'times')::numeric * (e ->> 'flat_e11')::numeric
            FROM drawn CROSS JOIN jsonb_array_elements(draw -> 'entered') AS e
            WHERE (e ->> 'flat_e11')::numeric > 0
        )
        SELECT t.number, y.name, t.tier, sum(t.times)::integer, sum(t.amount)
        FROM told AS t JOIN bucket AS k ON k.id = t.bucket_id
        JOIN LATERAL (
            SELECT v.name FROM bucket_type AS v WHERE v.code = k.code ORDER BY v.id DESC LIMIT 1
        ) AS y ON true
        GROUP BY t.number, y.name, t.tier ORDER BY t.number, y.name, t.tier
        """,  # noqa: S608 - constants, no values
        {**_to_bill_of(account_id, period, earliest), **_numbered(sums)},
    )
    return [
        Drawn(place, name, tier, times, int(amount))
        for place, name, tier, times, amount in txn.fetchall()
    ]


def note_charges(
    txn: Transaction,
    account_id: int,
    period: Period,
    earliest: datetime,
    invoice_id: int,
    lines: Sequence[tuple[int, Charged]],
) -> int:
    """
    Note each charge that was summed, with its line, as billed or credited; give how many there are.

    Shapes:
        lines: the line number of each sum; several sums may be one line. In one transaction that sees
        one moment, these are the charges that were summed.
    """
    if not lines:
        return 0
    txn.execute(
        f"""
        WITH to_bill AS ({_TO_BILL}), noted AS MATERIALIZED (
            SELECT b.account_id, b.started_at, b.udr_id, b.version, n.number, b.why
            FROM to_bill AS b JOIN {_SUMS}
        ), billed AS (
            INSERT INTO invoice_charge (account_id, started_at, udr_id, version, invoice_id, line_no)
            SELECT account_id, started_at, udr_id, version, %(invoice)s, number FROM noted
            WHERE why <> 'CREDIT' RETURNING 1
        ), credited AS (
            INSERT INTO invoice_credit (account_id, started_at, udr_id, version, invoice_id, line_no)
            SELECT account_id, started_at, udr_id, version, %(invoice)s, number FROM noted
            WHERE why = 'CREDIT' RETURNING 1
        )
        SELECT (SELECT count(*) FROM billed) + (SELECT count(*) FROM credited)
        """,  # noqa: S608 - constants, no values
        {
            **_to_bill_of(account_id, period, earliest),
            **_numbered(lines),
            "invoice": invoice_id,
        },
    )
    row = txn.fetchone()
    assert row is not None, "counts give a row"
    return int(row[0])


def _numbered(sums: Sequence[tuple[int, Charged]]) -> dict[str, object]:
    return {
        "numbers": [number for number, _ in sums],
        "services": [charged.account_service_id for _, charged in sums],
        "classes": [charged.usage_class for _, charged in sums],
        "locations": [charged.location for _, charged in sums],
        "taxes": [charged.marked for _, charged in sums],
        "whys": [charged.why.value for _, charged in sums],
        "aggregates": [charged.aggregate for _, charged in sums],
    }


def _to_bill_of(account_id: int, period: Period, earliest: datetime) -> dict[str, object]:
    return {
        "account": account_id,
        "from": period.from_,
        "to": period.to,
        "earliest": earliest,
    }
