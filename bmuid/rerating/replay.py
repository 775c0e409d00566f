"""Accounts' usage rated again in memory: what would be charged, beside what is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from bmu.rating import (
    BucketState,
    Owner,
    Owners,
    Rated,
    Unrated,
    by_service,
    shelves,
)
from bmu.rating.allowance import full
from bmu.rating.rerate import (
    Again,
    Live,
    figures_differ,
    give_back,
    labels_matter,
    owned,
    rate_again,
)
from bmu.usage import UDR
from bmuid.intake import firstuse, inorder, pooling, rolling, sizing
from bmuid.intake.allowances import Allowances
from bmuid.intake.chains import add_former, chains_of
from bmuid.intake.drawable import Drawable
from bmuid.intake.pricing import Needs
from bmuid.intake.snapshot import Snapshot
from bmuid.store import lives
from bmuid.store.buckets import Wanted
from bmuid.store.lives import Span, Stretch, Usage
from bmuid.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Read:
    """
    Accounts' usage as it is charged, and its owners of now.

    Shapes:
        owners: parallel to usage.lives.
    """

    usage: Usage
    owners: list[Owner | Unrated]

    def part(self, stretches: Sequence[Stretch]) -> "Read":
        """Give what is of some of the accounts."""
        if len(stretches) == len(self.usage.stretches):
            return self
        of_lives = [self.usage.lives[each.first : each.end] for each in stretches]
        of_owners = [self.owners[each.first : each.end] for each in stretches]
        return Read(
            Usage(list(chain(*of_lives)), list(stretches), self.usage.accounts),
            list(chain(*of_owners)),
        )

    def starts(self) -> Iterator[int]:
        """Give the place at which each account's usage begins."""
        place = 0
        for each in self.usage.stretches:
            yield place
            place += each.end - each.first

    @property
    def known(self) -> list[Owner]:
        """Those owners that are there."""
        return [owner for owner in self.owners if isinstance(owner, Owner)]

    @property
    def events(self) -> list[UDR]:
        """What was used."""
        return [live[0] for live in self.usage.lives]


def read(txn: Transaction, snapshot: Snapshot, span: Span) -> Read:
    """Read what accounts used from an instant on."""
    usage = lives.of_accounts(txn, span)
    found: list[Owner | Unrated] = []
    for each in usage.stretches:
        found += _owners(usage.lives[each.first : each.end], each.account_id, snapshot.owners)
    return Read(usage, found)


def _owners(held: Sequence[Live], account_id: int, owners: Owners) -> Iterator[Owner | Unrated]:
    """Give the owners of an account's events as `owned` does; most of its identifiers have one in all time."""
    only: dict[tuple[str, str], Owner | None] = {}
    for live in held:
        udr = live[0]
        uid, began = udr[3:5], udr[6]
        if uid not in only:
            theirs = owners.all_of(*uid)
            only[uid] = theirs[0] if len(theirs) == 1 and theirs[0][3] == account_id else None
        owner = only[uid]
        if owner is not None and owner[0] <= began < owner[1]:
            yield owner
        else:
            yield owned(live, account_id, owners)


def above(allowances: Allowances, accounts: Iterable[int]) -> list[int]:
    """Give the accounts whose buckets others draw from, too."""
    return sorted({over for account_id in accounts for over in allowances.elsewhere(account_id)})


def rounds(allowances: Allowances, stretches: Sequence[Stretch]) -> list[list[Stretch]]:
    """
    Split accounts so that none of a round draws from what another of it may.

    Those below one account, or in share plans with each other, come in their order, a round each, so that usage rated again has one result
    however accounts are put together.
    """
    sharing = allowances.sharing(each.account_id for each in stretches)
    if not sharing:
        return [list(stretches)] if stretches else []
    found: list[list[Stretch]] = []
    members: dict[int, int] = {}
    for each in stretches:
        group = sharing.get(each.account_id, each.account_id)
        number = members.get(group, 0)
        members[group] = number + 1
        if number == len(found):
            found.append([])
        found[number].append(each)
    return found


def replay(
    txn: Transaction,
    found: Read,
    snapshot: Snapshot,
    needs: Needs,
    there: Drawable,
    *,
    virtually: bool,
) -> list[Again]:
    """
    Give back what usage drew and rate it again.

    Shapes:
        there: locked by this transaction; lowered anew.
        virtually: buckets that are due and not there are taken for granted.
    """
    # Of one event a bucket may be on several shelves.
    states = {state.id: state for shelf in there.by_service.values() for state in shelf}
    give_back(states.values(), found.usage.lives)
    pooling.give_back(states, there.limits, found.usage.lives)
    known = found.known
    if virtually:
        take_for_granted(txn, snapshot, known, needs, there)
    sizing.give_back(there.growing, found.usage.lives, found.usage.accounts)
    rolling.take_all_back(
        txn,
        there,
        {
            each.account_id: found.usage.lives[place].udr.started_us
            for each, place in zip(found.usage.stretches, found.starts(), strict=True)
        },
    )
    firstuse.reopen(snapshot.allowances, known, there, needs.last_us)

    def rates(udrs: list[UDR], owners: list[Owner]) -> list[Rated | Unrated]:
        return inorder.rate_in_order(txn, snapshot.tariff, there, udrs, owners)

    events = rate_again(found.usage.lives, found.owners, rates)
    rolling.finish_all(txn, there)
    return events


def take_for_granted(
    txn: Transaction, snapshot: Snapshot, known: Sequence[Owner], needs: Needs, there: Drawable
) -> None:
    """Put buckets that are due and not there among those that are."""
    allowances = snapshot.allowances
    states = {state.id: state for shelf in there.by_service.values() for state in shelf}
    granted = with_granted(states.values(), needs.wanted)
    if len(granted) == len(states):
        return
    there.by_service = on_shelves(snapshot, known, granted)
    if allowances.grow:
        there.growing = sizing.growing(txn, allowances, known, granted)
    if there.rolling.codes:
        codes = there.rolling.codes
        there.rolling = chains_of(allowances, known, granted, there.begun, codes)
        add_former(there.rolling, snapshot.tariff, granted)


def changed(txn: Transaction, events: Sequence[Again]) -> list[bool]:
    """Tell of each event whether its charge has to be replaced."""
    found = [figures_differ(again) for again in events]
    unclear = [
        place for place, again in enumerate(events) if not found[place] and labels_matter(again)
    ]
    if unclear:
        both = [
            rated
            for place in unclear
            for rated in (events[place].live.rated, events[place].outcome)
            if isinstance(rated, Rated)
        ]
        labels = lives.labels(txn, both)
        for place, old, new in zip(unclear, both[::2], both[1::2], strict=True):
            found[place] = labels.of(old) != labels.of(new)
    return found


def all_there(needs: Needs, there: Drawable) -> bool:
    """Tell whether each bucket that usage is due is among those that it may draw from."""
    held = {_key_of(state) for shelf in there.by_service.values() for state in shelf}
    return all(_key(each) in held for each in needs.wanted)


def with_granted(states: Iterable[BucketState], wanted: Sequence[Wanted]) -> list[BucketState]:
    """Add to the buckets those that are due and not there, full, under ids that no bucket has."""
    held = list(states)
    there = set(map(_key_of, held))
    for number, each in enumerate(wanted, start=1):
        if _key(each) not in there:
            held.append(full(each.grant, -number, each.account_id, each.account_service_id or 0))
    return held


def _key_of(state: BucketState) -> tuple[int, int, str, int]:
    service_id = state.account_service_id
    return service_id, 0 if service_id else state.account_id, state.code, state.from_us


def _key(wanted: Wanted) -> tuple[int, int, str, int]:
    service_id = wanted.account_service_id or 0
    account_id = 0 if service_id else wanted.account_id
    return service_id, account_id, wanted.grant.code, wanted.grant.from_us


def on_shelves(
    snapshot: Snapshot, owners: Iterable[Owner], states: Iterable[BucketState]
) -> dict[int, tuple[BucketState, ...]]:
    """Give each service the buckets it draws from."""
    allowances = snapshot.allowances
    if not (allowances.shared or allowances.pools.stays):
        return by_service(states)
    services = {owner.account_service_id: owner for owner in owners}
    return shelves(states, map(snapshot.allowances.sharer, services.values()))
