"""Plans of rerating, and what is due, as the staff asks for them and sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    A plan as it is asked for; None: any.

    Shapes:
        accounts: numbers. from_: when the first event began, where it is not what is due.
        due_to: the last of the entries of what is due.
        packages, to: of a simulation.
    """

    accounts: Sequence[str] | None
    from_: datetime | None
    usage_class: str | None = None
    source: str | None = None
    due_to: int | None = None
    accounts_a_second: int | None = None
    packages: Sequence[str] | None = None
    to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan and how far it is; seconds: that carrying it out will take, about; invoiced: of the changed."""

    id: int
    state: str
    revision: int | None
    accounts: int
    worked: int
    records: int
    changed: int
    unratable: int
    invoiced: int
    seconds: int
    accounts_a_second: int
    actor: str
    run_by: str | None
    created_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Total:
    """
    What is charged before and after, of an account or of all in one currency.

    Shapes:
        recurring_tax_e11: of a simulation; none where it can't be told.
    """

    account: str
    package: str
    currency: str
    records: int
    changed: int
    unratable: int
    old_e11: int
    old_tax_e11: int
    new_e11: int
    new_tax_e11: int
    recurring_e11: int
    recurring_tax_e11: int | None


@dataclass(frozen=True, slots=True)
class Due:
    """A change that touches usage rated before; account: None, all; from_: None, what is on no invoice."""

    id: int
    account: str | None
    from_: datetime | None
    cause: str
    revision: int
    at: datetime


def has_class(txn: Transaction, code: str) -> bool:
    """Tell whether the catalogue has, or ever had, a usage class of that code."""
    txn.execute("SELECT EXISTS (SELECT FROM usage_class WHERE code = %s)", (code,))
    row = txn.fetchone()
    assert row is not None, "it tells one thing"
    return bool(row[0])


def ask(txn: Transaction, actor: str, wanted: Wanted) -> int:
    """Make a plan and give its id."""
    txn.execute(
        """
        INSERT INTO rerating (actor, packages, accounts, from_at, to_at, usage_class, source, due_to,
            accounts_a_second)
        VALUES (%(actor)s, %(packages)s, %(accounts)s, %(from)s, %(to)s, %(usage_class)s,
            %(source)s, %(due_to)s, coalesce(%(pace)s, 20)) RETURNING id
        """,
        {
            "actor": actor,
            "packages": None if wanted.packages is None else list(wanted.packages),
            "accounts": None if wanted.accounts is None else list(wanted.accounts),
            "from": wanted.from_,
            "to": wanted.to,
            "usage_class": wanted.usage_class,
            "source": wanted.source,
            "due_to": wanted.due_to,
            "pace": wanted.accounts_a_second,
        },
    )
    row = txn.fetchone()
    assert row is not None, "an insert gives its row"
    return int(row[0])


def plans(
    txn: Transaction, plan_id: int | None, limit: int, *, simulations: bool
) -> tuple[Plan, ...]:
    """Give the plan, or simulation, of that id, or the newest ones."""
    txn.execute(
        """
        SELECT r.id, r.state, r.revision, a.accounts, a.worked, a.records, a.changed, a.unratable,
            a.invoiced, greatest(a.accounts / r.accounts_a_second, a.took_us * 3 / 1000000),
            r.accounts_a_second, r.actor, r.run_by, r.created_at, r.done_at
        FROM rerating AS r CROSS JOIN LATERAL (
            SELECT count(*) AS accounts, count(*) FILTER (
                    WHERE state = CASE WHEN r.state IN ('NEW', 'PLANNING', 'PLANNED') THEN 'PLANNED' ELSE 'DONE' END
                ) AS worked,
                coalesce(sum(records), 0)::bigint AS records,
                coalesce(sum(changed), 0)::bigint AS changed,
                coalesce(sum(unratable), 0)::bigint AS unratable,
                coalesce(sum(invoiced), 0)::bigint AS invoiced,
                coalesce(sum(took_us), 0)::bigint AS took_us
            FROM rerating_account WHERE rerating_id = r.id
        ) AS a
        WHERE (%(id)s IS NULL OR r.id = %(id)s) AND (r.packages IS NOT NULL) = %(simulations)s
        ORDER BY r.id DESC LIMIT %(limit)s
        """,
        {"id": plan_id, "limit": limit, "simulations": simulations},
    )
    return tuple(Plan(*row) for row in txn.fetchall())


_SUMS = """
    coalesce(sum(p.records), 0), coalesce(sum(p.changed), 0), coalesce(sum(p.unratable), 0),
    coalesce(sum(p.old_e11), 0), coalesce(sum(p.old_tax_e11), 0), coalesce(sum(p.new_e11), 0),
    coalesce(sum(p.new_tax_e11), 0), coalesce(sum(p.recurring_e11), 0),
    CASE WHEN bool_and(p.recurring_tax_e11 IS NOT NULL) THEN sum(p.recurring_tax_e11) END
"""


def accounts(txn: Transaction, plan_id: int, limit: int) -> tuple[Total, ...]:
    """Give the accounts of a plan whose charges change most; of a simulation, in the order of their numbers."""
    txn.execute(
        f"""
        SELECT a.number, p.package, a.currency, {_SUMS}
        FROM rerating_account AS p JOIN account AS a ON a.id = p.account_id
        WHERE p.rerating_id = %(id)s AND p.state <> 'WAITING'
        GROUP BY a.number, p.package, a.currency
        ORDER BY CASE p.package WHEN '' THEN abs(sum(p.new_e11 - p.old_e11)) END DESC NULLS LAST,
            a.number, sum(p.new_e11 + p.new_tax_e11 + p.recurring_e11)
        LIMIT %(limit)s
        """,  # noqa: S608 - a constant, no value
        {"id": plan_id, "limit": limit},
    )
    return tuple(map(_total, txn.fetchall()))


def _total(row: Sequence[Any]) -> Total:
    *sums, tax = row[3:]
    return Total(*(*row[:3], *map(int, sums), None if tax is None else int(tax)))


def totals(txn: Transaction, plan_id: int) -> tuple[Total, ...]:
    """Give the sums of a plan by currency; of a simulation by package too, the cheapest first."""
    txn.execute(
        f"""
        SELECT '', p.package, a.currency, {_SUMS}
        FROM rerating_account AS p JOIN account AS a ON a.id = p.account_id
        WHERE p.rerating_id = %(id)s AND p.state <> 'WAITING'
        GROUP BY p.package, a.currency
        ORDER BY a.currency, sum(p.unratable), coalesce(sum(p.new_e11 + p.recurring_e11), 0), p.package
        """,  # noqa: S608 - a constant, no value
        {"id": plan_id},
    )
    return tuple(map(_total, txn.fetchall()))


def run(txn: Transaction, plan_id: int, actor: str, revision: int, pace: int | None) -> bool:
    """Let a plan be carried out by the owners of a revision, or go on; False: it can't be."""
    txn.execute(
        """
        UPDATE rerating SET state = 'RUNNING', run_by = %(actor)s, revision = %(revision)s,
            accounts_a_second = coalesce(%(pace)s, accounts_a_second)
        WHERE id = %(id)s AND state IN ('PLANNED', 'PAUSED') AND packages IS NULL
        """,
        {"actor": actor, "revision": revision, "pace": pace, "id": plan_id},
    )
    return txn.rowcount == 1


def pause(txn: Transaction, plan_id: int) -> bool:
    """Let a plan rest after the account that is being worked; False: it is not being carried out."""
    txn.execute(
        "UPDATE rerating SET state = 'PAUSED' WHERE id = %(id)s AND state = 'RUNNING'",
        {"id": plan_id},
    )
    return txn.rowcount == 1


def due(txn: Transaction) -> tuple[Due, ...]:
    """Give what is due since the last plan of all that was due was carried out, the oldest first."""
    txn.execute(
        """
        SELECT e.id, a.number, e.from_at, e.cause, e.revision, e.at
        FROM rerating_due AS e LEFT JOIN account AS a ON a.id = e.account_id
        WHERE e.id > (SELECT coalesce(max(due_to), 0) FROM rerating WHERE state = 'DONE')
        ORDER BY e.id
        """
    )
    return tuple(Due(*row) for row in txn.fetchall())


def mark(
    txn: Transaction, account_id: int | None, from_: datetime | None, cause: str, revision: int
) -> None:
    """Note that usage that was rated is touched, of one account or of all; where none was, note nothing."""
    txn.execute(
        """
        INSERT INTO rerating_due (account_id, from_at, cause, revision)
        SELECT %(account)s, %(from)s, %(cause)s, %(revision)s
        WHERE EXISTS (
            SELECT FROM charge WHERE (%(account)s::bigint IS NULL OR account_id = %(account)s)
            AND (%(from)s::timestamptz IS NULL OR started_at >= %(from)s)
        )
        """,
        {"account": account_id, "from": from_, "cause": cause, "revision": revision},
    )
