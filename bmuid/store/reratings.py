"""Plans of rerating and their accounts, as the worker goes through them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple

from bmuid.store import lives, wakeup
from bmuid.store.copying import array
from bmuid.store.lives import Span
from bmuid.store.transaction import Transaction

# Held, to the end of its transaction, by the one process that rates accounts again which share allowances.
LOCK = "bmu.rerating"
# So few accounts at the end of a plan are not worth sharing.
LAST_ACCOUNTS = 500


class OpenPlan(NamedTuple):
    """
    A plan that can be worked now.

    Shapes:
        state: PLANNING or RUNNING.
        to_at: of a simulation.
        accounts_a_second: that may be carried out.
    """

    id: int
    state: str
    revision: int
    to_at: datetime | None
    accounts_a_second: int


class NextAccount(NamedTuple):
    """
    An account of a plan, locked by this transaction.

    Shapes:
        package: of a simulation, the one to try.
        records: when it was planned.
    """

    account_id: int
    package: str
    from_at: datetime
    records: int


@dataclass(frozen=True, slots=True)
class Figures:
    """
    What rating an account's usage again changes.

    Shapes:
        invoiced: of the changed, how many are on an invoice.

    Units:
        ..._e11: 10^-11 of the account's currency; recurring ones are of a simulation, the tax none where it can't be told.
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
    recurring_tax_e11: int | None = None


def claim(txn: Transaction) -> bool:
    """Become the one process that rates accounts again which share allowances, until this transaction ends."""
    txn.execute("SELECT pg_try_advisory_xact_lock(hashtext(%(lock)s))", {"lock": LOCK})
    row = txn.fetchone()
    assert row is not None, "a SELECT without FROM gives one row"
    return bool(row[0])


def alone(txn: Transaction, plan: OpenPlan) -> bool:
    """
    Take part in carrying a plan out, until this transaction ends; False: others are still at accounts of another plan.

    That one was paused meanwhile; both would take the same charges back.
    """
    values = {"lock": LOCK, "id": plan.id}
    txn.execute("SELECT pg_advisory_xact_lock_shared(hashtext(%(lock)s), %(id)s::integer)", values)
    # Who comes later sees the lock of who came first; of two at one time each may see the other's, and looks again.
    txn.execute(
        """
        SELECT NOT EXISTS (
            SELECT FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
            WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.objsubid = 2
            AND l.classid::bigint = hashtext(%(lock)s)::bigint & 4294967295 AND l.objid::bigint <> %(id)s
        )
        """,
        values,
    )
    row = txn.fetchone()
    assert row is not None, "EXISTS gives a row"
    return bool(row[0])


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
    # There is work for all.
    wakeup.tell(txn, wakeup.AGAIN)
    return True


def open_plan(txn: Transaction) -> OpenPlan | None:
    """
    Give the oldest plan that can be computed or carried out now.

    Only the oldest that is carried out can be, and only when no open file waits to be rated by an older revision than
    the plan's.
    """
    txn.execute(
        """
        SELECT r.id, r.state, r.revision, r.to_at, r.accounts_a_second FROM rerating AS r
        WHERE r.state = 'PLANNING' OR (
            r.state = 'RUNNING' AND r.id = (SELECT min(id) FROM rerating WHERE state = 'RUNNING')
            AND NOT EXISTS (
                SELECT FROM usage_file AS f JOIN usage_file_part AS p ON p.file_id = f.id
                WHERE f.state = 'OPEN' AND p.state = 'OPEN' AND f.revision < r.revision
            )
        )
        ORDER BY r.id LIMIT 1
        """
    )
    row = txn.fetchone()
    return None if row is None else OpenPlan(*row)


def begin_accounts(txn: Transaction, plan: OpenPlan, number: int) -> int:
    """
    Begin so many accounts of a plan that is carried out, by all processes together no more than it says.

    Units:
        Result: 0; else nothing begins for so many microseconds.
    """
    values = {"id": plan.id, "number": number}
    txn.execute(
        """
        UPDATE rerating SET not_before = greatest(not_before, clock_timestamp())
            + %(number)s * interval '1 second' / accounts_a_second
        WHERE id = %(id)s AND coalesce(not_before, '-infinity') <= clock_timestamp()
        """,
        values,
    )
    if txn.rowcount:
        return 0
    txn.execute(
        """
        SELECT ceil(extract(epoch FROM not_before - clock_timestamp()) * 1000000)::bigint FROM rerating
        WHERE id = %(id)s
        """,
        values,
    )
    row = txn.fetchone()
    return max(1, row[0]) if row is not None else 0


def next_accounts(
    txn: Transaction, plan: OpenPlan, number: int, records_max: int
) -> list[NextAccount]:
    """
    Lock the next accounts to compute, or to carry out, of those that nobody works at.

    Shapes:
        number: so many at most, and not more than have so many records together; but one, if there is one.
        Result: all from one instant on.
    """
    txn.execute("SAVEPOINT choice")
    found = _lock(txn, plan, number)
    if not found:
        return []
    records = [each.records for each in found]
    if plan.state == "PLANNING":
        ids = [each.account_id for each in found]
        counted = lives.numbers(txn, Span(ids, found[0].from_at))
        records = [counted.get(id_, 0) for id_ in ids]
    enough = max(1, sum(total <= records_max for total in accumulate(records)))
    if len(found) < number:
        # The last ones; whoever is free may have some of them.
        enough = min(enough, max(LAST_ACCOUNTS, -(-len(found) // 2)))
    if enough >= len(found):
        return found
    # The rest is for others.
    txn.execute("ROLLBACK TO SAVEPOINT choice")
    return _lock(txn, plan, enough)


def _lock(txn: Transaction, plan: OpenPlan, number: int) -> list[NextAccount]:
    txn.execute(
        f"""
        SELECT a.account_id, a.package, a.from_at, coalesce(a.records, 0)
        FROM rerating_account AS a JOIN rerating AS r ON r.id = a.rerating_id
        WHERE a.rerating_id = %(id)s AND r.state = %(state)s AND r.revision = %(revision)s
        AND a.state = '{"WAITING" if plan.state == "PLANNING" else "PLANNED"}'
        ORDER BY a.from_at, a.account_id, a.package LIMIT %(number)s
        FOR NO KEY UPDATE OF a SKIP LOCKED
        """,  # noqa: S608 - two constants, which have an index each
        {"id": plan.id, "state": plan.state, "revision": plan.revision, "number": number},
    )
    found = [NextAccount(*row) for row in txn.fetchall()]
    return [each for each in found if each.from_at == found[0].from_at]


def note(
    txn: Transaction, plan: OpenPlan, worked: Sequence[tuple[NextAccount, Figures]], took_us: int
) -> None:
    """
    Note what became of accounts: computed, or, where the plan is carried out, done.

    Units:
        took_us: all of them together; each gets its part by its records.
    """
    records = max(1, sum(figures.records for _, figures in worked))
    columns: dict[str, list[int | None]] = {
        name: [getattr(figures, name) for _, figures in worked] for name in Figures.__slots__
    }
    columns["account_id"] = [account.account_id for account, _ in worked]
    columns["took_us"] = [took_us * figures.records // records for _, figures in worked]
    txn.execute(
        """
        UPDATE rerating_account AS a SET state = %(state)s, records = f.records, changed = f.changed,
            unratable = f.unratable, invoiced = f.invoiced, old_e11 = f.old, old_tax_e11 = f.old_tax,
            new_e11 = f.new, new_tax_e11 = f.new_tax, recurring_e11 = f.recurring,
            recurring_tax_e11 = f.recurring_tax, took_us = f.took
        FROM unnest(%(account_id)s::bigint[], %(records)s::bigint[], %(changed)s::bigint[],
            %(unratable)s::bigint[], %(invoiced)s::bigint[], %(old_e11)s::numeric[],
            %(old_tax_e11)s::numeric[], %(new_e11)s::numeric[], %(new_tax_e11)s::numeric[],
            %(recurring_e11)s::numeric[], %(recurring_tax_e11)s::numeric[], %(took_us)s::bigint[])
            AS f (account, records, changed, unratable, invoiced, old, old_tax, new, new_tax, recurring,
                recurring_tax, took)
        WHERE a.rerating_id = %(id)s AND a.account_id = f.account AND a.package = %(package)s
        AND a.account_id = ANY (%(account_id)s::bigint[]) -- so that not all of the plan are looked at
        """,
        {
            "id": plan.id,
            "state": "PLANNED" if plan.state == "PLANNING" else "DONE",
            # Of a simulation there is but one account at a time.
            "package": worked[0][0].package,
            **{
                name: array("NULL" if one is None else one for one in column)
                for name, column in columns.items()
            },
        },
    )
    assert txn.rowcount == len(worked), "the accounts were locked by this transaction"


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
