"""Who subscribes to packages whose allowances hang on when the service began."""

from collections.abc import Sequence
from typing import NamedTuple

from bmu.period import FOREVER_US
from bmuid.store.transaction import Transaction


class Subscription(NamedTuple):
    """
    A service.

    Units:
        from_us, to_us: microseconds since 1970-01-01 UTC, half-open; `bmu.period.FOREVER_US` where no end is known.
        zone, bill_day: the account's.
    """

    id: int
    account_id: int
    package: str
    from_us: int
    to_us: int
    zone: str
    bill_day: int


_SERVICES = """
    SELECT s.id, s.account_id, s.package, (extract(epoch FROM lower(s.during)) * 1000000)::bigint,
        coalesce((extract(epoch FROM upper(s.during)) * 1000000)::bigint, %(forever)s),
        a.time_zone, a.bill_day
    FROM account_service AS s JOIN account AS a ON a.id = s.account_id
"""


def to_packages(
    txn: Transaction, packages: Sequence[str], account_ids: Sequence[int] | None = None
) -> tuple[Subscription, ...]:
    """Give all services of these packages, of all accounts or of those named."""
    txn.execute(
        f"""
        {_SERVICES} WHERE s.package = ANY (%(packages)s)
        AND (%(accounts)s::bigint[] IS NULL OR s.account_id = ANY (%(accounts)s::bigint[])) ORDER BY s.id
        """,
        {
            "packages": list(packages),
            "accounts": None if account_ids is None else list(account_ids),
            "forever": FOREVER_US,
        },
    )
    return tuple(Subscription(*row) for row in txn)


def of_accounts(txn: Transaction, account_ids: Sequence[int]) -> tuple[Subscription, ...]:
    """Give all services of these accounts."""
    txn.execute(
        f"{_SERVICES} WHERE s.account_id = ANY (%(accounts)s) ORDER BY s.id",
        {"accounts": list(account_ids), "forever": FOREVER_US},
    )
    return tuple(Subscription(*row) for row in txn)
