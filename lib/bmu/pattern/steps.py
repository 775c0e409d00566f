"""A pattern taken apart into numbered steps: each waits for a character, or leads on to others without one."""

from collections.abc import Callable

from bmu.pattern.regex import Chain, Choice, Group, Node, One, Repeat


class Steps:
    """
    What patterns are built into; what a group is besides its part is said by who builds.

    Errors:
        ValueError: with its repetitions the pattern is too long.
    """

    def __init__(self, pattern: str, visits_max: int) -> None:
        self._pattern = pattern
        self._visits_left = visits_max
        self._tests: list[Callable[[str], bool] | None] = []
        self._ways: list[tuple[int, ...]] = []

    def _add(self, test: Callable[[str], bool] | None, ways: tuple[int, ...]) -> int:
        self._tests.append(test)
        self._ways.append(ways)
        return len(self._tests) - 1

    def _group(self, group: Group, then: int) -> int:
        """Add the steps of a group."""
        return self._build(group.part, then)

    def _too_long(self) -> ValueError:
        return ValueError(f"with its repetitions too long: {self._pattern[:60]!r}; repeat less")

    def _build(self, node: Node, then: int) -> int:
        """Add the steps of a part that leads on to *then*; give the one it begins with."""
        # Counts visits, not steps: what is repeated may be empty and add none.
        self._visits_left -= 1
        if self._visits_left < 0:
            raise self._too_long()
        match node:
            case One(fits):
                return self._add(fits, (then,))
            case Chain(parts):
                for part in reversed(parts):
                    then = self._build(part, then)
                return then
            case Choice(choices):
                return self._add(None, tuple([self._build(each, then) for each in choices]))
            case Group():
                return self._group(node, then)
            case Repeat(part, least, most):
                return self._repeat(part, least, most, then)

    def _repeat(self, part: Node, least: int, most: int | None, then: int) -> int:
        end = then
        if most is None:
            then = self._add(None, ())
            self._ways[then] = (self._build(part, then), end)
        else:
            for _ in range(most - least):
                then = self._add(None, (self._build(part, then), end))
        for _ in range(least):
            then = self._build(part, then)
        return then
