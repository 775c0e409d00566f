"""Usage that rates of whole periods add up: what was used so far, what else was charged, what was billed of it."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from bmu.period import Period
from bmuid.store.transaction import Transaction
from bmuid.store.unbilled import ToldTax

_LIVE = """
    FROM charge AS c
    WHERE c.account_id = ANY (%(accounts)s) AND c.started_at >= %(from)s AND c.started_at < %(to)s
    AND c.currency = %(currency)s AND NOT EXISTS (
        SELECT FROM charge_reversal AS r WHERE r.account_id = c.account_id
        AND r.started_at = c.started_at AND r.udr_id = c.udr_id AND r.version = c.version
    )
"""


@dataclass(frozen=True, slots=True)
class Used:
    """
    Live charges of one service at one rate that prices a period, summed.

    Shapes:
        marked: their taxes, as `bmuid.store.unbilled` writes them; inclusive: prices hold them.
        samples: of each charge, the least first; only where the rate asks for a percentile.

    Units:
        quantity, largest, samples: base units, after buckets. cost_e11: what it cost the company.
    """

    account_id: int
    account_service_id: int
    package: str
    usage_class_id: int
    rate_plan_id: int
    rate_group_id: int
    rate_id: int
    revision: int
    marked: str
    inclusive: bool
    last_at: datetime
    events: int
    quantity: int
    largest: int
    cost_e11: int
    samples: tuple[int, ...]

    @property
    def taxes(self) -> tuple[ToldTax, ...]:
        """The taxes of each of the charges, in their order."""
        return tuple(ToldTax(*one) for one in json.loads(self.marked))


@dataclass(frozen=True, slots=True)
class Before:
    """What a period's usage at a rate came to when it was last billed."""

    from_: datetime
    scope: str
    owner_id: int
    usage_class_id: int
    rate_plan_id: int
    rate_group_id: int
    rate_id: int
    revision: int
    marked: str
    events: int
    quantity: int
    net_e11: int

    @property
    def taxes(self) -> tuple[ToldTax, ...]:
        """Its taxes."""
        return tuple(ToldTax(*one) for one in json.loads(self.marked))


@dataclass(frozen=True, slots=True)
class Billed:
    """A line of an invoice for a period's usage, with all that its price follows from."""

    line_no: int
    during: Period
    scope: str
    owner_id: int
    usage_class_id: int
    rate_plan_id: int
    rate_group_id: int
    rate_id: int
    revision: int
    usage: dict[str, object]
    price: dict[str, object]
    net_e11: int


def is_wanted(txn: Transaction) -> bool:
    """Tell whether there ever was a rate that prices periods."""
    txn.execute("SELECT EXISTS (SELECT FROM rate_group WHERE aggregate)")
    row = txn.fetchone()
    assert row is not None, "EXISTS gives a row"
    return bool(row[0])


def used_in(
    txn: Transaction, account_ids: Collection[int], currency: str, period: Period
) -> list[Used]:
    """Sum what accounts used in a period, as far as the period's rates price it; in no order that matters."""
    txn.execute(
        f"""
        WITH live AS (
            SELECT c.account_id, c.account_service_id, c.usage_class_id, c.revision, c.started_at, c.billable,
                coalesce((c.detail -> 'overage' -> 0)::integer, c.rate_plan_id) AS rate_plan_id,
                coalesce((c.detail -> 'overage' -> 1)::integer, c.rate_group_id) AS rate_group_id,
                coalesce((c.detail -> 'overage' -> 2)::integer, c.rate_id) AS rate_id,
                coalesce((c.detail -> 'taxes' -> 2)::boolean, false) AS inclusive,
                CASE WHEN c.detail ? 'taxes' THEN coalesce((
                    SELECT jsonb_agg(jsonb_build_array(t.part -> 0, t.part -> 3, t.part -> 4) ORDER BY t.n)::text
                    FROM jsonb_array_elements(c.detail -> 'taxes' -> 3) WITH ORDINALITY AS t (part, n)
                ), '[]') WHEN c.tax_id IS NULL THEN '[]' ELSE '[[' || c.tax_id || ', null, null]]' END AS marked,
                CASE WHEN c.detail ? 'overage' THEN nullif(c.detail -> 'overage' -> 3, 'null') -> 0
                    ELSE c.detail -> 'cost' -> 0 END::numeric AS cost_e11
            {_LIVE} AND c.detail ? 'aggregate'
        )
        SELECT l.account_id, l.account_service_id, s.package, l.usage_class_id, l.rate_plan_id,
            l.rate_group_id, l.rate_id, l.revision, l.marked, l.inclusive, max(l.started_at), count(*),
            sum(l.billable)::numeric, max(l.billable), coalesce(sum(l.cost_e11), 0),
            coalesce(array_agg(l.billable ORDER BY l.billable) FILTER (WHERE r.aggregation = 'PERCENTILE_95'), '{{}}')
        FROM live AS l JOIN account_service AS s ON s.id = l.account_service_id
        JOIN rate AS r ON r.id = l.rate_id
        GROUP BY l.account_id, l.account_service_id, s.package, l.usage_class_id, l.rate_plan_id,
            l.rate_group_id, l.rate_id, l.revision, l.marked, l.inclusive
        ORDER BY max(l.started_at), l.account_id, l.account_service_id, l.rate_id, l.revision, l.marked
        """,  # noqa: S608 - a constant, no value
        _of(account_ids, currency, period),
    )
    return [
        Used(
            account_id=row[0],
            account_service_id=row[1],
            package=row[2],
            usage_class_id=row[3],
            rate_plan_id=row[4],
            rate_group_id=row[5],
            rate_id=row[6],
            revision=row[7],
            marked=row[8],
            inclusive=row[9],
            last_at=row[10],
            events=row[11],
            quantity=int(row[12]),
            largest=row[13],
            cost_e11=int(row[14]),
            samples=tuple(row[15]),
        )
        for row in txn.fetchall()
    ]


def charged_in(
    txn: Transaction, account_ids: Collection[int], currency: str, period: Period
) -> dict[tuple[int, int], int]:
    """Sum what events of accounts were charged in a period, before tax, by account and service."""
    txn.execute(
        f"""
        SELECT c.account_id, c.account_service_id, sum(c.amount_e11)::numeric
        {_LIVE} GROUP BY c.account_id, c.account_service_id
        """,
        _of(account_ids, currency, period),
    )
    return {(account_id, service_id): int(sum_) for account_id, service_id, sum_ in txn.fetchall()}


def services_at(
    txn: Transaction, account_ids: Collection[int], packages: Collection[str], at: datetime
) -> int:
    """Count the services of accounts that have one of these packages at an instant."""
    txn.execute(
        """
        SELECT count(*) FROM account_service
        WHERE account_id = ANY (%(accounts)s) AND package = ANY (%(packages)s) AND during @> %(at)s::timestamptz
        """,
        {"accounts": list(account_ids), "packages": list(packages), "at": at},
    )
    row = txn.fetchone()
    assert row is not None, "an aggregate gives a row"
    return int(row[0])


def paid_for(txn: Transaction, account_id: int) -> tuple[bool, tuple[int, ...]]:
    """
    Tell whether an account pays for its own usage, and for which others of its currency.

    An account that another one in another currency should pay for pays itself: nothing is converted.
    """
    txn.execute(
        """
        SELECT a.id FROM account_terms AS t
        JOIN account AS a ON a.id = t.account_id
        JOIN account AS payer ON payer.id = t.usage_invoicer_id AND payer.currency = a.currency
        WHERE t.until IS NULL AND (t.usage_invoicer_id = %(account)s OR t.account_id = %(account)s)
        ORDER BY a.id
        """,
        {"account": account_id},
    )
    found = [id_ for (id_,) in txn.fetchall()]
    return account_id not in found, tuple(id_ for id_ in found if id_ != account_id)


def billed_before(txn: Transaction, account_id: int, since: datetime) -> list[Before]:
    """Give what the account's periods from *since* on came to when they were last billed."""
    txn.execute(
        """
        SELECT DISTINCT ON (during, scope, owner_id, rate_id) lower(during), scope, owner_id,
            usage_class_id, rate_plan_id, rate_group_id, rate_id, revision, usage -> 'taxes',
            usage -> 'events', usage -> 'quantity', net_e11
        FROM invoice_period WHERE account_id = %(account)s AND lower(during) >= %(since)s
        ORDER BY during, scope, owner_id, rate_id, invoice_id DESC, line_no DESC
        """,
        {"account": account_id, "since": since},
    )
    return [
        Before(
            from_=row[0],
            scope=row[1],
            owner_id=row[2],
            usage_class_id=row[3],
            rate_plan_id=row[4],
            rate_group_id=row[5],
            rate_id=row[6],
            revision=row[7],
            marked=json.dumps(row[8]),
            events=row[9],
            quantity=row[10],
            net_e11=int(row[11]),
        )
        for row in txn.fetchall()
    ]


def add(txn: Transaction, account_id: int, invoice_id: int, billed: Sequence[Billed]) -> None:
    """Keep what lines for periods follow from."""
    for one in billed:
        txn.execute(
            """
            INSERT INTO invoice_period (account_id, invoice_id, line_no, during, scope, owner_id, usage_class_id,
                rate_plan_id, rate_group_id, rate_id, revision, usage, price, net_e11)
            VALUES (%(account)s, %(invoice)s, %(line)s, tstzrange(%(from)s, %(to)s), %(scope)s, %(owner)s,
                %(class)s, %(plan)s, %(group)s, %(rate)s, %(revision)s, %(usage)s, %(price)s, %(net)s)
            """,
            {
                "account": account_id,
                "invoice": invoice_id,
                "line": one.line_no,
                "from": one.during.from_,
                "to": one.during.to,
                "scope": one.scope,
                "owner": one.owner_id,
                "class": one.usage_class_id,
                "plan": one.rate_plan_id,
                "group": one.rate_group_id,
                "rate": one.rate_id,
                "revision": one.revision,
                "usage": json.dumps(one.usage),
                "price": json.dumps(one.price),
                "net": one.net_e11,
            },
        )


def _of(account_ids: Collection[int], currency: str, period: Period) -> dict[str, object]:
    return {
        "accounts": list(account_ids),
        "currency": currency,
        "from": period.from_,
        "to": period.to,
    }
