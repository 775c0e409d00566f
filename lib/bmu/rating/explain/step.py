"""One step of the reasoning: for whoever reads, and for whoever computes on."""

from collections.abc import Mapping
from typing import NamedTuple


class Step(NamedTuple):
    """
    One step of the reasoning.

    Shapes:
        facts: the same as JSON data: amounts are decimal texts (fractions where that has no end),
            quantities whole numbers of base units.
    """

    title: str
    text: str
    facts: Mapping[str, object]
