"""Which billing periods of an account are due: months by its bill day, in its time zone."""

from datetime import date, datetime

from bmu.period import Period, local_day, month_period, month_start, next_month, to_us


def due_periods(
    first_held: datetime, billed_to: datetime | None, as_of: date, bill_day: int, zone: str
) -> tuple[Period, ...]:
    """
    Give the periods to bill as of a day, oldest first: those that end on or before it.

    Shapes:
        first_held: when the account's first service began; its period is the first one.
        billed_to: the end of the last period that has an invoice; None before the first.
        as_of: the first day that is not billed any more, in the account's zone.
    """
    begun = month_start(local_day(to_us(first_held), zone), bill_day)
    if billed_to is not None:
        begun = max(begun, month_start(local_day(to_us(billed_to), zone), bill_day))
    periods = []
    while next_month(begun) <= as_of:
        periods.append(month_period(begun, bill_day, zone))
        begun = next_month(begun)
    return tuple(periods)
