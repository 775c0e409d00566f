"""Share plans as accounts have them: who takes part when, what was brought to a period, what was drawn within limits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from psycopg2.extras import execute_values

from bmu.period import from_us, to_us
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Share:
    """A share plan that an account has; time_zone and bill_day are the account's."""

    id: int
    account_id: int
    account: str
    share_plan: str
    from_: datetime
    time_zone: str
    bill_day: int
    currency: str


@dataclass(frozen=True, slots=True)
class Member:
    """
    An account that takes part in a share plan over [from, to).

    Shapes:
        contribution: of the account, in place of what its services bring; none: that.
    """

    id: int
    share_id: int
    account_id: int
    account: str
    from_: datetime
    to: datetime | None
    contribution: int | None


class Period(NamedTuple):
    """A period of the buckets of one type of a share plan."""

    share_id: int
    code: str
    from_us: int


class Part(NamedTuple):
    """Who takes part; service 0: an account whose contribution is not its services'."""

    account_id: int
    account_service_id: int


class Taken(NamedTuple):
    """What a part has brought to a period, and drawn; brought: none: nothing was asked of it yet."""

    period: Period
    part: Part
    brought: int | None
    drawn: int


_SHARE = """
    SELECT s.id, s.account_id, a.number, s.share_plan, s.from_at, a.time_zone, a.bill_day, a.currency
    FROM share AS s JOIN account AS a ON a.id = s.account_id
"""


def add(txn: Transaction, account_id: int, share_plan: str, from_: datetime, since: int) -> int:
    """Let an account have a share plan; give its id."""
    txn.execute(
        """
        INSERT INTO share (account_id, share_plan, from_at, since)
        VALUES (%(account)s, %(plan)s, %(from)s, %(since)s) RETURNING id
        """,
        {"account": account_id, "plan": share_plan, "from": from_, "since": since},
    )
    row = txn.fetchone()
    assert row is not None, "an insert gives its row"
    return int(row[0])


def by_id(txn: Transaction, id_: int) -> Share | None:
    """Give a share plan that an account has."""
    txn.execute(f"{_SHARE} WHERE s.id = %(id)s", {"id": id_})
    row = txn.fetchone()
    return Share(*row) if row else None


def of_account(txn: Transaction, account_id: int) -> tuple[Share, ...]:
    """Give those that an account has, or takes part in."""
    txn.execute(
        f"""
        {_SHARE} WHERE s.account_id = %(id)s OR EXISTS (
            SELECT FROM share_member AS m
            WHERE m.share_id = s.id AND m.account_id = %(id)s AND m.until IS NULL
        ) ORDER BY s.id
        """,
        {"id": account_id},
    )
    return tuple(Share(*row) for row in txn.fetchall())


def at(txn: Transaction, revision: int) -> tuple[Share, ...]:
    """Give all that there are at a revision."""
    txn.execute(f"{_SHARE} WHERE s.since <= %(at)s ORDER BY s.id", {"at": revision})
    return tuple(Share(*row) for row in txn.fetchall())


def members(
    txn: Transaction, revision: int, share_ids: Sequence[int] | None = None
) -> tuple[Member, ...]:
    """Give who takes part at a revision, of all share plans or of those named."""
    txn.execute(
        """
        SELECT m.id, m.share_id, m.account_id, a.number, lower(m.during), upper(m.during), m.contribution
        FROM share_member AS m JOIN account AS a ON a.id = m.account_id
        WHERE m.since <= %(at)s AND (m.until IS NULL OR m.until > %(at)s)
        AND (%(ids)s::bigint[] IS NULL OR m.share_id = ANY (%(ids)s::bigint[]))
        ORDER BY m.share_id, lower(m.during), m.account_id
        """,
        {"at": revision, "ids": None if share_ids is None else list(share_ids)},
    )
    return tuple(Member(*row) for row in txn.fetchall())


def holders(txn: Transaction) -> dict[int, tuple[int, ...]]:
    """Give the accounts whose share plans each account has ever taken part in."""
    txn.execute(
        """
        SELECT m.account_id, array_agg(DISTINCT s.account_id)
        FROM share_member AS m JOIN share AS s ON s.id = m.share_id GROUP BY m.account_id
        """
    )
    return {account_id: tuple(found) for account_id, found in txn.fetchall()}


def join(
    txn: Transaction,
    share_id: int,
    account_id: int,
    during: tuple[datetime, datetime | None],
    contribution: int | None,
    since: int,
) -> bool:
    """Let an account take part from revision *since* on; False: it does on some of these days already."""
    txn.execute(
        """
        INSERT INTO share_member (share_id, account_id, during, contribution, since)
        VALUES (%(share)s, %(account)s, tstzrange(%(from)s, %(to)s), %(contribution)s, %(since)s)
        ON CONFLICT DO NOTHING
        """,
        {
            "share": share_id,
            "account": account_id,
            "from": during[0],
            "to": during[1],
            "contribution": contribution,
            "since": since,
        },
    )
    return txn.rowcount == 1


def withdraw(txn: Transaction, member_id: int, until: int) -> None:
    """Take a membership out of force at revision *until*; its row stays, for what was rated by it."""
    txn.execute(
        "UPDATE share_member SET until = %(until)s WHERE id = %(id)s AND until IS NULL",
        {"id": member_id, "until": until},
    )


def lock(txn: Transaction, share_ids: Iterable[int]) -> None:
    """Let nobody else bring anything to these before this transaction ends."""
    txn.execute(
        "SELECT id FROM share WHERE id = ANY (%(ids)s) ORDER BY id FOR NO KEY UPDATE",
        {"ids": sorted(share_ids)},
    )


def taken(txn: Transaction, periods: Iterable[Period]) -> list[Taken]:
    """Give what was brought to periods, and drawn of what they have."""
    wanted = list(periods)
    txn.execute(
        """
        SELECT p.share_id, p.code, p.from_at, p.account_id, p.account_service_id, p.brought, p.drawn
        FROM unnest(%(ids)s::bigint[], %(codes)s::text[], %(froms)s::timestamptz[]) AS w (share_id, code, from_at)
        JOIN participation AS p
            ON p.share_id = w.share_id AND p.code = w.code AND p.from_at = w.from_at
        """,
        {
            "ids": [period.share_id for period in wanted],
            "codes": [period.code for period in wanted],
            "froms": [from_us(period.from_us) for period in wanted],
        },
    )
    return [
        Taken(Period(share_id, code, to_us(from_at)), Part(account_id, service_id), brought, drawn)
        for share_id, code, from_at, account_id, service_id, brought, drawn in txn.fetchall()
    ]


def bring(txn: Transaction, wanted: Sequence[Taken]) -> None:
    """Note what was brought."""
    execute_values(
        txn,
        """
        INSERT INTO participation (share_id, code, from_at, account_id, account_service_id, brought)
        VALUES %s ON CONFLICT (share_id, code, from_at, account_id, account_service_id)
        DO UPDATE SET brought = excluded.brought
        """,
        [
            (*each.period[:2], from_us(each.period.from_us), *each.part, each.brought)
            for each in wanted
        ],
    )


def draw(txn: Transaction, wanted: Iterable[tuple[Period, Part, int]]) -> None:
    """Note what parts have drawn; who says so has locked the buckets of the period."""
    execute_values(
        txn,
        """
        INSERT INTO participation (share_id, code, from_at, account_id, account_service_id, drawn)
        VALUES %s ON CONFLICT (share_id, code, from_at, account_id, account_service_id)
        DO UPDATE SET drawn = excluded.drawn
        """,
        [
            (*period[:2], from_us(period.from_us), *part, quantity)
            for period, part, quantity in wanted
        ],
    )


def allotted(
    txn: Transaction, share_ids: Sequence[int], account_ids: Sequence[int]
) -> set[Period]:
    """Give the periods whose buckets are there, of share plans of these accounts."""
    txn.execute(
        """
        SELECT share_id, code, (extract(epoch FROM lower(during)) * 1000000)::bigint FROM bucket
        WHERE account_id = ANY (%(accounts)s) AND share_id = ANY (%(shares)s) AND part = 'ALLOTMENT'
        """,
        {"accounts": list(account_ids), "shares": list(share_ids)},
    )
    return {Period(*row) for row in txn.fetchall()}


def held(
    txn: Transaction, service_ids: Sequence[int], account_ids: Sequence[int]
) -> list[tuple[int, int, int, int]]:
    """
    Give what open reservations of services hold in buckets of share plans.

    Shapes:
        account_ids: whose share plans.
        Result: (service, bucket, when the event begins, quantity), the instant in microseconds since 1970.
    """
    txn.execute(
        """
        SELECT r.account_service_id, d.bucket_id, (extract(epoch FROM r.started_at) * 1000000)::bigint,
            -sum(d.quantity)::bigint
        FROM reservation AS r
        JOIN draw AS d ON d.account_id = ANY (%(accounts)s) AND d.started_at = r.started_at
            AND d.udr_id = r.id AND d.kind IN ('HOLD', 'RELEASE')
        WHERE r.state = 'OPEN' AND r.account_service_id = ANY (%(services)s) AND r.account_id IN (
            SELECT account_id FROM account_service WHERE id = ANY (%(services)s)
        )
        GROUP BY 1, 2, 3
        """,
        {"services": list(service_ids), "accounts": list(account_ids)},
    )
    return [tuple(row) for row in txn.fetchall()]


@dataclass(frozen=True, slots=True)
class Pooled:
    """A bucket of a share plan."""

    code: str
    unit: str
    from_: datetime
    to: datetime | None
    granted: int
    balance: int


@dataclass(frozen=True, slots=True)
class Position:
    """What a part has brought to a period and drawn against a limit; service 0: the account."""

    account: str
    account_service_id: int
    code: str
    from_: datetime
    brought: int
    drawn: int


# Of both so many are shown, the newest.
_SHOWN = 200


def pooled(txn: Transaction, share: Share) -> tuple[Pooled, ...]:
    """Give the buckets of a share plan, the newest first."""
    txn.execute(
        """
        SELECT code, unit, lower(during), upper(during), granted + added, balance FROM bucket
        WHERE account_id = %(account)s AND share_id = %(share)s AND (part <> 'CARRIED' OR granted + added > 0)
        ORDER BY lower(during) DESC, id DESC LIMIT %(limit)s
        """,
        {"account": share.account_id, "share": share.id, "limit": _SHOWN},
    )
    return tuple(Pooled(*row) for row in txn.fetchall())


def positions(txn: Transaction, share: Share) -> tuple[Position, ...]:
    """Give what was brought to a share plan and drawn of it, the newest first."""
    txn.execute(
        """
        SELECT a.number, p.account_service_id, p.code, p.from_at, coalesce(p.brought, 0), p.drawn
        FROM participation AS p JOIN account AS a ON a.id = p.account_id WHERE p.share_id = %(share)s
        ORDER BY p.from_at DESC, a.number, p.account_service_id, p.code LIMIT %(limit)s
        """,
        {"share": share.id, "limit": _SHOWN},
    )
    return tuple(Position(*row) for row in txn.fetchall())
