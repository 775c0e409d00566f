"""Bars of cost per day, in whole numbers: a drawing has no use for floats either."""

from __future__ import annotations

# The drawing's own units; the browser stretches them to the space there is.
HEIGHT = 1000
SLOT = 100
BAR = 68
BAR_HEIGHT_MIN = 8


class Bar:
    """One day's bar: its place and size in the drawing."""

    __slots__ = ("height", "x", "y")

    def __init__(self, x: int, height: int) -> None:
        self.x = x
        self.y = HEIGHT - height
        self.height = height


def bars(costs_e11: list[int], top_e11: int) -> list[Bar]:
    """
    Place a bar for each cost; one of *top_e11* reaches the top.

    A day that cost anything shows, however little it was; a credit has no bar.
    """
    made = []
    for at, cost in enumerate(costs_e11):
        height = max(BAR_HEIGHT_MIN, cost * HEIGHT // top_e11) if cost > 0 else 0
        made.append(Bar(at * SLOT + (SLOT - BAR) // 2, height))
    return made


def top_of(costs_e11: list[int]) -> int:
    """Give the smallest 1, 2 or 5 times a power of ten that no cost is above (e11; at least 1)."""
    highest = max(1, *costs_e11)
    step = 1
    while step * 10 < highest:
        step *= 10
    return next(step * times for times in (1, 2, 5, 10) if step * times >= highest)
