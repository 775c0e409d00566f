"""Which allowances usage asks for, where they are not just plain monthly ones: other periods, carried over, shared."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import NamedTuple

from bmu.period import FOREVER_US, local_day, midnight, to_us
from bmu.rating import (
    Anchor,
    BucketKind,
    BucketScope,
    BucketTypeRow,
    Frequency,
    Owner,
    Sharer,
    Tariff,
    grant_of,
    turn_at,
)
from bmuid.intake.pools import NO_POOLS, Pools, pools_of
from bmuid.store import owners, subscriptions
from bmuid.store.buckets import Wanted
from bmuid.store.days import US_A_DAY
from bmuid.store.subscriptions import Subscription
from bmuid.store.transaction import Transaction

# Of allowances that carry over without end, so many earlier periods are looked at.
EARLIER_MAX = 60


class Due(NamedTuple):
    """
    What a service's usage asks for, the same for all events that begin in [from_us, to_us).

    Shapes:
        days: on which something may begin with its first use, counted from 1970-01-01 UTC.
    """

    from_us: int
    to_us: int
    wanted: tuple[Wanted, ...]
    days: frozenset[int] = frozenset()


class Held(NamedTuple):
    """A type of allowance, whose it is, and what its periods are counted from."""

    row: BucketTypeRow
    account_id: int
    account_service_id: int | None
    anchor: Anchor


@dataclass(frozen=True, slots=True)
class Allowances:
    """
    The allowances of one revision that are not just plain monthly ones of a service.

    Shapes:
        own: by service, all types of those services that have any such, or draw from what is shared, too.
        shared: by account, what its services draw from together, and maybe those of accounts below.
        parents: the account above each.
        begin_with_use: whether any of them begins with its first use; grow: whether usage makes the size of any.
        pools: the share plans that accounts have.
    """

    own: Mapping[int, tuple[Held, ...]] = field(default_factory=dict)
    shared: Mapping[int, tuple[Held, ...]] = field(default_factory=dict)
    parents: Mapping[int, int] = field(default_factory=dict)
    begin_with_use: bool = False
    grow: bool = False
    pools: Pools = NO_POOLS

    def held(self, owner: Owner) -> Iterator[Held]:
        """Give all allowances that an owner's usage may draw from; none: plain monthly ones, or nothing."""
        yield from self.own.get(owner.account_service_id, ())
        yield from self.shared_with(owner.account_id)

    def due(self, owner: Owner, us: int) -> Due | None:
        """Tell what an owner's usage at an instant asks for; none: plain monthly allowances, or nothing."""
        held = list(self.held(owner))
        if not held and owner.account_service_id not in self.own:
            return None
        first, end = -FOREVER_US, FOREVER_US
        wanted: list[Wanted] = []
        days: set[int] = set()
        for each in held:
            begins = each.row.on_first_use
            turn = None if begins else turn_at(each.row, each.anchor, us)
            if turn is None:
                # What begins or expires does so at midnight.
                day, zone = local_day(us, each.anchor.zone), each.anchor.zone
                begun = to_us(midnight(day, zone))
                first = max(first, begun)
                end = min(end, to_us(midnight(day + timedelta(days=1), zone)))
                if begins:
                    days.add(begun // US_A_DAY)
                continue
            first, end = max(first, turn.from_us), min(end, turn.to_us)
            found = due_at(each, us)
            wanted += found.wanted
        return Due(first, end, tuple(wanted), frozenset(days))

    def sharer(self, owner: Owner) -> Sharer:
        """Tell where a service draws beside its own allowances."""
        stays = self.pools.stays.get(owner.account_service_id, ())
        return Sharer(
            owner.account_service_id,
            owner.account_id,
            tuple(self.above(owner.account_id)),
            tuple(stay.pool.id for stay in stays),
        )

    def elsewhere(self, account_id: int) -> set[int]:
        """Give the accounts from whose buckets an account may have drawn beside its own."""
        return {*self.above(account_id), *self.pools.holders.get(account_id, ())}

    def sharing(self, account_ids: Iterable[int]) -> dict[int, int]:
        """Tell which accounts may draw from the same buckets: those of one number; none: all draw from their own."""
        if not (self.parents or self.pools.holders):
            return {}
        joined: dict[int, int] = {}

        def group(account_id: int) -> int:
            for over in self.above(account_id):
                account_id = over
            while account_id in joined:
                account_id = joined[account_id]
            return account_id

        accounts = list(account_ids)
        for account_id in accounts:
            for holder in self.pools.holders.get(account_id, ()):
                mine, others = group(account_id), group(holder)
                if mine != others:
                    joined[mine] = others
        return {account_id: group(account_id) for account_id in accounts}

    def above(self, account_id: int) -> Iterator[int]:
        """Give the accounts above one, upwards."""
        over = self.parents.get(account_id)
        while over is not None:
            yield over
            over = self.parents.get(over)

    def shared_with(self, account_id: int) -> Iterator[Held]:
        """Give what an account's services draw from together, maybe with those of other accounts."""
        yield from self.shared.get(account_id, ())
        for over in self.above(account_id):
            for held in self.shared.get(over, ()):
                if held.row.scope is BucketScope.TREE:
                    yield held


PLAIN = Allowances()


def allowances_of(txn: Transaction, tariff: Tariff) -> Allowances:
    """Read whose allowances are not just plain monthly ones of a service."""
    every = _types(tariff)
    types = {code: rows for code, rows in every.items() if not all(map(is_monthly, rows))}
    pools = pools_of(txn, tariff)
    if not types:
        return PLAIN if pools is NO_POOLS else Allowances(pools=pools)
    found = _allowances(txn, types, subscriptions.to_packages(txn, list(types)), pools)
    plain = {code: rows for code, rows in every.items() if rows and code not in types}
    if not (found.shared and plain):
        return found
    # Services that have plain ones of their own beside what is shared.
    accounts = {*found.shared, *(id_ for id_ in found.parents if any(found.shared_with(id_)))}
    own = {
        each.id: tuple(_held(each, plain[each.package]))
        for each in subscriptions.to_packages(txn, list(plain), sorted(accounts))
    }
    return replace(found, own={**own, **found.own})


def allowances_with(txn: Transaction, tariff: Tariff, held: Sequence[Subscription]) -> Allowances:
    """Tell what services, which may have other packages than they are noted with, draw from; plain monthly ones, too."""
    return _allowances(txn, _types(tariff), held, pools_of(txn, tariff, held))


def _types(tariff: Tariff) -> dict[str, tuple[BucketTypeRow, ...]]:
    return {
        package.code: tuple(tariff.bucket_types[code] for code in package.bucket_types)
        for package in tariff.packages.values()
    }


def _allowances(
    txn: Transaction,
    types: Mapping[str, tuple[BucketTypeRow, ...]],
    subscribed: Iterable[Subscription],
    pools: Pools,
) -> Allowances:
    own: dict[int, tuple[Held, ...]] = {}
    shared: dict[int, tuple[Held, ...]] = {}
    for each in subscribed:
        if each.package not in types:
            continue
        held = tuple(_held(each, types[each.package]))
        own[each.id] = tuple(one for one in held if one.account_service_id is not None)
        of_account = [one for one in held if one.account_service_id is None]
        known = {one.row.code for one in shared.get(each.account_id, ())}
        shared[each.account_id] = (
            *shared.get(each.account_id, ()),
            *(one for one in of_account if one.row.code not in known),
        )
    sharing = {account_id: held for account_id, held in shared.items() if held}
    rows = [row for rows in types.values() for row in rows]
    return Allowances(
        own=own,
        shared=sharing,
        parents=owners.parents(txn) if sharing else {},
        begin_with_use=any(row.on_first_use for row in rows),
        grow=any(row.size_by is not None for row in rows),
        pools=pools,
    )


def due_at(held: Held, us: int) -> Due:
    """Tell what one allowance is due for the period that an instant lies in; it must lie in one."""
    turn = turn_at(held.row, held.anchor, us)
    assert turn is not None, held
    wanted = [*_wanted(held, us)]
    if held.row.rollover:
        # They may leave something to this one.
        for earlier in _earlier(held, turn.from_us):
            wanted += _wanted(held, earlier)
    return Due(turn.from_us, turn.to_us, tuple(wanted))


def is_monthly(row: BucketTypeRow) -> bool:
    """Tell whether an allowance comes whole with each billing month of a service, and goes with it."""
    return (
        row.scope is BucketScope.SERVICE
        and row.kind is BucketKind.USAGE
        and row.recurrence is Frequency.MONTH
        and row.every == 1
        and not (row.flat_e11 or row.tiers or row.repeat_last)
        and not (row.rollover or row.prorated or row.expires_after)
        and not (row.on_first_use or row.size_by)
    )


def _held(each: Subscription, rows: Iterable[BucketTypeRow]) -> Iterator[Held]:
    for row in rows:
        if row.scope is BucketScope.SHARE_PLAN:
            # A share plan grants it, not the package that names it.
            continue
        anchor = Anchor(each.zone, each.bill_day, each.from_us, each.to_us)
        service_id = each.id if row.scope is BucketScope.SERVICE else None
        yield Held(row, each.account_id, service_id, anchor)


def _wanted(held: Held, us: int) -> Iterator[Wanted]:
    grant = grant_of(held.row, held.anchor, us)
    if grant is not None and (grant.quantity > 0 or held.row.size_by is not None):
        yield Wanted(held.account_id, held.account_service_id, grant)


def _earlier(held: Held, from_us: int) -> Iterator[int]:
    """Give an instant of each earlier period that may have left something, the latest first."""
    for _ in range(held.row.rollover_periods or EARLIER_MAX):
        turn = turn_at(held.row, held.anchor, from_us - 1)
        if turn is None or turn.to_us <= held.anchor.start_us:
            return
        yield turn.from_us
        from_us = turn.from_us
