"""Figures, instants and events as a customer reads them: exact, and cut only where that is said."""

from collections.abc import Sequence
from datetime import date, datetime
from fractions import Fraction

from bmu.money import ONE_E11, decimal_text
from bmu.period import zone_of
from bmu.rating.evidence import Evidence
from bmu.rating.quantity import quantity_text
from bmu.usage import Unit


def event_noun(evidence: Evidence) -> str:
    """Name the event as a customer would."""
    unit = evidence.usage_class.unit
    if unit is Unit.COUNT:
        return "event"
    return "call" if unit is Unit.TIME and evidence.pattern is not None else "session"


def money(evidence: Evidence, amount_e11: int) -> str:
    """Write an amount with its currency."""
    return f"{decimal_text(amount_e11)} {evidence.currency}"


def quantity(evidence: Evidence, base_units: int) -> str:
    """Write a quantity in the base unit of the event's class."""
    return quantity_text(evidence.usage_class.unit, base_units)


def exact(amount_e11: Fraction) -> str:
    """Write an amount that may have no last digit, cut after 11 places with "…" where it goes on."""
    whole, rest = divmod(amount_e11.numerator, amount_e11.denominator)
    return f"{decimal_text(whole)}…" if rest else decimal_text(whole)


def fact(amount_e11: Fraction) -> str:
    """Write an amount for whoever computes on: a decimal number, or a fraction where that has no end."""
    return (
        decimal_text(int(amount_e11)) if amount_e11.denominator == 1 else str(amount_e11 / ONE_E11)
    )


def clock(instant: datetime, zone: str) -> str:
    """Write an instant by the local clock."""
    local = instant.astimezone(zone_of(zone))
    return f"{local:%A} {calendar_day(local.date())}, {local:%H:%M:%S} ({zone})"


def calendar_day(day: date) -> str:
    """Write a day."""
    return f"{day.day} {day:%B %Y}"


def listed(texts: Sequence[str]) -> str:
    """Join texts to one list of a sentence."""
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last
