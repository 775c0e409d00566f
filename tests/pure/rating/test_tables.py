"""The tables beside this file: tariffs and events as a billing clerk writes them, with what they cost."""

from pathlib import Path

import pytest
from pure.rating.book import Book, Event, read

from bmu.money import decimal_text
from bmu.rating import (
    BucketState,
    CompanyTerms,
    Rated,
    Tariff,
    Unrated,
    buckets_wanted,
    by_service,
    compile_tariff,
    rate,
    rate_batch,
)

TABLES = sorted((Path(__file__).parent / "tables").glob("*.table"))


class Customer:
    """The customer of one table, whose allowances are granted as they fall due."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.rows = book.rows()
        self.tariff: Tariff = compile_tariff(self.rows, 1, CompanyTerms(book.company))
        self.buckets: dict[tuple[str, int], BucketState] = {}

    def grant(self, event: Event) -> None:
        """Give the allowances of the event's month, if not yet given."""
        for due in buckets_wanted(self.book.owner, self.tariff, event.udr.started_us):
            state = BucketState(
                len(self.buckets) + 1, 1, due.code, due.from_us, due.to_us, due.quantity
            )
            self.buckets.setdefault((due.code, due.from_us), state)

    def rate(self, event: Event) -> Rated | Unrated:
        """Rate one event."""
        self.grant(event)
        buckets = by_service(self.buckets.values()).get(1, ())
        return rate(event.udr, self.book.owner, self.tariff, buckets)

    def say(self, outcome: Rated | Unrated) -> tuple[str, ...]:
        """Write an outcome as the tables do."""
        if isinstance(outcome, Unrated):
            return (outcome.reason.value,)
        return (
            str(outcome.rounded),
            str(outcome.billable),
            decimal_text(outcome.amount_e11),
            decimal_text(outcome.tax_e11),
            next(row.code for row in self.rows.rates if row.id == outcome.rate_id),
        )


# One case an event; those before it in its table come first.
CASES = [
    pytest.param(book, number, id=event.place)
    for book in map(read, TABLES)
    for number, event in enumerate(book.events)
]


@pytest.mark.parametrize(("book", "number"), CASES)
def test_an_event_costs_what_the_clerk_worked_out(book: Book, number: int) -> None:
    """Each line of a table is counted, priced and taxed as its clerk says, or waits for that reason."""
    customer = Customer(book)
    outcomes = [customer.rate(event) for event in book.events[: number + 1]]
    assert customer.say(outcomes[-1]) == book.events[number].wanted


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_batch_costs_what_its_events_cost(path: Path) -> None:
    """A file of calls costs what they cost one by one."""
    book = read(path)
    customer = Customer(book)
    for event in book.events:
        customer.grant(event)
    outcomes = rate_batch(
        [event.udr for event in book.events],
        [book.owner for _ in book.events],
        customer.tariff,
        by_service(customer.buckets.values()),
    )
    assert [customer.say(outcome) for outcome in outcomes] == [
        event.wanted for event in book.events
    ]


def test_the_tables_are_read() -> None:
    """No table is forgotten, and none is empty."""
    assert len(TABLES) >= 6
    assert all(read(path).events for path in TABLES)
