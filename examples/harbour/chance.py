"""Repeatable chance: the same seed gives the same choices on every machine, with every Python.

Only `random.Random.random()` is used, whose sequence Python promises to keep, and whole numbers.
"""

import random
from collections.abc import Sequence
from typing import TypeVar

Choice = TypeVar("Choice")


class Chance:
    """A sequence of choices that depends on the seed alone."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed).random  # noqa: S311  invented calls, no secret

    def below(self, limit: int) -> int:
        """A whole number from 0 to limit - 1."""
        return int(self._draw() * limit)

    def percent(self, part: int) -> bool:
        """True in `part` of a hundred cases."""
        return self.below(100) < part

    def pick(self, options: Sequence[Choice]) -> Choice:
        """One of the options, each as likely as the others."""
        return options[self.below(len(options))]

    def weighted(self, options: Sequence[tuple[Choice, int]]) -> Choice:
        """One of the (option, weight) pairs' options, as likely as its weight says."""
        left = self.below(sum(weight for _, weight in options))
        for option, weight in options:
            left -= weight
            if left < 0:
                return option
        raise AssertionError
