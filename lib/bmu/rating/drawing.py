"""Which buckets give what for one event: all kinds of them, in the one order of drawing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bmu.rating.bucket import BucketPart, BucketState
from bmu.rating.draws import Draw, Drawing, Entered, Reached
from bmu.rating.kinds import (
    BucketKind,
    BucketScope,
    Frequency,
)
from bmu.rating.offers import (
    BucketTier,
    BucketTypeRow,
)
from bmu.rating.sharing import NO_PART, Participation, copied, participation_of

# Prices so many base units of an event by the overage plan of this code, or as without one; none: can't be priced.
Pricing = Callable[[int, str | None], int | None]

_SCOPES = {scope: place for place, scope in enumerate(BucketScope)}
_Order = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Taker:
    """
    A type of bucket that takes an event's usage.

    Shapes:
        nearness: as `nearness` tells it, of where the event took place.
        holds_at: whether its hours hold at an instant; none: at all times.
        scope, sort: where the type comes in the order of drawing, by its scope and by what it is.
    """

    row: BucketTypeRow
    nearness: int
    holds_at: Callable[[int], bool] | None = None
    scope: int = field(init=False)
    sort: int = field(init=False)

    def __post_init__(self) -> None:
        row = self.row
        once = row.recurrence is Frequency.NEVER
        sort = 2 if once else int(row.rollover)
        object.__setattr__(self, "scope", _SCOPES[row.scope])
        object.__setattr__(self, "sort", sort + 3 * (row.kind is BucketKind.MONEY))


def nearness(
    row: BucketTypeRow,
    usage_class: str,
    lineage: Sequence[str],
    groups: Mapping[str, Iterable[str]],
) -> int | None:
    """
    Tell how near the place that a bucket type names is to an event, 0 is nearest; none: it doesn't take its usage.

    An exclusion that fits beats every inclusion.

    Shapes:
        lineage: codes of the event's location and of those above it, upwards; empty without a GeoTree.
        groups: codes of the location groups that name a location.
    """
    places: dict[str, int] = {}
    for height, code in enumerate(lineage):
        places.setdefault(code, 2 * height)
        for group in groups.get(code, ()):
            places.setdefault(group, 2 * height + 1)
    excluded = any(
        each.usage_class in (None, usage_class)
        and (each.location is None or each.location in places)
        for each in row.exclusions
        if each.usage_class is not None or each.location is not None
    )
    if excluded or usage_class not in row.usage_classes:
        return None
    if row.locations is None:
        return 2 * len(lineage)
    return min((places[code] for code in row.locations if code in places), default=None)


def is_plain(rows: Sequence[BucketTypeRow]) -> bool:
    """
    Tell whether `bmu.rating.bucket.draw` draws from all buckets of these types as `drawing` would.

    Shapes:
        rows: all types that may take usage of one class on the same terms.
    """
    return all(
        row.kind is BucketKind.USAGE
        and row.scope is BucketScope.SERVICE
        and row.recurrence is not Frequency.NEVER
        and not (row.rollover or row.flat_e11 or row.tiers or row.repeat_last or row.thresholds)
        and row.overage_plan is None
        and row.time_period is None
        and not (row.size_by or row.on_first_use)
        for row in rows
    )


def drawing(
    shelf: Iterable[BucketState],
    takers: Mapping[str, Taker],
    started_us: int,
    quantity: int,
    pricing: Pricing,
    participations: Sequence[Participation] = (),
) -> Drawing | None:
    """
    Tell what each bucket gives for an event, and change nothing; none where *pricing* has no price.

    Usage buckets give units. A money bucket pays for what units do not cover by then; if it can't pay all of that,
    the rest is money, and only money buckets follow. *pricing* is asked once at most, where a money bucket is met.

    Shapes:
        shelf: all buckets that the event's service may draw from.
        takers: by code, the types that take this event.
        participations: of the event's service in share plans, as far as they are limited.
    """
    on_way = _OnWay(quantity)
    rooms = copied(participations) if participations else ()
    for bucket, row in _open(shelf, takers, started_us):
        limited = participation_of(rooms, bucket, started_us)
        if limited is not None and limited.limit == NO_PART:
            continue
        there = _available(bucket, limited)
        pays = row.kind is BucketKind.MONEY
        if there == 0 or (on_way.is_money and not pays):
            on_way.passes(row)
            continue
        if pays and not on_way.is_priced(pricing):
            return None
        taken = on_way.leaves(bucket, row, there)
        if limited is not None:
            limited.drawn += taken
        if on_way.is_covered:
            break
        on_way.passes(row)
    return on_way.drawing()


class _OnWay:
    """An event on its way along the buckets: what of it none has covered yet."""

    __slots__ = ("_draws", "_due", "_left", "_overage", "_reached")

    def __init__(self, quantity: int) -> None:
        self._left = quantity
        # The price of what is left, less what was paid of it, from the first money bucket on.
        self._due: int | None = None
        self._overage: str | None = None
        self._draws: list[Draw] = []
        self._reached: list[Reached] = []

    @property
    def is_money(self) -> bool:
        return self._due is not None

    @property
    def is_covered(self) -> bool:
        # What a record says is charged, for no quantity too.
        return self._due == 0 if self._due is not None else not self._left

    def is_priced(self, pricing: Pricing) -> bool:
        """Have what is left priced, if it is not yet; tell whether it has a price."""
        if self._due is None:
            self._due = pricing(self._left, self._overage)
        return self._due is not None

    def leaves(self, bucket: BucketState, row: BucketTypeRow, there: int | None) -> int:
        """Draw what *there* is and is needed; none: any quantity is there."""
        wanted = self._left if self._due is None else self._due
        taken = wanted if there is None else min(there, wanted)
        if self._due is None:
            self._left -= taken
        else:
            self._due -= taken
        if taken:
            self._draws.append(_draw(bucket, row.kind, taken))
            if row.thresholds:
                self._reached += _reached(bucket, row.thresholds, taken)
        return taken

    def passes(self, row: BucketTypeRow) -> None:
        """Go on to the next bucket; what is money already has its price, by the plan of those before."""
        if self._due is None:
            self._overage = row.overage_plan or self._overage

    def drawing(self) -> Drawing:
        overage = self._overage if self._left else None
        return Drawing(tuple(self._draws), self._left, overage, tuple(self._reached))


def take(
    made: Drawing,
    shelf: Iterable[BucketState],
    started_us: int,
    participations: Sequence[Participation] = (),
) -> None:
    """Lower the balances by what `drawing` found, before anything else is drawn from them."""
    states = {state.id: state for state in shelf}
    for each in made.draws:
        bucket = states[each.bucket_id]
        bucket.granted += each.granted
        bucket.balance += each.granted - each.quantity
        assert bucket.balance >= 0, bucket
        limited = participation_of(participations, bucket, started_us)
        if limited is not None:
            limited.drawn += each.quantity
    for warning in made.reached:
        bucket = states[warning.bucket_id]
        bucket.warned = max(bucket.warned, warning.per_cent)


def order_of(bucket: BucketState, taker: Taker) -> _Order:
    """
    Tell where a bucket comes in the order of drawing for an event; the lowest is first.

    Nearest scope, then rank of the share plan; units before money; recurring, rollover, once granted; what was
    carried, the oldest first; earliest end; nearest place; earliest start; id.
    """
    part = bucket.part
    return (
        taker.scope,
        bucket.rank,
        taker.sort,
        0 if part is BucketPart.CARRIED else 1 if part is BucketPart.JOINED else 2,
        bucket.since_us,
        bucket.to_us,
        taker.nearness,
        bucket.from_us,
        bucket.id,
    )


def _open(
    shelf: Iterable[BucketState], takers: Mapping[str, Taker], started_us: int
) -> list[tuple[BucketState, BucketTypeRow]]:
    """Give the buckets that an event may draw from, in order, those used up too."""
    found = []
    for bucket in shelf:
        taker = takers.get(bucket.code)
        if taker is None or not bucket.from_us <= started_us < bucket.to_us:
            continue
        if taker.holds_at is None or taker.holds_at(started_us):
            found.append((order_of(bucket, taker), bucket, taker.row))
    if len(found) > 1:
        # The id makes each order different, so no two buckets are compared.
        found.sort()
    return [(bucket, row) for _, bucket, row in found]


def _available(bucket: BucketState, limited: Participation | None) -> int | None:
    """Tell how much may be drawn; none: any quantity."""
    there = None if bucket.repeats else bucket.balance
    if limited is None:
        return there
    return limited.left if there is None else min(there, limited.left)


def _draw(bucket: BucketState, kind: BucketKind, taken: int) -> Draw:
    if not bucket.tiers:
        return Draw(bucket.id, taken, kind)
    over = taken - bucket.balance
    granted = 0
    if over > 0:
        tier = bucket.tiers[-1].quantity
        granted = -(-over // tier) * tier
    return Draw(bucket.id, taken, kind, granted, entered(bucket, taken))


def entered(bucket: BucketState, taken: int) -> tuple[Entered, ...]:
    """Tell which tiers a draw enters: those whose first unit it takes."""
    before = bucket.used
    after = before + taken
    found = []
    start = 0
    for number, tier in enumerate(bucket.tiers, 1):
        if before <= start < after:
            found.append(Entered(number, 1, tier.flat_e11))
        start += tier.quantity
    if bucket.repeats and after > start:
        last = bucket.tiers[-1]
        times = _begun(after - start, last) - _begun(before - start, last)
        if times:
            found.append(Entered(len(bucket.tiers), times, last.flat_e11))
    return tuple(found)


def _begun(beyond: int, tier: BucketTier) -> int:
    """Count how often a tier was entered again, *beyond* base units after it was used up once."""
    return max(0, -(-beyond // tier.quantity))


def _reached(bucket: BucketState, thresholds: Iterable[int], taken: int) -> list[Reached]:
    """Give the thresholds that a draw reaches for the first time; what was carried has none."""
    size = bucket.size
    if bucket.part is not BucketPart.ALLOTMENT or not size:
        return []
    used = 100 * (bucket.used + taken)
    return [
        Reached(bucket.id, per_cent)
        for per_cent in sorted(set(thresholds))
        if per_cent > bucket.warned and per_cent * size <= used
    ]
