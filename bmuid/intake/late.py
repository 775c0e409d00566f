"""Usage of services that have ended: how long it is waited for."""

from datetime import datetime

from bmu.period import DAY_US, from_us, to_us
from bmu.rating import Owner, Unrated, UnratedReason
from bmuid.store import accounts, companies
from bmuid.store.transaction import Transaction


def final_billed(txn: Transaction, owners: list[Owner | Unrated], received_at: datetime) -> None:
    """
    Put the reason FINAL_BILLED in place of owners whose service had ended too long before their usage arrived.

    Shapes:
        owners: changed.
    """
    days = companies.late_usage_days(txn)
    if days is None:
        return
    limit_us = to_us(received_at) - days * DAY_US
    # A usage identifier's owner ends with the service, or before.
    suspects = {
        owner.account_service_id
        for owner in owners
        if isinstance(owner, Owner) and owner.to_us < limit_us
    }
    if not suspects:
        return
    ended = accounts.services_ended_before(txn, sorted(suspects), from_us(limit_us))
    for place, owner in enumerate(owners):
        if isinstance(owner, Owner) and owner.account_service_id in ended:
            end = f"the service ended {ended[owner.account_service_id]:%Y-%m-%d %H:%MZ}"
            arrived = (
                f"its usage arrived {received_at:%Y-%m-%d %H:%MZ}, more than {days} days later"
            )
            owners[place] = Unrated(UnratedReason.FINAL_BILLED, f"{end}, {arrived}")
