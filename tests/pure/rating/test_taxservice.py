"""An outside tax service: what it says is charged, kept and computed again; what it can't say makes events wait."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pure.rating.everything import Everything, events, everything
from pure.rating.shop import NOON, PACKAGE, call, owner, priced, shop, sold, unsold

from bmu.money import decimal_text
from bmu.period import FOREVER_US
from bmu.rating import (
    BucketState,
    BucketTypeRow,
    Evidence,
    Exemption,
    Frequency,
    LocationPatternRow,
    LocationRow,
    Rated,
    Tariff,
    TaxAnswer,
    TaxDue,
    TaxRequest,
    TaxRow,
    TaxService,
    Terms,
    Unrated,
    UnratedReason,
    Untaxed,
    compile_tariff,
    explain,
    gather,
    is_in_order,
    rate,
    rate_batch,
    shelved,
)
from bmu.rating.detail import detail_of
from bmu.usage import UDR, Unit

Answer = TaxAnswer | Untaxed | None

TAXES = (
    TaxRow(1, "VAT", "VAT", 200_000, None, None),
    TaxRow(2, "CITY", "City tax", 0, None, None),
    TaxRow(3, "STATE", "State tax", 10_000, None, None, compound=True),
)
BOTH = TaxAnswer((TaxDue("CITY", 15_000), TaxDue("STATE", 62_500)))


def served(ask: Callable[[TaxRequest], Answer], *rates: object, **more: object) -> Tariff:
    """Make the tariff of a shop whose taxes a service tells."""
    service = TaxService("example", ask)
    return shop(*(rates or (priced("1"),)), taxes=TAXES, tax_service=service, **more)  # type: ignore[arg-type]


def evidence_of(world: Everything, udr: UDR, rated: Rated) -> Evidence:
    """Gather what a charge was made of, as it comes back from where it is kept."""
    codes = {bucket.id: bucket.code for bucket in world.buckets}
    evidence = gather(shelved(world.rows, 7, world.company), udr, world.owner, rated, codes)
    return replace(evidence, detail=detail_of(json.loads(json.dumps(evidence.detail.data()))))


def test_its_rates_are_charged_on_its_taxes() -> None:
    """100 seconds at 1.00 are taxed at the rates the service says: 1.50, and 6.25 % of 101.50."""
    rated = sold(served(lambda _: BOTH), call(100))
    assert decimal_text(rated.tax_e11) == "7.84375"
    assert rated.detail is not None
    assert rated.detail.taxes is not None
    assert rated.detail.taxes.service == "example"
    assert [part.rate_ppm for part in rated.detail.taxes.parts] == [15_000, 62_500]


def test_prices_may_hold_what_it_says() -> None:
    """Of 120.00 with a tax of 20 % in it, 100.00 are the price."""
    held = TaxAnswer((TaxDue("VAT", 200_000),), inclusive=True)
    rated = sold(served(lambda _: held), call(120))
    assert [decimal_text(each) for each in (rated.amount_e11, rated.tax_e11)] == ["100", "20"]


def test_it_is_told_the_facts_of_the_line() -> None:
    """The service knows what, when, between whom, for whom, and where the catalogue's rules would look."""
    asked: list[TaxRequest] = []

    def ask(request: TaxRequest) -> None:
        asked.append(request)

    tariff = served(
        ask,
        priced("1", usage_class="called"),
        locations=(LocationRow(1, "GB", "Britain", None, kind="country"),),
        location_patterns=(LocationPatternRow(1, "44", "GB"),),
    )
    terms = Terms(
        "PACKAGE", "GBP", "UTC", country="US", state="NY", category="business",
        exemptions=(Exemption("C-7"),), attributes=(("account.zip", "10001"),),
    )  # fmt: skip
    sold(tariff, call(7, usage_class="called", extras={"trunk": "7"}), terms)
    [request] = asked
    assert (request.currency, request.started_us, request.zone) == ("GBP", NOON, "UTC")
    assert (request.usage_class, request.package, request.location) == ("called", "PACKAGE", "GB")
    assert (request.origin, request.destination, request.quantity) == ("441", "442", 7)
    assert (request.traits.account, request.traits.event) == (("US", "NY"), ("GB", None))
    assert (request.tax, request.exemptions) == ("VAT", (Exemption("C-7"),))
    assert (request.extras, request.attributes) == ({"trunk": "7"}, (("account.zip", "10001"),))


BAD = {
    "away": Untaxed("TimeoutError: no answer for 2 s"),
    "unknown tax": TaxAnswer((TaxDue("DUTY", 10_000),)),
    "float": TaxAnswer((TaxDue("CITY", 0.05),)),  # type: ignore[arg-type]
    "true": TaxAnswer((TaxDue("CITY", True),)),
    "over": TaxAnswer((TaxDue("CITY", 1_000_001),)),
    "below": TaxAnswer((TaxDue("CITY", -1),)),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
def test_without_a_usable_answer_the_event_waits(answer: Answer) -> None:
    """An event is never charged with a tax that nobody told: it waits, and a clerk reads whom to ask."""
    why = unsold(served(lambda _: answer), call(60))
    assert why.reason is UnratedReason.TAX_SERVICE
    assert why.tried.startswith("tax service example: ")


def test_an_event_that_waits_for_its_taxes_draws_nothing() -> None:
    """An allowance is as full as before while the service is away."""
    minutes = BucketTypeRow(
        1, "MIN", "Minutes", Unit.TIME, 60, Frequency.MONTH, ("voice",), None, rollover=True
    )
    tariff = served(
        lambda _: BAD["away"],
        package=replace(PACKAGE, bucket_types=("MIN",)),
        bucket_types=(minutes,),
    )
    bucket = BucketState(1, 1, "MIN", 0, FOREVER_US, 60, granted=60)
    assert isinstance(rate(call(30), owner(), tariff, [bucket]), Unrated)
    assert bucket.balance == 60


def test_what_has_no_price_is_not_asked_about() -> None:
    """The service is asked for what is charged, so that it can count what it answered."""
    asked: list[TaxRequest] = []
    tariff = served(asked.append)
    assert unsold(tariff, call(60, usage_class="data")).reason is UnratedReason.NO_RATE
    assert asked == []


@settings(max_examples=200)
@given(everything(), st.lists(events, min_size=1, max_size=4))
def test_a_service_that_leaves_it_to_the_catalogue_changes_nothing(
    world: Everything, udrs: list[UDR]
) -> None:
    """Where the service has nothing to say, each charge is as without a service, one by one and in a batch."""
    aside = TaxService("aside", lambda _: None)
    tariffs = [compile_tariff(world.rows, 7, world.company, each) for each in (None, aside)]
    outcomes = [
        rate_batch(
            udrs,
            [world.owner] * len(udrs),
            tariff,
            {world.owner.account_service_id: [replace(bucket) for bucket in world.buckets]},
        )
        for tariff in tariffs
    ]
    assert outcomes[0] == outcomes[1]


@settings(max_examples=200)
@given(
    world=everything(),
    udr=events,
    rates_ppm=st.lists(st.integers(0, 1_000_000), max_size=3),
    inclusive=st.booleans(),
)
def test_what_it_said_is_computed_again_without_it(
    world: Everything, udr: UDR, rates_ppm: list[int], *, inclusive: bool
) -> None:
    """A charge keeps what the service said: its figures and its explanation follow from what is kept."""
    codes = [row.code for row in world.rows.taxes]
    due = tuple(
        TaxDue(codes[n % len(codes)], ppm, "C-1" if ppm % 5 == 0 else None)
        for n, ppm in enumerate(rates_ppm)
    )
    service = TaxService("example", lambda _: TaxAnswer(due, inclusive))
    tariff = compile_tariff(world.rows, 7, world.company, service)
    rated = rate(udr, world.owner, tariff, [replace(bucket) for bucket in world.buckets])
    if isinstance(rated, Unrated):
        # Some catalogues' taxes begin later than the event.
        assert rated.reason is not UnratedReason.NO_TAX
        return
    evidence = evidence_of(world, udr, rated)
    assert is_in_order(evidence)
    [told] = [step for step in explain(evidence) if step.title == "Tax"]
    assert 'The tax service "example"' in told.text
    assert told.facts["service"] == "example"
