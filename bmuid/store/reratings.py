"""Plans of rerating and their accounts, as the worker goes through them."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from bmuid.store.transaction import Transaction

# Held by the one process that rates again; of the session, not of a transaction.
LOCK = "bmu.rerating"


class NextAccount(NamedTuple):
    """An account of a plan, locked by this transaction; package: of a simulation, the one to try."""

    rerating_id: int
    account_id: int
    package: str
    from_at: datetime
    to_at: datetime | None
    revision: int
    accounts_a_second: int


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What rating an account's usage again changes.

    Shapes:
        invoiced: of the changed, how many are on an invoice.

    Units:
        ..._e11: 10^-11 of the account's currency; recurring_e11 is of a simulation.
    """

    records: int
    changed: int
    unratable: int
    invoiced: int
    old_e11: int
    old_tax_e11: int
    new_e11: int
    new_tax_e11: int
    recurring_e11: int | None = None


def claim(txn: Transaction) -> bool:
    """Become the one process that rates again, until `release` or the end of the connection."""
    txn.execute("SELECT pg_try_advisory_lock(hashtext(%(lock)s))", {"lock": LOCK})
    row = txn.fetchone()
    assert row is not None, "a SELECT without FROM gives one row"
    return bool(row[0])


def release(txn: Transaction) -> None:
    """Let another process rate again."""
    txn.execute("SELECT pg_advisory_unlock(hashtext(%(lock)s))", {"lock": LOCK})


def is_any_open(txn: Transaction) -> bool:
    """Tell whether there is a plan to compute or to carry out."""
    txn.execute(
        "SELECT EXISTS (SELECT FROM rerating WHERE state IN ('NEW', 'PLANNING', 'RUNNING'))"
    )
    row = txn.fetchone()
    assert row is not None, "EXISTS gives a row"
    return bool(row[0])


# Entries that a plan of all that was due has been carried out for are settled.
_SETTLED = "(SELECT coalesce(max(due_to), 0) FROM rerating WHERE state = 'DONE')"

_OF_A_FILTER = """
    SELECT a.id AS account_id, ''::text AS package, r.from_at
    FROM rerating AS r JOIN account AS a ON r.accounts IS NULL OR a.number = ANY (r.accounts)
    WHERE r.id = %(id)s AND EXISTS (
        SELECT FROM charge AS c WHERE c.account_id = a.id AND c.started_at >= r.from_at
        AND (r.usage_class IS NULL OR EXISTS (
            SELECT FROM usage_class AS k WHERE k.id = c.usage_class_id AND k.code = r.usage_class
        ))
        AND (r.source IS NULL OR EXISTS (
            SELECT FROM udr AS u JOIN usage_file AS f ON f.id = u.file_id
            JOIN source AS s ON s.id = f.source_id
            WHERE u.account_id = a.id AND u.started_at = c.started_at AND u.id = c.udr_id
            AND s.code = r.source
        ))
    )
"""
_DUE = f"""
    SELECT d.account_id, ''::text AS package, min(d.from_at) AS from_at FROM (
        SELECT a.id AS account_id, e.revision, coalesce(e.from_at, (
            SELECT max(upper(i.during)) FROM invoice AS i
            WHERE i.account_id = a.id AND i.kind = 'INVOICE'
        ), (
            SELECT min(lower(s.during)) FROM account_service AS s WHERE s.account_id = a.id
        )) AS from_at
        FROM rerating AS r JOIN rerating_due AS e ON e.id <= r.due_to AND e.id > {_SETTLED}
        JOIN account AS a ON e.account_id IS NULL OR a.id = e.account_id
        WHERE r.id = %(id)s
    ) AS d WHERE EXISTS (
        SELECT FROM charge AS c WHERE c.account_id = d.account_id AND c.started_at >= d.from_at
        AND c.revision < d.revision
    )
    GROUP BY d.account_id
"""  # noqa: S608 - a constant, no value
_OF_A_SIMULATION = """
    SELECT a.id AS account_id, p.package, r.from_at
    FROM rerating AS r JOIN account AS a ON r.accounts IS NULL OR a.number = ANY (r.accounts)
    CROSS JOIN LATERAL (SELECT DISTINCT unnest(array_prepend('', r.packages)) AS package) AS p
    WHERE r.id = %(id)s AND EXISTS (
        SELECT FROM charge AS c WHERE c.account_id = a.id
        AND c.started_at >= r.from_at AND c.started_at < r.to_at
    )
"""


def begin(txn: Transaction, revision: int) -> bool:
    """Find the accounts of the oldest new plan, which is computed by this revision; False: there is none."""
    txn.execute(
        """
        SELECT id, due_to IS NOT NULL, packages IS NOT NULL FROM rerating
        WHERE state = 'NEW' ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        """
    )
    row = txn.fetchone()
    if row is None:
        return False
    id_, is_due, is_simulation = row
    accounts = _OF_A_SIMULATION if is_simulation else _DUE if is_due else _OF_A_FILTER
    txn.execute(
        f"""
        INSERT INTO rerating_account (rerating_id, account_id, package, from_at)
        SELECT %(id)s, account_id, package, from_at FROM ({accounts}) AS a
        """,  # noqa: S608 - constants, no value
        {"id": id_},
    )
    txn.execute(
        "UPDATE rerating SET state = 'PLANNING', revision = %(revision)s WHERE id = %(id)s",
        {"id": id_, "revision": revision},
    )
    return True


def next_account(txn: Transaction) -> NextAccount | None:
    """
    Lock the next account to compute or to carry out.

    One is carried out only when no open file waits to be rated by an older revision than the plan's.
    """
    txn.execute(
        """
        SELECT a.rerating_id, a.account_id, a.package, a.from_at, r.to_at, r.revision,
            CASE r.state WHEN 'RUNNING' THEN r.accounts_a_second ELSE 0 END
        FROM rerating AS r JOIN rerating_account AS a ON a.rerating_id = r.id
        WHERE (r.state = 'PLANNING' AND a.state = 'WAITING') OR (
            r.state = 'RUNNING' AND a.state = 'PLANNED' AND NOT EXISTS (
                SELECT FROM usage_file AS f JOIN usage_file_part AS p ON p.file_id = f.id
                WHERE f.state = 'OPEN' AND p.state = 'OPEN' AND f.revision < r.revision
            )
        )
        ORDER BY r.id, a.account_id, a.package LIMIT 1 FOR NO KEY UPDATE OF a SKIP LOCKED
        """
    )
    row = txn.fetchone()
    return None if row is None else NextAccount(*row)


def note(txn: Transaction, account: NextAccount, figures: Figures, took_us: int) -> None:
    """Note what became of an account: computed, or, where the plan is carried out, done."""
    txn.execute(
        """
        UPDATE rerating_account SET
            state = CASE state WHEN 'WAITING' THEN 'PLANNED' ELSE 'DONE' END,
            records = %(records)s, changed = %(changed)s, unratable = %(unratable)s,
            invoiced = %(invoiced)s, old_e11 = %(old)s, old_tax_e11 = %(old_tax)s,
            new_e11 = %(new)s, new_tax_e11 = %(new_tax)s, recurring_e11 = %(recurring)s,
            took_us = %(took)s
        WHERE rerating_id = %(id)s AND account_id = %(account)s AND package = %(package)s
        """,
        {
            "records": figures.records,
            "changed": figures.changed,
            "unratable": figures.unratable,
            "invoiced": figures.invoiced,
            "old": figures.old_e11,
            "old_tax": figures.old_tax_e11,
            "new": figures.new_e11,
            "new_tax": figures.new_tax_e11,
            "recurring": figures.recurring_e11,
            "took": took_us,
            "id": account.rerating_id,
            "account": account.account_id,
            "package": account.package,
        },
    )
    assert txn.rowcount == 1, "the account was locked by this transaction"


def finish(txn: Transaction) -> int:
    """Note which plans have no account left to compute or to carry out; give how many."""
    txn.execute(
        """
        UPDATE rerating AS r SET state = 'PLANNED' WHERE r.state = 'PLANNING' AND NOT EXISTS (
            SELECT FROM rerating_account AS a WHERE a.rerating_id = r.id AND a.state = 'WAITING'
        )
        """
    )
    planned = txn.rowcount
    txn.execute(
        """
        UPDATE rerating AS r SET state = 'DONE', done_at = transaction_timestamp()
        WHERE r.state = 'RUNNING' AND NOT EXISTS (
            SELECT FROM rerating_account AS a WHERE a.rerating_id = r.id AND a.state <> 'DONE'
        )
        """
    )
    return planned + txn.rowcount
