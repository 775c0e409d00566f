"""What simulations ask: who is tried, who pays for whom, what services an account held, and what a package costs them."""

from collections.abc import Sequence

from bmu.period import Period
from bmuid.store.invoices import Held
from bmuid.store.transaction import Transaction


def tried(txn: Transaction, simulation_id: int, account_ids: Sequence[int]) -> frozenset[int]:
    """Give those of some accounts that a simulation is of, whether they have used anything or not."""
    txn.execute(
        """
        SELECT a.id FROM rerating AS r JOIN account AS a ON r.accounts IS NULL OR a.number = ANY (r.accounts)
        WHERE r.id = %(id)s AND a.id = ANY (%(accounts)s)
        """,
        {"id": simulation_id, "accounts": list(account_ids)},
    )
    return frozenset(id_ for (id_,) in txn.fetchall())


def adds_up_payers(txn: Transaction) -> bool:
    """Tell whether there ever was a rate that adds up what all accounts use that one pays for."""
    txn.execute(
        """
        SELECT EXISTS (
            SELECT FROM rate AS r JOIN rate_group AS g ON g.code = r.rate_group
            WHERE g.aggregate AND r.aggregate_scope = 'INVOICER'
        )
        """
    )
    row = txn.fetchone()
    assert row is not None, "EXISTS gives a row"
    return bool(row[0])


def payers(txn: Transaction) -> dict[int, int]:
    """Give the account that pays for the usage of each that does not itself."""
    txn.execute(
        """
        SELECT account_id, usage_invoicer_id FROM account_terms
        WHERE until IS NULL AND usage_invoicer_id IS NOT NULL
        """
    )
    return dict(txn.fetchall())


def held(
    txn: Transaction, account_id: int, package: str, revision: int, period: Period
) -> list[Held]:
    """
    Give the services of an account in a period, each with that package; without one, with its own.

    A package whose price is in another currency than the account's is none that it can have.
    """
    txn.execute(
        """
        SELECT s.id, p.code, p.name, lower(s.during), upper(s.during), p.price_minor, p.tax, p.tax_category
        FROM account_service AS s JOIN account AS a ON a.id = s.account_id
        JOIN package AS p ON p.code = coalesce(nullif(%(package)s, ''), s.package)
            AND p.since <= %(at)s AND (p.until IS NULL OR p.until > %(at)s) AND p.currency = a.currency
        WHERE s.account_id = %(account)s AND s.during && tstzrange(%(from)s, %(to)s) ORDER BY s.id
        """,
        {
            "package": package,
            "at": revision,
            "account": account_id,
            "from": period.from_,
            "to": period.to,
        },
    )
    return [Held(*(*row, revision)) for row in txn.fetchall()]
