"""Quantities as records write them, made whole base units: one begun counts."""

import re
from collections.abc import Callable, Mapping

from bmu.mediation.profile import Measure
from bmu.mediation.reject import Reason, UnreadError, shown

QUANTITY_DIGITS_MAX = 15

_DECIMAL = re.compile(r"([0-9]{1,15})\.([0-9]{1,9})", re.ASCII)
_CLOCK = re.compile(r"(?:([0-9]{1,6}):)?([0-9]{1,6}):([0-9]{2})(?:\.([0-9]{1,9}))?", re.ASCII)

# Base units (seconds, octets, one) in one of each measure as a fraction, and what a record is expected to say.
_WORTH: Mapping[Measure, tuple[int, int, str]] = {
    Measure.S: (1, 1, "seconds"),
    Measure.MS: (1, 1000, "thousandths of a second"),
    Measure.US: (1, 1_000_000, "millionths of a second"),
    Measure.MIN: (60, 1, "minutes"),
    Measure.H: (3600, 1, "hours"),
    Measure.B: (1, 1, "octets"),
    Measure.KB: (1000, 1, "KB"),
    Measure.KIB: (1024, 1, "KiB"),
    Measure.MB: (1000**2, 1, "MB"),
    Measure.MIB: (1024**2, 1, "MiB"),
    Measure.GB: (1000**3, 1, "GB"),
    Measure.GIB: (1024**3, 1, "GiB"),
    Measure.COUNT: (1, 1, "pieces"),
}


def reader_of(measure: Measure, field: str) -> Callable[[str], int]:
    """Give what reads a quantity; it raises UnreadError for an empty text, and for what is no quantity."""
    if measure is Measure.CLOCK:
        return lambda text: _on_clock(text, field)
    up, down, words = _WORTH[measure]

    def read(text: str) -> int:
        if text.isdecimal() and text.isascii() and len(text) <= QUANTITY_DIGITS_MAX:
            return -(-int(text) * up // down)
        decimal = _DECIMAL.fullmatch(text)
        if decimal is not None:
            scaled = int(decimal[1] + decimal[2])
            units: int = 10 ** len(decimal[2])
            return -(-scaled * up // (down * units))
        raise _unread(text, field, f"a number of {words}")

    return read


def _on_clock(text: str, field: str) -> int:
    found = _CLOCK.fullmatch(text)
    # Minutes go beyond 59 only where no hours stand before them.
    if found is None or int(found[3]) > 59 or (found[1] and int(found[2]) > 59):
        raise _unread(text, field, "a time like 01:23:45 or 83:45")
    begun = int(found[4] or 0) > 0
    return int(found[1] or 0) * 3600 + int(found[2]) * 60 + int(found[3]) + begun


def _unread(text: str, field: str, wanted: str) -> UnreadError:
    if not text:
        return UnreadError(Reason.MISSING_FIELD, f"{field} is empty; expected a value")
    return UnreadError(Reason.BAD_QUANTITY, f"{field} is {shown(text)}; expected {wanted}")
