"""Included quantities as they stand: what was granted, what is left; the plain way to draw from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from bmu.rating.kinds import (
    BucketKind,
    BucketScope,
)
from bmu.rating.offers import (
    BucketTier,
)
from bmu.usage import Unit


class BucketPart(Enum):
    """
    Which part of an allowance a bucket is; each is a bucket of its own.

    CARRIED: left over from an earlier period. JOINED: what a participant brought to a share plan after the period
    had begun. ALLOTMENT: what the period itself grants.
    """

    CARRIED = "CARRIED"
    JOINED = "JOINED"
    ALLOTMENT = "ALLOTMENT"


class Grant(NamedTuple):
    """
    An allowance that is due for [from_us, to_us).

    Shapes:
        quantity: of all tiers together.
        tiers: all of them, the first one too; none where there is but one, free and not repeated.
        since_us: of a CARRIED one, the start of the period it was first granted for.
    """

    code: str
    from_us: int
    to_us: int
    quantity: int
    unit: Unit
    kind: BucketKind = BucketKind.USAGE
    scope: BucketScope = BucketScope.SERVICE
    part: BucketPart = BucketPart.ALLOTMENT
    tiers: tuple[BucketTier, ...] = ()
    repeat_last: bool = False
    since_us: int = 0


@dataclass(slots=True)
class _Plain:
    """What a plain bucket is drawn from by: slots of a class of their own stand side by side in memory."""

    id: int
    account_service_id: int
    code: str
    from_us: int
    to_us: int
    balance: int


@dataclass(slots=True)
class BucketState(_Plain):
    """
    The working copy of one bucket: rating lowers *balance*, the caller stores the draws.

    Shapes:
        account_id, account_service_id, share_id: whose it is; a share plan's has the plan's id as the account has it,
            an account's has no service; 0 stands for none.
        for_tree: of an account, and for those below it, too.
        rank: of its share plan; the lower is drawn from first.
        granted: by all its GRANT and EXPIRY rows; a plain bucket does without.
        tiers, repeat_last, part, since_us: as granted.
        warned: the highest threshold that was said to be reached.

    Units:
        balance, granted: base units left, and ever there; of a MONEY bucket 10^-11 of the currency.
        from_us, to_us: events that begin in [from_us, to_us) may draw.
    """

    granted: int = 0
    account_id: int = 0
    share_id: int = 0
    for_tree: bool = False
    rank: int = 0
    part: BucketPart = BucketPart.ALLOTMENT
    tiers: tuple[BucketTier, ...] = ()
    repeat_last: bool = False
    since_us: int = 0
    warned: int = 0

    @property
    def used(self) -> int:
        """What was drawn and not returned: how far usage has come in its tiers."""
        return self.granted - self.balance

    @property
    def size(self) -> int:
        """All tiers, each once; what thresholds are parts of."""
        return sum(tier.quantity for tier in self.tiers) if self.tiers else self.granted

    @property
    def repeats(self) -> bool:
        """Whether its last tier comes again and again; not once the rest of it has lapsed."""
        return (
            self.repeat_last
            and bool(self.tiers)
            and self.tiers[-1].quantity > 0
            and self.granted >= self.size
        )


def by_service(states: Iterable[BucketState]) -> dict[int, tuple[BucketState, ...]]:
    """Give the buckets of each account service in the order they are drawn: earliest end first."""
    found: dict[int, tuple[BucketState, ...]] = {}
    for state in states:
        others = found.get(state.account_service_id, ())
        # Most services have one bucket open.
        found[state.account_service_id] = (
            tuple(sorted((*others, state), key=ending)) if others else (state,)
        )
    return found


def ending(state: BucketState) -> tuple[int, int, int]:
    """Tell where a plain bucket comes in the order of drawing: what ends first, then the older one."""
    return state.to_us, state.from_us, state.id


def draw(
    buckets: Sequence[BucketState], places: Mapping[str, int], started_us: int, quantity: int
) -> tuple[tuple[int, int], ...]:
    """
    Take up to *quantity* from the plain buckets of these codes that are open at *started_us*.

    Shapes:
        buckets: in the order of `by_service`.
        places: by code, how near the place is that the type names; of what ends together the lowest is first.
        Result: (bucket id, quantity) of each bucket touched, in order.
    """
    there = [
        bucket
        for bucket in buckets
        if bucket.balance and bucket.from_us <= started_us < bucket.to_us and bucket.code in places
    ]
    if len(there) > 1:
        # What ends together and is as near stays in its order.
        there.sort(key=lambda bucket: (bucket.to_us, places[bucket.code]))
    draws: tuple[tuple[int, int], ...] = ()
    for bucket in there:
        taken = min(bucket.balance, quantity)
        bucket.balance -= taken
        draws += ((bucket.id, taken),)
        quantity -= taken
        if not quantity:
            break
    return draws
