"""The filters of a profile, made quick: which records are no usage."""

from collections.abc import Callable, Mapping, Sequence

from bmu.mediation.figure import Figure, figure_of
from bmu.mediation.profile import Condition, Filter, Match
from bmu.mediation.reject import shown
from bmu.pattern import Automaton

Holds = Callable[[Sequence[str]], bool]
# Place of a field, texts, whether it must be one of them; then what else must hold, and of which filter.
Step = tuple[int, frozenset[str], bool, Sequence[Holds], Filter]
_ALWAYS: frozenset[str] = frozenset()


class Sieve:
    """Tells which records are no usage, by filters in their order."""

    __slots__ = ("_places", "_steps", "filters")

    def __init__(self, filters: Sequence[Filter], places: Mapping[str, int]) -> None:
        self.filters = tuple(filters)
        self._places = places
        self._steps = [_step(each, places) for each in filters]

    def dropped_by(self, fields: Sequence[str]) -> Filter | None:
        """Give the first filter that drops the record."""
        for place, texts, one_of, others, found in self._steps:
            if (fields[place] in texts) is one_of and all(test(fields) for test in others):
                return found
        return None

    def why(self, found: Filter, fields: Sequence[str]) -> str:
        """Say in words why a filter dropped the record."""
        read = [f"{c.field} is {shown(fields[self._places[c.field]])}" for c in found.conditions]
        return f"{found.name}: {', '.join(read)}"


def _step(found: Filter, places: Mapping[str, int]) -> Step:
    """Split off the first condition, which decides for nearly every record, where it is a plain one."""
    first, *others = found.conditions
    if first.match not in {Match.IS, Match.IS_NOT}:
        return 0, _ALWAYS, False, [holds(c, places) for c in found.conditions], found
    texts, one_of = frozenset(first.texts), first.match is Match.IS
    return places[first.field], texts, one_of, [holds(c, places) for c in others], found


def holds(condition: Condition, places: Mapping[str, int]) -> Holds:
    """Give what tells of a row whether a condition holds."""
    place, texts = places[condition.field], frozenset(condition.texts)
    match condition.match:
        case Match.IS:
            return lambda fields: fields[place] in texts
        case Match.IS_NOT:
            return lambda fields: fields[place] not in texts
        case Match.PREFIX:
            return lambda fields: fields[place].startswith(condition.texts)
        case Match.LIKE:
            like = Automaton(condition.texts[0]).matches
            return lambda fields: like(fields[place])
        case Match.RANGE:
            return _in_range(place, *map(figure_of, condition.texts))


def all_hold(conditions: Sequence[Condition], places: Mapping[str, int]) -> Holds | None:
    """Give what tells of a row whether all conditions hold; None where there are none."""
    tests = [holds(each, places) for each in conditions]
    if len(tests) < 2:
        return tests[0] if tests else None
    return lambda fields: all(test(fields) for test in tests)


def _in_range(place: int, least: Figure | None, most: Figure | None) -> Holds:
    def is_within(fields: Sequence[str]) -> bool:
        figure = figure_of(fields[place])
        return (
            figure is not None
            and (least is None or least <= figure)
            and (most is None or figure <= most)
        )

    return is_within
