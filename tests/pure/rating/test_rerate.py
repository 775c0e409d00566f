"""Rating again: there and back is the original, for nothing is nothing, and buckets lose no unit on the way."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pure.rating.generated import World, shelves, udrs, worlds
from pure.rating.naive import copies

from bmu.rating import (
    BucketState,
    CompanyTerms,
    Rated,
    Tariff,
    Unrated,
    by_service,
    compile_tariff,
)
from bmu.rating.rate import rate_batch
from bmu.rating.rerate import (
    Again,
    Labels,
    Live,
    charged,
    differs,
    entries_made,
    give_back,
    in_event_order,
    rate_again,
)
from bmu.usage import UDR

batches = st.lists(udrs, min_size=1, max_size=10)
# Ids enough for any generated catalogue; of one code each, so that only figures can differ.
IDS = range(10_001)
LABELS = Labels(
    dict.fromkeys(IDS, "class"), dict.fromkeys(IDS, "place"), dict.fromkeys(IDS, ("VAT", 0))
)


def tariff_of(world: World, dearer: int = 0) -> Tariff:
    """Compile a generated catalogue, with each price so much higher."""
    rates = tuple(replace(row, price_e11=row.price_e11 + dearer) for row in world.rows.rates)
    return compile_tariff(replace(world.rows, rates=rates), 1, CompanyTerms(world.company_zone))


def lives_of(events: Sequence[UDR], outcomes: Sequence[Rated | Unrated]) -> list[Live]:
    """Give what would be stored of what was rated."""
    return [
        Live(udr, number, 1, 1, outcome, entries_made(outcome))
        for number, (udr, outcome) in enumerate(zip(events, outcomes, strict=True), 1)
        if isinstance(outcome, Rated)
    ]


def again_by(
    world: World, tariff: Tariff, lives: Sequence[Live], shelf: list[BucketState]
) -> list[Again]:
    """Give back what the events drew, and rate them again; the shelf is lowered anew."""
    give_back(shelf, lives)
    shelves = by_service(shelf)
    return rate_again(
        lives,
        [world.owners[0]] * len(lives),
        lambda udrs, owners: rate_batch(udrs, owners, tariff, shelves),
    )


@given(worlds(), batches, shelves())
def test_for_nothing_changes_nothing(
    world: World, events: list[UDR], shelf: list[BucketState]
) -> None:
    """Rated in event order, and rated again by the same catalogue: no charge differs, every bucket is as it was."""
    tariff, ordered = tariff_of(world), sorted(events, key=lambda udr: udr.started_us)
    owners = [world.owners[0]] * len(ordered)
    lives = lives_of(ordered, rate_batch(ordered, owners, tariff, by_service(shelf)))
    before = copies(shelf)

    found = again_by(world, tariff, in_event_order(lives), shelf)

    assert [again for again in found if differs(again, LABELS)] == []
    assert [state.balance for state in shelf] == [state.balance for state in before]
    assert charged(again.outcome for again in found) == charged(live.rated for live in lives)


@given(worlds(), batches, shelves(), st.integers(1, 10**9))
def test_there_and_back_is_the_original(
    world: World, events: list[UDR], shelf: list[BucketState], dearer: int
) -> None:
    """Price A, B, A: each figure and draw of the end is that of the beginning."""
    first, second = tariff_of(world), tariff_of(world, dearer)
    ordered = sorted(events, key=lambda udr: udr.started_us)
    owners = [world.owners[0]] * len(ordered)
    lives = lives_of(ordered, rate_batch(ordered, owners, first, by_service(shelf)))

    there = again_by(world, second, lives, shelf)
    kept = [each for each in there if isinstance(each.outcome, Rated)]
    moved = [
        live._replace(rated=outcome, entries=entries_made(outcome))
        for live, _, outcome in kept
        if isinstance(outcome, Rated)
    ]
    back = again_by(world, first, moved, shelf)

    if len(moved) == len(lives):
        assert [again.outcome for again in back] == [live.rated for live in lives]


@given(worlds(), batches, shelves(), st.integers(0, 10**9))
def test_no_unit_of_a_bucket_is_lost_or_made(
    world: World, events: list[UDR], shelf: list[BucketState], dearer: int
) -> None:
    """What is left and what all charges drew is what there was before anything was rated."""
    full = {state.id: state.balance for state in shelf}
    owners = [world.owners[0]] * len(events)
    outcomes = rate_batch(events, owners, tariff_of(world), by_service(shelf))
    lives = in_event_order(lives_of(events, outcomes))

    found = again_by(world, tariff_of(world, dearer), lives, shelf)

    for state in shelf:
        drawn = sum(
            entry.quantity
            for again in found
            if isinstance(again.outcome, Rated)
            for entry in entries_made(again.outcome)
            if entry.bucket_id == state.id
        )
        assert state.balance - drawn == full[state.id]
        assert state.balance >= 0
