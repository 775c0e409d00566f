"""What the groups of a pattern find in a text, in a time that grows with the text and nothing else."""

import re
from collections.abc import Callable, Iterator
from math import comb

from bmu.pattern.regex import Chain, Group, Node, One, Repeat, parse
from bmu.pattern.steps import Steps

_STATES_MAX = 2_000
# So many parts are looked at while a pattern is built, the empty ones with them.
_VISITS_MAX = 100_000
_MOVES_MAX = 4_000
# As many ways through a pattern are tried one after the other, in less time than a walk of all at once takes.
_WAYS_MAX = 2_000
_SHORT_MAX = 1_000
# What Python warns of in classes, since it may come to mean something.
_WARNED = ("--", "&&", "||", "~~")

Marks = tuple[int, ...]
# Of each thread behind a character: the one before it that it came from, and the marks on the way.
_Back = tuple[tuple[int, Marks], ...]


class Finder:
    """
    A pattern as `bmu.pattern.parse` reads it, that tells what each of its groups stands for.

    Where there are several ways to read a text, it is the one that Python's `re` would find: of alternatives the
    first that leads to the end, of repetitions the most; but none is gone through once more for nothing.

    Shapes:
        groups: how many there are.
    """

    __slots__ = ("_match", "_moves", "_places", "_program", "_short", "_start", "groups")

    def __init__(self, pattern: str) -> None:
        self._program = _Program(pattern)
        self.groups = self._program.groups
        self._start = _Place(tuple(self._program.ahead(0, set())), self._program)
        self._forget()
        self._short = _short(pattern)
        self._match = re.compile(pattern).fullmatch if self._short else None

    def find(self, text: str) -> tuple[str, ...] | None:
        """Give the whole text and what each group found, an empty text for one that was not gone through."""
        if self._match is not None and len(text) <= self._short:
            match = self._match(text)
            return None if match is None else (text, *match.groups(""))
        at = self._start
        way: list[_Back] = []
        keep = way.append
        for char in text:
            found = at.after.get(char) or self._move(at, char)
            at, back = found
            keep(back)
        if at.end < 0:
            return None
        return self._found(text, way, at.end)

    def _found(self, text: str, way: "list[_Back]", thread: int) -> tuple[str, ...]:
        """Go back over the way that led to the end, and note where groups began and ended last."""
        at = [-1] * (2 * self.groups)
        place = len(text)
        for back in reversed(way):
            thread, marks = back[thread]
            if marks:
                _note(at, marks, place)
            place -= 1
        _note(at, self._start.marks[thread], 0)
        return (
            text,
            *[
                text[max(first, 0) : max(last, 0)]
                for first, last in zip(at[::2], at[1::2], strict=True)
            ],
        )

    def _forget(self) -> None:
        self._places = {self._start.states: self._start}
        self._start.after.clear()
        self._moves = 0

    def _move(self, at: "_Place", char: str) -> "tuple[_Place, _Back]":
        """Find where a character leads from all threads at once, and remember it."""
        if self._moves >= _MOVES_MAX:
            self._forget()
        self._moves += 1
        seen: set[int] = set()
        back: list[tuple[int, Marks]] = []
        threads: list[tuple[int, Marks]] = []
        for parent, state in enumerate(at.states):
            then = self._program.after(state, char)
            if then is not None:
                ahead = [*self._program.ahead(then, seen)]
                threads += ahead
                back += [(parent, marks) for _, marks in ahead]
        states = tuple(state for state, _ in threads)
        place = self._places.get(states)
        if place is None:
            place = self._places[states] = _Place(tuple(threads), self._program)
        move = at.after[char] = place, tuple(back)
        return move


def _short(pattern: str) -> int:
    """
    Give the length up to which Python's own matching, which tries one way after the other, has few to try; 0: none.

    Of a pattern that repeats nothing but single characters, and has no alternatives, the ways to read a text are
    those to part it among the repetitions.
    """
    repeats = _repeats(parse(pattern))
    if repeats is None or any(each in pattern for each in _WARNED):
        return 0
    fits = (
        length
        for length in range(_SHORT_MAX, 0, -1)
        if comb(length + repeats, repeats) <= _WAYS_MAX
    )
    return next(fits, 0)


def _repeats(node: Node) -> int | None:
    """Count the repetitions of a pattern; nothing where it has other ones than of characters, or alternatives."""
    match node:
        case One():
            return 0
        case Group(part, _):
            return _repeats(part)
        case Chain(parts):
            counts = [_repeats(part) for part in parts]
            known = [count for count in counts if count is not None]
            return sum(known) if len(known) == len(counts) else None
        case Repeat(One(), least, most):
            return int(least != most)
        case _:
            return None


def _note(at: list[int], marks: Marks, place: int) -> None:
    for mark in reversed(marks):
        if at[mark] < 0:
            at[mark] = place


class _Place:
    """The states some beginning of a text leads to, the best way first, and what is known to follow."""

    __slots__ = ("after", "end", "marks", "states")

    def __init__(self, threads: "tuple[tuple[int, Marks], ...]", program: "_Program") -> None:
        self.states = tuple(state for state, _ in threads)
        self.marks = tuple(marks for _, marks in threads)
        self.end = next((n for n, state in enumerate(self.states) if program.is_end(state)), -1)
        self.after: dict[str, tuple[_Place, _Back]] = {}


class _Program(Steps):
    """The steps of a pattern: one waits for a character, or leads on to others in their order, or marks where it is."""

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern, _VISITS_MAX)
        self._marks: list[int | None] = []
        self.groups = 0
        node = parse(pattern)
        # The first step leads to the beginning of the pattern, which is made last.
        self._add(None, ())
        end = self._add(None, ())
        self._end = end
        self._ways[0] = (self._build(node, end),)

    def is_end(self, state: int) -> bool:
        """Tell whether a state is the end of the pattern."""
        return state == self._end

    def after(self, state: int, char: str) -> int | None:
        """Give the step that a character leads to."""
        test = self._tests[state]
        return self._ways[state][0] if test is not None and test(char) else None

    def ahead(self, first: int, seen: set[int]) -> Iterator[tuple[int, Marks]]:
        """Give the steps reached without a character that wait for one, or are the end, the best way first."""
        left: list[tuple[int, Marks]] = [(first, ())]
        while left:
            state, marks = left.pop()
            if state in seen:
                continue
            seen.add(state)
            if self._tests[state] is not None or state == self._end:
                yield state, marks
                continue
            mark = self._marks[state]
            passed = marks if mark is None else (*marks, mark)
            left += [(way, passed) for way in reversed(self._ways[state])]

    def _add(self, test: Callable[[str], bool] | None, ways: tuple[int, ...]) -> int:
        if len(self._tests) > 2 * _STATES_MAX:
            raise self._too_long()
        self._marks.append(None)
        return super()._add(test, ways)

    def _group(self, group: Group, then: int) -> int:
        self.groups = max(self.groups, group.number)
        last = self._mark(then, 2 * group.number - 1)
        return self._mark(self._build(group.part, last), 2 * group.number - 2)

    def _mark(self, then: int, mark: int) -> int:
        step = self._add(None, (then,))
        self._marks[step] = mark
        return step
