"""Single events rated as those of files are, to be written together with what is told of them."""

from collections.abc import Iterator
from typing import NamedTuple

from bmu.rating import Owner, Tariff, Unrated
from bmu.usage import UDR
from bmuid.intake import charging, inorder, rolling
from bmuid.intake.drawable import Drawable
from bmuid.intake.loops import by_day
from bmuid.intake.pricing import Needs
from bmuid.realtime.counter import Counter
from bmuid.store import charges, draws
from bmuid.store.at_once import Into
from bmuid.store.days import partition
from bmuid.store.transaction import Transaction
from bmuid.store.udrs import Priced


class Charged(NamedTuple):
    """
    What becomes of events of known owners; nothing of it is written yet.

    Shapes:
        priced: by the number of their day.
        lost: what has no price, and why.
        there: what was drawn from.
    """

    priced: list[tuple[int, Priced]]
    lost: list[tuple[UDR, Unrated]]
    there: Drawable


def rate_known(
    txn: Transaction,
    counter: Counter,
    tariff: Tariff,
    needs: Needs,
    usage: tuple[list[UDR], list[Owner]],
) -> Charged:
    """
    Rate events account by account, within one in the order of arrival, as `charging.charge` does.

    Shapes:
        needs: what usage needs is there.
        usage: events and their owners, parallel, in the order of arrival.
    """
    events, owners = inorder.in_turn(needs.allowances, *usage)
    if not events:
        return Charged([], [], Drawable({}, {}, {}))
    there = charging.drawable(txn, tariff, needs, owners)
    rated = inorder.rate_in_order(txn, tariff, there, events, owners)
    rolling.carry_in(txn, there)
    found, lost = by_day(events, owners, rated)
    priced = [
        (day, Priced(counter.new_ids(txn, len(of_events)), of_events, of_owners, of_rated))
        for day, of_events, of_owners, of_rated in found
    ]
    return Charged(priced, lost, there)


def rows(charged: Charged, file_id: int, revision: int, rated_us: int) -> Iterator[Into]:
    """Give the rows that charge events of one file."""
    drawn = []
    for day, priced in charged.priced:
        of_charges = charges.unencoded(priced, file_id, revision, rated_us)
        yield Into(partition("charge", day), charges.COLUMNS, of_charges)
        granted, of_draws = draws.unencoded(priced, charged.there.elsewhere)
        of_day = partition("draw", day)
        if granted.sources[0]:
            yield Into(of_day, draws.COLUMNS, granted)
        if of_draws.sources[0]:
            drawn.append(Into(of_day, draws.COLUMNS, of_draws))
    yield from drawn
