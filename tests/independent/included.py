"""What buckets give for an event: one after another, in the order of the rules."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from independent.book import Book

from bmu.rating import (
    BucketKind,
    BucketPart,
    BucketScope,
    BucketState,
    BucketTypeRow,
    Frequency,
    Participation,
)

SCOPES = (BucketScope.SERVICE, BucketScope.ACCOUNT, BucketScope.TREE, BucketScope.SHARE_PLAN)
PARTS = (BucketPart.CARRIED, BucketPart.JOINED, BucketPart.ALLOTMENT)
NOWHERE_NEAR = 10**6


@dataclass(frozen=True)
class Taken:
    """What one bucket gives."""

    bucket: BucketState
    row: BucketTypeRow
    quantity: int
    granted: int
    # (tier, flat charge, times)
    entered: tuple[tuple[int, int, int], ...]
    reached: tuple[int, ...]


@dataclass
class Included:
    """What all of them give, and what is left to pay for."""

    billable: int
    owed: int | None = None
    overage_plan: str | None = None
    taken: list[Taken] = field(default_factory=list)

    def draws(self, kind: BucketKind) -> tuple[tuple[int, int], ...]:
        """Bucket and quantity, of one kind."""
        return tuple(
            (each.bucket.id, each.quantity)
            for each in self.taken
            if each.row.kind is kind and each.quantity
        )

    @property
    def flat_e11(self) -> int:
        """Flat charges of tiers entered."""
        return sum(flat * times for each in self.taken for _, flat, times in each.entered)


class Shelf:
    """The buckets and limits of one service, and how an event draws from them."""

    def __init__(
        self, book: Book, buckets: Sequence[BucketState], limits: Sequence[Participation]
    ) -> None:
        self.book = book
        self.buckets = buckets
        self.limits = limits

    def draw(
        self,
        us: int,
        of: tuple[str, tuple[str, ...], str],
        quantity: int,
        *,
        units: bool,
        price: Callable[[int, str | None], int],
    ) -> Included:
        """Draw for an event of a class, at a location, of an account in a zone; change nothing."""
        made = Included(quantity)
        for bucket, row in self.in_order(us, of):
            if made.owed == 0 or (made.owed is None and units and not made.billable):
                break
            is_money = row.kind is BucketKind.MONEY
            if not is_money and not (units and made.owed is None):
                continue
            if made.owed is None and is_money and self.gives(bucket, us, 1, made):
                made.owed = price(made.billable, made.overage_plan)
            self.take_from(bucket, row, us, made)
        return made

    def take_from(self, bucket: BucketState, row: BucketTypeRow, us: int, made: Included) -> None:
        """Take units, or money once there is a price; what then is left went beyond the bucket."""
        if made.owed is not None:
            gives = self.gives(bucket, us, made.owed, made)
            made.owed -= gives
        elif row.kind is BucketKind.MONEY:
            # There is nothing in it, and nothing has a price yet.
            gives = 0
        else:
            gives = self.gives(bucket, us, made.billable, made)
            made.billable -= gives
        if made.owed is None and made.billable:
            made.overage_plan = row.overage_plan or made.overage_plan
        if gives:
            made.taken.append(taken(bucket, row, gives))

    def in_order(
        self, us: int, of: tuple[str, tuple[str, ...], str]
    ) -> list[tuple[BucketState, BucketTypeRow]]:
        """Give the buckets that take an event, the first to draw from first."""
        usage_class, lineage, zone = of
        fitting = []
        for bucket in self.buckets:
            row = self.book.bucket_types[bucket.code]
            near = self.nearness(row, usage_class, lineage)
            if near is None or not bucket.from_us <= us < bucket.to_us:
                continue
            if row.time_period is not None and not self.book.hours_hold(
                self.book.periods[row.time_period], us, zone
            ):
                continue
            fitting.append((rank_of(bucket, row, near), bucket, row))
        return [(bucket, row) for _, bucket, row in sorted(fitting, key=lambda each: each[0])]

    def nearness(
        self, row: BucketTypeRow, usage_class: str, lineage: tuple[str, ...]
    ) -> int | None:
        """How near a type's place is, 0 is nearest; none: it does not take such usage."""
        if usage_class not in row.usage_classes:
            return None
        for out in row.exclusions:
            of_class = out.usage_class is None or out.usage_class == usage_class
            if of_class and (out.location is None or self.book.is_at(lineage, out.location)):
                return None
        if row.locations is None:
            return NOWHERE_NEAR
        for steps, place in enumerate(self.book.steps_out(lineage)):
            if place is not None and place[1] in row.locations:
                return steps
        return None

    def gives(self, bucket: BucketState, us: int, wanted: int, made: Included) -> int:
        """How much of what is wanted a bucket may give."""
        gives = wanted if bucket.repeat_last else min(wanted, bucket.balance)
        for limit in self.limits_of(bucket, us):
            now = [
                each.quantity
                for each in made.taken
                if (each.bucket.share_id, each.row.code) == (limit.share_id, limit.code)
            ]
            gives = min(gives, limit.limit - limit.drawn - sum(now))
        return gives

    def settle(self, made: Included, us: int) -> None:
        """Lower the balances by what was drawn."""
        for each in made.taken:
            bucket = each.bucket
            bucket.balance += each.granted - each.quantity
            bucket.granted += each.granted
            bucket.warned = max([bucket.warned, *each.reached])
            for limit in self.limits_of(bucket, us):
                limit.drawn += each.quantity

    def limits_of(self, bucket: BucketState, us: int) -> list[Participation]:
        """What limits a service's draws from a bucket."""
        return [
            each
            for each in self.limits
            if (each.share_id, each.code) == (bucket.share_id, bucket.code)
            and each.from_us <= us < each.to_us
        ]


def rank_of(bucket: BucketState, row: BucketTypeRow, near: int) -> tuple[int, ...]:
    """Where a bucket comes in the order."""
    comes_again = 1 if row.rollover else 0
    if row.recurrence is Frequency.NEVER:
        comes_again = 2
    return (
        SCOPES.index(row.scope),
        bucket.rank if row.scope is BucketScope.SHARE_PLAN else 0,
        0 if row.kind is BucketKind.USAGE else 1,
        comes_again,
        PARTS.index(bucket.part),
        bucket.since_us if bucket.part is BucketPart.CARRIED else 0,
        bucket.to_us,
        near,
        bucket.from_us,
        bucket.id,
    )


def taken(bucket: BucketState, row: BucketTypeRow, quantity: int) -> Taken:
    """What it means for a bucket to give so much."""
    used = bucket.granted - bucket.balance
    after = used + quantity
    granted = 0
    entered = []
    if bucket.tiers:
        last = bucket.tiers[-1]
        if bucket.repeat_last:
            granted = max(0, blocks(after - bucket.granted, last.quantity)) * last.quantity
        begins = 0
        for number, tier in enumerate(bucket.tiers, 1):
            times = int(used <= begins < after)
            if tier is last and bucket.repeat_last:
                before = max(0, blocks(used - begins, last.quantity))
                times = max(0, blocks(after - begins, last.quantity)) - before
            if times and tier.flat_e11:
                entered.append((number, tier.flat_e11, times))
            begins += tier.quantity
    size = sum(tier.quantity for tier in bucket.tiers) or bucket.granted
    reached = []
    if bucket.part is BucketPart.ALLOTMENT:
        reached = [
            each
            for each in sorted(row.thresholds)
            if each > bucket.warned and after * 100 >= each * size
        ]
    return Taken(bucket, row, quantity, granted, tuple(entered), tuple(reached))


def blocks(quantity: int, size: int) -> int:
    """How many blocks are begun by a quantity."""
    return ceil(Fraction(quantity, size))
