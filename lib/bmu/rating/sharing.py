"""Who draws from whose buckets: a service, its account, the accounts above, share plans."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bmu.rating.bucket import BucketPart, BucketState, Grant, ending
from bmu.rating.offers import (
    Contribution,
    SharePlanRow,
)

Stretch = tuple[int, int]

# In place of a limit: the service takes no part.
NO_PART = -1


class Sharer(NamedTuple):
    """
    A service and where else it draws.

    Shapes:
        above: the accounts over its own, as far as they share.
        shares: ids of the share plans that it takes part in, as accounts have them.
    """

    account_service_id: int
    account_id: int
    above: tuple[int, ...] = ()
    shares: tuple[int, ...] = ()


@dataclass(slots=True)
class Participation:
    """
    What a service may draw from one bucket type of a share plan in a period, and has.

    Units:
        limit, drawn: as the bucket's balance; a limit of NO_PART: nothing, as if the bucket were not there.
        from_us, to_us: the period, as the bucket's, or a part of it.
    """

    share_id: int
    code: str
    from_us: int
    to_us: int
    limit: int
    drawn: int = 0

    @property
    def left(self) -> int:
        """What it still may draw."""
        return max(0, self.limit - self.drawn)


def shelves(
    states: Iterable[BucketState], sharers: Iterable[Sharer]
) -> dict[int, tuple[BucketState, ...]]:
    """
    Give all buckets that each service may draw from, plain ones in their order; services without any are left out.

    A bucket that several services share is the same object in each one's.
    """
    of_service: dict[int, list[BucketState]] = {}
    of_account: dict[int, list[BucketState]] = {}
    of_share: dict[int, list[BucketState]] = {}
    for state in states:
        if state.share_id:
            of_share.setdefault(state.share_id, []).append(state)
        elif state.account_service_id:
            of_service.setdefault(state.account_service_id, []).append(state)
        else:
            of_account.setdefault(state.account_id, []).append(state)
    found = {}
    for sharer in sharers:
        shelf = [
            *of_service.get(sharer.account_service_id, ()),
            *of_account.get(sharer.account_id, ()),
        ]
        for account_id in sharer.above:
            shelf += [state for state in of_account.get(account_id, ()) if state.for_tree]
        for share_id in sharer.shares:
            shelf += of_share.get(share_id, ())
        if shelf:
            found[sharer.account_service_id] = tuple(sorted(shelf, key=ending))
    return found


def contribution_of(plan: SharePlanRow, package: str) -> Contribution | None:
    """Give what a service of a package adds to a share plan; none: it takes no part."""
    return next((each for each in plan.participants if each.package == package), None)


def pooled(plan: SharePlanRow, packages: Iterable[str]) -> int:
    """Add up what services bring to each of a share plan's buckets at the start of a period, one package a service."""
    contributions = (contribution_of(plan, package) for package in packages)
    return sum(each.quantity for each in contributions if each is not None)


def joining(grant: Grant, contribution: Contribution) -> Grant | None:
    """
    Give what a service that joins during a pool's period adds: all of its contribution, until that period ends.

    Nothing is taken away when one leaves: the next period's pool is made without it.
    """
    if not contribution.quantity:
        return None
    return grant._replace(
        quantity=contribution.quantity, part=BucketPart.JOINED, tiers=(), repeat_last=False
    )


def participation_of(
    participations: Sequence[Participation], bucket: BucketState, started_us: int
) -> Participation | None:
    """Find the limit of what a service may draw from a bucket for an event; none: there is no limit."""
    if not bucket.share_id:
        return None
    for each in participations:
        if (
            each.share_id == bucket.share_id
            and each.code == bucket.code
            and each.from_us <= started_us < each.to_us
        ):
            return each
    return None


def outside(
    share_id: int, code: str, period: Stretch, stretches: Iterable[Stretch]
) -> Iterator[Participation]:
    """Give when in a period a service takes no part; *stretches*, in their order: when it does."""
    from_us, to_us = period
    for first, end in (*stretches, (to_us, to_us)):
        until = min(first, to_us)
        if from_us < until:
            yield Participation(share_id, code, from_us, until, NO_PART)
        from_us = max(from_us, end)


def copied(participations: Iterable[Participation]) -> list[Participation]:
    """Give working copies."""
    return [replace(each) for each in participations]
