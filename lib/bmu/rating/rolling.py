"""Allowances that carry over: what ended periods leave to later ones, and how that is taken back and found anew."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from bmu.period import FOREVER_US
from bmu.rating.allowance import Anchor, carried, turn_at
from bmu.rating.bucket import BucketPart, BucketState, Grant
from bmu.rating.offers import BucketTypeRow

# Makes the empty bucket that something is to be carried into, and enters it among the states of its chain.
Make = Callable[["Chain", Grant], BucketState]


@dataclass(slots=True, eq=False)
class Chain:
    """
    The buckets of one type and one owner, of all periods at hand.

    Shapes:
        row: as it is now; without rollover nothing is carried any more. Then there may be no anchor.
        states: what a period itself has granted, and what was carried from it: that has the period's start as since_us.
        moved: by bucket, by how much carrying has made it larger or smaller.
        kept: by bucket, what usage that stays has drawn of what was carried once, while usage is rated again.
        reopened: buckets of periods that had ended, whose rest is found anew.
        next_us: when the next period ends that may leave something.
    """

    row: BucketTypeRow
    anchor: Anchor | None
    states: list[BucketState]
    moved: dict[int, int] = field(default_factory=dict)
    kept: dict[int, int] = field(default_factory=dict)
    reopened: set[int] = field(default_factory=set)
    next_us: int = field(init=False)

    def __post_init__(self) -> None:
        self.look_from(-FOREVER_US)

    def look_from(self, us: int) -> None:
        """See which period ends next after an instant."""
        ends = (one.to_us for one in self.periods() if one.to_us > us)
        self.next_us = min(ends, default=FOREVER_US) if self.row.rollover else FOREVER_US

    def periods(self) -> Iterator[BucketState]:
        """Give what periods themselves have granted, the earliest first."""
        own = (one for one in self.states if one.part is not BucketPart.CARRIED)
        return iter(sorted(own, key=lambda one: (one.from_us, one.id)))

    def carried_from(self, ended: BucketState) -> list[BucketState]:
        """Give what was carried from a period."""
        return [
            one
            for one in self.states
            if one.part is BucketPart.CARRIED and one.since_us == ended.from_us
        ]

    def grow(self, state: BucketState, quantity: int) -> None:
        """Make a bucket larger, or smaller."""
        state.granted += quantity
        state.balance += quantity
        self.moved[state.id] = self.moved.get(state.id, 0) + quantity


def roll(chain: Chain, us: int, make: Make) -> None:
    """
    Carry what periods have left that ended before the one of an instant, and let the rest of them lapse.

    Usage of an ended period that comes late draws from what was carried, as it would have from that period's own.
    """
    turn = chain.anchor and turn_at(chain.row, chain.anchor, us)
    if turn:
        carry(chain, turn.from_us, make)


def carry(chain: Chain, until_us: int, make: Make) -> None:
    """Carry what periods have left that ended until an instant."""
    for ended in chain.periods():
        if ended.balance and ended.to_us <= until_us:
            left = _left(chain, ended)
            if left is not None:
                chain.grow(_into(chain, left, make), left.quantity)
            chain.grow(ended, -ended.balance)
    chain.look_from(until_us)


def empty(chain: Chain, ended: BucketState) -> Grant | None:
    """Give the bucket, empty, into which a period may carry something and which is not there; none: it may not."""
    assert chain.anchor is not None, chain
    without_bound = replace(chain.row, rollover_max=None)
    left = carried(without_bound, chain.anchor, ended)
    if left is None or any(one.to_us == left.to_us for one in chain.carried_from(ended)):
        return None
    return left._replace(from_us=ended.from_us, quantity=0)


def take_back(chain: Chain, from_us: int, lapsed: Mapping[int, int]) -> None:
    """
    Undo what was carried from periods that ended after an instant, since usage from then on is rated again.

    What other usage has drawn of it stays carried, and is less in its period.

    Shapes:
        chain: what the usage that is rated again drew was given back.
        lapsed: by bucket, how much it lost as its period ended.
    """
    left_out: dict[int, int] = {}
    for ended in chain.periods():
        if ended.to_us <= from_us or not lapsed.get(ended.id):
            continue
        if ended.from_us not in left_out:
            left_out[ended.from_us] = 0
            for one in chain.carried_from(ended):
                chain.kept[one.id] = one.used
                left_out[ended.from_us] += one.used
                chain.grow(one, -one.balance)
        stays = min(left_out[ended.from_us], lapsed[ended.id])
        left_out[ended.from_us] -= stays
        chain.grow(ended, lapsed[ended.id] - stays)
        chain.reopened.add(ended.id)
    chain.look_from(from_us)


def finish(chain: Chain, make: Make) -> None:
    """Carry anew what had been carried, though no usage that was rated again has asked for it."""
    ends = [one.to_us for one in chain.periods() if one.id in chain.reopened and one.balance]
    if ends and chain.row.rollover and chain.anchor is not None:
        carry(chain, max(ends), make)


def _left(chain: Chain, ended: BucketState) -> Grant | None:
    if not (chain.row.rollover and chain.anchor):
        return None
    # What stays drawn was carried, too.
    others = [
        replace(one, balance=one.balance + chain.kept.get(one.id, 0)) for one in chain.states
    ]
    left = carried(chain.row, chain.anchor, ended, others)
    return left and left._replace(from_us=ended.from_us)


def _into(chain: Chain, left: Grant, make: Make) -> BucketState:
    for one in chain.states:
        carries = one.part is BucketPart.CARRIED and one.since_us == left.since_us
        if carries and one.to_us == left.to_us:
            return one
    return make(chain, left._replace(quantity=0))
