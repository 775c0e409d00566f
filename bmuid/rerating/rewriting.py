"""What rating again changes, written: reversals, new versions, returns and draws, and what waits in suspense now."""

from collections.abc import Mapping, Sequence
from itertools import compress

from bmu.period import from_us
from bmu.rating import Entry, EntryKind, Rated, Tariff, Unrated, UnratedReason, undone
from bmu.rating.rerate import Again, entries_made
from bmu.usage import UDR
from bmuid.intake import firstuse, rolling, sizing
from bmuid.intake.charging import note
from bmuid.intake.drawable import Drawable
from bmuid.store import charges, lives, reprocessing, reversals, wakeup
from bmuid.store.copying import began
from bmuid.store.days import US_A_DAY
from bmuid.store.reprocessing import Charge, Withdrawn
from bmuid.store.reversals import Moved
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced

_UNDO = {kind: undone((Entry(0, kind, 1),))[0].kind.value for kind in EntryKind}

OfAccounts = Sequence[tuple[int, list[Again]]]


def write(
    txn: Transaction,
    tariff: Tariff,
    there: Drawable,
    accounts: Mapping[int, int],
    changed: OfAccounts,
    reason: str,
) -> None:
    """
    Reverse charges, undo what they drew, and charge anew what has a price.

    Shapes:
        there: what the new charges draw from.
        accounts: whose the buckets are that the old ones moved.
        changed: by account.
    """
    carried = rolling.moved(txn, there)
    if not (changed or carried):
        return
    rated_us = began(txn)
    reversals.begin(txn, reason)
    for day, (whose, of_day) in _by_day(changed).items():
        held = [again[0] for again in of_day]
        owners = [again[1] for again in of_day if again[1] is not None]
        rated = [again[2] for again in of_day if isinstance(again[2], Rated)]
        if len(rated) < len(held):
            without = [not isinstance(again[2], Rated) for again in of_day]
            theirs, lost = list(compress(whose, without)), list(compress(held, without))
            reversals.add(txn, day, theirs, lost, reason)
            priced = [again for again in of_day if isinstance(again[2], Rated)]
            held = [again[0] for again in priced]
            owners = [again[1] for again in priced if again[1] is not None]
        if held:
            ids, udrs = [live[1] for live in held], [live[0] for live in held]
            versions = [live[2] for live in held]
            by = tariff.revision, rated_us
            charges.replace(txn, day, Priced(ids, udrs, owners, rated), versions, by)
    reversals.end(txn)
    sizing.keep_used(txn, there.growing)
    # Together, so that what was carried grows or shrinks with what is drawn from it.
    reversals.move(txn, [*_moved(changed, accounts, there.elsewhere), *carried])
    firstuse.end_unused(txn, there)
    note(txn, tariff, there)
    _withdraw(txn, changed, reason)
    if changed:
        reprocessing.reworked(txn, {whose: mine[0].live.udr.started_us for whose, mine in changed})


def _by_day(changed: OfAccounts) -> dict[int, tuple[list[int], list[Again]]]:
    """Give what changes day by day, with the accounts."""
    found: dict[int, tuple[list[int], list[Again]]] = {}
    for account_id, mine in changed:
        for again in mine:
            day = again[0][0][6] // US_A_DAY
            of_day = found.get(day)
            if of_day is None:
                of_day = found[day] = ([], [])
            of_day[0].append(account_id)
            of_day[1].append(again)
    return found


def _moved(
    changed: OfAccounts, accounts: Mapping[int, int], elsewhere: Mapping[int, int]
) -> list[Moved]:
    """
    Give what takes back what the old charges moved buckets by, and what the new ones move them by.

    Where both are the same in a bucket, nothing moves: the old charge's entry is the new one's from now on.
    """
    found: list[Moved] = []
    for account_id, mine in changed:
        for (udr, udr_id, version, _, rated, entries), _, outcome in mine:
            made: tuple[Entry, ...] = ()
            if isinstance(outcome, Rated):
                if (
                    outcome.detail is None
                    and rated.detail is None
                    and outcome.draws == rated.draws
                ):
                    # Most have other prices and draw as they did.
                    continue
                made = entries_made(outcome)
            began = udr[6]
            for bucket_id, kind, quantity in set(entries).difference(made):
                whose, undo = accounts[bucket_id], _UNDO[kind]
                found.append((whose, began, bucket_id, undo, udr_id, version, -quantity))
            for bucket_id, kind, quantity in set(made).difference(entries):
                whose = elsewhere.get(bucket_id, account_id)
                found.append((whose, began, bucket_id, kind.value, udr_id, version + 1, quantity))
    return found


def _withdraw(txn: Transaction, changed: OfAccounts, reason: str) -> None:
    """Put in suspense what has no price any more, or is another account's."""
    lost = [
        (account_id, again.live, again.outcome)
        for account_id, mine in changed
        for again in mine
        if isinstance(again.outcome, Unrated)
    ]
    if not lost:
        return
    gone = [
        Charge(account_id, from_us(live.udr.started_us), live.udr_id)
        for account_id, live, _ in lost
    ]
    kept = lives.records(txn, gone)
    reprocessing.withdraw(
        txn,
        [
            Withdrawn(
                *kept[live.udr_id].place,
                outcome.reason.value,
                outcome.tried,
                _text(live.udr),
                charge,
            )
            for (_, live, outcome), charge in zip(lost, gone, strict=True)
        ],
    )
    elsewhere = {
        account_id
        for account_id, _, outcome in lost
        if outcome.reason is UnratedReason.UID_NOT_IN_PERIOD
    }
    for account_id in sorted(elsewhere):
        # It may be another account's now, which is charged for it as for any late usage.
        reprocessing.ask_for_lost(txn, reason, account_id)
    if elsewhere:
        wakeup.tell(txn, wakeup.AGAIN)


def _text(udr: UDR) -> str:
    """Write a usage record for people; its line is in its file."""
    began = f"{from_us(udr.started_us):%Y-%m-%dT%H:%M:%S.%fZ}"
    return (
        f"{udr.usage_class} {udr.uid_type} {udr.uid} {began} quantity {udr.quantity}"
        f" from {udr.origin or '-'} to {udr.destination or '-'}"
    )
