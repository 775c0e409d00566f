"""Buckets as they are read and locked: the same compiled or not."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bmu.rating import BucketState
from bmuid.store import buckets
from bmuid.store.copying import POSTGRES_EPOCH_US

CODES = ("MINUTES", "DATA", "MESSAGES")
# What the database says of an end that is none.
INFINITY = 2**63 - 1

numbers = st.integers(0, 2**63 - 1)
instants = st.integers(-(2**62), 2**62) | st.sampled_from(
    (INFINITY, INFINITY - POSTGRES_EPOCH_US, INFINITY - POSTGRES_EPOCH_US + 1)
)
read = st.tuples(numbers, numbers, st.integers(1, len(CODES)), instants, instants, numbers)


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    """Give the compiled form."""
    return pytest.importorskip("bmuid.store._states", reason="built without a compiler")


def rows_of(found: list[tuple[int, ...]]) -> bytes:
    """Write rows as the database does."""
    return b"".join(
        buckets.ROW.pack(6, 8, id_, 8, service_id, 4, place, 8, from_, 8, to, 8, balance)
        for id_, service_id, place, from_, to, balance in found
    )


@given(st.lists(read, max_size=5))
def test_buckets_are_as_the_database_says(
    compiled: ModuleType, found: list[tuple[int, ...]]
) -> None:
    """Compiled or not: whose they are, how long they last, what is left; and nothing is taken from the sample."""
    expected = [
        BucketState(
            id_,
            service_id,
            CODES[place - 1],
            from_ + POSTGRES_EPOCH_US,
            to + POSTGRES_EPOCH_US,
            balance,
        )
        for id_, service_id, place, from_, to, balance in found
    ]
    octets = memoryview(rows_of(found))

    made = compiled.states(octets, CODES, buckets.SAMPLE)

    assert made == expected == buckets.states_plainly(octets, CODES, buckets.SAMPLE)
    for state in made:
        state.balance, state.warned = 7, 80
    assert BucketState(0, 0, "", 0, 0, 0) == buckets.SAMPLE


def test_what_are_no_buckets_is_refused(compiled: ModuleType) -> None:
    """A row that is cut, a type that was not asked for, a sample that is none: an exception, never a crash."""
    row = rows_of([(1, 2, 3, 4, 5, 6)])
    with pytest.raises(ValueError, match="cut"):
        compiled.states(memoryview(row[:-1]), CODES, buckets.SAMPLE)
    with pytest.raises(ValueError, match="none of the types"):
        compiled.states(memoryview(row), CODES[:2], buckets.SAMPLE)
    for sample in (object(), 1, row, BucketState):
        with pytest.raises((TypeError, AttributeError)):
            compiled.states(memoryview(row), CODES, sample)
