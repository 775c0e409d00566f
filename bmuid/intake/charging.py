"""New usage charged: rated account by account, its buckets drawn from, its rows written day by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter

from bmu.rating import BucketState, Owner, Tariff, Unrated, by_service, is_plain, shelves
from bmu.usage import UDR
from bmuid.intake import firstuse, inorder, pooling, sizing
from bmuid.intake.drawable import Drawable
from bmuid.intake.loops import by_account, by_day
from bmuid.intake.pools import Pool
from bmuid.intake.pricing import Needs
from bmuid.store import buckets, charges, draws, thresholds, udrs
from bmuid.store.buckets import Span
from bmuid.store.copying import at, began, encoded
from bmuid.store.thresholds import Crossed
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced

# Few enough for what a row is made of to be at hand still when it is encoded, and to be gone soon after.
BLOCK_EVENTS = 1000
_ACCOUNT = itemgetter(at(Owner, "account_id"))


@dataclass(frozen=True, slots=True)
class OfDay:
    """Encoded rows of one day."""

    charges: list[bytes] = field(default_factory=list)
    grants: list[bytes] = field(default_factory=list)
    draws: list[bytes] = field(default_factory=list)


def charge(
    txn: Transaction,
    file_id: int,
    tariff: Tariff,
    needs: Needs,
    usage: tuple[list[UDR], list[Owner]],
) -> list[tuple[UDR, Unrated]]:
    """
    Rate usage of lines of one file account by account, within one in the order of arrival, and write it.

    So the result does not depend on how a file was cut into chunks.

    Shapes:
        needs: what usage needs is there.
        usage: events and their owners, parallel, in the order of arrival.
        Result: what has no price, and why.
    """
    events, owners = by_account(*usage)
    if not events:
        return []
    there = drawable(txn, tariff, needs, owners)
    ids = iter(udrs.new_ids(txn, len(events)))
    rated_us = began(txn)
    days: dict[int, OfDay] = {}
    lost: list[tuple[UDR, Unrated]] = []
    for first in range(0, len(events), BLOCK_EVENTS):
        block, theirs = events[first : first + BLOCK_EVENTS], owners[first : first + BLOCK_EVENTS]
        found, unpriced = by_day(
            block, theirs, inorder.rate_in_order(txn, tariff, there, block, theirs)
        )
        lost += unpriced
        for day, of_events, of_owners, rated in found:
            priced = Priced(list(islice(ids, len(rated))), of_events, of_owners, rated)
            of_day = days.setdefault(day, OfDay())
            of_day.charges.extend(charges.rows(priced, file_id, tariff.revision, rated_us))
            granted, drawn = draws.unencoded(priced, there.elsewhere)
            of_day.grants.extend(encoded(granted))
            of_day.draws.extend(encoded(drawn))
    _write(txn, days)
    note(txn, tariff, there)
    return lost


def _write(txn: Transaction, days: dict[int, OfDay]) -> None:
    for day, of_day in days.items():
        charges.add(txn, day, of_day.charges)
        if of_day.grants:
            draws.add(txn, day, of_day.grants)
    for day, of_day in days.items():
        if of_day.draws:
            draws.add(txn, day, of_day.draws)


def drawable(txn: Transaction, tariff: Tariff, needs: Needs, owners: Sequence[Owner]) -> Drawable:
    """Lock the buckets of the accounts, and those above that they share; what is plain was granted before."""
    if not tariff.bucket_types:
        return Drawable({}, {}, {})
    allowances, between = needs.allowances, (needs.first_us, needs.last_us)
    begun = firstuse.provide(txn, allowances, owners, between) if allowances.begin_with_use else {}
    pools = allowances.pools.of(owners) if allowances.pools.stays else {}
    if pools:
        pooling.provide(txn, allowances.pools, pools, between)
    whole = [row.code for row in tariff.bucket_types.values() if not is_plain((row,))]
    codes = tuple(tariff.bucket_types), whole
    states = _lock(txn, codes, needs, owners, pools)
    if allowances.begin_with_use:
        # What began, and did not in the end, is not there.
        types = tariff.bucket_types
        states = [one for one in states if one.granted or not types[one.code].on_first_use]
    if allowances.shared or pools:
        services = {owner.account_service_id: owner for owner in owners}
        there = Drawable(shelves(states, map(allowances.sharer, services.values())), {}, {})
    else:
        there = Drawable(by_service(states), {}, {})
    # Of those that all draw from plainly nothing is noted.
    there.note([state for state in states if state.account_id] if whole else [])
    if allowances.begin_with_use:
        there.begun = begun
        there.asleep = firstuse.asleep(allowances, owners, begun, needs.last_us)
    if whole:
        _add(txn, there, needs, owners, states)
    return there


def _add(
    txn: Transaction,
    there: Drawable,
    needs: Needs,
    owners: Sequence[Owner],
    states: Sequence[BucketState],
) -> None:
    """Add what is beyond the buckets themselves: what may begin, what grows, what is limited."""
    allowances = needs.allowances
    if allowances.grow:
        there.growing = sizing.growing(txn, allowances, owners, states)
    if allowances.pools.stays:
        between = needs.first_us, needs.last_us
        there.limits, there.limited = pooling.rooms(txn, allowances.pools, owners, between, states)


def _lock(
    txn: Transaction,
    codes: tuple[Sequence[str], Sequence[str]],
    needs: Needs,
    owners: Sequence[Owner],
    pools: Mapping[int, Pool],
) -> list[BucketState]:
    """Lock all buckets of these types, and of those that are not drawn from plainly, that owners may draw from."""
    accounts = sorted(dict.fromkeys(map(_ACCOUNT, owners)))
    elsewhere = {pool.account_id for pool in pools.values()}
    if needs.allowances.parents:
        elsewhere.update(
            over for account_id in accounts for over in needs.allowances.above(account_id)
        )
    states = buckets.lock(
        txn,
        accounts,
        Span(
            needs.first_us,
            needs.last_us,
            *codes,
            sorted(elsewhere.difference(accounts)),
            list(pools),
        ),
    )
    if pools:
        for state in states:
            if state.share_id in pools:
                state.rank = pools[state.share_id].rank
    return states


def note(txn: Transaction, tariff: Tariff, there: Drawable) -> None:
    """Note what follows from draws beside the balances: limits, what was measured, thresholds."""
    pooling.keep(txn, there.limited)
    sizing.keep(txn, there.growing)
    _warn(txn, tariff, there)


def _warn(txn: Transaction, tariff: Tariff, there: Drawable) -> None:
    """Note the thresholds that were reached, and have the customers told of each."""
    reached = [(state, before) for state, before in there.warned.values() if state.warned > before]
    if reached:
        accounts = sorted({state.account_id for state, _ in reached})
        buckets.warn(txn, {state.id: state.warned for state, _ in reached}, accounts)
        crossed = [
            Crossed(state, per_cent)
            for state, before in reached
            for per_cent in sorted(set(tariff.bucket_types[state.code].thresholds))
            if before < per_cent <= state.warned
        ]
        thresholds.tell(txn, crossed)
