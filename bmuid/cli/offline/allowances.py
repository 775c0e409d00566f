"""The allowances of a file's customers: granted as periods come, carried over, sized by usage, shared."""

from typing import NamedTuple

from bmu.period import FOREVER_US
from bmu.rating import (
    Anchor,
    BucketScope,
    BucketState,
    BucketTypeRow,
    Grant,
    Owner,
    Sharer,
    Tariff,
    Turn,
    book,
    carried,
    drawn_first,
    grant_of,
    lapsed,
    resized,
    shelves,
    turn_at,
)
from bmu.rating.allowance import full, sized
from bmu.usage import UDR

# Of allowances that carry over without end, so many earlier periods are looked at: as the daemon does.
EARLIER_MAX = 60
_NEVER = (0, 0)


class Holder(NamedTuple):
    """Whose an allowance is: a service's, or, without a service, an account's."""

    account_id: int
    account_service_id: int = 0


class Held(NamedTuple):
    """A package that an account has for a service, and what the periods of its allowances are counted from."""

    account_id: int
    package: str
    anchor: Anchor


class Holdings(NamedTuple):
    """
    What a service may draw from.

    Shapes:
        account: the packages of all services of its account, its own among them; above: of the accounts above.
    """

    own: Held
    account: tuple[Held, ...]
    above: tuple[Held, ...] = ()


class _Kind(NamedTuple):
    """A type of allowance that somebody has."""

    row: BucketTypeRow
    holder: Holder
    anchor: Anchor


class _Service(NamedTuple):
    sharer: Sharer
    kinds: tuple[_Kind, ...]


class Allowances:
    """What was granted so far and what is left of it; shelves: by service, all that it may draw from."""

    def __init__(self, tariff: Tariff) -> None:
        self._tariff = tariff
        self._names: list[str] = []
        self._states: dict[Holder, list[BucketState]] = {}
        self._granted: dict[tuple[Holder, str, int], BucketState | None] = {}
        self._first_used: dict[tuple[Holder, str], int] = {}
        self._measured: dict[int, int] = {}
        self._drawing: dict[Holder, dict[int, None]] = {}
        self._services: dict[int, _Service] = {}
        self._known: dict[int, tuple[int, int]] = {}
        self.shelves: dict[int, tuple[BucketState, ...]] = {}
        rows = tariff.bucket_types.values()
        # What is granted may hang on what was drawn before: then events go one by one.
        self.hangs_on_usage = any(row.rollover or row.size_by or row.on_first_use for row in rows)

    def name(self, bucket_id: int) -> str:
        """Give the code of a bucket's type."""
        return self._names[bucket_id - 1]

    def has(self, service_id: int, us: int) -> bool:
        """Tell whether all that usage of a service at an instant may draw from is there."""
        first, end = self._known.get(service_id, _NEVER)
        return first <= us < end

    def grant(self, service_id: int, us: int, holdings: Holdings) -> None:
        """Grant what usage of a service at an instant may draw from, as far as it isn't there."""
        service = self._services.get(service_id)
        if service is None:
            service = self._services[service_id] = _service(self._tariff, service_id, holdings)
            for kind in service.kinds:
                self._drawing.setdefault(kind.holder, {})[service_id] = None
            self._shelve(service_id)
        spans = [self._enter(kind, us) for kind in service.kinds]
        self._known[service_id] = (
            max((first for first, _ in spans), default=-FOREVER_US),
            min((end for _, end in spans), default=FOREVER_US),
        )

    def begin(self, udr: UDR, owner: Owner) -> None:
        """Let begin what an event would draw from first, where it begins with that."""
        kinds, tried = [], []
        for kind in self._services[owner.account_service_id].kinds:
            if not kind.row.on_first_use or (kind.holder, kind.row.code) in self._first_used:
                continue
            anchor = kind.anchor._replace(start_us=udr.started_us)
            grant = grant_of(kind.row, anchor, udr.started_us)
            if grant is not None and grant.quantity:
                kinds.append(kind)
                tried.append(full(grant, 0, *kind.holder))
        if not tried:
            return
        shelf = self.shelves.get(owner.account_service_id, ())
        for place in drawn_first(udr, owner, self._tariff, shelf, tried):
            kind = kinds[place]
            self._first_used[kind.holder, kind.row.code] = udr.started_us
            self._enter(kind, udr.started_us)

    def measure(self, service_id: int, usage_class: str, us: int, quantity: int) -> None:
        """Let those allowances of a service grow whose size usage of this class makes."""
        for kind in self._services[service_id].kinds:
            turn = self._turn(kind, us) if kind.row.size_by == usage_class else None
            bucket = turn and self._granted.get((kind.holder, kind.row.code, turn.number))
            if bucket:
                measured = self._measured.get(bucket.id, 0) + quantity
                self._measured[bucket.id] = measured
                book(bucket, resized(bucket, sized(kind.row, measured)))

    def _enter(self, kind: _Kind, us: int) -> tuple[int, int]:
        """Have granted what an instant's period brings; tell from when to when that is all."""
        row, holder, _ = kind
        turn = self._turn(kind, us)
        if turn is None:
            return us, us + 1
        turns = [turn]
        earlier = (row.rollover_periods or EARLIER_MAX) if row.rollover else 0
        while turns[-1].number > 0 and len(turns) <= earlier:
            before = self._turn(kind, turns[-1].from_us - 1)
            if before is None or (holder, row.code, before.number) in self._granted:
                break
            turns.append(before)
        for each in reversed(turns):
            if (holder, row.code, each.number) not in self._granted:
                self._begin(kind, each)
        return turn.from_us, turn.to_us

    def _begin(self, kind: _Kind, turn: Turn) -> None:
        """Grant what a period brings, and what the one before left."""
        row, holder, _ = kind
        ended = self._granted.get((holder, row.code, turn.number - 1))
        if row.rollover and ended is not None:
            others = self._states[holder]
            rest = carried(
                row, self._anchor(kind), ended, [o for o in others if o.code == row.code]
            )
            book(ended, lapsed(ended))
            if rest is not None:
                self._put(kind, rest)
        grant = grant_of(row, self._anchor(kind), turn.from_us)
        state = self._put(kind, grant) if grant else None
        self._granted[holder, row.code, turn.number] = state

    def _turn(self, kind: _Kind, us: int) -> Turn | None:
        if kind.row.on_first_use and (kind.holder, kind.row.code) not in self._first_used:
            return None
        turn = turn_at(kind.row, self._anchor(kind), us)
        # Lines come in any order, but what begins with its first use grants nothing for the days before that.
        return None if turn and kind.row.on_first_use and turn.number < 0 else turn

    def _anchor(self, kind: _Kind) -> Anchor:
        begun = self._first_used.get((kind.holder, kind.row.code))
        return kind.anchor if begun is None else kind.anchor._replace(start_us=begun)

    def _put(self, kind: _Kind, grant: Grant) -> BucketState:
        holder = kind.holder
        self._names.append(grant.code)
        state = full(grant, len(self._names), *holder)
        self._states.setdefault(holder, []).append(state)
        for service_id in self._drawing[holder]:
            self._shelve(service_id)
        return state

    def _shelve(self, service_id: int) -> None:
        sharer, kinds = self._services[service_id]
        holders = dict.fromkeys(kind.holder for kind in kinds)
        found = [state for holder in holders for state in self._states.get(holder, ())]
        self.shelves |= shelves(found, [sharer])


def _service(tariff: Tariff, service_id: int, holdings: Holdings) -> _Service:
    """Tell which types a service draws from, and whose they are."""
    own = holdings.own
    shared = (BucketScope.ACCOUNT, BucketScope.TREE)
    kinds: dict[tuple[Holder, str], _Kind] = {}
    for held, holder, scopes in (
        (own, Holder(own.account_id, service_id), (BucketScope.SERVICE,)),
        *((held, Holder(held.account_id), shared) for held in holdings.account),
        *((held, Holder(held.account_id), shared[1:]) for held in holdings.above),
    ):
        package = tariff.packages.get(held.package)
        for code in package.bucket_types if package else ():
            row = tariff.bucket_types[code]
            if row.scope in scopes:
                # Of several services that bring the same to an account, the first does.
                kinds.setdefault((holder, code), _Kind(row, holder, held.anchor))
    above = tuple(dict.fromkeys(held.account_id for held in holdings.above))
    return _Service(Sharer(service_id, own.account_id, above), tuple(kinds.values()))
