"""New usage charged: rated account by account, its buckets drawn from, its rows written day by day."""

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice
from operator import itemgetter

from bmu.period import to_us
from bmu.rating import (
    BucketPart,
    BucketState,
    Owner,
    Tariff,
    Unrated,
    by_service,
    is_plain,
    shelves,
)
from bmu.usage import UDR
from bmuid.intake import firstuse, inorder, pooling, sizing
from bmuid.intake import rolling as rolls
from bmuid.intake.chains import add_former, chains_of
from bmuid.intake.drawable import Drawable
from bmuid.intake.loops import by_day
from bmuid.intake.pools import Pool
from bmuid.intake.pricing import Needs
from bmuid.store import buckets, charges, draws, lives, rolled, thresholds, udrs
from bmuid.store.buckets import Span
from bmuid.store.copying import at, began
from bmuid.store.firstuses import Given, Key
from bmuid.store.thresholds import Crossed
from bmuid.store.transaction import DatabaseError, LostRaceError, Transaction
from bmuid.store.udrs import Priced

# Few enough for what a row is made of to be at hand still when it is encoded, and to be gone soon after.
BLOCK_EVENTS = 1000
END_US = to_us(lives.END)
_ACCOUNT = itemgetter(at(Owner, "account_id"))
_SERVICE = itemgetter(at(Owner, "account_service_id"))


def charge(
    txn: Transaction,
    file_id: int,
    tariff: Tariff,
    needs: Needs,
    usage: tuple[list[UDR], list[Owner]],
    *,
    locking: bool = True,
) -> list[tuple[UDR, Unrated]]:
    """
    Rate usage of lines of one file account by account, within one in the order of arrival, and write it; accounts that
    may draw from the same allowances are taken as one.

    So the result does not depend on how a file was cut into chunks.

    Shapes:
        needs: what usage needs is there.
        usage: events and their owners, parallel, in the order of arrival.
        locking: keep others from the buckets from the start; else only from when they are drawn from, as far as all
            are drawn from plainly.
        Result: what has no price, and why.

    Errors:
        LostRaceError: others moved buckets that were not locked, and usage has other charges now.
    """
    events, owners = inorder.in_turn(needs.allowances, *usage)
    if not events:
        return []
    there = drawable(txn, tariff, needs, owners, locking=locking)
    ids = iter(udrs.new_ids(txn, len(events)))
    rated_us = began(txn)
    days: dict[int, list[bytes]] = {}
    grants: list[bytes] = []
    drawn: list[bytes] = []
    lost: list[tuple[UDR, Unrated]] = []
    for first in range(0, len(events), BLOCK_EVENTS):
        block, theirs = events[first : first + BLOCK_EVENTS], owners[first : first + BLOCK_EVENTS]
        found, unpriced = by_day(
            block, theirs, inorder.rate_in_order(txn, tariff, there, block, theirs)
        )
        lost += unpriced
        for day, of_events, of_owners, rated in found:
            priced = Priced(list(islice(ids, len(rated))), of_events, of_owners, rated)
            days.setdefault(day, []).extend(
                charges.rows(priced, file_id, tariff.revision, rated_us)
            )
            of_grants, of_draws = draws.rows(priced, there.elsewhere)
            grants.extend(of_grants)
            drawn.extend(of_draws)
    rolls.carry_in(txn, there)
    for day, of_day in days.items():
        charges.add(txn, day, of_day)
    _draw(txn, there, (grants, drawn), owners)
    rolls.let_lapse(txn, there)
    note(txn, tariff, there)
    return lost


def _draw(
    txn: Transaction,
    there: Drawable,
    moves: tuple[Sequence[bytes], Sequence[bytes]],
    owners: Sequence[Owner],
) -> None:
    """
    Move the buckets by what was granted and drawn, encoded, of all days.

    Those that were only read are locked by that. Nobody can have drawn what was drawn here: the database refuses it. If
    nobody gave back to those that are used up either, then all is as if it had been rated at this instant.
    """
    grants, drawn = moves
    if grants:
        draws.add(txn, grants)
    try:
        if drawn:
            draws.add(txn, drawn)
    except DatabaseError as error:
        if there.only_read and draws.overdrawn(error):
            raise LostRaceError("others drew from the same buckets") from error
        raise
    if there.only_read and _is_more_left(txn, there.only_read, owners):
        raise LostRaceError("others gave back to the same buckets")


def _is_more_left(
    txn: Transaction, states: Sequence[BucketState], owners: Sequence[Owner]
) -> bool:
    """Tell whether there is something in buckets that usage has used up, or found so."""
    accounts = dict(zip(map(_SERVICE, owners), map(_ACCOUNT, owners), strict=True))
    used_up = [
        (accounts[state.account_service_id], state.id)
        for state in states
        if not state.balance and state.account_service_id in accounts
    ]
    return bool(used_up) and buckets.any_left(txn, used_up)


def drawable(
    txn: Transaction,
    tariff: Tariff,
    needs: Needs,
    owners: Sequence[Owner],
    *,
    again: bool = False,
    locking: bool = True,
) -> Drawable:
    """
    Lock the buckets of the accounts, and those above that they share; what is plain was granted before.

    Shapes:
        again: for usage that is rated again; then all later ones, too, of what carries over or did.
        locking: if not, those that all draw from plainly are only read.
    """
    if not tariff.bucket_types:
        return Drawable({}, {}, {})
    allowances, between = needs.allowances, (needs.first_us, needs.last_us)
    begun = firstuse.provide(txn, allowances, owners, between) if allowances.begin_with_use else {}
    pools = allowances.pools.of(owners) if allowances.pools.stays else {}
    if pools:
        pooling.provide(txn, allowances.pools, pools, between)
    rolling = _rolling(txn, tariff, again=again)
    whole = [
        row.code
        for row in tariff.bucket_types.values()
        if row.code in rolling or not is_plain((row,))
    ]
    codes = tuple(tariff.bucket_types), whole, rolling
    locking = locking or bool(whole or pools or allowances.shared)
    take = buckets.lock if locking else buckets.read
    states = _take(txn, take, codes, (needs, owners, pools), again=again)
    if allowances.begin_with_use:
        states = _begun_of(states, tariff, begun)
    if allowances.shared or pools:
        services = {owner.account_service_id: owner for owner in owners}
        there = Drawable(shelves(states, map(allowances.sharer, services.values())), {}, {})
    else:
        there = Drawable(by_service(states), {}, {})
    there.only_read = [] if locking else states
    # Of those that all draw from plainly nothing is noted.
    there.note([state for state in states if state.account_id] if whole else [])
    if allowances.begin_with_use:
        there.begun = begun
        there.asleep = firstuse.asleep(allowances, owners, begun, needs.last_us)
    if whole:
        there.rolling = chains_of(allowances, owners, states, begun, rolling)
        if again:
            add_former(there.rolling, tariff, states)
        _add(txn, there, needs, owners, states)
    return there


def _rolling(txn: Transaction, tariff: Tariff, *, again: bool) -> set[str]:
    """Give the types that carry over; where usage is rated again, those that ever did, too."""
    found = {row.code for row in tariff.bucket_types.values() if row.rollover}
    return found | (rolled.ever(txn) & tariff.bucket_types.keys()) if again else found


def _begun_of(
    states: Sequence[BucketState], tariff: Tariff, begun: Mapping[Key, Given]
) -> list[BucketState]:
    """Leave out what began with its first use, and did not in the end."""
    types = tariff.bucket_types
    return [
        state
        for state in states
        if state.granted or not types[state.code].on_first_use or _has_begun(state, begun)
    ]


def _has_begun(state: BucketState, begun: Mapping[Key, Given]) -> bool:
    """Tell whether a bucket is of a period of what has begun, though nothing is in it, nor was drawn from it."""
    key = Key(state.account_id, state.account_service_id, state.code)
    from_us = state.since_us if state.part is BucketPart.CARRIED else state.from_us
    return key in begun and from_us in begun[key].starts


def _add(
    txn: Transaction,
    there: Drawable,
    needs: Needs,
    owners: Sequence[Owner],
    states: Sequence[BucketState],
) -> None:
    """Add what is beyond the buckets themselves: what may be carried over, what grows, what is limited."""
    allowances = needs.allowances
    rolls.prepare(txn, there, needs.last_us)
    if allowances.grow:
        there.growing = sizing.growing(txn, allowances, owners, states)
    if allowances.pools.stays:
        between = needs.first_us, needs.last_us
        there.limits, there.limited = pooling.rooms(txn, allowances.pools, owners, between, states)


def _take(
    txn: Transaction,
    take: Callable[[Transaction, Sequence[int], Span], list[BucketState]],
    codes: tuple[Sequence[str], Sequence[str], Collection[str]],
    asked: tuple[Needs, Sequence[Owner], Mapping[int, Pool]],
    *,
    again: bool,
) -> list[BucketState]:
    """Take buckets that owners may draw from: of all types; of those not drawn from plainly; of those that carry over."""
    needs, owners, pools = asked
    accounts = sorted(dict.fromkeys(map(_ACCOUNT, owners)))
    elsewhere = {pool.account_id for pool in pools.values()}
    if needs.allowances.parents:
        elsewhere.update(
            over for account_id in accounts for over in needs.allowances.above(account_id)
        )
    all_codes, whole, rolling = codes
    first_us, last_us = needs.first_us, needs.last_us
    if rolling:
        left_us = rolled.first_left(txn, {*accounts, *elsewhere}, rolling, last_us)
        first_us = first_us if left_us is None else min(first_us, left_us)
        last_us = END_US if again else last_us
    above = sorted(elsewhere.difference(accounts))
    span = Span(first_us, last_us, all_codes, whole, above, list(pools))
    states = take(txn, accounts, span)
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
