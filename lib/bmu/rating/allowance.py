"""What a bucket type grants: for which period, how much, and what one period leaves to the next."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

from bmu.money import Rounding, divide
from bmu.period import FOREVER_US, local_day, midnight, month_start, to_us
from bmu.rating.bucket import BucketPart, BucketState, Grant
from bmu.rating.kinds import (
    BucketKind,
    BucketScope,
    Frequency,
)
from bmu.rating.offers import (
    BucketTier,
    BucketTypeRow,
)
from bmu.usage import Unit

_DAYS = {Frequency.DAY: 1, Frequency.WEEK: 7}
_MONTHS = {Frequency.MONTH: 1, Frequency.YEAR: 12, Frequency.NEVER: 1}


class Anchor(NamedTuple):
    """
    What the periods of an allowance are counted from.

    Units:
        zone, bill_day: the account's; bill_day is 1 to 28.
        start_us, end_us: when its service (its account, its share plan) begins and ends; what is granted on
            first use begins with that.
    """

    zone: str
    bill_day: int
    start_us: int
    end_us: int = FOREVER_US


class Turn(NamedTuple):
    """
    One period of an allowance.

    Shapes:
        number: 0 is the one in which it began.

    Units:
        first, end: days in the account's zone, of the whole period [first, end); no end where there is none.
        from_us, to_us: when it may be drawn from, [from_us, to_us): until it expires.
    """

    number: int
    first: date
    end: date | None
    from_us: int
    to_us: int


def turn_at(row: BucketTypeRow, anchor: Anchor, us: int) -> Turn | None:
    """
    Give the period that an instant lies in; none where the allowance has expired, or, granted once, not begun.

    Months and years run from the bill day, days and weeks from the day that the service began; so does what is
    granted on first use, from the day of that.
    """
    start = local_day(anchor.start_us, anchor.zone)
    number = 0 if row.recurrence is Frequency.NEVER else _number(row, anchor, start, us)
    if row.recurrence is Frequency.NEVER:
        first, end = start, None
    else:
        first, end = (_begins(row, anchor, start, n) for n in (number, number + 1))
    from_us = to_us(midnight(first, anchor.zone))
    until = FOREVER_US if end is None else to_us(midnight(end, anchor.zone))
    until = min(until, _expires_us(row, anchor, start))
    return Turn(number, first, end, from_us, until) if from_us <= us < until else None


def later(day: date, frequency: Frequency, times: int) -> date:
    """
    Give the day so many days, weeks, months or years later; a month without that day gives its last one.

    Units:
        times: may be negative; of NEVER, months.
    """
    if frequency in _DAYS:
        return day + timedelta(days=_DAYS[frequency] * times)
    months = day.year * 12 + day.month - 1 + _MONTHS[frequency] * times
    first = date(months // 12, months % 12 + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return last if day.day > last.day else first.replace(day=day.day)


def grant_of(
    row: BucketTypeRow, anchor: Anchor, us: int, *, measured: int = 0, brought: int = 0
) -> Grant | None:
    """
    Give what is granted for the period that an instant lies in; none where there is nothing to grant.

    Shapes:
        measured: of a type whose size another class makes, that class's quantity in the period so far.
        brought: to a share plan's bucket, what services bring at the start of the period; its first tier grows.
    """
    turn = turn_at(row, anchor, us)
    if turn is None:
        return None
    first = row.quantity if row.size_by is None else sized(row, measured)
    tiers = [BucketTier(first + brought, row.flat_e11), *row.tiers]
    if row.prorated and turn.end is not None:
        of_days = (turn.end - turn.first).days
        days = min(_active_days(anchor, turn.first, turn.end), of_days)
        tiers = [
            BucketTier(prorated(tier.quantity, days, of_days), tier.flat_e11) for tier in tiers
        ]
    tiered = row.tiers or row.flat_e11 or row.repeat_last
    return Grant(
        code=row.code,
        from_us=turn.from_us,
        to_us=turn.to_us,
        quantity=sum(tier.quantity for tier in tiers),
        unit=row.unit,
        kind=row.kind,
        scope=row.scope,
        tiers=tuple(tiers) if tiered else (),
        repeat_last=row.repeat_last,
    )


def full(grant: Grant, id_: int, account_id: int, account_service_id: int = 0) -> BucketState:
    """Give the working copy of a bucket that was just granted; without a service it is the account's."""
    return BucketState(
        id=id_,
        account_service_id=account_service_id,
        code=grant.code,
        from_us=grant.from_us,
        to_us=grant.to_us,
        balance=grant.quantity,
        granted=grant.quantity,
        account_id=account_id,
        for_tree=grant.scope is BucketScope.TREE,
        part=grant.part,
        tiers=grant.tiers,
        repeat_last=grant.repeat_last,
        since_us=grant.since_us,
    )


def grants_of(rows: Iterable[BucketTypeRow], anchor: Anchor, us: int) -> tuple[Grant, ...]:
    """Give what all of a package's bucket types grant for the periods that an instant lies in."""
    grants = (grant_of(row, anchor, us) for row in rows)
    return tuple(grant for grant in grants if grant is not None)


def prorated(quantity: int, days: int, of_days: int) -> int:
    """Give the part of a quantity for *days* of a period of so many, rounded half up to whole units."""
    return divide(quantity * days, of_days, Rounding.HALF_UP)


def sized(row: BucketTypeRow, measured: int) -> int:
    """
    Give the size that a quantity of another class makes: in proportion; counts are rounded down, others half up.

    Sizes only grow with what is measured, so the difference of two is what the later one grants in addition.
    """
    assert row.size_per, row
    counts = row.unit is Unit.COUNT and row.kind is BucketKind.USAGE
    mode = Rounding.DOWN if counts else Rounding.HALF_UP
    return divide(row.quantity * measured, row.size_per, mode)


def growth(row: BucketTypeRow, measured: int, quantity: int) -> int:
    """Give what a bucket of a type whose size another class makes grows by when so much more of that is measured."""
    return sized(row, measured + quantity) - sized(row, measured)


def whole_units(quantity: int, of: int) -> int:
    """Make a size that is *quantity* / *of* base units whole: half up (0.1 MiB is 104,858 bytes)."""
    return divide(quantity, of, Rounding.HALF_UP)


def carried(
    row: BucketTypeRow, anchor: Anchor, ended: BucketState, others: Iterable[BucketState] = ()
) -> Grant | None:
    """
    Give what a bucket of an ended period leaves to the next ones; none where nothing is carried.

    What is left of tiers without a flat charge is carried, once: carried amounts live until used or expired, and
    are not carried again. All that is carried at a time is at most the type's rollover_max.

    Shapes:
        ended: the period's bucket, before the rest of it lapses.
        others: amounts carried before.
    """
    if not row.rollover or ended.part is BucketPart.CARRIED:
        return None
    turn = turn_at(row, anchor, ended.from_us)
    if turn is None or turn.end is None or turn_at(row, anchor, ended.to_us) is None:
        return None
    until = FOREVER_US
    if row.rollover_periods is not None:
        start = local_day(anchor.start_us, anchor.zone)
        end = _begins(row, anchor, start, turn.number + 1 + row.rollover_periods)
        until = to_us(midnight(end, anchor.zone))
    until = min(until, _expires_us(row, anchor, local_day(anchor.start_us, anchor.zone)))
    quantity = min(_free_left(ended), ended.balance)
    if row.rollover_max is not None:
        alive = sum(
            each.balance
            for each in others
            if each.part is BucketPart.CARRIED and each.to_us > ended.to_us
        )
        quantity = min(quantity, max(0, row.rollover_max - alive))
    if not quantity or until <= ended.to_us:
        return None
    return Grant(
        code=row.code,
        from_us=ended.to_us,
        to_us=until,
        quantity=quantity,
        unit=row.unit,
        kind=row.kind,
        scope=row.scope,
        part=BucketPart.CARRIED,
        since_us=ended.from_us,
    )


def activated_us(
    quantity: int | None, until_us: int | None, uses: Iterable[tuple[int, int]], now_us: int
) -> int | None:
    """
    Tell when billing on first use begins: with the use that makes the sum reach *quantity*, or at *until_us*.

    Shapes:
        uses: (instant, quantity) of all services of a package, in the order of their instants.
        quantity, until_us: none: that alone never begins it.
        Result: none: not until *now_us*.
    """
    total = 0
    begun = FOREVER_US if until_us is None else until_us
    for started_us, used in uses:
        total += used
        if quantity is not None and total >= quantity:
            begun = min(begun, started_us)
            break
    return begun if begun <= now_us else None


def _number(row: BucketTypeRow, anchor: Anchor, start: date, us: int) -> int:
    """Count periods from the one in which the service began to the one of an instant."""
    day = local_day(us, anchor.zone)
    if row.recurrence in _DAYS:
        return (day - start).days // (_DAYS[row.recurrence] * row.every)
    first = _first(row, anchor, start)
    months = (day.year - first.year) * 12 + day.month - first.month
    number = months // (_MONTHS[row.recurrence] * row.every)
    # Later in its month than the day, or not yet.
    return number if _begins(row, anchor, start, number) <= day else number - 1


def _first(row: BucketTypeRow, anchor: Anchor, start: date) -> date:
    if row.recurrence in _DAYS or row.on_first_use:
        return start
    return month_start(start, anchor.bill_day)


def _begins(row: BucketTypeRow, anchor: Anchor, start: date, number: int) -> date:
    """Give the first day of a period by its number."""
    return later(_first(row, anchor, start), row.recurrence, number * row.every)


def _expires_us(row: BucketTypeRow, anchor: Anchor, start: date) -> int:
    """Tell when a type grants no more and what it granted may be used no more."""
    if row.expires_after is None:
        return FOREVER_US
    if row.expires_unit is not None:
        end = later(start, row.expires_unit, row.expires_after)
    elif row.recurrence is Frequency.NEVER:
        end = later(start, Frequency.MONTH, row.expires_after)
    else:
        end = _begins(row, anchor, start, row.expires_after)
    return to_us(midnight(end, anchor.zone))


def _active_days(anchor: Anchor, first: date, end: date) -> int:
    """Count the days of a period on which the service is there; the day it ends on is not one."""
    if anchor.end_us < FOREVER_US:
        end = min(end, local_day(anchor.end_us, anchor.zone))
    return max(0, (end - max(first, local_day(anchor.start_us, anchor.zone))).days)


def _free_left(bucket: BucketState) -> int:
    """Give what is left in tiers without a flat charge."""
    if not bucket.tiers:
        return bucket.balance
    left, start = 0, 0
    for tier in bucket.tiers:
        if not tier.flat_e11:
            left += max(0, start + tier.quantity - max(start, bucket.used))
        start += tier.quantity
    return left
