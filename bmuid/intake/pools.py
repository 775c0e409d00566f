"""Share plans of one revision, as accounts have them: their buckets, who brings what to them, who draws when."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bmu.period import FOREVER_US, to_us
from bmu.rating import (
    Anchor,
    BucketScope,
    BucketTypeRow,
    Contribution,
    Owner,
    SharePlanRow,
    Tariff,
    contribution_of,
)
from bmuid.store import shares, subscriptions, tables
from bmuid.store.shares import Member, Part, Period, Share
from bmuid.store.subscriptions import Subscription
from bmuid.store.transaction import Transaction

Stretch = tuple[int, int]


class Bringing(NamedTuple):
    """Who brings how much to each period that it takes part in, from when to when."""

    part: Part
    quantity: int
    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class Pool:
    """A share plan that an account has, the types of its buckets, and all who bring something to them."""

    id: int
    account_id: int
    rank: int
    rows: tuple[BucketTypeRow, ...]
    anchor: Anchor
    bringing: tuple[Bringing, ...]


class Stay(NamedTuple):
    """A service in a share plan: in which stretches of time, in their order, and how much it may draw in a period."""

    pool: Pool
    limit: int | None
    stretches: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class Pools:
    """
    All share plans that accounts have.

    Shapes:
        stays: by service.
        holders: by account, the accounts in whose share plans it has ever taken part.
        complete: periods to which all was brought, as was seen.
    """

    stays: Mapping[int, tuple[Stay, ...]] = field(default_factory=dict)
    holders: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    complete: set[Period] = field(default_factory=set, compare=False)

    def of(self, owners: Iterable[Owner]) -> dict[int, Pool]:
        """Give the share plans that services take part in at some time, by id."""
        services = {owner.account_service_id for owner in owners}
        stays = (stay for id_ in sorted(services) for stay in self.stays.get(id_, ()))
        return {stay.pool.id: stay.pool for stay in stays}


NO_POOLS = Pools()


class _Staying(NamedTuple):
    member: Member
    service: Subscription
    contribution: Contribution
    stretch: Stretch


def pools_of(
    txn: Transaction, tariff: Tariff, held: Sequence[Subscription] | None = None
) -> Pools:
    """
    Read the share plans that accounts have, and who takes part.

    Shapes:
        held: all services that may take part; none: as they are.
    """
    holders = shares.holders(txn)
    if not holders:
        return NO_POOLS
    plans = {row.code: row for row in tables.as_then(txn, SharePlanRow, tariff.revision)}
    members: dict[int, list[Member]] = defaultdict(list)
    for member in shares.members(txn, tariff.revision):
        members[member.share_id].append(member)
    there = [share for share in shares.at(txn, tariff.revision) if share.share_plan in plans]
    if held is None:
        services = _services(txn, [plans[share.share_plan] for share in there], members)
    else:
        services = _by_account(held)
    stays: dict[int, list[Stay]] = defaultdict(list)
    for share in there:
        plan = plans[share.share_plan]
        staying = list(_staying(plan, members[share.id], services))
        pool = _pool(share, plan, tariff, _bringing(members[share.id], staying))
        of_service: dict[int, list[_Staying]] = defaultdict(list)
        for each in staying:
            of_service[each.service.id].append(each)
        for service_id, its in of_service.items():
            stretches = tuple(sorted(each.stretch for each in its))
            stays[service_id].append(Stay(pool, its[0].contribution.limit, stretches))
    return Pools({id_: tuple(found) for id_, found in stays.items()}, holders)


def _services(
    txn: Transaction, plans: Iterable[SharePlanRow], members: Mapping[int, Sequence[Member]]
) -> dict[int, list[Subscription]]:
    """Give the services of accounts that may take part."""
    packages = sorted({each.package for plan in plans for each in plan.participants})
    accounts = sorted({member.account_id for found in members.values() for member in found})
    return _by_account(subscriptions.to_packages(txn, packages, accounts))


def _by_account(services: Iterable[Subscription]) -> dict[int, list[Subscription]]:
    found: dict[int, list[Subscription]] = defaultdict(list)
    for each in services:
        found[each.account_id].append(each)
    return found


def _staying(
    plan: SharePlanRow, members: Iterable[Member], services: Mapping[int, Sequence[Subscription]]
) -> Iterator[_Staying]:
    """Give the services that take part with their accounts, while they are there."""
    for member in members:
        first, end = _stretch(member)
        for service in services.get(member.account_id, ()):
            contribution = contribution_of(plan, service.package)
            stretch = max(first, service.from_us), min(end, service.to_us)
            if contribution is not None and stretch[0] < stretch[1]:
                yield _Staying(member, service, contribution, stretch)


def _bringing(members: Iterable[Member], staying: Iterable[_Staying]) -> Iterator[Bringing]:
    """Give what accounts bring that have agreed on it, and what services of others do."""
    for member in members:
        if member.contribution is not None:
            part = Part(member.account_id, 0)
            yield Bringing(part, member.contribution, *_stretch(member))
    for each in staying:
        if each.member.contribution is None:
            part = Part(each.member.account_id, each.service.id)
            yield Bringing(part, each.contribution.quantity, *each.stretch)


def _stretch(member: Member) -> Stretch:
    return to_us(member.from_), FOREVER_US if member.to is None else to_us(member.to)


def _pool(share: Share, plan: SharePlanRow, tariff: Tariff, bringing: Iterable[Bringing]) -> Pool:
    rows = (tariff.bucket_types[code] for code in plan.bucket_types)
    return Pool(
        id=share.id,
        account_id=share.account_id,
        rank=plan.rank,
        rows=tuple(row for row in rows if row.scope is BucketScope.SHARE_PLAN),
        anchor=Anchor(share.time_zone, share.bill_day, to_us(share.from_)),
        bringing=tuple(
            sorted(
                (each for each in bringing if each.quantity),
                key=lambda each: (each.from_us, each.part),
            )
        ),
    )
