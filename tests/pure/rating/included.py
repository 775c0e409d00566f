"""Builders of bucket types, buckets and prices for the tests of allowances."""

from collections.abc import Iterable
from datetime import UTC, datetime

from bmu.money import ONE_E11
from bmu.period import FOREVER_US, to_us
from bmu.rating import BucketState, BucketTypeRow, Frequency, Grant
from bmu.rating.allowance import Anchor, grant_of
from bmu.rating.drawing import Pricing, Taker, drawing, nearness, take
from bmu.rating.draws import Drawing
from bmu.usage import Unit

MB = 10**6
GB = 10**9
POUND = ONE_E11
JULY = to_us(datetime(2026, 7, 1, tzinfo=UTC))
AUGUST = to_us(datetime(2026, 8, 1, tzinfo=UTC))
SEPTEMBER = to_us(datetime(2026, 9, 1, tzinfo=UTC))
IN_JULY = JULY + 1
IN_AUGUST = AUGUST + 1
SINCE_JULY = Anchor("UTC", 1, JULY)


def instant(year: int, month: int, day: int, hour: int = 0) -> int:
    """An instant of UTC."""
    return to_us(datetime(year, month, day, hour, tzinfo=UTC))


def kind_of(code: str, quantity: int, **more: object) -> BucketTypeRow:
    """A type of bucket: of data, monthly, for one service, everywhere, where nothing else is said."""
    terms = {
        "unit": Unit.DATA,
        "recurrence": Frequency.MONTH,
        "usage_classes": ("data",),
        "locations": None,
        **more,
    }
    return BucketTypeRow(id=1, code=code, name=code, quantity=quantity, **terms)  # type: ignore[arg-type]


def bucket_of(number: int, grant: Grant | BucketTypeRow, **more: object) -> BucketState:
    """A full bucket, of a grant or of a type, for ever."""
    if isinstance(grant, BucketTypeRow):
        made = grant_of(grant, SINCE_JULY, IN_JULY)
        assert made is not None
        grant = made._replace(from_us=-FOREVER_US, to_us=FOREVER_US)
    terms = {
        "account_service_id": 1,
        "from_us": grant.from_us,
        "to_us": grant.to_us,
        "balance": grant.quantity,
        "granted": grant.quantity,
        "part": grant.part,
        "tiers": grant.tiers,
        "repeat_last": grant.repeat_last,
        "since_us": grant.since_us,
        **more,
    }
    return BucketState(id=number, code=grant.code, **terms)  # type: ignore[arg-type]


def takers_of(
    rows: Iterable[BucketTypeRow],
    usage_class: str = "data",
    lineage: tuple[str, ...] = (),
    groups: dict[str, tuple[str, ...]] | None = None,
) -> dict[str, Taker]:
    """The types that take an event of a class at a place, all hours."""
    near = {row.code: (row, nearness(row, usage_class, lineage, groups or {})) for row in rows}
    return {code: Taker(row, how) for code, (row, how) in near.items() if how is not None}


def per_unit(price_e11: int) -> Pricing:
    """So much for each base unit, by whatever plan."""
    return lambda quantity, _: quantity * price_e11


def use(
    shelf: list[BucketState],
    rows: Iterable[BucketTypeRow],
    quantity: int,
    pricing: Pricing | None = None,
    started_us: int = IN_JULY,
) -> Drawing:
    """Draw for one event, and keep it."""
    made = drawing(shelf, takers_of(rows), started_us, quantity, pricing or per_unit(POUND))
    assert made is not None
    take(made, shelf, started_us)
    return made
