"""Rating judged by a second, slow rater, and by what a customer may expect of any tariff."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from pure.rating.generated import World, shelves, udrs, whoever, worlds
from pure.rating.naive import Book, copies

from bmu.rating import (
    BucketState,
    CompanyTerms,
    Rated,
    RateKind,
    Tariff,
    Unrated,
    by_service,
    compile_tariff,
    rate,
    rate_batch,
    validate,
)
from bmu.usage import UDR

batches = st.lists(udrs, min_size=1, max_size=8)


def tariff_of(world: World) -> Tariff:
    """Compile a generated catalogue."""
    return compile_tariff(world.rows, 1, CompanyTerms(world.company_zone))


@given(worlds())
def test_generated_catalogues_are_without_faults(world: World) -> None:
    """What the tests below rate by could be a real catalogue."""
    assert validate(world.rows) == ()


@given(worlds(), batches, whoever, shelves())
def test_each_event_costs_what_slow_arithmetic_says(
    world: World, events: list[UDR], which: int, shelf: list[BucketState]
) -> None:
    """Two raters that share no arithmetic agree on each figure, and on each reason for none."""
    owner = world.owners[which]
    tariff, naive, theirs = tariff_of(world), Book(world.rows, world.company_zone), copies(shelf)
    buckets = by_service(shelf).get(1, ())
    for udr in events:
        outcome = rate(udr, owner, tariff, buckets)
        wanted = naive.rate(udr, owner, theirs)
        if isinstance(outcome, Unrated):
            assert outcome.reason.value == wanted
            assert outcome.tried
        else:
            assert wanted == (
                outcome.rate_id,
                outcome.location_pattern_id,
                outcome.tax_id,
                outcome.rounded,
                outcome.billable,
                outcome.rated_e11,
                outcome.amount_e11,
                outcome.tax_e11,
                outcome.draws,
            )
    assert shelf == theirs


@given(worlds(), batches, shelves())
def test_what_is_drawn_is_what_is_not_paid_for(
    world: World, events: list[UDR], shelf: list[BucketState]
) -> None:
    """An included minute is taken from an allowance once, and no allowance gives more than it has."""
    before = sum(bucket.balance for bucket in shelf)
    tariff, buckets = tariff_of(world), by_service(shelf).get(1, ())
    drawn = 0
    for udr in events:
        outcome = rate(udr, world.owners[0], tariff, buckets)
        if isinstance(outcome, Rated):
            taken = sum(quantity for _, quantity in outcome.draws)
            assert all(quantity > 0 for _, quantity in outcome.draws)
            assert taken == outcome.rounded - outcome.billable
            assert 0 <= outcome.amount_e11 <= outcome.rated_e11
            assert outcome.quantity <= outcome.rounded
            assert outcome.billable or not outcome.amount_e11
            drawn += taken
    assert all(bucket.balance >= 0 for bucket in shelf)
    assert before - drawn == sum(bucket.balance for bucket in shelf)


@given(worlds(), udrs, st.integers(0, 10**6), st.integers(0, 10**6))
def test_more_is_never_cheaper(world: World, udr: UDR, seconds: int, more: int) -> None:
    """A longer call never costs less than a shorter one; of a price for each call, it costs the same."""
    tariff, owner = tariff_of(world), world.owners[1]
    short = rate(udr._replace(quantity=seconds), owner, tariff, ())
    long = rate(udr._replace(quantity=seconds + more), owner, tariff, ())
    if isinstance(short, Unrated) or isinstance(long, Unrated):
        assert isinstance(long, Unrated)
        return
    assert short.amount_e11 <= long.amount_e11
    assert short.rounded <= long.rounded
    kind = next(row.kind for row in world.rows.rates if row.id == short.rate_id)
    if kind is RateKind.FIXED and seconds:
        assert short.amount_e11 == long.amount_e11


@given(worlds(), batches, st.data(), shelves())
def test_how_a_file_is_cut_changes_nothing(
    world: World, events: list[UDR], data: st.DataObject, shelf: list[BucketState]
) -> None:
    """A file rated whole, in pieces or line by line gives each account the same charges."""
    owners = [world.owners[data.draw(whoever)] for _ in events]
    cut = data.draw(st.integers(0, len(events)))
    shelves_of = [by_service(copies(shelf)) for _ in range(3)]
    tariff = tariff_of(world)
    whole = rate_batch(events, owners, tariff, shelves_of[0])
    pieces = rate_batch(events[:cut], owners[:cut], tariff, shelves_of[1]) + rate_batch(
        events[cut:], owners[cut:], tariff, shelves_of[1]
    )
    fresh = [
        rate(udr, owner, tariff_of(world), shelves_of[2].get(owner.account_service_id, ()))
        for udr, owner in zip(events, owners, strict=True)
    ]
    assert whole == pieces == fresh
    assert all(type(one) is type(other) for one, other in zip(whole, fresh, strict=True))


@given(worlds(), batches, st.data(), shelves())
def test_the_order_of_accounts_changes_nothing(
    world: World, events: list[UDR], data: st.DataObject, shelf: list[BucketState]
) -> None:
    """What one account used has no bearing on what another pays, whoever is rated first."""
    owners = [world.owners[data.draw(whoever)] for _ in events]
    shelf += [replace(bucket, id=bucket.id + 10, account_service_id=2) for bucket in shelf]
    order = sorted(range(len(events)), key=lambda index: -owners[index].account_id)
    tariff = tariff_of(world)
    one = rate_batch(events, owners, tariff, by_service(copies(shelf)))
    other = rate_batch(
        [events[index] for index in order],
        [owners[index] for index in order],
        tariff,
        by_service(copies(shelf)),
    )
    assert [one[index] for index in order] == other
