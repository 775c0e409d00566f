"""Which buckets at hand carry over, of what, and who draws from them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bmu.rating import BucketState, Owner, Tariff
from bmu.rating.rolling import Chain
from bmu.usage import UDR
from bmuid.intake.allowances import Allowances, Held
from bmuid.store.firstuses import Given, Key

# Account, service, share plan, type.
Whose = tuple[int, int, int, str]


@dataclass(slots=True)
class Rolling:
    """
    The chains of buckets at hand that carry over.

    Shapes:
        codes: the types that carry over; where usage is rated again, those that did, too.
        by_service: those that each service draws from.
        chains: by whose they are; former: what became of those that did not begin when they had.
        services, accounts: by chain, who draws from it.
    """

    codes: frozenset[str] = frozenset()
    by_service: dict[int, list[Chain]] = field(default_factory=dict)
    chains: dict[Whose, Chain] = field(default_factory=dict)
    former: list[Chain] = field(default_factory=list)
    services: dict[Whose, set[int]] = field(default_factory=dict)
    accounts: dict[Whose, set[int]] = field(default_factory=dict)

    def may_roll(self, udrs: Sequence[UDR]) -> bool:
        """Tell whether a period may have ended before one of some events."""
        if not self.by_service or not udrs:
            return False
        next_us = min(chain.next_us for chain in self.live())
        return next_us <= max(udr.started_us for udr in udrs)

    def awaits(self, udr: UDR, owner: Owner) -> bool:
        """Tell whether a period may have ended before an event."""
        found = self.by_service.get(owner.account_service_id, ())
        return any(chain.next_us <= udr.started_us for chain in found)

    def live(self) -> Iterator[Chain]:
        """Give the chains that services draw from."""
        return (self.chains[whose] for whose, services in self.services.items() if services)

    def all(self) -> list[Chain]:
        """Give all chains, of which some may have moved."""
        return [*self.chains.values(), *self.former]

    def add(self, whose: Whose, chain: Chain, owners: Iterable[Owner] = ()) -> None:
        """Let services draw from a chain."""
        self.chains[whose] = chain
        for owner in owners:
            self._let(owner.account_service_id, whose)
            self.accounts.setdefault(whose, set()).add(owner.account_id)

    def rest(self, service_id: int, whose: Whose) -> None:
        """Let a service not draw from a chain, until that begins again."""
        chain = self.chains.get(whose)
        if chain is not None and service_id in self.services.get(whose, ()):
            self.services[whose].discard(service_id)
            self.by_service[service_id].remove(chain)
            if not self.by_service[service_id]:
                del self.by_service[service_id]

    def begin(self, held: Held, states: Sequence[BucketState], services: Iterable[int]) -> None:
        """Let services draw from what begins now, or begins otherwise than it had."""
        whose = held.account_id, held.account_service_id or 0, 0, held.row.code
        chain = Chain(held.row, held.anchor, list(states))
        former = self.chains.get(whose)
        if former is not None:
            self.former.append(former)
            chain.kept |= former.kept
            chain.reopened |= former.reopened
        self.chains[whose] = chain
        for service_id in services:
            self._let(service_id, whose)

    def enter(self, states: Iterable[BucketState]) -> None:
        """Enter buckets that were made into their chains."""
        for state in states:
            self.chains[whose_of(state)].states.append(state)

    def _let(self, service_id: int, whose: Whose) -> None:
        services = self.services.setdefault(whose, set())
        if service_id not in services:
            services.add(service_id)
            self.by_service.setdefault(service_id, []).append(self.chains[whose])


def chains_of(
    allowances: Allowances,
    owners: Iterable[Owner],
    states: Iterable[BucketState],
    begun: Mapping[Key, Given],
    codes: Iterable[str],
) -> Rolling:
    """
    Find the buckets that carry over, of what services may draw from.

    Shapes:
        states: locked; those of these codes are whole.
    """
    found = Rolling(frozenset(codes))
    of_whose: dict[Whose, list[BucketState]] = {}
    for state in states:
        if state.code in found.codes:
            of_whose.setdefault(whose_of(state), []).append(state)
    for owner in {owner.account_service_id: owner for owner in owners}.values():
        for whose, held in _held(allowances, owner):
            anchor = held.anchor
            if whose not in of_whose or not held.row.rollover:
                continue
            if held.row.on_first_use:
                given = begun.get(Key(*whose[:2], whose[3]))
                if given is None:
                    continue
                anchor = anchor._replace(start_us=given.begun_us)
            chain = found.chains.get(whose) or Chain(held.row, anchor, of_whose[whose])
            found.add(whose, chain, [owner])
    return found


def add_former(found: Rolling, tariff: Tariff, states: Iterable[BucketState]) -> None:
    """Add what types had carried that carry nothing over any more: usage is rated again as if they never had."""
    of_whose: dict[Whose, list[BucketState]] = {}
    for state in states:
        if state.code in found.codes and not tariff.bucket_types[state.code].rollover:
            of_whose.setdefault(whose_of(state), []).append(state)
    for whose, former in of_whose.items():
        found.add(whose, Chain(tariff.bucket_types[whose[3]], None, former))


def whose_of(state: BucketState) -> Whose:
    """Tell whose a bucket is, and of which type."""
    return state.account_id, state.account_service_id, state.share_id, state.code


def _held(allowances: Allowances, owner: Owner) -> Iterator[tuple[Whose, Held]]:
    """Give all types that an owner's usage may draw from, and whose those buckets are."""
    for held in allowances.held(owner):
        yield (held.account_id, held.account_service_id or 0, 0, held.row.code), held
    for stay in allowances.pools.stays.get(owner.account_service_id, ()):
        pool = stay.pool
        for row in pool.rows:
            held = Held(row, pool.account_id, None, pool.anchor)
            yield (pool.account_id, 0, pool.id, row.code), held
