"""Buckets that carry over: which periods have ended with something left, what was carried, and what carrying moves."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from bmu.period import FOREVER_US, from_us, to_us
from bmu.rating import BucketPart, BucketState, EntryKind
from bmuid.store import buckets, days, reversals
from bmuid.store.copying import array
from bmuid.store.reversals import Moved
from bmuid.store.transaction import Transaction


class Noted(NamedTuple):
    """What carrying has moved a bucket by so far, and how often it did."""

    quantity: int = 0
    times: int = 0


def ever(txn: Transaction) -> set[str]:
    """Give the types that carry over, or did."""
    txn.execute("SELECT DISTINCT code FROM bucket_type WHERE rollover")
    return {code for (code,) in txn.fetchall()}


def first_left(
    txn: Transaction, account_ids: Collection[int], codes: Collection[str], until_us: int
) -> int | None:
    """Give when the earliest period began that ended by an instant and still has something left; none has."""
    txn.execute(
        """
        SELECT (extract(epoch FROM min(lower(during))) * 1000000)::bigint FROM bucket
        WHERE account_id = ANY (%(accounts)s::bigint[]) AND code = ANY (%(codes)s)
        AND part <> %(carried)s AND balance > 0 AND upper(during) <= %(until)s
        """,
        {
            "accounts": array(account_ids),
            "codes": list(codes),
            "carried": BucketPart.CARRIED.value,
            "until": from_us(until_us),
        },
    )
    row = txn.fetchone()
    assert row is not None, "an aggregate gives a row"
    found: int | None = row[0]
    return found


def carried(
    txn: Transaction, account_ids: Collection[int], codes: Collection[str]
) -> list[BucketState]:
    """Give what was carried from any period of accounts' buckets."""
    txn.execute(
        f"""
        {buckets.STATES} WHERE account_id = ANY (%(accounts)s::bigint[]) AND code = ANY (%(codes)s)
        AND part = %(carried)s
        """,
        {
            "accounts": array(account_ids),
            "codes": list(codes),
            "carried": BucketPart.CARRIED.value,
            "forever": FOREVER_US,
        },
    )
    return list(buckets.states(txn.fetchall()))


def noted(txn: Transaction, states: Iterable[BucketState]) -> dict[int, Noted]:
    """Tell how far carrying has moved buckets; those that it never has are left out."""
    instants = {state.id: _instant_us(state) for state in states}
    if not instants:
        return {}
    txn.execute(
        """
        SELECT bucket_id, started_at, sum(quantity)::bigint, max(version) FROM draw
        WHERE account_id = ANY (%(accounts)s::bigint[]) AND started_at = ANY (%(instants)s) AND udr_id = 0
        AND bucket_id = ANY (%(ids)s::bigint[]) GROUP BY bucket_id, started_at
        """,
        {
            "accounts": array(sorted({state.account_id for state in states})),
            "instants": [from_us(us) for us in sorted(set(instants.values()))],
            "ids": array(instants),
        },
    )
    return {
        bucket_id: Noted(quantity, version)
        for bucket_id, started_at, quantity, version in txn.fetchall()
        if to_us(started_at) == instants[bucket_id]
    }


def entries(
    txn: Transaction, states: Sequence[BucketState], moved: Mapping[int, int]
) -> list[Moved]:
    """
    Give the entries of ledgers by which carrying moves buckets, on days that are there.

    Shapes:
        moved: by how much, by the bucket's id; nothing for most.
    """
    changed = [state for state in states if moved.get(state.id)]
    before = noted(txn, changed)
    for day in sorted({_instant_us(state) // days.US_A_DAY for state in changed}):
        days.ensure(txn, day)
    found: list[Moved] = []
    for state in changed:
        quantity = moved[state.id]
        kind = EntryKind.GRANT if quantity > 0 else EntryKind.EXPIRY
        version = before.get(state.id, Noted()).times + 1
        at_us = _instant_us(state)
        found.append((state.account_id, at_us, state.id, kind.value, 0, version, quantity))
    return found


def keep(txn: Transaction, moved: Sequence[Moved]) -> None:
    """Write the entries."""
    reversals.move(txn, moved)


def _instant_us(state: BucketState) -> int:
    """Tell when carrying moves a bucket: what a period has left as that ends, what was carried from its beginning on."""
    return state.from_us if state.part is BucketPart.CARRIED else state.to_us
