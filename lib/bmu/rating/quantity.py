"""Quantities and what they are priced by, in words."""

from bmu.usage import Unit

_ONE = {
    Unit.TIME: {1: "second", 60: "minute", 3600: "hour"},
    Unit.DATA: {
        1: "byte",
        1000: "kB",
        1000**2: "MB",
        1000**3: "GB",
        1024: "KiB",
        1024**2: "MiB",
        1024**3: "GiB",
    },
    Unit.COUNT: {1: "event"},
}


def quantity_text(unit: Unit, quantity: int) -> str:
    """Write a quantity in its base unit ("61 s", "1,024 bytes", "3")."""
    match unit:
        case Unit.TIME:
            return f"{quantity:,} s"
        case Unit.DATA:
            return f"{quantity:,} {'byte' if quantity == 1 else 'bytes'}"
        case Unit.COUNT:
            return f"{quantity:,}"


def per_text(unit: Unit, per: int) -> str:
    """Write what a price is for ("minute", "30 s", "MB")."""
    return _ONE[unit].get(per) or quantity_text(unit, per)
