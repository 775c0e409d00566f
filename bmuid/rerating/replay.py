"""One account's usage rated again in memory: what would be charged, beside what is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bmu.rating import (
    BucketState,
    Owner,
    Rated,
    Unrated,
    by_service,
    shelves,
)
from bmu.rating.allowance import full
from bmu.rating.rerate import (
    Again,
    Labels,
    Live,
    Sums,
    charged,
    differs,
    give_back,
    owned,
    rate_again,
)
from bmu.usage import UDR
from bmuid.intake import firstuse
from bmuid.intake.charging import drawable
from bmuid.intake.drawable import Drawable
from bmuid.intake.pricing import Needs
from bmuid.intake.snapshot import Snapshot
from bmuid.store import lives
from bmuid.store.buckets import Wanted
from bmuid.store.lives import Place, Usage
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Read:
    """
    An account's usage as it is charged, and its owners of now.

    Shapes:
        owners: parallel to usage.lives.
    """

    usage: Usage
    owners: list[Owner | Unrated]

    @property
    def known(self) -> list[Owner]:
        """Those owners that are there."""
        return [owner for owner in self.owners if isinstance(owner, Owner)]


@dataclass(frozen=True, slots=True)
class Replayed:
    """
    What rating again makes of an account's usage.

    Shapes:
        changed: those whose charges have to be replaced.
        there: what it drew from.
    """

    events: Sequence[Again]
    changed: Sequence[Again]
    places: Mapping[int, Place]
    there: Drawable

    @property
    def old(self) -> Sums:
        """What is charged now."""
        return charged(again.live.rated for again in self.events)

    @property
    def new(self) -> Sums:
        """What would be."""
        return charged(again.outcome for again in self.events)

    @property
    def unratable(self) -> int:
        """How many have no price any more."""
        return sum(isinstance(again.outcome, Unrated) for again in self.changed)


def read(txn: Transaction, snapshot: Snapshot, account_id: int, from_: datetime) -> Read:
    """Read what an account used from an instant on; no other rerating of it is under way."""
    lives.lock_account(txn, account_id)
    above = list(snapshot.allowances.above(account_id))
    usage = lives.of_account(txn, account_id, from_, above=above)
    return Read(usage, [owned(live, account_id, snapshot.owners) for live in usage.lives])


def replay(
    txn: Transaction, found: Read, snapshot: Snapshot, needs: Needs, since: int, *, virtually: bool
) -> Replayed:
    """
    Lock the account's buckets, rate what was read again, and compare.

    Shapes:
        since: the revision that last changed what the account is rated by. Where no charge is older, none is
            touched: usage that did not arrive in event order keeps its draws until something has changed.
        virtually: buckets that are due and not there are taken for granted.
    """
    usage = found.usage
    if usage.oldest_revision >= since:
        same = [Again(live, None, live.rated) for live in usage.lives]
        return Replayed(same, (), usage.places, Drawable({}, {}, {}))
    there = drawable(txn, snapshot.tariff, needs, found.known)
    # Of one event a bucket may be on several shelves.
    states = {state.id: state for shelf in there.by_service.values() for state in shelf}
    give_back(states.values(), usage.lives)
    if virtually:
        granted = with_granted(states.values(), needs.wanted)
        there.by_service = on_shelves(snapshot, found.known, granted)
    firstuse.reopen(snapshot.allowances, found.known, there, needs.last_us)

    def rates(udrs: list[UDR], owners: list[Owner]) -> list[Rated | Unrated]:
        return firstuse.rate_in_order(txn, snapshot.tariff, there, udrs, owners)

    events = rate_again(usage.lives, found.owners, rates)
    labels = _labels(txn, usage.lives, events)
    changed = [again for again in events if differs(again, labels)]
    return Replayed(events, changed, usage.places, there)


def with_granted(states: Iterable[BucketState], wanted: Sequence[Wanted]) -> list[BucketState]:
    """Add to the buckets those that are due and not there, full, under ids that no bucket has."""
    held = list(states)
    there = {(state.account_service_id, state.code, state.from_us) for state in held}
    for number, (account_id, service_id, grant) in enumerate(wanted, start=1):
        if (service_id or 0, grant.code, grant.from_us) not in there:
            held.append(full(grant, -number, account_id, service_id or 0))
    return held


def on_shelves(
    snapshot: Snapshot, owners: Iterable[Owner], states: Iterable[BucketState]
) -> dict[int, tuple[BucketState, ...]]:
    """Give each service the buckets it draws from."""
    if not snapshot.allowances.shared:
        return by_service(states)
    services = {owner.account_service_id: owner for owner in owners}
    return shelves(states, map(snapshot.allowances.sharer, services.values()))


def _labels(txn: Transaction, held: Sequence[Live], events: Sequence[Again]) -> Labels:
    found = [live.rated for live in held]
    return lives.labels(
        txn, [*found, *(each.outcome for each in events if isinstance(each.outcome, Rated))]
    )
