"""What periods leave to later ones: carried as usage comes to them, taken back and carried anew when usage is rated again."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pure.rating.included import AUGUST, IN_AUGUST, IN_JULY, SEPTEMBER, SINCE_JULY, kind_of

from bmu.period import FOREVER_US
from bmu.rating import BucketState, BucketTypeRow, Grant, grant_of
from bmu.rating.allowance import full
from bmu.rating.bucket import BucketPart
from bmu.rating.rolling import Chain, empty, finish, roll, take_back

ROW = kind_of("B", 100, rollover=True)


def make(chain: Chain, grant: Grant) -> BucketState:
    """Make a bucket that something is carried into."""
    made = full(grant, 100 + len(chain.states), 1, 1)
    chain.states.append(made)
    return made


def chain_of(row: BucketTypeRow = ROW) -> Chain:
    """Give July's bucket and August's, full."""
    grants = [grant_of(row, SINCE_JULY, us) for us in (IN_JULY, IN_AUGUST)]
    states = [full(grant, n, 1, 1) for n, grant in enumerate(grants, 1) if grant is not None]
    return Chain(row, SINCE_JULY, states)


def there(chain: Chain) -> list[tuple[BucketPart, int, int]]:
    """Give what each bucket has had and has."""
    return [(one.part, one.granted, one.balance) for one in chain.states]


def use(state: BucketState, quantity: int) -> None:
    """Draw from a bucket."""
    assert state.balance >= quantity
    state.balance -= quantity


def test_the_first_use_of_august_carries_what_july_has_left() -> None:
    """Of 100, 30 are used; 70 go on, once; the period's own has nothing left, and the ledger's entries say so."""
    chain = chain_of()
    use(chain.states[0], 30)
    roll(chain, IN_JULY, make)
    assert (chain.next_us, chain.moved) == (AUGUST, {})
    for _ in range(2):
        roll(chain, IN_AUGUST, make)

    assert there(chain) == [
        (BucketPart.ALLOTMENT, 30, 0),
        (BucketPart.ALLOTMENT, 100, 100),
        (BucketPart.CARRIED, 70, 70),
    ]
    assert (chain.moved, chain.next_us) == ({1: -70, 102: 70}, SEPTEMBER)
    assert (chain.states[2].from_us, chain.states[2].to_us) == (
        chain.states[0].from_us,
        FOREVER_US,
    )


def test_what_is_made_before_is_made_once() -> None:
    """The empty bucket is there already: nothing is to be made, whatever bound holds for what is carried."""
    chain = chain_of(replace(ROW, rollover_max=10))
    grant = empty(chain, chain.states[0])
    assert grant is not None
    assert grant.quantity == 0
    make(chain, grant)
    assert empty(chain, chain.states[0]) is None

    roll(chain, IN_AUGUST, make)
    assert there(chain)[2:] == [(BucketPart.CARRIED, 10, 10)]


def test_types_that_carry_nothing_over_any_more_carry_nothing() -> None:
    """What July lost is there again, as if nothing had ever been carried."""
    chain = chain_of()
    roll(chain, IN_AUGUST, make)
    former = Chain(replace(ROW, rollover=False), None, chain.states)
    take_back(former, IN_JULY, {1: 100})
    roll(former, IN_AUGUST, make)
    finish(former, make)

    assert there(former) == [
        (BucketPart.ALLOTMENT, 100, 100),
        (BucketPart.ALLOTMENT, 100, 100),
        (BucketPart.CARRIED, 0, 0),
    ]


def test_what_had_ended_before_stays_as_it_is() -> None:
    """Usage of September on is rated again: what July left to August is not looked at."""
    chain = chain_of()
    roll(chain, IN_AUGUST, make)
    before = there(chain)
    take_back(chain, SEPTEMBER, {1: 100})
    assert there(chain) == before


@given(
    july=st.integers(0, 100),
    late=st.integers(0, 100),
    others=st.integers(0, 100),
    at_most=st.none() | st.integers(0, 100),
    asked=st.booleans(),
)
def test_rated_again_as_before_nothing_moves(
    *, july: int, late: int, others: int, at_most: int | None, asked: bool
) -> None:
    """
    However much was used in July and of what was carried, and by whom: taken back and carried again, all is where it was.

    Usage that is not rated again keeps what it has drawn, whether August's usage asks for it again or not.
    """
    row = replace(ROW, rollover_max=at_most)
    chain = chain_of(row)
    use(chain.states[0], july)
    roll(chain, IN_AUGUST, make)
    of_carried = chain.states[2:]
    for one in of_carried:
        use(one, min(late, one.balance))
        use(one, min(others, one.balance))
    before = there(chain)
    lapsed = {1: -chain.moved.get(1, 0)}

    again = Chain(row, SINCE_JULY, chain.states)
    chain.states[0].balance += july
    take_back(again, IN_JULY, lapsed)
    assert all(one.balance >= 0 for one in again.states)
    use(again.states[0], min(july, again.states[0].balance))
    if asked:
        roll(again, IN_AUGUST, make)
    finish(again, make)

    assert there(again) == before
    assert not any(again.moved.values())
