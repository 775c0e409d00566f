"""Whether the whole of a text is like a pattern, in a time that grows with the text and nothing else."""

from collections.abc import Iterable

from bmu.pattern.regex import parse
from bmu.pattern.steps import Steps

_STATES_MAX = 2_000
_MOVES_MAX = 4_000
_END = 0


class Automaton:
    """
    A pattern as `bmu.pattern.parse` reads it, ready to be held against texts.

    All ways through the pattern are gone at once, so none is ever gone twice. Where they lead from here with one
    character is remembered; of memories there are *_MOVES_MAX* at most.
    """

    __slots__ = ("_known", "_moves", "_start", "_states")

    def __init__(self, pattern: str) -> None:
        self._states = _States(pattern)
        self._start = self._states.ahead([self._states.first])
        self._forget()

    def matches(self, text: str) -> bool:
        """Tell whether the pattern describes the whole of *text*."""
        at = self._known[self._start]
        for char in text:
            after = at.after.get(char)
            if after is None:
                after = self._move(at, char)
            if not after.states:
                return False
            at = after
        return _END in at.states

    def _forget(self) -> None:
        self._known = {self._start: _Place(self._start)}
        self._moves = 0

    def _move(self, at: "_Place", char: str) -> "_Place":
        """Find where one character leads from all states at once, and remember it."""
        if self._moves >= _MOVES_MAX:
            self._forget()
        ahead = self._states.after(at.states, char)
        place = self._known.setdefault(ahead, _Place(ahead))
        at.after[char] = place
        self._moves += 1
        return place


class _Place:
    """The states that some beginning of a text leads to, and where each character leads from there."""

    __slots__ = ("after", "states")

    def __init__(self, states: frozenset[int]) -> None:
        self.states = states
        self.after: dict[str, _Place] = {}


class _States(Steps):
    """
    The states of a pattern, by number; 0 is its end.

    A state either waits for a character or leads on without one.
    """

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern, _STATES_MAX)
        self._add(None, ())
        self.first = self._build(parse(pattern), _END)

    def ahead(self, states: Iterable[int]) -> frozenset[int]:
        """Give the states reached without a character that wait for one, or are the end."""
        found, seen, left = set(), set(states), list(states)
        while left:
            state = left.pop()
            if self._tests[state] is not None or state == _END:
                found.add(state)
                continue
            fresh = [way for way in self._ways[state] if way not in seen]
            seen.update(fresh)
            left.extend(fresh)
        return frozenset(found)

    def after(self, states: Iterable[int], char: str) -> frozenset[int]:
        """Give the states that a character leads to from any of these."""
        led: set[int] = set()
        for state in states:
            test = self._tests[state]
            if test is not None and test(char):
                led.update(self._ways[state])
        return self.ahead(led)
