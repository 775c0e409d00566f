"""Past usage of accounts that have to do with each other, rated anew with what their packages, or others, grant."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from bmu.period import from_us, to_us
from bmu.rating import (
    BucketState,
    Frequency,
    Owner,
    Participation,
    Rated,
    Tariff,
    Terms,
    Unrated,
    UnratedReason,
    rate_batch,
    turn_at,
)
from bmu.rating.granting import Brought, Granting, Holder, Kind, Service, Taking
from bmu.rating.rerate import Live, owned
from bmu.usage import UDR
from bmuid.intake.allowances import Allowances, allowances_with
from bmuid.intake.inorder import one_at_a_time
from bmuid.intake.pools import Stay
from bmuid.intake.snapshot import Snapshot
from bmuid.store import lives, subscriptions
from bmuid.store.accounts import Account
from bmuid.store.lives import Span
from bmuid.store.subscriptions import Subscription
from bmuid.store.transaction import Transaction

# So long is what is read at once: of few accounts, of many.
_DAYS, _FEW_ACCOUNTS = 31, 100


@dataclass(slots=True)
class Tried:
    """An event as it is charged, and what it would be; the account is that of the charge."""

    account_id: int
    live: Live
    owner: Owner | Unrated
    outcome: Rated | Unrated


@dataclass(frozen=True, slots=True)
class Trial:
    """
    What accounts have, with another package where that is tried.

    Shapes:
        package: to try; empty: each service has its own.
        tried: whose services have it. unfit: those of them whose currency is not the package's.
    """

    snapshot: Snapshot
    accounts: Mapping[int, Account]
    package: str
    tried: frozenset[int]
    held: Sequence[Subscription]
    allowances: Allowances
    unfit: frozenset[int] = field(default=frozenset())

    def begins(self, from_: datetime, at_latest: datetime) -> datetime:
        """Tell from when on usage may matter for what is charged from an instant on."""
        us = to_us(from_)
        owners = (_holder_of(each) for each in self.held)
        kinds = chain.from_iterable(self._service(owner).kinds for owner in owners)
        found = [_matters_from(kind, us) for kind in kinds]
        return from_us(min([us, to_us(at_latest), *found]))

    def rated(self, txn: Transaction, from_: datetime, to: datetime) -> Iterator[list[Tried]]:
        """Rate all that the accounts used between two instants in the order of events, some at a time."""

        def offered(owner: Owner, _: int) -> Service:
            return self._service(owner)

        granting = Granting(self.snapshot.tariff, offered, _rates)
        for some in _some(txn, sorted(self.accounts), from_, to):
            events = [Tried(*each, *self._owner(*each)) for each in some]
            known = [each for each in events if isinstance(each.owner, Owner)]
            theirs = [each.owner for each in known if isinstance(each.owner, Owner)]
            outcomes = granting.rate([each.live.udr for each in known], theirs)
            for each, outcome in zip(known, outcomes, strict=True):
                each.outcome = outcome
            yield events

    def _owner(self, account_id: int, live: Live) -> tuple[Owner | Unrated, Unrated]:
        """Give the owner on the terms that are tried; and, until it is rated, that it has no price."""
        nothing = Unrated(UnratedReason.NO_RATE_GROUP, f"{self.package} is in another currency")
        if account_id in self.unfit:
            return nothing, nothing
        owner = owned(live, account_id, self.snapshot.owners)
        if isinstance(owner, Unrated):
            return owner, owner
        other = self.package and self.package != owner.terms.package
        if other and account_id in self.tried:
            # What the account has agreed on for its own package does not hold for another.
            terms = owner.terms._replace(package=self.package, account_rate_plan=None)
            owner = owner._replace(terms=terms)
        return owner, nothing

    def _service(self, owner: Owner) -> Service:
        held = self.allowances.held(owner)
        kinds = [
            Kind(each.row, Holder(each.account_id, each.account_service_id or 0), each.anchor)
            for each in held
        ]
        stays = self.allowances.pools.stays.get(owner.account_service_id, ())
        for stay in stays:
            kinds += _of_share(stay)
        taking = {stay.pool.id: Taking(stay.limit, stay.stretches) for stay in stays}
        return Service(self.allowances.sharer(owner), tuple(kinds), taking)


def trial(
    txn: Transaction,
    snapshot: Snapshot,
    accounts: Mapping[int, Account],
    package: str,
    tried: frozenset[int],
) -> Trial:
    """Tell what accounts would have had."""
    held = [
        each._replace(package=package) if package and each.account_id in tried else each
        for each in subscriptions.of_accounts(txn, list(accounts))
    ]
    row = snapshot.tariff.packages.get(package)
    currency = row.currency if row is not None else None
    return Trial(
        snapshot,
        accounts,
        package,
        tried,
        held,
        allowances_with(txn, snapshot.tariff, held),
        frozenset(
            id_ for id_ in tried if currency is not None and accounts[id_].currency != currency
        ),
    )


def _of_share(stay: Stay) -> Iterator[Kind]:
    pool = stay.pool
    brought = tuple(
        Brought((each.part.account_id, each.part.account_service_id), *each[1:])
        for each in pool.bringing
    )
    for row in pool.rows:
        yield Kind(row, Holder(pool.account_id, 0, pool.id), pool.anchor, pool.rank, brought)


def _holder_of(held: Subscription) -> Owner:
    """Give a service as what draws from its allowances."""
    terms = Terms(held.package, "", held.zone)
    return Owner(held.from_us, held.to_us, 0, held.account_id, held.id, terms, held.bill_day)


def _matters_from(kind: Kind, us: int) -> int:
    """Tell since when usage may have changed what is left of an allowance at an instant."""
    row = kind.row
    if row.rollover or row.on_first_use or row.recurrence is Frequency.NEVER:
        return kind.anchor.start_us
    turn = turn_at(row, kind.anchor, us)
    return us if turn is None else turn.from_us


def _some(
    txn: Transaction, accounts: Sequence[int], from_: datetime, to: datetime
) -> Iterator[list[tuple[int, Live]]]:
    """Read what accounts used, in the order of events, so much at a time as fits in memory."""
    step = timedelta(days=_DAYS if len(accounts) <= _FEW_ACCOUNTS else 1)
    while from_ < to:
        end = min(to, from_ + step)
        usage = lives.of_accounts(txn, Span(accounts, from_, end))
        found = [
            (stretch.account_id, live)
            for stretch in usage.stretches
            for live in usage.lives[stretch.first : stretch.end]
        ]
        found.sort(key=lambda one: (one[1].udr.started_us, one[1].udr_id))
        yield found
        from_ = end


def _rates(
    udrs: Sequence[UDR],
    owners: Sequence[Owner],
    tariff: Tariff,
    by_service: Mapping[int, Sequence[BucketState]],
    limits: Mapping[int, Sequence[Participation]],
) -> list[Rated | Unrated]:
    with one_at_a_time:
        return rate_batch(udrs, owners, tariff, by_service, limits)
