"""Usage of one class that is another's, by where it takes place and what its record says."""

from collections.abc import Iterable
from typing import NamedTuple

from bmu.rating.condition import compile_condition
from bmu.rating.fields import Asked, on_terms, refusing
from bmu.rating.owner import Terms
from bmu.rating.places import Places
from bmu.rating.rows import ReclassRow
from bmu.usage import UDR


class Rule(NamedTuple):
    """
    One rule for one class.

    Shapes:
        places: indexes of locations and of location groups; none: anywhere.
    """

    becomes: str
    places: frozenset[int] | None
    asked: tuple[Asked, ...]


def rules_of(row: ReclassRow, usage_class: str, terms: Terms, known: Places) -> tuple[Rule, ...]:
    """Give the rules for a class that may fit on these terms, in order."""
    found = []
    for rule in row.rules:
        if rule.usage_class != usage_class:
            continue
        left = on_terms(map(compile_condition, rule.conditions), terms)
        if left.refused is None:
            places = rule.locations
            where = None if places is None else known.area(places)
            found.append(Rule(rule.becomes, where, left.asked))
    return tuple(found)


def reclassified(rules: Iterable[Rule], udr: UDR, lineage: tuple[int, ...]) -> str | None:
    """
    Give the class that an event is of by the first rule that fits; none: it stays what it is.

    Shapes:
        lineage: the places that the event took place in; empty where that isn't known.
    """
    for rule in rules:
        if rule.places is not None and rule.places.isdisjoint(lineage):
            continue
        if refusing(rule.asked, udr) is None:
            return rule.becomes
    return None
