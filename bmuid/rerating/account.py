"""One account of a plan: computed, or carried out; each is one transaction."""

from collections.abc import Mapping, Sequence

from bmu.period import from_us
from bmu.rating import Owner, Rated, Unrated, UnratedReason
from bmu.rating.rerate import Again
from bmu.usage import UDR
from bmuid.intake import firstuse
from bmuid.intake.chunk import Bench, Missing
from bmuid.intake.pricing import needs_of
from bmuid.intake.snapshot import Snapshot
from bmuid.rerating.replay import Replayed, read, replay
from bmuid.store import charges, draws, lives, reference, reprocessing, wakeup
from bmuid.store.days import US_A_DAY
from bmuid.store.reprocessing import Charge, Withdrawn
from bmuid.store.reratings import Figures, NextAccount
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced


def plan(txn: Transaction, snapshot: Snapshot, account: NextAccount, catalogue: int) -> Figures:
    """Compute what rating an account's usage again would change; nothing is."""
    found = read(txn, snapshot, account.account_id, account.from_at)
    events = [live.udr for live in found.usage.lives]
    needs = needs_of(events, found.owners, snapshot.tariff, {}, snapshot.allowances)
    since = max(catalogue, reference.owners_revision(txn, account.account_id))
    # What begins with its first use begins as it would, and that is taken back.
    txn.execute("SAVEPOINT replay")
    replayed = replay(txn, found, snapshot, needs, since, virtually=True)
    txn.execute("ROLLBACK TO SAVEPOINT replay")
    return _figures(txn, account, replayed)


def carry_out(
    txn: Transaction, bench: Bench, snapshot: Snapshot, account: NextAccount, catalogue: int
) -> Figures | Missing:
    """Rate an account's usage again: reverse what differs, return what it drew, charge it anew."""
    found = read(txn, snapshot, account.account_id, account.from_at)
    events = [live.udr for live in found.usage.lives]
    needs = bench.needs_of(events, found.owners, snapshot)
    missing = bench.missing(needs)
    if missing is not None:
        return missing
    since = max(catalogue, reference.owners_revision(txn, account.account_id))
    replayed = replay(txn, found, snapshot, needs, since, virtually=False)
    figures = _figures(txn, account, replayed)
    _write(txn, account, replayed, found.usage.accounts, snapshot.tariff.revision)
    return figures


def _figures(txn: Transaction, account: NextAccount, replayed: Replayed) -> Figures:
    old, new = replayed.old, replayed.new
    return Figures(
        records=len(replayed.events),
        changed=len(replayed.changed),
        unratable=replayed.unratable,
        invoiced=lives.invoiced(
            txn, account.account_id, [again.live for again in replayed.changed]
        ),
        old_e11=old.amount_e11,
        old_tax_e11=old.tax_e11,
        new_e11=new.amount_e11,
        new_tax_e11=new.tax_e11,
    )


def _write(
    txn: Transaction,
    account: NextAccount,
    replayed: Replayed,
    accounts: Mapping[int, int],
    revision: int,
) -> None:
    changed = replayed.changed
    if not changed:
        return
    reason = f"rerating {account.rerating_id}"
    lives.reverse(txn, account.account_id, [again.live for again in changed], accounts, reason)
    firstuse.end_unused(txn, replayed.there)
    for day, (priced, versions) in _by_day(changed).items():
        charges.add_again(txn, day, priced, revision, versions)
        draws.add_again(txn, day, priced, replayed.there.elsewhere, versions)
    lost = [again for again in changed if isinstance(again.outcome, Unrated)]
    reprocessing.withdraw(txn, [_withdrawn(account, again, replayed) for again in lost])
    if any(
        isinstance(again.outcome, Unrated)
        and again.outcome.reason is UnratedReason.UID_NOT_IN_PERIOD
        for again in lost
    ):
        # It may be another account's now, which is charged for it as for any late usage.
        reprocessing.ask_for_lost(txn, reason, account.account_id)
        wakeup.tell(txn, wakeup.AGAIN)
    oldest_us = min(again.live.udr.started_us for again in changed)
    reprocessing.reworked(txn, {account.account_id: oldest_us})


def _by_day(changed: Sequence[Again]) -> dict[int, tuple[Priced, list[int]]]:
    """Give what is charged anew, day by day, with the new versions."""
    found: dict[int, tuple[Priced, list[int]]] = {}
    for live, owner, outcome in changed:
        if not isinstance(outcome, Rated) or not isinstance(owner, Owner):
            continue
        day = live.udr.started_us // US_A_DAY
        priced, versions = found.setdefault(day, (Priced([], [], [], []), []))
        priced.ids.append(live.udr_id)
        priced.udrs.append(live.udr)
        priced.owners.append(owner)
        priced.rated.append(outcome)
        versions.append(live.version + 1)
    return found


def _withdrawn(account: NextAccount, again: Again, replayed: Replayed) -> Withdrawn:
    live, outcome = again.live, again.outcome
    assert isinstance(outcome, Unrated), again
    place = replayed.places[live.udr_id]
    return Withdrawn(
        file_id=place.file_id,
        line_no=place.line_no,
        reason=outcome.reason.value,
        detail=outcome.tried,
        text=_text(live.udr),
        lost=Charge(account.account_id, from_us(live.udr.started_us), live.udr_id),
    )


def _text(udr: UDR) -> str:
    """Write a usage record for people; its line is in its file."""
    began = f"{from_us(udr.started_us):%Y-%m-%dT%H:%M:%S.%fZ}"
    return (
        f"{udr.usage_class} {udr.uid_type} {udr.uid} {began} quantity {udr.quantity}"
        f" from {udr.origin or '-'} to {udr.destination or '-'}"
    )
