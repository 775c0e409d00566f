"""What a rate group or a rule asks of an event: tests of texts, each of one field."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from bmu.pattern.automaton import Automaton
from bmu.rating.kinds import Operator
from bmu.rating.rows import ConditionRow

# How many values each operator takes; none: one or more.
_VALUES = {
    Operator.EQUALS: 1,
    Operator.REGEX: 1,
    Operator.RANGE: 2,
    Operator.EMPTY: 0,
    Operator.IN: None,
    Operator.PREFIX: None,
}
_FIELD_LENGTH_MAX = 100


class Condition(NamedTuple):
    """A test of the text of one field."""

    field: str
    fits: Callable[[str], bool]


def compile_condition(row: ConditionRow) -> Condition:
    """
    Make a condition ready to be asked often.

    Shapes:
        row: without faults, as `condition_faults` finds them.
    """
    test = _test(row)
    return Condition(row.field, _not(test) if row.negated else test)


def holds_all(conditions: Iterable[Condition], look_up: Callable[[str], str]) -> bool:
    """
    Tell whether an event is as all the conditions want it; without any it is.

    Shapes:
        look_up: gives the text of a field, empty where the event has no such field.
    """
    return all(condition.fits(look_up(condition.field)) for condition in conditions)


def condition_faults(row: ConditionRow) -> Iterator[str]:
    """Find what keeps a condition from being asked."""
    if not row.field.strip() or len(row.field) > _FIELD_LENGTH_MAX:
        yield f"asks about a field that has no name or a long one: {row.field[:60]!r}"
    wanted, given = _VALUES[row.operator], len(row.values)
    said = f"{row.field[:60]}: {row.operator.value}"
    if wanted is None and not given:
        yield f"{said} takes one value or more, not none"
    elif wanted is not None and wanted != given:
        yield f"{said} takes {wanted} value{'s' * (wanted != 1)}, not {given}"
    else:
        yield from (f"{said} {fault}" for fault in _value_faults(row))


def _value_faults(row: ConditionRow) -> Iterator[str]:
    match row.operator:
        case Operator.PREFIX if "" in row.values:
            yield "has an empty value, which every text begins with"
        case Operator.RANGE if row.values == ("", ""):
            yield "is open at both ends: leave it away"
        case Operator.RANGE if "" not in row.values and not _is_at_most(*row.values):
            yield f"ends with {row.values[1]!r} before it starts with {row.values[0]!r}"
        case Operator.REGEX:
            try:
                Automaton(row.values[0])
            except ValueError as error:
                yield str(error)
        case _:
            pass


def _test(row: ConditionRow) -> Callable[[str], bool]:
    values = row.values
    match row.operator:
        case Operator.EQUALS:
            return values[0].__eq__
        case Operator.IN:
            return frozenset(values).__contains__
        case Operator.PREFIX:
            return lambda text: text.startswith(values)
        case Operator.RANGE:
            return _between(*values)
        case Operator.REGEX:
            return Automaton(values[0]).matches
        case Operator.EMPTY:
            return "".__eq__


def _not(test: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: not test(text)


def _between(first: str, last: str) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        return (not first or _is_at_most(first, text)) and (not last or _is_at_most(text, last))

    return fits


def _is_at_most(one: str, other: str) -> bool:
    """Compare as whole numbers where both are digits, else as texts."""
    if _is_digits(one) and _is_digits(other):
        # By length, then by digits: making numbers of thousands of digits takes long or is refused.
        less, more = one.lstrip("0"), other.lstrip("0")
        return (len(less), less) <= (len(more), more)
    return one <= other


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
