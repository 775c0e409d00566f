"""Figures as records write them, exact."""

import re
from fractions import Fraction

DIGITS_MAX = 30

_FIGURE = re.compile(r"([+-]?)([0-9]{1,30})(?:\.([0-9]{1,15}))?", re.ASCII)

Figure = int | Fraction


def figure_of(text: str) -> Figure | None:
    """Give the figure that a text is, like ``17``, ``-0.5``; of any other text nothing."""
    if text.isdecimal() and text.isascii() and len(text) <= DIGITS_MAX:
        return int(text)
    found = _FIGURE.fullmatch(text)
    if found is None:
        return None
    sign, whole, decimals = found.groups("")
    value = int(sign + whole + decimals)
    return Fraction(value, 10 ** len(decimals)) if decimals else value
