"""Allowances whose size usage of another class makes: they grow with each event of it, as it is charged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bmu.rating import BucketState, BucketTypeRow, Owner, Rated, Tariff
from bmu.rating.allowance import growth
from bmu.rating.detail import PLAIN, Grown
from bmu.rating.rerate import Live
from bmu.usage import UDR
from bmuid.intake.allowances import Allowances
from bmuid.store import sizes
from bmuid.store.transaction import Transaction


@dataclass(slots=True, eq=False)
class Sized:
    """
    A bucket that grows, and what was measured for it.

    Shapes:
        short: what usage has drawn beyond what is granted now, while usage is rated again.
    """

    row: BucketTypeRow
    state: BucketState
    measured: int
    short: int = 0


@dataclass(slots=True)
class Growing:
    """
    The buckets that grow with usage of services.

    Shapes:
        by_service: those that each service's usage makes grow.
        measured: by account and bucket, what is measured in addition, or less.
    """

    by_service: dict[int, list[Sized]] = field(default_factory=dict)
    measured: dict[tuple[int, int], int] = field(default_factory=dict)

    def awaits(self, tariff: Tariff, udr: UDR, owner: Owner) -> bool:
        """Tell whether something may grow with an event."""
        found = self.by_service.get(owner.account_service_id, ())
        return any(tariff.reclassifies or sized.row.size_by == udr.usage_class for sized in found)

    def measure(self, tariff: Tariff, udr: UDR, owner: Owner, rated: Rated) -> Rated:
        """Let grow what grows with an event that has its price; the charge tells so."""
        grown: list[Grown] = []
        for sized in self.by_service.get(owner.account_service_id, ()):
            state = sized.state
            size_by = sized.row.size_by
            assert size_by is not None, sized
            of_class = tariff.usage_class_ids[size_by] == rated.usage_class_id
            if of_class and rated.quantity and state.from_us <= udr.started_us < state.to_us:
                granted = growth(sized.row, sized.measured, rated.quantity)
                grown.append(Grown(state.id, rated.quantity, granted))
                self._grow(sized, rated.quantity, granted)
        if not grown:
            return rated
        return rated._replace(detail=(rated.detail or PLAIN)._replace(grown=tuple(grown)))

    def _grow(self, sized: Sized, quantity: int, granted: int) -> None:
        state = sized.state
        paid = min(sized.short, granted)
        sized.short -= paid
        state.granted += granted - paid
        state.balance += granted - paid
        sized.measured += quantity
        key = state.account_id, state.id
        self.measured[key] = self.measured.get(key, 0) + quantity


def growing(
    txn: Transaction,
    allowances: Allowances,
    owners: Iterable[Owner],
    states: Iterable[BucketState],
) -> Growing:
    """Give the locked buckets that grow with usage of services."""
    found = Growing()
    by_key: dict[tuple[int, int, str], list[BucketState]] = {}
    for state in states:
        key = state.account_id, state.account_service_id, state.code
        by_key.setdefault(key, []).append(state)
    known: dict[int, Sized] = {}
    for owner in {owner.account_service_id: owner for owner in owners}.values():
        for held in allowances.held(owner):
            if held.row.size_by is None:
                continue
            key = held.account_id, held.account_service_id or 0, held.row.code
            for state in by_key.get(key, ()):
                sized = known.setdefault(state.id, Sized(held.row, state, 0))
                found.by_service.setdefault(owner.account_service_id, []).append(sized)
    wanted = [(sized.state.account_id, sized.state.id) for sized in known.values()]
    for id_, measured in sizes.measured(txn, wanted).items() if wanted else ():
        known[id_].measured = measured
    return found


def give_back(growing_: Growing, lives: Sequence[Live], accounts: Mapping[int, int]) -> None:
    """
    Take back what events have measured, whose draws and grants were given back.

    What other usage has drawn of that stays granted, unless it is measured again.

    Shapes:
        accounts: whose the buckets are.
    """
    known = {sized.state.id: sized for found in growing_.by_service.values() for sized in found}
    for live in lives:
        detail = live.rated.detail
        for bucket_id, measured, _ in detail.grown if detail else ():
            key = accounts[bucket_id], bucket_id
            growing_.measured[key] = growing_.measured.get(key, 0) - measured
            if bucket_id in known:
                known[bucket_id].measured -= measured
    for sized in known.values():
        state = sized.state
        if state.balance < 0:
            sized.short = -state.balance
            state.granted += sized.short
            state.balance = 0


def keep_used(txn: Transaction, growing_: Growing) -> None:
    """Grant what was used of buckets that have grown less than was thought, before that is given back."""
    known = {sized.state.id: sized for found in growing_.by_service.values() for sized in found}
    short = [
        (sized.state.account_id, sized.state.id, sized.short)
        for sized in known.values()
        if sized.short
    ]
    if short:
        sizes.keep_used(txn, short)


def keep(txn: Transaction, growing_: Growing) -> None:
    """Note what was measured since the buckets were locked."""
    moved = {key: quantity for key, quantity in growing_.measured.items() if quantity}
    if moved:
        sizes.measure(txn, moved)
