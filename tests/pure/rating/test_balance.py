"""A bucket's ledger: what was drawn, given back, carried over and lapsed is told by entries, and they add up."""

import json
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pure.rating.included import IN_AUGUST, IN_JULY, POUND, bucket_of, kind_of, per_unit, use
from pure.rating.test_drawing import some_rows

from bmu.rating import BucketKind, BucketState, BucketTier, BucketTypeRow
from bmu.rating.balance import (
    Entry,
    EntryKind,
    book,
    entries_of,
    give_back,
    lapsed,
    resized,
    returned,
    undone,
)
from bmu.rating.draws import Draw, Drawing, Entered, Reached, drawing_of

events = st.lists(st.integers(1, 120), min_size=1, max_size=8)


def shelf_of(rows: list[BucketTypeRow]) -> list[BucketState]:
    """One full bucket of each type."""
    return [bucket_of(number, row) for number, row in enumerate(rows, 1)]


@given(some_rows, events)
def test_entries_add_up_to_the_balance(rows: list[BucketTypeRow], quantities: list[int]) -> None:
    """Whoever adds a bucket's entries up finds its balance, and what it ever granted."""
    shelf = shelf_of(rows)
    ledger = [Entry(state.id, EntryKind.GRANT, state.granted) for state in shelf]
    for quantity in quantities:
        ledger += entries_of(use(shelf, rows, quantity, per_unit(3)))
    for state in shelf:
        own = [entry for entry in ledger if entry.bucket_id == state.id]
        assert sum(entry.quantity for entry in own) == state.balance
        copy = replace(state, balance=0, granted=0)
        book(copy, ledger)
        assert copy == state


@given(some_rows, events)
def test_what_is_returned_was_never_drawn(
    rows: list[BucketTypeRow], quantities: list[int]
) -> None:
    """Events taken back from the last to the first leave every bucket as it was, at each of them."""
    shelf = shelf_of(rows)
    seen = []
    for quantity in quantities:
        before = [replace(state) for state in shelf]
        seen.append((before, use(shelf, rows, quantity, per_unit(3))))
    for before, made in reversed(seen):
        give_back(made, shelf, IN_JULY)
        # A warning that was sent can't be taken back.
        warned = [state.warned for state in shelf]
        told = zip(before, warned, strict=True)
        assert shelf == [replace(state, warned=each) for state, each in told]


@given(some_rows, events)
def test_drawn_returned_and_drawn_again_is_drawn(
    rows: list[BucketTypeRow], quantities: list[int]
) -> None:
    """Rating the last events again at the same prices draws the same, tier for tier, and ends with the same balances."""
    shelf = shelf_of(rows)
    made = [use(shelf, rows, quantity, per_unit(3)) for quantity in quantities]
    after = [replace(state) for state in shelf]
    for each in reversed(made):
        give_back(each, shelf, IN_JULY)
    again = [use(shelf, rows, quantity, per_unit(3)) for quantity in quantities]
    assert [each._replace(reached=()) for each in again] == [
        each._replace(reached=()) for each in made
    ]
    assert shelf == after


@given(some_rows, events, st.randoms(use_true_random=False))
def test_no_order_of_returning_leaves_less_than_nothing(
    rows: list[BucketTypeRow], quantities: list[int], chance: Random
) -> None:
    """In whatever order draws come back, balances stay between nothing and what was granted, and end full."""
    shelf = shelf_of(rows)
    made = [use(shelf, rows, quantity, per_unit(3)) for quantity in quantities]
    chance.shuffle(made)
    for each in made:
        give_back(each, shelf, IN_JULY)
        assert all(0 <= state.balance <= state.granted for state in shelf)
    assert [(state.balance, state.granted) for state in shelf] == [
        (state.granted, state.granted) for state in shelf_of(rows)
    ]


def test_a_tier_that_nobody_uses_lapses() -> None:
    """A block of 50 was granted for an event; with the event returned, the block is gone, not there for free."""
    row = kind_of("B", 50, flat_e11=5, repeat_last=True)
    bucket = bucket_of(1, row)
    use([bucket], [row], 50)
    made = use([bucket], [row], 60)
    assert entries_of(made) == (
        Entry(1, EntryKind.GRANT, 100),
        Entry(1, EntryKind.DRAW, -60),
    )
    assert returned(bucket, made.draws[0]) == (
        Entry(1, EntryKind.RETURN, 60),
        Entry(1, EntryKind.EXPIRY, -100),
    )
    # With another event in between, its block stays.
    use([bucket], [row], 1)
    assert returned(bucket, made.draws[0]) == (
        Entry(1, EntryKind.RETURN, 60),
        Entry(1, EntryKind.EXPIRY, -50),
    )


def test_what_is_left_lapses_with_the_period() -> None:
    """10 of 30 are left: they lapse, the 20 stay used; a bucket used up has nothing to lapse."""
    row = kind_of("B", 30)
    bucket = bucket_of(1, row)
    made = use([bucket], [row], 20)
    entries = lapsed(bucket)
    assert entries == (Entry(1, EntryKind.EXPIRY, -10),)
    book(bucket, entries)
    assert (bucket.balance, bucket.granted, bucket.used) == (0, 20, 20)
    assert lapsed(bucket) == ()
    # Late usage finds nothing; what comes back by rating again may be drawn again.
    assert use([bucket], [row], 5).billable == 5
    give_back(made, [bucket], IN_JULY)
    assert use([bucket], [row], 25).billable == 5


def test_a_size_that_other_usage_makes() -> None:
    """It grows with that usage; where that is rated again and is less, it shrinks, but not below what was used."""
    bucket = bucket_of(1, kind_of("API", 1), balance=0, granted=0)
    for size, used, granted in ((5, 0, 5), (5, 4, 5), (9, 0, 9), (7, 0, 7), (2, 0, 4)):
        book(bucket, resized(bucket, size))
        assert bucket.granted == granted
        bucket.balance -= used
    assert resized(bucket, 4) == ()
    assert bucket.used == 4


def test_entries_can_be_taken_back() -> None:
    """A carry-over that was made too soon: the old period has it again, the new one has not."""
    old, new = bucket_of(1, kind_of("B", 30)), bucket_of(2, kind_of("B", 10), balance=0, granted=0)
    entries = (*lapsed(old), Entry(2, EntryKind.GRANT, 30))
    before = replace(old), replace(new)
    for bucket in (old, new):
        book(bucket, entries)
    assert (old.balance, new.balance) == (0, 30)
    for bucket in (old, new):
        book(bucket, undone(entries))
    assert (old, new) == before


def test_another_bucket_s_draw_is_not_returned() -> None:
    """A draw comes back to the bucket that gave it, and a balance never falls below nothing."""
    bucket = bucket_of(1, kind_of("B", 30))
    with pytest.raises(AssertionError):
        returned(bucket, Draw(2, 5))
    with pytest.raises(AssertionError):
        book(bucket, [Entry(1, EntryKind.DRAW, -31)])


WHOLE = Drawing(
    (
        Draw(2**62, 10, granted=50, entered=(Entered(1, 1, 7), Entered(2, 3, 2**62))),
        Draw(7, 2**62, BucketKind.MONEY),
    ),
    billable=9,
    overage_plan="P",
    reached=(Reached(7, 50), Reached(7, 100)),
)


@given(some_rows, events)
def test_a_charge_keeps_what_was_drawn(rows: list[BucketTypeRow], quantities: list[int]) -> None:
    """What is stored as JSON reads back the same, to the last unit."""
    shelf = shelf_of(rows)
    for made in [WHOLE, *(use(shelf, rows, quantity, per_unit(3)) for quantity in quantities)]:
        read = drawing_of(json.loads(json.dumps(made.data())))
        assert read == made
        assert (read.units, read.paid_e11, read.flat_e11) == (
            made.units,
            made.paid_e11,
            made.flat_e11,
        )


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"draws": []},
        {"draws": [], "billable": "1"},
        {"draws": [], "billable": True},
        {"draws": [], "billable": 1.0},
        {"draws": {}, "billable": 1},
        {"draws": [{"bucket": 1}], "billable": 1},
        {"draws": [{"bucket": 1, "quantity": 1, "kind": "TIME"}], "billable": 1},
        {"draws": [{"bucket": 1, "quantity": 1, "entered": [{"tier": 1}]}], "billable": 1},
        {"draws": [], "billable": 1, "overage_plan": 5},
        {"draws": [], "billable": 1, "reached": [{"bucket": 1}]},
    ],
)
def test_what_is_no_drawing_is_refused(data: object) -> None:
    """Nothing is guessed of a charge's evidence."""
    with pytest.raises(ValueError, match=r".+"):
        drawing_of(data)


def test_tiers_and_money_in_one_ledger() -> None:
    """An event of 15: 10 units of a paid tier, the rest for 15 of money; all of it comes back."""
    units = kind_of("U", 4, flat_e11=9, tiers=(BucketTier(6, 2),))
    money = kind_of("M", 50 * POUND, kind=BucketKind.MONEY)
    shelf = [bucket_of(1, units), bucket_of(2, money)]
    made = use(shelf, [units, money], 15, per_unit(3 * POUND), IN_AUGUST)
    assert (made.flat_e11, made.paid_e11, made.billable) == (11, 15 * POUND, 5)
    assert give_back(made, shelf, IN_AUGUST) == (
        Entry(2, EntryKind.RETURN, 15 * POUND),
        Entry(1, EntryKind.RETURN, 10),
    )
