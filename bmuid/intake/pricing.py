"""What the new usage of a chunk costs: its accounts' buckets locked and drawn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from bmu.period import FOREVER_US
from bmu.rating import (
    BucketState,
    Owner,
    Tariff,
    Unrated,
    buckets_wanted,
    by_service,
    rate_batch,
)
from bmu.usage import UDR
from bmuid.intake.loops import Month, by_account, by_day, survey
from bmuid.store import buckets, charges, draws, udrs
from bmuid.store.buckets import Span, Wanted
from bmuid.store.days import US_A_DAY
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced

NEVER = (0, 0)
ALWAYS = (-FOREVER_US, FOREVER_US)


@dataclass(frozen=True, slots=True)
class Needs:
    """
    What must be there before usage can be priced.

    Shapes:
        wanted: the buckets that its services are due and may not have.
        months: of each service that is due some, from when to when.
        days: of the events and of the buckets' starts, counted from 1970-01-01 UTC.
        first_us, last_us: when the first and the last event began.
    """

    wanted: tuple[Wanted, ...]
    months: Mapping[int, Month]
    days: frozenset[int]
    first_us: int
    last_us: int


def needs_of(
    events: list[UDR],
    owners: list[Owner | Unrated],
    tariff: Tariff,
    granted: dict[int, Month],
) -> Needs:
    """
    Tell what the usage of known owners needs.

    Shapes:
        granted: months whose buckets are known to be there, by service.
    """
    wanted: dict[tuple[int, str, int], Wanted] = {}
    months: dict[int, Month] = {}
    same: dict[Month, Month] = {}
    days, first_us, last_us, due = survey(events, owners, granted)
    for place in due:
        owner, started_us = owners[place], events[place].started_us
        assert isinstance(owner, Owner)
        service_id = owner.account_service_id
        month = months.get(service_id, NEVER)
        if not month[0] <= started_us < month[1]:
            months[service_id] = ALWAYS
            # All of a service's buckets run from and to the same instants.
            for grant in buckets_wanted(owner, tariff, started_us):
                month = grant.from_us, grant.to_us
                months[service_id] = same.setdefault(month, month)
                key = service_id, grant.code, grant.from_us
                wanted[key] = Wanted(owner.account_id, service_id, grant)
    days |= {each.grant.from_us // US_A_DAY for each in wanted.values()}
    return Needs(
        wanted=tuple(wanted.values()),
        months=months,
        days=frozenset(days),
        first_us=first_us,
        last_us=last_us,
    )


def price(
    txn: Transaction,
    tariff: Tariff,
    needs: Needs,
    events: list[UDR],
    owners: list[Owner],
) -> tuple[list[Priced], list[tuple[UDR, Unrated]]]:
    """
    Rate usage account by account, within one in the order of arrival.

    So the result does not depend on how a file was cut into chunks.

    Shapes:
        events, owners: parallel, in the order of arrival.
        Result: what has a price, by day; what has none.
    """
    events, owners = by_account(events, owners)
    states = by_service(_locked(txn, tariff, needs, owners)) if tariff.bucket_types else {}
    days, lost = by_day(events, owners, rate_batch(events, owners, tariff, states))
    count = len(events) - len(lost)
    ids = iter(udrs.new_ids(txn, count) if count else [])
    priced = [
        Priced(day, list(islice(ids, len(of_day))), of_day, theirs, rated)
        for day, of_day, theirs, rated in days
    ]
    return priced, lost


def write(txn: Transaction, file_id: int, revision: int, priced: Sequence[Priced]) -> None:
    """Write usage of lines of one file, with what it costs and has drawn."""
    for of_day in priced:
        udrs.add(txn, file_id, of_day)
        charges.add(txn, revision, of_day)
        draws.add(txn, of_day)


def _locked(
    txn: Transaction, tariff: Tariff, needs: Needs, owners: Sequence[Owner]
) -> list[BucketState]:
    """Lock the buckets of the accounts, which were granted before."""
    accounts = sorted({owner[3] for owner in owners})
    return buckets.lock(
        txn, accounts, Span(needs.first_us, needs.last_us, tuple(tariff.bucket_types))
    )
