"""Accounts that a change of the catalogue can concern."""

from bmu.rating.concern import Concern
from bmuid.store.transaction import Transaction

# More are not told one by one.
ACCOUNTS_MAX = 1000


def accounts(txn: Transaction, concern: Concern) -> list[int] | None:
    """Give those that have had a package or plan that is meant, in order; none: many, or who can't be told easily."""
    if not concern:
        return []
    if concern.is_pooled:
        return None
    values = {
        "packages": sorted(concern.packages),
        "plans": sorted(concern.rate_plans),
        "price_plans": sorted(concern.price_plans),
        "limit": ACCOUNTS_MAX + 1,
    }
    # The plan of an account may be that of those below it, and of those whose usage it pays.
    txn.execute(
        "SELECT EXISTS (SELECT FROM account_terms WHERE rate_plan = ANY (%(plans)s))", values
    )
    if txn.fetchone() == (True,):
        return None
    txn.execute(
        """
        SELECT account_id FROM account_service WHERE package = ANY (%(packages)s)
        UNION SELECT account_id FROM service_terms
            WHERE rate_plan = ANY (%(plans)s) OR price_plan = ANY (%(price_plans)s)
        ORDER BY 1 LIMIT %(limit)s
        """,
        values,
    )
    found = [account_id for (account_id,) in txn.fetchall()]
    return found if len(found) <= ACCOUNTS_MAX else None


def rating_by(txn: Transaction, account_id: int, revision: int) -> list[int] | None:
    """Give the account, those below that inherit its rate plan, and those whose usage one of them pays; none: many."""
    in_force = "since <= %(at)s AND (until IS NULL OR until > %(at)s)"
    txn.execute(
        f"""
        WITH RECURSIVE below (id) AS (
            SELECT %(account)s::bigint
            UNION SELECT a.id FROM below JOIN account AS a ON a.parent_id = below.id
            JOIN account_terms AS t ON t.account_id = a.id
            WHERE {in_force} AND t.inherits_plan AND t.rate_plan IS NULL
        )
        SELECT id FROM below
        UNION SELECT account_id FROM account_terms
            WHERE {in_force} AND usage_invoicer_id IN (SELECT id FROM below)
        ORDER BY 1 LIMIT %(limit)s
        """,  # noqa: S608 - a constant, no value
        {"account": account_id, "at": revision, "limit": ACCOUNTS_MAX + 1},
    )
    found = [id_ for (id_,) in txn.fetchall()]
    return found if len(found) <= ACCOUNTS_MAX else None
