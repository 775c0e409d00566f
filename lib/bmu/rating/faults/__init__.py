"""What is wrong with a catalogue, all of it at once: rows that don't fit each other."""

from bmu.rating.faults.fault import Fault
from bmu.rating.faults.known import Known
from bmu.rating.faults.places import place_faults
from bmu.rating.faults.prices import price_faults
from bmu.rating.faults.sales import sale_faults
from bmu.rating.faults.times import time_faults
from bmu.rating.offers import TariffRows

__all__ = ["Fault", "validate"]


def validate(rows: TariffRows) -> tuple[Fault, ...]:
    """Find all that keeps a catalogue from being used; ids are not looked at."""
    known = Known(rows)
    return (
        *place_faults(rows, known),
        *time_faults(rows, known),
        *price_faults(rows, known),
        *sale_faults(rows, known),
    )
