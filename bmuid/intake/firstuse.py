"""Allowances that begin with their first use: begun by the event that would draw from them, once whatever runs at once."""

from collections.abc import Iterable, Mapping, Sequence

from bmu.rating import (
    BucketState,
    Owner,
    Tariff,
    drawn_first,
    grant_of,
    turn_at,
)
from bmu.rating.allowance import full
from bmu.usage import UDR
from bmuid.intake.allowances import Allowances, Held, due_at
from bmuid.intake.drawable import Asleep, Drawable
from bmuid.store import firstuses
from bmuid.store.buckets import Wanted
from bmuid.store.firstuses import Given, Key
from bmuid.store.transaction import Transaction


def begin(txn: Transaction, tariff: Tariff, there: Drawable, udr: UDR, owner: Owner) -> None:
    """Let begin what an event would draw from first."""
    service_id = owner.account_service_id
    asleep = there.asleep.get(service_id, [])
    tried = [(each, _tried(each, udr.started_us)) for each in asleep]
    able = [(each, state) for each, state in tried if state is not None]
    if not able:
        return
    shelf, limits = there.by_service.get(service_id, ()), there.limits.get(service_id, ())
    drawn = drawn_first(udr, owner, tariff, shelf, [state for _, state in able], limits)
    for place in drawn:
        _begin(txn, there, able[place][0], udr.started_us)


def provide(
    txn: Transaction,
    allowances: Allowances,
    owners: Iterable[Owner],
    between: tuple[int, int],
) -> dict[Key, Given]:
    """
    Lock who may begin an allowance, and grant what those that have begun are due.

    Shapes:
        between: when the first and the last event begin.
        Result: what has begun.
    """
    held = {
        key_of(each): each for owner in _services(owners) for each in _beginning(allowances, owner)
    }
    if not held:
        return {}
    firstuses.lock(txn, {key.account_id for key in held})
    found = firstuses.given(txn, held)
    wanted: list[Wanted] = []
    for key, given in found.items():
        grants = _due(_begun(held[key], given.begun_us), *between)
        wanted += [each for each in grants if each.grant.from_us not in given.starts]
    _grant(txn, wanted)
    return found


def asleep(
    allowances: Allowances, owners: Iterable[Owner], begun: Mapping[Key, Given], last_us: int
) -> dict[int, list[Asleep]]:
    """Give what has not begun, by the services that may begin it."""
    known: dict[Key, Asleep] = {}
    found: dict[int, list[Asleep]] = {}
    for owner in _services(owners):
        for held in _beginning(allowances, owner):
            key = key_of(held)
            if key not in begun:
                each = known.setdefault(key, Asleep(held, last_us))
                found.setdefault(owner.account_service_id, []).append(each)
    return found


def reopen(allowances: Allowances, owners: Iterable[Owner], there: Drawable, last_us: int) -> None:
    """
    Let what has begun begin anew, where nothing is drawn from it once usage that is rated again has been given back.

    So an allowance begins with the first use in the order of events, whatever came first.
    """
    known: dict[Key, Asleep | None] = {}
    for owner in _services(owners):
        service_id = owner.account_service_id
        for held in _beginning(allowances, owner):
            key = key_of(held)
            if key in there.begun and key not in known:
                shelf = there.by_service.get(service_id, ())
                known[key] = _formerly(held, shelf, there.begun[key].begun_us, last_us)
            again = known.get(key)
            if again is not None:
                there.sleep_again(service_id, again)


def _formerly(
    held: Held, shelf: Iterable[BucketState], begun_us: int, last_us: int
) -> Asleep | None:
    """Give what has begun as if it had not; none: other usage draws from it."""
    formers = tuple(one for one in shelf if _key(one) == key_of(held))
    unused = formers and not any(one.used for one in formers)
    if not unused or min(one.from_us for one in formers) != begun_us:
        return None
    return Asleep(held, last_us, formers)


def _key(state: BucketState) -> Key:
    return Key(state.account_id, state.account_service_id, state.code)


def end_unused(txn: Transaction, there: Drawable) -> None:
    """Let lapse what did not begin again, once what usage drew from it is given back."""
    asleep = {id(each): each for sleeping in there.asleep.values() for each in sleeping}
    unused = [*there.unused, *(one for each in asleep.values() for one in each.formers)]
    if unused:
        firstuses.end_unused(txn, unused)


def key_of(held: Held) -> Key:
    """Tell whose buckets an allowance's are."""
    return Key(held.account_id, held.account_service_id or 0, held.row.code)


def _services(owners: Iterable[Owner]) -> Iterable[Owner]:
    return {owner.account_service_id: owner for owner in owners}.values()


def _beginning(allowances: Allowances, owner: Owner) -> Iterable[Held]:
    return (each for each in allowances.held(owner) if each.row.on_first_use)


def _begun(held: Held, us: int) -> Held:
    return held._replace(anchor=held.anchor._replace(start_us=us))


def _due(held: Held, first_us: int, last_us: int) -> list[Wanted]:
    """Give what an allowance that has begun is due from one instant to another."""
    wanted: dict[int, Wanted] = {}
    us = max(first_us, held.anchor.start_us)
    while us <= last_us and turn_at(held.row, held.anchor, us) is not None:
        due = due_at(held, us)
        wanted |= {each.grant.from_us: each for each in due.wanted}
        us = due.to_us
    return [wanted[from_us] for from_us in sorted(wanted)]


def _grant(txn: Transaction, wanted: Sequence[Wanted]) -> None:
    if wanted:
        firstuses.begin(txn, wanted)


def _tried(each: Asleep, us: int) -> BucketState | None:
    """Give the bucket as it would be if it began at an instant; none: it would not be there."""
    held = _begun(each.held, us)
    grant = grant_of(held.row, held.anchor, us)
    if grant is None or not grant.quantity:
        return None
    return full(grant, 0, held.account_id, held.account_service_id or 0)


def _begin(txn: Transaction, there: Drawable, each: Asleep, us: int) -> None:
    """Grant what begins at an instant, and put it where all find it who may draw from it."""
    held = _begun(each.held, us)
    wanted = _due(held, us, max(us, each.last_us))
    starts = {one.grant.from_us for one in wanted}
    kept = [former for former in each.formers if former.from_us in starts]
    there.unused += [former for former in each.formers if former.from_us not in starts]
    begun = {former.from_us for former in kept}
    missing = [one for one in wanted if one.grant.from_us not in begun]
    _grant(txn, missing)
    # What began before stands in memory as it was before the usage that is rated again.
    formers = {former.id for former in each.formers}
    there.let_begin(
        each,
        held,
        [
            *kept,
            *(state for state in firstuses.states(txn, key_of(held)) if state.id not in formers),
        ],
    )
