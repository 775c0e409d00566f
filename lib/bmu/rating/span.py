"""Validity in days, placed on the line of instants."""

from datetime import date

from bmu.period import FOREVER_US, midnight, to_us

# Before every event.
NEVER_US = -FOREVER_US


def day_span(first: date | None, end: date | None, zone: str) -> tuple[int, int]:
    """Give the instants [from, to) of the days [first, end) in a zone; none means unbounded."""
    return (
        NEVER_US if first is None else to_us(midnight(first, zone)),
        FOREVER_US if end is None else to_us(midnight(end, zone)),
    )
