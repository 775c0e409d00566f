"""Allowances that carry over, at work: rolled by the event that asks for the next period, in the order of events."""

from collections.abc import Mapping, Sequence

from bmu.rating import BucketState, Grant, Owner
from bmu.rating.rolling import Chain, Make, empty, finish, roll, take_back
from bmu.usage import UDR
from bmuid.intake.chains import Whose, whose_of
from bmuid.intake.drawable import Drawable
from bmuid.store import buckets, rolled
from bmuid.store.buckets import Wanted
from bmuid.store.reversals import Moved
from bmuid.store.transaction import Transaction


def prepare(txn: Transaction, there: Drawable, last_us: int) -> None:
    """Make the empty buckets into which usage up to an instant may carry something, all at once."""
    wanted: dict[int, list[Wanted]] = {}
    for whose, chain in there.rolling.chains.items():
        if chain.anchor is None or not chain.row.rollover:
            continue
        for ended in chain.periods():
            grant = empty(chain, ended) if ended.balance and ended.to_us <= last_us else None
            if grant is not None:
                wanted.setdefault(whose[2], []).append(_wanted(whose, grant))
    if wanted:
        _make(txn, there, wanted)


def before(txn: Transaction, there: Drawable, udr: UDR, owner: Owner) -> None:
    """Carry what periods have left that ended before the one of an event."""
    for chain in there.rolling.by_service.get(owner.account_service_id, ()):
        if chain.next_us <= udr.started_us:
            roll(chain, udr.started_us, _making(txn, there))


def take_all_back(txn: Transaction, there: Drawable, first_us: Mapping[int, int]) -> None:
    """
    Undo what was carried from periods that ended after usage which is rated again.

    Shapes:
        first_us: when the first of that begins, by account.
    """
    rolling = there.rolling
    if not rolling.chains:
        return
    periods = [one for chain in rolling.chains.values() for one in chain.periods()]
    lapsed = {id_: -each.quantity for id_, each in rolled.noted(txn, periods).items()}
    earliest = min(first_us.values())
    for whose, chain in rolling.chains.items():
        theirs = [first_us[id_] for id_ in rolling.accounts.get(whose, ()) if id_ in first_us]
        take_back(chain, min(theirs, default=earliest), lapsed)


def finish_all(txn: Transaction, there: Drawable) -> None:
    """Carry anew what had been carried, though no usage that was rated again has asked for it."""
    for chain in list(there.rolling.live()):
        finish(chain, _making(txn, there))


def moved(txn: Transaction, there: Drawable) -> list[Moved]:
    """Give the entries by which carrying moves buckets."""
    by_id: dict[int, int] = {}
    states: dict[int, BucketState] = {}
    for chain in there.rolling.all():
        states |= {one.id: one for one in chain.states}
        for id_, quantity in chain.moved.items():
            by_id[id_] = by_id.get(id_, 0) + quantity
    changed = {id_: quantity for id_, quantity in by_id.items() if quantity}
    return rolled.entries(txn, [states[id_] for id_ in changed], changed) if changed else []


def carry_in(txn: Transaction, there: Drawable) -> None:
    """Write what is carried, before anything draws from it."""
    rolled.keep(txn, [entry for entry in moved(txn, there) if entry[-1] > 0])


def let_lapse(txn: Transaction, there: Drawable) -> None:
    """Write what ended periods have lost, after all that they were granted or gave."""
    rolled.keep(txn, [entry for entry in moved(txn, there) if entry[-1] < 0])


def _wanted(whose: Whose, grant: Grant) -> Wanted:
    return Wanted(whose[0], whose[1] or None, grant)


def _making(txn: Transaction, there: Drawable) -> Make:
    def make(chain: Chain, grant: Grant) -> BucketState:
        whose = whose_of(chain.states[0])
        [made] = _make(txn, there, {whose[2]: [_wanted(whose, grant)]})
        return made

    return make


def _make(
    txn: Transaction, there: Drawable, wanted: Mapping[int, Sequence[Wanted]]
) -> list[BucketState]:
    """Make empty buckets, by share plan, and put them where all find them who may draw from them."""
    made: set[tuple[Whose, int, int]] = set()
    for share_id, of_share in wanted.items():
        buckets.grant(txn, of_share, share_id)
        for account_id, service_id, grant in of_share:
            whose = account_id, service_id or 0, share_id, grant.code
            made.add((whose, grant.since_us, grant.to_us))
    accounts = {whose[0] for whose, _, _ in made}
    codes = {whose[3] for whose, _, _ in made}
    found = [
        one
        for one in rolled.carried(txn, accounts, codes)
        if (whose_of(one), one.since_us, one.to_us) in made
    ]
    there.enter(found)
    return found
