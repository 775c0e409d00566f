"""What part of a period's price a service owes that was held for some of its days only."""

from bmu.money import Rounding, divide
from bmu.period import Period, local_day, to_us


def local_days(period: Period, zone: str) -> int:
    """Count the calendar days of a zone that *period* touches."""
    first = local_day(to_us(period.from_), zone)
    last = local_day(to_us(period.to) - 1, zone)
    return (last - first).days + 1


def prorated_e11(price_e11: int, held: Period, period: Period, zone: str) -> int:
    """
    Give the price of *held* out of *period*, by calendar days, half up at 11 places.

    A day begun is a day held: a service that starts or ends at noon owes that day.
    """
    days = local_days(held, zone)
    return divide(price_e11 * days, local_days(period, zone), Rounding.HALF_UP)
