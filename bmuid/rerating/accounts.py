"""Accounts of a plan: computed, or carried out; several are one transaction, and each is whole in it."""

from collections.abc import Iterator, Sequence
from itertools import compress
from operator import itemgetter

from bmu.rating import Rated
from bmu.rating.rerate import Again
from bmuid.intake.charging import drawable
from bmuid.intake.chunk import Bench, Missing
from bmuid.intake.pricing import needs_of
from bmuid.intake.snapshot import Snapshot
from bmuid.rerating import replay, rewriting
from bmuid.rerating.replay import Read
from bmuid.store import lives, reference
from bmuid.store.copying import at
from bmuid.store.lives import Span, Stretch
from bmuid.store.reratings import Figures, NextAccount
from bmuid.store.transaction import Transaction

NOTHING = Figures(0, 0, 0, 0, 0, 0, 0, 0)
_AMOUNT, _TAX = (itemgetter(at(Rated, name)) for name in ("amount_e11", "tax_e11"))


def plan(
    txn: Transaction, snapshot: Snapshot, accounts: Sequence[NextAccount], catalogue: int
) -> list[Figures]:
    """Compute what rating accounts' usage again would change; nothing is."""
    span = _span(snapshot, accounts)
    found = replay.read(txn, snapshot, span)
    needs = needs_of(found.events, found.owners, snapshot.tariff, {}, snapshot.allowances)
    figures: dict[int, Figures] = {}
    # What begins with its first use begins as it would, and that is taken back, as are the locks of buckets.
    txn.execute("SAVEPOINT replay")
    for part in _parts(txn, snapshot, found, catalogue, figures):
        there = drawable(txn, snapshot.tariff, needs, part.known, again=True)
        events = replay.replay(txn, part, snapshot, needs, there, virtually=True)
        figures |= _figures(txn, span, part, events, replay.changed(txn, events))
    txn.execute("ROLLBACK TO SAVEPOINT replay")
    return [figures.get(each.account_id, NOTHING) for each in accounts]


def carry_out(
    txn: Transaction,
    bench: Bench,
    snapshot: Snapshot,
    accounts: Sequence[NextAccount],
    catalogue: int,
    reason: str,
) -> list[Figures] | Missing:
    """Rate accounts' usage again: reverse what differs, return what it drew, charge it anew."""
    span = _span(snapshot, accounts)
    found = replay.read(txn, snapshot, span)
    needs = bench.needs_of(found.events, found.owners, snapshot)
    # Of all at once, so that whoever locks several does it in one order.
    there = drawable(txn, snapshot.tariff, needs, found.known, again=True)
    missing = bench.missing(needs)
    # The days of what was charged are there.
    if missing is not None and not replay.all_there(needs, there):
        return missing
    figures: dict[int, Figures] = {}
    for number, part in enumerate(_parts(txn, snapshot, found, catalogue, figures)):
        if number or part is not found:
            there = drawable(txn, snapshot.tariff, needs, part.known, again=True)
        events = replay.replay(txn, part, snapshot, needs, there, virtually=False)
        changed = replay.changed(txn, events)
        figures |= _figures(txn, span, part, events, changed)
        differ = list(_changed(part, events, changed))
        rewriting.write(txn, snapshot.tariff, there, found.usage.accounts, differ, reason)
    return [figures.get(each.account_id, NOTHING) for each in accounts]


def _span(snapshot: Snapshot, accounts: Sequence[NextAccount]) -> Span:
    ids = [each.account_id for each in accounts]
    return Span(ids, accounts[0].from_at, above=replay.above(snapshot.allowances, ids))


def _parts(
    txn: Transaction,
    snapshot: Snapshot,
    found: Read,
    catalogue: int,
    figures: dict[int, Figures],
) -> Iterator[Read]:
    """
    Give what has to be rated again, round after round; the figures of what does not are added.

    Where no charge is older than the revision that last changed what the account is rated by, none is touched: usage
    that did not arrive in event order keeps its draws until something has changed.
    """
    stretches = found.usage.stretches
    changes = reference.owners_revisions(txn, [each.account_id for each in stretches])
    touched: list[Stretch] = []
    for each in stretches:
        if each.oldest_revision < max(catalogue, changes[each.account_id]):
            touched.append(each)
        else:
            old = [live.rated for live in found.usage.lives[each.first : each.end]]
            figures[each.account_id] = _sums(old, old, 0, 0, 0)
    for of_round in replay.rounds(snapshot.allowances, touched):
        yield found.part(of_round)


def _figures(
    txn: Transaction, span: Span, part: Read, events: Sequence[Again], changed: Sequence[bool]
) -> dict[int, Figures]:
    invoiced = lives.invoiced(txn, span) if any(changed) else set()
    found, end = {}, 0
    for each in part.usage.stretches:
        first, end = end, end + each.end - each.first
        mine, which = events[first:end], changed[first:end]
        billed = 0
        if invoiced:
            differ = compress(mine, which)
            billed = sum((again.live.udr_id, again.live.version) in invoiced for again in differ)
        old = [again[0][4] for again in mine]
        new = [again[2] for again in mine if isinstance(again[2], Rated)]
        unratable = len(mine) - len(new)
        found[each.account_id] = _sums(old, new, sum(which), unratable, billed)
    return found


def _sums(
    old: Sequence[Rated], new: Sequence[Rated], changed: int, unratable: int, invoiced: int
) -> Figures:
    return Figures(
        records=len(old),
        changed=changed,
        unratable=unratable,
        invoiced=invoiced,
        old_e11=sum(map(_AMOUNT, old)),
        old_tax_e11=sum(map(_TAX, old)),
        new_e11=sum(map(_AMOUNT, new)),
        new_tax_e11=sum(map(_TAX, new)),
    )


def _changed(
    part: Read, events: list[Again], changed: Sequence[bool]
) -> Iterator[tuple[int, list[Again]]]:
    """Give what changes, account by account."""
    end = 0
    for each in part.usage.stretches:
        first, end = end, end + each.end - each.first
        mine, which = events[first:end], changed[first:end]
        if not all(which):
            mine = list(compress(mine, which))
        if mine:
            yield each.account_id, mine
