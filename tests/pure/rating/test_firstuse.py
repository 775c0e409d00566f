"""Allowances that begin with their first use: which event that is; and what an event lets grow, as a charge keeps it."""

import json
from dataclasses import replace

from pure.rating.included import bucket_of, kind_of
from pure.rating.shop import NOON, PACKAGE, call, owner, priced, shop

from bmu.rating import BucketState, BucketTypeRow, Entry, EntryKind, Frequency, Rated, rate
from bmu.rating.allowance import growth
from bmu.rating.detail import Detail, Grown, detail_of
from bmu.rating.draws import Draw, Drawing
from bmu.rating.firstuse import drawn_first
from bmu.rating.rerate import entries_made
from bmu.rating.tariff import Tariff
from bmu.usage import Unit


def seconds(code: str, quantity: int, **more: object) -> BucketTypeRow:
    """Seconds of calls."""
    return kind_of(code, quantity, unit=Unit.TIME, usage_classes=("voice",), **more)


MONTHLY = seconds("MONTHLY", 100)
PASS = seconds("PASS", 600, recurrence=Frequency.NEVER, on_first_use=True)
EXTRA = seconds("EXTRA", 600, recurrence=Frequency.NEVER, on_first_use=True)
ROWS = (MONTHLY, PASS, EXTRA)


def sells(*rows: BucketTypeRow) -> Tariff:
    """A shop whose package has these allowances."""
    package = replace(PACKAGE, bucket_types=tuple(row.code for row in rows))
    return shop(priced("1"), package=package, bucket_types=rows)


def begun(
    quantity: int, shelf: list[BucketState], *rows: BucketTypeRow, **more: object
) -> list[str]:
    """Give the codes of what a call begins."""
    asleep = [bucket_of(0, row) for row in rows]
    udr = call(quantity, **more)
    return [asleep[n].code for n in drawn_first(udr, owner(), sells(*ROWS), shelf, asleep)]


def test_what_is_covered_begins_nothing() -> None:
    """Only the call that needs more than is there begins the next allowance, and of several only those that it needs."""
    shelf = [bucket_of(1, MONTHLY)]

    assert begun(100, shelf, PASS, EXTRA) == []
    assert begun(101, shelf, PASS, EXTRA) == ["PASS"]
    assert begun(701, shelf, PASS, EXTRA) == ["PASS", "EXTRA"]
    assert begun(1, [], EXTRA) == ["EXTRA"]
    assert shelf[0].balance == 100


def test_what_has_no_price_begins_nothing() -> None:
    """A call of nothing, or of a class that is not sold, is no use."""
    assert begun(0, [], PASS) == []
    assert begun(10, [], PASS, usage_class="unknown") == []


def test_it_does_not_matter_what_it_is_numbered() -> None:
    """Of two that are alike the one that is there is drawn from first."""
    there = bucket_of(9, PASS, balance=10, granted=600)
    assert begun(10, [there], PASS) == []
    assert begun(11, [there], PASS) == ["PASS"]


def test_a_size_grows_by_the_difference() -> None:
    """However usage is cut into events, what they add comes to the size of all of it."""
    row = seconds("BONUS", 60, size_by="data", size_per=600)
    parts = (1, 4, 295, 5, 300, 7)
    measured, grown = 0, []
    for part in parts:
        grown.append(growth(row, measured, part))
        measured += part

    assert sum(grown) == growth(row, 0, sum(parts)) == 61
    assert min(grown) == 0


def test_a_charge_keeps_what_grew_by_it() -> None:
    """To the ledger and back: a grant for each allowance that grew, whatever the event drew itself."""
    rated = rate(call(10, started_us=NOON), owner(), sells(), ())
    assert isinstance(rated, Rated)
    grown = (Grown(7, 10, 3), Grown(8, 10, 0))
    made = Drawing((Draw(5, 4),), 6)
    for detail, drawn in (
        (Detail(grown=grown), ()),
        (Detail(grown=grown, drawing=made), (Entry(5, EntryKind.DRAW, -4),)),
    ):
        kept = detail_of(json.loads(json.dumps(detail.data())))
        assert kept == detail
        assert entries_made(rated._replace(detail=kept)) == (
            *drawn,
            Entry(7, EntryKind.GRANT, 3),
        )
