"""What the new usage of a chunk costs: its accounts' buckets locked and drawn from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from bmu.period import FOREVER_US
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
from bmuid.store import buckets, udrs
from bmuid.store.buckets import Span, Wanted
from bmuid.store.days import US_A_DAY
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced

Month = tuple[int, int]
Months = Mapping[int, Month]
NEVER = (0, 0)
ALWAYS = (-FOREVER_US, FOREVER_US)
# Lines of a chunk are fewer than this, so that an account's id and a place fit one number, which sorts fast.
PLACES = 1 << 32


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
    months: Months
    days: frozenset[int]
    first_us: int
    last_us: int


def needs_of(
    events: Sequence[UDR], owners: Sequence[Owner | Unrated], tariff: Tariff, granted: Months
) -> Needs:
    """
    Tell what the usage of known owners needs.

    Shapes:
        granted: months whose buckets are known to be there, by service.
    """
    wanted: dict[tuple[int, str, int], Wanted] = {}
    months: dict[int, Month] = {}
    known = [
        (udr[6], owner)
        for udr, owner in zip(events, owners, strict=True)
        if isinstance(owner, Owner)
    ]
    for started_us, owner in known:
        service_id = owner[4]
        month = months.get(service_id) or granted.get(service_id, NEVER)
        if not month[0] <= started_us < month[1]:
            months[service_id] = ALWAYS
            # All of a service's buckets run from and to the same instants.
            for grant in buckets_wanted(owner, tariff, started_us):
                months[service_id] = grant.from_us, grant.to_us
                key = service_id, grant.code, grant.from_us
                wanted[key] = Wanted(owner.account_id, service_id, grant)
    starts = [started_us for started_us, _ in known]
    days = {started_us // US_A_DAY for started_us in starts}
    days |= {each.grant.from_us // US_A_DAY for each in wanted.values()}
    return Needs(
        wanted=tuple(wanted.values()),
        months=months,
        days=frozenset(days),
        first_us=min(starts, default=0),
        last_us=max(starts, default=0),
    )


def price(
    txn: Transaction,
    tariff: Tariff,
    needs: Needs,
    events: Sequence[UDR],
    owners: Sequence[Owner],
) -> tuple[list[Priced], list[tuple[UDR, Unrated]]]:
    """
    Rate usage account by account, within one in the order of arrival.

    So the result does not depend on how a file was cut into chunks.

    Shapes:
        events, owners: parallel, in the order of arrival.
        Result: what has a price, by day; what has none.
    """
    order = [owner.account_id * PLACES + place for place, owner in enumerate(owners)]
    order.sort()
    places = [key % PLACES for key in order]
    events, owners = [events[place] for place in places], [owners[place] for place in places]
    states = by_service(_locked(txn, tariff, needs, owners)) if tariff.bucket_types else {}
    outcomes = rate_batch(events, owners, tariff, states)
    lost = [
        (udr, outcome)
        for udr, outcome in zip(events, outcomes, strict=True)
        if isinstance(outcome, Unrated)
    ]
    count = len(events) - len(lost)
    ids = iter(udrs.new_ids(txn, count) if count else [])
    return list(_by_day(ids, events, owners, outcomes)), lost


def _by_day(
    ids: Iterator[int],
    events: Sequence[UDR],
    owners: Sequence[Owner],
    outcomes: Sequence[Rated | Unrated],
) -> Iterator[Priced]:
    days: dict[int, list[int]] = {}
    for place, udr in enumerate(events):
        day = udr.started_us // US_A_DAY
        if day in days:
            days[day].append(place)
        else:
            days[day] = [place]
    for day, places in days.items():
        rated = [one for place in places if isinstance(one := outcomes[place], Rated)]
        kept = places
        if len(rated) < len(places):
            kept = [place for place in places if isinstance(outcomes[place], Rated)]
        if kept:
            yield Priced(
                day,
                list(islice(ids, len(kept))),
                [events[place] for place in kept],
                [owners[place] for place in kept],
                rated,
            )


def _locked(
    txn: Transaction, tariff: Tariff, needs: Needs, owners: Sequence[Owner]
) -> list[BucketState]:
    """Lock the buckets of the accounts, which were granted before."""
    accounts = sorted({owner[3] for owner in owners})
    return buckets.lock(
        txn, accounts, Span(needs.first_us, needs.last_us, tuple(tariff.bucket_types))
    )
