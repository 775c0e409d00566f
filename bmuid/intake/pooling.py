"""Share plans at work: buckets made and enlarged as periods come and services join, and what each may draw of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from bmu.rating import (
    BucketState,
    BucketTypeRow,
    Contribution,
    Grant,
    Owner,
    Participation,
    Turn,
    grant_of,
    joining,
    turn_at,
)
from bmu.rating.rerate import Live
from bmu.rating.sharing import outside, participation_of
from bmuid.intake.pools import Bringing, Pool, Pools, Stretch
from bmuid.store import buckets, days, shares
from bmuid.store.buckets import Wanted
from bmuid.store.shares import Part, Period, Taken
from bmuid.store.transaction import Transaction

# Of allowances that carry over without end, so many earlier periods are looked at.
EARLIER_MAX = 60


class Limited(NamedTuple):
    """What limits a part in a period; charged: what is charged of it, before: that and what is held."""

    period: Period
    part: Part
    participation: Participation
    charged: int = 0
    before: int = 0


class Rooms(NamedTuple):
    """What services may draw, by service; limited: those of them that are to be kept."""

    by_service: dict[int, list[Participation]]
    limited: list[Limited]


class _Due(NamedTuple):
    """A period of the buckets of one type."""

    pool: Pool
    row: BucketTypeRow
    turn: Turn

    @property
    def period(self) -> Period:
        return Period(self.pool.id, self.row.code, self.turn.from_us)

    @property
    def start_us(self) -> int:
        return max(self.turn.from_us, self.pool.anchor.start_us)


def provide(txn: Transaction, pools: Pools, of: Mapping[int, Pool], between: Stretch) -> None:
    """
    Make what the share plans' periods between two instants are due, and what has joined them, as far as it isn't there.

    Who is there as a period begins enlarges its bucket; who joins later brings a bucket of its own, once a period.
    """
    due = [each for pool in of.values() for each in _periods(pool, *between)]
    due = [each for each in due if each.period not in pools.complete]
    if not due:
        return
    if _missing(txn, due):
        shares.lock(txn, of)
        missing = _missing(txn, due)
        for pool in of.values():
            _grant(txn, pool, [each for each in missing if each.due.pool is pool])
    else:
        pools.complete.update(each.period for each in due)


class _Missing(NamedTuple):
    """What is to be granted for a period, and what is brought by that."""

    due: _Due
    grants: tuple[Grant, ...]
    brought: tuple[Taken, ...]


def _periods(pool: Pool, first_us: int, last_us: int) -> Iterator[_Due]:
    """Give the periods of events between two instants; of what carries over, earlier ones too."""
    for row in pool.rows:
        us = max(first_us, pool.anchor.start_us)
        if row.rollover:
            us = _earlier(row, pool, us)
        while us <= last_us and (turn := turn_at(row, pool.anchor, us)) is not None:
            yield _Due(pool, row, turn)
            us = turn.to_us


def _earlier(row: BucketTypeRow, pool: Pool, us: int) -> int:
    """Give when the first of the periods begins that may have left something."""
    for _ in range(row.rollover_periods or EARLIER_MAX):
        turn = turn_at(row, pool.anchor, us)
        if turn is None or turn.from_us <= pool.anchor.start_us:
            break
        us = turn.from_us - 1
    return max(us, pool.anchor.start_us)


def _missing(txn: Transaction, due: Sequence[_Due]) -> list[_Missing]:
    there = shares.allotted(
        txn, [each.pool.id for each in due], [each.pool.account_id for each in due]
    )
    brought = {
        (each.period, each.part)
        for each in shares.taken(txn, [each.period for each in due])
        if each.brought is not None
    }
    found = [_missing_of(each, there, brought) for each in due]
    return [each for each in found if each.grants]


def _missing_of(due: _Due, there: set[Period], brought: set[tuple[Period, Part]]) -> _Missing:
    """Tell what a period lacks."""
    pool, turn = due.pool, due.turn
    bringing: dict[Part, Bringing] = {}
    for each in pool.bringing:
        if each.from_us < turn.to_us and due.start_us < each.to_us:
            bringing.setdefault(each.part, each)
    is_there = due.period in there
    fresh = [each for part, each in bringing.items() if (due.period, part) not in brought]
    first = [each for each in fresh if each.from_us <= due.start_us and not is_there]
    grants: list[Grant] = []
    if not is_there:
        whole = _grant_of(due, sum(each.quantity for each in first))
        grants += [whole] if whole.quantity else []
    for each in fresh:
        if each not in first:
            joined = joining(_grant_of(due, 0), Contribution("", each.quantity))
            assert joined is not None, each
            grants.append(joined._replace(from_us=max(due.start_us, each.from_us)))
    taken = (Taken(due.period, each.part, each.quantity, 0) for each in fresh)
    return _Missing(due, tuple(grants), tuple(taken))


def _grant_of(due: _Due, brought: int) -> Grant:
    found = grant_of(due.row, due.pool.anchor, due.start_us, brought=brought)
    assert found is not None, due
    return found


def _grant(txn: Transaction, pool: Pool, missing: Sequence[_Missing]) -> None:
    """Make buckets of one share plan, and note what was brought to them."""
    wanted = [Wanted(pool.account_id, None, grant) for each in missing for grant in each.grants]
    if not wanted:
        return
    for day in sorted({each.grant.from_us // days.US_A_DAY for each in wanted}):
        days.ensure(txn, day)
    buckets.grant(txn, wanted, pool.id)
    shares.bring(txn, [taken for each in missing for taken in each.brought])


def rooms(
    txn: Transaction,
    pools: Pools,
    owners: Iterable[Owner],
    between: Stretch,
    states: Iterable[BucketState],
) -> Rooms:
    """Tell what services may draw from share plans, whose buckets are locked: when they take part, and how much."""
    found = Rooms({}, [])
    for owner in {owner.account_service_id: owner for owner in owners}.values():
        of_service: list[Participation] = []
        for stay in pools.stays.get(owner.account_service_id, ()):
            for due in _periods(stay.pool, *between):
                period = due.turn.from_us, due.turn.to_us
                of_service += outside(stay.pool.id, due.row.code, period, stay.stretches)
                if stay.limit is not None:
                    room = Participation(stay.pool.id, due.row.code, *period, stay.limit)
                    of_service.append(room)
                    part = Part(owner.account_id, owner.account_service_id)
                    found.limited.append(Limited(due.period, part, room))
        if of_service:
            found.by_service[owner.account_service_id] = of_service
    if found.limited:
        _count(txn, found, {state.id: state for state in states if state.share_id})
    return found


def _count(txn: Transaction, found: Rooms, pooled: Mapping[int, BucketState]) -> None:
    """Note what was drawn so far, and what reservations hold."""
    drawn = {
        (each.period, each.part): each.drawn
        for each in shares.taken(txn, {each.period for each in found.limited})
    }
    for place, each in enumerate(found.limited):
        charged = each.participation.drawn = drawn.get((each.period, each.part), 0)
        found.limited[place] = each._replace(charged=charged)
    services = {each.part.account_service_id for each in found.limited}
    accounts = {state.account_id for state in pooled.values()}
    for service_id, bucket_id, us, quantity in shares.held(
        txn, sorted(services), sorted(accounts)
    ):
        state = pooled.get(bucket_id)
        room = state and participation_of(found.by_service[service_id], state, us)
        if room:
            room.drawn += quantity
    found.limited[:] = [each._replace(before=each.participation.drawn) for each in found.limited]


def give_back(
    there: Mapping[int, BucketState],
    by_service: Mapping[int, Sequence[Participation]],
    lives: Iterable[Live],
) -> None:
    """Set limits to what they were before these events drew."""
    for live in lives:
        limits = by_service.get(live.account_service_id)
        if not limits:
            continue
        for entry in live.entries:
            state = there.get(entry.bucket_id)
            room = state and participation_of(limits, state, live.udr.started_us)
            if room and entry.quantity < 0:
                room.drawn += entry.quantity


def keep(txn: Transaction, limited: Iterable[Limited]) -> None:
    """Note what was drawn since the limits were read."""
    moved = [
        (each.period, each.part, each.charged + each.participation.drawn - each.before)
        for each in limited
        if each.participation.drawn != each.before
    ]
    if moved:
        shares.draw(txn, moved)
