"""Usage priced in memory, in its order, with allowances that come as it needs them: granted, begun, carried over, sized, shared."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from bmu.period import FOREVER_US
from bmu.rating.allowance import Anchor, Turn, carried, full, grant_of, growth, turn_at
from bmu.rating.balance import book, lapsed
from bmu.rating.bucket import BucketPart, BucketState, Grant
from bmu.rating.detail import PLAIN, Grown
from bmu.rating.firstuse import drawn_first
from bmu.rating.offers import BucketTypeRow, Contribution
from bmu.rating.outcome import Rated, Unrated
from bmu.rating.owner import Owner
from bmu.rating.rate import rate_batch
from bmu.rating.sharing import Participation, Sharer, Stretch, joining, outside, shelves
from bmu.rating.tariff import Tariff
from bmu.usage import UDR

# Of allowances that carry over without end, so many earlier periods are looked at.
EARLIER_MAX = 60
_NEVER = (0, 0)
_ALWAYS = (-FOREVER_US, FOREVER_US)

Rates = Callable[
    [
        Sequence[UDR],
        Sequence[Owner],
        Tariff,
        Mapping[int, Sequence[BucketState]],
        Mapping[int, Sequence[Participation]],
    ],
    list[Rated | Unrated],
]


class Holder(NamedTuple):
    """Whose an allowance is: a service's; without one, an account's, or that of a share plan it has."""

    account_id: int
    account_service_id: int = 0
    share_id: int = 0


class Brought(NamedTuple):
    """Who brings how much to each period of a share plan that it takes part in, from when to when."""

    part: tuple[int, int]
    quantity: int
    from_us: int
    to_us: int


class Kind(NamedTuple):
    """
    A type of allowance that somebody has.

    Shapes:
        anchor: what its periods are counted from.
        rank, brought: of a share plan's.
    """

    row: BucketTypeRow
    holder: Holder
    anchor: Anchor
    rank: int = 0
    brought: tuple[Brought, ...] = ()


class Taking(NamedTuple):
    """When a service takes part in a share plan, and how much it may draw in a period; none: all there is."""

    limit: int | None
    stretches: tuple[Stretch, ...]


class Service(NamedTuple):
    """
    What a service may draw from.

    Shapes:
        taking: by the share plan's id.
    """

    sharer: Sharer
    kinds: tuple[Kind, ...]
    taking: Mapping[int, Taking] = {}

    @property
    def rolls(self) -> bool:
        """Whether what one period leaves comes to another."""
        return any(kind.row.rollover for kind in self.kinds)


_Key = tuple[Holder, str]


class Granting:
    """
    What was granted so far, and what is left of it.

    Shapes:
        offered: tells what an owner's service may draw from; asked once a service, with the instant of its first event.
        rates: prices events as `rate_batch` does.
    """

    def __init__(
        self,
        tariff: Tariff,
        offered: Callable[[Owner, int], Service],
        rates: Rates = rate_batch,
    ) -> None:
        self._tariff, self._offered, self._rates = tariff, offered, rates
        self._names: list[str] = []
        self._services: dict[int, Service] = {}
        self._drawing: dict[Holder, list[int]] = {}
        self._states: dict[Holder, list[BucketState]] = {}
        self._granted: dict[tuple[Holder, str, int], BucketState | None] = {}
        self._known: dict[int, tuple[int, int]] = {}
        self._first_used: dict[_Key, int] = {}
        self._asleep: dict[int, list[Kind]] = {}
        self._growing: dict[int, tuple[Kind, ...]] = {}
        self._measured: dict[int, int] = {}
        self._shelves: dict[int, tuple[BucketState, ...]] = {}
        self._limits: dict[int, list[Participation]] = {}
        self._limited: set[tuple[int, int, str, int]] = set()

    def name(self, bucket_id: int) -> str:
        """Give the code of a bucket's type."""
        return self._names[bucket_id - 1]

    def rate(self, udrs: Sequence[UDR], owners: Sequence[Owner]) -> list[Rated | Unrated]:
        """Give for each event what it costs, or why that can't be told; the events follow those that came before."""
        found: list[Rated | Unrated] = []

        def rate_before(end: int) -> None:
            if end > len(found):
                some = slice(len(found), end)
                of = udrs[some], owners[some], self._tariff
                found.extend(self._rates(*of, self._shelves, self._limits))

        if not self._tariff.bucket_types:
            return self._rates(udrs, owners, self._tariff, {}, {})
        for place, (udr, owner) in enumerate(zip(udrs, owners, strict=True)):
            service = self._lacking(udr, owner)
            if service is not None:
                rate_before(place if service.rolls else 0)
                self._grant(service, udr.started_us)
            if owner.account_service_id in self._asleep:
                rate_before(place)
                self._begin(udr, owner)
            sized = self._sized(udr, owner)
            if sized:
                rate_before(place + 1)
                found[place] = self._measure(sized, udr, found[place])
        rate_before(len(udrs))
        return found

    def _lacking(self, udr: UDR, owner: Owner) -> Service | None:
        """Give the service where something may lack for the event."""
        service_id = owner.account_service_id
        first, end = self._known.get(service_id, _NEVER)
        if first <= udr.started_us < end:
            return None
        service = self._services.get(service_id)
        if service is None:
            service = self._services[service_id] = self._offered(owner, udr.started_us)
            for holder in dict.fromkeys(kind.holder for kind in service.kinds):
                self._drawing.setdefault(holder, []).append(service_id)
            asleep = [kind for kind in service.kinds if self._is_asleep(kind)]
            if asleep:
                self._asleep[service_id] = asleep
            growing = tuple(kind for kind in service.kinds if kind.row.size_by is not None)
            if growing:
                self._growing[service_id] = growing
            self._shelve(service_id)
        return service

    def _grant(self, service: Service, us: int) -> None:
        """Grant what usage of a service at an instant may draw from, as far as it isn't there."""
        spans = [self._enter(service, kind, us) for kind in service.kinds]
        self._known[service.sharer.account_service_id] = (
            max((first for first, _ in spans), default=-FOREVER_US),
            min((end for _, end in spans), default=FOREVER_US),
        )

    def _enter(self, service: Service, kind: Kind, us: int) -> tuple[int, int]:
        """Have granted what an instant's period brings; tell from when to when that is all."""
        if self._is_asleep(kind):
            return _ALWAYS
        turn = self._turn(kind, us)
        if turn is None:
            return us, us + 1
        self._bring(kind, turn)
        taking = service.taking.get(kind.holder.share_id)
        if taking is not None:
            self._limit(service, kind, taking, turn)
        return turn.from_us, turn.to_us

    def _bring(self, kind: Kind, turn: Turn) -> None:
        """Grant a period, and before it the earlier ones that may leave something to it."""
        row, holder = kind.row, kind.holder
        turns = [turn]
        earlier = (row.rollover_periods or EARLIER_MAX) if row.rollover else 0
        while turns[-1].number > 0 and len(turns) <= earlier:
            before = self._turn(kind, turns[-1].from_us - 1)
            if before is None or (holder, row.code, before.number) in self._granted:
                break
            turns.append(before)
        for each in reversed(turns):
            if (holder, row.code, each.number) not in self._granted:
                self._open(kind, each)

    def _open(self, kind: Kind, turn: Turn) -> None:
        """Grant what a period brings, and what those before it left."""
        row, holder = kind.row, kind.holder
        if row.rollover:
            self._roll(kind, turn.from_us)
        grants = list(_brought(kind, turn) if holder.share_id else self._own(kind, turn))
        states = [self._put(kind, grant) for grant in grants]
        self._granted[holder, row.code, turn.number] = states[0] if states else None

    def _own(self, kind: Kind, turn: Turn) -> Iterator[Grant]:
        grant = grant_of(kind.row, self._anchor(kind), turn.from_us)
        if grant is not None and (grant.quantity or kind.row.size_by is not None):
            yield grant

    def _roll(self, kind: Kind, until_us: int) -> None:
        """Carry over what ended periods have left; the rest of it lapses."""
        held = [one for one in self._states.get(kind.holder, ()) if one.code == kind.row.code]
        for ended in sorted(held, key=lambda one: one.from_us):
            if ended.part is BucketPart.CARRIED or not ended.balance or ended.to_us > until_us:
                continue
            rest = carried(kind.row, self._anchor(kind), ended, held)
            book(ended, lapsed(ended))
            if rest is not None:
                # Usage of the ended period that comes late draws from it too, as it would have from that period's own.
                held.append(self._put(kind, rest._replace(from_us=ended.from_us)))

    def _begin(self, udr: UDR, owner: Owner) -> None:
        """Let begin what an event would draw from first, where it begins with that."""
        service_id, us = owner.account_service_id, udr.started_us
        kinds, tried = [], []
        for kind in self._asleep[service_id]:
            grant = grant_of(kind.row, kind.anchor._replace(start_us=us), us)
            if grant is not None and grant.quantity:
                kinds.append(kind)
                tried.append(full(grant, 0, kind.holder.account_id, kind.holder[1]))
        if not tried:
            return
        shelf, limits = self._shelves.get(service_id, ()), self._limits.get(service_id, ())
        for place in drawn_first(udr, owner, self._tariff, shelf, tried, limits):
            kind = kinds[place]
            self._first_used[kind.holder, kind.row.code] = us
            turn = self._turn(kind, us)
            assert turn is not None, "something is granted at that instant"
            self._bring(kind, turn)
            for each in self._drawing[kind.holder]:
                self._known.pop(each, None)
                left = [one for one in self._asleep.get(each, ()) if self._is_asleep(one)]
                if left:
                    self._asleep[each] = left
                else:
                    self._asleep.pop(each, None)

    def _sized(self, udr: UDR, owner: Owner) -> list[Kind]:
        """Give the types whose size an event may make."""
        found = self._growing.get(owner.account_service_id, ())
        any_class = self._tariff.reclassifies
        return [kind for kind in found if any_class or kind.row.size_by == udr.usage_class]

    def _measure(self, sized: Sequence[Kind], udr: UDR, rated: Rated | Unrated) -> Rated | Unrated:
        """Let grow what grows with an event that has its price; the charge tells so."""
        if isinstance(rated, Unrated) or not rated.quantity:
            return rated
        grown = []
        for kind in sized:
            turn = self._turn(kind, udr.started_us)
            bucket = turn and self._granted.get((kind.holder, kind.row.code, turn.number))
            assert kind.row.size_by is not None, kind
            is_of_class = self._tariff.usage_class_ids[kind.row.size_by] == rated.usage_class_id
            if bucket and is_of_class:
                measured = self._measured.get(bucket.id, 0)
                granted = growth(kind.row, measured, rated.quantity)
                self._measured[bucket.id] = measured + rated.quantity
                bucket.granted += granted
                bucket.balance += granted
                grown.append(Grown(bucket.id, rated.quantity, granted))
        if not grown:
            return rated
        return rated._replace(detail=(rated.detail or PLAIN)._replace(grown=tuple(grown)))

    def _limit(self, service: Service, kind: Kind, taking: Taking, turn: Turn) -> None:
        """Note when in a period the service takes no part, and how much it may draw."""
        service_id, (row, holder) = service.sharer.account_service_id, kind[:2]
        key = service_id, holder.share_id, row.code, turn.number
        if key in self._limited:
            return
        self._limited.add(key)
        of_service = self._limits.setdefault(service_id, [])
        of_service += outside(holder.share_id, row.code, turn[-2:], taking.stretches)
        if taking.limit is not None:
            of_service.append(
                Participation(holder.share_id, row.code, turn.from_us, turn.to_us, taking.limit)
            )

    def _is_asleep(self, kind: Kind) -> bool:
        return kind.row.on_first_use and (kind.holder, kind.row.code) not in self._first_used

    def _turn(self, kind: Kind, us: int) -> Turn | None:
        turn = turn_at(kind.row, self._anchor(kind), us)
        # Usage may come in any order, but what begins with its first use grants nothing for the days before that.
        return None if turn and kind.row.on_first_use and turn.number < 0 else turn

    def _anchor(self, kind: Kind) -> Anchor:
        begun = self._first_used.get((kind.holder, kind.row.code))
        return kind.anchor if begun is None else kind.anchor._replace(start_us=begun)

    def _put(self, kind: Kind, grant: Grant) -> BucketState:
        account_id, service_id, share_id = kind.holder
        self._names.append(grant.code)
        state = full(grant, len(self._names), account_id, service_id)
        state.share_id, state.rank = share_id, kind.rank
        self._states.setdefault(kind.holder, []).append(state)
        for each in self._drawing[kind.holder]:
            self._shelve(each)
        return state

    def _shelve(self, service_id: int) -> None:
        service = self._services[service_id]
        holders = dict.fromkeys(kind.holder for kind in service.kinds)
        found = chain.from_iterable(self._states.get(holder, ()) for holder in holders)
        self._shelves |= shelves(found, [service.sharer])


def _brought(kind: Kind, turn: Turn) -> Iterator[Grant]:
    """Give what a period of a share plan grants: enlarged by who is there as it begins, and what who joins later brings."""
    row, anchor, start_us = kind.row, kind.anchor, max(turn.from_us, kind.anchor.start_us)
    parts: dict[tuple[int, int], Brought] = {}
    for each in kind.brought:
        if each.from_us < turn.to_us and start_us < each.to_us:
            parts.setdefault(each.part, each)
    first = sum(each.quantity for each in parts.values() if each.from_us <= start_us)
    whole = grant_of(row, anchor, start_us, brought=first)
    if whole is not None and whole.quantity:
        yield whole
    for each in parts.values():
        alone = grant_of(row, anchor, start_us) if each.from_us > start_us else None
        joined = alone and joining(alone, Contribution("", each.quantity))
        if joined:
            yield joined._replace(from_us=max(start_us, each.from_us))
