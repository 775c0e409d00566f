"""What a clerk reads beside an event without a price."""

import pytest
from pure.rating.book import Book, read
from pure.rating.test_tables import TABLES, Customer

from bmu.rating import Terms, Unrated, UnratedReason, plan_of, rate
from bmu.rating.plan import PACKAGE_LEVEL
from bmu.rating.routing import route_of

HOME = read(next(path for path in TABLES if path.stem == "home"))
ORDER = read(next(path for path in TABLES if path.stem == "order"))
OFFERS = read(next(path for path in TABLES if path.stem == "offers"))
ROUNDING = read(next(path for path in TABLES if path.stem == "rounding"))


@pytest.mark.parametrize(
    ("book", "reason", "tried"),
    [
        (
            HOME,
            "NO_RATE",
            (
                "price plan: none, package HOME: HOME; voice at NOWHERE; SPECIAL: no rate, PEAK: no rate,"
                " OFFPEAK: not at this time, ABROAD: no rate"
            ),
        ),
        (HOME, "NO_LOCATION", "no pattern begins the number '99912345'"),
        (HOME, "NO_USAGE_CLASS", "no usage class 'fax'"),
        (
            ORDER,
            "NO_RATE_GROUP",
            (
                "price plan: none, package P: P; voice at UK < EUROPE; BROAD: not at this time,"
                " NEAR: not at this time"
            ),
        ),
        (
            ORDER,
            "NO_RATE",
            "price plan: none, package P: P; sms; BROAD: no rate, NEAR: no rate",
        ),
        (OFFERS, "NO_TAX", "tax VAT: no rate on this day"),
        (
            ROUNDING,
            "AMOUNT_TOO_LARGE",
            "rate 1: 9223372036854775807 come to more than an amount holds",
        ),
    ],
)
def test_a_clerk_reads_what_was_tried(book: Book, reason: str, tried: str) -> None:
    """The reason alone does not mend a tariff; where was looked, and what was found there, does."""
    event = next(event for event in book.events if event.wanted == (reason,))
    assert Customer(book).rate(event) == Unrated(UnratedReason[reason], tried)


@pytest.mark.parametrize(
    ("terms", "reason", "tried"),
    [
        (
            Terms("GONE", "GBP", "UTC"),
            UnratedReason.NO_PACKAGE,
            "no package GONE in the catalogue",
        ),
        (
            Terms("HOME", "EUR", "UTC"),
            UnratedReason.NO_RATE_GROUP,
            (
                "price plan: none, package HOME: HOME; voice at UK; SPECIAL: in GBP, the account in EUR,"
                " PEAK: in GBP, the account in EUR, OFFPEAK: in GBP, the account in EUR,"
                " ABROAD: in GBP, the account in EUR"
            ),
        ),
    ],
)
def test_a_customer_on_terms_without_prices_waits(
    terms: Terms, reason: UnratedReason, tried: str
) -> None:
    """A package that is gone, or a plan in another currency, is said in so many words."""
    owner = HOME.owner._replace(terms=terms)
    tariff = Customer(HOME).tariff
    assert rate(HOME.events[0].udr, owner, tariff, ()) == Unrated(reason, tried)


def test_the_plan_of_a_package_is_of_its_level() -> None:
    """A charge says from where its plan came."""
    chosen = plan_of(HOME.owner.terms, Customer(HOME).tariff)
    assert not isinstance(chosen, Unrated)
    assert (chosen.plan.code, chosen.level) == ("HOME", PACKAGE_LEVEL)


def test_what_was_remembered_for_a_year_is_forgotten_without_harm() -> None:
    """However long a worker runs, and however far apart its calls lie, prices stay what they are."""
    customer = Customer(HOME)
    udr, owner = HOME.events[0].udr, HOME.owner
    week_us = 7 * 24 * 3600 * 1_000_000
    quarter_us = 15 * 60 * 1_000_000
    route = route_of(customer.tariff, owner.terms, "voice")
    assert not isinstance(route, Unrated)
    before = rate(udr, owner, customer.tariff, ())
    for number in range(41_000):
        route.rate_at(udr.started_us + number * quarter_us, 0)
    assert rate(udr, owner, customer.tariff, ()) == before
    assert rate(udr._replace(started_us=udr.started_us - week_us), owner, customer.tariff, ()) == (
        before
    )
