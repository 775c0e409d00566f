"""A charge explains itself, and what it stores is enough to compute it again."""

from dataclasses import replace

import pytest
from hypothesis import given
from pure.rating.book import read
from pure.rating.generated import World, shelves, udrs, worlds
from pure.rating.test_tables import TABLES, Customer

from bmu.rating import (
    BucketState,
    CompanyTerms,
    Evidence,
    Figures,
    Owner,
    Rated,
    TariffRows,
    by_service,
    compile_tariff,
    explain,
    gather,
    is_in_order,
    rate,
    recompute,
    shelved,
)
from bmu.rating.quantity import per_text, quantity_text
from bmu.usage import UDR, Unit


def evidence_of(
    rows: TariffRows, owner: Owner, udr: UDR, rated: Rated, shelf: tuple[BucketState, ...]
) -> Evidence:
    """Gather what a charge was made of."""
    buckets = {bucket.id: bucket.code for bucket in shelf}
    return gather(shelved(rows, 1, CompanyTerms("UTC")), udr, owner, rated, buckets)


@given(worlds(), udrs, shelves())
def test_each_charge_can_be_computed_again(
    world: World, udr: UDR, shelf: list[BucketState]
) -> None:
    """From the stored evidence alone comes the same figure to the last place, in any tariff."""
    tariff, buckets = (
        compile_tariff(world.rows, 1, CompanyTerms(world.company_zone)),
        by_service(shelf).get(1, ()),
    )
    for owner in world.owners:
        mine = buckets if owner.account_service_id == 1 else ()
        rated = rate(udr, owner, tariff, mine)
        if isinstance(rated, Rated):
            evidence = evidence_of(world.rows, owner, udr, rated, mine)
            assert recompute(evidence) == (
                rated.rounded,
                rated.rated_e11,
                rated.amount_e11,
                rated.tax_e11,
            )
            assert is_in_order(evidence)
            steps = explain(evidence)
            assert all(step.title and step.text.endswith(".") for step in steps)
            assert "Not in order" not in {step.title for step in steps}


def explained(table: str, number: int) -> tuple[Evidence, dict[str, str]]:
    """Explain one event of a table, after those before it."""
    book = read(next(path for path in TABLES if path.stem == table))
    customer = Customer(book)
    rated = [customer.rate(event) for event in book.events[: number + 1]][-1]
    assert isinstance(rated, Rated)
    evidence = evidence_of(
        customer.rows,
        book.owner,
        book.events[number].udr,
        rated,
        tuple(customer.buckets.values()),
    )
    return evidence, {step.title: step.text for step in explain(evidence)}


def test_a_call_abroad_explains_itself() -> None:
    """A customer reads whose call it was, where it went, and how each figure came about."""
    _, steps = explained("home", 17)
    assert steps == {
        "Whose it is": "The number 441 belonged to this account when the call began,"
        " on Monday 3 August 2026, 10:00:00 (Europe/London).",
        "What it is": "voice. Called 33199001234: the longest matching prefix 33 is FRANCE.",
        "Which prices apply": "The package HOME is priced by the rate plan HOME. Its first rate"
        ' group with a price for this call is "ABROAD".',
        "The price": "0.012 GBP per minute. And 0.05 GBP to connect.",
        "What is counted": "Measured: 61 s. Counted at least 60 s, then in steps of 60 s: 120 s.",
        "The amount": "0.012 × 120 s ÷ 60 s = 0.024 GBP. With 0.05 to connect: 0.074."  # noqa: RUF001
        " Rounded to 4 places, half up: 0.074 GBP.",
        "Tax": "VAT: 20 % of 0.074 GBP is 0.0148 GBP. Together: 0.0888 GBP.",
    }


def test_a_call_partly_included_explains_what_is_left() -> None:
    """A customer sees what came from which allowance, and pays for the rest alone."""
    _, steps = explained("allowance", 2)
    assert steps["What is counted"] == "Measured: 60 s. It is counted as measured."
    assert steps["What is included"] == "Taken 40 s from MINUTES; left to pay for: 20 s."
    assert steps["The amount"] == (
        "0.06 × 20 s ÷ 60 s = 0.02 GBP. With 0.05 to connect: 0.07."  # noqa: RUF001
        " Rounded to 4 places, half up: 0.07 GBP."
    )
    assert steps["The price"] == (
        "0.06 GBP per minute. At least 0.02 GBP. And 0.05 GBP to connect."
        " Nothing where all of it is included."
    )


def test_a_call_included_whole_costs_nothing_and_says_so() -> None:
    """A customer whose call was covered reads that nothing is left to pay."""
    _, steps = explained("allowance", 0)
    assert steps["What is included"] == "Taken 200 s from MINUTES; left to pay for: 0 s."
    assert steps["The amount"] == "Nothing is left to pay for: 0 GBP."


def test_a_short_call_explains_the_least_price() -> None:
    """A customer sees why five seconds cost a penny."""
    _, steps = explained("home", 2)
    assert steps["The amount"] == (
        "0.09 × 5 s ÷ 60 s = 0.0075 GBP. That is below the least price, so it is 0.01."  # noqa: RUF001
        " Rounded to 4 places, half up: 0.01 GBP."
    )
    assert (
        "It is for PEAK (Mon-Fri 08:00-19:00, Europe/London); the call began on Monday"
        in (steps["Which prices apply"])
    )
    assert steps["The price"].startswith("The price is the one for") is False


def test_a_quotient_that_never_ends_is_shown_cut() -> None:
    """0.14 * 70 / 60 has no last digit; the customer sees that it was cut, and how it was rounded."""
    _, steps = explained("home", 4)
    assert "= 0.16333333333… GBP. Rounded to 4 places, half up: 0.1633 GBP." in steps["The amount"]


def test_a_call_of_no_length_costs_nothing() -> None:
    """Nothing was measured, nothing is counted, and nobody pays to connect."""
    _, steps = explained("home", 18)
    assert steps["What is counted"] == "Measured: 0 s. It is counted as measured."
    assert steps["The amount"] == "Nothing is left to pay for: 0 GBP."


def test_a_place_priced_by_the_place_above_says_so() -> None:
    """A call to Jersey at the price of UK mobiles says whose price it is."""
    _, steps = explained("home", 7)
    assert "447797 is UK-JERSEY" in steps["What it is"]
    assert steps["The price"].startswith(
        "The price is the one for UK-MOBILE, which this place belongs to. 0.14 GBP per minute."
    )


def test_a_price_for_each_call_says_so() -> None:
    """A premium call costs the same however long it was, and a message has no place."""
    _, steps = explained("home", 10)
    assert steps["The price"].startswith("1.5 GBP for one call, however long or large.")
    assert steps["The amount"].startswith("One call: 1.5 GBP. Rounded")
    _, steps = explained("home", 19)
    assert steps["What it is"] == "sms."
    assert steps["The amount"].startswith("One event: 0.1 GBP.")
    _, steps = explained("offers", 7)
    assert steps["What is counted"] == (
        "Measured: 200 bytes. Counted in steps of 1,000 bytes: 1,000 bytes."
    )
    assert steps["Whose it is"].startswith(
        "The number 441 belonged to this account when the session"
    )


def test_an_offer_names_its_days() -> None:
    """A customer sees from when until when an offer held."""
    _, steps = explained("offers", 1)
    assert (
        "Its first day is 1 September 2026. Its last day is 30 September 2026."
        in (steps["Which prices apply"])
    )


@pytest.mark.parametrize("field", [*Figures._fields, "billable"])
def test_a_charge_that_was_tampered_with_is_seen(field: str) -> None:
    """A stored figure that does not follow from its evidence is not explained away."""
    evidence, _ = explained("allowance", 2)
    assert is_in_order(evidence)
    forged = replace(evidence, **{field: getattr(evidence, field) + 1})
    assert not is_in_order(forged)
    assert explain(forged)[-1].title == "Not in order"


@pytest.mark.parametrize(
    ("unit", "number", "quantity", "per"),
    [
        (Unit.TIME, 1, "1 s", "second"),
        (Unit.TIME, 60, "60 s", "minute"),
        (Unit.TIME, 3600, "3,600 s", "hour"),
        (Unit.TIME, 30, "30 s", "30 s"),
        (Unit.DATA, 1, "1 byte", "byte"),
        (Unit.DATA, 1000**2, "1,000,000 bytes", "MB"),
        (Unit.DATA, 1024**3, "1,073,741,824 bytes", "GiB"),
        (Unit.COUNT, 1, "1", "event"),
        (Unit.COUNT, 12, "12", "12"),
    ],
)
def test_quantities_are_in_words_of_the_trade(
    unit: Unit, number: int, quantity: str, per: str
) -> None:
    """A price is per minute and per MB where it can be, and nothing is rounded to look nicer."""
    assert quantity_text(unit, number) == quantity
    assert per_text(unit, number) == per
