"""What rating again changes, written: reversals, new versions, returns and draws, and what waits in suspense now."""

from collections.abc import Iterator, Mapping, Sequence

from bmu.period import from_us
from bmu.rating import Owner, Rated, Tariff, Unrated, UnratedReason, undone
from bmu.rating.rerate import Again, entries_made
from bmu.usage import UDR
from bmuid.intake import firstuse
from bmuid.intake.charging import warn
from bmuid.intake.drawable import Drawable
from bmuid.store import charges, lives, reprocessing, reversals, wakeup
from bmuid.store.days import US_A_DAY
from bmuid.store.reprocessing import Charge, Withdrawn
from bmuid.store.reversals import Moved, Reversed
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced

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
    if not changed:
        return
    reversals.add(txn, list(_reversed(changed)), reason)
    for day, (priced, versions) in _by_day(changed).items():
        charges.add_again(txn, day, priced, tariff.revision, versions)
    moved = list(_undone(changed, accounts))
    moved += _drawn(changed, there.elsewhere)
    reversals.move(txn, moved)
    firstuse.end_unused(txn, there)
    warn(txn, tariff, there)
    _withdraw(txn, changed, reason)
    oldest = {account_id: mine[0].live.udr.started_us for account_id, mine in changed}
    reprocessing.reworked(txn, oldest)


def _reversed(changed: OfAccounts) -> Iterator[Reversed]:
    make = tuple.__new__
    for account_id, mine in changed:
        for (udr, udr_id, version, *_), _, _ in mine:
            yield make(Reversed, (account_id, udr[6], udr_id, version))


def _undone(changed: OfAccounts, accounts: Mapping[int, int]) -> Iterator[Moved]:
    """Give what takes back what charges moved buckets by."""
    for _, mine in changed:
        for live, _, _ in mine:
            if live.entries:
                began = live.udr.started_us
                for bucket_id, kind, quantity in undone(live.entries):
                    yield Moved(
                        accounts[bucket_id],
                        began,
                        bucket_id,
                        kind.value,
                        live.udr_id,
                        live.version,
                        quantity,
                    )


def _drawn(changed: OfAccounts, elsewhere: Mapping[int, int]) -> Iterator[Moved]:
    """Give what the new charges move buckets by."""
    for account_id, mine in changed:
        for live, _, outcome in mine:
            if not isinstance(outcome, Rated) or not (outcome.draws or outcome.detail):
                continue
            began = live.udr.started_us
            for bucket_id, kind, quantity in entries_made(outcome):
                yield Moved(
                    elsewhere.get(bucket_id, account_id),
                    began,
                    bucket_id,
                    kind.value,
                    live.udr_id,
                    live.version + 1,
                    quantity,
                )


def _by_day(changed: OfAccounts) -> dict[int, tuple[Priced, list[int]]]:
    """Give what is charged anew, day by day, with the new versions."""
    found: dict[int, tuple[Priced, list[int]]] = {}
    for _, mine in changed:
        for live, owner, outcome in mine:
            if not isinstance(outcome, Rated) or not isinstance(owner, Owner):
                continue
            day = live[0][6] // US_A_DAY
            held = found.get(day)
            if held is None:
                held = found[day] = (Priced([], [], [], []), [])
            priced, versions = held
            priced.ids.append(live[1])
            priced.udrs.append(live[0])
            priced.owners.append(owner)
            priced.rated.append(outcome)
            versions.append(live[2] + 1)
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
