"""Many events at once: the same to the last digit as one by one, compiled or not."""

import copy
import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pure.rating.everything import Everything, everything
from pure.rating.everything import events as everything_events
from pure.rating.generated import CLASSES, World, shelves, udrs, whoever, worlds

from bmu.money import Rounding
from bmu.period import FOREVER_US
from bmu.rating import (
    BucketState,
    CompanyTerms,
    Frequency,
    Owner,
    PackageRow,
    Rated,
    RateGroupRow,
    RateKind,
    RatePlanRow,
    RateRow,
    Tariff,
    TariffRows,
    TaxRow,
    Terms,
    Unrated,
    by_service,
    compile_tariff,
    rate,
    rate_batch,
)
from bmu.rating.group import Resolved
from bmu.rating.rate import Known
from bmu.rating.route import Route
from bmu.rating.routing import route_of
from bmu.usage import UDR

batches = st.lists(udrs, min_size=1, max_size=20)
Outcomes = list[Rated | Unrated]


def one_by_one(
    events: list[UDR], owner: Owner, tariff: Tariff, shelf: list[BucketState]
) -> Outcomes:
    """Rate each event alone, by the plain function."""
    buckets = by_service(shelf)
    return [rate(udr, owner, tariff, buckets.get(owner.account_service_id, ())) for udr in events]


@given(worlds(), batches, whoever, shelves())
def test_a_batch_costs_what_its_events_cost_one_by_one(
    world: World, events: list[UDR], which: int, shelf: list[BucketState]
) -> None:
    """Neither figures nor reasons nor what is left of an allowance depend on how many events come at once."""
    owner, tariff = (
        world.owners[which],
        compile_tariff(world.rows, 1, CompanyTerms(world.company_zone)),
    )
    # Whether the tariff has seen such events before or not.
    for _ in range(2):
        first, second = copy.deepcopy(shelf), copy.deepcopy(shelf)
        alone = one_by_one(events, owner, tariff, first)
        together = rate_batch(events, [owner] * len(events), tariff, by_service(second))

        assert together == alone
        assert [type(each) for each in together] == [type(each) for each in alone]
        assert second == first


@given(worlds(), batches, whoever, shelves())
def test_the_compiled_form_decides_nothing_else(
    world: World, events: list[UDR], which: int, shelf: list[BucketState]
) -> None:
    """What it does itself, it does as the plain functions do; and it does itself what has one plain rate."""
    compiled = pytest.importorskip("bmu.rating._batch", reason="built without a compiler")
    owner, tariff = (
        world.owners[which],
        compile_tariff(world.rows, 1, CompanyTerms(world.company_zone)),
    )
    first, second = copy.deepcopy(shelf), copy.deepcopy(shelf)
    alone = one_by_one(events, owner, tariff, first)
    buckets = by_service(second)
    left_over: list[UDR] = []

    def known_of(terms: object, usage_class: str, plan: str | None) -> Known | None:
        assert terms is owner.terms
        assert plan is None
        route = route_of(tariff, owner.terms, usage_class)
        if not isinstance(route, Route):
            return None
        assert route.memory is not None
        return route.memory, route.rate_at, None, route.splits

    def rate_one(udr: UDR, of: Owner) -> Rated | Unrated:
        left_over.append(udr)
        return rate(udr, of, tariff, buckets.get(of.account_service_id, ()))

    together = compiled.rate_batch(
        events, [owner] * len(events), known_of, buckets, {}, rate_one, Rated, 2**62
    )

    assert together == alone
    assert second == first
    by_itself = [udr for udr in events if udr not in left_over]
    priced = [
        udr for udr, outcome in zip(events, alone, strict=True) if isinstance(outcome, Rated)
    ]
    assert {udr for udr in priced if has_one_rate(udr, owner, tariff)} <= set(by_itself)


@given(everything(), st.lists(everything_events, min_size=1, max_size=20))
def test_a_batch_of_everything_costs_what_its_events_cost_one_by_one(
    world: Everything, events: list[UDR]
) -> None:
    """Where catalogues use every feature there is, too, whatever was asked before."""
    tariff = compile_tariff(world.rows, 1, world.company)
    for _ in range(2):
        first, second = (tuple(copy.deepcopy(world.buckets)) for _ in range(2))
        fresh = compile_tariff(world.rows, 1, world.company)
        alone = [rate(udr, world.owner, fresh, first) for udr in events]
        together = rate_batch(events, [world.owner] * len(events), tariff, {1: second})

        assert together == alone
        assert second == first


def has_one_rate(udr: UDR, owner: Owner, tariff: Tariff) -> bool:
    """Tell whether one plain rate is all that there is for events of that moment and place."""
    route = route_of(tariff, owner.terms, udr.usage_class)
    assert isinstance(route, Route)
    place = route.place_of(udr)
    return not isinstance(place, Unrated) and isinstance(
        route.rate_at(udr.started_us, place[1]), Resolved
    )


def test_a_tariff_that_is_no_longer_used_leaves_no_memory_behind() -> None:
    """Each change of the catalogue makes a new one; a worker lives for months."""
    gc.collect()
    before = routes_there()
    tariff = compile_tariff(
        TariffRows(
            usage_classes=(CLASSES[1],),
            rate_plans=(RatePlanRow(1, "P", "Plan", "GBP", 4, Rounding.UP, ("G",)),),
            rate_groups=(RateGroupRow(1, "G", "Group", None, None, None),),
            rates=(RateRow(1, "R", "G", "data", None, None, RateKind.STANDARD, 1, 1, 0, 0),),
            packages=(PackageRow(1, "K", "K", 0, "GBP", Frequency.MONTH, "P", "VAT", ()),),
            taxes=(TaxRow(1, "VAT", "VAT", 200_000, None, None),),
        ),
        1,
        CompanyTerms("UTC"),
    )
    owner = Owner(0, FOREVER_US, 1, 1, 1, Terms("K", "GBP", "UTC"), 1)
    [outcome] = rate_batch(
        [UDR(1, b"-" * 16, 0, "phone", "1", "data", 0, 5, "", "")], [owner], tariff, {}
    )
    assert isinstance(outcome, Rated)
    assert routes_there() == before + 1
    del tariff
    gc.collect()

    assert routes_there() == before


def routes_there() -> int:
    """Count the routes of all tariffs in the process."""
    return sum(isinstance(each, Route) for each in gc.get_objects())
