"""Accounts that a change of the catalogue can concern."""

from bmu.rating.concern import Concern
from bmuid.store.transaction import Transaction

# More are not told one by one.
ACCOUNTS_MAX = 1000


def accounts(txn: Transaction, concern: Concern) -> list[int] | None:
    """Give those that have had a package or plan that is meant, in order; none: many, or who can't be told easily."""
    if not concern:
        return []
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
