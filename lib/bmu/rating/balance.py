"""A bucket's ledger: every grant, draw, return and expiry is an entry, the balance is their sum."""

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from bmu.rating.bucket import BucketState
from bmu.rating.draws import Draw, Drawing
from bmu.rating.sharing import Participation, participation_of


class EntryKind(Enum):
    """
    What an entry of a bucket's ledger is.

    GRANT (+) and EXPIRY (-) change what is granted, DRAW (-) and RETURN (+) what is used.
    """

    GRANT = "GRANT"
    DRAW = "DRAW"
    RETURN = "RETURN"
    EXPIRY = "EXPIRY"


class Entry(NamedTuple):
    """
    One entry.

    Units:
        quantity: of the bucket, signed.
    """

    bucket_id: int
    kind: EntryKind
    quantity: int


_INVERSE = {
    EntryKind.GRANT: EntryKind.EXPIRY,
    EntryKind.EXPIRY: EntryKind.GRANT,
    EntryKind.DRAW: EntryKind.RETURN,
    EntryKind.RETURN: EntryKind.DRAW,
}


def entries_of(made: Drawing) -> tuple[Entry, ...]:
    """Give the entries of an event's draws."""
    return tuple(entry for each in made.draws for entry in _drawn(each))


def returned(bucket: BucketState, draw: Draw) -> tuple[Entry, ...]:
    """
    Give the entries that return what an event drew from a bucket.

    What its last tier granted again, and nobody uses now, lapses; so a bucket that gave, took back and gives again
    stands as if it had given once.
    """
    assert bucket.id == draw.bucket_id, draw
    entries = [Entry(bucket.id, EntryKind.RETURN, draw.quantity)]
    surplus = _surplus(bucket, bucket.used - draw.quantity)
    if surplus:
        entries.append(Entry(bucket.id, EntryKind.EXPIRY, -surplus))
    return tuple(entries)


def lapsed(bucket: BucketState) -> tuple[Entry, ...]:
    """Give the entry by which what is left at the end of a bucket's period lapses, if anything is."""
    if not bucket.balance:
        return ()
    return (Entry(bucket.id, EntryKind.EXPIRY, -bucket.balance),)


def resized(bucket: BucketState, size: int) -> tuple[Entry, ...]:
    """
    Give the entry that makes a bucket so large whose size another class's usage makes; never less than was used.

    Shapes:
        bucket: of one tier.
    """
    size = max(size, bucket.used)
    if size == bucket.granted:
        return ()
    kind = EntryKind.GRANT if size > bucket.granted else EntryKind.EXPIRY
    return (Entry(bucket.id, kind, size - bucket.granted),)


def undone(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Give the entries that take others back, the last one first."""
    return tuple(
        Entry(entry.bucket_id, _INVERSE[entry.kind], -entry.quantity)
        for entry in reversed(list(entries))
    )


def book(bucket: BucketState, entries: Iterable[Entry]) -> None:
    """Move a working copy by the entries that are of its bucket."""
    for entry in entries:
        if entry.bucket_id == bucket.id:
            bucket.balance += entry.quantity
            if entry.kind in (EntryKind.GRANT, EntryKind.EXPIRY):
                bucket.granted += entry.quantity
            assert bucket.balance >= 0, bucket


def give_back(
    made: Drawing,
    shelf: Iterable[BucketState],
    started_us: int,
    participations: Iterable[Participation] = (),
) -> tuple[Entry, ...]:
    """Return all that an event drew to the working copies, the last draw first, and give the entries of that."""
    states = {state.id: state for state in shelf}
    limits = tuple(participations)
    entries: list[Entry] = []
    for each in reversed(made.draws):
        bucket = states[each.bucket_id]
        found = returned(bucket, each)
        book(bucket, found)
        entries += found
        limited = participation_of(limits, bucket, started_us)
        if limited is not None:
            limited.drawn -= each.quantity
    return tuple(entries)


def _drawn(draw: Draw) -> tuple[Entry, ...]:
    taken = Entry(draw.bucket_id, EntryKind.DRAW, -draw.quantity)
    if not draw.granted:
        return (taken,)
    return Entry(draw.bucket_id, EntryKind.GRANT, draw.granted), taken


def _surplus(bucket: BucketState, used: int) -> int:
    """Tell what repeated tiers have granted beyond what so much usage has entered."""
    if not bucket.repeats:
        return 0
    tier = bucket.tiers[-1].quantity
    times = max(0, -(-(used - bucket.size) // tier))
    return max(0, bucket.granted - bucket.size - times * tier)
