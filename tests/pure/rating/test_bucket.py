"""Allowances: in which order they are used, and for which month they fall due."""

from datetime import UTC, datetime

from pure.rating.book import read
from pure.rating.test_tables import TABLES, Customer

from bmu.period import FOREVER_US, to_us
from bmu.rating import BucketState, Grant, Owner, Terms, buckets_wanted, by_service
from bmu.rating.bucket import draw
from bmu.usage import Unit


def bucket(number: int, to: int, balance: int, code: str = "MIN") -> BucketState:
    """An allowance open from 0."""
    return BucketState(number, 1, code, 0, to, balance)


def test_what_ends_first_is_used_first() -> None:
    """The customer loses least: the allowance that ends first goes first, of two the older."""
    shelf = by_service([bucket(3, 900, 50), bucket(9, 500, 30), bucket(2, 900, 20)])
    assert draw(shelf[1], {"MIN": 0}, 100, 90) == ((9, 30), (2, 20), (3, 40))
    assert [state.balance for state in shelf[1]] == [0, 0, 10]
    assert draw(shelf[1], {"MIN": 0}, 100, 90) == ((3, 10),)
    assert draw(shelf[1], {"MIN": 0}, 100, 90) == ()


def test_an_allowance_is_for_its_kind_and_its_time() -> None:
    """A call draws nothing from messages, nor from a month it does not begin in."""
    shelf = by_service([bucket(1, 500, 30), bucket(2, 500, 30, "SMS")])
    assert draw(shelf[1], {"SMS": 0}, 499, 10) == ((2, 10),)
    assert draw(shelf[1], {"SMS": 0, "MIN": 0}, 500, 10) == ()
    assert draw(shelf[1], {"SMS": 0, "MIN": 0}, -1, 10) == ()
    assert draw(shelf[1], {}, 100, 10) == ()


def test_of_what_ends_together_the_nearest_place_is_first() -> None:
    """Minutes for calls at home go before minutes for calls anywhere, unless those end sooner."""
    shelf = by_service([bucket(1, 900, 50), bucket(2, 900, 20, "HOME"), bucket(3, 500, 30)])
    assert draw(shelf[1], {"MIN": 1, "HOME": 0}, 100, 60) == ((3, 30), (2, 20), (1, 10))
    assert draw(shelf[1], {"MIN": 1, "HOME": 0}, 100, 60) == ((1, 40),)


def test_each_service_has_its_own() -> None:
    """Two services of one customer don't use up each other's allowances."""
    states = [bucket(1, 500, 30), BucketState(2, 7, "MIN", 0, 500, 30)]
    assert by_service(states) == {1: (states[0],), 7: (states[1],)}


def test_allowances_fall_due_by_the_customers_month() -> None:
    """From bill day to bill day, by the customer's clock; the same month is the same allowance."""
    book = read(next(path for path in TABLES if path.stem == "allowance"))
    tariff = Customer(book).tariff
    august = to_us(datetime(2026, 8, 14, 23, tzinfo=UTC))  # midnight of the 15th in London
    september = to_us(datetime(2026, 9, 14, 23, tzinfo=UTC))
    wanted = buckets_wanted(book.owner, tariff, august)
    assert wanted == (
        Grant("MINUTES", august, september, 300, Unit.TIME),
        Grant("MESSAGES", august, september, 2, Unit.COUNT),
        Grant("MEGABYTES", august, september, 10_000_000, Unit.DATA),
    )
    assert buckets_wanted(book.owner, tariff, september - 1) == wanted
    assert buckets_wanted(book.owner, tariff, september)[0].from_us == september
    assert buckets_wanted(book.owner, tariff, august - 1)[0].to_us == august
    first = book.owner._replace(bill_day=1)
    assert buckets_wanted(first, tariff, august)[0].from_us < august


def test_a_package_that_is_gone_grants_nothing() -> None:
    """Usage of a customer on an unknown package waits; it is not given allowances meanwhile."""
    tariff = Customer(read(TABLES[0])).tariff
    owner = Owner(-FOREVER_US, FOREVER_US, 1, 1, 1, Terms("GONE", "GBP", "UTC"), 1)
    assert buckets_wanted(owner, tariff, 0) == ()
