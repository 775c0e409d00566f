"""What the new usage of a chunk costs: its accounts' buckets locked, granted where due, and drawn from."""

from collections.abc import Sequence

from bmu.rating import (
    BucketState,
    Owner,
    Rated,
    Tariff,
    Unrated,
    buckets_wanted,
    by_service,
    rate_batch,
)
from bmu.usage import UDR
from bmuid.intake.ours import Ours
from bmuid.store import buckets, udrs
from bmuid.store.buckets import Wanted
from bmuid.store.days import US_A_DAY
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced

Suspended = tuple[UDR, Unrated]


def days_needed(ours: Ours, tariff: Tariff) -> set[int]:
    """Give the days (numbers since 1970-01-01 UTC) of the events, and of the buckets they may ask for."""
    needed: set[int] = set()
    starts: set[int] = set()
    for udr, owner in zip(ours.udrs, ours.owners, strict=True):
        if isinstance(owner, Owner):
            needed.add(udr.started_us // US_A_DAY)
            starts.update(grant.from_us for grant in buckets_wanted(owner, tariff, udr.started_us))
    return needed | {start // US_A_DAY for start in starts}


def price(
    txn: Transaction, tariff: Tariff, fresh: Sequence[tuple[UDR, Owner | Unrated]]
) -> tuple[list[Priced], list[Suspended]]:
    """
    Rate usage account by account, within one in the order of arrival.

    So the result does not depend on how a file was cut into chunks.
    """
    lost: list[Suspended] = []
    owned: list[tuple[UDR, Owner]] = []
    for udr, owner in fresh:
        if isinstance(owner, Owner):
            owned.append((udr, owner))
        else:
            lost.append((udr, owner))
    owned.sort(key=lambda pair: pair[1].account_id)
    states = _buckets(txn, tariff, owned) if owned else []
    events, owners = [udr for udr, _ in owned], [owner for _, owner in owned]
    days: dict[int, Priced] = {}
    for udr, owner, outcome in zip(
        events, owners, rate_batch(events, owners, tariff, by_service(states)), strict=True
    ):
        if isinstance(outcome, Rated):
            day = udr.started_us // US_A_DAY
            priced = days.get(day) or days.setdefault(day, Priced(day, [], [], [], []))
            priced.udrs.append(udr)
            priced.owners.append(owner)
            priced.rated.append(outcome)
        else:
            lost.append((udr, outcome))
    for priced in days.values():
        priced.ids.extend(udrs.new_ids(txn, len(priced.udrs)))
    return list(days.values()), lost


def _buckets(
    txn: Transaction, tariff: Tariff, owned: Sequence[tuple[UDR, Owner]]
) -> list[BucketState]:
    """Lock the buckets of the accounts, and grant those of the billing months that are missing."""
    wanted: dict[tuple[int, str, int], Wanted] = {}
    for udr, owner in owned:
        service_id = owner.account_service_id
        for grant in buckets_wanted(owner, tariff, udr.started_us):
            key = service_id, grant.code, grant.from_us
            if key not in wanted:
                wanted[key] = Wanted(owner.account_id, service_id, grant)
    if not wanted:
        return []
    accounts = sorted({owner.account_id for _, owner in owned})
    starts = [udr.started_us for udr, _ in owned]
    span = min(starts), max(starts)
    states = buckets.lock(txn, accounts, *span)
    have = {(state.account_service_id, state.code, state.from_us) for state in states}
    missing = [each for key, each in wanted.items() if key not in have]
    if not missing:
        return states
    made = buckets.grant(txn, missing)
    # Whoever else granted one in the meantime has committed it: it is there to be locked now.
    return states + made if len(made) == len(missing) else buckets.lock(txn, accounts, *span)
